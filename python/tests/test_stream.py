"""`Ledger.stream`: many commands through one child."""

import contextlib
import os
import signal
import threading
import unittest
from unittest import mock

from support import Scene

from phaseledger import IllegalTransition, Ledger, NotRecorded, OutcomeUnknown, State, UsageError


class Streams(Scene):
    def texts(self, ledger: Ledger) -> "list[str]":
        return [event.data["text"] for event in ledger.log(kind="note_added")]

    def test_answers_come_in_order(self) -> None:
        ledger = self.small()
        with ledger.stream() as stream:
            replies = [stream.note(f"note {number}") for number in range(2000)]
            # The first one is answered while the others are under way.
            self.assertEqual(replies[0].result().seq, 2)
        self.assertEqual([reply.result().seq for reply in replies], list(range(2, 2002)))
        self.assertEqual(self.texts(ledger), [f"note {number}" for number in range(2000)])

    def test_large_lines_do_not_lock(self) -> None:
        ledger = self.small()
        with ledger.stream() as stream:
            for number in range(60):
                stream.note("x" * 60_000)
        self.assertEqual(ledger.verify().events, 61)

    def test_several_threads_share_one(self) -> None:
        ledger = self.small()
        with ledger.stream() as stream:

            def note(name: str) -> None:
                for number in range(20):
                    stream.note(f"{name} {number}").result()

            threads = [threading.Thread(target=note, args=(name,)) for name in "xyz"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        texts = self.texts(ledger)
        for name in "xyz":
            self.assertEqual([t for t in texts if t[0] == name], [f"{name} {number}" for number in range(20)])

    def test_a_refusal_ends_it(self) -> None:
        ledger = self.small()
        with self.assertRaises(IllegalTransition) as raised:
            with ledger.stream() as stream:
                started = stream.start("a")
                refused = stream.start("a")
                behind = stream.note("never")
        self.assertTrue(raised.exception.message.startswith("cannot start `w/a`"), raised.exception.message)
        self.assertNotIn("stands", raised.exception.message)
        self.assertEqual(started.result().status, "appended")
        self.assertIs(refused.exception(), raised.exception)
        self.assertIsInstance(behind.exception(), NotRecorded)
        self.assertEqual(self.texts(ledger), [])

    def test_a_refusal_that_was_seen_is_not_raised_again(self) -> None:
        ledger = self.small()
        with ledger.stream() as stream:
            with self.assertRaises(IllegalTransition):
                stream.complete("a").result()
            with self.assertRaises(NotRecorded):
                stream.note("never").result()

    def test_it_goes_on_where_that_is_asked(self) -> None:
        ledger = self.small()
        with ledger.stream(keep_going=True) as stream:
            replies = [
                stream.complete("a") if number % 10 == 3 else stream.note(str(number)) for number in range(50)
            ]
        refused = [number for number, reply in enumerate(replies) if reply.exception() is not None]
        self.assertEqual(refused, [3, 13, 23, 33, 43])
        self.assertEqual(self.texts(ledger), [str(number) for number in range(50) if number % 10 != 3])

    def test_a_killed_child_loses_nothing_and_repeats_nothing(self) -> None:
        ledger = self.small()
        with ledger.stream() as stream:
            replies = []
            for number in range(1500):
                replies.append(stream.note(str(number)))
                if number in (1, 300, 700, 1100):
                    replies[number - number // 2].result()
                    pid = stream.pid
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid or 0x3FFFFFFF, signal.SIGKILL)
        self.assertEqual([reply.exception() for reply in replies if reply.exception()], [])
        self.assertEqual(self.texts(ledger), [str(number) for number in range(1500)])
        self.assertEqual(ledger.verify().events, 1501)

    def test_a_child_that_always_dies_is_told(self) -> None:
        self.small()
        dying = Ledger(self.folder / "ledger", binary=self.program("read line; kill -9 $$"))
        with self.assertRaises(OutcomeUnknown):
            with dying.stream() as stream:
                stream.note("x")
                stream.note("y")

    def test_a_forked_process_does_not_keep_it_open(self) -> None:
        ledger = self.small()
        stream = ledger.stream()
        stream.note("x").result()
        reading, writing = os.pipe()
        forked = os.fork()
        if forked == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        with mock.patch("phaseledger._stream._LINGER_SECONDS_MAX", 0.1):
            stream.close()
        os.close(writing)
        os.waitpid(forked, 0)
        self.assertIsNone(stream.pid)
        self.assertEqual(self.texts(ledger), ["x"])

    def test_an_interrupt_in_the_middle_of_a_line(self) -> None:
        ledger = self.small()
        stream = ledger.stream()
        first = stream.note("first")
        child = stream._child
        assert child is not None
        whole = child._stdin.write

        def half(lines: bytes) -> int:
            whole(lines[: len(lines) // 2])
            raise KeyboardInterrupt

        with mock.patch.object(child, "_stdin", mock.Mock(wraps=child._stdin, write=half)):
            with self.assertRaises(KeyboardInterrupt):
                stream.note("second")
        third = stream.note("third")
        stream.close()
        self.assertEqual([first.exception(), third.exception()], [None, None])
        self.assertEqual(self.texts(ledger), ["first", "second", "third"])

    def test_answers_that_are_none(self) -> None:
        self.small()
        # It answers once it has both: what comes behind one that is refused is told that it is not recorded.
        odd = Ledger(
            self.folder / "ledger", binary=self.program("read line; read line; rm $0; echo '{}'; kill -9 $$")
        )
        stream = odd.stream()
        replies = [stream.note("x"), stream.note("y")]
        stream.close()
        for reply in replies:
            self.assertIsInstance(reply.exception(), OutcomeUnknown)

    def test_it_is_closed_once(self) -> None:
        ledger = self.small()
        stream = ledger.stream()
        stream.close()
        with self.assertRaises(UsageError):
            stream.note("late")
        stream.close()

    def test_it_holds_nothing_while_it_waits(self) -> None:
        ledger = self.small()
        with ledger.stream() as stream:
            stream.start("a").result()
            ledger.complete("a")
            self.assertEqual(ledger.status()["a"].state, State.COMPLETE)
            stream.rerun("a", "again").result()

    def test_found_10_a_fork_that_leaves_the_block_leaves_the_stream_alone(self) -> None:
        ledger = self.small()
        me = os.getpid()
        try:
            with ledger.stream() as stream:
                stream.note("before").result()
                child = os.fork()
                if child == 0:
                    # What hangs ends all the same, and fails the test.
                    signal.alarm(60)
                else:
                    self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
                    stream.note("after").result()
        finally:
            if os.getpid() != me:
                os._exit(0)
        self.assertEqual([one.data["text"] for one in ledger.log(kind="note_added")], ["before", "after"])


if __name__ == "__main__":
    unittest.main()
