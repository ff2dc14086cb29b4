"""Ten AdamW steps of torch on random tensors, with and without weight decay, with clipping.

Usage: python make_adamw.py OUTPUT_FOLDER   (needs torch, safetensors, numpy; the data files here were made so)
"""
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

STEPS = 10


def run(weight_decay: float, clip: float, tensors: dict, tag: str) -> None:
    generator = torch.Generator().manual_seed(11)
    parameters = [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in ((5, 7), (33,))]
    for i, parameter in enumerate(parameters):
        tensors[f"{tag}.start.{i}"] = parameter.detach().clone()
    optimizer = torch.optim.AdamW(
        parameters, lr=1.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=weight_decay, foreach=False
    )
    norms, rates = [], []
    for step in range(STEPS):
        rate = 0.01 * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / STEPS)))
        rates.append(rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        for i, parameter in enumerate(parameters):
            scale = 10.0 ** float(torch.randint(-3, 2, (1,), generator=generator))
            parameter.grad = torch.randn(parameter.shape, generator=generator) * scale
            tensors[f"{tag}.grad.{step}.{i}"] = parameter.grad.clone()
        if clip > 0:
            norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, clip)))
        optimizer.step()
        for i, parameter in enumerate(parameters):
            tensors[f"{tag}.after.{step}.{i}"] = parameter.detach().clone()
    tensors[f"{tag}.rate"] = torch.tensor(rates, dtype=torch.float64)
    if norms:
        tensors[f"{tag}.norm"] = torch.tensor(norms, dtype=torch.float64)


def main() -> None:
    folder = Path(sys.argv[1])
    tensors: dict = {}
    run(0.0, 0.0, tensors, "plain")
    run(0.1, 1.0, tensors, "decay_clip")
    save_file(tensors, folder / "adamw.safetensors")


if __name__ == "__main__":
    main()
