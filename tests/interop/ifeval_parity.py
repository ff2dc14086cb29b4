#!/usr/bin/env python3
"""hone eval's judging of IFEval beside lm-evaluation-harness's: hone has a model answer, and lm-evaluation-harness's own
functions judge the very same texts. Instruction for instruction the same, strict and loose, but for the two kinds where
hone lacks what lm-evaluation-harness has: languages (langdetect) and numbers of sentences (NLTK's model), of which at most
one in ten may differ, or two where there are fewer than twenty: a small model answers in no language at all at
times, and then detectors guess.

ifeval_parity.py BUILD MODEL --data FILE [--max-tokens N] [--limit N] [--details FILE]
With --details, a file that `hone eval --task ifeval --data FILE --details` wrote is judged. Needs
tests/requirements-heavy.txt.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import punkt_model

OTHERWISE = {"language:response_language", "change_case:english_capital", "change_case:english_lowercase",
             "length_constraints:number_sentences"}
PREFIX, LOOSELY = "not followed: ", " (loosely followed)"


def answer(args, file, details):
    # In f32, so that the texts that are judged do not depend on the processor.
    command = [str(pathlib.Path(args.build) / "hone"), "eval", "--precise", "--model", args.model, "--task", "ifeval",
               "--data", str(file), "--apply-chat-template", "--details", str(details), "--quiet"]
    if args.max_tokens:
        command += ["--max-tokens", str(args.max_tokens)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    print(done.stdout, flush=True)


def by_name(ids, verdicts):
    """{name: its verdicts (strict, loose), sorted}: a prompt may hold one name several times."""
    return {name: sorted(v for i, v in zip(ids, verdicts, strict=True) if i == name) for name in ids}


def hone_verdicts(ids, item):
    """As by_name, from the names of those not followed."""
    named = item["extracted"].removeprefix(PREFIX).split(", ") if item["extracted"] else []
    verdicts = [(False, name.endswith(LOOSELY)) for name in named]
    named = [name.removesuffix(LOOSELY) for name in named]
    rest = list((collections.Counter(ids) - collections.Counter(named)).elements())
    if sorted(named + rest) != sorted(ids):
        sys.exit(f"line {item['line']}: {named} are not all among the prompt's instructions {ids}")
    return by_name(named + rest, verdicts + [(True, True)] * len(rest))


def compare(rows, items):
    import langdetect
    from lm_eval.tasks.ifeval import utils
    langdetect.DetectorFactory.seed = 0  # it draws at random
    asked, differ, problems = collections.Counter(), collections.Counter(), []
    sums = {who: [0, 0, 0, 0] for who in ("lm-eval", "hone")}  # prompts strict, loose; instructions strict, loose
    for item in items:
        row = rows[item["line"] - 1]
        ids = row["instruction_id_list"]
        theirs = utils.process_results(row, [item["written"]])
        theirs = by_name(ids, list(zip(theirs["inst_level_strict_acc"], theirs["inst_level_loose_acc"], strict=True)))
        ours = hone_verdicts(ids, item)
        for who, verdicts in (("lm-eval", theirs), ("hone", ours)):
            for way in (0, 1):
                followed = [verdict[way] for named in verdicts.values() for verdict in named]
                sums[who][way] += all(followed)
                sums[who][2 + way] += sum(followed)
        for name, n in collections.Counter(ids).items():
            asked[name] += n
            wrong = sum(tuple(a) != b for a, b in zip(theirs[name], ours[name], strict=True))
            if wrong == 0:
                continue
            differ[name] += wrong
            text = f"line {item['line']}: {name}: {theirs[name]}, hone {ours[name]}: {item['written'][:200]!r}"
            problems.append(text) if name not in OTHERWISE else print("  " + text)
    n_otherwise, n_differ = (sum(counts[name] for name in OTHERWISE) for counts in (asked, differ))
    if n_differ > max(2, n_otherwise / 10):
        problems.append(f"{n_differ} of {n_otherwise} verdicts on languages and numbers of sentences differ")
    return asked, differ, sums, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("model")
    parser.add_argument("--data", required=True)
    parser.add_argument("--max-tokens", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--details", default=None)
    args = parser.parse_args()
    lines = [line for line in pathlib.Path(args.data).read_text(encoding="utf-8").split("\n") if line][:args.limit]
    rows = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        details = pathlib.Path(args.details or pathlib.Path(folder) / "details.jsonl")
        if args.details is None:
            file = pathlib.Path(folder) / "ifeval.jsonl"
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            answer(args, file, details)
        items = [json.loads(line) for line in details.read_text(encoding="utf-8").split("\n") if line]
    punkt_model.provide()
    asked, differ, sums, problems = compare(rows, items)
    n_prompts, n_instructions = len(items), sum(asked.values())
    print(f"{n_prompts} prompts of {len(rows)}, {n_instructions} instructions of {len(asked)} kinds; lm-eval/hone followed:")
    for i, (what, n) in enumerate((("prompts, strict", n_prompts), ("prompts, loose", n_prompts),
                                   ("instructions, strict", n_instructions), ("instructions, loose", n_instructions))):
        print(f"  {what:<22} {sums['lm-eval'][i]}/{sums['hone'][i]} of {n}")
    print("verdicts that differ:", ", ".join(f"{name} {n} of {asked[name]}" for name, n in differ.items()) or "none")
    for problem in problems[:10]:
        print("  " + problem)
    sys.exit(1 if problems or not items else 0)


if __name__ == "__main__":
    main()
