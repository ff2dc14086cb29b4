#!/usr/bin/env python3
"""Writes the codec goldens with the gguf package (its quants module is the oracle) into the given folder.

  values.bin        float32 inputs: many scales, outliers, ties, zeros, denormals, infinities, NaNs
  <format>.bin      values.bin encoded
  <format>_blocks.bin, <format>_floats.bin   random and edge bytes, and the floats they decode to

The package only decodes the formats of 256 weights, iq4_nl and nvfp4, and encodes mxfp4 without a search; generate_k.py
compares how well they are encoded.

Usage: generate.py FOLDER   (needs numpy and gguf; written with gguf 0.19.0 and numpy 2.4 on x86-64)
"""
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

np.seterr(all="ignore")
rng = np.random.default_rng(20240817)


def from_bits(bits):
    return np.array(bits, dtype=np.uint32).view(np.float32)


def edge_blocks():
    zero = np.zeros(32, np.float32)
    yield zero
    yield -zero
    yield np.where(np.arange(32) % 3 == 0, -zero, zero)  # mixed zeros; the last one is positive
    yield np.where(np.arange(32) % 3 == 1, -zero, zero)  # and here negative
    yield np.full(32, 1.5, np.float32)
    yield np.full(32, -1.5, np.float32)
    yield np.arange(32, dtype=np.float32) - 16
    yield np.arange(32, dtype=np.float32) - 15
    yield 8 - np.arange(32, dtype=np.float32) / 2  # ties of q4_0
    yield np.concatenate([[127.0], np.arange(31) - 15.5]).astype(np.float32)  # ties of q8_0
    yield np.concatenate([[-127.0], np.arange(31) - 15.5]).astype(np.float32)
    yield np.tile([3.0, -3.0], 16).astype(np.float32)  # equal magnitudes: the first one decides
    yield np.tile([-3.0, 3.0], 16).astype(np.float32)
    for scale in (2.0**-149, 2.0**-140, 2.0**-130, 2.0**-126, 2.0**-28, 1e-8, 1e4, 65504.0 * 8, 1e7, 1e30, 1e37):
        yield (rng.standard_normal(32) * scale).astype(np.float32)
    yield (np.arange(32) * 2.0**-149).astype(np.float32)
    yield from_bits([0x7F7FFFFF, 0xFF7FFFFF] * 16)  # max - min overflows
    x = rng.standard_normal(32).astype(np.float32)
    for where, bits in ((0, 0x7F800000), (31, 0xFF800000), (7, 0x7FC00000), (9, 0xFFC00001), (30, 0x7FC01234),
                        (13, 0xFFD12345)):
        y = x.copy()
        y.view(np.uint32)[where] = bits
        yield y
    y = x.copy()
    y[3], y[5] = np.inf, -np.inf
    yield y
    y[9] = np.nan
    yield y
    y = x.copy()
    y[17] = 1000.0  # one outlier
    yield y
    yield np.full(32, np.inf, np.float32)
    # f16 and bf16 rounding: ties, overflow, subnormals
    yield from_bits([0x33000000, 0x33000001, 0x33800000, 0x33C00000, 0x387FC000, 0x387FE000, 0x387FEFFF, 0x387FF000,
                     0x38800000, 0x3F801000, 0x3F803000, 0x3F800FFF, 0x3F801001, 0x477FE000, 0x477FEFFF, 0x477FF000,
                     0x47800000, 0xC77FEFFF, 0xC77FF000, 0x3F808000, 0x3F818000, 0x3F807FFF, 0x3F808001, 0x7F7F7FFF,
                     0x7F7F8000, 0x00000001, 0x80000001, 0x00008000, 0x00018000, 0x007FFFFF, 0xB3000000, 0xB87FF000])


def values():
    blocks = list(edge_blocks())
    for scale in (1.0, 0.02, 3e-4, 50.0):
        blocks += list((rng.standard_normal((20, 32)) * scale).astype(np.float32))
    blocks += list((rng.standard_t(2, (15, 32))).astype(np.float32))
    blocks += list((rng.random((10, 32)) + 0.5).astype(np.float32))  # one sign only
    blocks += list((np.round(rng.standard_normal((10, 32)) * 4) / 4 + np.float32(0.0)).astype(np.float32))
    return np.concatenate(blocks).astype(np.float32)


# Bytes of a block, where its scale is, and where its minimum is (both f16, None: not there).
LAYOUT = {T.F16: (2, 0, None), T.BF16: (2, 0, None), T.Q8_0: (34, 0, None), T.Q4_0: (18, 0, None), T.Q4_1: (20, 0, 2),
          T.Q5_0: (22, 0, None), T.Q5_1: (24, 0, 2), T.Q4_K: (144, 0, 2), T.Q5_K: (176, 0, 2), T.Q6_K: (210, 208, None),
          T.Q2_K: (84, 80, 82), T.Q3_K: (110, 108, None), T.IQ4_NL: (18, 0, None), T.IQ4_XS: (136, 0, None),
          T.MXFP4: (17, None, None), T.NVFP4: (36, None, None), T.TQ1_0: (54, 52, None), T.TQ2_0: (66, 64, None),
          T.IQ2_XXS: (66, 0, None), T.IQ2_XS: (74, 0, None), T.IQ2_S: (82, 0, None), T.IQ3_XXS: (98, 0, None),
          T.IQ3_S: (110, 0, None), T.IQ1_S: (50, 0, None), T.IQ1_M: (56, None, None)}
ENCODED = (T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1)


def random_blocks(qtype, n):
    """Random bytes; scales are random f16 bit patterns, so some are infinite, NaN or subnormal."""
    size, scale, minimum = LAYOUT[qtype]
    generator = rng if qtype in ENCODED else np.random.default_rng(qtype.value)
    blocks = generator.integers(0, 256, (n, size), dtype=np.uint8)
    if scale is None:
        return blocks
    halves = blocks[:, scale:scale + 2].copy().view(np.uint16).ravel()
    edges = np.array([0, 0x8000, 1, 0x8001, 0x3FF, 0x400, 0x7BFF, 0x7C00, 0xFC00, 0x7C01, 0x7E00, 0xFE12], np.uint16)
    halves[: len(edges)] = edges
    blocks[:, scale:scale + 2] = halves.view(np.uint8).reshape(-1, 2)
    if minimum is not None:
        # Two NaNs in one sum: which payload wins is the compiler's choice, so keep the minimum a number.
        m = blocks[:, minimum:minimum + 2].copy().view(np.uint16).ravel()
        m[(m & 0x7C00) == 0x7C00] &= 0xFC00
        blocks[:, minimum:minimum + 2] = m.view(np.uint8).reshape(-1, 2)
    return blocks


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    x = values()
    x.tofile(out / "values.bin")
    for qtype, (size, _, _) in LAYOUT.items():
        name = qtype.name.lower()
        if qtype in ENCODED:
            np.ascontiguousarray(quants.quantize(x, qtype)).view(np.uint8).tofile(out / f"{name}.bin")
        blocks = random_blocks(qtype, 1024 if size == 2 else 40 if qtype in ENCODED else 16)
        blocks.tofile(out / f"{name}_blocks.bin")
        quants.dequantize(blocks.ravel(), qtype).astype(np.float32, copy=False).tofile(out / f"{name}_floats.bin")


main()
