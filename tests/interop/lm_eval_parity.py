#!/usr/bin/env python3
"""hone eval's tasks beside lm-evaluation-harness: the same Hugging Face folder in f32, the same files, its own task
definitions with only the data set replaced. Item for item the same prediction (but where two choices are closer than
1e-3) or the same written text (up to a place where two tokens are as close), and the same aggregates.

lm_eval_parity.py BUILD MODEL_FOLDER --data FOLDER [--limit N] [--tasks a,b] [--shots N --shots-data FILE] [--chat]
                  [--max-tokens N] [--batch N] [--repeats N]
FOLDER holds NAME.jsonl in the published data sets' columns (NAME: second column of TASKS). Without --tasks, all with
choices whose file is there. --shots without --shots-data takes a file's last rows as examples, and the others as items. Needs
tests/requirements-heavy.txt.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import punkt_model

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

# hone's task, the file, lm-eval's task, what is changed in it.
MMLU = {"description": "The following are multiple choice questions (with answers) about "
                       "{{subject|replace('_', ' ')}}.\n\n"}
TASKS = {
    "hellaswag": ("hellaswag", "hellaswag", {}),
    "arc": ("arc_easy", "arc_easy", {}),
    "openbookqa": ("openbookqa", "openbookqa", {}),
    "piqa": ("piqa", "piqa", {}),
    "mmlu": ("mmlu", "mmlu_anatomy", MMLU),
    "winogrande": ("winogrande", "winogrande", {}),
    "boolq": ("boolq", "boolq", {}),
    "copa": ("copa", "copa", {}),
    "truthfulqa_mc1": ("truthfulqa", "truthfulqa_mc1", {}),
    "truthfulqa_mc2": ("truthfulqa", "truthfulqa_mc2", {}),
    "lambada": ("lambada", "lambada_openai", {}),
    "gsm8k": ("gsm8k", "gsm8k", {}),
    "ifeval": ("ifeval", "ifeval", {}),
}
WRITTEN = {"gsm8k", "ifeval"}  # tasks answered by writing; both print a metric under the same name
# Under which name hone prints lm-eval's metric.
RENAMED = {("truthfulqa_mc2", "acc"): "true_share"}
CLOSE = 1e-3  # nats between the largest two: rounding may decide


def lm_eval_run(args, task, file, name, changes):
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml
    if not hasattr(lm_eval_run, "manager"):
        lm_eval_run.manager = TaskManager()
    if task == "ifeval":
        punkt_model.provide()
        import langdetect
        langdetect.DetectorFactory.seed = 0  # it draws at random
    config = load_yaml(lm_eval_run.manager._index[name].yaml_path)
    for key in ("tag", "task_alias"):
        config.pop(key, None)
    config = {**config, "task": name, "dataset_path": "json", "dataset_name": None, "training_split": None,
              "validation_split": None, "test_split": "test", "fewshot_split": "test",
              "dataset_kwargs": {"data_files": {"test": str(file)}}, **changes}
    if args.shots:
        config["dataset_kwargs"]["data_files"]["shots"] = str(args.shots_data)
        config["fewshot_split"] = "shots"
        config["fewshot_config"] = {"sampler": "first_n"}
    if args.max_tokens:
        config["generation_kwargs"]["max_gen_toks"] = args.max_tokens
    if not hasattr(lm_eval_run, "model"):
        lm_eval_run.model = HFLM(pretrained=args.model, dtype="float32", device="cpu", batch_size=args.batch)
    start = time.time()
    result = lm_eval.simple_evaluate(model=lm_eval_run.model, tasks=[ConfigurableTask(config=config)], num_fewshot=args.shots, log_samples=True,
                                     bootstrap_iters=0, apply_chat_template=args.chat)
    seconds = time.time() - start
    samples = sorted(result["samples"][name], key=lambda s: s["doc_id"])
    if task in WRITTEN:  # once for each filter
        texts = {s["doc_id"]: (s["arguments"][0][0], s["resps"][0][0]) for s in samples}
        metrics = {key.removesuffix(",none"): value for key, value in result["results"][name].items()
                   if isinstance(value, float) and "stderr" not in key}
        return [texts[i] for i in sorted(texts)], metrics, seconds
    metrics = {key.split(",")[0]: value for key, value in result["results"][name].items()
               if key.endswith(",none") and "stderr" not in key}
    return [[float(r[0]) for r in s["filtered_resps"]] for s in samples], metrics, seconds


def hone_run(args, task, file, folder):
    details = folder / f"{task}.details.jsonl"
    command = [str(pathlib.Path(args.build) / "hone"), "eval", "--model", args.model, "--task", task, "--data", str(file),
               "--precise", "--details", str(details), "--json", "--quiet"]
    if args.shots:
        command += ["--shots", str(args.shots), "--shots-data", str(args.shots_data)]
    if args.chat:
        command += ["--apply-chat-template"]
    if args.max_tokens:
        command += ["--max-tokens", str(args.max_tokens)]
    start = time.time()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    seconds = time.time() - start
    out = json.loads(done.stdout)["tasks"][0]
    return ([json.loads(line) for line in details.read_text().splitlines()],
            {name: metric["value"] for name, metric in out["metrics"].items()}, seconds)


def gap(prompt, theirs, ours):
    """Where two texts part: how far the logits of the two tokens are apart that follow what they have in common."""
    import torch
    model = lm_eval_run.model
    a, b = (model.tok_encode(prompt + text) for text in (theirs, ours))
    same = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    end = [model.tokenizer.eos_token_id]
    with torch.no_grad():
        logits = model.model(torch.tensor([a[:same]])).logits[0, -1]
    return abs(float(logits[(a + end)[same]] - logits[(b + end)[same]]))


def compare_texts(theirs, ours):
    """Problems, the largest gap of logits where texts part, and how many texts differ."""
    problems, largest, moved = [], 0.0, 0
    if len(theirs) != len(ours):
        return [f"{len(theirs)} items, hone has {len(ours)}"], 0, 0
    for (prompt, text), item in zip(theirs, ours):
        if text == item["written"]:
            continue
        moved += 1
        apart = gap(prompt, text, item["written"])
        largest = max(largest, apart)
        if apart >= CLOSE:
            problems.append(f"line {item['line']}: {text!r}, hone's {item['written']!r}, {apart:.2g} apart")
    return problems, largest, moved


def argmax(values):
    return values.index(max(values))


def compare(task, theirs, ours):
    """Problems, the largest difference of a log-likelihood, and how many predictions differ."""
    problems, largest, moved = [], 0.0, 0
    if len(theirs) != len(ours):
        return [f"{len(theirs)} items, hone has {len(ours)}"], 0, 0
    for lls, item in zip(theirs, ours):
        own = item["log_likelihoods"]
        if len(lls) != len(own):
            problems.append(f"line {item['line']}: {len(lls)} choices, hone has {len(own)}")
            continue
        difference = max(abs(a - b) for a, b in zip(lls, own))
        largest = max(largest, difference)
        if difference > 0.01:
            problems.append(f"line {item['line']}: log-likelihoods {lls}, hone's {own}")
        if argmax(lls) != argmax(own):
            moved += 1
            ranked = sorted(lls, reverse=True)
            if ranked[0] - ranked[1] >= CLOSE:
                problems.append(f"line {item['line']}: predicts {argmax(lls)}, hone {argmax(own)}")
    return problems, largest, moved


def seconds(runs):
    """Medians of both, of their ratio, and its range."""
    ratios = [theirs / ours for theirs, ours in runs]
    text = f"{statistics.median(t for t, _ in runs):.1f} s / {statistics.median(o for _, o in runs):.1f} s"
    return f"{text} = {statistics.median(ratios):.1f} times ({min(ratios):.1f} to {max(ratios):.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("model")
    parser.add_argument("--data", required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--tasks", default=None)
    parser.add_argument("--shots", type=int, default=0)
    parser.add_argument("--shots-data", default=None)
    parser.add_argument("--max-tokens", type=int, default=0, help="of a written answer; 0: the task's")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--chat", action="store_true")
    parser.add_argument("--repeats", type=int, default=1, help="in turns, for the times")
    args = parser.parse_args()
    failed, given_shots = False, args.shots_data is not None
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        data = pathlib.Path(args.data)
        for task in args.tasks.split(",") if args.tasks else [t for t in TASKS if t not in WRITTEN and (data / f"{TASKS[t][0]}.jsonl").is_file()]:
            stem, name, changes = TASKS[task]
            rows = [row for row in (data / f"{stem}.jsonl").read_text(encoding="utf-8").split("\n") if row]
            if args.shots and not given_shots and task == "mmlu":  # examples are of the item's subject: of one, then
                rows = [json.dumps({**json.loads(row), "subject": "anatomy"}) for row in rows]
            if args.shots and not given_shots:
                args.shots_data = folder / f"{stem}.shots.jsonl"
                args.shots_data.write_text("\n".join(rows[-args.shots:]) + "\n", encoding="utf-8")
                rows = rows[:-args.shots]
            file = folder / f"{stem}.jsonl"
            file.write_text("\n".join(rows[:args.limit or None]) + "\n", encoding="utf-8")
            runs = []
            for _ in range(args.repeats):
                theirs, their_metrics, their_seconds = lm_eval_run(args, task, file, name, changes)
                ours, our_metrics, our_seconds = hone_run(args, task, file, folder)
                runs.append((their_seconds, our_seconds))
            written = task in WRITTEN
            problems, largest, moved = compare_texts(theirs, ours) if written else compare(task, theirs, ours)
            for metric, value in their_metrics.items():
                own = our_metrics.get(RENAMED.get((task, metric), metric))
                if own is None:
                    continue
                allowed = 1e-3 * max(1.0, abs(value)) if metric == "perplexity" or task == "truthfulqa_mc2" else (
                    moved / len(ours) + 1e-9 if moved else 1e-9)
                if metric in ("acc_norm", "acc_bytes"):
                    allowed = max(allowed, 1.0 / len(ours) + 1e-9)  # scaled scores have close calls of their own
                if abs(own - value) > allowed:
                    problems.append(f"{metric}: {value}, hone's {own}")
            shown = ", ".join(f"{m} {their_metrics[m]:.4f}/{our_metrics.get(RENAMED.get((task, m), m), float('nan')):.4f}"
                              for m in their_metrics if isinstance(their_metrics[m], float))
            differ = (f"{moved} texts differ, their logits by at most {largest:.2g} where they part" if written else
                      f"log p differs by at most {largest:.2g}, {moved} predictions")
            print(f"{task:<15} {len(ours):>5} items: {shown}; {differ}; {seconds(runs)}", flush=True)
            for problem in problems[:5]:
                print(f"  {problem}")
            failed = failed or bool(problems)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
