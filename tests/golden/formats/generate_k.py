#!/usr/bin/env python3
"""Writes how well llama.cpp encodes the formats that the gguf package can only decode, for format_test.cpp to beat.

  k_values.bin    f16: 3 kinds of 8 rows of 1024 values: normal, heavy-tailed (Student t, 3 degrees), and weights of
                  SmolLM2-135M-Instruct (Apache-2.0; its token embedding, which its GGUF holds in 8 bits)
  k_weights.bin   f16: the importance of each of the 1024 columns
  k_errors.txt    format, kind, relative RMS error of equal weights, the same weighted by importance; both are
                  sqrt(sum w (x - x')^2 / sum w x^2), averaged over rows

Usage: generate_k.py FOLDER SMOLLM2.gguf   (needs numpy, gguf 0.19.0 and xllamacpp 2026.10.11549)
"""
import ctypes
import sys
from pathlib import Path

import numpy as np
import xllamacpp
from gguf import GGMLQuantizationType as T
from gguf import GGUFReader, quants

ROWS, COLUMNS = 8, 1024
FORMATS = (T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K, T.IQ4_NL, T.IQ4_XS, T.MXFP4, T.NVFP4, T.TQ1_0, T.TQ2_0, T.Q4_0, T.Q4_1,
           T.Q5_0, T.Q5_1)

library = ctypes.CDLL(str(next(Path(xllamacpp.__file__).parent.glob("*.so"))))
library.ggml_quantize_chunk.restype = ctypes.c_size_t


def floats(array):
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def encode_bytes(qtype, x, weights):
    """Rows of x by llama.cpp."""
    out = np.zeros(x.size * 4, np.uint8)
    n = library.ggml_quantize_chunk(ctypes.c_int(qtype.value), floats(x), out.ctypes.data_as(ctypes.c_void_p),
                                    ctypes.c_int64(0), ctypes.c_int64(x.shape[0]), ctypes.c_int64(x.shape[1]),
                                    floats(weights) if weights is not None else None)
    return out[:n].reshape(x.shape[0], -1)


def encode(qtype, x, weights):
    """The same, decoded."""
    return quants.dequantize(encode_bytes(qtype, x, weights), qtype)


def relative_error(x, y, weights):
    x, y = x.astype(np.float64), y.astype(np.float64)
    return np.sqrt((weights * (x - y) ** 2).sum(1) / (weights * x**2).sum(1)).mean()


def kinds(model):
    rng = np.random.default_rng(20241124)
    yield "normal", rng.standard_normal((ROWS, COLUMNS)) * 0.02
    yield "heavy", rng.standard_t(3, (ROWS, COLUMNS)) * 0.02
    embedding = next(t for t in GGUFReader(model).tensors if t.name == "token_embd.weight")
    values = quants.dequantize(embedding.data, embedding.tensor_type).ravel()
    yield "smollm2", values[len(values) // 2 :][: ROWS * COLUMNS].reshape(ROWS, COLUMNS)


def main():
    out = Path(sys.argv[1])
    rng = np.random.default_rng(7)
    weights = np.exp(rng.standard_normal(COLUMNS)).astype(np.float16)
    weights.tofile(out / "k_weights.bin")
    weights = weights.astype(np.float32)
    data = {name: np.ascontiguousarray(x, np.float32).astype(np.float16) for name, x in kinds(sys.argv[2])}
    np.concatenate(list(data.values())).tofile(out / "k_values.bin")
    with open(out / "k_errors.txt", "w") as file:
        for qtype in FORMATS:
            for kind, x in data.items():
                x = x.astype(np.float32)
                plain = relative_error(x, encode(qtype, x, None), np.ones(COLUMNS))
                weighted = relative_error(x, encode(qtype, x, weights), weights.astype(np.float64))
                file.write(f"{qtype.name.lower()} {kind} {plain:.6f} {weighted:.6f}\n")


if __name__ == "__main__":
    main()
