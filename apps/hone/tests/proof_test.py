#!/usr/bin/env python3
"""hone run with tasks and promises: what is measured per stage, what is taken from an earlier run, and how a promise that is
not kept ends.

proof_test.py HONE SOURCE_FOLDER"""
import json

from hone_case import HoneCase, main


def rows(n):
    return "".join(json.dumps({"context": f"Once upon a time there was a {i}", "choices": ["girl named Lily.", "q z"],
                               "answer": i % 2, "category": "ab"[i % 2]}) + "\n" for i in range(n))


class Proof(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.folder / "choices.jsonl").write_text(rows(12))
        (cls.folder / "words.jsonl").write_text('{"text": "Once upon a time"}\n{"text": "She was very happy"}\n')

    def proof(self, name, gates="", tasks=None):
        path = self.recipe(name, epochs="1", quantize='["q8_0", "q4_0"]')
        if tasks is None:
            tasks = '[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\n'
        path.write_text(path.read_text() + tasks + (f"[gates]\n{gates}\n" if gates else ""))
        return path

    def report(self, name):
        return json.loads((self.folder / "runs" / name / "report.json").read_text())

    def test_every_stage_answers_and_files_are_taken_apart(self):
        path = self.proof("tasks")
        self.run_ok("run", path)
        report = self.report("tasks")
        for stage in report["stages"]:
            self.assertEqual(stage["metrics"]["choices.acc"]["n"], 12)
            self.assertEqual(len(stage["sums"]["choices.acc"]["values"]), 12)
        changes = {change["stage"]: change for change in report["tasks"][0]["changes"]}
        self.assertEqual({s: c["against"] for s, c in changes.items()},
                         {"tuned": "base", "merged": "tuned", "q8_0": "merged", "q4_0": "merged"})
        accuracy = {stage["name"]: stage["metrics"]["choices.acc"]["value"] for stage in report["stages"]}
        for stage, change in changes.items():
            self.assertAlmostEqual(change["difference"]["value"], accuracy[stage] - accuracy[change["against"]])
            self.assertAlmostEqual((change["to_right"] - change["to_wrong"]) / 12, change["difference"]["value"])
            self.assertGreaterEqual(change["p_holm"], change["p"])
        parts = {(p["stage"], p["part"]): p for p in report["loss_parts"]}
        self.assertEqual({part for stage, part in parts if stage == "q4_0"}, {"rounding", "arithmetic", "cache"})
        loss = {stage["name"]: stage["metrics"]["answer_loss"]["value"] for stage in report["stages"]}
        # rounding + arithmetic of the file - arithmetic of the merged model is the file's whole loss.
        self.assertAlmostEqual(parts["q4_0", "rounding"]["loss"]["value"] + parts["q4_0", "arithmetic"]["loss"]["value"]
                               - parts["merged", "arithmetic"]["loss"]["value"], loss["q4_0"] - loss["merged"], places=6)
        page = (self.folder / "runs/tasks/report.html").read_text()
        self.assertIn("Questions answered", page)

    def test_another_task_measures_only_itself(self):
        self.run_ok("run", self.proof("more"))
        path = self.proof("more", tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\n'
                                        '[[eval.tasks]]\ntask = "lambada"\ndata = "words.jsonl"\nname = "words"\n')
        before = {p.name: p.stat().st_mtime_ns for p in (self.folder / "runs/more/stages").iterdir()}
        self.run_ok("run", path)
        after = {p.name: p.stat().st_mtime_ns for p in (self.folder / "runs/more/stages").iterdir()}
        self.assertEqual({name for name in after if after[name] != before.get(name)},
                         {f"task-words-{stage}.json" for stage in ("base", "tuned", "merged", "q8_0", "q4_0")})

    def test_promises_kept_and_not(self):
        path = self.proof("kept", "max_kl = 50\nmax_general_drop = 5")
        self.run_ok("run", path)
        self.assertTrue(all(gate["passed"] for gate in self.report("kept")["gates"]))
        path = self.proof("broken", 'max_kl = 0\nfiles = ["q4_0"]')
        result = self.call("run", path, "--quiet")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stderr, r"^hone: not kept: q4_0: max_kl of held-out answers: got 0\.\d+ .*expected at most 0\n$")
        self.assertIn("NOT KEPT q4_0: max_kl", result.stdout)
        gates = self.report("broken")["gates"]
        self.assertEqual([(gate["stage"], gate["passed"], gate["verdict"]) for gate in gates], [("q4_0", False, "missed")])
        as_json = self.call("run", path, "--quiet", "--json")
        self.assertEqual(as_json.returncode, 3)
        self.assertFalse(json.loads(as_json.stdout)["gates"][0]["passed"])

    def test_wrong_recipes(self):
        def wrong(says, gates="", tasks=None):
            self.fails("run", self.proof("wrong", gates, tasks), code=2, says=says)
        wrong(r'unknown value "hellaswga"; did you mean "hellaswag"', tasks='[[eval.tasks]]\ntask = "hellaswga"\ndata = "choices.jsonl"\n')
        wrong(r"\[\[eval.tasks\]\] data is missing", tasks='[[eval.tasks]]\ntask = "choices"\n')
        wrong(r'unknown key "limits" in \[\[eval.tasks\]\]; did you mean "limit"',
              tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\nlimits = 3\n')
        wrong(r'"choices-choices" stands twice', tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\n' * 2)
        wrong(r"shots_data: got a file, but no shots",
              tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\nshots_data = "choices.jsonl"\n')
        wrong(r"tasks: got .*expected a list of tables", tasks="tasks = 3\n".replace("tasks", "[eval.tasks]\nx"))
        wrong(r"got no gate, expected at least one of min_gain_kept", gates="strict = true")
        wrong(r'files: unknown value "q5_0"', gates='max_kl = 1\nfiles = ["q5_0"]')
        wrong(r"max_task_drop: got no task to measure on", gates="max_task_drop = 0.1", tasks="")


if __name__ == "__main__":
    main()
