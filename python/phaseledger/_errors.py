"""What the program refuses, as exceptions: one class for each meaning."""

from __future__ import annotations

import json
import re
from typing import Any, Mapping, Optional


class LedgerError(Exception):
    """Why something was not done. The classes below tell the cases apart; `code` does so more finely."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "failed",
        hint: Optional[str] = None,
        details: Optional[Mapping[str, Any]] = None,
        exit_code: Optional[int] = None,
    ) -> None:
        super().__init__(message)
        #: What was found, and what was expected.
        self.message = message
        #: The name of the case, such as `illegal_transition`.
        self.code = code
        #: What to do, where there is something.
        self.hint = hint
        #: Whatever else the program said of it.
        self.details: Mapping[str, Any] = details or {}
        #: The program's exit code, where it ran and ended by itself.
        self.exit_code = exit_code

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} (hint: {self.hint})"


class UsageError(LedgerError):
    """The call is wrong in itself: a name, a file or a value that is none (exit code 2)."""


class Conflict(LedgerError):
    """An expectation does not hold: someone was here before (exit code 3)."""


class IdConflict(Conflict):
    """The id belongs to another command."""


class NotFound(LedgerError):
    """There is no such phase, workflow, place or file (exit code 4)."""


class NoLedger(NotFound):
    """There is no ledger; `Ledger.init` makes one."""


class UnknownPhase(NotFound):
    """The workflow has no such phase."""


class UnknownApproval(NotFound):
    """There is no such request for approval."""


class UnknownReservation(NotFound):
    """There is no such reservation."""


class Damaged(LedgerError):
    """The log is not what was written (exit code 5)."""


class Rejected(LedgerError):
    """The rules or a policy refuse it (exit code 6)."""


class DoesNotFit(Rejected):
    """An amount that is to be held does not fit a limit beside what others hold (exit code 1)."""


class IllegalTransition(Rejected):
    """The phase's state does not allow it."""


class UnmetNeeds(Rejected):
    """What the phase needs is neither complete nor skipped."""


class InputOutputError(LedgerError):
    """The disk, or another file, failed (exit code 74)."""


class OutcomeUnknown(InputOutputError):
    """The program ended before it answered. Whether the command was recorded is not known; recording it again
    under the same id is safe."""


class LockTimeout(LedgerError):
    """Other processes had the ledger for too long; nothing was written (exit code 75)."""


class NotRecorded(LedgerError):
    """A command of a stream that was not taken up, because an earlier one was refused."""


class BinaryNotFound(LedgerError):
    """There is no `phaseledger` program to run."""


_BY_CODE: Mapping[str, type[LedgerError]] = {
    "id_conflict": IdConflict,
    "no_ledger": NoLedger,
    "unknown_phase": UnknownPhase,
    "illegal_transition": IllegalTransition,
    "unmet_needs": UnmetNeeds,
    "unknown_approval": UnknownApproval,
    "unknown_reservation": UnknownReservation,
    "does_not_fit": DoesNotFit,
    "unknown": OutcomeUnknown,
}

_BY_EXIT: Mapping[int, type[LedgerError]] = {
    2: UsageError,
    3: Conflict,
    4: NotFound,
    5: Damaged,
    6: Rejected,
    74: InputOutputError,
    75: LockTimeout,
}


def from_object(error: Mapping[str, Any], exit_code: Optional[int]) -> LedgerError:
    """Makes the exception of the object that the program gives."""
    details = {key: value for key, value in error.items() if key not in ("code", "message", "hint")}
    code = str(error.get("code", "failed"))
    kind = _BY_CODE.get(code) or _BY_EXIT.get(-1 if exit_code is None else exit_code, LedgerError)
    hint = error.get("hint")
    return kind(
        str(error.get("message", "no reason was given")),
        code=code,
        hint=None if hint is None else str(hint),
        details=details,
        exit_code=exit_code,
    )


def from_exit(returncode: int, stderr: str) -> LedgerError:
    """Makes the exception of how the program ended: of the object at the end of what it said, if it did."""
    for line in reversed(stderr.strip().splitlines()):
        try:
            error = json.loads(line)["error"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(error, dict):
            return from_object(error, returncode)
    said = stderr.strip()[-2000:]
    if returncode < 0:
        return OutcomeUnknown(f"the program was ended by signal {-returncode}", code="unknown")
    kind = _BY_EXIT.get(returncode, LedgerError)
    return kind(said or f"the program ended with exit code {returncode}", exit_code=returncode)


#: What `append` adds to the message of a refused line: its number, and what became of those before it. Both are of
#: the child's input, which the caller has not written.
_PLACE = re.compile(r"^line \d+(, column \d+)?: ")
_STANDS = re.compile(
    r"; (nothing was recorded|the command before it stands|the \d+ commands before it stand)$"
)


def of_one_command(error: LedgerError) -> LedgerError:
    """Takes out of the refusal of a line what is about the child's input instead of the command."""
    message = _STANDS.sub("", _PLACE.sub("", error.message))
    about_input = ("line", "column", "recorded")
    details = {key: value for key, value in error.details.items() if key not in about_input}
    return type(error)(message, code=error.code, hint=error.hint, details=details, exit_code=error.exit_code)
