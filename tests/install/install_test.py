#!/usr/bin/env python3
"""Installs a build into a folder of its own and uses it: install_test.py CMAKE BUILD SOURCE CXX.

The library by CMake and by pkg-config, the program, the manual, the completions. Python's standard library only."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, SOURCE, CXX = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4]
sys.path.insert(0, str(SOURCE / "apps/hone/tests"))
sys.argv[1:] = [str(BUILD / "hone"), str(SOURCE)]
from hone_case import HoneCase  # noqa: E402  (reads its arguments)


def output(*command, **options):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=500, **options)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


class Install(HoneCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prefix = cls.folder / "prefix"
        output(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        cls.library = next(cls.prefix.glob("lib*/**/libhone.so")).parent

    def find(self, name):
        [path] = self.prefix.rglob(name)
        return path

    def check_consumer(self, program, **environment):
        lines = output(program, self.gguf, self.folder / "made.gguf", env={**os.environ, **environment}).splitlines()
        version = output(self.prefix / "bin/hone", "--version").split()[1]
        self.assertEqual(lines[:4], [f"{version} llama 512", "Once upon a time", "length|same|12", "12"])
        self.assertRegex(lines[4], "^error: .*absent.gguf")
        made = json.loads(output(self.prefix / "bin/hone", "inspect", self.folder / "made.gguf", "--json"))
        self.assertIn("q8_0", made["formats"])
        (self.folder / "made.gguf").unlink()

    def test_only_public_headers(self):
        headers = [path.name for path in (self.prefix / "include").rglob("*.h")]
        self.assertEqual(headers, ["hone.h"])

    def test_by_cmake(self):
        build = self.folder / "consumer"
        output(CMAKE, "-S", SOURCE / "tests/install/consumer", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
               f"-DCMAKE_CXX_COMPILER={CXX}")
        output(CMAKE, "--build", build)
        self.check_consumer(build / "consumer")

    @unittest.skipUnless(shutil.which("pkg-config"), "no pkg-config")
    def test_by_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.library / "pkgconfig")}
        flags = output("pkg-config", "--cflags", "--libs", "hone", env=environment).split()
        program = self.folder / "by-pkg-config"
        output(CXX, "-std=c++17", SOURCE / "tests/install/consumer/main.cpp", *flags, "-o", program)
        self.check_consumer(program, LD_LIBRARY_PATH=str(self.library))

    def test_hides_what_is_inside(self):
        if not shutil.which("nm"):
            self.skipTest("no nm")
        symbols = output("nm", "-D", "--defined-only", "--demangle", self.library / "libhone.so").splitlines()
        strangers = [line for line in symbols if " T " in line and "hone::api::" not in line]
        self.assertEqual(strangers, [])

    def test_manual(self):
        page = self.find("hone.1")
        text = page.read_text()
        for command in ("run", "chat", "quantize", "data check"):
            self.assertIn(f".SS hone {command}", text)
        self.assertIn("\\fB\\-\\-cache\\-type\\fR \\fIf32|f16|q8_0\\fR", text)
        if shutil.which("man"):
            read = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True,
                                  env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
            self.assertEqual((read.returncode, read.stderr), (0, ""))
            self.assertIn("hone generate", read.stdout)
        if shutil.which("mandoc"):
            lint = subprocess.run(["mandoc", "-T", "lint", "-W", "error", str(page)], capture_output=True, text=True)
            self.assertEqual((lint.returncode, lint.stdout), (0, ""))

    def complete_bash(self, *words):
        script = (f'. "{self.find("completions") / "hone"}"; COMP_WORDS=({" ".join(map(repr, words))}); '
                  f'COMP_CWORD={len(words) - 1}; _hone; printf "%s\\n" "${{COMPREPLY[@]}}"')
        return output("bash", "--norc", "-c", script).split()

    @unittest.skipUnless(shutil.which("bash"), "no bash")
    def test_bash(self):
        self.assertEqual(self.complete_bash("hone", "ins"), ["inspect"])
        self.assertIn("chat", self.complete_bash("hone", ""))
        self.assertEqual(self.complete_bash("hone", "data", ""), ["check", "-h", "--help"])
        self.assertEqual(self.complete_bash("hone", "generate", "--max"), ["--max-tokens"])
        self.assertEqual(self.complete_bash("hone", "generate", "--cache-type", "q"), ["q8_0"])
        self.assertEqual(self.complete_bash("hone", "generate", "--model", ""), [])  # bash then offers files
        # Every option that the help names.
        listed = {word for word in self.complete_bash("hone", "tune", "-")}
        for word in output(self.prefix / "bin/hone", "tune", "--help").split():
            if word.startswith("--") and word.rstrip(",").replace("-", "").isalnum():
                self.assertIn(word.rstrip(","), listed)

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh(self):
        output("zsh", "-f", "-c", f'fpath=("{self.find("site-functions")}" $fpath); autoload -Uz compinit; '
                                  f'compinit -u -d "{self.folder}/dump"; autoload +X _hone; _hone 2>/dev/null; '
                                  'whence -w _hone_generate | grep -q function')

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish(self):
        script = f'source "{self.find("hone.fish")}"; complete -C "hone generate --cache-type "'
        offered = [line.split("\t")[0] for line in output("fish", "--no-config", "-c", script).splitlines()]
        self.assertEqual(sorted(offered), ["f16", "f32", "q8_0"])
        script = f'source "{self.find("hone.fish")}"; complete -C "hone ins"'
        self.assertEqual(output("fish", "--no-config", "-c", script).split("\t")[0], "inspect")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
