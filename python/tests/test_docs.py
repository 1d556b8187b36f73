"""`docs/python.md`: its examples give what the page shows."""

import doctest
import os
import re
import unittest

from support import ROOT, Scene

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


if __name__ == "__main__":
    unittest.main()
