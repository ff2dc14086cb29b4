#!/usr/bin/env python3
"""Raw logits of hone --precise against transformers in f32 on the same weights: logits_vs_transformers.py BUILD_FOLDER

stories260K and a tiny model of each family are read by both from their Hugging Face folders, and again by way of GGUF;
the GGUF files of SmolLM2 and Gemma 3 go to transformers by `hone convert`, which checks the export too (weights, config,
tokenizer). Exits 1 when any logit differs by more than 1e-3 or the exported tokenizer gives other ids."""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import interop_common as common

LIMIT = 1e-3
TEXTS = [
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.",
    "What are the symptoms of high blood pressure? In 2024, 1,234 patients were asked; 56.7% said: \"none\".",
    "def add(a, b):\n    return a + b\n\n\tprint(add(1, 2))  # naïve café 日本語 🙂",
]


def hone_logits(build, model, tokens, folder):
    output = pathlib.Path(folder) / "logits.f32"
    done = subprocess.run([build.program("logits_tool"), str(model), str(output), "--precise"],
                          input=" ".join(map(str, tokens)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"logits_tool {model}: {done.stderr}")
    rows, cols = map(int, done.stdout.split())
    return np.fromfile(output, dtype=np.float32).reshape(rows, cols)


def compare(build, name, hone_model, hf_folder, folder):
    model = AutoModelForCausalLM.from_pretrained(hf_folder, dtype=torch.float32, attn_implementation="eager")
    tokenizer = AutoTokenizer.from_pretrained(hf_folder)
    failed = False
    texts = TEXTS + [" ".join(TEXTS)] if model.config.max_position_embeddings >= 200 else TEXTS
    for text in texts:
        ids = tokenizer(text).input_ids
        ours = build.tokenize(hone_model, text)
        if ids != ours:
            print(f"FAIL {name}: ids of {text!r}: hone {ours}, transformers {ids}")
            failed = True
        ids = ids[:200]
        with torch.no_grad():
            expected = model(torch.tensor([ids])).logits[0].numpy()
        difference = np.abs(hone_logits(build, hone_model, ids, folder) - expected).max()
        verdict = "ok" if difference <= LIMIT else "FAIL"
        failed |= difference > LIMIT
        print(f"{verdict} {name}: {len(ids)} tokens, max abs logit difference {difference:.2e} (limit {LIMIT:g})")
    return failed


def main():
    build = common.Build(sys.argv[1])
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        tiny = sorted(path.parent for path in (common.TESTS / "golden" / "models").glob("*/config.json"))
        for source in [common.STORIES, *tiny]:
            failed |= compare(build, source.name, source, source, folder)
            gguf, exported = f"{folder}/{source.name}.gguf", pathlib.Path(folder) / source.name
            build.hone("convert", source, "--output", gguf, "--format", "f32")
            build.hone("convert", gguf, "--output", exported, "--format", "f32")
            failed |= compare(build, f"{source.name} by GGUF", gguf, exported, folder)
        for title, model in common.real_models().items():
            exported = pathlib.Path(folder) / pathlib.Path(model).stem
            build.hone("convert", model, "--output", exported, "--format", "f32")
            failed |= compare(build, title, model, exported, folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
