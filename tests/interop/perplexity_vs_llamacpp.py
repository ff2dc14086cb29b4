#!/usr/bin/env python3
"""Perplexity of `hone eval --convention llama.cpp` against llama.cpp on the same quantized file, hone's default
compute mode: perplexity_vs_llamacpp.py BUILD_FOLDER [--model FILE.gguf] [--windows N]

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
    parser.add_argument("--model", help="default: SmolLM2 and Gemma 3, one after the other")
    arguments = parser.parse_args()
    build = common.Build(arguments.build)
    models = {arguments.model: arguments.model} if arguments.model else common.real_models()
    results = [compare(build, title, model, arguments.windows) for title, model in models.items()]
    sys.exit(0 if all(results) else 1)


def compare(build, title, model, windows):
    # llama.cpp's server reports no probability for a token that ends inside a character: ASCII lines only.
    lines = (common.TESTS / "data" / "wiki_slice.txt").read_text().splitlines(keepends=True)
    scratch = tempfile.TemporaryDirectory()
    text = pathlib.Path(scratch.name) / "ascii.txt"
    text.write_text("".join(line for line in lines if line.isascii()))
    tokens = build.tokenize(model, text.read_text())
    bos = build.tokenize(model, "")  # nothing where the model adds no BOS
    windows = min(windows, len(tokens) // CONTEXT)
    peer = common.LlamaCpp(model, 2 * CONTEXT)
    total, count = 0.0, 0
    for window in range(windows):
        part = tokens[window * CONTEXT:(window + 1) * CONTEXT]
        part[:len(bos)] = bos
        for i in range(CONTEXT // 2 + 1, CONTEXT):
            total -= peer.logprob(part[:i], part[i])
            count += 1
        print(f"{title}, window {window + 1}/{windows}: llama.cpp {math.exp(total / count):.4f}", file=sys.stderr, flush=True)
    theirs = math.exp(total / count)
    result = build.hone("eval", "--model", model, "--text", text, "--convention", "llama.cpp", "--context", CONTEXT,
                        "--max-windows", windows)
    metric = result["metrics"]["perplexity"]
    difference = metric["value"] / theirs - 1
    verdict = "ok" if abs(difference) <= LIMIT and metric["n"] == count else "FAIL"
    print(f"{verdict} {title}: perplexity over {count} tokens: hone {metric['value']:.4f} (n {metric['n']}), llama.cpp "
          f"{theirs:.4f}, difference {difference:+.3%} (limit {LIMIT:.1%})")
    return verdict == "ok"


if __name__ == "__main__":
    main()
