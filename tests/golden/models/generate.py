#!/usr/bin/env python3
"""Tiny random Llama models with what PyTorch says about them.

Needs torch, transformers, tokenizers, safetensors, numpy. Usage: generate.py OUTPUT_FOLDER

Writes two Hugging Face folders (tiny-tied: f32, one file; tiny-untied: bf16, sharded, own head size, Llama 3.1's
RoPE) and beside each NAME.expected.safetensors. All tensors in it have GGUF names and GGUF row order (q and k rows
interleaved), computed in f64 and stored as f32. README.md says what each is.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEXT = """The heart pumps blood through the body. What is high blood pressure? High blood pressure is a common
condition in which the force of the blood against the artery walls is too high. In 2024, 120/80 was normal.
She sells sea shells by the sea shore; the shells she sells are surely sea shells."""
TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
            "'<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
HF_TO_GGUF = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
RANK, ALPHA, LR, STEPS = 4, 8.0, 1e-2, 10
BATCH, LENGTH, PROMPT = 2, 20, 5


def tokenizer():
    out = Tokenizer(models.BPE())
    out.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    out.decoder = decoders.ByteLevel()
    out.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=288, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
    assert out.get_vocab_size() == 288
    return PreTrainedTokenizerFast(tokenizer_object=out, bos_token="<|im_start|>", eos_token="<|im_end|>",
                                   unk_token="<|endoftext|>", pad_token="<|im_end|>", chat_template=TEMPLATE,
                                   model_max_length=128, clean_up_tokenization_spaces=False)


def gguf_name(name):
    name, kind = name.rsplit(".", 1)
    if name.startswith("model.layers."):
        _, _, layer, rest = name.split(".", 3)
        return f"blk.{layer}.{HF_TO_GGUF[rest]}.{kind}"
    return f"{HF_TO_GGUF[name]}.{kind}"


def gguf_rows(name, tensor, config):
    """q and k rows from Hugging Face's halves to GGUF's interleaved pairs, per head."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for part, n in heads.items():
        if part in name:
            shape = tensor.shape
            return tensor.reshape(n, 2, shape[0] // n // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
    return tensor


def loss_of(model, tokens, targets):
    logits = model(tokens).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


def linears(model):
    return [(name, module) for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and name != "lm_head"]


class Lora(torch.nn.Module):
    def __init__(self, base, a):
        super().__init__()
        self.base = base
        self.a = torch.nn.Parameter(a)
        self.b = torch.nn.Parameter(torch.zeros(base.out_features, RANK, dtype=a.dtype))

    def forward(self, x):
        return self.base(x) + (x @ self.a.T @ self.b.T) * (ALPHA / RANK)


def train(model, parameters, batches, targets):
    optimizer = torch.optim.AdamW(parameters, lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    losses = []
    for tokens, target in zip(batches, targets):
        optimizer.zero_grad()
        loss = loss_of(model, tokens, target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def curves(load, batches, targets, out, config):
    generator = torch.Generator().manual_seed(7)
    model = load().requires_grad_(False)
    adapters = []
    for name, module in linears(model):
        a = (torch.rand(RANK, module.in_features, generator=generator) - 0.5) * (2 / module.in_features ** 0.5)
        parent = model.get_submodule(name.rsplit(".", 1)[0])
        out[f"lora.a.{gguf_name(name + '.weight')}"] = a.clone()
        adapter = Lora(module, a.double())
        setattr(parent, name.rsplit(".", 1)[1], adapter)
        adapters.append((gguf_name(name + ".weight"), adapter))
    out["lora.losses"] = torch.tensor(train(model, [p for _, m in adapters for p in (m.a, m.b)], batches, targets))
    for name, adapter in adapters:
        out[f"lora.final_a.{name}"] = adapter.a.detach()
        out[f"lora.final_b.{name}"] = gguf_rows(name, adapter.b.detach(), config)
    model = load().requires_grad_(False)
    parameters = [module.weight.requires_grad_(True) for _, module in linears(model)]
    out["full.losses"] = torch.tensor(train(model, parameters, batches, targets))


def make(folder, name, config, dtype, shard, seed):
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            weight.copy_(torch.randn_like(weight) * 0.3 + 1 if weight.dim() == 1 else
                         torch.randn_like(weight) * (0.6 / weight.shape[1] ** 0.5 if "embed" not in key else 0.4))
    model = model.to(dtype)
    target = folder / name
    model.save_pretrained(target, max_shard_size=shard)
    words = tokenizer()
    words.save_pretrained(target)
    config_file = target / "config.json"
    values = json.loads(config_file.read_text())
    values.pop("transformers_version", None)
    config_file.write_text(json.dumps(values, indent=2) + "\n")
    (target / "generation_config.json").write_text(json.dumps(
        {"bos_token_id": 1, "eos_token_id": [2, 0]}, indent=2) + "\n")

    def load():
        return LlamaForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").double()

    random = np.random.default_rng(seed)
    batches = torch.from_numpy(random.integers(3, 288, (STEPS, BATCH, LENGTH)))
    targets = torch.full_like(batches, -1)
    targets[:, :, PROMPT - 1:-1] = batches[:, :, PROMPT:]
    model = load()
    out = {"tokens": batches.to(torch.int32), "targets": targets.to(torch.int32)}
    out["logits"] = model(batches[0]).logits.detach()
    model.requires_grad_(True)
    loss = loss_of(model, batches[0], targets[0])
    loss.backward()
    out["loss"] = loss.detach().reshape(1)
    for key, weight in model.named_parameters():
        out[f"grad.{gguf_name(key)}"] = gguf_rows(gguf_name(key), weight.grad, config)
    with torch.no_grad():
        greedy = model.generate(batches[0, :1, :8], max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0)
    out["greedy"] = greedy[0].to(torch.int32)
    curves(load, batches, targets, out, config)
    text = "<|im_start|>user\nThe blood is 120 high?<|im_end|>\n"
    out["text_ids"] = torch.tensor(words(text).input_ids, dtype=torch.int32)
    save_file({k: (v if v.dtype == torch.int32 else v.float()).contiguous() for k, v in out.items()},
              folder / f"{name}.expected.safetensors", metadata={"text": text})
    print(name, "loss", loss.item(), "lora", out["lora.losses"].tolist(), "full", out["full.losses"].tolist())


def main():
    folder = pathlib.Path(sys.argv[1])
    common = dict(vocab_size=288, hidden_size=32, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2)
    make(folder, "tiny-tied", LlamaConfig(
        **common, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=128, rope_theta=10000.0, tie_word_embeddings=True), torch.float32, "10MB", 1)
    make(folder, "tiny-untied", LlamaConfig(
        **common, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, head_dim=16,
        max_position_embeddings=128, rope_theta=500.0, tie_word_embeddings=False,
        rope_scaling={"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0,
                      "high_freq_factor": 4.0, "original_max_position_embeddings": 32}),
        torch.bfloat16, "40KB", 2)


if __name__ == "__main__":
    main()
