"""What the tests with a library loaded before hone share. Python's standard library only."""
import os
import pathlib
import sys

SOURCE, LIBRARY = pathlib.Path(sys.argv[2]), sys.argv.pop(3)
sys.path.insert(0, str(SOURCE / "apps/hone/tests"))
from hone_case import HoneCase, main  # noqa: E402,F401

PASSING = (".tmp", ".partial", ".old", ".unproven")


class FailingCase(HoneCase):
    def content(self, folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def passing(self, folder):
        """What was written under a name that does not stay."""
        return [str(path) for path in folder.rglob("*") if path.name.endswith(PASSING)]

    def call_failing(self, at, command, **environment):
        """The command with its at-th call failing (0: none), and the number of calls."""
        count = self.folder / "count"
        environment = {**os.environ, "LD_PRELOAD": LIBRARY, "FAIL_AT": str(at), "FAIL_COUNT": str(count), **environment}
        count.write_text("0")
        result = self.call(*command, "--quiet", env=environment)
        return result, int(count.read_text())

    def one_error(self, result, says):
        self.assertEqual(result.returncode, 1, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertRegex(lines[0], "^hone: error: " + says)


def points(total, most):
    """At most so many of 1 to total, evenly."""
    return sorted({1 + (total - 1) * i // (most - 1) for i in range(most)})
