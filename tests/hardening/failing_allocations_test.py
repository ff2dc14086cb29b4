#!/usr/bin/env python3
"""No memory at the n-th allocation of a command, or from there on, for n from its first to its last: one clear line and
exit code 1, or the command succeeds all the same; an earlier output stays; the same command then succeeds and clears
away what was left half-written.

failing_allocations_test.py HONE SOURCE_FOLDER FAILING_ALLOCATIONS_LIBRARY. Standard library only."""
import os
import shutil

from failing import FailingCase, main, points


class FailingAllocations(FailingCase):
    def sweep(self, *command, most=64, afresh=False):
        """The command writes below out/, if anything. afresh: each time into an empty folder."""
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        result, total = self.call_failing(0, command)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(total, 1000)
        earlier, failures = self.content(out), 0
        for at in points(total, most):
            for every_one_after in ({}, {"FAIL_ALL_AFTER": "1"}):
                with self.subTest(allocation=at, of=total, **every_one_after):
                    if afresh:
                        shutil.rmtree(out)
                        out.mkdir()
                        earlier = {}
                    result, _ = self.call_failing(at, command, **every_one_after)
                    if result.returncode != 0:
                        failures += 1
                        self.one_error(result, ".*(memory|[Mm]emory)")
                    now = self.content(out)
                    self.assertEqual(sorted(set(earlier) - set(now)), [])
                    self.assertEqual([k for k in earlier if earlier[k] != now[k]], [])
        self.assertGreater(failures, most / 2)
        again = self.call(*command, "--quiet")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.passing(out), [])

    def test_generate(self):
        self.sweep("generate", "--model", self.gguf, "--prompt", "Once", "--raw", "--max-tokens", 4)

    def test_convert(self):
        self.sweep("convert", self.model, "--output", "out/new.gguf")

    def test_quantize(self):
        self.sweep("quantize", "--model", self.gguf, "--to", "q8_0", "--output", "out/new.gguf")

    def test_merge(self):
        self.run_ok("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", "adapter", "--steps", 1,
                    "--max-length", 128)
        self.sweep("merge", "--model", self.gguf, "--adapter", "adapter", "--output", "out/new.gguf")

    def test_pull(self):
        os.environ["HONE_HOME"] = str(self.folder / "out")
        self.addCleanup(os.environ.update, {"HONE_HOME": str(self.folder / "home")})
        self.sweep("pull", self.gguf)

    def test_run(self):
        self.sweep("run", self.recipe("full", epochs="0.5"), "--output", "out", most=12, afresh=True)

    def test_tune(self):
        self.sweep("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", "out", "--steps", 1,
                   "--max-length", 128, "--restart")


if __name__ == "__main__":
    main()
