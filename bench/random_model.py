#!/usr/bin/env python3
"""Writes a GGUF of a real model's shape with random weights, for measuring speed and memory without a download.

    bench/random_model.py SHAPE FORMAT OUTPUT [--context N] [--seed N]

SHAPE is llama-7b or tinyllama-1.1b; FORMAT is f16, q8_0 or q4_0 (other formats: `hone quantize` of the f16 file). Norms are 1,
the matrices' values spread evenly around 0 with the deviation of 1/sqrt(columns), so that activations stay of order 1. The
tokenizer is a valid SentencePiece one: bytes, letters and pairs of letters, then pieces that no text contains. Needs numpy and
the gguf package. A file of 3.9 GB takes some seconds: the random bytes are drawn once and repeated.
"""
import argparse
import string

import gguf
import numpy as np

SHAPES = {
    #                 layers, width, ff, heads, kv heads, vocabulary
    "llama-7b": (32, 4096, 11008, 32, 32, 32000),
    "tinyllama-1.1b": (22, 2048, 5632, 32, 4, 32000),
}
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}</s>\n{% endfor %}" \
           "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"


class Blocks:
    """Random blocks of one format; the deviation of the values is `deviation`."""

    REPEATED = 1 << 20  # blocks drawn; more are repetitions

    def __init__(self, fmt, seed):
        self.fmt = fmt
        rng = np.random.default_rng(seed)
        self.elements, self.bytes = (1, 2) if fmt == "f16" else gguf.GGML_QUANT_SIZES[self.type()]
        codes = self.REPEATED * self.elements * (0 if fmt == "f16" else 1)
        if fmt == "f16":
            self.unit = rng.uniform(-1.732, 1.732, self.REPEATED).astype(np.float32)
        elif fmt == "q8_0":
            self.codes = rng.integers(-127, 128, codes, dtype=np.int8).view(np.uint8).reshape(self.REPEATED, -1)
        else:
            self.codes = rng.integers(0, 256, codes // 2, dtype=np.uint8).reshape(self.REPEATED, -1)

    def type(self):
        return gguf.GGMLQuantizationType[self.fmt.upper()]

    def matrix(self, rows, cols):
        deviation = cols ** -0.5
        if self.fmt == "f16":
            drawn = (self.unit * deviation).astype(np.float16).view(np.uint8)
        else:
            spread = {"q8_0": 73.3, "q4_0": 4.61}[self.fmt]  # deviation of the codes
            scale = np.full(self.REPEATED, deviation / spread, np.float16).view(np.uint8).reshape(-1, 2)
            drawn = np.concatenate([scale, self.codes], axis=1).reshape(-1)
        return np.resize(drawn, (rows, cols // self.elements * self.bytes))


def pieces(n):
    """Tokens, scores and types of a SentencePiece vocabulary of n entries."""
    kinds = gguf.TokenType
    rows = [("<unk>", 0.0, kinds.UNKNOWN), ("<s>", 0.0, kinds.CONTROL), ("</s>", 0.0, kinds.CONTROL)]
    rows += [(f"<0x{b:02X}>", 0.0, kinds.BYTE) for b in range(256)]
    letters = "▁" + string.ascii_letters + string.digits + string.punctuation
    pairs = [a + b for a in "▁" + string.ascii_lowercase for b in string.ascii_lowercase]
    words = pairs + list(letters)
    rows += [(w, -float(i), kinds.NORMAL) for i, w in enumerate(words)]
    rows += [(f"⟨{i}⟩", -1e4 - i, kinds.NORMAL) for i in range(n - len(rows))]
    return rows


def write_metadata(writer, shape, context, name):
    layers, width, ff, heads, kv_heads, vocab = SHAPES[shape]
    writer.add_name(name)
    writer.add_block_count(layers)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(ff)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocab)
    rows = pieces(vocab)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([r[0] for r in rows])
    writer.add_token_scores([r[1] for r in rows])
    writer.add_token_types([r[2] for r in rows])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)


def matrices(shape):
    """Names of the matrices with rows and columns; None for columns means a norm."""
    layers, width, ff, heads, kv_heads, vocab = SHAPES[shape]
    kv = width // heads * kv_heads
    yield "token_embd", vocab, width
    for layer in range(layers):
        block = f"blk.{layer}."
        yield block + "attn_norm", width, None
        yield block + "attn_q", width, width
        yield block + "attn_k", kv, width
        yield block + "attn_v", kv, width
        yield block + "attn_output", width, width
        yield block + "ffn_norm", width, None
        yield block + "ffn_gate", ff, width
        yield block + "ffn_up", ff, width
        yield block + "ffn_down", width, ff
    yield "output_norm", width, None
    yield "output", vocab, width


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("shape", choices=SHAPES)
    p.add_argument("format", choices=["f16", "q8_0", "q4_0"])
    p.add_argument("output")
    p.add_argument("--context", type=int, default=4096)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    blocks = Blocks(args.format, args.seed)
    writer = gguf.GGUFWriter(args.output, "llama")
    write_metadata(writer, args.shape, args.context, f"random {args.shape}")
    todo = list(matrices(args.shape))
    for name, rows, cols in todo:
        if cols is None:
            writer.add_tensor_info(name + ".weight", (rows,), np.dtype(np.float32), rows * 4)
        else:
            row_bytes = cols // blocks.elements * blocks.bytes
            stored = (rows, cols) if args.format == "f16" else (rows, row_bytes)
            kind = np.dtype(np.float16) if args.format == "f16" else np.dtype(np.uint8)
            writer.add_tensor_info(name + ".weight", stored, kind, rows * row_bytes, raw_dtype=blocks.type())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, rows, cols in todo:
        writer.write_tensor_data(np.ones(rows, np.float32) if cols is None else blocks.matrix(rows, cols))
    writer.close()


if __name__ == "__main__":
    main()
