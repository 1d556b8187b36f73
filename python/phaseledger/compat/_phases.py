"""`PhaseStatusManager`: where each phase of a workflow stands."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Union

from .. import IllegalTransition, LedgerError, Reply, UnknownPhase
from .. import PhaseStatus as LedgerStatus
from . import _takeover
from ._kept import ANSWER, TOLD, Kept, PathLike, local, object_of, text_of, write_whole

logger = logging.getLogger(__name__)


class PhaseState(str, Enum):
    """Where a phase stands. A skipped one stays PENDING and has a `skip_reason`."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    NEEDS_RERUN = "NEEDS_RERUN"


@dataclass
class PhaseStatus:
    """Where one phase stands. Times are local, in ISO 8601 without a zone; `dependencies_met` is as of the last
    start."""

    phase_id: str
    state: PhaseState
    started_at: Optional[str] = None
    completed_at: Optional[str] = None
    duration_seconds: Optional[float] = None
    error_message: Optional[str] = None
    rerun_reason: Optional[str] = None
    skip_reason: Optional[str] = None
    metadata: Optional[Dict[str, Any]] = None
    dependencies_met: bool = True
    last_updated: Optional[str] = None


class PhaseStatusManager:
    """Keeps where each phase stands, in a ledger beside `status_file` (`NAME.json` has `NAME.ledger/`).

    The file stays as a picture of the ledger, written anew after each change. One that an older manager wrote is
    taken over once, as events, and kept as `NAME.json.before-ledger`.

    What cannot be done (an unknown phase, a transition that is not legal) is logged as a warning and changes
    nothing; a phase whose needs are not met starts all the same, with a warning. A subclass says what its phases
    are by `WORKFLOW`, `ALL_PHASES` and `DEPENDENCIES`.
    """

    #: The name of the workflow in the ledger.
    WORKFLOW: ClassVar[str] = "nba-mcp-synthesis"

    #: The phases, in order.
    ALL_PHASES: ClassVar[Sequence[str]] = (
        "phase_0_foundation",
        "phase_1_data_inventory",
        "phase_2_analysis",
        "phase_3_synthesis",
        "phase_3.5_modifications",
        "phase_4_file_generation",
        "phase_5_predictions",
        "phase_6_validation",
        "phase_7_integration_prep",
        "phase_8_smart_integration",
        "phase_8.5_validation",
        "phase_9_integration",
        "phase_10a_mcp_improvements",
        "phase_10b_simulator_improvements",
        "phase_11_documentation",
        "phase_12_deployment",
    )

    #: What each phase needs.
    DEPENDENCIES: ClassVar[Mapping[str, Sequence[str]]] = {
        "phase_1_data_inventory": ["phase_0_foundation"],
        "phase_2_analysis": ["phase_0_foundation"],
        "phase_3_synthesis": ["phase_2_analysis"],
        "phase_3.5_modifications": ["phase_3_synthesis"],
        "phase_4_file_generation": ["phase_3_synthesis", "phase_3.5_modifications"],
        "phase_5_predictions": ["phase_2_analysis"],
        "phase_6_validation": ["phase_4_file_generation"],
        "phase_7_integration_prep": ["phase_4_file_generation"],
        "phase_8_smart_integration": ["phase_7_integration_prep"],
        "phase_8.5_validation": ["phase_8_smart_integration"],
        "phase_9_integration": ["phase_8.5_validation"],
        "phase_10a_mcp_improvements": ["phase_9_integration"],
        "phase_10b_simulator_improvements": ["phase_9_integration"],
        "phase_11_documentation": ["phase_9_integration"],
        "phase_12_deployment": ["phase_11_documentation"],
    }

    #: Whether `start_phase` takes a phase that is COMPLETE (it is marked for rerun first) or IN_PROGRESS (the attempt
    #: under way is given up) for a new attempt, instead of warning and changing nothing.
    START_AGAIN: ClassVar[bool] = False

    def __init__(self, status_file: Optional[PathLike] = None) -> None:
        self.status_file = Path("workflow_state/phase_status.json" if status_file is None else status_file)
        self._kept = Kept(self.status_file, self.WORKFLOW)
        #: Where each phase stands, by its name.
        self.phases: Dict[str, PhaseStatus] = {}
        old = self._kept.old()
        self._define(old)
        if old is not None:
            _takeover.phases(self._kept, old, self.DEPENDENCIES, logger)
        with self._kept.drawing():
            self._refresh()
            self._recall_unmet()
            self._save()
        logger.info("%d phases, kept in %s", len(self.phases), self._kept.folder)

    @property
    def ledger_dir(self) -> Path:
        """The ledger's folder: `phaseledger --dir` reads it."""
        return self._kept.folder

    def close(self) -> None:
        """Ends the child that records. It ends with the interpreter too, and starts again when it is needed."""
        self._kept.close()

    # What changes a phase.

    def start_phase(self, phase_id: str, metadata: Optional[Mapping[str, Any]] = None) -> None:
        """Starts an attempt. Without metadata, what the phase has is kept."""
        known = self.phases.get(phase_id)
        kept = {} if known is None else {k: v for k, v in (known.metadata or {}).items() if k != "skipped"}
        state = None if known is None or not self.START_AGAIN else known.state
        rerun, take_over = state is PhaseState.COMPLETE, state is PhaseState.IN_PROGRESS
        reply = self._kept.stream.start(
            phase_id,
            metadata=object_of(metadata) or kept or None,
            allow_unmet=True,
            rerun=rerun,
            take_over=take_over,
            reason="started again" if rerun or take_over else None,
        )
        if not self._is_done(reply, "start", phase_id):
            return
        unmet = self._unmet(phase_id)
        if unmet:
            logger.warning("%s is started though its needs are not met: %s", phase_id, ", ".join(unmet))

    def complete_phase(self, phase_id: str, metadata: Optional[Mapping[str, Any]] = None) -> None:
        """Ends the attempt under way well."""
        reply = self._kept.stream.complete(phase_id, metadata=object_of(metadata) or None)
        if self._is_done(reply, "complete", phase_id):
            logger.info(
                "%s is complete after %.1f s", phase_id, self.phases[phase_id].duration_seconds or 0.0
            )

    def fail_phase(
        self, phase_id: str, error_message: str, metadata: Optional[Mapping[str, Any]] = None
    ) -> None:
        """Ends the attempt under way badly."""
        error = text_of(error_message, "no message was given")
        reply = self._kept.stream.fail(phase_id, error, metadata=object_of(metadata) or None)
        if self._is_done(reply, "fail", phase_id):
            logger.error("%s failed: %s", phase_id, error, extra={TOLD: ANSWER})

    def skip_phase(self, phase_id: str, reason: str, metadata: Optional[Mapping[str, Any]] = None) -> None:
        """Does without a phase: those who need it may go on. It stays PENDING, with `skipped` in its metadata."""
        with_mark = {**object_of(metadata), "skipped": True}
        reply = self._kept.stream.skip(phase_id, text_of(reason, "no reason was given"), metadata=with_mark)
        self._is_done(reply, "skip", phase_id)

    def mark_needs_rerun(self, phase_id: str, reason: str) -> None:
        """Marks a COMPLETE phase, and all that was built on it, for rerun."""
        reply = self._kept.stream.rerun(phase_id, text_of(reason, "no reason was given"))
        if self._is_done(reply, "mark", phase_id):
            reached = [one.phase.rpartition("/")[2] for one in reply.result().derived if one.phase]
            logger.info("%s must run again; that reached %s", phase_id, ", ".join(reached) or "nothing else")

    def reset_phase(self, phase_id: str, reason: str = "reset") -> None:
        """Makes a phase as if it had not run."""
        reply = self._kept.stream.reset(phase_id, text_of(reason, "reset"))
        self._is_done(reply, "reset", phase_id)

    def reset_all_phases(self, reason: str = "all phases reset") -> None:
        """Makes every phase as if it had not run."""
        reply = self._kept.stream.reset_all(text_of(reason, "all phases reset"))
        self._is_done(reply, "reset", "the phases")

    # What tells where phases stand.

    def get_status(self, phase_id: str) -> Optional[PhaseStatus]:
        """Returns where a phase stands; none for an unknown one."""
        return self.phases.get(phase_id)

    def get_all_status(self) -> Dict[str, PhaseStatus]:
        """Returns where each phase stands."""
        return dict(self.phases)

    def get_phase_summary(self) -> Dict[str, int]:
        """Returns how many phases are in each state."""
        return {state.value: len(self.get_phases_by_state(state)) for state in PhaseState}

    def get_phases_by_state(self, state: PhaseState) -> List[str]:
        """Returns the phases in a state."""
        return [phase_id for phase_id, status in self.phases.items() if status.state == state]

    def generate_report(self, output_file: Optional[PathLike] = None) -> str:
        """Writes where everything stands, as Markdown, to a file (`PHASE_STATUS_REPORT.md` without one); returns it."""
        report = self.report()
        path = Path("PHASE_STATUS_REPORT.md" if output_file is None else output_file)
        try:
            write_whole(path, report)
        except OSError as error:
            logger.error("cannot write the report to %s: %s", path, error)
        return report

    def report(self) -> str:
        """Returns where everything stands, as Markdown."""
        summary, total = self.get_phase_summary(), len(self.phases)
        percent = 100 * summary["COMPLETE"] / total if total else 0.0
        full = int(percent / 5)
        lines = [
            "# Workflow Phase Status Report",
            "",
            f"**Generated:** {datetime.now():%Y-%m-%d %H:%M:%S}",
            "",
            "---",
            "",
        ]
        lines += ["## Summary", "", f"- **Total Phases:** {total}"]
        lines += [f"- **{name.replace('_', ' ').title()}:** {count}" for name, count in summary.items()]
        lines += ["", f"**Progress:** [{'█' * full}{'░' * (20 - full)}] {percent:.1f}%", "", "---", ""]
        for state, symbol in _SYMBOLS.items():
            names = self.get_phases_by_state(state)
            if names:
                lines += [f"## {symbol} {state.value} ({len(names)})", ""]
            for name in names:
                lines += [f"### {name}", "", *self._details(self.phases[name]), ""]
        lines += ["---", "", "## Phase Dependencies", ""]
        for name, needs in self.DEPENDENCIES.items():
            lines.append(f"- **{name}** → depends on: {', '.join(needs)}")
        return "\n".join([*lines, "", "---", "", f"*Ledger: {self._kept.folder}*"])

    # Below: how.

    def _define(self, old: Optional[Mapping[str, Any]]) -> None:
        """Puts the phases in force: those of the class, and those that the file has besides."""
        listed = old.get("phases") if old else None
        names = dict.fromkeys([*self._kept.known(), *(listed if isinstance(listed, dict) else ())])
        more = [name for name in names if name not in self.ALL_PHASES]
        since = _takeover.first_moment(old)
        try:
            self._kept.define(self._definition(more), since)
        except LedgerError as error:
            if not more:
                raise
            logger.warning("left out %s: %s", ", ".join(more), error.message)
            self._kept.define(self._definition([]), since)

    def _definition(self, more: Sequence[str]) -> Dict[str, Any]:
        phases: List[Dict[str, Any]] = []
        for name in (*self.ALL_PHASES, *more):
            needs = list(self.DEPENDENCIES.get(name, ()))
            phases.append({"id": name, "needs": needs} if needs else {"id": name})
        return {"workflow": {"name": self.WORKFLOW}, "phase": phases}

    def _is_done(self, reply: Reply, verb: str, phase_id: str) -> bool:
        """Waits for the answer. A refusal by the rules is a warning; anything else is raised."""
        try:
            reply.result()
        except (UnknownPhase, IllegalTransition) as error:
            self._refuse(verb, phase_id, error)
            return False
        with self._kept.drawing():
            self._refresh(started=phase_id if verb == "start" else None)
            self._save()
        return True

    def _refuse(self, verb: str, phase_id: str, error: Union[UnknownPhase, IllegalTransition]) -> None:
        """Tells what the rules refuse."""
        is_unknown = isinstance(error, UnknownPhase)
        why = "the workflow has no such phase" if is_unknown else error.message
        logger.warning("cannot %s %s: %s", verb, phase_id, why)

    def _refresh(self, started: Optional[str] = None) -> None:
        """Takes up where the ledger stands, in the objects that callers may hold. `started` was just now."""
        self._now = {one.phase: one for one in self._kept.ledger.status(workflow=self.WORKFLOW).phases}
        is_first, others_started = not self.phases, False
        for name, now in self._now.items():
            status = self.phases.setdefault(name, PhaseStatus(name, PhaseState.PENDING))
            before = status.started_at
            _take_up(status, now)
            if name == started:
                status.dependencies_met = not self._unmet(name)
            elif status.started_at is not None and status.started_at != before:
                others_started = True
        for name in [name for name in self.phases if name not in self._now]:
            del self.phases[name]
        if others_started and not is_first:
            self._recall_unmet()

    def _recall_unmet(self) -> None:
        """Takes from the log whether each phase's last start had its needs met."""
        if all(status.started_at is None for status in self.phases.values()):
            return
        for event in self._kept.ledger.log(kind="phase_started", workflow=self.WORKFLOW):
            status = self.phases.get(event.phase or "")
            if status is not None and status.started_at is not None:
                status.dependencies_met = bool(event.data.get("dependencies_met", True))

    def _unmet(self, phase_id: str) -> List[str]:
        return [need.rpartition("/")[2] for need in self._now[phase_id].unmet]

    def _save(self) -> None:
        self._kept.picture({"phases": {name: asdict(status) for name, status in self.phases.items()}}, logger)

    def _details(self, status: PhaseStatus) -> List[str]:
        took = status.duration_seconds
        named = {
            "Started": status.started_at,
            "Completed": status.completed_at,
            "Duration": None if took is None else f"{int(took // 60)}m {int(took % 60)}s",
            "Error": status.error_message,
            "Rerun Reason": status.rerun_reason,
            "Skip Reason": status.skip_reason,
            "Unmet Dependencies": None
            if status.dependencies_met
            else ", ".join(self._unmet(status.phase_id)),
        }
        lines = [f"- **{name}:** {value}" for name, value in named.items() if value]
        if status.metadata:
            lines.append("- **Metadata:**")
            lines += [f"  - `{key}`: {value}" for key, value in status.metadata.items()]
        return lines


#: The states in the order of the report, with their symbols.
_SYMBOLS = {
    PhaseState.IN_PROGRESS: "🔄",
    PhaseState.FAILED: "❌",
    PhaseState.NEEDS_RERUN: "🔁",
    PhaseState.COMPLETE: "✅",
    PhaseState.PENDING: "⏳",
}


def _take_up(status: PhaseStatus, now: LedgerStatus) -> None:
    status.state = PhaseState(now.state.value)
    status.started_at = local(now.started_at)
    status.completed_at = local(now.completed_at)
    status.duration_seconds = now.duration_seconds
    status.error_message = now.error
    status.rerun_reason = now.rerun_reasons[0] if now.rerun_reasons else None
    status.skip_reason = now.skipped
    status.metadata = dict(now.metadata) or None
    status.last_updated = local(now.updated_at)
    if now.started_at is None:
        status.dependencies_met = True
