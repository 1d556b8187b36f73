"""An attempt of a phase as a `with` block."""

from __future__ import annotations

import logging
import os
import signal
import stat
import traceback
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Type, Union

from ._errors import LedgerError, UsageError
from ._types import Answer

if TYPE_CHECKING:
    from ._ledger import Ledger

_logger = logging.getLogger("phaseledger")

#: How much of a failure's message and of its traceback is kept, in characters, from the end of the traceback.
_MESSAGE_MAX = 8_000
_TRACEBACK_MAX = 16_000

#: How many files a warning names at most.
_NAMED_MAX = 5


class Attempt:
    """The attempt that `Ledger.phase` starts.

    Leaving the block completes the phase. An exception that leaves it fails the phase with its type, message and
    the end of its traceback, and goes on; so do an interrupt from the keyboard and an exit. Only the process that
    entered the block ends it: a fork of it that leaves the block records nothing.

    Declared files that cannot be read keep nothing from being recorded: they are warned of in the log. A file that
    `output` names and that cannot be read fails the phase, and so does metadata that cannot be recorded: what
    `complete` says of it is raised.
    """

    def __init__(self, ledger: Ledger, phase: str, options: Mapping[str, Any]) -> None:
        self._ledger = ledger
        self._options = options
        self._outputs: List[str] = []
        self._metadata: Dict[str, Any] = {}
        #: The phase, as it was named.
        self.phase = phase
        #: The answer to the start, inside the block.
        self.started: Optional[Answer] = None
        #: Which attempt it is, from 1, inside the block.
        self.number: Optional[int] = None
        self._pid: Optional[int] = None

    def __enter__(self) -> Attempt:
        self._pid = os.getpid()
        self.started = self._ledger.start(self.phase, **self._options)
        self.number = self._number(self.started)
        self._warn(self.started, "inputs")
        return self

    def _warn(self, answer: Answer, what: str) -> None:
        """Tells which declared files could not be read."""
        if answer.unreadable:
            named = ", ".join(f"`{file.path}` ({file.why})" for file in answer.unreadable[:_NAMED_MAX])
            more = len(answer.unreadable) - _NAMED_MAX + answer.unreadable_more
            others = f" and {more} more" if more > 0 else ""
            _logger.warning("not all %s of `%s` can be read: %s%s", what, self.phase, named, others)

    def _number(self, started: Answer) -> Optional[int]:
        """Reads which attempt was started: what ends it must not end one that took over from it."""
        places = [started.seq] + [one.seq for one in started.derived if one.kind == "phase_started"]
        event = self._ledger.show(places[-1]).event
        if event is None or event.kind != "phase_started":
            return None
        return int(event.data["attempt"])

    def meta(self, metadata: Optional[Mapping[str, Any]] = None, **more: Any) -> None:
        """Attaches metadata, which is recorded when the attempt ends, well or badly."""
        self._metadata.update(metadata or {}, **more)

    def output(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Names a file that the phase puts out. Its digest is recorded when the attempt completes: an unchanged
        one stops a rerun."""
        self._outputs.append(os.path.abspath(os.fspath(path)))

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if os.getpid() != self._pid:
            # A fork of the process that entered: the attempt goes on in that one.
            return
        expect = None if self.number is None else f"attempt={self.number}"
        if error is not None:
            self._end_badly(error, expect)
            return
        try:
            answer = self._ledger.complete(
                self.phase, outputs=self._outputs, metadata=self._metadata or None, expect=expect
            )
        except BaseException as refused:
            if _is_its_own(refused) or not all(map(_is_readable, self._outputs)):
                # It has ended, without what it was to put out or to say.
                self._end_badly(refused, expect)
            raise
        self._warn(answer, "outputs")

    def _end_badly(self, error: BaseException, expect: Optional[str]) -> None:
        # The caller's own exception is the one to see.
        try:
            try:
                self._fail(error, self._metadata, expect)
            except Exception as refused:
                if not _is_its_own(refused):
                    raise
                _logger.error("the metadata of `%s` is not recorded: %s", self.phase, refused)
                self._fail(error, {}, expect)
        except Exception as refused:
            _logger.error("the failure of `%s` is not recorded: %s", self.phase, refused)

    def _fail(self, error: BaseException, metadata: Mapping[str, Any], expect: Optional[str]) -> None:
        kind = type(error)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        message = _sound(_said(error))[:_MESSAGE_MAX]
        lines = traceback.format_exception(kind, error, error.__traceback__)
        exception = {"type": name, "message": message, "traceback": _sound("".join(lines))[-_TRACEBACK_MAX:]}
        exit_code: Optional[int] = None
        if isinstance(error, SystemExit):
            exit_code = error.code if isinstance(error.code, int) else int(error.code is not None)
        self._ledger.fail(
            self.phase,
            f"{name}: {message}" if message else name,
            exit_code=exit_code,
            signal=signal.Signals.SIGINT.name if isinstance(error, KeyboardInterrupt) else None,
            metadata={**metadata, "exception": exception},
            expect=expect,
        )


def _sound(text: str) -> str:
    """Returns a text that is UTF-8: lone surrogates, as in undecodable file names, become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _said(error: BaseException) -> str:
    """Returns what an exception says, where it can."""
    try:
        return str(error)
    except Exception:
        return ""


def _is_its_own(error: BaseException) -> bool:
    """Says whether an end was refused for what it was to say, and not for how the phase stands."""
    return isinstance(error, UsageError) or not isinstance(error, LedgerError)


def _is_readable(path: str) -> bool:
    """Says whether a file can be read; a pipe is none, and not waited for."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb", buffering=0) as file:
            file.read(0)
    except (OSError, ValueError):
        return False
    return True
