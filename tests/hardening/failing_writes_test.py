#!/usr/bin/env python3
"""A disk that is full at the n-th write, for every writer and n from the first to the last: one clear line, exit code
1, the earlier output as it was, nothing under a passing name, and the same command succeeds on a disk with room.

failing_writes_test.py HONE SOURCE_FOLDER FAILING_WRITES_LIBRARY. Standard library only."""
import os
import shutil

from failing import FailingCase, main, points


class FailingWrites(FailingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_ok("tune", "--model", cls.gguf, "--data", "train.jsonl", "--output", "adapter", "--steps", 1,
                   "--max-length", 128, "--lr", "1e-2")

    def writing(self, at, below, command):
        return self.call_failing(at, command, FAIL_BELOW=str(below) + "/")

    def sweep(self, command, kept=True):
        """The command writes below self.out. kept: whether an earlier result must stay byte for byte."""
        self.out = self.folder / "out"
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        result, total = self.writing(0, self.out, command)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(total, 1)
        earlier = self.content(self.out)
        for at in points(total, 24):
            with self.subTest(write=at, of=total):
                if not kept:
                    shutil.rmtree(self.out)
                    self.out.mkdir()
                result, made = self.writing(at, self.out, command)
                if result.returncode == 0 and made < at:
                    continue  # cached work writes less
                self.one_error(result, ".*No space left on device")
                self.assertEqual(self.passing(self.out), [])
                if kept:
                    self.assertEqual({k: v for k, v in self.content(self.out).items() if k in earlier}, earlier)
        again = self.call(*command, "--quiet")
        self.assertEqual(again.returncode, 0, again.stderr)

    def test_convert(self):
        self.sweep(("convert", self.model, "--output", "out/new.gguf"))

    def test_export(self):
        self.sweep(("convert", self.gguf, "--output", "out/new"), kept=False)
        self.assertEqual([p.name for p in self.out.iterdir()], ["new"])

    def test_quantize(self):
        self.sweep(("quantize", "--model", self.gguf, "--to", "q8_0", "--output", "out/new.gguf"))

    def test_merge(self):
        self.sweep(("merge", "--model", self.gguf, "--adapter", "adapter", "--output", "out/new.gguf"))

    def test_tune(self):
        self.sweep(("tune", "--model", self.gguf, "--data", "train.jsonl", "--valid", "valid.jsonl", "--output", "out",
                    "--steps", 2, "--max-length", 128, "--eval-every", 1, "--restart"))

    def test_pull(self):
        os.environ["HONE_HOME"] = str(self.folder / "out")
        self.addCleanup(os.environ.update, {"HONE_HOME": str(self.folder / "home")})
        self.sweep(("pull", self.gguf))

    def test_pull_folder(self):
        os.environ["HONE_HOME"] = str(self.folder / "out")
        self.addCleanup(os.environ.update, {"HONE_HOME": str(self.folder / "home")})
        self.sweep(("pull", self.model))

    def test_run(self):
        self.sweep(("run", self.recipe("full", epochs="0.5"), "--output", "out"), kept=False)


if __name__ == "__main__":
    main()
