#!/usr/bin/env bash
# lint.sh format | tidy: clang-format, and clang-tidy over the release build's compile commands.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-format} in
  format)
    echo "== clang-format =="
    git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
    ;;
  tidy)
    echo "== clang-tidy =="
    # Kernels are intrinsics behind per-file instruction sets; tests are macros.
    git ls-files 'src/*.cpp' 'apps/*.cpp' | grep -vE '_test\.cpp$|^src/kernels/' |
      xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/release
    ;;
  *) echo "lint.sh format | tidy" >&2; exit 2 ;;
esac
