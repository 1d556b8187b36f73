"""`python -m phaseledger.compat.costs`: `CostSafetyManager` for shell scripts.

The flags, the files and where they are, are those of a cost manager that keeps a JSON file. Other than that one, it
exits with 1 where an estimate does not fit, or where it did not do what was asked.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable, ClassVar, Dict, List, Mapping, Optional, Sequence

from .. import Ledger
from ._costs import TOTAL, ApprovalStatus, CostSafetyManager
from ._flags import (
    DONE,
    REFUSED,
    Flag,
    Given,
    Program,
    Refused,
    amount_from,
    check_file,
    count_from,
    dollars,
    file_from,
    metadata_from,
    money,
    report_to,
    unknown_phase,
    wrong,
)
from ._kept import folder_of, workflow_in

_FILE = "workflow_state/cost_tracking.json"
_REPORT = "COST_SAFETY_REPORT.md"


class _Manager(CostSafetyManager):
    """A manager that raises what the rules refuse, and goes by the workflow and the limits that the ledger has, if it
    has them."""

    #: Whether the ledger's own workflow is in force, whoever defined it.
    IS_DEFINED: ClassVar[bool] = False

    #: The phases, where the ledger has them.
    NAMES: ClassVar[Sequence[str]] = ()

    def _define(self, old: Optional[Mapping[str, Any]]) -> None:
        if self.IS_DEFINED:
            # Nothing besides: neither a limit that the ledger has not, nor one that somebody has taken back.
            self.limits = dict(self.DEFAULT_LIMITS)
        else:
            super()._define(old)

    def _refuse(self, message: str) -> None:
        raise Refused(message)

    def names(self) -> List[str]:
        """Returns the phases of the workflow."""
        return list(self.NAMES) if self.IS_DEFINED else self._kept.known()


def _open(file: Path) -> _Manager:
    check_file(file, folder_of(file), "records", "phases", "phases")

    class Manager(_Manager):
        pass

    ledger = Ledger(folder_of(file))
    name = workflow_in(ledger, CostSafetyManager.WORKFLOW)
    if name is not None:
        summary = ledger.cost_summary(workflow=name)
        spent = [*summary.phases[name]]
        limits = {one.name: float(one.limit) for one in spent if one.limit is not None}
        limits.update({TOTAL: float(one.limit) for one in summary.workflows if one.limit is not None})
        Manager.WORKFLOW, Manager.IS_DEFINED = name, True
        Manager.NAMES, Manager.DEFAULT_LIMITS = [one.name for one in spent], limits
    return Manager(file)


def _act(given: Given, say: Callable[[str], None]) -> int:
    others = [
        flag.name
        for flag in PROGRAM.flags
        if flag.verb and flag.name in given and "--estimate" not in flag.needs
    ]
    if "--estimate" in given and others:
        raise wrong(f"`--estimate` goes with `--check` or `--approve`, or alone, and not with `{others[0]}`")
    least = None if "--record" in given else 0
    amounts = {
        name: amount_from(name, given[name], least=least)
        for name in ("--amount", "--estimate")
        if name in given
    }
    items = count_from("--items", given["--items"]) if "--items" in given else 0
    metadata = metadata_from("--metadata", given.get("--metadata"))
    manager = _open(file_from(given, _FILE))
    try:
        _check_phases(manager, given)
        code: Optional[int] = DONE
        if "--record" in given:
            _record(manager, given, amounts["--amount"], metadata, say)
        elif "--approve" in given:
            code = _approve(manager, given, amounts["--estimate"], items, say)
        elif "--estimate" in given:
            code = _check(manager, given.get("--check", TOTAL), amounts["--estimate"], say)
        elif "--reset" in given:
            _reset(manager, say)
        else:
            code = _tell(manager, given, say)
        if "--report" in given or code is None:
            _report(manager, given, say)
    finally:
        manager.close()
    return DONE if code is None else code


def _check_phases(manager: _Manager, given: Given) -> None:
    names = manager.names()
    for flag in ("--record", "--check", "--phase"):
        if flag not in given or given[flag] in names or (flag != "--record" and given[flag] == TOTAL):
            continue
        raise unknown_phase(given[flag], names, "`--limits`")


def _record(
    manager: _Manager,
    given: Given,
    amount: Decimal,
    metadata: Optional[Dict[str, Any]],
    say: Callable[[str], None],
) -> None:
    phase = given["--record"]
    manager.record_cost(phase, amount, given.get("--model"), given.get("--operation"), metadata)
    total, limit = manager._spent(phase), manager._limit(phase)
    sign = "" if amount < 0 else "+"
    of = "no limit" if limit is None else dollars(limit)
    say(f"💰 Cost recorded: {phase} {sign}{dollars(amount, 4)} (total: {dollars(total)}/{of})")


def _check(manager: _Manager, phase: str, estimate: Decimal, say: Callable[[str], None]) -> int:
    manager.check_cost_limit(phase, estimate)
    passed = manager._passed(phase, estimate)
    if passed is None:
        say(f"✅ Within limit: {phase} +{dollars(estimate)}")
        return DONE
    name, spent, limit = passed
    of = "❌ Total workflow cost limit exceeded" if name == TOTAL else f"❌ Cost limit exceeded for {name}"
    say(f"{of}\n   Current: {dollars(spent)}, Estimated: +{dollars(estimate)}, Limit: {dollars(limit)}")
    return REFUSED


def _approve(manager: _Manager, given: Given, cost: Decimal, items: int, say: Callable[[str], None]) -> int:
    operation = given["--approve"]
    is_approved = manager.require_approval(operation, cost, items, given.get("--impact", ""))
    asked = [one for one in manager.approval_requests if one.operation == operation][-1]
    symbol = "✅" if is_approved and asked.status is not ApprovalStatus.PENDING else "❌"
    say(
        f"{symbol} {asked.status.value}: {operation} ({dollars(cost)}, {items} items): {asked.response_message or ''}"
    )
    return DONE if symbol == "✅" else REFUSED


def _reset(manager: _Manager, say: Callable[[str], None]) -> None:
    """Gives back all that was spent, by phase and model, so that nothing counts as spent. What was recorded stays."""
    summary = Ledger(manager.ledger_dir).cost_summary(workflow=manager.WORKFLOW)
    given_back = Decimal(0)
    for phase in summary.phases.get(manager.WORKFLOW, ()):
        left = phase.spent
        for model, spent in [*_by_model(manager, phase.name).items(), (None, left)]:
            amount = min(spent, left)
            if amount > 0:
                manager.record_cost(phase.name, -amount, model, "reset")
                left -= amount
        given_back += phase.spent - left
    say(f"✅ Cost tracking reset: {dollars(given_back)} given back")


def _by_model(manager: _Manager, phase: str) -> Dict[str, Decimal]:
    """Returns what was spent on each model in a phase."""
    spent: Dict[str, Decimal] = {}
    for record in manager.records:
        if record.phase_id == phase and record.model:
            spent[record.model] = spent.get(record.model, Decimal(0)) + Decimal(str(record.amount))
    return spent


def _tell(manager: _Manager, given: Given, say: Callable[[str], None]) -> Optional[int]:
    """Says what was asked for; returns the exit code, none where nothing was."""
    if "--summary" in given:
        _summary(manager, say)
    elif "--remaining" in given:
        phase = given.get("--phase", TOTAL)
        limit = manager._limit(phase)
        say("inf" if limit is None else money(max(Decimal(0), limit - manager._spent(phase))))
    elif "--list" in given:
        for one in manager.records:
            if given.get("--phase", one.phase_id) == one.phase_id:
                amount = money(Decimal(str(one.amount)))
                say("\t".join([one.timestamp, one.phase_id, amount, one.model or "-", one.operation or "-"]))
    elif "--limits" in given:
        for name in [*manager.names(), TOTAL]:
            limit = manager._limit(name)
            say(f"{'inf' if limit is None else money(limit):>10} {name}")
    else:
        return None
    return DONE


def _summary(manager: _Manager, say: Callable[[str], None]) -> None:
    spent, limit = manager._spent(TOTAL), manager._limit(TOTAL)
    say("📊 Cost Summary:")
    say(f"   Total Cost: {dollars(spent)}")
    say(f"   Total Limit: {'none' if limit is None else dollars(limit)}")
    say(f"   Remaining: {'no limit' if limit is None else dollars(limit - spent)}")
    say(f"   Used: {float(spent / limit * 100) if limit else 0:.1f}%")
    say(f"   Records: {len(manager.records)}")
    say(f"   Approvals: {len(manager.approval_requests)}")


def _report(manager: _Manager, given: Given, say: Callable[[str], None]) -> None:
    path, report = given.get("--output", _REPORT), manager.report()
    if path != "-":
        report_to(path, report)
        say(f"📊 Cost report generated: {path}\n")
    say(report)


PROGRAM = Program(
    name="costs",
    what="Keeps what the phases of a workflow cost, and what they may cost, in a ledger beside a cost file.",
    flags=(
        Flag("--record", "PHASE", "record what was spent", verb=True, needs=("--amount",)),
        Flag(
            "--check",
            "PHASE",
            f"tell whether --estimate fits; {TOTAL} is all together",
            verb=True,
            needs=("--estimate",),
        ),
        Flag(
            "--approve",
            "OPERATION",
            "ask leave, and keep the request",
            verb=True,
            needs=("--estimate", "--items"),
        ),
        Flag("--summary", None, "tell totals", verb=True),
        Flag("--remaining", None, "print what is left of the limit, a bare number", verb=True),
        Flag(
            "--list",
            None,
            "list what was recorded: time, phase, amount, model, operation, by tabs",
            verb=True,
        ),
        Flag("--limits", None, "list the phases with their limits", verb=True),
        Flag(
            "--reset", None, "give back all that was spent; what was recorded stays in the ledger", verb=True
        ),
        Flag("--report", None, f"write {_REPORT}, after what else is asked; also where nothing is"),
        Flag("--file", "FILE", f"the cost file ({_FILE}); its ledger is beside it"),
        Flag("--amount", "AMOUNT", "how much, in dollars; below zero it was given back", of=("--record",)),
        Flag("--model", "MODEL", "on which model", of=("--record",)),
        Flag("--operation", "OPERATION", "for what", of=("--record",)),
        Flag("--metadata", "JSON", "an object to keep with it", of=("--record",)),
        Flag("--estimate", "AMOUNT", "what it will cost; without --check, against the limit of all"),
        Flag("--items", "COUNT", "how many things it touches", of=("--approve",)),
        Flag("--impact", "TEXT", "what it does to them", of=("--approve",)),
        Flag("--phase", "PHASE", "of this phase only", of=("--remaining", "--list")),
        Flag("--output", "FILE", "write the report there; `-` is stdout alone", of=("--report",)),
    ),
    act=_act,
    notes="""\
Exit codes: 0 done, or it fits; 1 it does not fit, was rejected or refused; 2 the call is wrong, 5 the ledger is damaged,
74 a file or the program failed, 75 others had the ledger too long. What passes a limit is recorded all the same.
The ledger answers more: `phaseledger --dir workflow_state/cost_tracking.ledger cost by model`.""",
)


def main(words: Optional[Sequence[str]] = None) -> int:
    """Does what the words ask, those of the process unless some are given; returns the exit code."""
    return PROGRAM.main(words)


if __name__ == "__main__":
    sys.exit(main())
