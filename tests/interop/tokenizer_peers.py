"""The peers of hone's tokenizer, for tokenizer_compare.py and the golden generator: llama.cpp through xllamacpp's
C symbols (which take any bytes), and Hugging Face tokenizers; and the vocabularies and texts to compare on."""
import ctypes
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "text", "tokenizer")

GPT2_REGEX = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3_REGEX = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s"
         r"|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K_REGEX = CASED % (("(?i:'s|'t|'re|'ve|'m|'ll|'d)?",) * 2 + ("{1,3}",))
TEKKEN_REGEX = CASED % ("", "", "")
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTES_ONLY = dict(BYTE_LEVEL, use_regex=False)


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


DIGIT = {"type": "Digits", "individual_digits": True}
# GGUF name -> Hugging Face structure and ignore_merges; None where Hugging Face has no equal structure.
PRE_TOKENIZERS = {
    "gpt-2": (BYTE_LEVEL, False),
    "smollm": (sequence(DIGIT, BYTE_LEVEL), False),
    "llama-bpe": (sequence(split(LLAMA3_REGEX), BYTES_ONLY), True),
    "smaug-bpe": (sequence(split(LLAMA3_REGEX), BYTES_ONLY), False),
    "qwen2": (sequence(split(LLAMA3_REGEX.replace("{1,3}", "")), BYTES_ONLY), False),
    "deepseek-coder": (sequence(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"),
                                split("[一-龥ࠀ-一가-퟿]+"), DIGIT, BYTES_ONLY), False),
    "gpt-4o": (sequence(split(O200K_REGEX), BYTES_ONLY), False),
    "tekken": (sequence(split(TEKKEN_REGEX), BYTES_ONLY), True),
    "falcon": None,
}


class LlamaCpp:
    """llama.cpp's tokenizer for the vocabulary of a GGUF file."""
    lib = None

    class Params(ctypes.Structure):
        # Opaque and larger than any version's llama_model_params: it travels by value on the stack.
        _fields_ = [("bytes", ctypes.c_uint8 * 512)]

    VOCAB_ONLY, USE_EXTRA_BUFTS = 72, 74  # offsets in llama_model_params

    @classmethod
    def load_library(cls):
        if cls.lib is not None:
            return cls.lib
        import xllamacpp
        lib = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(xllamacpp.__file__), "*.so"))[0])
        lib.llama_model_default_params.restype = cls.Params
        lib.llama_model_load_from_file.restype = ctypes.c_void_p
        lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, cls.Params]
        lib.llama_model_get_vocab.restype = ctypes.c_void_p
        lib.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
        lib.llama_tokenize.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p,
                                       ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
        callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        cls.quiet = callback(lambda level, text, data: None)
        lib.llama_log_set(cls.quiet, None)
        lib.llama_backend_init()
        cls.lib = lib
        return lib

    def __init__(self, path):
        lib = self.load_library()
        params = lib.llama_model_default_params()
        if (params.bytes[self.VOCAB_ONLY], params.bytes[self.USE_EXTRA_BUFTS]) != (0, 1):
            sys.exit("tokenizer_peers: this xllamacpp lays out llama_model_params differently; adapt VOCAB_ONLY")
        params.bytes[self.VOCAB_ONLY] = 1
        model = lib.llama_model_load_from_file(str(path).encode(), params)
        if not model:
            sys.exit(f"tokenizer_peers: llama.cpp does not load {path}")
        self.vocab = lib.llama_model_get_vocab(model)
        self.buffer = (ctypes.c_int32 * (1 << 20))()

    def encode(self, text, add=False, parse=False):
        n = self.lib.llama_tokenize(self.vocab, text, len(text), self.buffer, len(self.buffer), add, parse)
        return self.buffer[:n]


class Hone:
    """hone's tokenizer through tests/interop/tokenize_tool."""

    def __init__(self, tool, model, pre=None):
        self.command = [tool, str(model)] + ([pre] if pre else [])

    def encode_all(self, texts, add=False, parse=False):
        lines = "".join(json.dumps({"hex": t.hex(), "add": add, "parse": parse}) + "\n" for t in texts)
        run = subprocess.run(self.command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
        return [json.loads(line) for line in run.stdout.splitlines()]


def byte_alphabet():
    out, extra = [], 256
    for b in range(256):
        printable = 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xAC or b >= 0xAE
        out.append(chr(b) if printable else chr(extra))
        extra += not printable
    return out


def gpt2_vocabulary():
    """Tokens and merges of GPT-2 from its merges alone: printable bytes, other bytes, merges, end of text."""
    with open(os.path.join(GOLDEN, "gpt2_vocab.bpe"), encoding="utf-8") as f:
        merges = [line for line in f.read().split("\n")[1:] if line]
    alphabet = byte_alphabet()
    tokens = [c for c in alphabet if ord(c) < 256] + [c for c in alphabet if ord(c) >= 256]
    tokens += [m.replace(" ", "") for m in merges] + ["<|endoftext|>"]
    return tokens, merges


def write_gguf(path, model, pre, tokens, types, merges=None, scores=None, bos=None, eos=None, add_bos=False,
               name=None):
    """A file with a vocabulary and no tensors."""
    import gguf
    w = gguf.GGUFWriter(path, "gpt2")
    if name is not None:
        w.add_name(name)
    w.add_tokenizer_model(model)
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types(types)
    if merges is not None:
        w.add_token_merges(merges)
    if scores is not None:
        w.add_token_scores(scores)
    w.add_bos_token_id(bos)
    w.add_eos_token_id(eos)
    w.add_add_bos_token(add_bos)
    for add in (w.add_context_length, w.add_embedding_length, w.add_block_count, w.add_feed_forward_length):
        add(8)
    w.add_head_count(1)
    w.add_layer_norm_eps(1e-5)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def write_gpt2_gguf(path, pre):
    tokens, merges = gpt2_vocabulary()
    write_gguf(path, "gpt2", pre, tokens, [1] * (len(tokens) - 1) + [3], merges, bos=len(tokens) - 1,
               eos=len(tokens) - 1)


def write_llama_gguf(path, folder, name=None):
    """The GGUF form of a Llama-style tokenizer.json: scores fall with the rank of a token's first merge. A file with a
    name gets the token <|endoftext|> besides, which llama.cpp wants of those called Phi 3."""
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as f:
        model = json.load(f)["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda x: x[1])]
    scores = dict.fromkeys(tokens, -1e9)
    for rank, pair in enumerate(model["merges"]):
        text = "".join(pair) if isinstance(pair, list) else pair.replace(" ", "")
        scores[text] = max(scores[text], -float(rank))
    types = [2, 3, 3] + [6 if t.startswith("<0x") else 1 for t in tokens[3:]]
    if name is not None:
        tokens.append("<|endoftext|>")
        types.append(3)
        scores[tokens[-1]] = -1e9
    write_gguf(path, "llama", "default", tokens, types, scores=[scores[t] for t in tokens], bos=1, eos=2, add_bos=True,
               name=name)


def write_llama_variant(folder, original, space, rstrip):
    """A Llama-style tokenizer.json with a Metaspace pre-tokenizer (space: "first", "always", "never"; None: as it was)
    and special tokens that take away white space behind them."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(original, "tokenizer.json"), encoding="utf-8") as f:
        tokenizer = json.load(f)
    if space is not None:
        tokenizer["normalizer"] = None
        tokenizer["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": space, "split": False}
    for token in tokenizer["added_tokens"]:
        token["rstrip"] = rstrip and token["content"] == "</s>"
        token["lstrip"] = rstrip and token["content"] == "<unk>"
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(tokenizer, f)
    return folder


def write_folder(folder, tokens, types, merges, structure, ignore_merges=False):
    """A Hugging Face folder with a byte-level BPE tokenizer.json."""
    os.makedirs(folder, exist_ok=True)
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": kind == 3} for i, (t, kind) in enumerate(zip(tokens, types)) if kind in (3, 4)]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": ignore_merges,
             "vocab": {t: i for i, t in enumerate(tokens)}, "merges": [m.split(" ") for m in merges]}
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump({"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
                   "pre_tokenizer": structure, "post_processor": None, "decoder": BYTE_LEVEL, "model": model}, f)
    return folder


def read_gguf_vocabulary(path):
    import gguf
    fields = gguf.GGUFReader(path).fields
    return [fields["tokenizer.ggml." + k].contents() for k in ("tokens", "token_type", "merges")]


def fixed_texts():
    with open(os.path.join(GOLDEN, "texts.txt"), encoding="utf-8") as f:
        return [t.encode() for t in f.read().split("\n__ggml_vocab_test__\n")]


SPACES = [0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x20, 0x20, 0x85, 0xA0, 0x1680, 0x180E, 0x2000, 0x2003, 0x200A, 0x200B,
          0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF]
SNIPPETS = ["'s", "'S", "'re", "'VE", "'ll", "'\u017f", "don't", "\r\n", "\n\n", "   ", " \t\n ", "123", "4567", "1.5e-3",
            "\u0661\u0662\u0663", "\u0967\u0968", "\u00bd", "\u2167", "\uff11\uff12", "e\u0301", "n\u0303o", "\U0001F468\u200D\U0001F469\u200D\U0001F467",
            "\U0001F1E9\U0001F1EA", "\u2764\ufe0f", "\u4f60\u597d", "\u3053\u3093", "\uc548\ub155", "\u0e2a\u0e27\u0e31", "\u05e9\u05dc", "\u0645\u0631\u062d", "\ue000",
            "\U000F0000", "\U0010FFFF", "$+<=>^~|`", "...", "!?", "_a_", "<|endoftext|>", "</s>", "hello", " the", "World"]


def random_texts(seed, n):
    """Seeded mixtures of code points of all planes, spaces, digits, marks, emoji sequences and ASCII."""
    rng = random.Random(seed)

    def piece():
        kind = rng.randrange(8)
        if kind == 0:
            return chr(rng.choice(SPACES))
        if kind <= 2:
            return rng.choice(SNIPPETS)
        if kind == 3:
            return chr(rng.randrange(0x20, 0x7F))
        if kind == 4:
            return chr(rng.randrange(0x80, 0x3000))
        if kind == 5:
            c = rng.randrange(0x110000)
            return chr(c if not 0xD800 <= c < 0xE000 else 0xFFFD)
        if kind == 6:
            return chr(rng.randrange(0x10000, 0x20000))
        return "".join(rng.choice("etaoinshrdlu ETA") for _ in range(rng.randrange(1, 9)))

    return ["".join(piece() for _ in range(rng.randrange(1, 30))).encode() for _ in range(n)]


FIXED_BYTES = [b"a\xffb", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xb0\x80x", b"\xe2\x82", b" \xf0\x9f\x98",
               b"\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe\xff", b"it\xe2\x80'\xb9s", b"\xe2\x82 ok", b"\xf4\x8f\xbf\xbf"]


def broken_texts(seed, n):
    """Random bytes and damaged UTF-8; none with a code point over U+10FFFF, which stops llama.cpp."""
    rng = random.Random(seed)
    out = list(FIXED_BYTES)
    for text in random_texts(seed + 1, n):
        data = bytearray(text)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data))
            data[at:at + rng.randrange(2)] = bytes([rng.randrange(256)])
        # F4 90..BF and F5..F7 start the forms that llama.cpp cannot re-encode.
        out.append(bytes(b if b < 0xF4 or b > 0xF7 else 0xFF for b in data))
    return out


def scratch():
    return tempfile.TemporaryDirectory(prefix="hone-tokenizer-")
