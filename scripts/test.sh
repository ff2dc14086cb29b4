#!/usr/bin/env bash
# Installs, builds and runs the tests.
#   scripts/test.sh              release build, unit and command-line tests, light comparisons with other programs
#   scripts/test.sh --lint       also clang-format and clang-tidy, warnings as errors
#   scripts/test.sh --sanitize   also the tests under AddressSanitizer and UBSan
#   scripts/test.sh --interop    also the comparisons that need torch, transformers and peft
set -euo pipefail
cd "$(dirname "$0")/.."
lint= sanitize= interop=
for argument in "$@"; do
  case $argument in
    --lint) lint=1 ;;
    --sanitize) sanitize=1 ;;
    --interop) interop=1 ;;
    *) echo "unknown option $argument; known: --lint --sanitize --interop" >&2; exit 2 ;;
  esac
done

# venv FOLDER REQUIREMENTS: made once, and again when the requirements change.
venv() {
  if [ -f "$1/requirements" ] && cmp -s "$1/requirements" "$2"; then return; fi
  echo "== python environment $1 =="
  rm -rf "$1"
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check -r "$2"
  cp "$2" "$1/requirements"
}

scripts/install-deps.sh ${lint:+--lint}
venv .venv-test tests/requirements-light.txt
if [ -n "$lint" ]; then scripts/lint.sh format; fi
scripts/build.sh release -DHONE_TESTS=ON
export HONE="$PWD/build/release/hone" HONE_PYTHON="$PWD/.venv-test/bin/python"
if [ -n "$lint" ]; then scripts/lint.sh tidy; fi
if [ -n "$sanitize" ]; then
  scripts/build.sh asan-ubsan
  echo "== tests under sanitizers =="
  ctest --preset asan-ubsan
fi
if [ -x tests/interop/run-light.sh ]; then
  echo "== comparisons with gguf, tokenizers and llama.cpp =="
  tests/interop/run-light.sh
fi
if [ -n "$interop" ]; then
  venv .venv-heavy tests/requirements-heavy.txt
  echo "== comparisons with torch, transformers and peft =="
  HONE_PYTHON="$PWD/.venv-heavy/bin/python" tests/interop/run.sh
fi
echo "== tests =="
ctest --preset release
