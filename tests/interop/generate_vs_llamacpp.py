#!/usr/bin/env python3
"""Greedy continuations of hone and llama.cpp on the same quantized file: generate_vs_llamacpp.py BUILD_FOLDER

Both round activations in their own way, so texts may part where two tokens are about equally likely. The first
divergence of each prompt is printed. It is a failure when llama.cpp finds hone's token there more than MARGIN nats
less likely than its own, or when the texts agree over less than half of their tokens."""
import sys

import interop_common as common

N_TOKENS = 32
MARGIN = 0.5
PROMPTS = [
    "The capital of France is", "What is diabetes?", "Once upon a time", "def fibonacci(n):", "1, 2, 3, 4,",
    "The heart pumps", "Water boils at", "List three fruits:\n1.", "Q: Who wrote Hamlet?\nA:",
    "High blood pressure is", "In the morning, she", "<html>\n<head>",
]


def main():
    build = common.Build(sys.argv[1])
    model = common.smollm2()
    if model is None:
        sys.exit("SmolLM2 not found: run scripts/get-model.sh or set HONE_SMOLLM2_GGUF")
    peer = common.LlamaCpp(model, 1024)
    failed, same, total = False, 0, 0
    for prompt in PROMPTS:
        tokens = build.tokenize(model, prompt)
        theirs = peer.complete(tokens, N_TOKENS, 5)
        ours = build.hone("generate", "--model", model, "--raw", "--prompt", prompt, "--max-tokens", N_TOKENS,
                          "--temperature", 0)["tokens"]
        n = min(len(ours), len(theirs))
        at = next((i for i in range(n) if ours[i] != theirs[i]["id"]), n)
        same, total = same + at, total + n
        if at == n:
            print(f"ok   {prompt!r}: {n} tokens equal")
            continue
        top = {entry["id"]: entry["logprob"] for entry in theirs[at]["top_logprobs"]}
        gap = theirs[at]["logprob"] - top.get(ours[at], float("-inf"))
        bad = gap > MARGIN
        failed |= bad
        print(f"{'FAIL' if bad else 'ok  '} {prompt!r}: first divergence at token {at}: hone {ours[at]}, llama.cpp "
              f"{theirs[at]['id']}, {gap:.3f} nats apart")
    print(f"{same} of {total} tokens before the first divergence")
    sys.exit(1 if failed or 2 * same < total else 0)


if __name__ == "__main__":
    main()
