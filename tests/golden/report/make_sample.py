"""Writes sample.json: a made-up run with five stages, as the report room's tests and a person's eyes need it.

    python make_sample.py OUTPUT_FOLDER

Every number and every sentence here is invented; nothing was measured and nothing is medical advice.
"""

import json
import math
import pathlib
import random
import sys


def measured(value, stderr, n):
    return {"value": value, "stderr": stderr, "n": n, "low": value - 1.96 * stderr, "high": value + 1.96 * stderr}


def stage(name, status, what, megabytes, bits, loss, ppl, kl, top1, speed, gain):
    metrics = {"answer_loss": measured(loss, 0.0231, 200), "perplexity": measured(ppl, 0.412, 94)}
    if kl is not None:
        metrics["kl"] = measured(kl, kl * 0.031, 94)
        metrics["top1_agreement"] = measured(top1, 0.0021, 94)
    if speed is not None:
        metrics["decode_tok_s"] = {"value": speed, "stderr": speed * 0.012, "n": 5, "low": 0, "high": 0}
    out = {
        "name": name, "role": name if name in ("base", "tuned", "merged") else "file", "status": status, "file": "" if name in ("base", "tuned") else f"{name}.gguf", "what": what,
        "file_bytes": int(megabytes * 1e6), "bits_per_weight": bits, "seconds": 31.5, "metrics": metrics,
    }
    accuracy = {"base": 0.41, "tuned": 0.55, "merged": 0.55, "q8_0": 0.545, "q4_0": 0.5}[name]
    metrics["leaflets.acc"] = measured(accuracy, 0.035, 200)
    if gain is not None:
        value, half = gain
        out["gain_kept"] = {"value": value, "stderr": half / 2, "n": 200, "low": value - half, "high": value + half}
    return out


def proof():
    """A task with answers that changed, where the loss comes from, promises."""
    def change(stage, against, value, half, wrong, right, p, holm, kept=None):
        out = {"stage": stage, "against": against, "difference": {"value": value, "stderr": half / 2, "n": 200, "low": value - half,
                                                                  "high": value + half},
               "to_wrong": wrong, "to_right": right, "p": p, "p_holm": holm, "p_of_metric": True}
        if kept is not None:
            out["gain_kept"] = {"value": kept, "stderr": 0.04, "n": 200, "low": kept - 0.08, "high": kept + 0.08}
        return out

    task = {
        "name": "leaflets", "title": "Choices", "metric": "acc", "general": False, "n": 200,
        "protocol": "200 items of leaflets.jsonl; examples: none; plain text; log p of each choice behind the prompt.",
        "changes": [change("tuned", "base", 0.14, 0.06, 6, 34, 0.00001, 0.00004, 1.0), change("merged", "tuned", 0.0, 0.0, 0, 0, 1, 1, 1.0),
                    change("q8_0", "merged", -0.005, 0.01, 2, 1, 1, 1, 0.96), change("q4_0", "merged", -0.05, 0.03, 12, 2, 0.013, 0.039, 0.64)],
        "changed": [{"stage": "q4_0", "against": "merged", "question": "Question: Which food is rich in iron?\nAnswer:",
                     "expected": "lentils", "before": "lentils", "after": "<b>butter</b>", "to_right": False}],
    }
    parts = [{"stage": stage, "part": part, "loss": measured(loss, 0.002, 200), **({"kl": measured(kl, kl * 0.1, 200)} if kl else {})}
             for stage, part, loss, kl in [("merged", "merge", 0.0003, None), ("merged", "arithmetic", 0.001, 0.0003),
                                           ("q4_0", "rounding", 0.051, 0.048), ("q4_0", "arithmetic", 0.002, 0.0021)]]
    gates = [{"gate": "min_gain_kept", "stage": stage, "subject": "answer loss", "value": measured(value, 0.02, 200), "limit": 0.97,
              "at_least": True, "passed": passed, "verdict": verdict, "repaired_by": ""}
             for stage, value, passed, verdict in [("q8_0", 0.995, True, "unclear"), ("q4_0", 0.88, False, "missed")]]
    return {"tasks": [task], "loss_parts": parts, "gates": gates}


def loss_curve():
    rng = random.Random(7)
    points = []
    for i in range(60):
        step = (i + 1) * 2
        clean = 1.50 + 0.72 * math.exp(-step / 28)
        point = {"step": step, "tokens": step * 667, "train_loss": clean + rng.gauss(0, 0.07)}
        if (i + 1) % 10 == 0 or i == 0:
            point["valid_loss"] = clean + 0.035 + rng.gauss(0, 0.008)
        warm = 12
        point["lr"] = 2e-4 * (step / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * (step - warm) / 108))
        points.append(point)
    return points


LONG = (
    "Iron-deficiency anemia is usually treated in two steps. The first is to find out why iron is being lost or not "
    "taken up: heavy periods, a slow bleed in the stomach or bowel, pregnancy, or a diet low in iron are the common "
    "reasons. The second is to refill the stores with iron tablets, most often once a day or every other day, taken "
    "with water or orange juice and away from tea, coffee, milk and antacids.\n\nBlood counts begin to rise within "
    "two to four weeks, but the tablets are continued for about three months after the count is normal, so that the "
    "stores are full again. Iron into a vein is used when tablets are not tolerated or not absorbed."
)


def examples():
    return [
        {
            "question": "How is iron-deficiency anemia treated?",
            "reference": LONG,
            "answers": [
                {"stage": "base", "text": "Anemia is a condition in which the body does not have enough healthy red "
                 "blood cells. There are many types of anemia. Anemia is a condition in which the body does not have "
                 "enough healthy red blood cells. It is important to eat a balanced diet. It is important to eat a "
                 "balanced diet. It is important to talk to your doctor about the best treatment for you."},
                {"stage": "tuned", "text": LONG[:395] + "\n\nTreatment lasts several months. Your doctor will repeat "
                 "the blood test to see whether the iron stores are filling up."},
                {"stage": "merged", "text": LONG[:395] + "\n\nTreatment lasts several months. Your doctor will "
                 "repeat the blood test to see whether the iron stores are filling up."},
                {"stage": "q8_0", "text": LONG[:395] + "\n\nTreatment lasts several months. Your doctor will repeat "
                 "the test to see whether the stores are filling up."},
                {"stage": "q4_0", "text": "Iron-deficiency anemia is treated with iron supplements.\n- Iron tablets "
                 "by mouth\n- Iron given into a vein\n- Treating the cause of the blood loss\nYour doctor may also "
                 "suggest foods rich in iron, such as beans, lentils, meat and dark leafy vegetables."},
            ],
        },
        {
            "question": "What are the symptoms of carpal tunnel syndrome?",
            "reference": "Tingling, numbness and a burning feeling in the thumb, index and middle finger, often worse "
            "at night. Some people drop things or find it hard to button a shirt.",
            "answers": [
                {"stage": "base", "text": "Carpal tunnel syndrome is a syndrome of the carpal tunnel."},
                {"stage": "tuned", "text": "The main symptoms are numbness, tingling and pain in the hand and "
                 "fingers, most often the thumb and the first two fingers. They often begin at night."},
                {"stage": "merged", "text": "The main symptoms are numbness, tingling and pain in the hand and "
                 "fingers, most often the thumb and the first two fingers. They often begin at night."},
                {"stage": "q8_0", "text": "The main symptoms are numbness, tingling and pain in the hand and "
                 "fingers, most often the thumb and the first two fingers. They often begin at night."},
                {"stage": "q4_0", "text": "Symptoms include numbness and tingling in the hand, and weakness of grip."},
            ],
        },
        {
            "question": "Is it safe to stop taking a beta blocker suddenly?\nI feel tired since I started it.",
            "reference": "No. Stopping suddenly can bring on chest pain or a fast heartbeat. The dose is lowered "
            "step by step over one to two weeks, with a doctor's advice.",
            "answers": [
                {"stage": "base", "text": "Yes, it is safe to stop. The beta blocker is a kind of blocker. " * 9},
                {"stage": "tuned", "text": "No. Do not stop taking this medicine without talking to your doctor. "
                 "Stopping suddenly may cause chest pain, an irregular heartbeat or, rarely, a heart attack."},
                {"stage": "merged", "text": "No. Do not stop taking this medicine without talking to your doctor. "
                 "Stopping suddenly may cause chest pain, an irregular heartbeat or, rarely, a heart attack."},
                {"stage": "q8_0", "text": "No. Do not stop taking this medicine without talking to your doctor. "
                 "Stopping suddenly may cause chest pain or an irregular heartbeat."},
                {"stage": "q4_0", "text": "No. Talk to your doctor before you stop. Your doctor may lower the dose "
                 "slowly."},
            ],
        },
    ]


RECIPE = """# Tune on medical questions, then ship 8 and 4 bits.
name = "medical"
seed = 1

[base]
model = "smollm2-135m-instruct"

[data]
train = "train.jsonl"
valid = "valid.jsonl"
test  = "test.jsonl"

[tune]
method = "lora"
rank = 16
tokens = 80000

[quantize]
to = ["q8_0", "q4_0"]
"""


def sample():
    return {
        "name": "medical",
        "date": "2026-03-14 09:26 UTC",
        "hone_version": "0.1.0",
        "base_model": "SmolLM2-135M-Instruct Q4_1",
        "base_fingerprint": "xxh3:5f0c2b9a77d14e03a1b6",
        "recipe_path": "examples/medical/recipe.toml",
        "recipe_text": RECIPE,
        "machine": "2 cores, AVX-512 with VNNI and BF16, 24 GiB memory",
        "command": "hone run examples/medical/recipe.toml",
        "compute_mode": "default (bf16 products, f32 sums)",
        "perplexity_protocol": "llama.cpp convention: windows of 512, second half scored; wiki.test.raw, 48 128 tokens",
        "kl_reference": "merged f16, forward in f32",
        "dataset_note": "1 000 training, 100 validation and 200 test question-answer pairs, CC BY 4.0",
        "total_seconds": 581.3,
        "peak_rss_bytes": 1_093_000_000,
        "trainable_parameters": 4_884_480,
        "train_tokens": 80_040,
        "train_tok_s": 512.7,
        "tuning": [
            {"name": k, "value": v}
            for k, v in {
                "method": "lora", "rank": "16", "alpha": "32", "dropout": "0", "targets": "all linear layers",
                "optimizer": "AdamW", "learning rate": "2e-4", "schedule": "cosine, 6 steps warm-up",
                "batch": "4 × 512 tokens", "weight decay": "0.01", "clipping": "1.0", "seed": "1",
            }.items()
        ],
        **proof(),
        "tuning_gain": {"value": 0.5816, "stderr": 0.0142, "n": 200, "low": 0.5534, "high": 0.6101},
        "stages": [
            stage("base", "cached", "The model as it was", 98.3, 5.8, 2.1047, 23.55, None, None, 171.2, None),
            stage("tuned", "done", "LoRA adapter on the base, not merged", 108.1, 6.4, 1.5231, 24.31, 0.0031, 0.9712,
                  143.0, (1.0, 0.0)),
            stage("merged", "done", "Adapter folded into 16-bit weights", 269.1, 16.0, 1.5229, 24.30, None, None,
                  131.8, (1.0003, 0.0011)),
            stage("q8_0", "done", "8-bit codes in blocks of 32", 144.8, 8.5, 1.5254, 24.38, 0.00461, 0.9593, 243.6,
                  (0.9962, 0.0061)),
            stage("q4_0", "done", "4-bit codes in blocks of 32", 91.7, 5.4, 1.5640, 27.9, 0.2363, 0.7312, 268.4,
                  (0.9299, 0.021)),
        ],
        "loss_curve": loss_curve(),
        "examples": examples(),
        "next_commands": [
            "hone chat --model runs/medical/q8_0.gguf",
            "hone eval --model runs/medical/q4_0.gguf --reference runs/medical/merged.gguf --chat my-own-test.jsonl",
        ],
        "notes": [
            "The base file is already 4-bit; merging unpacks it to 16 bits, which adds size but no knowledge.",
            "Answers are samples of one greedy run. They are not medical advice.",
        ],
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[1]) / "sample.json"
    path.write_text(json.dumps(sample(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
