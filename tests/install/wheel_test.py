#!/usr/bin/env python3
"""Builds the wheel, installs it into an environment of its own and runs it both ways: wheel_test.py. Builds hone anew."""
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, cwd="/").stdout


with tempfile.TemporaryDirectory(prefix="hone-wheel-") as name:
    folder = pathlib.Path(name)
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", SOURCE)
    version = run(folder / "venv/bin/hone", "--version")
    assert version.startswith("hone "), version
    assert run(python, "-m", "hone", "--version") == version
    told = run(python, "-c", "import importlib.metadata as m; print(m.version('hone'))").strip()
    assert version.split()[1] == told, (version, told)
    wrong = subprocess.run([str(folder / "venv/bin/hone"), "tunee"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "did you mean" in wrong.stderr, wrong
print(f"wheel: {version.strip()}")
