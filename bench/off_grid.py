#!/usr/bin/env python3
"""Brings a Llama-family F16 GGUF file off the grid that its weights were once quantized to.

off_grid.py IN.gguf OUT.gguf [--seed N]

Published small models are often retrained on a 4-bit grid, which makes every quantizer look better than it is. Here
each channel between two layers that nothing but a product reads is multiplied by a random factor (log-uniform in
1/2 ... 2) on one side and divided by it on the other: norm -> q, k, v; norm -> gate, up; v -> o; up -> down. The
logits stay the same up to the rounding to F16. Needs the gguf and numpy packages.
"""
import argparse
import shutil
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFReader


def scale(tensor, by, axis):
    """Multiplies rows (axis 0) or columns (axis 1) in place; a norm has one axis."""
    data = tensor.data
    by = by if data.ndim == 1 else by[:, None] if axis == 0 else by[None, :]
    data[...] = (data.astype(np.float64) * by).astype(data.dtype)


def main():
    parser = argparse.ArgumentParser(description="An F16 GGUF file with rescaled channels and the same logits.")
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.source == args.target:
        sys.exit(f"off_grid.py: the target is the source, {args.source}; name another file")
    shutil.copyfile(args.source, args.target)
    reader = GGUFReader(args.target, "r+")
    tensors = {t.name: t for t in reader.tensors}
    for name, tensor in tensors.items():
        if name.startswith("blk.") and tensor.tensor_type not in (Type.F16, Type.F32):
            sys.exit(f"off_grid.py: {name}: got {tensor.tensor_type.name}, expected F16 or F32; dequantize the file first")
    field = lambda key: int(reader.fields[f"llama.{key}"].parts[-1][0])
    heads, kv_heads = field("attention.head_count"), field("attention.head_count_kv")
    rng = np.random.default_rng(args.seed)
    draw = lambda n: np.exp2(rng.uniform(-1, 1, n))
    for layer in range(field("block_count")):
        at = lambda name: tensors[f"blk.{layer}.{name}.weight"]
        for norm, readers in (("attn_norm", ("attn_q", "attn_k", "attn_v")), ("ffn_norm", ("ffn_gate", "ffn_up"))):
            factors = draw(at(norm).data.shape[0])
            scale(at(norm), factors, 0)
            for name in readers:
                scale(at(name), 1 / factors, 1)
        factors = draw(at("attn_v").data.shape[0])
        scale(at("attn_v"), factors, 0)
        # Every head of queries reads the values of its group's head.
        by_head = np.repeat(factors.reshape(kv_heads, -1), heads // kv_heads, axis=0).reshape(-1)
        scale(at("attn_output"), 1 / by_head, 1)
        factors = draw(at("ffn_up").data.shape[0])
        scale(at("ffn_up"), factors, 0)
        scale(at("ffn_down"), 1 / factors, 1)
    for tensor in reader.tensors:
        if not np.isfinite(tensor.data).all():
            sys.exit(f"off_grid.py: {tensor.name}: a rescaled weight does not fit its format; try another --seed")
    reader.data.flush()


if __name__ == "__main__":
    main()
