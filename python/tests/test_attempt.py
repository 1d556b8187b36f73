"""`with ledger.phase(…)`: what becomes of the attempt."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from support import Scene

import phaseledger
from phaseledger import IllegalTransition, LedgerError, State, UnmetNeeds
from phaseledger._binary import takes_pid


class Attempts(Scene):
    def test_the_end_completes_it(self) -> None:
        ledger = self.small()
        out = self.folder / "out.txt"
        with ledger.phase("a", metadata={"books": 45}) as attempt:
            self.assertEqual(attempt.number, 1)
            self.assertEqual(ledger.status()["a"].state, State.IN_PROGRESS)
            attempt.meta({"pages": 7}, chapters=3)
            out.write_text("x")
            attempt.output(out)
        a = ledger.status()["a"]
        self.assertEqual((a.state, a.metadata), (State.COMPLETE, {"books": 45, "pages": 7, "chapters": 3}))
        self.assertEqual(ledger.log(kind="phase_completed")[0].data["outputs"][0]["path"], "out.txt")

    def test_found_1_odd_outputs_do_not_keep_it_from_ending(self) -> None:
        ledger = self.small()
        files = {"inputs": ["in/*"], "outputs": ["out/*"]}
        ledger.define({"workflow": {"name": "w"}, "phase": [{"id": "a", **files}]})
        for folder in ("in", "out"):
            (self.folder / folder).mkdir()
            (self.folder / folder / "latest").symlink_to("nowhere")
        os.mkfifo(self.folder / "out" / "pipe")
        with self.assertLogs("phaseledger", "WARNING") as logs, ledger.phase("a") as attempt:
            assert attempt.started is not None
            self.assertEqual([file.path for file in attempt.started.unreadable], ["in/latest"])
        self.assertEqual(ledger.status()["a"].state, State.COMPLETE)
        said = "not all outputs of `a` can be read: `out/latest` (it is a link to a file that is not there)"
        self.assertEqual(len(logs.records), 2)
        self.assertEqual(logs.records[1].getMessage(), said + ", `out/pipe` (it is a pipe)")
        self.assertEqual(len(ledger.log(kind="phase_completed")[0].data["unreadable"]), 2)

    def test_found_1_an_output_that_is_not_there_fails_it(self) -> None:
        ledger = self.small()
        with self.assertRaises(LedgerError), ledger.phase("a") as attempt:
            attempt.output(self.folder / "nowhere")
        a = ledger.status()["a"]
        self.assertEqual(a.state, State.FAILED)
        self.assertIn("nowhere", str(a.error))

    def test_found_1_what_has_no_bytes_is_no_output_and_not_waited_for(self) -> None:
        ledger = self.small()
        os.mkfifo(self.folder / "pipe")
        for name in (self.folder / "pipe", "/dev/null", self.folder, "\0"):
            with self.subTest(name), self.assertRaises((LedgerError, ValueError)):
                with ledger.phase("a") as attempt:
                    # What hangs ends all the same, and fails the test.
                    signal.alarm(60)
                    attempt.output(name)
            signal.alarm(0)
            self.assertEqual(ledger.status()["a"].state, State.FAILED, name)

    def test_found_1_metadata_that_cannot_be_recorded_does_not_keep_it_from_ending(self) -> None:
        ledger = self.small()
        for value in (float("nan"), object(), "x" * 2_000_000):
            with self.assertRaises((LedgerError, TypeError, ValueError)), ledger.phase("a") as attempt:
                attempt.meta(value=value)
            self.assertEqual(ledger.status()["a"].state, State.FAILED)
            with self.assertRaisesRegex(KeyError, "mine"), ledger.phase("a") as attempt:
                attempt.meta(value=value)
                raise KeyError("mine")
            a = ledger.status()["a"]
            self.assertEqual((a.state, a.error), (State.FAILED, "KeyError: 'mine'"))

    def test_found_1_an_exception_without_words_does_not_keep_it_from_ending(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no words")

        ledger = self.small()
        with self.assertRaises(Mute), ledger.phase("a"):
            raise Mute
        a = ledger.status()["a"]
        self.assertEqual(a.state, State.FAILED)
        self.assertIn("Mute", str(a.error))

    def test_it_names_the_process_that_works(self) -> None:
        ledger = self.small()
        if not takes_pid(ledger.binary):
            self.skipTest("this program's `start` takes no process")
        with ledger.phase("a"):
            self.assertEqual(ledger.status()["a"].raw["process"]["pid"], os.getpid())

    def test_an_exception_fails_it_and_goes_on(self) -> None:
        ledger = self.small()
        with self.assertRaisesRegex(ValueError, "no books"):
            with ledger.phase("a") as attempt:
                attempt.meta(books=0)
                raise ValueError("no books \ud800")
        a = ledger.status()["a"]
        self.assertEqual((a.state, a.error), (State.FAILED, "ValueError: no books ?"))
        exception = a.metadata["exception"]
        self.assertEqual((exception["type"], a.metadata["books"]), ("ValueError", 0))
        self.assertIn("test_attempt.py", exception["traceback"])

    def test_a_huge_exception_is_cut(self) -> None:
        ledger = self.small()
        with self.assertRaises(RuntimeError):
            with ledger.phase("a"):
                raise RuntimeError("x" * 1_000_000)
        self.assertLess(len(str(ledger.status()["a"].metadata)), 50_000)

    def test_an_exit_is_a_failure(self) -> None:
        ledger = self.small()
        for code, recorded in ((3, 3), (0, 0), (None, 0), ("stop", 1)):
            with self.assertRaises(SystemExit):
                with ledger.phase("a"):
                    sys.exit(code)
            self.assertEqual(ledger.log(kind="phase_failed", last=1)[0].data["exit_code"], recorded)

    def test_an_interrupt_is_a_failure(self) -> None:
        ledger = self.small()
        script = (
            # Who runs the tests in the background of a shell has this signal ignored, and so has the child.
            "import signal, sys, time\nfrom phaseledger import Ledger\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "with Ledger(sys.argv[1]).phase('a'):\n    print('on', flush=True)\n    time.sleep(60)\n"
        )
        package = Path(phaseledger.__file__).parents[1]
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(ledger.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(package)},
        )
        with child:
            assert child.stdout is not None
            self.assertEqual(child.stdout.readline(), b"on\n")
            child.send_signal(signal.SIGINT)
        self.assertNotEqual(child.returncode, 0)
        failed = ledger.log(kind="phase_failed")[0]
        self.assertEqual((failed.data["error"], failed.data["signal"]), ("KeyboardInterrupt", "SIGINT"))

    def test_what_may_not_start_does_not_run(self) -> None:
        ledger = self.small()
        with self.assertRaises(UnmetNeeds):
            with ledger.phase("c"):
                self.fail("it ran")
        with ledger.phase("c", allow_unmet=True):
            pass
        with self.assertRaises(IllegalTransition):
            with ledger.phase("c"):
                self.fail("it ran")
        with ledger.phase("c", rerun=True, reason="again", allow_unmet=True) as attempt:
            self.assertEqual(attempt.number, 2)

    def test_it_does_not_end_the_attempt_that_took_over(self) -> None:
        ledger = self.small()
        with self.assertRaises(phaseledger.Conflict):
            with ledger.phase("a"):
                ledger.start("a", take_over=True, reason="impatience")
        self.assertEqual((ledger.status()["a"].state, ledger.status()["a"].attempt), (State.IN_PROGRESS, 2))
        with self.assertLogs("phaseledger", logging.ERROR):
            with self.assertRaises(ZeroDivisionError):
                with ledger.phase("b"):
                    ledger.start("b", take_over=True, reason="impatience")
                    1 / 0
        self.assertEqual(ledger.status()["b"].state, State.IN_PROGRESS)

    def test_found_10_a_fork_that_leaves_the_block_records_nothing(self) -> None:
        ledger = self.small()

        def leave(how: str) -> None:
            with ledger.phase("a") as attempt:
                child = os.fork()
                if child == 0:
                    attempt.meta(of="the child")
                    if how == "exit":
                        sys.exit(0)
                    if how == "exception":
                        raise ValueError("in the child")
                    return
                os.waitpid(child, 0)
                self.assertEqual(ledger.status()["a"].state, State.IN_PROGRESS, how)

        for how in ("exit", "exception", "the end of it"):
            me = os.getpid()
            try:
                leave(how)
            finally:
                if os.getpid() != me:
                    # The child has left the block, and must not go on with the tests.
                    os._exit(0)
            a = ledger.status()["a"]
            self.assertEqual((a.state, a.metadata), (State.COMPLETE, {}), how)
            ledger.reset("a", "once more")

    def test_found_10_a_worker_of_a_pool_that_leaves_the_block_records_nothing(self) -> None:
        ledger = self.small()
        with ledger.phase("a") as attempt:
            worker = multiprocessing.get_context("fork").Process(target=attempt.__exit__, args=(None, None, None))
            worker.start()
            worker.join()
            self.assertEqual((worker.exitcode, ledger.status()["a"].state), (0, State.IN_PROGRESS))
        self.assertEqual(ledger.status()["a"].state, State.COMPLETE)


if __name__ == "__main__":
    unittest.main()
