"""hone eval --task: files in, metrics, flips and details out; and what is said of wrong ones."""
import json
import math

from hone_case import HoneCase, main


def rows(n):
    return "".join(json.dumps({"context": f"Once upon a time there was a {i}", "choices": ["girl named Lily.", "q z"],
                               "answer": i % 2}) + "\n" for i in range(n))


class Tasks(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = cls.folder / "choices.jsonl"
        cls.data.write_text(rows(12))
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

    def test_errors(self):
        def wrong(text, says, *more, task="choices"):
            path = self.folder / "wrong.jsonl"
            path.write_text(text)
            self.fails("eval", "--model", self.gguf, "--task", task, "--data", path, *more, code=2, says=says)
        wrong('{"context": "a", "choices": ["b", "c"], "answer": 2}\n', r'wrong.jsonl:1: choices: "answer": got 2, expected 0')
        wrong('{"a": 1}\n', r"column \"goal\"|expected goal|is missing: got a, expected", task="piqa")
        wrong("", "the file is empty")
        wrong(rows(2), "--shots: got 5, expected at most 1", "--shots", 5)
        wrong(rows(2), "expected one of hellaswag, ", task="nosuch")
        self.fails("eval", "--model", self.gguf, "--task", "piqa", code=2, says="got 0 files for 1 tasks")
        self.fails("eval", "--model", self.gguf, "--text", "general.txt", "--details", "d", code=2, says="no --task")


if __name__ == "__main__":
    main()
