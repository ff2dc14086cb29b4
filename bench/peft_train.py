#!/usr/bin/env python3
"""Times LoRA training steps of PEFT: rank 16 on all linear layers, AdamW, random tokens. One JSON line.

    bench/peft_train.py MODEL_DIR [--dtype bfloat16|float32] [--nf4] [--checkpoint] [--rows 4] [--length 512] [--steps 3]

--nf4: the base in bitsandbytes' NF4 with double quantization (pip install bitsandbytes), that is QLoRA.
"""
import argparse
import json
import resource
import time

import torch
import transformers
from peft import LoraConfig, get_peft_model

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("--dtype", default="bfloat16")
    p.add_argument("--checkpoint", action="store_true")
    p.add_argument("--nf4", action="store_true")
    p.add_argument("--rows", type=int, default=4)
    p.add_argument("--length", type=int, default=512)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--threads", type=int, default=0)
    args = p.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    dtype = getattr(torch, args.dtype)
    quantization = None
    if args.nf4:
        quantization = transformers.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        args.model, dtype=dtype, quantization_config=quantization)
    model.config.use_cache = False
    if args.checkpoint:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=LINEAR, task_type="CAUSAL_LM"))
    model.train()
    optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], lr=1e-4)
    rates = []
    for step in range(args.steps + 1):  # the first warms up
        tokens = torch.randint(0, model.config.vocab_size, (args.rows, args.length))
        start = time.perf_counter()
        loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_([w for w in model.parameters() if w.requires_grad], 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step > 0:
            rates.append(args.rows * args.length / (time.perf_counter() - start))
    rates.sort()
    print(json.dumps({
        "tok_s": rates[len(rates) // 2], "min": rates[0], "max": rates[-1], "dtype": args.dtype,
        "nf4": args.nf4, "checkpoint": args.checkpoint, "threads": torch.get_num_threads(),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
