#!/usr/bin/env python3
"""Writes the container goldens with the gguf and safetensors packages into the given folder.

  all_types.gguf     every metadata type, arrays of them, one tensor of every weight format
  alignment64.gguf   general.alignment = 64
  mixed.safetensors  float and integer tensors, a scalar, an empty tensor, metadata

Usage: generate.py FOLDER   (needs numpy, gguf, safetensors and, for the formats that gguf cannot encode, xllamacpp;
written with gguf 0.19.0, safetensors 0.8.0, xllamacpp 2026.10.11549)
"""
import struct
import sys
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as T
from gguf import GGUFValueType as V
from gguf import GGUFWriter, quants
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "formats"))
import generate_k  # noqa: E402


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def all_types(path):
    w = GGUFWriter(path, "llama")
    w.add_key_value("t.u8", 200, V.UINT8)
    w.add_key_value("t.i8", -100, V.INT8)
    w.add_key_value("t.u16", 65000, V.UINT16)
    w.add_key_value("t.i16", -32000, V.INT16)
    w.add_key_value("t.u32", 4000000000, V.UINT32)
    w.add_key_value("t.i32", -2000000000, V.INT32)
    w.add_key_value("t.f32", 0.1, V.FLOAT32)
    w.add_key_value("t.nan", struct.unpack("<f", struct.pack("<I", 0xFFC12345))[0], V.FLOAT32)
    w.add_key_value("t.inf", float("-inf"), V.FLOAT64)
    w.add_key_value("t.true", True, V.BOOL)
    w.add_key_value("t.false", False, V.BOOL)
    w.add_key_value("t.string", "straße 北京 \U0001f600\0end", V.STRING)
    w.add_key_value("t.u64", 18446744073709551615, V.UINT64)
    w.add_key_value("t.i64", -9223372036854775808, V.INT64)
    w.add_key_value("t.f64", 0.1, V.FLOAT64)
    for sub, values in (
        (V.UINT8, [0, 255]), (V.INT8, [-128, 127]), (V.UINT16, [0, 65535]), (V.INT16, [-32768, 5]),
        (V.UINT32, [1, 4294967295]), (V.INT32, [-1, 2147483647, 0]), (V.FLOAT32, [0.1, -0.0, 3.5]),
        (V.BOOL, [True, False, True]), (V.STRING, ["", "Ġhello", "a\nb"]), (V.UINT64, [18446744073709551615]),
        (V.INT64, [-5, 6]), (V.FLOAT64, [0.1, 1e300]),
    ):
        w.add_key_value(f"a.{sub.name.lower()}", values, V.ARRAY, sub_type=sub)
    rng = np.random.default_rng(3)
    older = (T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1)
    for t in older:
        x = rng.standard_normal((2, 64)).astype(np.float32)
        w.add_tensor(f"blk.0.{t.name.lower()}.weight", quants.quantize(x, t), raw_dtype=t)
    grids = (T.IQ2_XXS, T.IQ2_XS, T.IQ2_S, T.IQ3_XXS, T.IQ3_S, T.IQ1_S, T.IQ1_M)  # not encoded without an importance
    for t in (t for t in generate_k.FORMATS + grids if t not in older):
        columns = max(64, GGML_QUANT_SIZES[t][0])
        x = np.random.default_rng(t.value).standard_normal((2, columns)).astype(np.float32)
        importance = np.ones(columns, np.float32) if t in grids else None
        w.add_tensor(f"blk.0.{t.name.lower()}.weight", generate_k.encode_bytes(t, x, importance), raw_dtype=t)
    w.add_tensor("norm.weight", rng.standard_normal(5).astype(np.float32))
    w.add_tensor("conv.weight", rng.standard_normal((2, 1, 3, 4)).astype(np.float32))
    finish(w)


def alignment64(path):
    w = GGUFWriter(path, "llama")
    w.add_custom_alignment(64)
    w.add_uint32("x.y", 7)
    for i in range(3):
        w.add_tensor(f"t{i}", np.arange(3 + i, dtype=np.float32))
    finish(w)


def mixed(path):
    f = lambda *shape: (np.arange(np.prod(shape)) / 7 - 1).reshape(shape)
    save_file(
        {
            "lora.A": f(2, 3).astype(np.float32),
            "lora.B": f(3, 2).astype(np.float16),
            "ids": np.array([-1, 2**40], dtype=np.int64),
            "flags": np.array([True, False, True]),
            "scalar": np.array(2.5, dtype=np.float32),
            "empty": np.zeros((0, 4), dtype=np.float32),
            'näme "q"\\\n': np.array([7], dtype=np.uint8),
        },
        path,
        metadata={"format": "pt", "note": 'quotes " and ü'},
    )


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    all_types(out / "all_types.gguf")
    alignment64(out / "alignment64.gguf")
    mixed(out / "mixed.safetensors")


main()
