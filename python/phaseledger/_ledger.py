"""A ledger, and its state as of a moment."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Union, overload

from ._attempt import Attempt
from ._binary import find_binary, takes_pid
from ._commands import Amount, Expectations, Recording, When, amount_of, when_of
from ._program import Program
from ._stream import Stream
from ._types import (
    Answer,
    Approval,
    CostCheck,
    CostGroup,
    CostRemaining,
    CostSummary,
    Event,
    Made,
    Next,
    Shown,
    Status,
    Tag,
    Verified,
    Why,
)

_Path = Union[str, "os.PathLike[str]"]
_Names = Union[str, Iterable[str]]


def _each(option: str, values: Optional[_Names]) -> List[str]:
    """An option once for each of its values; a text is one."""
    if values is None:
        return []
    return [f"{option}={value}" for value in ([values] if isinstance(values, str) else values)]


class View:
    """The ledger as of a moment: what can be asked, and nothing that records. `Ledger.as_of` makes one."""

    def __init__(self, program: Program, options: Sequence[str]) -> None:
        self._program = program
        self._options = tuple(options)

    def status(
        self,
        *phases: str,
        state: Optional[_Names] = None,
        workflow: Optional[str] = None,
        with_retired: bool = False,
    ) -> Status:
        """Tells where phases stand; all, unless some are named. `status()["x"].state` is that of one."""
        args = [*_each("--state", state), *_each("--workflow", workflow)]
        if with_retired:
            args.append("--all")
        return Status.of(self._program.ask("status", *self._options, *args, "--", *phases))

    def next(self, *, workflow: Optional[str] = None) -> Next:
        """Tells what is ready to start, and what waits for what."""
        args = [*self._options, *_each("--workflow", workflow)]
        return Next.of(self._program.ask("next", *args, answers=(0, 1)))

    def log(
        self,
        range: Optional[str] = None,
        *,
        phase: Optional[_Names] = None,
        workflow: Optional[str] = None,
        kind: Optional[_Names] = None,
        by: Optional[str] = None,
        last: Optional[int] = None,
        roots: bool = False,
    ) -> List[Event]:
        """Lists events in order: all, those of a range such as `e5..e9`, or those that fit."""
        args = [
            *_each("--phase", phase),
            *_each("--workflow", workflow),
            *_each("--kind", kind),
            *_each("--by", by),
        ]
        if last is not None:
            args.append(f"--last={last}")
        if roots:
            args.append("--roots")
        args += ["--"] if range is None else ["--", range]
        lines = self._program.run("log", [*self._options, *args]).splitlines()
        return [Event.of(json.loads(line)) for line in lines]

    def show(self, what: Union[str, int]) -> Shown:
        """Shows one event (a place: `12`, `"head"`, `"tag:release"`) or one phase in full."""
        what = f"#{what}" if isinstance(what, int) else what
        return Shown.of(self._program.ask("show", *self._options, "--", what))

    def why(self, phase: str) -> Why:
        """Tells why a phase stands where it does, with every cause back to the roots."""
        return Why.of(self._program.ask("why", *self._options, "--full", "--", phase))

    def report(self, *, workflow: Optional[str] = None) -> str:
        """Writes where everything stands, with the evidence, as Markdown."""
        args = [*self._options, "--format=markdown", *_each("--workflow", workflow)]
        return self._program.run("report", args, in_json=False).decode("utf-8")

    def tags(self) -> List[Tag]:
        """Lists the tags, in the order of their places."""
        return [Tag.of(tag) for tag in self._program.ask("tag", *self._options, "--list")["tags"]]

    def cost_check(self, phase: str, estimate: Amount) -> CostCheck:
        """Tells whether an estimate fits the limits of a phase and of its workflow, before it is spent."""
        args = [f"--estimate={amount_of(estimate)}", *self._options, "--", phase]
        return CostCheck.of(self._program.ask("cost", "check", *args, answers=(0, 1)))

    def cost_remaining(self, phase: str, *, per_item: Optional[Amount] = None) -> CostRemaining:
        """Tells what is left to spend on a phase, and how many items that buys."""
        args = [] if per_item is None else [f"--per-item={amount_of(per_item)}"]
        return CostRemaining.of(self._program.ask("cost", "remaining", *args, *self._options, "--", phase))

    def cost_project(self, operations: Iterable[Mapping[str, Any]]) -> CostCheck:
        """Tells whether planned operations fit: each has a `phase` and an `amount`, and may have a `count`."""
        lines = [{**operation, "amount": amount_of(operation["amount"])} for operation in operations]
        given = "".join(json.dumps(line) + "\n" for line in lines).encode("ascii")
        return CostCheck.of(
            self._program.ask("cost", "project", *self._options, "--", "-", given=given, answers=(0, 1))
        )

    def cost_summary(self, *, workflow: Optional[str] = None) -> CostSummary:
        """Tells what was spent of which limits, on which models, and last."""
        args = [*self._options, *_each("--workflow", workflow)]
        return CostSummary.of(self._program.ask("cost", "summary", *args))

    def cost_by(
        self, by: str, range: Optional[str] = None, *, workflow: Optional[str] = None
    ) -> List[CostGroup]:
        """Tells what was spent by `phase`, `model`, `operation`, `root-cause` or `day`."""
        args = [*self._options, *_each("--workflow", workflow), "--", by, *([] if range is None else [range])]
        return [CostGroup.of(group) for group in self._program.ask("cost", "by", *args)["groups"]]

    def approvals(
        self, *, workflow: Optional[str] = None, phase: Optional[str] = None, pending: bool = False
    ) -> List[Approval]:
        """Lists requests for approval, and how each was decided."""
        args = [*self._options, *_each("--workflow", workflow), *_each("--phase", phase)]
        if pending:
            args.append("--pending")
        return [Approval.of(one) for one in self._program.ask("approval", "list", *args)["approvals"]]

    @overload
    def export(self) -> bytes: ...

    @overload
    def export(self, output: _Path) -> None: ...

    def export(self, output: Optional[_Path] = None) -> Optional[bytes]:
        """Returns the log as JSON lines, byte for byte; or writes it to a file, whole or not at all."""
        if output is None:
            return self._program.run("export", self._options)
        self._program.run("export", [*self._options, f"--output={os.fspath(output)}"])
        return None


class _Preview(Recording[Answer]):
    def __init__(self, program: Program) -> None:
        self._program = program

    def _record(self, command: Dict[str, Any]) -> Answer:
        return Answer.of(self._program.record(command, dry_run=True))


class Ledger(Recording[Answer], View):
    """A ledger: records, and answers.

    `path` is its folder; without one it is found as the program finds it (`PHASELEDGER_DIR`, or `ledger` here or in
    the nearest parent that has one). `by` is who asks, where a call does not say. `lock_timeout` is how long to wait
    for other processes, in seconds (10 without it). `workflow` is the one that a bare name is of which several have a
    phase of.

    What is recorded is durable when the call returns. Each command bears an id, made here where none is given, and
    is sent again under it where the program ended without an answer: it is never recorded twice.
    """

    def __init__(
        self,
        path: Optional[_Path] = None,
        *,
        binary: Optional[_Path] = None,
        by: Optional[str] = None,
        lock_timeout: Optional[float] = None,
        workflow: Optional[str] = None,
    ) -> None:
        folder = None if path is None else os.path.abspath(os.fspath(path))
        View.__init__(self, Program(find_binary(binary), folder, by, lock_timeout, workflow), ())

    @property
    def path(self) -> Optional[str]:
        """The folder that was given."""
        return self._program.folder

    @property
    def binary(self) -> str:
        """The program that is run."""
        return self._program.binary

    def _record(self, command: Dict[str, Any]) -> Answer:
        return Answer.of(self._program.record(command))

    def init(self, *, example: bool = False) -> Made:
        """Makes the ledger; one that is there stays as it is. `example` begins with the shipped workflow."""
        return Made.of(self._program.ask("init", *(["--example"] if example else [])))

    def define(
        self,
        definition: Optional[Union[_Path, Mapping[str, Any]]] = None,
        *,
        name: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Answer:
        """Puts a workflow in force: the ledger's `workflow.toml`, another file, or the definition itself, as in
        `{"workflow": {"name": "w"}, "phase": [{"id": "a"}, {"id": "b", "needs": ["a"]}]}`. `name` replaces the
        workflow's."""
        command: Dict[str, Any] = {"do": "define", "as": name}
        if isinstance(definition, Mapping):
            command["file"] = "-"
            command["definition"] = json.dumps(definition).encode("ascii")
        elif definition is not None:
            command["file"] = os.fspath(definition)
        return self._send(command, id, expect, occurred_at, by)

    def complete(
        self,
        phase: str,
        *,
        outputs: Iterable[_Path] = (),
        metadata: Optional[Mapping[str, Any]] = None,
        digest: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Answer:
        """Ends the attempt under way well. `outputs` are files that the phase put out, or `digest` that of all of
        them (`sha256:…` or `blake3:…`): an unchanged one stops a rerun."""
        command = {
            "do": "complete",
            "phase": phase,
            "metadata": metadata,
            "output": digest,
            "files": [os.fspath(path) for path in outputs],
        }
        return self._send(command, id, expect, occurred_at, by)

    def accept(
        self,
        phase: str,
        reason: str,
        *,
        outputs: Iterable[_Path] = (),
        digest: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        occurred_at: Optional[When] = None,
        by: Optional[str] = None,
    ) -> Answer:
        """Vouches for what is there of a phase that is FAILED or NEEDS_RERUN: it is COMPLETE as it is. `outputs` are
        files that are there, instead of those that the phase declares, or `digest` that of all of them."""
        command = {
            "do": "accept",
            "phase": phase,
            "reason": reason,
            "output": digest,
            "files": [os.fspath(path) for path in outputs],
        }
        return self._send(command, id, expect, occurred_at, by)

    def preview(self) -> Recording[Answer]:
        """Returns something with the same verbs that tells what they would record, and records nothing."""
        return _Preview(self._program)

    def stream(self, *, keep_going: bool = False) -> Stream:
        """Opens a stream: one child for many commands, which return at once and are answered in order."""
        return Stream(self._program, keep_going=keep_going)

    def phase(
        self,
        phase: str,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        allow_unmet: bool = False,
        rerun: bool = False,
        take_over: bool = False,
        reason: Optional[str] = None,
        id: Optional[str] = None,
        expect: Optional[Expectations] = None,
        by: Optional[str] = None,
    ) -> Attempt:
        """Starts a phase for a `with` block; the block's end completes it, an exception fails it."""
        options = {
            "metadata": metadata,
            "allow_unmet": allow_unmet,
            "rerun": rerun,
            "take_over": take_over,
            "reason": reason,
            "pid": os.getpid() if takes_pid(self.binary) else None,
            "id": id,
            "expect": expect,
            "by": by,
        }
        return Attempt(self, phase, options)

    def as_of(
        self, when: When, *, before: bool = False, known: bool = False, known_at: Optional[When] = None
    ) -> View:
        """Returns the ledger as it was then, that moment included; with `before`, just before; with `known`, by
        when events were recorded instead of when they took effect; with `known_at`, as far as it was known then."""
        if known and (before or known_at is not None):
            raise ValueError("`known` says that `when` is by when events were recorded: `known_at` goes with the others")
        option = "--before" if before else "--known-at" if known else "--at"
        options = [f"{option}={when_of(when)}"]
        return View(self._program, options if known_at is None else [*options, f"--known-at={when_of(known_at)}"])

    def status(
        self,
        *phases: str,
        state: Optional[_Names] = None,
        workflow: Optional[str] = None,
        with_retired: bool = False,
        at: Optional[When] = None,
    ) -> Status:
        """Tells where phases stand, now or `at` a moment; all, unless some are named."""
        view = View(self._program, ()) if at is None else self.as_of(at)
        return view.status(*phases, state=state, workflow=workflow, with_retired=with_retired)

    def why(self, phase: str, *, at: Optional[When] = None) -> Why:
        """Tells why a phase stands where it does, now or `at` a moment, with every cause back to the roots."""
        return (View(self._program, ()) if at is None else self.as_of(at)).why(phase)

    def approval_wait(self, request: str, timeout: Optional[float] = None) -> Approval:
        """Waits until a request is decided, or for so many seconds; returns how it then stands."""
        args = [] if timeout is None else [f"--timeout={round(timeout * 1000)}ms"]
        answer = self._program.ask("approval", "wait", *args, "--", request, answers=(0, 1, 75))
        return Approval.of(answer["approval"])

    def verify(self) -> Verified:
        """Checks every line, place, time, id, cause and transition. Raises `Damaged` where something is wrong."""
        return Verified.of(self._program.ask("verify"))
