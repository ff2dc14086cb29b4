#!/usr/bin/env bash
# The comparisons that need only tests/requirements-light.txt: token ids, greedy text and an adapter against llama.cpp's
# wheel and Hugging Face's tokenizers. run-light.sh [BUILD_FOLDER]. Perplexity, which needs thousands of tokens
# to be told from llama.cpp's own int8 noise, is in run.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build/release}")
python=${HONE_PYTHON:-.venv-test/bin/python}
python=$(realpath -s "$python")
HONE="$build/hone" scripts/get-model.sh
export HONE_SMOLLM2_GGUF=${HONE_SMOLLM2_GGUF:-${HONE_HOME:-$HOME/.cache/hone}/models/smollm2-135m-instruct.gguf}
cd tests/interop
"$python" tokenizer_compare.py --tool "$build/tests/interop/tokenize_tool" --count 40 --only SmolLM2,stories260K
"$python" generate_vs_llamacpp.py "$build"
"$python" adapter_vs_llamacpp.py "$build"
"$python" adapters_from_elsewhere.py "$build"
