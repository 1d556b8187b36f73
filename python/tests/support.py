"""A folder and a ledger for each test; and where the package and the program are.

An installed package is tested as it is, with the program that came with it. Otherwise it is the one beside this
folder, with `PHASELEDGER_BIN` or else the debug build.
"""

import contextlib
import importlib.util
import logging
import os
import shutil
import stat
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[2]

if importlib.util.find_spec("phaseledger") is None:
    sys.path.insert(0, str(ROOT / "python"))
    os.environ.setdefault("PHASELEDGER_BIN", str(ROOT / "target/debug/phaseledger"))
if "PHASELEDGER_BIN" in os.environ:
    # Tests and what they start go elsewhere.
    os.environ["PHASELEDGER_BIN"] = os.path.abspath(os.environ["PHASELEDGER_BIN"])
for name in ("PHASELEDGER_DIR", "PHASELEDGER_CLOCK"):
    os.environ.pop(name, None)
os.environ["PHASELEDGER_BY"] = "ana"

from phaseledger import Ledger, find_binary  # noqa: E402

# What the tests make the package warn of is not for who runs them.
logging.getLogger("phaseledger").addHandler(logging.NullHandler())

#: Two phases, and one that needs both.
SMALL = {
    "workflow": {"name": "w"},
    "phase": [{"id": "a"}, {"id": "b"}, {"id": "c", "needs": ["a", "b"]}],
}


class Scene(unittest.TestCase):
    """A test in a folder of its own."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="phaseledger-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def small(self) -> Ledger:
        """Makes a ledger with the small workflow."""
        ledger = Ledger(self.folder / "ledger")
        ledger.init()
        ledger.define(SMALL)
        return ledger

    def program(self, script: str) -> str:
        """Makes a program for the shell, in which `$REAL` is the real one; returns its path."""
        path = self.folder / "program"
        path.write_text(f"#!/bin/sh\nREAL='{find_binary()}'\nHERE='{self.folder}'\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    @contextlib.contextmanager
    def no_warnings(self) -> Iterator[None]:
        """Checks that the package warns of nothing."""
        logger = logging.getLogger("phaseledger")
        with self.assertLogs(logger, logging.WARNING) as logs:
            logger.critical("so that there is one")
            yield
        self.assertEqual(len(logs.output), 1, logs.output)
