#!/usr/bin/env bash
# Every comparison with other programs: run.sh [BUILD_FOLDER]. Needs the python of tests/requirements-heavy.txt
# (HONE_PYTHON); gets SmolLM2 and Gemma 3 (scripts/get-model.sh) where HONE_SMOLLM2_GGUF and HONE_GEMMA3_GGUF do not
# name them.
set -uo pipefail
python=${HONE_PYTHON:-python3}
build=${1:-${HONE:+$(dirname "$HONE")}}
build=$(realpath "${build:-$(dirname "$0")/../../build/release}")
cd "$(dirname "$0")"
for model in smollm2 gemma3; do
  found=$("$python" -c "import interop_common; print(interop_common.$model() or '')")
  [ -n "$found" ] || HONE="$build/hone" ../../scripts/get-model.sh "$model"
done

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
check rare_tokens_vs_transformers.py "$build"
for model in smollm2 gemma3; do
  path=$("$python" -c "import interop_common; print(interop_common.$model())")
  for script in peft_*.py; do check "$script" "$build/hone" "$path"; done
done
# Tasks beside lm-evaluation-harness, which reads Hugging Face folders: the same weights for both.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$build/hone" convert "$("$python" -c "import interop_common; print(interop_common.smollm2())")" --output "$folder/hf" --quiet
check lm_eval_parity.py "$build" "$folder/hf" --data tasks
check lm_eval_parity.py "$build" "$folder/hf" --data tasks --tasks arc,piqa,boolq,winogrande,copa --shots 2
check lm_eval_parity.py "$build" "$folder/hf" --data tasks --tasks arc,piqa --chat
check lm_eval_parity.py "$build" "$folder/hf" --data ../data --tasks gsm8k --limit 3
check lm_eval_parity.py "$build" "$folder/hf" --data tasks --tasks ifeval --chat --limit 14 --max-tokens 24
check ifeval_parity.py "$build" "$folder/hf" --data tasks/ifeval.jsonl --max-tokens 64
if [ -f tokenizer_compare.py ]; then check tokenizer_compare.py --tool "$build/tests/interop/tokenize_tool"; fi
check ../install/wheel_test.py
if [ -n "$failed" ]; then
  echo "FAILED:$failed"
  exit 1
fi
echo "all comparisons passed"
