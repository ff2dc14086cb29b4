"""Two adapters of PEFT on one model at once, each with a scale: PEFT's answer loss against hone's.

Usage: python peft_several.py HONE MODEL.gguf      (needs torch, transformers, peft, gguf)

The adapters have random values, different ranks and targets, and one is rank-stabilized. On the dequantized weights the
loss with each alone, with both, and with both at odd scales must agree within 1e-3 relative; each must move it. Exit
code 0 only when all hold.
"""
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, AutoTokenizer

import peft_parity as parity

MOVED = 0.005  # relative: many times what the two may differ by
CONFIGS = {
    "first": LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
    "second": LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj", "down_proj"], use_rslora=True, task_type="CAUSAL_LM"),
}
CASES = [{"first": 1.0}, {"second": 1.0}, {"first": 1.0, "second": 1.0}, {"first": 0.6, "second": -0.5}]


def random_adapters(base):
    model = get_peft_model(base, CONFIGS["first"], adapter_name="first")
    model.add_adapter("second", CONFIGS["second"])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.05)
    return model


def loss_with(model, scales, samples):
    """PEFT's loss with these adapters active at these scales."""
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
    earlier = [dict(layer.scaling) for layer in layers]
    model.base_model.set_adapter(list(scales))
    for layer in layers:
        for name, scale in scales.items():
            if name in layer.scaling:
                layer.scaling[name] *= scale
    with torch.no_grad():
        loss = parity.losses(model, samples, backward=False)
    for layer, scaling in zip(layers, earlier, strict=True):
        layer.scaling.update(scaling)
    return loss


def main():
    program, gguf = sys.argv[1:3]
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parity.hone(program, "convert", gguf, "--format", "f32", "--output", str(folder / "base"))
        tokenizer = AutoTokenizer.from_pretrained(folder / "base")
        base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32)
        samples = parity.encode(tokenizer, parity.HELD_OUT)
        parity.write_chats(folder / "test.jsonl", parity.HELD_OUT)
        with torch.no_grad():
            without = parity.losses(base, samples, backward=False)
        model = random_adapters(base).eval()
        model.save_pretrained(folder)  # each adapter in a folder of its name
        good = True
        for scales in CASES:
            theirs = loss_with(model, scales, samples)
            options = [part for name, scale in scales.items() for part in ("--adapter", f"{folder / name}:{scale}")]
            ours = parity.hone(program, "eval", "--model", gguf, *options, "--chat", str(folder / "test.jsonl"))
            words = ", ".join(f"{name} at {scale}" for name, scale in scales.items())
            good &= parity.close(words, ours["metrics"]["answer_loss"]["value"], theirs)
            good &= abs(theirs - without) > MOVED * without
            print(f"{'':>14}  without: {without:.6f}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
