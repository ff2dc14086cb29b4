#!/usr/bin/env python3
"""The ledger from outside: what commands leave in it, how it is shown and compared, and that it never fails a run.

runs_test.py HONE SOURCE_FOLDER. Python's standard library and the tiny stories260K model only."""
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

from hone_case import HONE, HoneCase, main


class Runs(HoneCase):
    def setUp(self):
        """Each test has a ledger of its own."""
        home = self.folder / self._testMethodName
        os.environ["HONE_HOME"] = str(home)
        self.ledger = home / "ledger.db"

    def tune(self, output, *more):
        return ("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", output, "--steps", 3, "--accumulate", 1,
                "--max-length", 128, *more)

    def listed(self):
        return self.run_ok("runs", "list")["runs"]

    def test_what_commands_leave(self):
        self.assertEqual(self.listed(), [])
        self.assertFalse(self.ledger.exists(), "looking must not make a ledger")
        done = self.run_ok("run", self.recipe("led"))
        self.run_ok(*self.tune("led-adapter", "--valid", "valid.jsonl"))
        self.run_ok("merge", "--model", self.gguf, "--adapter", "led-adapter", "--output", "led.gguf")
        self.run_ok("quantize", "--model", "led.gguf", "--to", "q8_0,q4_0", "--output", "led-{}.gguf")
        self.run_ok("eval", "--model", "led-q8_0.gguf", "--chat", "test.jsonl")
        self.run_ok("inspect", self.gguf)  # looks, and leaves nothing
        runs = self.listed()
        self.assertEqual([r["command"] for r in runs], ["eval", "quantize", "merge", "tune", "run"])
        self.assertEqual([r["id"] for r in runs], [5, 4, 3, 2, 1])
        for run in runs:
            self.assertEqual(run["status"], "finished")
            self.assertGreater(run["seconds"], 0)
            self.assertGreater(run["peak_rss_bytes"], 1_000_000)
            self.assertRegex(run["started"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
            self.assertTrue(run["machine"] and run["command_line"].startswith("hone " + run["command"]))
            self.assertTrue(os.path.samefile(run["folder"], self.folder))
        run = self.run_ok("runs", "show", 1)
        self.assertEqual(run["recipe"], (self.folder / "led.toml").read_text())
        self.assertEqual(len(run["inputs"]), 5)
        self.assertTrue(all(file["hash"] for file in run["inputs"]))
        self.assertTrue(all(pathlib.Path(path).exists() for path in run["outputs"]), run["outputs"])
        metrics = {(m["stage"], m["name"]): m["value"] for m in run["metrics"]}
        for stage in done["stages"]:
            for name, measured in stage["metrics"].items():
                self.assertEqual(metrics[stage["name"], name], measured["value"])
        tune = self.run_ok("runs", "show", 2)
        self.assertIn("lr = 0.0002", tune["recipe"])
        self.assertEqual({m["name"] for m in tune["metrics"]}, {"train_loss", "valid_loss", "best_step", "steps", "tokens",
                                                                "tok_s"})
        self.assertEqual(self.run_ok("runs", "show", "last")["id"], 5)
        self.assertEqual([r["id"] for r in self.run_ok("runs", "list", "--limit", 2)["runs"]], [5, 4])
        for command in (("list",), ("show", "1"), ("show", "2"), ("compare", "2", "5")):
            result = self.call("runs", *command)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertGreater(len(result.stdout.splitlines()), 3)

    def test_compare(self):
        self.run_ok(*self.tune("one", "--rank", 4))
        self.run_ok(*self.tune("two", "--rank", 8, "--lr", "1e-2"))
        found = self.run_ok("runs", "compare", 1, "last", "--html", "compared.html")
        self.assertEqual([(s["name"], s["a"], s["b"]) for s in found["settings"]],
                         [("rank", "4", "8"), ("lr", "0.0002", "0.01")])
        loss = next(m for m in found["metrics"] if m["name"] == "train_loss")
        self.assertAlmostEqual(loss["difference"], loss["b"]["value"] - loss["a"]["value"])
        self.assertNotEqual(loss["difference"], 0)
        text = self.call("runs", "compare", "1", "2").stdout
        self.assertRegex(text, r"(?m)^rank +4 +8$")
        self.assertRegex(text, r"(?m)^tuned train_loss +[\d.]+ +[\d.]+ +\S+ +\S+ %$")
        page = (self.folder / "compared.html").read_text()
        self.assertIn("default-src 'none'", page)
        self.assertIn(">rank</th>", page)

    def test_settings_of_the_command_line_are_compared_too(self):
        self.run_ok("run", self.recipe("plain"))
        self.run_ok("run", self.recipe("plain"), "--seed", 7, "--precise", "--restart")
        found = self.run_ok("runs", "compare", 1, 2)
        self.assertEqual({(s["name"], s["a"], s["b"]) for s in found["settings"]},
                         {("[command line] seed", "", "7"), ("[command line] precise", "", "true")})
        self.run_ok("eval", "--stages", f"{self.gguf},again={self.gguf}", "--chat", "test.jsonl", "--limit", 3)
        self.assertIn("limit = 3", self.run_ok("runs", "show", "last")["recipe"])

    def test_failed_interrupted_and_killed(self):
        self.fails(*self.tune("bad", "--lr", "-1"), code=2, says="lr")
        self.assertEqual(self.listed(), [], "nothing had begun")
        (self.folder / "taken").write_text("a file")
        self.fails(*self.tune("taken"), code=1, says="cannot create")
        self.assertEqual({run["status"] for run in self.listed()}, {"failed"})
        self.assertIn("cannot create", self.listed()[0]["error"])
        for how, status in ((signal.SIGINT, "interrupted"), (signal.SIGKILL, "interrupted")):
            long = [*map(str, self.tune("long", "--restart")), "--threads", "1", "--quiet"]
            long[long.index("--steps") + 1] = "1000000"
            before = len(self.listed())
            process = subprocess.Popen([HONE, *long], cwd=self.folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 60
            while len(self.listed()) == before and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertEqual(self.listed()[0]["status"], "running")
            process.send_signal(how)
            process.wait(timeout=60)
            self.assertEqual(self.listed()[0]["status"], status, how)

    def test_several_at_a_time(self):
        commands = [[HONE, *map(str, self.tune(f"at-once-{i}")), "--threads", "1", "--quiet"] for i in range(4)]
        running = [subprocess.Popen(c, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                   for c in commands]
        for process in running:
            _, errors = process.communicate(timeout=120)
            self.assertEqual((process.returncode, errors), (0, ""))
        self.assertEqual([(r["id"], r["status"]) for r in self.listed()], [(i, "finished") for i in (4, 3, 2, 1)])

    def test_a_broken_ledger_fails_no_run(self):
        def warned(says):
            result = self.call(*self.tune("warned"), "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(json.loads(result.stdout)["steps"], 3)
            warnings = [line for line in result.stderr.splitlines() if "warning" in line]
            self.assertEqual(len(warnings), 1, result.stderr)
            self.assertRegex(warnings[0], says)

        self.ledger.parent.mkdir()
        self.ledger.write_bytes(b"this is no database " * 300)
        warned("ledger.db: the ledger is damaged: .*; move it away, and a new one begins; this run is not recorded")
        self.fails("runs", "list", code=2, says="ledger.db: the ledger is damaged")
        self.ledger.unlink()
        self.run_ok(*self.tune("good"))
        with sqlite3.connect(self.ledger) as database:
            database.execute("PRAGMA user_version = 9")
        warned("ledger version: got 9, expected 2")
        self.fails("runs", "show", "last", code=2, says="ledger version: got 9, expected 2")
        self.ledger.unlink()
        self.ledger.mkdir()
        warned("cannot use the ledger")
        os.environ["HONE_HOME"] = str(self.gguf)
        warned("cannot create or write this folder")

    def test_refused(self):
        self.fails("runs", "show", "last", code=2, says="there is no ledger yet")
        self.run_ok(*self.tune("some"))
        self.fails("runs", "show", 7, code=2, says="run 7: not there; hone runs list")
        self.fails("runs", "show", "x", code=2, says="run: got 'x', expected a number of hone runs list, or last")
        self.fails("runs", "compare", 1, code=2, says="b is required")
        self.fails("runs", "compare", 1, "last", "--html", self.folder, code=2, says="is a folder")
        self.fails("runs", "delete", code=2, says='unknown command "delete"')


if __name__ == "__main__":
    main()
