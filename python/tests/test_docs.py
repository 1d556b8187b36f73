"""`docs/python.md`: its examples give what the page shows."""

import doctest
import os
import re
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

from support import ROOT, Scene

import phaseledger
from phaseledger import find_binary

PAGE = ROOT / "docs" / "python.md"


class Page(Scene):
    def test_the_examples_are_real(self) -> None:
        text = PAGE.read_text(encoding="utf-8")
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        names: "dict[str, object]" = {}
        blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        self.assertGreater(len(blocks), 5)
        for block in blocks:
            line = text.count("\n", 0, block.start(1))
            test = doctest.DocTestParser().get_doctest(block[1], names, PAGE.name, str(PAGE), line)
            said: "list[str]" = []
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
            runner.run(test, out=said.append, clear_globs=False)
            names = test.globs
            self.assertEqual("".join(said), "")

    def test_found_39_the_transcripts_are_real(self) -> None:
        text = PAGE.read_text(encoding="utf-8")
        blocks = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 0)
        for block in blocks:
            # Each command tells what it is, and then what it says, in one shell; `…` stands for what differs.
            commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
            script = "exec 2>&1\n" + "".join(f"echo {shlex.quote('$ ' + one)}\n{one}\n" for one in commands)
            programs = 'python() { "$PYTHON" "$@"; }\nphaseledger() { "$PROGRAM" "$@"; }\n'
            package = str(Path(phaseledger.__file__).parents[1])
            done = subprocess.run(
                ["bash", "-c", programs + script],
                cwd=self.folder,
                env={**os.environ, "PYTHON": sys.executable, "PROGRAM": find_binary(), "PYTHONPATH": package},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )
            said = done.stdout.decode("utf-8")
            shown = block.replace("…", "...")
            fits = doctest.OutputChecker().check_output(shown, said, doctest.ELLIPSIS)
            self.assertTrue(fits, f"expected:\n{block}\nfound:\n{said}")


if __name__ == "__main__":
    unittest.main()
