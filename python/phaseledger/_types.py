"""What the ledger answers, as frozen dataclasses.

Each is made of a JSON object of the program. `raw` holds the object itself, so that what a newer program adds can
be read before this module knows it; what it adds never breaks this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Mapping, Optional, Tuple

Json = Mapping[str, Any]


class State(str, Enum):
    """Where a phase stands. A skipped one stays PENDING and carries the skip."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    NEEDS_RERUN = "NEEDS_RERUN"

    def __str__(self) -> str:
        return self.value


def time_of(value: Any) -> Optional[datetime]:
    """Reads a time of the program: RFC 3339 in UTC."""
    return None if value is None else datetime.fromisoformat(str(value).replace("Z", "+00:00"))


def _time(value: Any) -> datetime:
    return datetime.fromisoformat(str(value).replace("Z", "+00:00"))


def _state(value: Any) -> Optional[State]:
    return None if value is None else State(value)


def _edge(value: Any) -> Optional[Tuple[str, str]]:
    return None if value is None else (str(value[0]), str(value[1]))


def _amount(value: Any) -> Optional[Decimal]:
    return None if value is None else Decimal(str(value))


@dataclass(frozen=True)
class AsOf:
    """Which moment an answer is about; before the first event, place 0 and no times.

    Events that took effect by then but were recorded after others that did not are counted too: ``late`` has the
    places of the first 32 of them, ``late_more`` says how many more there are.
    """

    seq: int
    at: Optional[datetime]
    recorded_at: Optional[datetime]
    late: Tuple[int, ...] = ()
    late_more: int = 0

    @classmethod
    def of(cls, raw: Json) -> AsOf:
        late = tuple(int(place) for place in raw.get("late", ()))
        at, recorded_at = time_of(raw.get("at")), time_of(raw.get("recorded_at"))
        return cls(int(raw["seq"]), at, recorded_at, late, int(raw.get("late_more", 0)))


@dataclass(frozen=True)
class Made:
    """What `init` did: `status` is `made`, or `unchanged` where the ledger was there already."""

    status: str
    dir: str
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Made:
        return cls(raw["status"], raw["dir"], raw)


@dataclass(frozen=True)
class Derived:
    """An event that a command's first one forced."""

    seq: int
    id: str
    kind: str
    phase: Optional[str]
    to: Optional[State]
    reason: Optional[str]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Derived:
        return cls(
            raw["seq"],
            raw["id"],
            raw["kind"],
            raw.get("phase"),
            _state(raw.get("to")),
            raw.get("reason"),
            raw,
        )


@dataclass(frozen=True)
class UnreadableFile:
    """A declared file that has no digest: the `pattern` it was found by, its `path`, escaped, and `why`."""

    pattern: str
    path: str
    why: str

    @classmethod
    def of(cls, raw: Json) -> UnreadableFile:
        return cls(raw["pattern"], raw["path"], raw["why"])


@dataclass(frozen=True)
class Answer:
    """What came of a command: `status` is `appended`, `duplicate` (its id was recorded already, and nothing
    changed), `unchanged` (a definition that changes nothing) or `preview`; `seq` is the place of its first event.

    Where declared files of a start or an end could not be read, it was recorded without their digests: ``unreadable``
    has the first 32 of them, ``unreadable_more`` says how many more there are.
    """

    status: str
    seq: int
    id: str
    derived: Tuple[Derived, ...]
    raw: Json = field(repr=False, compare=False)
    unreadable: Tuple[UnreadableFile, ...] = ()
    unreadable_more: int = 0

    @classmethod
    def of(cls, raw: Json) -> Answer:
        derived = tuple(Derived.of(one) for one in raw.get("derived", ()))
        unreadable = tuple(UnreadableFile.of(one) for one in raw.get("unreadable", ()))
        more = int(raw.get("unreadable_more", 0))
        return cls(raw["status"], raw["seq"], raw["id"], derived, raw, unreadable, more)


@dataclass(frozen=True)
class PhaseStatus:
    """Where one phase stands. `attempt` is 0 before the first; `skipped` is the reason."""

    workflow: str
    phase: str
    state: State
    attempt: int
    started_at: Optional[datetime]
    completed_at: Optional[datetime]
    duration_seconds: Optional[float]
    error: Optional[str]
    rerun_reasons: Tuple[str, ...]
    skipped: Optional[str]
    dependencies_met: bool
    unmet: Tuple[str, ...]
    metadata: Mapping[str, Any]
    last_seq: int
    updated_at: datetime
    retired: bool
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> PhaseStatus:
        return cls(
            workflow=raw["workflow"],
            phase=raw["phase"],
            state=State(raw["state"]),
            attempt=raw["attempt"],
            started_at=time_of(raw["started_at"]),
            completed_at=time_of(raw["completed_at"]),
            duration_seconds=raw["duration_seconds"],
            error=raw["error"],
            rerun_reasons=tuple(raw["rerun_reasons"]),
            skipped=raw["skipped"],
            dependencies_met=raw["dependencies_met"],
            unmet=tuple(raw["unmet"]),
            metadata=raw["metadata"],
            last_seq=raw["last_seq"],
            updated_at=_time(raw["updated_at"]),
            retired=raw.get("retired", False),
            raw=raw,
        )


@dataclass(frozen=True)
class Status:
    """Where phases stand, and how many stand where."""

    phases: Tuple[PhaseStatus, ...]
    summary: Mapping[str, int]
    as_of: AsOf
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Status:
        phases = tuple(PhaseStatus.of(phase) for phase in raw["phases"])
        return cls(phases, raw["summary"], AsOf.of(raw["as_of"]), raw)

    def __getitem__(self, name: str) -> PhaseStatus:
        """Returns a phase by its name, or by `workflow/phase` where several workflows have one of that name."""
        found = [one for one in self.phases if name in (one.phase, f"{one.workflow}/{one.phase}")]
        if len(found) != 1:
            raise KeyError(name)
        return found[0]


@dataclass(frozen=True)
class Next:
    """What is ready to start, what is under way, and what waits; each in topological order."""

    ready: Tuple[PhaseStatus, ...]
    running: Tuple[PhaseStatus, ...]
    blocked: Tuple[PhaseStatus, ...]
    #: Whether nothing is left to run: all is complete or skipped.
    done: bool
    as_of: AsOf
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Next:
        ready, running, blocked = (
            tuple(PhaseStatus.of(phase) for phase in raw[name]) for name in ("ready", "running", "blocked")
        )
        return cls(ready, running, blocked, raw["done"], AsOf.of(raw["as_of"]), raw)


@dataclass(frozen=True)
class Actor:
    """Who asked, on which host, by which way in."""

    name: str
    host: str
    via: str
    #: The system's own user; none in what was written before it was recorded.
    user: Optional[str] = None

    @classmethod
    def of(cls, raw: Json) -> Actor:
        return cls(raw["name"], raw["host"], raw["via"], raw.get("user"))


@dataclass(frozen=True)
class Tag:
    """A name of a place in the log, and who set it when."""

    name: str
    #: The place.
    seq: int
    #: The event that set it last.
    set_seq: int
    set_at: datetime
    by: Actor
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Tag:
        return cls(raw["name"], raw["seq"], raw["set_seq"], _time(raw["set_at"]), Actor.of(raw["by"]), raw)


@dataclass(frozen=True)
class Cause:
    """What directly forced an event, and along which edge of the graph."""

    event: str
    seq: int
    kind: str
    edge: Optional[Tuple[str, str]]

    @classmethod
    def of(cls, raw: Json) -> Cause:
        return cls(raw["event"], raw["seq"], raw["kind"], _edge(raw.get("edge")))


@dataclass(frozen=True)
class Event:
    """An event of the log."""

    seq: int
    id: str
    kind: str
    workflow: Optional[str]
    phase: Optional[str]
    from_state: Optional[State]
    to_state: Optional[State]
    at: datetime
    recorded_at: datetime
    by: Actor
    derived: bool
    rule: Optional[str]
    causes: Tuple[Cause, ...]
    data: Mapping[str, Any]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Event:
        return cls(
            seq=raw["seq"],
            id=raw["id"],
            kind=raw["kind"],
            workflow=raw.get("workflow"),
            phase=raw.get("phase"),
            from_state=_state(raw.get("from")),
            to_state=_state(raw.get("to")),
            at=_time(raw["at"]),
            recorded_at=_time(raw["recorded_at"]),
            by=Actor.of(raw["by"]),
            derived=raw["derived"],
            rule=raw.get("rule"),
            causes=tuple(Cause.of(cause) for cause in raw.get("causes", ())),
            data=raw.get("data", {}),
            raw=raw,
        )


@dataclass(frozen=True)
class Link:
    """An event in a chain of causes. `via` is the place of the event that it caused, `edge` how it came to it;
    both are none for what the state follows from directly."""

    seq: int
    id: str
    kind: str
    workflow: Optional[str]
    phase: Optional[str]
    at: datetime
    by: Actor
    derived: bool
    reason: Optional[str]
    cause_kind: Optional[str]
    edge: Optional[Tuple[str, str]]
    via: Optional[int]
    depth: int
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Link:
        return cls(
            seq=raw["seq"],
            id=raw["id"],
            kind=raw["kind"],
            workflow=raw.get("workflow"),
            phase=raw.get("phase"),
            at=_time(raw["at"]),
            by=Actor.of(raw["by"]),
            derived=raw["derived"],
            reason=raw.get("reason"),
            cause_kind=raw.get("cause_kind"),
            edge=_edge(raw.get("edge")),
            via=raw.get("via"),
            depth=raw["depth"],
            raw=raw,
        )


@dataclass(frozen=True)
class Why:
    """Why a phase stands where it does: the events it follows from (`because`), and all their causes, the latest
    first; `roots` are those that nothing in the ledger caused."""

    workflow: str
    phase: str
    state: State
    because: Tuple[int, ...]
    chain: Tuple[Link, ...]
    roots: Tuple[Link, ...]
    as_of: AsOf
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Why:
        return cls(
            workflow=raw["workflow"],
            phase=raw["phase"],
            state=State(raw["state"]),
            because=tuple(raw["because"]),
            chain=tuple(Link.of(link) for link in raw["chain"]),
            roots=tuple(Link.of(link) for link in raw["roots"]),
            as_of=AsOf.of(raw["as_of"]),
            raw=raw,
        )


@dataclass(frozen=True)
class PastAttempt:
    """One attempt of a phase; `outcome` is `running`, `completed`, `failed` or a newer word."""

    attempt: int
    started_at: datetime
    completed_at: Optional[datetime]
    duration_seconds: Optional[float]
    outcome: str
    error: Optional[str]
    started_seq: int
    completed_seq: Optional[int]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> PastAttempt:
        return cls(
            attempt=raw["attempt"],
            started_at=_time(raw["started_at"]),
            completed_at=time_of(raw.get("completed_at")),
            duration_seconds=raw.get("duration_seconds"),
            outcome=raw["outcome"],
            error=raw.get("error"),
            started_seq=raw["started_seq"],
            completed_seq=raw.get("completed_seq"),
            raw=raw,
        )


@dataclass(frozen=True)
class Shown:
    """One event or one phase in full: `event`, or else `phase` with its `spec`, `attempts` and `notes`."""

    event: Optional[Event]
    phase: Optional[PhaseStatus]
    spec: Mapping[str, Any]
    attempts: Tuple[PastAttempt, ...]
    as_of: AsOf
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Shown:
        event, phase = raw.get("event"), raw.get("phase")
        return cls(
            event=None if event is None else Event.of(event),
            phase=None if phase is None else PhaseStatus.of(phase),
            spec=raw.get("spec") or {},
            attempts=tuple(PastAttempt.of(attempt) for attempt in raw.get("attempts", ())),
            as_of=AsOf.of(raw["as_of"]),
            raw=raw,
        )


@dataclass(frozen=True)
class Verified:
    """What `verify` checked, and the Merkle root over it."""

    events: int
    commands: int
    root: str
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Verified:
        return cls(raw["events"], raw["commands"], raw["root"], raw)


@dataclass(frozen=True)
class LimitCheck:
    """How something planned fits one limit, of a phase or of its workflow (`scope`); without a limit, it does.
    `over` is by how much it does not."""

    scope: str
    name: str
    currency: Optional[str]
    limit: Optional[Decimal]
    spent: Decimal
    #: What others hold.
    reserved: Decimal
    planned: Decimal
    remaining: Optional[Decimal]
    #: What a calendar calls the day, week or month that it is a limit of; none for one in all.
    period: Optional[str]
    fits: bool
    over: Decimal
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> LimitCheck:
        return cls(
            scope=raw["scope"],
            name=raw["name"],
            currency=raw.get("currency"),
            limit=_amount(raw.get("limit")),
            spent=Decimal(raw["spent"]),
            reserved=Decimal(raw["reserved"]),
            planned=Decimal(raw["planned"]),
            remaining=_amount(raw.get("remaining")),
            period=raw["period"]["name"] if raw.get("period") else None,
            fits=raw["fits"],
            over=Decimal(raw["over"]),
            raw=raw,
        )


@dataclass(frozen=True)
class CostCheck:
    """Whether something planned fits every limit that it touches."""

    fits: bool
    limits: Tuple[LimitCheck, ...]
    as_of: AsOf
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> CostCheck:
        return cls(
            raw["fits"], tuple(LimitCheck.of(one) for one in raw["limits"]), AsOf.of(raw["as_of"]), raw
        )


@dataclass(frozen=True)
class CostRemaining:
    """What is left to spend on a phase: the least that its limits leave; none where it has no limit."""

    remaining: Optional[Decimal]
    items: Optional[int]
    limits: Tuple[LimitCheck, ...]
    as_of: AsOf
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> CostRemaining:
        limits = tuple(LimitCheck.of(one) for one in raw["limits"])
        return cls(_amount(raw.get("remaining")), raw.get("items"), limits, AsOf.of(raw["as_of"]), raw)


@dataclass(frozen=True)
class Spent:
    """What was spent on a phase or a workflow (`name`), of which limit."""

    name: str
    spent: Decimal
    limit: Optional[Decimal]
    remaining: Optional[Decimal]
    records: int
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json, name: str) -> Spent:
        limit, remaining = _amount(raw.get("limit")), _amount(raw.get("remaining"))
        return cls(raw[name], Decimal(raw["spent"]), limit, remaining, raw["records"], raw)


@dataclass(frozen=True)
class CostSummary:
    """What was spent by each workflow, and by the phases of each."""

    workflows: Tuple[Spent, ...]
    phases: Mapping[str, Tuple[Spent, ...]]
    as_of: AsOf
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> CostSummary:
        phases = {
            one["workflow"]: tuple(Spent.of(phase, "phase") for phase in one["phases"])
            for one in raw["workflows"]
        }
        workflows = tuple(Spent.of(one, "workflow") for one in raw["workflows"])
        return cls(workflows, phases, AsOf.of(raw["as_of"]), raw)


@dataclass(frozen=True)
class CostGroup:
    """What was spent on one phase, model, operation, root cause or day (`key`; none for what has none)."""

    key: Optional[str]
    currency: Optional[str]
    spent: Decimal
    records: int
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> CostGroup:
        return cls(raw.get("key"), raw.get("currency"), Decimal(raw["spent"]), raw["records"], raw)


@dataclass(frozen=True)
class Approval:
    """A request for approval: `status` is PENDING, GRANTED or REJECTED (by a person), AUTO_GRANTED or AUTO_REJECTED
    (by the policy), or a newer word."""

    id: str
    seq: int
    status: str
    operation: str
    estimate: Decimal
    items: int
    impact: Optional[str]
    requested_by: str
    requested_at: datetime
    decided_by: Optional[str]
    decided_at: Optional[datetime]
    reason: Optional[str]
    metadata: Mapping[str, Any]
    raw: Json = field(repr=False, compare=False)

    @property
    def is_granted(self) -> bool:
        """Whether it was granted, by whomever."""
        return self.status in ("GRANTED", "AUTO_GRANTED")

    @classmethod
    def of(cls, raw: Json) -> Approval:
        decision: Json = raw.get("decision") or {}
        return cls(
            id=raw["id"],
            seq=raw["seq"],
            status=raw["status"],
            operation=raw["operation"],
            estimate=Decimal(raw["estimate"]),
            items=raw["items"],
            impact=raw.get("impact"),
            requested_by=raw["requested_by"],
            requested_at=_time(raw["requested_at"]),
            decided_by=decision.get("by"),
            decided_at=time_of(decision.get("at")),
            reason=decision.get("reason"),
            metadata=raw.get("metadata", {}),
            raw=raw,
        )
