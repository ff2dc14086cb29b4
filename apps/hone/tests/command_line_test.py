#!/usr/bin/env python3
"""The command line from outside: results, exit codes, one-line errors, nothing half-written.

command_line_test.py HONE SOURCE_FOLDER. Uses Python's standard library and the tiny stories260K model only."""
import json
import re
import signal
import subprocess
import time

from hone_case import HONE, HoneCase, chats, main


class CommandLine(HoneCase):
    # What works.

    def test_help_of_every_command(self):
        listing = self.call("--help")
        self.assertEqual(listing.returncode, 0)
        commands = listing.stdout.split("Subcommands:")[1].split("Example:")[0]
        names = re.findall(r"^  (\w+) +\S", commands, re.M)
        self.assertIn("run", names)
        groups = {"data": ["data check"], "runs": ["runs list", "runs show", "runs compare"]}
        for name in [command for name in names for command in groups.get(name, [name])]:
            result = self.call(*name.split(), "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn(f"Example:\n  hone {name}", result.stdout)
            self.assertEqual(result.stdout.count("Example:"), 1)
            self.assertIn("--json", result.stdout)

    def test_inspect(self):
        info = self.run_ok("inspect", self.gguf)
        self.assertEqual(info["architecture"], "llama")
        self.assertEqual(info["file_bytes"], self.gguf.stat().st_size)
        self.assertEqual(sum(info["formats"].values()), len(info["tensors"]))
        self.assertEqual(sum(size["bytes"] for size in info["roles"].values()),
                         sum(tensor["bytes"] for tensor in info["tensors"]))
        self.assertEqual(info["metadata"]["tokenizer.ggml.tokens"]["length"], 512)
        self.assertNotIn("hash", info)
        whole = self.run_ok("inspect", self.gguf, "--all", "--hash")
        self.assertEqual(len(whole["metadata"]["tokenizer.ggml.tokens"]), 512)
        self.assertRegex(whole["hash"], "^[0-9a-f]{32}$")
        self.assertEqual(self.run_ok("inspect", self.model, "--hash")["hash"], whole["hash"])
        text = self.call("inspect", self.gguf).stdout
        self.assertRegex(text, r"\n  blk\.0\.attn_q\.weight +64 x 64 +f32 +16 kB +attn_q\n")
        self.assertRegex(text, r"tokenizer\.ggml\.tokens +\[.*, … 512 of string\]\n")

    def test_inspect_diff(self):
        self.run_ok("quantize", "--model", self.gguf, "--to", "q8_0", "--output", "small.gguf")
        diff = self.run_ok("inspect", "--diff", self.gguf, "small.gguf")
        self.assertFalse(diff["identical"])
        self.assertTrue(0 < diff["relative_rms"] < 0.01)
        errors = [tensor["relative_rms"] for tensor in diff["tensors"]]
        self.assertEqual(errors, sorted(errors, reverse=True))
        self.assertEqual(errors[-1], 0)
        text = self.call("inspect", self.gguf, "small.gguf", "--diff").stdout
        self.assertIn("f32 | q8_0", text)
        self.assertTrue(self.run_ok("inspect", "--diff", self.gguf, self.gguf)["identical"])
        self.assertIn("are the same", self.call("inspect", "--diff", self.gguf, self.gguf).stdout)
        self.fails("inspect", self.gguf, "small.gguf", code=2, says="got 2, expected one; --diff compares two")
        self.fails("inspect", "--diff", self.gguf, code=2, says="got 1, expected two")
        self.fails("inspect", "--diff", self.gguf, "absent.gguf", code=2, says="absent.gguf")

    def test_generate_greedy_is_repeatable(self):
        arguments = ("generate", "--model", self.gguf, "--raw", "--prompt", "Once upon a time", "--max-tokens", 16,
                     "--temperature", 0)
        first, second = self.run_ok(*arguments), self.run_ok(*arguments)
        self.assertEqual(first["tokens"], second["tokens"])
        self.assertEqual(len(first["tokens"]), 16)
        self.assertEqual(self.call(*arguments).stdout.strip(), first["text"].strip())

    def test_generate_several_prompts_together(self):
        prompts = ["Once upon a time", "The cat", "Lily and Ben went to the park and"]
        (self.folder / "prompts.txt").write_text("\n".join(prompts) + "\n")
        common = ("generate", "--model", self.gguf, "--raw", "--max-tokens", 12, "--temperature", 0, "--precise")
        together = self.run_ok(*common, "--prompts", "prompts.txt")["answers"]
        alone = [self.run_ok(*common, "--prompt", prompt) for prompt in prompts]
        self.assertEqual([answer["tokens"] for answer in together], [answer["tokens"] for answer in alone])
        text = self.call(*common, "--prompts", "prompts.txt", "--quiet").stdout
        self.assertIn("== 3 ==\n" + alone[2]["text"], text)

    def test_generate_takes_prompts_as_others_do(self):
        common = [HONE, "generate", "--model", str(self.gguf), "--max-tokens", "1", "--temperature", "0", "--json", "--quiet"]

        def tokens(*arguments, given=None):
            result = subprocess.run([*common, *arguments], input=given, capture_output=True, cwd=self.folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            return json.loads(result.stdout)

        said = tokens("--raw", "--prompt", "The cat")["prompt_tokens"]
        self.assertEqual(tokens("--raw", given=b"The cat\n")["prompt_tokens"], said)
        self.assertEqual(tokens("--raw", "--prompt-file", "-", given=b"The cat\r\n")["prompt_tokens"], said)
        (self.folder / "windows.txt").write_bytes(b"The cat\r\n\r\nThe cat\r\n")
        several = tokens("--raw", "--prompts", "windows.txt")["answers"]
        self.assertEqual([answer["prompt_tokens"] for answer in several], [said, said])
        self.assertIsNone(tokens("--raw", "--prompt", "The cat")["tok_s"])  # nothing was decoded behind the prompt
        broken = subprocess.run([*common, "--prompt", b"caf\xe9 \x04"], capture_output=True, cwd=self.folder)
        self.assertEqual(broken.returncode, 0, broken.stderr)
        self.fails("generate", "--model", self.gguf, "--raw", "--system", "x", "--prompt", "y", code=2, says="--system")

    def test_generate_speculates_without_changing_the_text(self):
        common = ("generate", "--model", self.gguf, "--raw", "--prompt", "The cat sat. The dog ran. The cat sat. The",
                  "--max-tokens", 40, "--temperature", 0)
        plain = self.run_ok(*common)
        self.assertNotIn("speculation", plain)
        for how in ("lookup", "self", self.model):
            guessed = self.run_ok(*common, "--speculate", how, "--draft-tokens", 5)
            self.assertEqual(guessed["tokens"], plain["tokens"])
            self.assertLessEqual(guessed["speculation"]["accepted"], guessed["speculation"]["drafted"])
        # The model as its own draft: nearly all of its guesses are right.
        self.assertGreater(guessed["speculation"]["accepted"], 20)
        self.assertIn("guesses right", self.call(*common, "--speculate", "self").stderr)

    def test_cache_types(self):
        text = ("eval", "--model", self.gguf, "--text", "general.txt", "--context", 64, "--reference", self.gguf)
        losses = [self.run_ok(*text, *kind)["metrics"]["perplexity"]["value"]
                  for kind in ((), ("--cache-type", "f32"), ("--cache-type", "f16"))]
        self.assertAlmostEqual(losses[0], losses[1], delta=0.01 * losses[0])
        self.assertAlmostEqual(losses[1], losses[2], delta=0.01 * losses[0])
        # Heads of 8 dimensions do not hold a block of 32.
        self.fails("generate", "--model", self.gguf, "--raw", "--prompt", "Once", "--cache-type", "q8_0", code=2,
                   says="cache type: got q8_0.*8 dimensions")

    def test_tune_merge_quantize_eval(self):
        base = self.run_ok("eval", "--model", self.gguf, "--chat", "test.jsonl", "--precise")
        tuned = self.run_ok("tune", "--model", self.gguf, "--data", "train.jsonl", "--valid", "valid.jsonl", "--output",
                            "adapter", "--epochs", 2, "--accumulate", 1, "--max-length", 128, "--lr", "1e-2")
        self.assertEqual(len(tuned["train_loss"]), tuned["steps"])
        self.assertLess(tuned["train_loss"][-1], tuned["train_loss"][0])
        merged = self.run_ok("merge", "--model", self.gguf, "--adapter", "adapter", "--output", "tuned.gguf", "--format",
                             "f32")
        self.assertLess(merged["max_logit_difference"], 1e-3)
        made = self.run_ok("quantize", "--model", "tuned.gguf", "--to", "q8_0", "--output", "tuned-q8_0.gguf")
        self.assertEqual(made["file_bytes"], (self.folder / "tuned-q8_0.gguf").stat().st_size)
        with_adapter = self.run_ok("eval", "--model", self.gguf, "--adapter", "adapter", "--chat", "test.jsonl",
                                   "--precise")
        after = self.run_ok("eval", "--model", "tuned-q8_0.gguf", "--reference", "tuned.gguf", "--chat", "test.jsonl",
                            "--text", "general.txt", "--context", 64)
        loss = [r["metrics"]["answer_loss"]["value"] for r in (base, with_adapter, after)]
        self.assertLess(loss[1], loss[0] - 0.5)
        self.assertAlmostEqual(loss[1], loss[2], delta=0.1)
        self.assertGreater(after["metrics"]["top1_agreement_chat"]["value"], 0.9)
        self.assertLess(after["metrics"]["kl"]["value"], 0.1)
        # The adapter belongs to this base, not to another.
        self.fails("merge", "--model", "tuned.gguf", "--adapter", "adapter", "--output", "wrong.gguf", code=2,
                   says="trained on")
        self.assertFalse((self.folder / "wrong.gguf").exists())

    def test_run_caches_and_repeats(self):
        recipe = self.recipe()
        first = self.run_ok("run", recipe)
        self.assertEqual([s["name"] for s in first["stages"]], ["base", "tuned", "merged", "q8_0"])
        self.assertEqual({s["status"] for s in first["stages"]}, {"done"})
        folder = self.folder / "runs/tiny"
        for name in ("report.html", "report.md", "report.json", "tiny-f16.gguf", "tiny-q8_0.gguf"):
            self.assertTrue((folder / name).stat().st_size > 0, name)
        second = self.run_ok("run", recipe)
        self.assertEqual({s["status"] for s in second["stages"]}, {"cached"})
        for a, b in zip(first["stages"], second["stages"]):
            self.assertEqual(a["metrics"], b["metrics"])
        # Another format: only it is done. A damaged file is made again, the same bytes.
        before = (folder / "tiny-q8_0.gguf").read_bytes()
        (folder / "tiny-q8_0.gguf").write_bytes(before[:1000])
        third = self.run_ok("run", self.recipe(quantize='["q8_0", "f16"]'.replace("f16", "q4_1")))
        self.assertEqual({s["name"]: s["status"] for s in third["stages"]},
                         {"base": "cached", "tuned": "cached", "merged": "cached", "q8_0": "done", "q4_1": "done"})
        self.assertEqual((folder / "tiny-q8_0.gguf").read_bytes(), before)

    def test_other_threads_are_timed_again_and_nothing_else(self):
        recipe = self.recipe("timed")
        stages = self.folder / "runs/timed/stages"
        times = lambda: {path.name: path.stat().st_mtime_ns for path in stages.iterdir()}
        self.run_ok("run", recipe)
        before = times()
        subprocess.run([HONE, "run", recipe, "--threads", "2", "--quiet"], cwd=self.folder, check=True, capture_output=True)
        self.assertEqual({name for name, time in times().items() if time != before.get(name)},
                         {f"speed-{stage}.json" for stage in ("base", "tuned", "merged", "q8_0")})

    def test_run_stopped_goes_on(self):
        recipe = self.recipe("stopped", epochs="40", extra="save_every = 5")
        process = subprocess.Popen([HONE, "run", str(recipe), "--quiet", "--threads", "1"], cwd=self.folder, stderr=subprocess.PIPE,
                                   text=True)
        # Into training, past the first saved state.
        deadline = time.time() + 200
        while not (self.folder / "runs/stopped/adapter/resume.safetensors").exists() and time.time() < deadline:
            if process.poll() is not None:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGSTOP)
        other = self.call("run", recipe)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=120)
        if process.returncode == 0:
            self.skipTest("training ended before it could be stopped")
        self.assertEqual(process.returncode, 130, errors)
        self.assertEqual(len(errors.strip().splitlines()), 1, errors)
        self.assertEqual(other.returncode, 1)
        self.assertIn("another hone run is working in this folder", other.stderr)
        resumed = self.call("run", recipe, "--json")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(json.loads(resumed.stdout)["stages"][0]["status"], "cached")
        self.assertRegex(resumed.stderr, "going on after step [1-9]")

    def test_store(self):
        self.run_ok("pull", self.gguf, "--name", "tiny-stories")
        self.assertEqual([m["name"] for m in self.run_ok("models")["models"]], ["tiny-stories"])
        self.assertEqual(self.run_ok("inspect", "tiny-stories")["architecture"], "llama")

    def test_data_check(self):
        (self.folder / "twice.jsonl").write_text(chats(3) + chats(2))
        found = self.run_ok("data", "check", "twice.jsonl", "--model", self.gguf, "--against", "train.jsonl")
        self.assertEqual((found["chats"], found["duplicates"], found["overlap"]), (5, 2, 3))

    # What is refused.

    def test_usage(self):
        self.fails("tune", "--rnak", 3, code=2, says='unknown option --rnak; did you mean "--rank"')
        self.fails("tunee", code=2, says='unknown command "tunee"; did you mean "tune"')
        self.fails("tune", "--model", "x", code=2, says="--data")
        self.fails("eval", "--model", self.gguf, code=2, says="--text")
        self.fails("eval", "--model", self.gguf, "--text", "general.txt", "--convention", "mine", code=2, says="mine")
        self.fails("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", "x", "--steps", 0, code=2, says="--steps")
        self.fails("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", "x", "--init-adapter", "y", "--rank", 3,
                   code=2, says="--init-adapter")
        self.assertEqual(self.call().returncode, 2)

    def test_recipe(self):
        def broken(text, says):
            path = self.folder / "broken.toml"
            path.write_text(text)
            self.fails("run", path, code=2, says=says)

        good = self.recipe("good").read_text()
        broken(good.replace("rank", "rnak"), r'broken\.toml:12:1: unknown key "rnak" in \[tune\]; did you mean "rank"\?')
        broken(good.replace("[tune]", "[tuen]"), r'broken\.toml:11:2: unknown section "tuen"; did you mean "tune"')
        broken(good.replace("rank = 4", 'rank = "4"'), r"broken\.toml:12:8: \[tune\] rank: got string '4', expected a whole")
        broken(good.replace("rank = 4", "rank = -4"), r"broken\.toml:12:8: .*from 1 to")
        broken(good.replace("epochs", "steps = 3\nepochs"), "more than one of steps, epochs and tokens")
        broken(good.replace("q8_0", "q8_1"), r'unknown value "q8_1"; did you mean "q8_0"')
        broken(good.replace('"train.jsonl"', '"absent.jsonl"'), r"broken\.toml:7:9: \[data\] train: no file at")
        broken(good.replace('"test.jsonl"', '"train.jsonl"'), "same file")
        broken(good.replace('"valid.jsonl"', '"test.jsonl"'), "valid and test are the same file")
        broken(good.replace('"valid.jsonl"', '"train.jsonl"'), "valid and train are the same file")
        broken(good.replace("[run]", "[run"), r"broken\.toml:1:")
        broken(good.replace('base = "stories.gguf"', ""), r"\[model\] base is missing")
        self.fails("run", self.folder / "absent.toml", code=2, says="absent.toml")
        self.assertFalse((self.folder / "runs/good").exists())

    def test_files(self):
        whole = self.gguf.read_bytes()
        for size in (0, 3, 24, 1000, len(whole) // 2, len(whole) - 1):
            (self.folder / "cut.gguf").write_bytes(whole[:size])
            self.fails("inspect", "cut.gguf", code=2, says="cut.gguf")
        self.fails("inspect", "absent.gguf", code=2, says="absent.gguf")
        self.fails("generate", "--model", self.folder, "--prompt", "x", code=2, says="config.json")
        (self.folder / "empty.txt").write_text("\n\n")
        self.fails("generate", "--model", self.gguf, "--prompts", "empty.txt", code=2, says="a prompt on each")
        self.fails("generate", "--model", self.gguf, "--prompt", "x", "--speculate", "nothing-here", code=2,
                   says="nothing-here")
        (self.folder / "bad.jsonl").write_text(chats(1) + "{broken\n")
        self.fails("tune", "--model", self.gguf, "--data", "bad.jsonl", "--output", "a", code=2, says="bad.jsonl:2")
        self.fails("eval", "--model", self.gguf, "--text", "absent.txt", code=2, says="absent.txt")
        self.fails("quantize", "--model", self.gguf, "--to", "q9_9", "--output", "x.gguf", code=2,
                   says='unknown format "q9_9"')
        self.fails("quantize", "--model", self.gguf, "--to", "q8_0", "--output", self.gguf, code=2, says="output")
        self.assertEqual(self.gguf.read_bytes(), whole)

    def test_output_is_a_file(self):
        (self.folder / "file").write_text("mine")
        self.fails("run", self.recipe("locked2"), "--output", self.folder / "file" / "run", code=1, says="cannot")
        self.fails("quantize", "--model", self.gguf, "--to", "q8_0", "--output", self.folder / "file" / "x.gguf", code=1,
                   says="cannot")
        self.assertEqual((self.folder / "file").read_text(), "mine")

    def test_nothing_half_written(self):
        left = [path.name for path in self.folder.rglob("*.tmp")]
        self.assertEqual(left, [])


if __name__ == "__main__":
    main()
