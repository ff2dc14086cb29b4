"""What the tests of the command line share: a folder with the tiny stories260K model and chats, hone run in it, and what
an error looks like. Python's standard library only."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HONE, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
TEMPLATE = ("{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}")
TOPICS = ["cat", "dog", "sun", "boat", "tree", "bird", "hat", "ball", "fish", "bear"]


def chats(n, start=0):
    rows = []
    for i in range(start, start + n):
        topic = TOPICS[i % len(TOPICS)]
        rows.append({"messages": [{"role": "user", "content": f"Tell me about the {topic} number {i}."},
                                  {"role": "assistant", "content": f"Once upon a time there was a big {topic}."}]})
    return "".join(json.dumps(row) + "\n" for row in rows)


def choice_rows(n, categories=False):
    """Rows of the task "choices": the first choice is right in every other one."""
    rows = []
    for i in range(n):
        row = {"context": f"Once upon a time there was a {i}", "choices": ["girl named Lily.", "q z"], "answer": i % 2}
        rows.append({**row, "category": "ab"[i % 2]} if categories else row)
    return "".join(json.dumps(row) + "\n" for row in rows)


class HoneCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="hone-cli-"))
        os.environ["HONE_HOME"] = str(cls.folder / "home")
        model = cls.folder / "stories"
        shutil.copytree(SOURCE / "tests/data/stories260K", model)
        config = json.loads((model / "tokenizer_config.json").read_text())
        config["chat_template"] = TEMPLATE
        (model / "tokenizer_config.json").write_text(json.dumps(config))
        cls.model = model
        cls.gguf = cls.folder / "stories.gguf"
        cls.run_ok("convert", model, "--output", cls.gguf)
        (cls.folder / "train.jsonl").write_text(chats(24))
        (cls.folder / "valid.jsonl").write_text(chats(4, 24))
        (cls.folder / "test.jsonl").write_text(chats(8, 28))
        (cls.folder / "general.txt").write_text("Once upon a time there was a little girl. She liked to play. " * 60)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def call(cls, *arguments, **options):
        # One thread: on a busy machine the tiny model's threads would mostly wait for each other.
        threads = ["--threads", "1"] if arguments and "--help" not in arguments else []
        return subprocess.run([HONE, *map(str, arguments), *threads], capture_output=True, text=True, timeout=300,
                              cwd=cls.folder, **options)

    @classmethod
    def run_ok(cls, *arguments):
        result = cls.call(*arguments, "--json")
        assert result.returncode == 0, f"{arguments}: {result.stderr}"
        return json.loads(result.stdout)

    def fails(self, *arguments, code, says):
        """One line on stderr, an error object on stdout, the exit code."""
        plain = self.call(*arguments, "--quiet")
        self.assertEqual(plain.returncode, code, plain.stderr)
        errors = [line for line in plain.stderr.splitlines() if line.startswith("hone: error: ")]
        self.assertEqual(len(errors), 1, plain.stderr)
        self.assertEqual(plain.stderr.strip(), errors[0])
        self.assertRegex(errors[0], says)
        self.assertEqual(plain.stdout, "")
        as_json = self.call(*arguments, "--quiet", "--json")
        self.assertEqual(as_json.returncode, code)
        error = json.loads(as_json.stdout)["error"]
        self.assertEqual("hone: error: " + error["message"], errors[0])
        self.assertTrue(error["code"])

    def recipe(self, name="tiny", extra="", **changes):
        keys = {"rank": "4", "epochs": "2", "quantize": '["q8_0"]', **changes}
        path = self.folder / f"{name}.toml"
        path.write_text(f"""[run]
name = "{name}"
output = "runs/{name}"
[model]
base = "stories.gguf"
[data]
train = "train.jsonl"
valid = "valid.jsonl"
test = "test.jsonl"
max_length = 128
[tune]
rank = {keys['rank']}
lr = 3e-3
epochs = {keys['epochs']}
accumulate = 1
{extra}
[quantize]
to = {keys['quantize']}
[eval]
general = "general.txt"
context = 64
[report]
examples = 2
example_tokens = 8
""")
        return path


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
