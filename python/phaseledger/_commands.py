"""Commands as `append` reads them, and as arguments of the verbs; one set of methods that make them."""

from __future__ import annotations

import json
import os
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Dict, Generic, Iterable, List, Mapping, Optional, Sequence, TypeVar, Union

Command = Mapping[str, Any]
Expectations = Union[str, Sequence[str]]
#: A moment: a `datetime` (without a zone: local time), a date, a place as a number, or a selector as a text.
When = Union[str, int, date]
#: An amount of money. A text and a `Decimal` are taken digit for digit, a `float` as it is printed, rounded to nine
#: digits after the point.
Amount = Union[str, int, float, Decimal]
Recorded = TypeVar("Recorded")

#: Commands that are always written as lines of `append`.
THROUGH_A_PIPE = (
    "retire",
    "cost",
    "cost_limit",
    "cost_reserve",
    "cost_release",
    "approval_request",
    "approval_grant",
    "approval_reject",
)

#: The most digits after the point of an amount.
_DIGITS_MAX = 9

#: What an argument of a process may have; Linux takes 128 KiB.
_ARGUMENT_BYTES_MAX = 100_000

#: Fields that are options with a value, and those that are options without one.
_VALUES = {
    "reason": "--reason",
    "error": "--error",
    "exit_code": "--exit-code",
    "signal": "--signal",
    "output": "--digest",
    "workflow": "--workflow",
    "occurred_at": "--occurred-at",
    "by": "--by",
    "id": "--id",
    "pid": "--pid",
    "as": "--as",
}
_FLAGS = {
    "abandoned": "--abandoned",
    "allow_unmet": "--allow-unmet",
    "rerun": "--rerun",
    "take_over": "--take-over",
    "over_limit": "--over-limit",
    "all": "--all",
    "withdraw": "--withdraw",
    "force": "--force",
}
_LISTS = {"expect": "--expect", "files": "--output"}
_PLACES = ("phase", "event", "text", "name", "file")
#: All that can be written as arguments; what has another field goes through a pipe.
_WRITTEN = {"do", "metadata", "seq", "definition", *_PLACES, *_VALUES, *_FLAGS, *_LISTS}


def when_of(when: When) -> str:
    """Writes a moment as the program reads it."""
    if isinstance(when, datetime):
        return when.astimezone().isoformat()
    if isinstance(when, date):
        return when.isoformat()
    return f"#{when}" if isinstance(when, int) else when


def amount_of(amount: Amount) -> str:
    """Writes an amount as the program reads it; what is no number goes as it is, for the program to refuse."""
    if isinstance(amount, str):
        return amount
    exact = Decimal(str(amount))
    exponent = exact.as_tuple().exponent
    if isinstance(amount, float) and isinstance(exponent, int) and exponent < -_DIGITS_MAX:
        exact = round(exact, _DIGITS_MAX).normalize()
    return format(exact, "f")


def arguments(command: Command) -> List[str]:
    """Writes a command as the arguments of its verb."""
    options: List[str] = ["--delete"] if command["do"] == "untag" else []
    places: List[str] = []
    for name, value in command.items():
        if name in _VALUES:
            options.append(f"{_VALUES[name]}={value}")
        elif name in _FLAGS:
            options.append(_FLAGS[name])
        elif name in _LISTS:
            options += [f"{_LISTS[name]}={one}" for one in ([value] if isinstance(value, str) else value)]
        elif name == "metadata" and command["do"] == "meta":
            places += [f"{key}={_json(one)}" for key, one in value.items()]
        elif name == "metadata":
            options.append(f"--metadata={_json(value)}")
        elif name == "phase" and command["do"] == "note":
            options.append(f"--phase={value}")
        elif name == "seq":
            places.append(f"#{value}")
        elif name in _PLACES:
            places.append(str(value))
    return [*options, "--", *places]


def fits(command: Command, args: Iterable[str]) -> bool:
    """Says whether a process can be given these arguments, and reads them as they are meant."""
    if not _WRITTEN.issuperset(command):
        return False
    if command["do"] == "meta" and any("=" in key or not key for key in command["metadata"]):
        return False
    for argument in args:
        try:
            if "\0" in argument or len(os.fsencode(argument)) > _ARGUMENT_BYTES_MAX:
                return False
        except UnicodeEncodeError:
            return False
    return True


def line_of(command: Command) -> bytes:
    """Writes a command as a line of `append`."""
    return _json(command).encode("ascii") + b"\n"


def _json(value: Any) -> str:
    """Writes JSON; what is not JSON, such as NaN, is a `ValueError` or a `TypeError`."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


class Recording(Generic[Recorded]):
    """The verbs that record. What they return is what `_record` makes of a command.

    Every one takes `id` (a UUID, or `key:` and a text: recording it again is safe and changes nothing; without
    one, a UUID is made), `expect` (`seq:N`, `state=A,B`, `attempt=N`; several in a list), `occurred_at` (when it
    took effect, where that is not now) and `by` (who asks).
    """

    def _record(self, command: Dict[str, Any]) -> Recorded:
        raise NotImplementedError

    def _send(
        self,
        command: Mapping[str, Any],
        id: Optional[str],
        expect: Optional[Expectations],
        occurred_at: Optional[When],
        by: Optional[str],
    ) -> Recorded:
        made: Dict[str, Any] = {
            name: value for name, value in command.items() if value is not None and value is not False
        }
        made["id"] = str(uuid.uuid4()) if id is None else id
        if expect:
            made["expect"] = expect if isinstance(expect, str) else list(expect)
        if occurred_at is not None:
            made["occurred_at"] = when_of(occurred_at)
        if by is not None:
            made["by"] = by
        return self._record(made)

    def start(
        self,
        phase: str,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        allow_unmet: bool = False,
        rerun: bool = False,
        take_over: bool = False,
        over_limit: bool = False,
        reason: Optional[str] = None,
        pid: Optional[int] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Starts an attempt. `rerun` marks a COMPLETE phase first, `take_over` gives up an attempt that nobody
        will end, `over_limit` starts a phase that has spent its limit; each with a `reason`. `pid` is the process
        that does the work: once it is gone, `status` says so."""
        command = {
            "do": "start",
            "phase": phase,
            "metadata": metadata,
            "allow_unmet": allow_unmet,
            "rerun": rerun,
            "take_over": take_over,
            "over_limit": over_limit,
            "reason": reason,
            "pid": pid,
        }
        return self._send(command, id, expect, occurred_at, by)

    def complete(
        self,
        phase: str,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        digest: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Ends the attempt under way well. `digest` is that of all that the phase put out (`sha256:…` or
        `blake3:…`): an unchanged one stops a rerun."""
        command = {"do": "complete", "phase": phase, "metadata": metadata, "output": digest}
        return self._send(command, id, expect, occurred_at, by)

    def fail(
        self,
        phase: str,
        error: str,
        *,
        exit_code: Optional[int] = None,
        signal: Optional[str] = None,
        abandoned: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Ends the attempt under way badly. `abandoned` says that nobody saw it end: its process is gone."""
        command: Dict[str, Any] = {
            "do": "fail",
            "phase": phase,
            "error": error,
            "exit_code": exit_code,
            "signal": signal,
            "abandoned": abandoned,
            "metadata": metadata,
        }
        return self._send(command, id, expect, occurred_at, by)

    def skip(
        self,
        phase: str,
        reason: str,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Does without a phase: those who need it may go on."""
        command = {"do": "skip", "phase": phase, "reason": reason, "metadata": metadata}
        return self._send(command, id, expect, occurred_at, by)

    def rerun(
        self,
        phase: str,
        reason: str,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Marks a COMPLETE phase, and all that was built on it, for rerun."""
        return self._send({"do": "rerun", "phase": phase, "reason": reason}, id, expect, occurred_at, by)

    def accept(
        self,
        phase: str,
        reason: str,
        *,
        digest: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Vouches for what is there of a phase that is FAILED or NEEDS_RERUN: it is COMPLETE as it is."""
        command = {"do": "accept", "phase": phase, "reason": reason, "output": digest}
        return self._send(command, id, expect, occurred_at, by)

    def withdraw(
        self,
        phase: str,
        reason: str,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Takes back every mark that was made by hand since the phase's last attempt began."""
        command = {"do": "rerun", "phase": phase, "withdraw": True, "reason": reason}
        return self._send(command, id, expect, occurred_at, by)

    def revert(
        self,
        event: str,
        reason: str,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Takes a command back, named by the id that it was answered with, or the `key:` that it was sent under: a mark,
        a note, a tag, metadata, a cost, a limit, a definition, a skip, a decision on a request, or a revert.
        """
        return self._send({"do": "revert", "event": event, "reason": reason}, id, expect, occurred_at, by)

    def retire(
        self,
        workflow: str,
        reason: str,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Retires a workflow: it is no longer in force, its history stays, and to define it again brings it back."""
        return self._send({"do": "retire", "workflow": workflow, "reason": reason}, id, expect, occurred_at, by)

    def reset(
        self,
        phase: str,
        reason: str,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Makes a phase as if it had not run."""
        return self._send({"do": "reset", "phase": phase, "reason": reason}, id, expect, occurred_at, by)

    def reset_all(
        self,
        reason: str,
        *,
        workflow: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Resets every phase of a workflow in one batch; the workflow is named where the ledger has several."""
        command = {"do": "reset", "all": True, "workflow": workflow, "reason": reason}
        return self._send(command, id, expect, occurred_at, by)

    def meta(
        self,
        phase: str,
        metadata: Mapping[str, Any],
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Attaches metadata to a phase."""
        return self._send({"do": "meta", "phase": phase, "metadata": metadata}, id, expect, occurred_at, by)

    def note(
        self,
        text: str,
        *,
        phase: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Makes a note, on a phase or on the ledger."""
        return self._send({"do": "note", "text": text, "phase": phase}, id, expect, occurred_at, by)

    def tag(
        self,
        name: str,
        seq: Optional[int] = None,
        *,
        force: bool = False,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Names a place in the log: the last event, or that of `seq`. A name that is set elsewhere moves with `force`
        alone."""
        command = {"do": "tag", "name": name, "seq": seq, "force": force}
        return self._send(command, id, expect, occurred_at, by)

    def untag(
        self,
        name: str,
        reason: Optional[str] = None,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Takes the name of a place away."""
        return self._send({"do": "untag", "name": name, "reason": reason}, id, expect, occurred_at, by)

    def cost_record(
        self,
        phase: str,
        amount: Amount,
        *,
        model: Optional[str] = None,
        operation: Optional[str] = None,
        currency: Optional[str] = None,
        refund: bool = False,
        metadata: Optional[Mapping[str, Any]] = None,
        reservation: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Records what was spent on a phase; with `refund`, an amount below zero that was given back. What passes a
        limit is recorded all the same: the answer's derived events say so. `reservation` is the id of the
        reservation that it ends."""
        command = {
            "do": "cost",
            "phase": phase,
            "amount": amount_of(amount),
            "model": model,
            "operation": operation,
            "currency": currency,
            "refund": refund,
            "metadata": metadata,
            "reservation": reservation,
        }
        return self._send(command, id, expect, occurred_at, by)

    def cost_limit(
        self,
        limit: Amount,
        *,
        phase: Optional[str] = None,
        workflow: Optional[str] = None,
        reason: Optional[str] = None,
        per: Optional[str] = None,
        tz: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Sets the most that a phase, or a workflow, may cost; with `per` (`day`, `week`, `month`) in each of these, by
        the clocks of the zone `tz`, from the current one on."""
        command = {
            "do": "cost_limit",
            "phase": phase,
            "workflow": workflow,
            "limit": amount_of(limit),
            "reason": reason,
            "per": per,
            "tz": tz,
        }
        return self._send(command, id, expect, occurred_at, by)

    def cost_reserve(
        self,
        phase: str,
        amount: Amount,
        *,
        hold_for: Optional[str] = None,
        model: Optional[str] = None,
        operation: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Holds an amount, where it fits the limits of a phase and of its workflow beside what others hold; where it does
        not, `DoesNotFit`, and nothing is recorded. The answer's `id` is that of the reservation: `cost_record` ends it,
        `cost_release` does, and its time does: an hour, or `hold_for` (`"30m"`)."""
        command = {
            "do": "cost_reserve",
            "phase": phase,
            "amount": amount_of(amount),
            "for": hold_for,
            "model": model,
            "operation": operation,
        }
        return self._send(command, id, expect, None, by)

    def cost_release(
        self,
        reservation: str,
        *,
        reason: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Ends a reservation of which nothing was spent."""
        command = {"do": "cost_release", "reservation": reservation, "reason": reason}
        return self._send(command, id, expect, occurred_at, by)

    def approval_request(
        self,
        operation: str,
        estimate: Amount,
        items: int,
        *,
        impact: Optional[str] = None,
        phase: Optional[str] = None,
        workflow: Optional[str] = None,
        auto_approve_below: Optional[Amount] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Asks leave for an operation. The policy decides at once (an `approval_granted` or `approval_rejected` is
        among the derived events), or it waits for a person."""
        command = {
            "do": "approval_request",
            "operation": operation,
            "estimate": amount_of(estimate),
            "items": items,
            "impact": impact,
            "phase": phase,
            "workflow": workflow,
            "auto_approve_below": None if auto_approve_below is None else amount_of(auto_approve_below),
            "metadata": metadata,
        }
        return self._send(command, id, expect, occurred_at, by)

    def approval_grant(
        self,
        request: str,
        reason: str,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Grants a request, by the id of its answer, or the `key:` that it was sent under."""
        command = {"do": "approval_grant", "request": request, "reason": reason}
        return self._send(command, id, expect, occurred_at, by)

    def approval_reject(
        self,
        request: str,
        reason: str,
        *,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Recorded:
        """Rejects a request, by the id of its answer, or the `key:` that it was sent under."""
        command = {"do": "approval_reject", "request": request, "reason": reason}
        return self._send(command, id, expect, occurred_at, by)
