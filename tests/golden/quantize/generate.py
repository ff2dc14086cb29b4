#!/usr/bin/env python3
"""Writes types.txt: the format that llama.cpp's llama-quantize gives each tensor, for quantize_test.cpp.

Random models with the shapes of the test's: "narrow" (a Llama with rows of 96, which blocks of 256 do not divide, tied
embeddings), "wide" (rows of 256, four query heads to a key/value head, own output matrix) and "fused" (wide as a Phi 3:
queries, keys and values in one matrix, gate and up in another), and "deep" (80 layers, which llama.cpp takes for a Llama
70B). A line: model, mix, tensor,
then one format per layer.

Usage: generate.py FOLDER LLAMA_QUANTIZE   (needs numpy and gguf 0.19.0; written with the llama.cpp of
llama-cpp-python 0.3.36)
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFWriter

MODELS = {
    "narrow": {"layers": 30, "embd": 96, "ff": 256, "heads": 3, "kv_heads": 1, "tied": True},
    "wide": {"layers": 18, "embd": 256, "ff": 256, "heads": 8, "kv_heads": 2, "tied": False},
    "fused": {"layers": 18, "embd": 256, "ff": 256, "heads": 8, "kv_heads": 2, "tied": False, "fused": True},
    "deep": {"layers": 80, "embd": 256, "ff": 256, "heads": 8, "kv_heads": 4, "tied": False},
}
MIXES = ("q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q3_k_l", "q3_k_m", "q3_k_s", "q2_k", "iq4_nl", "iq4_xs", "tq1_0", "tq2_0",
         "mxfp4_moe")
VOCAB = 64


def write_model(path, layers, embd, ff, heads, kv_heads, tied, fused=False):
    rng = np.random.default_rng(1)
    w = GGUFWriter(path, "phi3" if fused else "llama")
    w.add_block_count(layers)
    w.add_context_length(128)
    w.add_embedding_length(embd)
    w.add_feed_forward_length(ff)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(embd // heads)
    w.add_tokenizer_model("gpt2")
    w.add_token_list([f"t{i}" for i in range(VOCAB)])
    w.add_token_merges(["t 1"])

    def matrix(name, rows, columns):
        w.add_tensor(name, (rng.standard_normal((rows, columns)) * 0.05).astype(np.float16))

    matrix("token_embd.weight", VOCAB, embd)
    for i in range(layers):
        for norm in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"blk.{i}.{norm}.weight", np.ones(embd, np.float32))
        kv = embd // heads * kv_heads
        single = (("attn_q", embd, embd), ("attn_k", kv, embd), ("attn_v", kv, embd), ("ffn_gate", ff, embd),
                  ("ffn_up", ff, embd))
        joined = (("attn_qkv", embd + 2 * kv, embd), ("ffn_up", 2 * ff, embd))
        for name, rows, columns in (*(joined if fused else single), ("attn_output", embd, embd),
                                    ("ffn_down", embd, ff)):
            matrix(f"blk.{i}.{name}.weight", rows, columns)
    w.add_tensor("output_norm.weight", np.ones(embd, np.float32))
    if not tied:
        matrix("output.weight", VOCAB, embd)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    out, program = Path(sys.argv[1]), sys.argv[2]
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        for model, shape in MODELS.items():
            source, target = Path(scratch) / "source.gguf", Path(scratch) / "target.gguf"
            write_model(source, **shape)
            for mix in MIXES:
                subprocess.run([program, str(source), str(target), mix.upper(), "1"], check=True, capture_output=True)
                types = {}
                for tensor in GGUFReader(target).tensors:
                    parts = tensor.name.split(".")
                    place = (parts[2], int(parts[1])) if parts[0] == "blk" else (parts[0], 0)
                    if len(tensor.shape) == 2:
                        types.setdefault(place[0], {})[place[1]] = tensor.tensor_type.name.lower()
                lines += [f"{model} {mix} {name} " + " ".join(layers[i] for i in sorted(layers))
                          for name, layers in sorted(types.items())]
    (out / "types.txt").write_text("\n".join(lines) + "\n")


main()
