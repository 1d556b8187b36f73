"""Scripts in shell, and the two programs of `phaseledger.compat` as they run them."""

import importlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Dict, List, Tuple
from unittest import mock

from support import Scene

import phaseledger
from phaseledger import Ledger, find_binary

PHASES = "phaseledger.compat.phases"
COSTS = "phaseledger.compat.costs"
PACKAGE = "phaseledger.compat"
A, B, C = "phase_0_foundation", "phase_2_analysis", "phase_3_synthesis"
PHASE_FILE, COST_FILE = "workflow_state/phase_status.json", "workflow_state/cost_tracking.json"

#: What stands before each script: the two programs by their short names.
PRELUDE = f"""
set -u
phases() {{ "$PYTHON" -m {PHASES} "$@"; }}
costs() {{ "$PYTHON" -m {COSTS} "$@"; }}
"""


class Shell(Scene):
    """Scripts in a folder of their own."""

    def environment(self, **more: str) -> Dict[str, str]:
        package = str(Path(phaseledger.__file__).parents[1])
        return {**os.environ, "PYTHONPATH": package, "PYTHON": sys.executable, "PYTHONUTF8": "1", **more}

    def run_words(self, module: str, *words: str, **more: str) -> Tuple[int, str, str]:
        """Runs a program; returns its exit code, and what it says on stdout and on stderr."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        self.assertNotIn("Traceback", err)
        return done.returncode, out, err

    def phases(self, *words: str) -> str:
        """Runs `phases`, which must do it and warn of nothing; returns what it says."""
        code, out, err = self.run_words(PHASES, *words)
        self.assertEqual((code, err), (0, ""), words)
        return out

    def costs(self, *words: str) -> str:
        code, out, err = self.run_words(COSTS, *words)
        self.assertEqual((code, err), (0, ""), words)
        return out

    def run_here(self, module: str, *words: str, **more: str) -> Tuple[int, str, str]:
        """Does the same in this process: a tenth of the time, where nothing about processes is tested."""
        main = importlib.import_module(f"{module}.__main__" if module == PACKAGE else module).main
        out, err, before = io.StringIO(), io.StringIO(), os.getcwd()
        os.chdir(self.folder)
        try:
            with mock.patch.dict(os.environ, more), redirect_stdout(out), redirect_stderr(err):
                code = main(words)
        finally:
            os.chdir(before)
        return code, out.getvalue(), err.getvalue()

    def refused(self, module: str, code: int, *words: str, **more: str) -> str:
        """Runs a program here, which must refuse with this code; returns the one line that it says."""
        found, out, err = self.run_here(module, *words, **more)
        self.assertEqual((found, out), (code, ""), (words, err))
        lines = err.splitlines()
        self.assertEqual(len(lines), 1, (words, err))
        name = module.rpartition(".")[2]
        self.assertTrue(lines[0].startswith(f"{name}: error: "), lines)
        return lines[0].partition("error: ")[2]

    def script(self, text: str, **more: str) -> Tuple[int, str, str]:
        """Runs a script for bash."""
        done = subprocess.run(
            ["bash", "-c", PRELUDE + text],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        self.assertNotIn("Traceback", err)
        return done.returncode, out, err

    def slow(self, shell: str, *words: str) -> "subprocess.Popen[bytes]":
        """Begins `phases` with a program that is slow at one point; returns once it is there."""
        environment = self.environment(PHASELEDGER_BIN=self.program(shell + '\nexec "$REAL" "$@"'))
        command = [sys.executable, "-m", PHASES, *words]
        child = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # Who runs the tests in the background of a shell has this signal ignored, and so has the child.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while child.poll() is None and not (self.folder / "there").exists():
            time.sleep(0.01)
        return child

    def file(self, name: str = PHASE_FILE) -> Dict[str, Any]:
        data: Dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return data

    def states(self, name: str = PHASE_FILE) -> Dict[str, str]:
        """Returns the phases of the file that are not as new."""
        phases = self.file(name)["phases"]
        return {key: one["state"] for key, one in phases.items() if one["state"] != "PENDING"}

    def ledger(self, name: str = "phase_status") -> Ledger:
        return Ledger(self.folder / "workflow_state" / f"{name}.ledger")

    def cli(self, *words: str, ledger: str = "phase_status") -> None:
        folder = self.folder / "workflow_state" / f"{ledger}.ledger"
        command = [find_binary(), f"--dir={folder}", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def tree(self) -> List[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
