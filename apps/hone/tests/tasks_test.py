"""hone eval --task: files in, metrics, flips and details out; and what is said of wrong ones."""
import json
import math

from hone_case import HoneCase, choice_rows, main


class Tasks(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = cls.folder / "choices.jsonl"
        cls.data.write_text(choice_rows(12))
        cls.words = cls.folder / "words.jsonl"
        cls.words.write_text('{"text": "Once upon a time"}\n{"text": "She was very happy"}\n')
        cls.run_ok("quantize", "--model", cls.gguf, "--to", "q4_0", "--output", cls.folder / "small.gguf")

    def test_two_tasks_and_details(self):
        details = self.folder / "details.jsonl"
        out = self.run_ok("eval", "--model", self.gguf, "--task", "choices", "--data", self.data, "--task", "lambada",
                          "--data", self.words, "--precise", "--details", details)
        self.assertEqual([task["key"] for task in out["tasks"]], ["choices", "lambada"])
        lines = [json.loads(line) for line in details.read_text().splitlines()]
        self.assertEqual(len(lines), 14)
        right = sum(line["correct"] for line in lines[:12])
        self.assertAlmostEqual(out["metrics"]["choices.acc"]["value"], right / 12)
        for line in lines[:12]:
            self.assertEqual(line["prediction"], int(line["log_likelihoods"][1] > line["log_likelihoods"][0]))
            self.assertEqual(line["correct"], line["prediction"] == line["answer"])
        self.assertIn("data_hash", out["tasks"][0]["protocol"])

    def test_calibration_from_the_details(self):
        details = self.folder / "sure.jsonl"
        out = self.run_ok("eval", "--model", self.gguf, "--reference", self.gguf, "--task", "choices", "--data", self.data,
                          "--precise", "--details", details)
        answers = []
        for line in map(json.loads, details.read_text().splitlines()):
            weights = [math.exp(x - max(line["log_likelihoods"])) for x in line["log_likelihoods"]]
            p = [w / sum(weights) for w in weights]
            answers.append((max(p), line["correct"], sum((x - (c == line["answer"])) ** 2 for c, x in enumerate(p))))
        bins = [[a for a in answers if b / 15 < a[0] <= (b + 1) / 15] for b in range(15)]
        ece = sum(abs(sum(a[1] - a[0] for a in part)) for part in bins) / len(answers)
        self.assertAlmostEqual(out["metrics"]["choices.ece"]["value"], ece, places=6)
        self.assertAlmostEqual(out["metrics"]["choices.brier"]["value"], sum(a[2] for a in answers) / 12, places=6)
        table = out["tasks"][0]["calibration"]["bins"]
        self.assertEqual([row["n"] for row in table], [len(part) for part in bins])
        self.assertEqual(out["tasks"][0]["reference_calibration"]["bins"], table)
        self.assertIn("calibration_norm", out["tasks"][0])

    def test_flips_against_a_reference(self):
        same = self.run_ok("eval", "--model", self.gguf, "--reference", self.gguf, "--task", "choices", "--data",
                           self.data, "--precise")["tasks"][0]["flips"]
        self.assertEqual((same["to_wrong"], same["to_right"], same["mcnemar_p"]), (0, 0, 1.0))
        other = self.run_ok("eval", "--model", self.folder / "small.gguf", "--reference", self.gguf, "--task", "choices",
                            "--data", self.data)["tasks"][0]
        flips = other["flips"]
        self.assertEqual(sum(flips[k] for k in ("both_right", "both_wrong", "to_wrong", "to_right")), 12)
        self.assertAlmostEqual(other["metrics"]["acc"]["value"] - other["reference_metrics"]["acc"]["value"],
                               (flips["to_right"] - flips["to_wrong"]) / 12)

    def test_shots_and_templates_change_the_prompt(self):
        def acc(*more):
            return self.run_ok("eval", "--model", self.model, "--task", "lambada", "--data", self.words, *more)["metrics"][
                "lambada.perplexity"]["value"]
        plain = acc()
        self.assertNotAlmostEqual(plain, acc("--shots", 1))
        self.assertNotAlmostEqual(plain, acc("--apply-chat-template"))

    def written(self, rows, *more):
        """What the model answers to each row, and the run's task."""
        path, details = self.folder / "written.jsonl", self.folder / "written.details.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        out = self.run_ok("eval", "--model", self.gguf, "--task", "generate", "--data", path, "--max-tokens", 12,
                          "--precise", "--details", details, *more)
        return [json.loads(line) for line in details.read_text().splitlines()], out["tasks"][0]

    def test_written_answers_are_matched(self):
        questions = [{"prompt": f"Once upon a time there was a {i}", "answer": "?", "category": f"{i % 2} rest"} for i in range(11)]
        lines, task = self.written(questions)
        self.assertEqual(task["metrics"]["exact_match"]["value"], 0)
        self.assertEqual(sorted(task["by_category"]), ["0 rest", "1 rest"])
        for question, line in zip(questions[:6], lines):  # half are right now
            question["answer"] = line["written"].strip()
        lines, task = self.written(questions, "--reference", self.folder / "small.gguf")
        self.assertEqual([line["correct"] for line in lines], [True] * 6 + [False] * 5)
        self.assertAlmostEqual(task["metrics"]["exact_match"]["value"], 6 / 11)
        self.assertEqual(sum(task["flips"][k] for k in ("both_right", "both_wrong", "to_wrong", "to_right")), 11)
        stop = lines[0]["written"].strip()[3]
        for line in self.written(questions, "--stop", stop)[0]:
            self.assertNotIn(stop, line["written"])
        lines, task = self.written([{"messages": [{"role": "user", "content": "Hi"}], "answer": "x", "match": "f1"}],
                                   "--apply-chat-template")
        self.assertEqual(list(task["metrics"]), ["f1", "exact"])

    def test_a_program_judges_only_when_the_command_line_says_so(self):
        questions = [{"prompt": "Once upon a time", "category": "a"}, {"prompt": "Once", "category": "b"}]
        judge = json.dumps(["sh", "-c", 'grep -q a && grep -q \'"category":"b"\' "$1"', "judge"])
        lines, task = self.written(questions, "--match-command", judge)
        self.assertEqual([line["correct"] for line in lines], [False, "a" in lines[1]["written"]])
        self.assertTrue(lines[1]["correct"])
        lines, _ = self.written(questions[:1], "--match-command", '["sh", "-c", "sleep 1000"]', "--match-seconds", 0.1)
        self.assertEqual((lines[0]["correct"], lines[0]["extracted"]), (False, "timed out"))
        path = self.folder / "asks.jsonl"
        path.write_text(json.dumps({**questions[0], "match": {"type": "command"}}) + "\n")
        self.fails("eval", "--model", self.gguf, "--task", "generate", "--data", path, "--match-command", "true", code=2,
                   says='asks.jsonl:1: generate: "match": got "command", expected one of exact')

    def test_errors_of_written_answers(self):
        def fails(says, *more, task="generate", data=self.folder / "question.jsonl"):
            self.fails("eval", "--model", self.gguf, "--task", task, "--data", data, *more, code=2, says=says)
        (self.folder / "question.jsonl").write_text('{"prompt": "p", "answer": "a"}\n')
        fails('--match: got "nosuch", expected one of exact', "--match", "nosuch")
        fails("expected a matcher's name or a JSON object", "--match", "{x")
        fails("look-around", "--match", '{"type": "regex", "pattern": "(?=a)"}')
        fails("beside --match exact", "--match", "exact", "--match-command", "true")
        fails("expected a program, or a JSON list", "--match-command", "[1]")
        fails("found in PATH", "--match-command", "/no/such")
        fails("no --task that is answered by writing", "--max-tokens", 3, task="choices", data=self.data)
        fails("no --task that is compared by a matcher", "--match", "exact", task="gsm8k")
        fails("expected fewer than the model's context", "--max-tokens", 100000)
        fails("instruction_id_list", task="ifeval")

    def test_errors(self):
        def wrong(text, says, *more, task="choices"):
            path = self.folder / "wrong.jsonl"
            path.write_text(text)
            self.fails("eval", "--model", self.gguf, "--task", task, "--data", path, *more, code=2, says=says)
        wrong('{"context": "a", "choices": ["b", "c"], "answer": 2}\n', r'wrong.jsonl:1: choices: "answer": got 2, expected 0')
        wrong('{"a": 1}\n', r"column \"goal\"|expected goal|is missing: got a, expected", task="piqa")
        wrong("", "the file is empty")
        wrong(choice_rows(2), "--shots: got 5, expected at most 1", "--shots", 5)
        wrong(choice_rows(2), "expected one of hellaswag, ", task="nosuch")
        self.fails("eval", "--model", self.gguf, "--task", "piqa", code=2, says="got 0 files for 1 tasks")
        self.fails("eval", "--model", self.gguf, "--text", "general.txt", "--details", "d", code=2, says="no --task")


if __name__ == "__main__":
    main()
