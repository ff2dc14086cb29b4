#!/usr/bin/env bash
# lint.sh format | tidy: clang-format, and clang-tidy over the dev preset's compile commands (nothing is built).
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-format} in
  format)
    echo "== clang-format =="
    git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
    ;;
  tidy)
    echo "== clang-tidy =="
    cmake --preset dev >/dev/null
    # Kernels and peak loops are intrinsics behind instruction sets of their own; tests are macros.
    git ls-files 'src/*.cpp' 'apps/*.cpp' | grep -vE '_test\.cpp$|^src/kernels/|/bench_machine\.cpp$' |
      xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/dev
    ;;
  *) echo "lint.sh format | tidy" >&2; exit 2 ;;
esac
