"""hone against PEFT on one model: the same ten LoRA steps, and one adapter read by both.

Usage: python peft_parity.py HONE MODEL.gguf [--steps 10]      (needs torch, transformers, peft, gguf)

1. PEFT makes a fresh adapter; both train it from there in f32, every step over the whole data (so that the order does
   not matter): losses within 1e-3 relative, step by step.
2. The adapter that hone trained is loaded by PEFT on the dequantized weights: the answer loss that PEFT computes and the
   one `hone eval` prints agree within 1e-3 relative.
Exit code 0 only when both hold.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

TRAIN = [
    ("What is anaemia?", "Anaemia is a shortage of red blood cells or haemoglobin, so less oxygen is carried."),
    ("Name a symptom of asthma.", "Wheezing, above all at night or after exercise."),
    ("What does insulin do?", "It lets cells take up glucose from the blood."),
    ("Is influenza a bacterium?", "No. Influenza is caused by a virus, so antibiotics do not help against it."),
]
HELD_OUT = [
    ("What is hypertension?", "Blood pressure that stays too high."),
    ("Name a symptom of diabetes.", "Thirst that does not go away, and frequent urination."),
]
TOLERANCE = 1e-3
RATE, RANK, ALPHA = 2e-4, 8, 16  # faster, Gemma overfits in ten steps, and a relative difference says nothing
END_OF_TURN = ("<|im_end|>", "<end_of_turn>")  # of the templates of SmolLM2 and Gemma


def write_chats(path: Path, pairs: list) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for question, answer in pairs:
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": turns}) + "\n")


def encode(tokenizer, pairs: list) -> list:
    """(ids, labels) of each chat; labels cover the answer and its end-of-turn token."""
    end = next(token for token in END_OF_TURN if token in tokenizer.get_vocab())
    samples = []
    for question, answer in pairs:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
        )
        before = tokenizer(prompt, add_special_tokens=False).input_ids
        after = tokenizer(answer + end, add_special_tokens=False).input_ids
        samples.append((torch.tensor([before + after]), torch.tensor([[-100] * len(before) + after])))
    return samples


def losses(model, samples: list, backward: bool) -> float:
    total = sum(int((labels != -100).sum()) for _, labels in samples)
    value = 0.0
    for ids, labels in samples:
        logits = model(input_ids=ids).logits[0, :-1].float()
        loss = torch.nn.functional.cross_entropy(logits, labels[0, 1:], ignore_index=-100, reduction="sum") / total
        if backward:
            loss.backward()
        value += float(loss.detach())
    return value


def hone(program: str, *arguments: str) -> dict:
    done = subprocess.run([program, *arguments, "--precise", "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"hone {arguments[0]}: exit code {done.returncode}: {done.stdout}")
    return json.loads(done.stdout)


def train_with_peft(model, samples: list, steps: int) -> list:
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    curve = []
    for _ in range(steps):
        optimizer.zero_grad()
        curve.append(losses(model, samples, backward=True))
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    return curve


def close(name: str, ours: float, theirs: float) -> bool:
    relative = abs(ours - theirs) / max(abs(theirs), 1e-9)
    print(f"{name:>14}: hone {ours:.6f}  peft {theirs:.6f}  relative {relative:.2e}", flush=True)
    return relative <= TOLERANCE


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("hone")
    parser.add_argument("model", type=Path)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The dequantized weights, in f32. That this export is right is logits_vs_transformers.py's matter.
        hone(options.hone, "convert", str(options.model), "--format", "f32", "--output", str(folder / "base"))
        tokenizer = AutoTokenizer.from_pretrained(folder / "base")
        base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32)
        train, held_out = encode(tokenizer, TRAIN), encode(tokenizer, HELD_OUT)
        write_chats(folder / "train.jsonl", TRAIN)
        write_chats(folder / "test.jsonl", HELD_OUT)
        settings = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(base, settings)
        model.save_pretrained(folder / "start")
        curve = train_with_peft(model, train, options.steps)
        ours = hone(
            options.hone, "tune", "--model", str(options.model), "--data", str(folder / "train.jsonl"),
            "--output", str(folder / "out"), "--init-adapter", str(folder / "start"), "--steps", str(options.steps),
            "--lr", str(RATE), "--schedule", "constant", "--warmup", "0", "--accumulate", "64", "--max-length", "256",
        )  # fmt: skip
        good = [close(f"step {i + 1}", a, b) for i, (a, b) in enumerate(zip(ours["train_loss"], curve, strict=True))]
        tuned = PeftModel.from_pretrained(model.unload(), folder / "out" / "peft").eval()
        with torch.no_grad():
            theirs = losses(tuned, held_out, backward=False)
        report = hone(
            options.hone, "eval", "--model", str(options.model), "--adapter", str(folder / "out"),
            "--chat", str(folder / "test.jsonl"),
        )  # fmt: skip
        good.append(close("answer loss", report["metrics"]["answer_loss"]["value"], theirs))
    print("equal" if all(good) else "DIFFERENT")
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
