"""Many commands through one `append`: handed over at once, answered in order.

```text
  caller ──line──▶ pipe ──▶ append ──▶ pipe ──answer──▶ reading thread ──▶ the command's reply
             (waits while append is behind)     (always reads, so append never waits for the caller)
```
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Any, Deque, Dict, List, Optional, Type

from ._commands import Recording, line_of
from ._errors import LedgerError, NotRecorded, OutcomeUnknown, UsageError, from_object, of_one_command
from ._program import TRIES_MAX, AppendChild, Program, parsed
from ._types import Answer

#: How long a child may stay once all is answered and its input has ended.
_LINGER_SECONDS_MAX = 2.0


class Reply(Future[Answer]):
    """The answer to one command of a stream, once there is one. `result()` waits for it, and raises what the
    command was refused with. What is called when it is done (`add_done_callback`) must not use the stream."""

    def __init__(self, command: Dict[str, Any]) -> None:
        super().__init__()
        #: The command, under the id that makes sending it again safe.
        self.command = command
        self.line = line_of(command)
        #: Whether somebody has asked for the outcome.
        self.is_seen = False

    def result(self, timeout: Optional[float] = None) -> Answer:
        """Waits for the answer."""
        self.is_seen = True
        return super().result(timeout)

    def exception(self, timeout: Optional[float] = None) -> Optional[BaseException]:
        """Waits for the outcome; returns what the command was refused with, if it was."""
        self.is_seen = True
        return super().exception(timeout)


class Stream(Recording[Reply]):
    """Commands through one child. Each method returns a `Reply` at once.

    The first command that is refused ends the stream: what was handed over behind it is not recorded
    (`NotRecorded`), and leaving the `with` block raises the refusal, unless somebody has asked its reply. With
    `keep_going` only the refused command fails. A child that dies is replaced, and what it had not answered is
    sent again under the same ids.
    """

    def __init__(self, program: Program, *, keep_going: bool = False) -> None:
        self._program = program
        self._keep_going = keep_going
        self._lock = threading.Lock()
        self._pending: Deque[Reply] = deque()
        self._child: Optional[AppendChild] = None
        self._reader: Optional[threading.Thread] = None
        self._deaths = 0
        self._is_closing = False
        self._refused: Optional[Reply] = None
        self._process = os.getpid()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
        refused = self._refused
        if kind is None and refused is not None and not refused.is_seen:
            refused.result()

    def close(self) -> None:
        """Waits until everything is answered, and ends the child. Raises nothing: the replies do. In a fork of the
        process that opened the stream it does nothing: the child is the other one's."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._is_closing = True
            if self._child is not None:
                self._child.end_input()
            pending = list(self._pending)
        wait(pending)
        while True:
            with self._lock:
                reader, child = self._reader, self._child
            if reader is None or reader is threading.current_thread():
                return
            reader.join(_LINGER_SECONDS_MAX)
            if reader.is_alive() and child is not None:
                # A forked process has the other end of its input. All is answered, so all is durable.
                child.terminate()

    @property
    def pid(self) -> Optional[int]:
        """The child that is at work, if one is."""
        with self._lock:
            return None if self._child is None else self._child.pid

    def _record(self, command: Dict[str, Any]) -> Reply:
        if os.getpid() != self._process:
            raise UsageError("this stream belongs to the process that forked this one", code="usage")
        reply = Reply(dict(self._program.signed(command)))
        with self._lock:
            if self._is_closing:
                raise UsageError("the stream is closed", code="usage")
            if self._refused is not None:
                reply.set_exception(self._behind())
                return reply
            child = self._child or self._begin()
            self._pending.append(reply)
            child.write(reply.line)
        return reply

    def _begin(self) -> AppendChild:
        """Starts a child, and a thread that reads its answers. The lock is held."""
        self._child = child = self._program.append([])
        self._reader = threading.Thread(target=self._read, args=(child,), name="phaseledger", daemon=True)
        self._reader.start()
        return child

    def _read(self, child: AppendChild) -> None:
        for line in child.answers:
            answer = parsed(line)
            if answer is None or not self._pending:
                break
            reply = self._pending.popleft()
            self._deaths = 0
            try:
                if "error" in answer:
                    self._refuse(reply, from_object(answer["error"], None))
                else:
                    reply.set_result(Answer.of(answer))
            except (LookupError, TypeError, AttributeError) as error:
                self._refuse(reply, OutcomeUnknown(f"the program's answer is none: {error}", code="unknown"))
        ended = child.ended()
        unanswered: List[Reply] = []
        with self._lock:
            self._child = None
            if self._pending:
                unanswered = self._go_on(ended)
            if self._child is None:
                self._reader = None
        for reply in unanswered:
            reply.set_exception(self._behind())

    def _go_on(self, ended: Optional[LedgerError]) -> List[Reply]:
        """Settles what a child that has ended left unanswered: sends it again, or refuses it. Returns what is to
        be told that it was not taken up. The lock is held."""
        left: List[Reply] = []
        if ended is not None and "line" in ended.details:
            self._refuse(self._pending.popleft(), of_one_command(ended))
            if not self._keep_going:
                left = list(self._pending)
                self._pending.clear()
        elif ended is None or isinstance(ended, OutcomeUnknown):
            self._deaths += 1
            if self._deaths >= TRIES_MAX:
                self._give_up(ended or OutcomeUnknown("the program ended before it answered", code="unknown"))
        else:
            self._give_up(ended)
        if self._pending:
            self._send_again()
        return left

    def _send_again(self) -> None:
        try:
            child = self._begin()
        except (OSError, RuntimeError) as error:
            self._give_up(OutcomeUnknown(f"the program no longer runs: {error}", code="unknown"))
            return
        for reply in list(self._pending):
            child.write(reply.line)
        if self._is_closing:
            child.end_input()

    def _give_up(self, error: LedgerError) -> None:
        while self._pending:
            self._refuse(self._pending.popleft(), error)
        self._deaths = 0

    def _refuse(self, reply: Reply, error: LedgerError) -> None:
        if self._refused is None and not self._keep_going:
            self._refused = reply
        reply.set_exception(error)

    def _behind(self) -> NotRecorded:
        first = None if self._refused is None else self._refused.command
        return NotRecorded(
            "not recorded: an earlier command of the stream was refused",
            code="not_recorded",
            hint="its reply tells why; `keep_going=True` goes on behind a refused one",
            details={"refused": first},
        )
