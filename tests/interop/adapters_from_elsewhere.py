#!/usr/bin/env python3
"""Adapters that hone did not write, several at once, against llama.cpp: adapters_from_elsewhere.py BUILD_FOLDER

Two random adapters for stories260K: one of rank 8 on all layers with rank-stabilized scaling, as a PEFT folder and, by
way of the gguf package, as a GGUF file; one of ranks 2 and 4 on some layers in f16. hone must compute the same from
PEFT folder and GGUF file, and with both adapters at odd scales the log-probabilities that llama.cpp computes with its
own reader. Each adapter alone must move them, so that one that is not applied, or at another scale, shows."""
import json
import pathlib
import sys
import tempfile

import gguf
import numpy as np
from safetensors.numpy import save_file

import adapter_vs_llamacpp as single
import interop_common as common

SAME, LIMIT, MOVED = 1e-4, 0.1, 1.0  # nats; LIMIT and MOVED as in adapter_vs_llamacpp.py
RANK, ALPHA = 8, 16
NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down"}


class Base:
    """Shapes and head counts, read with the gguf package."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.shapes = {t.name: [int(n) for n in reversed(t.shape)] for t in reader.tensors}  # (out, in)
        self.heads = int(reader.fields["llama.attention.head_count"].contents())
        self.kv_heads = int(reader.fields["llama.attention.head_count_kv"].contents())
        self.layers = int(reader.fields["llama.block_count"].contents())

    def to_gguf_rows(self, rows, short):
        """Hugging Face keeps a head's two rotary halves behind each other, GGUF interleaves them."""
        heads = {"attn_q": self.heads, "attn_k": self.kv_heads}.get(short)
        if heads is None:
            return rows
        return rows.reshape(heads, 2, len(rows) // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def random_adapter(base, ranks, seed, size):
    """{(layer, Hugging Face module): (A, B)} in Hugging Face's row order."""
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(base.layers):
        for module, rank in ranks.items():
            n_out, n_in = base.shapes[f"blk.{layer}.{NAMES[module]}.weight"]
            tensors[layer, module] = (random.normal(0, size, (rank, n_in)).astype(np.float32),
                                      random.normal(0, size, (n_out, rank)).astype(np.float32))
    return tensors


def write_peft(folder, tensors):
    folder.mkdir()
    named = {}
    for (layer, module), (a, b) in tensors.items():
        prefix = f"base_model.model.model.layers.{layer}.{module}"
        named[f"{prefix}.lora_A.weight"], named[f"{prefix}.lora_B.weight"] = a, b
    save_file(named, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": ALPHA, "use_rslora": True,
              "target_modules": sorted({module.split(".")[-1] for _, module in tensors})}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def write_gguf(path, base, tensors, alpha, dtype):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for (layer, module), (a, b) in tensors.items():
        name = f"blk.{layer}.{NAMES[module]}.weight"
        writer.add_tensor(f"{name}.lora_a", np.ascontiguousarray(a.astype(dtype)))
        writer.add_tensor(f"{name}.lora_b", np.ascontiguousarray(base.to_gguf_rows(b, NAMES[module]).astype(dtype)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def difference(a, b):
    return float(np.nanmax(np.abs(a - b)))


def main():
    build = common.Build(sys.argv[1])
    failed = False

    def check(good, text):
        nonlocal failed
        failed |= not good
        print(f"{'ok  ' if good else 'FAIL'} {text}")

    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        model, _ = single.prepare(build, folder)
        base = Base(model)
        first = random_adapter(base, {module: RANK for module in NAMES}, 1, 0.07)
        second = random_adapter(base, {"self_attn.q_proj": 4, "self_attn.k_proj": 2, "mlp.down_proj": 2}, 2, 0.15)
        write_peft(folder / "peft", first)
        write_gguf(folder / "first.gguf", base, first, ALPHA * RANK**0.5, np.float32)
        write_gguf(folder / "second.gguf", base, second, 4.0, np.float16)
        pair = [(folder / "first.gguf", 0.7), (folder / "second.gguf", -0.4)]
        peers = [common.LlamaCpp(model, 512, adapters) for adapters in ([], pair[:1], pair[1:], pair)]
        for prompt in single.PROMPTS:
            tokens = build.tokenize(model, prompt)

            def ours(*adapters):
                return single.hone_logprobs(build, model, tokens, folder, *adapters)

            read = ours((folder / "peft", 1)), ours((folder / "first.gguf", 1))
            together = ours(*pair)
            without, *alone, theirs = [single.peer_logprobs(peer, tokens, len(together)) for peer in peers]
            same, near = difference(*read), difference(together, theirs)
            moved = min(difference(theirs, other) for other in (without, *alone))
            check(same <= SAME, f"{prompt!r}: PEFT folder and GGUF file within {same:.1e} (limit {SAME})")
            check(near <= LIMIT and moved > MOVED, f"{prompt!r}: two adapters at 0.7 and -0.4, hone and llama.cpp within "
                  f"{near:.1e} (limit {LIMIT}), each moves by at least {moved:.1f}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
