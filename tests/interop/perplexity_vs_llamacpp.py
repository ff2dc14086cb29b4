#!/usr/bin/env python3
"""Perplexity of `hone eval --convention llama.cpp` against llama.cpp on the same quantized file, hone's default
compute mode: perplexity_vs_llamacpp.py BUILD_FOLDER [--windows N]

llama.cpp's convention: windows of 512 tokens of the whole text; the first half of each is context only, tokens 257
to 512 are scored; a model that adds BOS gets it in place of a window's first token. Exits 1 beyond 0.5 %."""
import argparse
import math
import pathlib
import sys
import tempfile

import interop_common as common

CONTEXT = 512
LIMIT = 0.005


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--windows", type=int, default=16)
    arguments = parser.parse_args()
    build = common.Build(arguments.build)
    model = common.smollm2()
    if model is None:
        sys.exit("SmolLM2 not found: run scripts/get-model.sh or set HONE_SMOLLM2_GGUF")
    # llama.cpp's server reports no probability for a token that ends inside a character: ASCII lines only.
    lines = (common.TESTS / "data" / "wiki_slice.txt").read_text().splitlines(keepends=True)
    scratch = tempfile.TemporaryDirectory()
    text = pathlib.Path(scratch.name) / "ascii.txt"
    text.write_text("".join(line for line in lines if line.isascii()))
    tokens = build.tokenize(model, text.read_text())
    windows = min(arguments.windows, len(tokens) // CONTEXT)
    peer = common.LlamaCpp(model, 2 * CONTEXT)
    total, count = 0.0, 0
    for window in range(windows):
        part = tokens[window * CONTEXT:(window + 1) * CONTEXT]  # SmolLM2 adds no BOS
        for i in range(CONTEXT // 2 + 1, CONTEXT):
            total -= peer.logprob(part[:i], part[i])
            count += 1
        print(f"window {window + 1}/{windows}: llama.cpp {math.exp(total / count):.4f}", file=sys.stderr, flush=True)
    theirs = math.exp(total / count)
    result = build.hone("eval", "--model", model, "--text", text, "--convention", "llama.cpp", "--context", CONTEXT,
                        "--max-windows", windows)
    metric = result["metrics"]["perplexity"]
    difference = metric["value"] / theirs - 1
    verdict = "ok" if abs(difference) <= LIMIT and metric["n"] == count else "FAIL"
    print(f"{verdict} perplexity over {count} tokens: hone {metric['value']:.4f} (n {metric['n']}), llama.cpp "
          f"{theirs:.4f}, difference {difference:+.3%} (limit {LIMIT:.1%})")
    sys.exit(0 if verdict == "ok" else 1)


if __name__ == "__main__":
    main()
