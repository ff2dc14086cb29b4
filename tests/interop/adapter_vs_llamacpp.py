#!/usr/bin/env python3
"""hone's adapter.gguf on its base in llama.cpp against hone's merged model: adapter_vs_llamacpp.py BUILD_FOLDER

stories260K is tuned for a few steps at a high learning rate, so that a wrong scaling, row order or tensor shows: the
adapter must move a log-probability behind each prompt by more than MOVED. In llama.cpp, adapter on base and merged file
must agree within LIMIT on all tokens, and with hone on the merged file within HONE_LIMIT (on the base alone the two
programs are a hundredth apart already); greedy texts must be equal up to a token that is as likely as that. Once with the usual scaling and once with
rank-stabilized LoRA's."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

import interop_common as common

# The merged file holds f16, the adapter f32: with log-probabilities moved by more than ten nats that shows.
LIMIT, HONE_LIMIT, MOVED = 0.02, 0.1, 1.0  # nats
N_TOKENS = 24
PROMPTS = ["Once upon a time", "user: Where is the cat?\nassistant:", "The little dog", "One day, Lily and Tom"]
TEMPLATE = ("{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}")
CHATS = [("Where is the cat?", "The cat is on top of the big red house."), ("Who are you?", "I am a very small robot."),
         ("What is it?", "It was a new ball, and the dog ran."), ("Why?", "Because it was a sunny day.")]


def hone(build, *arguments):
    return build.hone(*arguments, "--threads", 1)  # more would mostly wait for each other on so small a model


def prepare(build, folder):
    """The base as f32 GGUF with a chat template, and the chats."""
    source = folder / "stories"
    shutil.copytree(common.STORIES, source)
    config = json.loads((source / "tokenizer_config.json").read_text())
    (source / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": TEMPLATE}))
    hone(build, "convert", source, "--format", "f32", "--output", folder / "base.gguf")
    with open(folder / "chats.jsonl", "w") as file:
        for question, answer in CHATS:
            file.write(json.dumps({"prompt": question, "completion": answer}) + "\n")
    return folder / "base.gguf", folder / "chats.jsonl"


def hone_logprobs(build, model, tokens, folder, *adapters):
    """Of every token of the vocabulary, behind these; adapters: (path, scale) of each."""
    output = folder / "logits.f32"
    subprocess.run([build.program("logits_tool"), str(model), str(output), "--precise",
                    *(f"{path}:{scale}" for path, scale in adapters)], check=True, text=True,
                   input=" ".join(map(str, tokens)), stdout=subprocess.DEVNULL)
    logits = np.fromfile(output, dtype=np.float32).reshape(len(tokens), -1)[-1].astype(np.float64)
    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


def peer_logprobs(peer, tokens, n_vocab):
    entries = peer.complete(tokens, 1, n_vocab)[0]["top_logprobs"]
    out = np.full(n_vocab, np.nan)
    for entry in entries:
        out[entry["id"]] = entry["logprob"]
    return out


def divergence(ours, theirs):
    """By how many nats the peer finds our token less likely than its own where the texts part; and in words."""
    for i, (token, entry) in enumerate(zip(ours, theirs)):
        if token == entry["id"]:
            continue
        top = {other["id"]: other["logprob"] for other in entry["top_logprobs"]}
        gap = entry["logprob"] - top.get(token, float("-inf"))
        return gap, f"part at token {i}, {gap:.3f} nats apart (limit {HONE_LIMIT})"
    return 0.0, "equal"


def compare(build, base, chats, folder, name, *options):
    out = folder / name
    hone(build, "tune", "--model", base, "--data", chats, "--output", out, "--lr", "1e-2", "--steps", 40,
         "--accumulate", 1, "--rank", 8, "--alpha", 24, "--max-length", 128, *options)
    merged = folder / f"{name}.gguf"
    hone(build, "merge", "--model", base, "--adapter", out, "--format", "f32", "--output", merged)
    peers = [common.LlamaCpp(base, 512, [(out / "adapter.gguf", 1.0)]), common.LlamaCpp(merged, 512), common.LlamaCpp(base, 512)]
    failed = False
    for prompt in PROMPTS:
        tokens = build.tokenize(merged, prompt)
        ours = hone_logprobs(build, merged, tokens, folder)
        with_adapter, with_merged, without = [peer_logprobs(peer, tokens, len(ours)) for peer in peers]
        same, near, moved = [np.nanmax(np.abs(with_adapter - other)) for other in (with_merged, ours, without)]
        text = hone(build, "generate", "--model", merged, "--raw", "--prompt", prompt, "--max-tokens", N_TOKENS,
                    "--temperature", 0, "--precise")["tokens"]
        gap, told = divergence(text, peers[0].complete(tokens, len(text), 5))
        good = same <= LIMIT and near <= HONE_LIMIT and moved > MOVED and gap <= HONE_LIMIT
        failed |= not good
        print(f"{'ok  ' if good else 'FAIL'} {name} {prompt!r}: adapter and merged file within {same:.1e} (limit {LIMIT}), hone "
              f"within {near:.1e} (limit {HONE_LIMIT}), moved by {moved:.1f}; greedy texts {told}")
    return failed


def main():
    build = common.Build(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        base, chats = prepare(build, folder)
        failed = compare(build, base, chats, folder, "lora")
        failed |= compare(build, base, chats, folder, "rslora", "--rslora")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
