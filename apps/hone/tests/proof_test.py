#!/usr/bin/env python3
"""hone run with tasks and promises: what is measured per stage, what is taken from an earlier run, and how a promise that is
not kept ends.

proof_test.py HONE SOURCE_FOLDER"""
import json

from hone_case import HoneCase, chats, choice_rows, main


class Proof(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.folder / "choices.jsonl").write_text(choice_rows(12, categories=True))
        (cls.folder / "choices-valid.jsonl").write_text("".join(choice_rows(20).splitlines(True)[12:]))
        (cls.folder / "answers.jsonl").write_text('{"prompt": "Once upon a", "answer": "time"}\n' * 2)
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
        by_category = {(c["category"], c["stage"]): c["value"] for c in report["tasks"][0]["categories"]}
        for stage in accuracy:
            self.assertEqual(by_category["a", stage]["n"], 6)
            self.assertAlmostEqual((by_category["a", stage]["value"] + by_category["b", stage]["value"]) / 2, accuracy[stage])
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

    def test_a_broken_promise_is_repaired_by_the_smallest_file_that_keeps_it(self):
        self.run_ok("run", self.proof("seen"))
        stages = {stage["name"]: stage for stage in self.report("seen")["stages"]}
        small, large = (stages[s]["metrics"]["kl"]["value"] for s in ("q4_0", "q8_0"))
        self.assertGreater(small, large)
        limit = (3 * small + large) / 4  # what keeps it on the validation rows keeps it on the test rows
        path = self.proof("repair", f'max_kl = {limit}\nfiles = ["q4_0"]\non_fail = "repair"')
        out = self.run_ok("run", path)
        report = self.report("repair")
        tried = report["repairs"]
        self.assertEqual({attempt["remedy"] for attempt in tried}, {"format", "sensitive", "lora"})
        for attempt in tried:
            self.assertEqual(attempt["passed"], attempt["kl"]["value"] <= limit)
        chosen = [attempt for attempt in tried if attempt["chosen"]]
        self.assertEqual(len(chosen), 1)
        self.assertEqual(chosen[0]["file_bytes"], min(a["file_bytes"] for a in tried if a["passed"]))
        self.assertEqual(len({group["group"] for group in report["sensitivity"]}), 6)  # five layers, the embedding
        gates = {gate["stage"]: gate for gate in out["gates"]}
        self.assertEqual(gates["q4_0"]["repaired_by"], chosen[0]["stage"])
        self.assertTrue(gates[chosen[0]["stage"]]["passed"])
        self.assertIn(chosen[0]["stage"], [stage["name"] for stage in report["stages"]])
        before = {p.name: p.stat().st_mtime_ns for p in (self.folder / "runs/repair/stages").iterdir()}
        self.run_ok("run", path)
        self.assertEqual(before, {p.name: p.stat().st_mtime_ns for p in (self.folder / "runs/repair/stages").iterdir()})

    def test_an_adapter_beside_a_file_learns_half_the_tokens_of_the_run(self):
        path = self.proof("beside", 'max_kl = 0\nfiles = ["q4_0"]\non_fail = "repair"\nremedies = ["lora"]', "")
        path.write_text(path.read_text().replace("epochs = 1", "steps = 6"))  # a fourth of an epoch
        self.assertEqual(self.call("run", path, "--quiet").returncode, 3)
        tokens = [json.loads((self.folder / f"runs/beside/stages/{stage}.json").read_text())["result"]["tokens"]
                  for stage in ("tune", "repair-q4_0")]
        self.assertGreaterEqual(tokens[1], tokens[0] / 2)
        self.assertLess(tokens[1], tokens[0] / 2 + 128)  # with the step that reaches them

    def test_repairs_are_chosen_by_validation_rows_of_tasks(self):
        tasks = '[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\nvalid = "choices-valid.jsonl"\n'
        path = self.proof("chosen", 'max_task_drop = -1\nfiles = ["q4_0"]\non_fail = "repair"\nremedies = ["format"]', tasks)
        self.assertEqual(self.call("run", path, "--quiet").returncode, 3)
        tried = self.report("chosen")["repairs"]
        self.assertTrue(tried)
        self.assertEqual({attempt["missed"] for attempt in tried}, {"max_task_drop of choices"})
        stored = json.loads((self.folder / "runs/chosen/stages/task-choices-tuned-valid.json").read_text())["result"]
        self.assertEqual(len(stored["correct"]), 8)  # the validation rows, not the twelve of the test
        self.assertIn("no: max\\_task\\_drop of choices", (self.folder / "runs/chosen/report.md").read_text())

    def test_general_text_has_validation_text(self):
        (self.folder / "general-valid.txt").write_text("The sun was warm and the bird sang a song in the tree. " * 60)
        path = self.proof("spared", 'max_general_drop = -1\nfiles = ["q4_0"]\non_fail = "repair"\nremedies = ["format"]', "")
        path.write_text(path.read_text().replace("[eval]\n", '[eval]\ngeneral_valid = "general-valid.txt"\n'))
        self.assertEqual(self.call("run", path, "--quiet").returncode, 3)
        self.assertEqual({a["missed"] for a in self.report("spared")["repairs"]},
                         {"max_general_drop of perplexity of general text"})
        sums = [json.loads((self.folder / f"runs/spared/stages/measure-tuned{suffix}.json").read_text())["result"]["general"]
                for suffix in ("", "-valid")]
        self.assertNotEqual(sums[0]["nll"], sums[1]["nll"])

    def test_refusals_and_sensitivity_on_request(self):
        (self.folder / "asked.jsonl").write_text(chats(5, 40))
        path = self.proof("asked", tasks="")
        path.write_text(path.read_text().replace("[eval]\n", '[eval]\nrefusals = "asked.jsonl"\nsensitivity = ["q4_0"]\n'))
        self.run_ok("run", path)
        report = self.report("asked")
        rows = {row["of"]: row["value"] for row in report["risks"] if row["kind"] == "refusals"}
        self.assertEqual(set(rows), {"base", "tuned", "change"})
        self.assertEqual(rows["base"]["n"], 5)
        self.assertAlmostEqual(rows["change"]["value"], rows["tuned"]["value"] - rows["base"]["value"])
        self.assertEqual({(g["format"], g["group"]) for g in report["sensitivity"]},
                         {("q4_0", g) for g in ("token_embd", *(f"blk.{i}" for i in range(5)))})
        self.assertIn("Prompts that are declined, tuned", (self.folder / "runs/asked/report.md").read_text())

    def test_memory_and_money(self):
        path = self.proof("priced", 'max_kl = 9\n[cost]\ncurrency = "EUR"\nper_hour = 0.2\nper_kwh = 0.5\nwatts = 100')
        self.run_ok("run", path)
        report = self.report("priced")
        self.assertEqual(report["cost"]["currency"], "EUR")
        self.assertAlmostEqual(report["cost"]["hourly"], 0.25)
        self.assertAlmostEqual(report["cost"]["amount"], 0.25 * report["total_seconds"] / 3600, places=6)
        for stage in report["stages"]:
            self.assertGreater(stage["metrics"]["memory_bytes"]["value"], stage["file_bytes"], stage["name"])
        text = (self.folder / "runs/priced/report.md").read_text()
        self.assertIn("EUR for a million tokens written", text)
        self.assertIn("Memory to serve it, at most", text)
        seconds = report["total_seconds"]
        self.run_ok("run", path)  # all of it from records: what was spent stays the same
        self.assertAlmostEqual(self.report("priced")["total_seconds"], seconds, delta=0.2)

    def test_a_promise_that_no_remedy_keeps(self):
        path = self.proof("hopeless", 'max_kl = 0\nfiles = ["q4_0"]\non_fail = "repair"\nremedies = ["format"]')
        result = self.call("run", path, "--quiet")
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stdout, r"No remedy for q4_0 keeps every promise; the nearest is \w+, KL [0-9.]+")

    def test_risks_and_rare_words(self):
        long = [json.dumps({"messages": [
            {"role": "user", "content": f"Tell me the long story of the {i} little boats that went out to sea one bright day."},
            {"role": "assistant", "content": "Once upon a time there was a big boat, and it went far out to sea."}]}) for i in range(30)]
        (self.folder / "long-train.jsonl").write_text("\n".join(long[:24]) + "\n")
        (self.folder / "long-test.jsonl").write_text("\n".join(long[22:30]) + "\n")  # two of the training chats
        path = self.proof("risky", tasks="")
        path.write_text(path.read_text().replace('"train.jsonl"', '"long-train.jsonl"').replace('"test.jsonl"', '"long-test.jsonl"'))
        self.run_ok("run", path)
        report = self.report("risky")
        risks = {(row["kind"], row["of"]): row["value"] for row in report["risks"]}
        self.assertEqual(set(risks), {("overfit", "base"), ("overfit", "tuned"), ("overfit", "widening"), ("drift", "tuned"),
                                      ("overlap", "held-out")})  # the answers are too short to be known by heart
        self.assertEqual(risks["overlap", "held-out"]["n"], 8)
        self.assertGreaterEqual(risks["overlap", "held-out"]["value"], 2 / 8)
        self.assertAlmostEqual(risks["overfit", "widening"]["value"],
                               risks["overfit", "tuned"]["value"] - risks["overfit", "base"]["value"], places=6)
        self.assertGreater(risks["drift", "tuned"]["value"], 0)
        self.assertIn("the gain may be memory", (self.folder / "runs/risky/report.md").read_text())
        # Buckets of a stage hold all scored tokens, and their mean is the answer loss.
        for stage in report["stages"]:
            rows = [row for row in report["rarity"] if row["stage"] == stage["name"]]
            n = sum(row["n"] for row in rows)
            self.assertEqual(n, stage["metrics"]["answer_loss"]["n"])
            self.assertAlmostEqual(sum(row["loss"]["value"] * row["n"] for row in rows) / n,
                                   stage["metrics"]["answer_loss"]["value"], places=6)
        quiet = self.proof("no-risks", tasks="")
        quiet.write_text(quiet.read_text().replace("context = 64", "context = 64\nrisks = false\nbreakdown = false"))
        self.run_ok("run", quiet)
        self.assertNotIn("risks", self.report("no-risks"))
        self.assertNotIn("loss_parts", self.report("no-risks"))

    def test_rivals(self):
        def rival(text):
            path = self.proof("rivals", tasks="")
            path.write_text(path.read_text() + "[rival]\n" + text)
            return path
        path = rival(f'system = "Tell a short story."\nshots = 1\nmodel = "{self.gguf}"\n')
        self.run_ok("run", path)
        report = self.report("rivals")
        stages = {stage["name"]: stage for stage in report["stages"]}
        loss = {name: stage["metrics"]["answer_loss"]["value"] for name, stage in stages.items()}
        self.assertEqual((stages["prompted"]["role"], stages["rival"]["role"]), ("rival", "rival"))
        self.assertAlmostEqual(loss["rival"], loss["base"])  # it is the same model
        self.assertNotAlmostEqual(loss["prompted"], loss["base"], places=3)
        self.assertEqual(stages["prompted"]["metrics"]["answer_loss"]["n"], stages["base"]["metrics"]["answer_loss"]["n"])
        for row in report["rivals"]:
            self.assertAlmostEqual(row["advantage"]["value"], loss[row["stage"]] - loss["tuned"])
        self.fails("run", rival("shots = 30\n"), code=2, says=r"\[rival\] shots: got 30, expected at most the 24 chats")
        self.fails("run", rival('model = "nosuch.gguf"\n'), code=2, says="nosuch.gguf")

    def test_what_a_written_task_cannot_judge_is_named(self):
        rows = [{"prompt": "Say hello.", "instruction_id_list": [name], "kwargs": [arguments]} for name, arguments in
                (("change_case:english_capital", {}), ("punctuation:no_comma", {}), ("keywords:letter_frequency", {"letter": "!", "let_frequency": 3}))]
        (self.folder / "ifeval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.run_ok("run", self.proof("written", tasks='[[eval.tasks]]\ntask = "ifeval"\ndata = "ifeval.jsonl"\nmax_tokens = 8\n'))
        table = self.report("written")["tasks"][0]
        self.assertEqual(table["n"], 2)
        self.assertIn("1 rows left out", table["protocol"])
        self.assertIn("drawn at random", table["protocol"])
        self.assertIn("1 of change_case:english_capital: the language is told by CLD2", table["protocol"])
        for stage in self.report("written")["stages"]:
            self.assertEqual(stage["metrics"]["ifeval." + table["metric"]]["n"], 2)
        tasks = '[[eval.tasks]]\ntask = "generate"\ndata = "qa.jsonl"\nmatch = { type = "regex", pattern = "(" }\n'
        (self.folder / "qa.jsonl").write_text('{"prompt": "a", "answer": "b"}\n' * 2)
        self.fails("run", self.proof("wrong", tasks=tasks), code=2, says=r"pattern .*missing \)")

    def test_what_a_rival_is_compared_in_follows_the_base(self):
        (self.folder / "other.jinja").write_text("{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }}\n{% endfor %}"
                                                 "{% if add_generation_prompt %}<assistant> {% endif %}")
        self.run_ok("convert", self.model, "--output", self.folder / "other.gguf", "--chat-template", "other.jinja")
        path = self.proof("two-bases")
        path.write_text(path.read_text() + f'[rival]\nmodel = "{self.gguf}"\n')
        rival = lambda: next(s for s in self.report("two-bases")["stages"] if s["name"] == "rival")["metrics"]
        self.run_ok("run", path)
        self.assertIn("answer_loss", rival())
        path.write_text(path.read_text().replace('base = "stories.gguf"', 'base = "other.gguf"'))
        self.run_ok("run", path, "--restart")
        self.assertNotIn("answer_loss", rival())  # other tokens now, whatever an earlier run measured
        self.assertIn("choices.acc", rival())

    def test_stages_that_somebody_made(self):
        self.run_ok("run", self.proof("made"))
        files = {s: self.folder / f"runs/made/made-{s}.gguf" for s in ("f16", "q8_0", "q4_0")}
        page = self.folder / "stages.html"
        stages = f"base={self.gguf},tuned={files['f16']},{files['q8_0']},four={files['q4_0']}"
        out = self.run_ok("eval", "--stages", stages, "--chat", "test.jsonl", "--max-length", 128, "--text", "general.txt",
                          "--context", 64, "--task", "choices", "--data", "choices.jsonl", "--report", page)
        self.assertEqual([(s["name"], s["role"]) for s in out["stages"]],
                         [("base", "base"), ("tuned", "tuned"), ("made-q8_0", "file"), ("four", "file")])
        run = {stage["name"]: stage for stage in self.report("made")["stages"]}
        for ours, theirs in (("base", "base"), ("tuned", "merged"), ("four", "q4_0")):
            stage = next(s for s in out["stages"] if s["name"] == ours)
            for metric in ("answer_loss", "perplexity", "choices.acc"):
                self.assertAlmostEqual(stage["metrics"][metric]["value"], run[theirs]["metrics"][metric]["value"], places=6)
        self.assertIn("Questions answered", page.read_text())
        beside = self.run_ok("eval", "--stages", f"base={self.gguf},tuned={self.gguf}+runs/made/adapter,{files['q8_0']}",
                             "--chat", "test.jsonl", "--max-length", 128)
        for stage in beside["stages"][:2]:
            for metric in ("answer_loss", "memory_bytes"):
                self.assertIn(metric, stage["metrics"])
            self.assertAlmostEqual(stage["metrics"]["answer_loss"]["value"],
                                   run[stage["name"]]["metrics"]["answer_loss"]["value"], places=6)
        self.assertEqual(beside["stages"][1]["file_bytes"], run["tuned"]["file_bytes"])
        two = self.run_ok("eval", "--stages", f"{files['f16']},{files['q4_0']}", "--task", "choices", "--data", "choices.jsonl")
        self.assertEqual([change["against"] for change in two["tasks"][0]["changes"]], ["made-f16"])
        turned = self.run_ok("eval", "--stages", f"{files['q4_0']},tuned={files['f16']},base={self.gguf}", "--task", "choices",
                             "--data", "choices.jsonl")
        self.assertEqual([(s["name"], s["role"]) for s in turned["stages"]],
                         [("made-q4_0", "file"), ("tuned", "tuned"), ("base", "base")])
        self.assertEqual({c["stage"]: c["against"] for c in turned["tasks"][0]["changes"]}, {"made-q4_0": "tuned", "tuned": "base"})

        def wrong(says, *more):
            self.fails("eval", *more, code=2, says=says)
        wrong("got 1 model, expected at least two", "--stages", self.gguf, "--chat", "test.jsonl")
        wrong("stands twice; name one", "--stages", f"{self.gguf},{self.gguf}", "--chat", "test.jsonl")
        wrong("--model: got one, expected none beside --stages", "--stages", "a,b", "--model", self.gguf, "--chat", "test.jsonl")
        wrong("--report: got x.html, but no --stages", "--model", self.gguf, "--chat", "test.jsonl", "--report", "x.html")
        wrong("--model is required", "--chat", "test.jsonl")
        wrong("got no adapter behind", "--stages", f"{self.gguf},{self.gguf}+", "--chat", "test.jsonl")
        wrong("nothing to measure on", "--stages", f"{self.gguf},{files['f16']}")

    def test_wrong_recipes(self):
        def wrong(says, gates="", tasks=None, settings=""):
            path = self.proof("wrong", gates, tasks)
            path.write_text(path.read_text().replace("[eval]\n", "[eval]\n" + settings))
            self.fails("run", path, code=2, says=says)
        wrong(r'unknown value "hellaswga"; did you mean "hellaswag"', tasks='[[eval.tasks]]\ntask = "hellaswga"\ndata = "choices.jsonl"\n')
        wrong(r"\[\[eval.tasks\]\] data is missing", tasks='[[eval.tasks]]\ntask = "choices"\n')
        wrong(r'unknown key "limits" in \[\[eval.tasks\]\]; did you mean "limit"',
              tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\nlimits = 3\n')
        wrong(r'"choices-choices" stands twice', tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\n' * 2)
        wrong(r"shots_data: got a file, but no shots",
              tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\nshots_data = "choices.jsonl"\n')
        wrong(r'name: got "general", which the report itself uses',
              tasks='[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\nname = "general"\n')
        wrong(r"tasks: got .*expected a list of tables", tasks="tasks = 3\n".replace("tasks", "[eval.tasks]\nx"))
        wrong(r"got no gate, expected at least one of min_gain_kept", gates="strict = true")
        wrong(r'files: unknown value "q5_0"', gates='max_kl = 1\nfiles = ["q5_0"]')
        wrong(r"got no promise that has validation data to choose by", gates='max_task_drop = 0.1\non_fail = "repair"')
        with_valid = '[[eval.tasks]]\ntask = "choices"\ndata = "choices.jsonl"\nvalid = "%s.jsonl"\n'
        wrong(r"which only on_fail = .repair. uses", tasks=with_valid % "choices-valid")
        wrong(r"valid and data are the same file", 'max_task_drop = 0.1\non_fail = "repair"', with_valid % "choices")
        wrong(r"refusals: got a file, but risks = false", settings='refusals = "choices.jsonl"\nrisks = false\n')
        wrong(r'sensitivity: unknown value "q5_0"', settings='sensitivity = ["q5_0"]\n')
        wrong(r"got no currency", gates="max_kl = 1\n[cost]\nper_hour = 1")
        wrong(r"got one of per_kwh and watts", gates='max_kl = 1\n[cost]\ncurrency = "EUR"\nwatts = 65')
        wrong(r"\[cost\]: got no price", gates='max_kl = 1\n[cost]\ncurrency = "EUR"')
        wrong(r"wrong.toml:\d+:\d+: \[\[eval.tasks\]\] match: .*nosuch",
              tasks='[[eval.tasks]]\ntask = "generate"\ndata = "answers.jsonl"\nmatch = "nosuch"\n')
        wrong(r'remedies: unknown value "pray"', gates='max_kl = 1\non_fail = "repair"\nremedies = ["pray"]')
        wrong(r"max_task_drop: got no task to measure on", gates="max_task_drop = 0.1", tasks="")


if __name__ == "__main__":
    main()
