#!/usr/bin/env python3
"""What goes wrong outside hone: full disks, locked folders, too little memory, broken files, Ctrl-C. Each time one
clear line, the exit code, nothing half-written, and an earlier result as it was.

bad_input_test.py HONE SOURCE_FOLDER. Standard library only; what needs root (a small disk to fill) is skipped
without."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import time
import unittest
from unittest import mock

from hone_case import HONE, HoneCase, chats, main

SANITIZED = any(mark in pathlib.Path(HONE).read_bytes() for mark in (b"__asan_init", b"__tsan_init"))
NOBODY = 65534


def write_zero_model(folder, like, n_layers=12, width=768, n_ff=2048):
    """A model of zeros, 170 MB as f16 but hardly a byte on disk: work that lasts long enough to be stopped in."""
    shutil.copytree(like, folder)
    config = json.loads((folder / "config.json").read_text())
    config.update(hidden_size=width, intermediate_size=n_ff, num_hidden_layers=n_layers, num_attention_heads=12,
                  num_key_value_heads=12, head_dim=width // 12, max_position_embeddings=4096, torch_dtype="float16",
                  tie_word_embeddings=True)
    (folder / "config.json").write_text(json.dumps(config))
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], width], "model.norm.weight": [width]}
    for layer in range(n_layers):
        at = f"model.layers.{layer}."
        shapes |= {at + "input_layernorm.weight": [width], at + "post_attention_layernorm.weight": [width]}
        shapes |= {f"{at}self_attn.{x}_proj.weight": [width, width] for x in "qkvo"}
        shapes |= {f"{at}mlp.{x}_proj.weight": [n_ff, width] for x in ("gate", "up")}
        shapes[at + "mlp.down_proj.weight"] = [width, n_ff]
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def tree(folder):
    """Every file below, with what tells whether it was touched."""
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None
            for path in folder.rglob("*")}


class BadInput(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_ok("tune", "--model", cls.gguf, "--data", "train.jsonl", "--output", "adapter", "--epochs", 1,
                   "--accumulate", 1, "--max-length", 128, "--lr", "1e-2")

    def one_line(self, errors, says):
        lines = errors.splitlines()
        self.assertEqual(len(lines), 1, errors)
        self.assertRegex(lines[0], "^hone: error: .*" + says)

    def limited(self, kind, limit, *arguments):
        return self.call(*arguments, "--quiet", preexec_fn=lambda: resource.setrlimit(kind, (limit, limit)))

    def writers(self, folder):
        """Commands that write into the folder, by name."""
        return {
            "convert": ("convert", self.model, "--output", folder / "new.gguf"),
            "export": ("convert", self.gguf, "--output", folder / "new"),
            "quantize": ("quantize", "--model", self.gguf, "--to", "f32", "--output", folder / "new.gguf"),
            "merge": ("merge", "--model", self.gguf, "--adapter", "adapter", "--output", folder / "new.gguf"),
            "tune": ("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", folder / "adapter", "--steps",
                     2, "--rank", 32, "--max-length", 128),
            "run": ("run", self.recipe("bad"), "--output", folder / "run"),
        }

    # Disks.

    def full(self, folder, call):
        """Every writer fails on this disk and leaves an earlier result alone."""
        (folder / "adapter").mkdir(exist_ok=True)
        for name, command in self.writers(folder).items():
            with self.subTest(command=name):
                earlier = tree(folder)
                result = call(*command)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.one_line(result.stderr, "(disk|File too large|No space)")
                if name != "run":  # its finished stages stay
                    self.assertEqual(tree(folder), earlier)
                self.assertEqual([str(p) for p in folder.rglob("*") if ".tmp" in p.name or "partial" in p.name], [])

    def test_control_characters_of_a_file(self):
        """A name in a file does not command the terminal."""
        whole = self.gguf.read_bytes()
        at = whole.index(b"general.architecture") + len("general.architecture") + 4 + 8
        self.assertEqual(whole[at:at + 5], b"llama")
        (self.folder / "escape.gguf").write_bytes(whole[:at] + b"\x1b[31m" + whole[at + 5:])
        for command in ("generate", "--model", "escape.gguf", "--raw", "--prompt", "x"), ("inspect", "escape.gguf"):
            result = self.call(*command)
            self.assertNotIn("\x1b", result.stdout + result.stderr)
        refused = self.call("generate", "--model", "escape.gguf", "--raw", "--prompt", "x")
        self.assertEqual(refused.returncode, 2)
        self.assertRegex(refused.stderr, r"^hone: error: escape.gguf: general.architecture: got '�\[31m', hone")

    def test_file_size_limit(self):
        folder = self.folder / "limited"
        folder.mkdir()
        shutil.copytree(self.folder / "adapter", folder / "adapter")
        (folder / "new.gguf").write_text("earlier")
        self.full(folder, lambda *command: self.limited(resource.RLIMIT_FSIZE, 100_000, *command))
        os.environ["HONE_HOME"] = str(folder / "home")
        self.addCleanup(os.environ.update, {"HONE_HOME": str(self.folder / "home")})
        result = self.limited(resource.RLIMIT_FSIZE, 100_000, "pull", self.gguf)
        self.one_line(result.stderr, "File too large")
        self.assertEqual(list((folder / "home/models").iterdir()), [])

    @unittest.skipIf(os.geteuid() != 0, "only root can mount a small disk")
    def test_full_disk(self):
        folder = self.folder / "small"
        folder.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], capture_output=True)
        if mount.returncode != 0:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder])
        (folder / "new.gguf").write_text("earlier")
        self.full(folder, lambda *command: self.call(*command, "--quiet"))

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_full_stdout(self):
        for command in (("inspect", self.gguf), ("generate", "--model", self.gguf, "--raw", "--prompt", "Once")):
            with open("/dev/full", "w") as full:
                result = subprocess.run([HONE, *map(str, command), "--quiet"], stdout=full, stderr=subprocess.PIPE,
                                        text=True, timeout=60)
            self.assertEqual(result.returncode, 1)
            self.one_line(result.stderr, "stdout: cannot write")

    def test_locked_folder(self):
        locked = self.folder / "locked"
        locked.mkdir(mode=0o555)
        who = {}
        if os.geteuid() == 0:  # root may write anywhere: become nobody, who must be able to read the program
            self.folder.chmod(0o755)
            program = self.folder / "hone-for-nobody"
            shutil.copy(HONE, program)
            who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        else:
            program = HONE
        environment = {**os.environ, "HONE_HOME": str(locked / "home")}
        commands = {**self.writers(locked), "pull": ("pull", self.gguf)}
        for name, command in commands.items():
            with self.subTest(command=name):
                result = subprocess.run([program, *map(str, command), "--quiet", "--threads", "1"], cwd=self.folder,
                                        env=environment, capture_output=True, text=True, timeout=120, **who)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.one_line(result.stderr, "Permission denied")
        self.assertEqual(list(locked.iterdir()), [])

    # Memory.

    @unittest.skipIf(SANITIZED, "sanitizers reserve more address space than any limit")
    def test_too_little_memory(self):
        (self.folder / "many.jsonl").write_text(chats(6000))
        result = self.limited(resource.RLIMIT_AS, 400 << 20, "tune", "--model", self.gguf, "--data", "many.jsonl",
                              "--output", "toobig", "--batch", 600, "--max-length", 512)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.one_line(result.stderr, r"memory: needs [\d.]+ GB .*at most the \d+ MB available")
        self.assertFalse((self.folder / "toobig").exists())
        write_zero_model(self.folder / "large", self.model)
        self.addCleanup(shutil.rmtree, self.folder / "large")
        for command in (("generate", "--model", "large", "--prompt", "x"), ("eval", "--model", "large", "--text",
                        "general.txt"), ("merge", "--model", "large", "--adapter", "adapter", "--output", "m.gguf",
                        "--ignore-base")):
            result = self.limited(resource.RLIMIT_AS, 300 << 20, *command)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.one_line(result.stderr, r"need \d+ MB of memory, \d+ MB are available")

    # Files.

    def test_data_files(self):
        files = {
            "garbage": (bytes(range(128, 256)) * 20, r":1:\d+: text: got byte 0x"),
            "empty": (b"", "the file is empty"),
            "blank": (b"\n \n", "the file is empty"),
            "latin1": (b'{"prompt": "a", "completion": "b"}\n{"prompt": "Z\xfcrich", "completion": "x"}\n',
                       r":2:14: text: got byte 0xfc, which is not UTF-8"),
            "line3": (chats(2).encode() + b'{"prompt": "a" "completion": "b"}\n', r":3:\d+: broken JSON"),
            "cut": (chats(2).encode()[:-20], r":2:\d+: broken JSON"),
            "array": (b'["text"]', ":1: record: got string, expected a JSON object"),
            "keys": (b'{"question": "a"}\n', r'keys: got \{question\}, expected "messages"'),
            "roles": (b'{"messages": [{"role": "cat", "content": "meow"}]}\n', 'unknown role: got "cat"'),
            "unanswered": (b'{"messages": [{"role": "user", "content": "?"}]}\n', "no supervised token"),
        }
        for name, (content, says) in files.items():
            with self.subTest(file=name):
                path = self.folder / f"{name}.jsonl"
                path.write_bytes(content)
                for command in (("tune", "--model", self.gguf, "--output", "never", "--max-length", 99, "--data", path),
                                ("data", "check", "--model", self.gguf, path),
                                ("eval", "--model", self.gguf, "--chat", path)):
                    self.fails(*command, code=2, says=f"{name}.jsonl.*{says}")
        self.fails("data", "check", "--model", self.gguf, self.folder, code=2, says="is a folder")
        self.fails("data", "check", "--model", self.gguf, "nowhere.jsonl", code=2, says="nowhere.jsonl")
        self.assertFalse((self.folder / "never").exists())

    def test_text_files(self):
        def measured(content, says):
            (self.folder / "text").write_bytes(content)
            self.fails("eval", "--model", self.gguf, "--text", "text", code=2, says=says)

        measured(b"", "got 1 tokens, expected at least one window")
        measured(b"\x80\x00\xff" * 1000, "which is not UTF-8")
        self.fails("eval", "--model", self.gguf, "--text", self.folder, code=2, says="is a folder")

    def test_model_files(self):
        good = self.gguf.read_bytes()

        def broken(content, says, shown=False):
            (self.folder / "broken.gguf").write_bytes(content)
            if shown:  # a file that is whole can be looked at, though not run
                self.assertIn(says, self.call("inspect", "broken.gguf").stdout)
            else:
                self.fails("inspect", "broken.gguf", code=2, says="broken.gguf: .*" + says)
            for command in (("generate", "--model", "broken.gguf", "--prompt", "x"),
                            ("quantize", "--model", "broken.gguf", "--to", "q8_0", "--output", "q.gguf"),
                            ("convert", "broken.gguf", "--output", "c.gguf"), ("pull", "broken.gguf")):
                self.fails(*command, code=2, says="broken.gguf: .*" + says)

        broken(bytes(range(256)), "not a GGUF file")
        broken(good[: len(good) * 2 // 3], "")
        name = b"general.architecture\x08\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00"
        self.assertIn(name + b"llama", good)
        broken(good.replace(name + b"llama", name + b"gizmo"), "gizmo", shown=True)
        self.assertFalse((self.folder / "q.gguf").exists() or (self.folder / "c.gguf").exists())

    def test_outputs(self):
        (self.folder / "taken").mkdir()
        (self.folder / "taken/mine").write_text("mine")
        adapter = self.folder / "adapter/adapter.gguf"
        earlier = tree(self.folder / "adapter"), self.gguf.read_bytes()
        merge = ("merge", "--model", self.gguf, "--adapter", adapter, "--output")
        self.fails(*merge, "taken", code=2, says="taken: output: is a folder")
        self.fails(*merge, self.gguf, code=2, says="is the file that is being read")
        self.fails(*merge, adapter, code=2, says="is the file that is being read")
        quantize = ("quantize", "--model", self.gguf, "--to", "q8_0", "--output")
        self.fails(*quantize, "taken", code=2, says="taken: .*is a folder")
        os.link(self.gguf, self.folder / "same.gguf")
        self.fails(*quantize, "same.gguf", code=2, says="is the model that is being read")
        self.fails("convert", self.gguf, "--output", "taken", code=2, says="taken: is there already")
        self.fails("convert", self.gguf, "--output", self.gguf, code=2, says="is the model that is being read")
        self.fails("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", self.gguf, "--max-length", 128,
                   code=1, says="cannot create or write this folder")
        # A run whose base is what it would write.
        self.run_ok("run", self.recipe("again"))
        made = self.folder / "runs/again/again-f16.gguf"
        recipe = self.recipe("again")
        recipe.write_text(recipe.read_text().replace("stories.gguf", str(made)))
        whole = made.read_bytes()
        self.fails("run", recipe, code=2, says="would write its own file over this base")
        self.assertEqual(made.read_bytes(), whole)
        self.assertEqual((tree(self.folder / "adapter"), self.gguf.read_bytes()), earlier)

    # Ctrl-C.

    def stopped(self, command, how, ready, says):
        """Starts the command, sends it the signal when ready() says so (or after a while), and checks how it ends."""
        process = subprocess.Popen([HONE, *map(str, command), "--quiet", "--threads", "1"], cwd=self.folder, text=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not ready() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(how)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors)
        self.one_line(errors, says)

    @unittest.skipIf(SANITIZED, "sanitizers catch the signal before hone does")
    def test_a_mapped_file_cut_short(self):
        """What the kernel says of one, SIGBUS, becomes one line, not a core."""
        process = subprocess.Popen([HONE, "chat", "--model", self.gguf, "--threads", "1", "--quiet"], cwd=self.folder,
                                   text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        caught = lambda: int(re.search(r"SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1], 16)
        deadline = time.monotonic() + 60
        while not caught() >> (signal.SIGBUS - 1) & 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGBUS)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, errors)
        self.one_line(errors, "cut short by another program")

    def after(self, seconds):
        end = time.monotonic() + seconds
        return lambda: time.monotonic() > end

    def test_instruction_sets(self):
        arguments = ("generate", "--model", self.gguf, "--raw", "--prompt", "Once", "--max-tokens", 1)
        for name, value in {"HONE_ISA": "sse", "HONE_PRODUCTS": "yes"}.items():
            with mock.patch.dict(os.environ, {name: value}):
                self.fails(*arguments, code=2, says=f"{name}: got '{value}', expected")
        with mock.patch.dict(os.environ, {"HONE_ISA": "scalar", "HONE_PRODUCTS": "bf16"}):
            self.fails(*arguments, code=2, says="HONE_PRODUCTS: no products in bf16 with scalar")
        with mock.patch.dict(os.environ, {"HONE_ISA": "scalar", "HONE_PRODUCTS": "f32"}):
            self.assertEqual(len(self.run_ok(*arguments)["tokens"]), 1)

    def test_stopped_by_signal(self):
        folder = self.folder / "stop"
        folder.mkdir()
        os.environ["HONE_HOME"] = str(folder / "home")
        self.addCleanup(os.environ.update, {"HONE_HOME": str(self.folder / "home")})
        big = folder / "big"
        write_zero_model(big, self.model)
        (folder / "one.jsonl").write_text(chats(1))
        (folder / "many.jsonl").write_text(chats(6000))
        (folder / "long.txt").write_text("Once upon a time there was a little girl. " * 20000)
        self.run_ok("tune", "--model", big, "--data", folder / "one.jsonl", "--output", folder / "adapter", "--rank", 1,
                    "--max-length", 64, "--targets", "v_proj")
        (folder / "out.gguf").write_text("earlier")
        tune = ("tune", "--data", folder / "many.jsonl", "--max-length", 64, "--output")

        def writing():
            return any(".tmp" in path.name or ".partial" in path.name for path in
                       [*folder.iterdir(), *folder.glob("home/models/*"), *folder.glob("home/models/.*")])

        commands = {
            "convert": (("convert", big, "--format", "f32", "--output", folder / "out.gguf"), writing),
            "export": (("convert", big, "--output", folder / "exported"), writing),
            "quantize": (("quantize", "--model", big, "--to", "q8_0", "--output", folder / "out.gguf"), writing),
            "merge": (("merge", "--model", big, "--adapter", folder / "adapter", "--format", "f32", "--output",
                       folder / "out.gguf"), writing),
            "pull": (("pull", big), writing),
            "generate": (("generate", "--model", big, "--raw", "--prompt", "Once", "--max-tokens", 4000,
                          "--temperature", 0), None),
            "eval": (("eval", "--model", big, "--text", folder / "long.txt", "--context", 64), None),
            "tune": ((*tune, folder / "adapter", "--model", big), None),
            "validation": ((*tune, folder / "adapter2", "--model", self.gguf, "--valid", folder / "many.jsonl",
                            "--eval-every", 1), None),
            "run": (("run", self.recipe("long"), "--output", folder / "run"), None),
        }
        self.recipe("long").write_text(self.recipe("long").read_text().replace("stories.gguf", str(big)))
        resuming = ("tune", "validation", "run")
        for name, (command, ready) in commands.items():
            for how in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(command=name, signal=how.name):
                    earlier = tree(folder)
                    says = r"stopped.*; the same command goes on from there" if name in resuming else r"stopped by request\s*$"
                    self.stopped(command, how, ready or self.after(0.7), says)
                    left = {path: content for path, content in tree(folder).items() if earlier.get(path) != content
                            and not path.startswith(("run", "home"))}
                    allowed = {"adapter/resume.safetensors", "adapter2", "adapter2/resume.safetensors"}
                    self.assertLessEqual(set(left), allowed)
                    self.assertLessEqual(set(earlier), set(tree(folder)))
                    self.assertFalse(writing())
        self.assertEqual((folder / "out.gguf").read_text(), "earlier")
        self.assertEqual(self.run_ok("models")["models"], [])


if __name__ == "__main__":
    main()
