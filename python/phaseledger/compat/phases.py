"""`python -m phaseledger.compat.phases`: `PhaseStatusManager` for shell scripts.

The flags, the files and where they are, are those of a phase status manager that keeps a JSON file. Other than that
one, it exits with 1 where it did not do what was asked.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .. import Answer, IllegalTransition, Ledger, Reply, State, UnknownPhase
from ._flags import (
    DONE,
    Flag,
    Given,
    Program,
    Refused,
    check_file,
    file_from,
    metadata_from,
    report_to,
    unknown_phase,
    wrong,
)
from ._kept import folder_of, workflow_in
from ._phases import PhaseState, PhaseStatusManager

_FILE = "workflow_state/phase_status.json"
_REPORT = "PHASE_STATUS_REPORT.md"
_STATES = [state.value for state in PhaseState]


class _Manager(PhaseStatusManager):
    """A manager that raises what the rules refuse, and goes by the workflow that the ledger has, if it has one."""

    #: Whether the ledger's own workflow is in force, whoever defined it.
    IS_DEFINED: ClassVar[bool] = False

    #: What the last command came to.
    answer: Optional[Answer] = None

    def _define(self, old: Optional[Mapping[str, Any]]) -> None:
        if not self.IS_DEFINED:
            super()._define(old)

    def _is_done(self, reply: Reply, verb: str, phase_id: str) -> bool:
        is_done = super()._is_done(reply, verb, phase_id)
        self.answer = reply.result()
        return is_done

    def _refuse(self, verb: str, phase_id: str, error: Union[UnknownPhase, IllegalTransition]) -> None:
        if isinstance(error, UnknownPhase):
            raise unknown_phase(phase_id, self.phases, "`--list`")
        found, allowed = str(error.details.get("from", "?")), error.details.get("allowed", ())
        expected = " or ".join(str(one) for one in allowed) or "another state"
        tip = _TIPS.get((verb, found)) or _TIPS.get((verb, ""), "`--status {}` tells how it stands")
        raise Refused(
            f"cannot {verb} `{phase_id}`: it is {found}, expected {expected}; {tip.format(phase_id)}"
        )


#: What to do, by what was asked and the state that was found.
_TIPS = {
    ("start", "COMPLETE"): "`--again` marks it and starts it, `--rerun {}` only marks it",
    (
        "start",
        "IN_PROGRESS",
    ): "`--complete {0}` or `--fail {0}` ends it, `--again` gives it up and starts anew",
    ("complete", "COMPLETE"): "`--start {} --again` runs it once more",
    ("complete", ""): "`--start {}` comes first",
    ("fail", "COMPLETE"): "`--rerun {}` marks what is no longer right",
    ("fail", ""): "`--start {}` comes first",
    ("mark", ""): "only what was completed can be marked to run again",
    ("skip", "COMPLETE"): "it needs no skip: who needs it may start",
    ("skip", "IN_PROGRESS"): "end its attempt with `--fail {}` first",
}


def _open(file: Path, again: bool) -> _Manager:
    check_file(file, folder_of(file), "phases", "records", "costs")

    class Manager(_Manager):
        START_AGAIN = again

    ledger = Ledger(folder_of(file))
    name = workflow_in(ledger, PhaseStatusManager.WORKFLOW)
    if name is not None:
        Manager.WORKFLOW, Manager.IS_DEFINED = name, True
        Manager.ALL_PHASES, Manager.DEPENDENCIES = _phases_of(ledger, name)
    return Manager(file)


def _phases_of(ledger: Ledger, workflow: str) -> Tuple[List[str], Dict[str, List[str]]]:
    """Returns the phases of a workflow, and what each needs."""
    graph = ledger._program.ask("graph")
    names = {one["id"]: one["phase"] for one in graph["nodes"] if one["workflow"] == workflow}
    needs: Dict[str, List[str]] = {}
    for edge in graph["edges"]:
        if edge["to"] in names:
            needs.setdefault(names[edge["to"]], []).append(names.get(edge["from"], edge["from"]))
    return list(names.values()), needs


def _act(given: Given, say: Callable[[str], None]) -> int:
    metadata = metadata_from("--metadata", given.get("--metadata"))
    if "--skip" in given and not given["--reason"].strip():
        raise wrong("`--reason` is empty, expected why the phase is skipped")
    wanted = given.get("--state")
    if wanted is not None and wanted not in _STATES:
        raise wrong(f"`--state` is `{wanted}`, expected {', '.join(_STATES[:-1])} or {_STATES[-1]}")
    manager = _open(file_from(given, _FILE), "--again" in given)
    try:
        is_answered = _change(manager, given, metadata, say) or _tell(manager, given, wanted, say)
        if "--report" in given or not is_answered:
            _report(manager, given, say)
    finally:
        manager.close()
    return DONE


def _change(
    manager: _Manager, given: Given, metadata: Optional[Dict[str, Any]], say: Callable[[str], None]
) -> bool:
    """Does what changes a phase, and says so; returns whether that was asked for."""
    reason = given.get("--reason", "").strip()
    named = [given[verb] for verb in (*_CHANGING, "--status", "--phase") if verb in given]
    for phase in named:
        if phase not in manager.phases:
            raise unknown_phase(phase, manager.phases, "`--list`")
    if "--start" in given:
        manager.start_phase(named[0], metadata)
        say(f"🚀 Phase started: {named[0]}")
    elif "--complete" in given:
        manager.complete_phase(named[0], metadata)
        say(f"✅ Phase completed: {named[0]} ({_seconds(manager.phases[named[0]].duration_seconds)})")
    elif "--fail" in given:
        error = given.get("--error", "").strip() or "Unknown error"
        manager.fail_phase(named[0], error, metadata)
        say(f"❌ Phase failed: {named[0]}\n   Error: {error}")
    elif "--rerun" in given:
        manager.mark_needs_rerun(named[0], reason or "Manual rerun requested")
        say(f"🔄 Phase marked for rerun: {named[0]}\n   Reason: {reason or 'Manual rerun requested'}")
    elif "--skip" in given:
        manager.skip_phase(named[0], reason, metadata)
        say(f"⏭️  Phase skipped: {named[0]}\n   Reason: {reason}")
    elif "--reset" in given and named:
        manager.reset_phase(named[0], reason or "reset")
        say(f"🔄 Phase reset: {named[0]}")
    elif "--reset" in given:
        manager.reset_all_phases(reason or "all phases reset")
        say("🔄 All phases reset to PENDING")
        return True
    else:
        return False
    _say_reached(manager, say)
    return True


def _say_reached(manager: _Manager, say: Callable[[str], None]) -> None:
    """Says which other phases what was done has reached."""
    for one in () if manager.answer is None else manager.answer.derived:
        phase = (one.phase or "").rpartition("/")[2]
        if one.to is State.NEEDS_RERUN:
            say(f"🔄 Phase marked for rerun: {phase}\n   Reason: {one.reason}")
        elif one.kind == "rerun_cleared":
            say(f"✅ Phase stands again: {phase}")


def _tell(manager: _Manager, given: Given, wanted: Optional[str], say: Callable[[str], None]) -> bool:
    """Says how things stand; returns whether that was asked for."""
    if "--status" in given:
        say(_status(manager, given["--status"]))
    elif wanted is not None:
        for name in manager.get_phases_by_state(PhaseState(wanted)):
            say(name)
    elif "--list" in given:
        for name, status in manager.phases.items():
            say(f"{status.state.value:<12} {name}")
    elif "--summary" in given:
        say("📊 Phase Summary:")
        for state, count in manager.get_phase_summary().items():
            say(f"   {state}: {count}")
    else:
        return False
    return True


def _status(manager: _Manager, phase: str) -> str:
    status = manager.phases[phase]
    lines = {
        "State": status.state.value,
        "Started": status.started_at or "N/A",
        "Completed": status.completed_at or "N/A",
        "Duration": _seconds(status.duration_seconds, "N/A"),
        "Error": status.error_message,
        "Rerun Reason": status.rerun_reason,
        "Skip Reason": status.skip_reason,
    }
    # What goes on in a second line must not look like a line of its own.
    told = [
        f"   {name}: " + value.replace("\n", "\n      ") for name, value in lines.items() if value is not None
    ]
    return "\n".join([f"📊 Status for {phase}:", *told])


def _seconds(seconds: Optional[float], otherwise: str = "unknown") -> str:
    return otherwise if seconds is None else f"{seconds:.1f}s"


def _report(manager: _Manager, given: Given, say: Callable[[str], None]) -> None:
    path, report = given.get("--output", _REPORT), manager.report()
    if path != "-":
        report_to(path, report)
        say(f"📊 Status report generated: {path}\n")
    say(report)


#: What changes the phase that it names.
_CHANGING = ("--start", "--complete", "--fail", "--rerun", "--skip")

PROGRAM = Program(
    name="phases",
    what="Keeps where each phase of a workflow stands, in a ledger beside a status file.",
    flags=(
        Flag("--start", "PHASE", "start an attempt", verb=True),
        Flag("--complete", "PHASE", "end the attempt under way well", verb=True),
        Flag("--fail", "PHASE", "end the attempt under way badly", verb=True),
        Flag("--rerun", "PHASE", "mark a COMPLETE phase, and what was built on it, to run again", verb=True),
        Flag(
            "--skip",
            "PHASE",
            "do without a phase: those that need it may start",
            verb=True,
            needs=("--reason",),
        ),
        Flag("--reset", None, "make all phases, or the one of --phase, as if they had not run", verb=True),
        Flag("--status", "PHASE", "tell where a phase stands", verb=True),
        Flag("--list", None, "list the phases with their states, one a line", verb=True),
        Flag("--summary", None, "count the phases in each state", verb=True),
        Flag("--report", None, f"write {_REPORT}, after what else is asked; also where nothing is"),
        Flag("--file", "FILE", f"the status file ({_FILE}); its ledger is beside it"),
        Flag("--error", "TEXT", "why it failed (Unknown error)", of=("--fail",)),
        Flag("--reason", "TEXT", "why (Manual rerun requested)", of=("--rerun", "--skip", "--reset")),
        Flag("--again", None, "also start what is COMPLETE or IN_PROGRESS", of=("--start",)),
        Flag(
            "--metadata",
            "JSON",
            "an object to keep with it",
            of=("--start", "--complete", "--fail", "--skip"),
        ),
        Flag("--phase", "PHASE", "reset this phase only", of=("--reset",)),
        Flag("--state", "STATE", f"list the names of these only: {', '.join(_STATES)}", of=("--list",)),
        Flag("--output", "FILE", "write the report there; `-` is stdout alone", of=("--report",)),
    ),
    act=_act,
    notes="""\
Exit codes: 0 done, 1 refused and nothing changed (the phase is unknown, its state does not allow it, the file is another
one's), 2 the call is wrong, 5 the ledger is damaged, 74 a file or the program failed, 75 others had the ledger too long.
The ledger answers more: `phaseledger --dir workflow_state/phase_status.ledger why PHASE`.""",
)


def main(words: Optional[Sequence[str]] = None) -> int:
    """Does what the words ask, those of the process unless some are given; returns the exit code."""
    return PROGRAM.main(words)


if __name__ == "__main__":
    sys.exit(main())
