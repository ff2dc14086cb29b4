#!/usr/bin/env python3
"""hone chat from outside: through a pipe and in a pseudo-terminal, on the tiny stories260K model.

chat_test.py HONE SOURCE_FOLDER. Uses Python's standard library only."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

from hone_case import HONE, HoneCase, main

OPTIONS = ("--threads", "1", "--temperature", "0", "--max-tokens", "12")


class Terminal:
    """hone in a pseudo-terminal."""

    def __init__(self, *arguments, folder, columns=90, rows=30):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ["TERM"] = "xterm"
            os.execv(HONE, [HONE, *map(str, arguments)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.output = ""

    def read(self, timeout):
        if select.select([self.fd], [], [], timeout)[0]:
            try:
                self.output += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                return False
        return True

    def expect(self, pattern, timeout=20):
        """Waits for a pattern behind everything expected so far."""
        deadline = time.time() + timeout
        while not (found := re.search(pattern, self.output, re.S)):
            if time.time() > deadline or not self.read(0.1):
                raise AssertionError(f"no {pattern!r} in {self.output!r}")
        before, self.output = self.output[: found.start()], self.output[found.end():]
        return before

    def send(self, text, edited=True):
        """Types, at the prompt once the line is being edited: what comes earlier the terminal itself would edit."""
        deadline = time.time() + 20
        while edited and termios.tcgetattr(self.fd)[3] & termios.ICANON and time.time() < deadline:
            time.sleep(0.01)
        os.write(self.fd, text.encode())

    def end(self):
        """The exit code, within a moment; a process that stays is killed."""
        deadline = time.time() + 20
        while not (done := os.waitpid(self.pid, os.WNOHANG))[0]:
            if time.time() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                done = os.waitpid(self.pid, 0)
                break
            self.read(0.05)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(done[1])


class Chat(HoneCase):
    def pipe(self, text, *arguments):
        return subprocess.run([HONE, "chat", str(self.gguf), *OPTIONS, *map(str, arguments)], input=text,
                              capture_output=True, text=True, timeout=120, cwd=self.folder)

    def voices(self, text, *arguments):
        result = self.pipe(text, "--json", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["voices"]

    def refuses(self, text, *arguments, says, code=2):
        result = self.pipe(text, "--quiet", *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertRegex(result.stderr, r"^hone: error: .*" + says)
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_pipe(self):
        result = self.pipe("Tell me about the cat.\nAnd the dog?\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        [voice] = self.voices("Tell me about the cat.\nAnd the dog?\n")
        self.assertEqual(result.stdout, "".join(turn["text"] + "\n" for turn in voice["turns"]))
        self.assertEqual(len(re.findall(r"12 tokens, [\d.]+ tokens/s; \d+ of \d+ prompt tokens run", result.stderr)), 2)
        self.assertEqual([m["role"] for m in voice["messages"]], ["user", "assistant"] * 2)
        first, second = voice["turns"]
        self.assertEqual((first["reused_tokens"], first["tokens"]), (0, 12))
        self.assertGreaterEqual(second["reused_tokens"], first["prompt_tokens"])
        # What was kept changes nothing: the same as one prompt (in f32, where sums do not depend on how many rows).
        [kept] = self.voices("Tell me about the cat.\nAnd the dog?\n", "--precise")
        messages = kept["messages"]
        prompt = "".join(f"{m['role']}: {m['content']}\n" for m in messages[:3]) + "assistant: "
        whole = self.run_ok("generate", "--model", self.gguf, "--raw", "--prompt", prompt, "--max-tokens", 12,
                            "--temperature", 0, "--precise")
        self.assertEqual(whole["text"], messages[3]["content"])

    def test_several_lines(self):
        [voice] = self.voices('one \\\ntwo\n"""three\n\nfour"""\n//five\n\n')
        said = [m["content"] for m in voice["messages"] if m["role"] == "user"]
        self.assertEqual(said, ["one \ntwo", "three\n\nfour", "/five"])

    def test_commands(self):
        [voice] = self.voices("/system Be kind.\none\ntwo\n/undo\n/retry\n/set temperature 1.5\n/set max-tokens 3\nthree\n"
                              "/save saved.jsonl\n")
        roles = [m["role"] for m in voice["messages"]]
        self.assertEqual(roles, ["system"] + ["user", "assistant"] * 2)
        self.assertEqual(voice["messages"][0]["content"], "Be kind.")
        self.assertEqual([m["content"] for m in voice["messages"] if m["role"] == "user"], ["one", "three"])
        self.assertEqual(voice["turns"][-1]["tokens"], 3)
        saved = json.loads((self.folder / "saved.jsonl").read_text())
        self.assertEqual(saved["messages"], voice["messages"])
        [again] = self.voices("/load saved.jsonl\nfour\n/quit\nnever\n")
        self.assertEqual(again["messages"][:5], voice["messages"])
        self.assertEqual(len(again["messages"]), 7)
        [empty] = self.voices("one\n/reset\n/system off\n", "--system", "Be brief.")
        self.assertEqual(empty["messages"], [])
        texts = self.pipe("/help\n/set\n/system\n/set temperature 0.25\n/set\n").stderr
        for name in ("/system TEXT", "/retry", "temperature     0", "max-tokens      12", "temperature     0.25"):
            self.assertIn(name, texts)

    def test_context_full(self):
        many = "".join(f"Tell me more about the number {i}.\n" for i in range(12))
        [voice] = self.voices(many, "--context", 200)
        left_out = [turn["left_out_messages"] for turn in voice["turns"]]
        self.assertGreater(sum(left_out), 0)
        self.assertLessEqual(max(turn["context_tokens"] for turn in voice["turns"]), 200)
        self.assertEqual(len(voice["messages"]), 24)
        self.assertIn("context of 200 tokens full: the", self.pipe(many, "--context", 200).stderr)
        self.assertIn("where the context of 64 tokens is full",
                      self.pipe("/set max-tokens 500\nTell me about it.\n", "--context", 64).stderr)
        self.refuses("word " * 100 + "\n", "--context", 64, says="message: got .* tokens .*context of 64")

    def test_refused(self):
        self.refuses("/retry\n", says="/retry: there is no message yet")
        self.refuses("/undoo\n", says='unknown command "/undoo"; did you mean "undo"')
        self.refuses("/set temprature 1\n", says='unknown setting "temprature"; did you mean "temperature"')
        self.refuses("/set temperature warm\n", says="/set: .*temperature")
        self.refuses("/set top-p 7\n", says="top.p.*7")
        self.refuses("/save\n", says="/save: got nothing, expected a file")
        self.refuses("/load absent.jsonl\n", says="absent.jsonl")
        self.refuses("hello\n", "--context", 100000, says="context: got 100000")
        self.refuses("hello\n", "--adapter", "absent", says="absent: no such adapter")
        self.refuses("hello\n", "--versus", "absent.gguf", says="absent.gguf")
        (self.folder / "broken.jinja").write_text("{% for %}")
        self.refuses("hello\n", "--chat-template", "broken.jinja", says="broken.jinja: ")
        bare = self.folder / "bare"
        shutil.copytree(self.model, bare)
        config = json.loads((bare / "tokenizer_config.json").read_text())
        del config["chat_template"]
        (bare / "tokenizer_config.json").write_text(json.dumps(config))
        self.fails("chat", bare, code=2, says="no chat template; give one with --chat-template")
        (self.folder / "own.jinja").write_text("{% for m in messages %}[{{ m['content'] }}]{% endfor %}")
        result = subprocess.run([HONE, "chat", str(bare), *OPTIONS, "--chat-template", "own.jinja"], input="Once\n",
                                capture_output=True, text=True, timeout=60, cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_versus(self):
        self.run_ok("quantize", "--model", self.gguf, "--to", "q8_0", "--output", "small.gguf")
        self.run_ok("tune", "--model", self.gguf, "--data", "train.jsonl", "--output", "adapter", "--epochs", 2,
                    "--accumulate", 1, "--max-length", 128, "--lr", "1e-2")
        first, second = self.voices("Tell me about the cat.\n", "--versus", "small.gguf")
        self.assertEqual((first["name"], second["name"]), ("stories", "small"))
        # One model under two voices: the base is as it is alone, the other is the adapter's.
        [alone] = self.voices("Tell me about the cat number 3.\nMore\n")
        [tuned] = self.voices("Tell me about the cat number 3.\nMore\n", "--adapter", "adapter")
        self.assertNotEqual(alone["messages"], tuned["messages"])
        both = self.voices("Tell me about the cat number 3.\nMore\n", "--versus-adapter", "adapter")
        self.assertEqual([voice["messages"] for voice in both], [alone["messages"], tuned["messages"]])
        text = self.pipe("Tell me about the cat number 3.\n", "--versus-adapter", "adapter").stdout
        self.assertEqual(text, f"== stories ==\n{alone['messages'][1]['content']}\n== stories + adapter ==\n"
                               f"{tuned['messages'][1]['content']}\n")
        self.refuses("hello\n", "--versus", "small.gguf", "--versus-adapter", "adapter", says="trained on")

    def test_terminal(self):
        terminal = Terminal("chat", self.gguf, *OPTIONS, folder=self.folder)
        terminal.expect("/help lists the commands.*> ")
        terminal.send("Tell me about tXhe cat\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x7f\r")  # the X taken out again
        terminal.expect(r"12 tokens, [\d.]+ tokens/s; .*> ")
        terminal.send("\x1b[A")  # history
        terminal.expect("Tell me about the cat")
        terminal.send("\x03")  # drops the line
        terminal.expect(r"Ctrl-D or /quit ends.*> ")
        terminal.send("/nothing\r")
        terminal.expect('error: unknown command "/nothing".*> ')
        terminal.send("h\u00e9llo \U0001f600\x7f\r")  # one character less, not one byte
        terminal.expect(r"12 tokens.*> ")
        terminal.send("/save terminal.jsonl\r")
        terminal.expect(r"saved to.*> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)
        said = [m["content"] for m in json.loads((self.folder / "terminal.jsonl").read_text())["messages"]]
        self.assertEqual(said[0], "Tell me about the cat")
        self.assertEqual(said[2].strip(), "h\u00e9llo")
        again = Terminal("chat", self.gguf, *OPTIONS, folder=self.folder)
        again.expect("> ")
        again.send("\x1b[A")
        again.expect("/save terminal.jsonl")
        again.send("\x03\x04")
        self.assertEqual(again.end(), 0)

    def test_ctrl_c_stops_the_answer(self):
        terminal = Terminal("chat", self.gguf, "--threads", "1", "--max-tokens", "100000", "--repeat-penalty", "1.5",
                            "--context", "512", folder=self.folder)
        terminal.expect("> ")
        for _ in range(2):
            terminal.send("Tell me about the cat.\r")
            terminal.expect("cat[^>]{20}")  # it is writing
            terminal.send("\x03", edited=False)
            terminal.expect(r"(stopped|\d+ tokens, ).*> ")
        terminal.send("/quit\r")
        self.assertEqual(terminal.end(), 0)

    def test_two_columns(self):
        terminal = Terminal("chat", self.gguf, *OPTIONS, "--versus", self.gguf, folder=self.folder, columns=120)
        terminal.expect("> ")
        terminal.send("Tell me about the cat.\r")
        text = terminal.expect(r"stories: 12 tokens.*stories: 12 tokens.*> ")
        self.assertIn("\x1b[62Gstories", text)  # the second column begins behind half of it
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)

    def test_killed_at_the_prompt(self):
        terminal = Terminal("chat", self.gguf, *OPTIONS, folder=self.folder)
        terminal.expect("> ")
        terminal.send("")  # the line is being edited now
        cooked = termios.ICANON | termios.ECHO | termios.ISIG
        self.assertNotEqual(termios.tcgetattr(terminal.fd)[3] & cooked, cooked)
        os.kill(terminal.pid, signal.SIGTERM)
        deadline = time.time() + 20
        while termios.tcgetattr(terminal.fd)[3] & cooked != cooked and time.time() < deadline:
            terminal.read(0.05)
        self.assertEqual(termios.tcgetattr(terminal.fd)[3] & cooked, cooked)  # as it was for the shell
        self.assertEqual(terminal.end(), -signal.SIGTERM)

    def test_tabs_and_pasted_lines(self):
        terminal = Terminal("chat", self.gguf, *OPTIONS, folder=self.folder)
        terminal.expect("> ")
        terminal.send("a\tb\r")
        terminal.expect("12 tokens.*> ")
        terminal.send("\x1b[200~def f():\r\treturn 1\r\x1b[201~ok\r")
        terminal.expect("12 tokens.*> ")
        terminal.send("/save pasted.jsonl\r")
        terminal.expect("saved to.*> ")
        terminal.send("drop this\x03")
        terminal.expect(r"\^C\r?\n.*Ctrl-D.*> ")
        terminal.send("\x04")
        self.assertEqual(terminal.end(), 0)
        said = [m["content"] for m in json.loads((self.folder / "pasted.jsonl").read_text())["messages"]]
        self.assertEqual(said[0::2], ["a\tb", "def f():\n\treturn 1\nok"])


if __name__ == "__main__":
    main()
