#!/usr/bin/env bash
# Every comparison with other programs: run.sh [BUILD_FOLDER]. Needs the python of tests/requirements-heavy.txt
# (HONE_PYTHON) and SmolLM2 (scripts/get-model.sh, or HONE_SMOLLM2_GGUF).
set -uo pipefail
cd "$(dirname "$0")"
python=${HONE_PYTHON:-python3}
build=${1:-${HONE:+$(dirname "$HONE")}}
build=$(realpath "${build:-../../build/release}")
failed=
check() {
  echo "== $* =="
  "$python" "$@" || failed="$failed $1"
}

check logits_vs_transformers.py "$build"
check generate_vs_llamacpp.py "$build"
check adapter_vs_llamacpp.py "$build"
check adapters_from_elsewhere.py "$build"
check perplexity_vs_llamacpp.py "$build"
model=$("$python" -c 'import interop_common; print(interop_common.smollm2() or "")')
for script in peft_*.py; do
  if [ -f "$script" ]; then check "$script" "$build/hone" "$model"; fi
done
if [ -f tokenizer_compare.py ]; then check tokenizer_compare.py --tool "$build/tests/interop/tokenize_tool"; fi
check ../install/wheel_test.py
if [ -n "$failed" ]; then
  echo "FAILED:$failed"
  exit 1
fi
echo "all comparisons passed"
