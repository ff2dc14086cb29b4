#!/usr/bin/env python3
"""`hone eval --rare --precise` against transformers in f32: the same windows, losses by how often a token occurs.

rare_tokens_vs_transformers.py BUILD_FOLDER [--model HF_FOLDER] [--windows N] [--context N]
Without a folder, SmolLM2's GGUF goes to transformers by `hone convert`. Exits 1 when a bucket has other tokens, or its
mean loss differs by more than 1e-4."""
import argparse
import collections
import pathlib
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import interop_common as common

LIMIT = 1e-4
TEXT = common.TESTS / "data" / "wiki_slice.txt"


def losses(model, ids, context, windows):
    """(target, -log p) of every token of a window but its first."""
    out = []
    for w in range(windows):
        window = torch.tensor(ids[w * context:(w + 1) * context])
        with torch.no_grad():
            log_p = torch.log_softmax(model(window[None]).logits[0].double(), dim=-1)
        out += [(int(target), -float(log_p[t, target])) for t, target in enumerate(window[1:])]
    return out


def buckets(scored, counts):
    """{lowest count: losses}"""
    out = collections.defaultdict(list)
    for target, loss in scored:
        n = counts[target]
        out[0 if n == 0 else 10 ** (len(str(n)) - 1)].append(loss)
    return out


def compare(build, folder, context, windows):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    text = TEXT.read_text()
    ids = tokenizer(text, add_special_tokens=False).input_ids
    half = "".join(text.splitlines(keepends=True)[:20])
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        corpus = pathlib.Path(scratch) / "corpus.txt"
        corpus.write_text(half)
        scored = losses(model, ids, context, windows)
        for source, more in ((ids, []), (tokenizer(half, add_special_tokens=False).input_ids, ["--counts-from", corpus])):
            expected = buckets(scored, collections.Counter(source))
            out = build.hone("eval", "--model", folder, "--text", TEXT, "--convention", "paper", "--context", context,
                             "--max-windows", windows, "--precise", "--rare", *more)["rare_tokens"]["text"]
            failed |= out["counted_tokens"] != len(source) or [b["low"] for b in out["buckets"]] != sorted(expected)
            for bucket in out["buckets"]:
                theirs = expected[bucket["low"]]
                mean = sum(theirs) / len(theirs) if theirs else float("nan")
                good = bucket["tokens"] == len(theirs) and abs(bucket["loss"]["value"] - mean) <= LIMIT
                failed |= not good
                print(f"{'ok' if good else 'FAIL'} {'own text' if not more else 'a corpus'}, {bucket['low']}-{bucket['high']} "
                      f"times: {bucket['tokens']} tokens (transformers {len(theirs)}), loss {bucket['loss']['value']:.6f} "
                      f"(transformers {mean:.6f})")
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--model")
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--context", type=int, default=256)
    arguments = parser.parse_args()
    build = common.Build(arguments.build)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.model
        if folder is None:
            folder = f"{scratch}/smollm2"
            build.hone("convert", common.real_models()["SmolLM2"], "--output", folder, "--format", "f32")
        sys.exit(1 if compare(build, folder, arguments.context, arguments.windows) else 0)


if __name__ == "__main__":
    main()
