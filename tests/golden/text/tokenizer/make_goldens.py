#!/usr/bin/env python3
"""Writes expected.jsonl: token ids by llama.cpp for GPT-2's vocabulary under each pre-tokenizer, and for the Llama-style
stories260K; by Hugging Face for llama3_style. make_goldens.py [output folder]; needs gguf, xllamacpp and tokenizers."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "interop"))
import tokenizer_peers as peers  # noqa: E402


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else HERE
    valid = peers.fixed_texts() + peers.random_texts(7, 40)
    broken = peers.broken_texts(8, 20)
    with open(os.path.join(out, "expected.jsonl"), "w", encoding="utf-8") as f, peers.scratch() as scratch:
        def write(model, pre, text, ids, add=False, parse=False):
            f.write(json.dumps({"model": model, "pre": pre, "hex": text.hex(), "add": add, "parse": parse,
                                "ids": list(ids)}, separators=(",", ":")) + "\n")

        for pre in peers.PRE_TOKENIZERS:
            gguf = os.path.join(scratch, "v.gguf")
            peers.write_gpt2_gguf(gguf, pre)
            llama = peers.LlamaCpp(gguf)
            for text in valid + broken:
                write("gpt2", pre, text, llama.encode(text, parse=True), parse=True)
        gguf = os.path.join(scratch, "stories.gguf")
        peers.write_llama_gguf(gguf, os.path.join(HERE, "stories260K"))
        llama = peers.LlamaCpp(gguf)
        for text in valid + broken:
            for parse in (False, True):
                write("stories260K", "", text, llama.encode(text, add=True, parse=parse), add=True, parse=parse)
        import tokenizers
        hf = tokenizers.Tokenizer.from_file(os.path.join(HERE, "llama3_style", "tokenizer.json"))
        for text in peers.fixed_texts():
            write("llama3_style", "", text, hf.encode(text.decode(), add_special_tokens=False).ids)


if __name__ == "__main__":
    main()
