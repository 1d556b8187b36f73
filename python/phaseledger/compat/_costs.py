"""`CostSafetyManager`: what phases cost, what they may cost, and leave for what is expensive."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .. import Approval, Event, LedgerError, Rejected, UnknownPhase, UsageError
from .._commands import amount_of
from . import _takeover
from ._kept import ANSWER, TOLD, Kept, PathLike, local, object_of, text_of, write_whole

logger = logging.getLogger(__name__)

#: The name of the workflow's own limit among the limits.
TOTAL = "total_workflow"

#: In the metadata of a request, how the manager decided it.
_MARK = "approval_status"

#: What the records and the requests are of.
_KINDS = ("cost_recorded", "approval_requested", "approval_granted", "approval_rejected")

#: More than any amount or number of items: what the ledger's policy leaves to the manager.
_ANY = "999999999999999999"


class ApprovalStatus(str, Enum):
    """How a request was decided: APPROVED and REJECTED by the manager or a person, AUTO_APPROVED because it was
    cheap, SKIPPED because it needed no approval."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    AUTO_APPROVED = "AUTO_APPROVED"
    SKIPPED = "SKIPPED"


@dataclass
class CostRecord:
    """What was spent on a phase. The timestamp is local, in ISO 8601 without a zone."""

    phase_id: str
    amount: float
    timestamp: str
    model: Optional[str] = None
    operation: Optional[str] = None
    metadata: Optional[Dict[str, Any]] = None


@dataclass
class ApprovalRequest:
    """A request for approval, and how it was decided."""

    operation: str
    estimated_cost: float
    impact_description: str
    affected_items: int
    status: ApprovalStatus
    requested_at: str
    responded_at: Optional[str] = None
    response_message: Optional[str] = None


class CostSafetyManager:
    """Keeps what phases cost, in a ledger beside `cost_file` (`NAME.json` has `NAME.ledger/`).

    The file stays as a picture of the ledger; one that an older manager wrote is taken over once. Amounts are floats
    here, as they were, and exact decimals in the ledger: ten times 0.1 is 1.

    A phase that is unknown, and an amount that is none, are logged as a warning and change nothing; phases are those of
    `DEFAULT_LIMITS` and of `custom_limits`. What passes a limit is recorded all the same, with a warning.
    """

    #: The name of the workflow in the ledger.
    WORKFLOW: ClassVar[str] = "nba-mcp-synthesis"

    #: The currency of all amounts.
    CURRENCY: ClassVar[str] = "USD"

    #: The most that each phase, and all of them together, may cost.
    DEFAULT_LIMITS: ClassVar[Mapping[str, float]] = {
        "phase_0_foundation": 0.00,
        "phase_1_data_inventory": 0.00,
        "phase_2_analysis": 30.00,
        "phase_3_synthesis": 20.00,
        "phase_3.5_modifications": 15.00,
        "phase_4_file_generation": 10.00,
        "phase_5_predictions": 10.00,
        "phase_6_validation": 5.00,
        "phase_7_integration_prep": 5.00,
        "phase_8_smart_integration": 10.00,
        "phase_8.5_validation": 5.00,
        "phase_9_integration": 0.00,
        "phase_10a_mcp_improvements": 5.00,
        "phase_10b_simulator_improvements": 5.00,
        "phase_11_documentation": 5.00,
        "phase_12_deployment": 0.00,
        "total_workflow": 125.00,
    }

    #: Operations that need approval, whatever they cost.
    HIGH_IMPACT_OPERATIONS: ClassVar[Sequence[str]] = (
        "ai_plan_modification",
        "bulk_file_generation",
        "mass_code_changes",
        "ai_integration_decisions",
    )

    #: What costs more, or affects more items, needs approval.
    APPROVAL_THRESHOLD_COST: ClassVar[float] = 20.00
    APPROVAL_THRESHOLD_ITEMS: ClassVar[int] = 10

    #: What costs more, or affects more items, is rejected.
    REJECTION_THRESHOLD_COST: ClassVar[float] = 50.00
    REJECTION_THRESHOLD_ITEMS: ClassVar[int] = 20

    def __init__(
        self, cost_file: Optional[PathLike] = None, custom_limits: Optional[Mapping[str, float]] = None
    ) -> None:
        self.cost_file = Path("workflow_state/cost_tracking.json" if cost_file is None else cost_file)
        self._kept = Kept(self.cost_file, self.WORKFLOW)
        #: The most that each phase, and `total_workflow`, may cost.
        self.limits: Dict[str, float] = {**self.DEFAULT_LIMITS, **(custom_limits or {})}
        #: What was spent, in order.
        self.records: List[CostRecord] = []
        #: What leave was asked for, in order.
        self.approval_requests: List[ApprovalRequest] = []
        self._seq = 0
        old = self._kept.old()
        self._define(old)
        if old is not None:
            _takeover.costs(self._kept, old, _MARK, logger)
        self._known_limits = dict(self.limits)
        self._draw()

    @property
    def ledger_dir(self) -> Path:
        """The ledger's folder: `phaseledger --dir` reads it."""
        return self._kept.folder

    def close(self) -> None:
        """Ends the child that records. It ends with the interpreter too, and starts again when it is needed."""
        self._kept.close()

    # Costs.

    def record_cost(
        self,
        phase_id: str,
        amount: Union[float, Decimal],
        model: Optional[str] = None,
        operation: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Records what was spent on a phase; an amount below zero was given back."""
        self._set_limits()
        reply = self._kept.stream.cost_record(
            phase_id,
            amount_of(amount),
            model=model or None,
            operation=operation or None,
            refund=amount < 0,
            metadata=object_of(metadata) or None,
        )
        try:
            reply.result()
        except UnknownPhase:
            self._refuse(f"cannot record a cost of {phase_id}: the workflow has no such phase")
            return
        except (Rejected, UsageError) as error:
            self._refuse(f"cannot record {amount} for {phase_id}: {error.message}")
            return
        self._draw()
        if amount <= 0:
            return
        for name in (phase_id, TOTAL):
            spent, limit = self._spent(name), self._limit(name)
            if limit is not None and spent >= limit * Decimal("0.8"):
                of = "" if limit == 0 else f", {spent / limit:.0%}"
                logger.warning("%s has spent %s of %s%s", name, _money(spent), _money(limit), of)

    def check_cost_limit(self, phase_id: str, estimated_cost: Union[float, Decimal]) -> bool:
        """Says whether an estimate fits the limits of the phase and of the workflow."""
        self._catch_up()
        if phase_id not in self.limits:
            logger.warning("%s has no limit of its own: the workflow has no such phase", phase_id)
        if not math.isfinite(estimated_cost):
            logger.warning("%s is no amount", estimated_cost)
            return False
        estimate = Decimal(amount_of(estimated_cost))
        passed = self._passed(phase_id, estimate)
        if passed is not None:
            name, spent, limit = passed
            said = (name, _money(spent), _money(estimate), _money(limit))
            logger.error(
                "%s would pass its limit: %s spent, %s estimated, at most %s", *said, extra={TOLD: ANSWER}
            )
        return passed is None

    def get_phase_cost(self, phase_id: str) -> float:
        """Returns what was spent on a phase."""
        return float(_sum(record for record in self.records if record.phase_id == phase_id))

    def get_total_cost(self) -> float:
        """Returns what was spent in all."""
        return float(_sum(self.records))

    def get_model_cost(self, model: str) -> float:
        """Returns what was spent on a model."""
        return float(_sum(record for record in self.records if record.model == model))

    def get_cost_by_phase(self) -> Dict[str, float]:
        """Returns what was spent on each phase that anything was spent on."""
        return {
            name: self.get_phase_cost(name) for name in dict.fromkeys(one.phase_id for one in self.records)
        }

    def get_cost_by_model(self) -> Dict[str, float]:
        """Returns what was spent on each model."""
        return {
            name: self.get_model_cost(name)
            for name in dict.fromkeys(one.model for one in self.records)
            if name
        }

    def get_remaining_budget(self) -> float:
        """Returns what is left of the workflow's limit; 0 where it is passed."""
        return self.estimate_remaining_budget(TOTAL)

    def estimate_remaining_budget(self, phase_id: str) -> float:
        """Returns what is left of a phase's limit; 0 where it is passed, infinity where it has none."""
        limit = self._limit(phase_id)
        return math.inf if limit is None else float(max(Decimal(0), limit - self._spent(phase_id)))

    def estimate_items_possible(self, phase_id: str, cost_per_item: float) -> int:
        """Returns how many items what is left of a phase's limit buys."""
        limit = self._limit(phase_id)
        if not cost_per_item > 0 or not math.isfinite(cost_per_item):
            return 0
        if limit is None:
            raise OverflowError(f"{phase_id} has no limit: any number of items is possible")
        left = max(Decimal(0), limit - self._spent(phase_id))
        return int((left / Decimal(str(cost_per_item))).to_integral_value(ROUND_FLOOR))

    def project_total_cost(self, planned_operations: Mapping[str, float]) -> Tuple[float, bool]:
        """Returns what will have been spent in all after operations that are planned (estimates by phase), and
        whether that fits the workflow's limit."""
        planned = sum((Decimal(amount_of(cost)) for cost in planned_operations.values()), Decimal(0))
        total, limit = self._spent(TOTAL) + planned, self._limit(TOTAL)
        return float(total), limit is None or total <= limit

    def get_cost_summary(self) -> Dict[str, Any]:
        """Returns totals, what is left, and what was spent on which phases and models."""
        spent, limit = self._spent(TOTAL), self._limit(TOTAL)
        return {
            "total_cost": float(spent),
            "total_limit": math.inf if limit is None else float(limit),
            "remaining_budget": math.inf if limit is None else float(limit - spent),
            "percent_used": float(spent / limit * 100) if limit else 0,
            "by_phase": self.get_cost_by_phase(),
            "by_model": self.get_cost_by_model(),
            "record_count": len(self.records),
            "approval_count": len(self.approval_requests),
        }

    # Approvals.

    def require_approval(
        self,
        operation: str,
        estimated_cost: Union[float, Decimal],
        affected_items: int,
        impact_description: str = "",
        auto_approve_threshold: Union[float, Decimal] = 5.00,
    ) -> bool:
        """Says whether an operation may go on, and keeps the request. Nobody is asked: what is cheap, what needs no
        approval and what is within the rejection thresholds is approved, the last with a warning."""
        status, why = self._judge(operation, estimated_cost, affected_items, auto_approve_threshold)
        try:
            self._ask(
                operation,
                estimated_cost,
                affected_items,
                impact_description,
                auto_approve_threshold,
                status,
                why,
            )
        except (Rejected, UsageError, ValueError) as error:
            self._refuse(f"cannot ask approval of {operation}: {error}")
            return False
        self._draw()
        if status is ApprovalStatus.REJECTED:
            logger.error("rejected: %s, %s", operation, why, extra={TOLD: ANSWER})
        elif status is ApprovalStatus.APPROVED:
            logger.warning("approved without asking anybody: %s, %s", operation, why, extra={TOLD: ANSWER})
        return status is not ApprovalStatus.REJECTED

    def _judge(
        self, operation: str, cost: Union[float, Decimal], items: int, threshold: Union[float, Decimal]
    ) -> Tuple[ApprovalStatus, str]:
        if cost < threshold:
            return ApprovalStatus.AUTO_APPROVED, "its cost is below the threshold"
        if not (
            operation in self.HIGH_IMPACT_OPERATIONS
            or cost > self.APPROVAL_THRESHOLD_COST
            or items > self.APPROVAL_THRESHOLD_ITEMS
        ):
            return ApprovalStatus.SKIPPED, "it needs no approval"
        if cost > self.REJECTION_THRESHOLD_COST or items > self.REJECTION_THRESHOLD_ITEMS:
            return ApprovalStatus.REJECTED, "its cost or its impact is too high"
        return ApprovalStatus.APPROVED, "its cost and its impact are within the acceptable range"

    def _ask(
        self,
        operation: str,
        cost: Union[float, Decimal],
        items: int,
        impact: str,
        threshold: Union[float, Decimal],
        status: ApprovalStatus,
        why: str,
    ) -> None:
        """Records a request, and the manager's decision where the ledger's policy has not decided."""
        stream = self._kept.stream
        asked = stream.approval_request(
            operation,
            amount_of(cost if isinstance(cost, Decimal) else float(cost)),
            items,
            impact=text_of(impact, "") or None,
            auto_approve_below=amount_of(threshold if isinstance(threshold, Decimal) else float(threshold)),
            metadata={_MARK: status.value},
        ).result()
        if asked.derived:
            return
        decide = stream.approval_reject if status is ApprovalStatus.REJECTED else stream.approval_grant
        decide(asked.id, why).result()

    # Reports.

    def generate_report(self, output_file: Optional[PathLike] = None) -> str:
        """Writes what was spent, as Markdown, to a file (`COST_SAFETY_REPORT.md` without one); returns it."""
        report = self.report()
        path = Path("COST_SAFETY_REPORT.md" if output_file is None else output_file)
        try:
            write_whole(path, report)
        except OSError as error:
            logger.error("cannot write the report to %s: %s", path, error)
        return report

    def report(self) -> str:
        """Returns what was spent, as Markdown."""
        return "\n".join(
            [*self._summary_lines(), *self._cost_lines(), *self._approval_lines(), *self._last_lines()]
        )

    def _summary_lines(self) -> List[str]:
        spent, limit = self._spent(TOTAL), self._limit(TOTAL)
        percent = float(spent / limit * 100) if limit else 0.0
        full = min(20, max(0, int(percent / 5)))
        left = "no limit" if limit is None else _money(limit - spent)
        verdicts = (
            (100, "🔴", "Budget exhausted"),
            (90, "🟡", "Near budget limit"),
            (70, "🟢", "Budget healthy"),
        )
        symbol, verdict = next(((s, v) for at, s, v in verdicts if percent >= at), ("🟢", "Budget excellent"))
        return [
            "# Cost Safety Report",
            "",
            f"**Generated:** {datetime.now():%Y-%m-%d %H:%M:%S}",
            "",
            "---",
            "",
            "## Summary",
            "",
            f"- **Total Cost:** {_money(spent)}",
            f"- **Total Limit:** {'none' if limit is None else _money(limit)}",
            f"- **Remaining Budget:** {left}",
            f"- **Percent Used:** {percent:.1f}%",
            f"- **Cost Records:** {len(self.records)}",
            f"- **Approval Requests:** {len(self.approval_requests)}",
            "",
            f"**Budget Usage:** [{'█' * full}{'░' * (20 - full)}] {percent:.1f}%",
            "",
            f"{symbol} **STATUS:** {verdict}",
            "",
            "---",
            "",
        ]

    def _cost_lines(self) -> List[str]:
        lines = ["## Cost by Phase", ""]
        for name in sorted(self.get_cost_by_phase()):
            spent, limit = self._spent(name), self._limit(name)
            percent = float(spent / limit * 100) if limit else 0.0 if limit is None or spent <= 0 else 100.0
            lines += [f"### {'✅' if percent < 80 else '⚠️' if percent < 100 else '🔴'} {name}", ""]
            lines += [
                f"- **Cost:** {_money(spent)}",
                f"- **Limit:** {'none' if limit is None else _money(limit)}",
            ]
            if limit is not None:
                lines += [
                    f"- **Remaining:** {_money(max(Decimal(0), limit - spent))}",
                    f"- **Used:** {percent:.1f}%",
                ]
            lines.append("")
        lines += ["---", ""]
        by_model, total = self.get_cost_by_model(), self.get_total_cost()
        if by_model:
            lines += ["## Cost by Model", ""]
            for model, cost in sorted(by_model.items()):
                lines.append(f"- **{model}:** ${cost:.2f} ({100 * cost / total if total else 0:.1f}%)")
            lines += ["", "---", ""]
        return lines

    def _approval_lines(self) -> List[str]:
        lines: List[str] = []
        for status, symbol in _SYMBOLS.items():
            requests = [one for one in self.approval_requests if one.status is status]
            if requests:
                lines += [f"### {symbol} {status.value} ({len(requests)})", ""]
            for one in requests:
                lines += [
                    f"#### {one.operation}",
                    "",
                    f"- **Estimated Cost:** ${one.estimated_cost:.2f}",
                    f"- **Affected Items:** {one.affected_items}",
                    f"- **Impact:** {one.impact_description}",
                    f"- **Requested:** {one.requested_at}",
                ]
                if one.responded_at is not None:
                    lines += [
                        f"- **Responded:** {one.responded_at}",
                        f"- **Message:** {one.response_message}",
                    ]
                lines.append("")
        return ["## Approval Requests", "", *lines, "---", ""] if lines else []

    def _last_lines(self) -> List[str]:
        lines: List[str] = []
        for record in self.records[:-11:-1]:
            lines += [f"- **{record.phase_id}:** ${record.amount:.4f}", f"  - Timestamp: {record.timestamp}"]
            lines += [f"  - Model: {record.model}"] if record.model else []
            lines += [f"  - Operation: {record.operation}"] if record.operation else []
        head = ["## Recent Transactions (Last 10)", ""] if lines else []
        return [*head, *lines, *(["", "---", ""] if lines else []), f"*Ledger: {self._kept.folder}*"]

    # Below: how.

    def _define(self, old: Optional[Mapping[str, Any]]) -> None:
        """Puts the phases and their limits in force, with the phases that are known from earlier besides."""
        known = [*self._kept.known(), *_takeover.cost_phases(old)]
        names = list(dict.fromkeys([*(name for name in self.limits if name != TOTAL), *known]))
        since = _takeover.first_cost(old)
        try:
            self._kept.define(self._definition(names), since)
        except LedgerError as error:
            if old is None:
                raise
            logger.warning("left out %s: %s", ", ".join(known), error.message)
            names = [name for name in self.limits if name != TOTAL]
            self._kept.define(self._definition(names), since)

    def _definition(self, names: Sequence[str]) -> Dict[str, Any]:
        policy = {"require_above": _ANY, "reject_above": _ANY, "items": int(_ANY) // 2, "self_approval": True}
        workflow: Dict[str, Any] = {"name": self.WORKFLOW, "currency": self.CURRENCY}
        total = self._limit(TOTAL)
        if total is not None:
            workflow["cost_limit"] = format(total, "f")
        phases: List[Dict[str, Any]] = []
        for name in names:
            limit = self._limit(name)
            phases.append({"id": name} if limit is None else {"id": name, "cost_limit": format(limit, "f")})
        return {"workflow": {**workflow, "approval": policy}, "phase": phases}

    def _set_limits(self) -> None:
        """Records limits that the script has changed in `limits`."""
        for name, limit in self.limits.items():
            if self._known_limits.get(name) == limit or self._limit(name) is None:
                continue
            self._known_limits[name] = limit
            of = {"workflow": self.WORKFLOW} if name == TOTAL else {"phase": name}
            error = self._kept.stream.cost_limit(amount_of(float(limit)), **of).exception()
            if error is not None:
                logger.warning("the limit of %s is not recorded: %s", name, error)

    def _limit(self, name: str) -> Optional[Decimal]:
        limit = self.limits.get(name)
        return None if limit is None or not math.isfinite(limit) else Decimal(amount_of(float(limit)))

    def _passed(self, phase_id: str, estimate: Decimal) -> Optional[Tuple[str, Decimal, Decimal]]:
        """Returns which limit an estimate would pass, what was spent of it and how much it is; none where it fits."""
        for name in (phase_id, TOTAL):
            spent, limit = self._spent(name), self._limit(name)
            if limit is not None and spent + estimate > limit:
                return name, spent, limit
        return None

    def _refuse(self, message: str) -> None:
        """Tells what the rules refuse."""
        logger.warning("%s", message)

    def _spent(self, name: str) -> Decimal:
        return _sum(record for record in self.records if name in (TOTAL, record.phase_id))

    def _catch_up(self) -> None:
        """Takes up the costs and approvals that were recorded since the last time, by whomever."""
        view = self._kept.ledger.log(f"#{self._seq}.." if self._seq else None, kind=_KINDS)
        for event in view:
            if event.kind == "cost_recorded":
                self.records.append(_record(event))
            self._seq = event.seq
        if any(event.kind != "cost_recorded" for event in view):
            self._read_approvals()

    def _draw(self) -> None:
        """Takes up what was recorded, and writes the file anew."""
        with self._kept.drawing():
            self._catch_up()
            self._save()

    def _read_approvals(self) -> None:
        self.approval_requests = [_request(one) for one in self._kept.ledger.approvals()]

    def _save(self) -> None:
        data = {
            "total_cost": self.get_total_cost(),
            "records": [asdict(record) for record in self.records],
            "approvals": [asdict(request) for request in self.approval_requests],
            "limits": self.limits,
        }
        self._kept.picture(data, logger)


#: How requests are decided, in the order of the report, with their symbols.
_SYMBOLS = {
    ApprovalStatus.APPROVED: "✅",
    ApprovalStatus.AUTO_APPROVED: "✅",
    ApprovalStatus.REJECTED: "❌",
    ApprovalStatus.PENDING: "⏳",
    ApprovalStatus.SKIPPED: "⏭️",
}


def _sum(records: "Any") -> Decimal:
    return sum((Decimal(str(record.amount)) for record in records), Decimal(0))


def _money(amount: Decimal) -> str:
    return f"${amount:.2f}"


def _record(event: Event) -> CostRecord:
    data = event.data
    timestamp = local(event.at) or ""
    metadata = dict(data.get("metadata") or {}) or None
    return CostRecord(
        event.phase or "",
        float(data["amount"]),
        timestamp,
        data.get("model"),
        data.get("operation"),
        metadata,
    )


def _request(approval: Approval) -> ApprovalRequest:
    decided = {
        "PENDING": ApprovalStatus.PENDING,
        "AUTO_GRANTED": ApprovalStatus.AUTO_APPROVED,
        "REJECTED": ApprovalStatus.REJECTED,
        "AUTO_REJECTED": ApprovalStatus.REJECTED,
    }
    by_manager = approval.metadata.get(_MARK)
    marked = ApprovalStatus.SKIPPED if by_manager == ApprovalStatus.SKIPPED.value else ApprovalStatus.APPROVED
    return ApprovalRequest(
        operation=approval.operation,
        estimated_cost=float(approval.estimate),
        impact_description=approval.impact or "",
        affected_items=approval.items,
        status=decided.get(approval.status, marked),
        requested_at=local(approval.requested_at) or "",
        responded_at=local(approval.decided_at),
        response_message=approval.reason,
    )
