#!/usr/bin/env python3
"""Tiny random models of every family with what PyTorch says about them.

Needs torch, transformers, tokenizers, safetensors, numpy. Usage: generate.py OUTPUT_FOLDER [NAME...]

Writes Hugging Face folders (tiny-tied: f32, one file; tiny-untied: bf16, sharded, own head size, Llama 3.1's RoPE;
tiny-gemma3 and others: one of each family) and beside each NAME.expected.safetensors. All tensors in it have GGUF
names and GGUF row order (Llama's q and k rows interleaved), computed in f64 and stored as f32. README.md says what
each is.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, MistralConfig, Phi3Config, PreTrainedTokenizerFast,
                          Qwen2Config, Qwen3Config)

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
    "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm",
}
GEMMA_TEMPLATE = ("{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + ('model' if message['role'] == "
                  "'assistant' else message['role']) + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
                  "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}")
QWEN_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
              r"|\s*[\r\n]+|\s+(?!\S)|\s+")
RANK, ALPHA, LR, STEPS = 4, 8.0, 1e-2, 10
BATCH, LENGTH, PROMPT = 2, 20, 5
LONG, LONG_ROWS = 80, [0, 1, 63, 64, 79]


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


def qwen_tokenizer():
    out = Tokenizer(models.BPE())
    out.normalizer = normalizers.NFC()
    out.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    out.decoder = decoders.ByteLevel()
    out.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=288, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
    return PreTrainedTokenizerFast(tokenizer_object=out, eos_token="<|im_end|>", pad_token="<|endoftext|>",
                                   chat_template=TEMPLATE, model_max_length=128, clean_up_tokenization_spaces=False)


def sentencepiece_tokenizer(gemma):
    """A SentencePiece-style vocabulary with byte fallback; Gemma's has user-defined tokens of spaces and newlines."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>"] if gemma else ["<unk>", "<s>", "</s>"]
    turns = ["<start_of_turn>", "<end_of_turn>"] if gemma else []
    out = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    out.normalizer = normalizers.Replace(" ", "\u2581") if gemma else normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    if gemma:
        out.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    runs = ["a  b   c\n\nd  e   f\n\n"] * 4 if gemma else []
    out.train_from_iterator([TEXT] + runs, trainers.BpeTrainer(
        vocab_size=384, special_tokens=special + turns + [f"<0x{b:02X}>" for b in range(256)], show_progress=False))
    state = json.loads(out.to_str())
    # Bytes are tokens of the vocabulary, not of the text.
    state["added_tokens"] = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
    out = Tokenizer.from_str(json.dumps(state))
    bos = "<bos>" if gemma else "<s>"
    out.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, out.token_to_id(bos))])
    if gemma:
        assert all(out.token_to_id(t) is not None for t in ("\n\n", "\u2581\u2581"))
        out.add_tokens([AddedToken(t, normalized=False) for t in ("\n\n", "\u2581\u2581")])
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    out.decoder = decoders.Sequence(steps if gemma else steps + [decoders.Strip(" ", 1, 0)])
    end = "<eos>" if gemma else "</s>"
    return PreTrainedTokenizerFast(tokenizer_object=out, bos_token=bos, eos_token=end, unk_token="<unk>",
                                   pad_token="<pad>" if gemma else None,
                                   chat_template=GEMMA_TEMPLATE if gemma else None, model_max_length=128,
                                   clean_up_tokenization_spaces=False)


def gguf_name(name, config):
    name, kind = name.rsplit(".", 1)
    if name.startswith("model.layers."):
        _, _, layer, rest = name.split(".", 3)
        own = {"post_attention_layernorm": "post_attention_norm"} if config.model_type == "gemma3_text" else {}
        return f"blk.{layer}.{own.get(rest) or HF_TO_GGUF[rest]}.{kind}"
    return f"{HF_TO_GGUF[name]}.{kind}"


def gguf_rows(name, tensor, config):
    """Llama's q and k rows from Hugging Face's halves to GGUF's interleaved pairs, per head."""
    if config.model_type not in ("llama", "mistral"):
        return tensor
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
        out[f"lora.a.{gguf_name(name + '.weight', config)}"] = a.clone()
        adapter = Lora(module, a.double())
        setattr(parent, name.rsplit(".", 1)[1], adapter)
        adapters.append((gguf_name(name + ".weight", config), adapter))
    out["lora.losses"] = torch.tensor(train(model, [p for _, m in adapters for p in (m.a, m.b)], batches, targets))
    for name, adapter in adapters:
        out[f"lora.final_a.{name}"] = adapter.a.detach()
        out[f"lora.final_b.{name}"] = gguf_rows(name, adapter.b.detach(), config)
    model = load().requires_grad_(False)
    parameters = [module.weight.requires_grad_(True) for _, module in linears(model)]
    out["full.losses"] = torch.tensor(train(model, parameters, batches, targets))


def make(folder, name, config, dtype, shard, seed, words=None, prompt_text=None):
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    centre = {"gemma3_text": 0}.get(config.model_type, 1)  # Gemma's norms multiply by 1 + w
    with torch.no_grad():
        for key, weight in model.named_parameters():
            weight.copy_(torch.randn_like(weight) * 0.3 + (0 if key.endswith(".bias") else centre) if weight.dim() == 1 else
                         torch.randn_like(weight) * (0.6 / weight.shape[1] ** 0.5 if "embed" not in key else 0.4))
    model = model.to(dtype)
    target = folder / name
    model.save_pretrained(target, max_shard_size=shard)
    words = words or tokenizer()
    words.save_pretrained(target)
    config_file = target / "config.json"
    values = json.loads(config_file.read_text())
    values.pop("transformers_version", None)
    config_file.write_text(json.dumps(values, indent=2) + "\n")
    (target / "generation_config.json").write_text(json.dumps(
        {"bos_token_id": config.bos_token_id, "eos_token_id": [2, 0] if prompt_text is None else config.eos_token_id},
        indent=2) + "\n")

    def load():
        return AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").double()

    random = np.random.default_rng(seed)
    batches = torch.from_numpy(random.integers(3, config.vocab_size, (STEPS, BATCH, LENGTH)))
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
        out[f"grad.{gguf_name(key, config)}"] = gguf_rows(gguf_name(key, config), weight.grad, config)
    with torch.no_grad():
        greedy = model.generate(batches[0, :1, :8], max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0)
    out["greedy"] = greedy[0].to(torch.int32)
    if getattr(config, "original_max_position_embeddings", LONG) < LONG:
        tokens = torch.from_numpy(np.random.default_rng(seed + 1).integers(3, config.vocab_size, (1, LONG)))
        out["long_tokens"] = tokens[0].to(torch.int32)
        out["long_logits"] = load()(tokens).logits[0, LONG_ROWS].detach()
    curves(load, batches, targets, out, config)
    text = prompt_text or "<|im_start|>user\nThe blood is 120 high?<|im_end|>\n"
    out["text_ids"] = torch.tensor(words(text).input_ids, dtype=torch.int32)
    save_file({k: (v if v.dtype == torch.int32 else v.float()).contiguous() for k, v in out.items()},
              folder / f"{name}.expected.safetensors", metadata={"text": text})
    print(name, "loss", loss.item(), "lora", out["lora.losses"].tolist(), "full", out["full.losses"].tolist())


def make_families(folder, wanted):
    """One of each family beside Llama: f32, one file."""
    common = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, max_position_embeddings=128)
    text = "The  blood\n\nis   120 high? caf\u00e9 \u4e16\n"
    if wanted("tiny-gemma3"):
        words = sentencepiece_tokenizer(True)
        make(folder, "tiny-gemma3", Gemma3TextConfig(**{
            **common, "num_hidden_layers": 3, "num_key_value_heads": 1}, vocab_size=len(words), head_dim=16,
            query_pre_attn_scalar=16, sliding_window=6, bos_token_id=2, eos_token_id=1, pad_token_id=0,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters={"full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0},
                             "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}),
             torch.float32, "10MB", 3, words, f"<start_of_turn>user\n{text}<end_of_turn>\n<start_of_turn>model\n")
    qwen = dict(vocab_size=288, bos_token_id=0, eos_token_id=2, rope_theta=10000.0)
    turn = f"<|im_start|>user\n{text}<|im_end|>\n"
    if wanted("tiny-qwen2"):
        make(folder, "tiny-qwen2", Qwen2Config(**common, **qwen, tie_word_embeddings=True), torch.float32, "10MB", 4,
             qwen_tokenizer(), turn)
    if wanted("tiny-qwen3"):
        make(folder, "tiny-qwen3", Qwen3Config(**common, **qwen, head_dim=16, tie_word_embeddings=False),
             torch.float32, "10MB", 5, qwen_tokenizer(), turn)
    if wanted("tiny-mistral"):
        words = sentencepiece_tokenizer(False)
        make(folder, "tiny-mistral", MistralConfig(**common, vocab_size=len(words), sliding_window=7, bos_token_id=1,
                                                   eos_token_id=2), torch.float32, "10MB", 6, words, text)

    if wanted("tiny-phi3"):
        words = sentencepiece_tokenizer(False)
        make(folder, "tiny-phi3", Phi3Config(**common, vocab_size=len(words), sliding_window=6, rope_theta=1000.0,
                                             bos_token_id=1, eos_token_id=2, pad_token_id=0),
             torch.float32, "10MB", 7, words, text)
    if wanted("tiny-phi3-long"):
        words = sentencepiece_tokenizer(False)
        make(folder, "tiny-phi3-long", Phi3Config(
            **{**common, "max_position_embeddings": 256}, original_max_position_embeddings=64, vocab_size=len(words),
            rope_parameters={"rope_type": "longrope", "rope_theta": 1000.0, "partial_rotary_factor": 0.75,
                             "original_max_position_embeddings": 64,
                             "short_factor": [1.0, 1.1, 1.5], "long_factor": [1.2, 2.0, 4.0]},
            tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=0), torch.float32, "10MB", 8, words, text)


def main():
    folder = pathlib.Path(sys.argv[1])
    make_families(folder, lambda name: len(sys.argv) == 2 or name in sys.argv[2:])
    if len(sys.argv) > 2:
        return
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
