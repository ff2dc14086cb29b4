#!/usr/bin/env python3
"""Stopped at any point, started again: the same bytes and numbers as a run that nobody stopped.

resume_test.py HONE SOURCE_FOLDER. Python's standard library and the tiny stories260K model only. HONE_TEST_SEED repeats the
stops of an earlier run as far as a busy machine allows."""
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time

from hone_case import HONE, HoneCase, main

SEED = int(os.environ.get("HONE_TEST_SEED") or random.SystemRandom().randrange(10**6))
STOPS = 5  # in each trial
# What a report may say otherwise the second time: when, how long, how fast, what was done anew.
TIMED = {"date", "seconds", "total_seconds", "train_tok_s", "peak_rss_bytes", "status", "prefill_tok_s", "decode_tok_s", "machine",
         "tok_s", "resumed_from", "command", "memory_bytes", "first_text_ms", "text_ms_p50", "text_ms_p95", "joules_per_token"}


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(each) for key, each in value.items() if key not in TIMED}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def half_written(folder):
    return [p for p in folder.rglob("*") if p.name.endswith((".tmp", ".partial", ".unproven")) or p.name == ".lock"]


class Resume(HoneCase):
    def setUp(self):
        self.random = random.Random(f"{SEED} {self.id()}")
        print(f"{self.id()}: HONE_TEST_SEED={SEED}", flush=True)

    def tune(self, output, *more):
        return ("tune", "--model", self.gguf, "--data", "train.jsonl", "--valid", "valid.jsonl", "--output", output,
                "--steps", 60, "--rank", 4, "--dropout", 0.1, "--accumulate", 2, "--max-length", 128, "--lr", "1e-2",
                "--eval-every", 7, "--save-every", 2, *more)

    def stop_at_random(self, command, folder, duration):
        """One start of the command that is killed at a moment by chance, or while it writes a file. False: it ended."""
        process = subprocess.Popen([HONE, *map(str, command), "--quiet", "--threads", "1"], cwd=self.folder, text=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        how = self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
        at_a_file, wait = self.random.random() < 0.6, self.random.uniform(0, duration)
        start = time.monotonic()
        while process.poll() is None:
            late = time.monotonic() - start > wait
            if late and (not at_a_file or [p for p in half_written(folder) if p.name != ".lock"]):
                process.send_signal(how)
                break
            time.sleep(0.0005)
        _, errors = process.communicate(timeout=120)
        self.assertIn(process.returncode, (0, -signal.SIGKILL, 130, -signal.SIGINT, -signal.SIGTERM), errors)
        if process.returncode == 130 and errors:  # a second before the handler is there, there is no message
            self.assertEqual(len(errors.strip().splitlines()), 1, errors)
        return process.returncode != 0

    def stopped_until_done(self, command, folder, duration):
        stops = 0
        while stops < STOPS and self.stop_at_random(command, folder, duration / 2):
            stops += 1
        self.assertGreater(stops, 0, "never stopped")
        return self.run_ok(*command)

    def test_tune(self):
        start = time.monotonic()
        whole = self.run_ok(*self.tune("whole"))
        duration = time.monotonic() - start
        self.assertLess(whole["train_loss"][-1], whole["train_loss"][0])
        expected = files(self.folder / "whole")
        self.assertIn("adapter.gguf", expected)
        for trial in range(2):
            folder = self.folder / f"stopped{trial}"
            folder.mkdir()
            rest = self.stopped_until_done(self.tune(folder.name), folder, duration)
            self.assertEqual(half_written(folder), [])
            got = files(folder)
            self.assertEqual(set(got), set(expected))
            for name in expected:
                self.assertEqual(got[name] == expected[name], True, f"{name} differs")
            self.assertEqual(without_times({**rest, "output": ""}), without_times({**whole, "output": ""}))

    def test_run(self):
        recipe = self.recipe("kill", epochs="12", extra="save_every = 2\neval_every = 5")
        start = time.monotonic()
        self.run_ok("run", recipe, "--output", "run-whole")
        duration = time.monotonic() - start
        report = without_times(json.loads((self.folder / "run-whole/report.json").read_text()))
        self.assertGreater(len(report["loss_curve"]), 10)
        for trial in range(2):
            folder = self.folder / f"run-stopped{trial}"
            folder.mkdir()
            command = ("run", recipe, "--output", folder)
            self.stopped_until_done(command, folder, duration)
            self.assertEqual(half_written(folder), [])
            again = json.loads((folder / "report.json").read_text())
            self.assertEqual(self.plain(without_times(again), folder), self.plain(report, self.folder / "run-whole"))
            for name in ("kill-f16.gguf", "kill-q8_0.gguf", "adapter/adapter.gguf", "adapter/peft/adapter_model.safetensors"):
                self.assertEqual((folder / name).read_bytes() == (self.folder / "run-whole" / name).read_bytes(), True, name)

    def plain(self, report, folder):
        """Without the name of the run's folder, which commands in the report mention."""
        text = json.dumps(report)
        for name in (str(folder), folder.name):
            text = text.replace(name, "FOLDER")
        return json.loads(text)

    def test_full_disk_on_the_way(self):
        """Training that cannot write its adapter keeps what it learned; a run keeps its finished stages."""
        def limited(limit, *command):
            result = self.call(*command, "--quiet",
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertRegex(result.stderr, r"^hone: error: .*File too large; nothing was left behind\n$")

        expected = files(self.folder / "whole") if (self.folder / "whole").exists() else None
        if expected is None:
            self.run_ok(*self.tune("whole"))
            expected = files(self.folder / "whole")
        # The state to resume from is larger than this, the first of the adapter's files is not.
        limit = len(expected["peft/adapter_model.safetensors"]) + 1000
        limited(limit, *self.tune("small"))
        self.assertEqual(half_written(self.folder / "small"), [])
        self.run_ok(*self.tune("small"))
        self.assertEqual(files(self.folder / "small") == expected, True)
        recipe = self.recipe("full", epochs="2")
        limited(150_000, "run", recipe, "--output", "run-full")
        rest = self.run_ok("run", recipe, "--output", "run-full")
        self.assertEqual([s["status"] for s in rest["stages"]], ["cached", "cached", "done", "done"])
        self.assertEqual(half_written(self.folder / "run-full"), [])

    def test_what_was_learned_outlives_a_failed_save(self):
        """Something in the place of the adapter: the state of the last step stays, and only writing is left."""
        output = self.folder / "taken"
        (output / "peft").mkdir(parents=True)
        (output / "peft/mine").write_text("mine")
        mount = ("mount", "--bind", output / "peft", output / "peft")
        if os.geteuid() != 0 or subprocess.run(list(map(str, mount)), capture_output=True).returncode != 0:
            self.skipTest("mounting is not allowed here")
        result = self.call(*self.tune("taken"), "--quiet")
        subprocess.run(["umount", str(output / "peft")], check=True)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        rest = self.call(*self.tune("taken"))
        self.assertIn("going on after step 60 of 60", rest.stderr)
        self.assertEqual(rest.returncode, 0, rest.stderr)

    def test_what_a_killed_writer_left_goes_with_the_next(self):
        ended = subprocess.Popen(["true"])
        ended.wait()
        out, store = self.folder / "leftovers", self.folder / "home" / "models"
        store.mkdir(parents=True, exist_ok=True)
        self.run_ok(*self.tune("for-merging"))
        commands = {
            "m.gguf": ("convert", self.model, "--output", out / "m.gguf"),
            "hf": ("convert", self.gguf, "--output", out / "hf"),
            "q.gguf": ("quantize", "--model", self.gguf, "--to", "q8_0", "--output", out / "q.gguf"),
            "a.gguf": ("merge", "--model", self.gguf, "--adapter", "for-merging", "--output", out / "a.gguf"),
            "file.gguf": ("pull", self.gguf, "--name", "file"),
            "folder": ("pull", self.model, "--name", "folder")}
        for name, command in commands.items():
            with self.subTest(name=name):
                folder = store if command[0] == "pull" else out
                folder.mkdir(exist_ok=True)
                # The store's folders come under .PID.partial; merge proves its file before it gets its name.
                of = {"folder": "", "a.gguf": "a.gguf.unproven"}.get(name, name)
                if name.endswith(".gguf"):
                    (folder / f"{of}.{ended.pid}.tmp").write_text("half")
                else:
                    (folder / f"{of}.{ended.pid}.partial").mkdir()
                    (folder / f"{of}.{ended.pid}.partial" / "config.json").write_text("half")
                self.run_ok(*command)
                self.assertEqual(half_written(folder), [])
                self.assertTrue((folder / name).exists())

    def test_a_changed_recipe_is_told(self):
        recipe = self.recipe("changed", epochs="40", extra="save_every = 1")
        process = subprocess.Popen([HONE, "run", str(recipe), "--quiet", "--threads", "1"], cwd=self.folder)
        state = self.folder / "runs/changed/adapter/resume.safetensors"
        while not state.exists() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.wait()
        self.assertTrue(state.exists(), "training ended before it could be stopped")
        saved = state.read_bytes()
        other = self.recipe("changed", epochs="1", rank="6", extra="save_every = 1")
        self.fails("run", other, code=2, says=r"resume.safetensors: a training that stopped after step \d+ had other settings: "
                   r"'rank' was 4, now 6, 'epochs' was 40.0, now 1.0; give the earlier ones .* or --restart")
        self.assertEqual(state.read_bytes(), saved)
        shutil.copytree(self.folder / "runs/changed", self.folder / "runs/changed2")
        self.run_ok("run", other, "--restart")
        self.assertFalse(state.exists())
        self.assertRegex(self.call("run", self.recipe("changed", epochs="40", extra="save_every = 1"), "--output",
                                   "runs/changed2").stderr, "going on after step")


if __name__ == "__main__":
    main()
