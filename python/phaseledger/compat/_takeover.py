"""Taking over what an older manager left in its file: once, as events with the times that the file states.

A phase's start and end come in the order of their times, but an end before the starts of those that need the phase,
so that the ledger stands where the file stood. The ids are made of the file, so that being cut short and begun again
records nothing twice.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import logging
import math
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .. import IllegalTransition, NotFound, Reply, Stream
from ._kept import NOTE, TOLD, Kept, moment, object_of, results, text_of

#: Names the place up to which the older file was taken over.
_TAG = "taken-over"

_STARTED = ("IN_PROGRESS", "COMPLETE", "FAILED", "NEEDS_RERUN")
_ENDED = ("COMPLETE", "FAILED", "NEEDS_RERUN")

#: How the older managers begin the reason of a mark that came from above.
_REACHED = "Upstream phase requires rerun"

#: A phase, and whether it is its end (1) or its start (0).
_Step = Tuple[str, int]


def first_moment(old: Optional[Mapping[str, Any]]) -> Optional[datetime]:
    """Returns the first time that the file states, for the definition to be no later."""
    times = [
        moment(phase.get(key)) for phase in _listed(old).values() for key in ("started_at", "completed_at")
    ]
    return min((time for time in times if time is not None), default=None)


def is_done(kept: Kept) -> bool:
    """Says whether a file was taken over already."""
    try:
        kept.ledger.show(f"tag:{_TAG}")
    except NotFound:
        return False
    return True


def phases(
    kept: Kept, old: Mapping[str, Any], needs: Mapping[str, Sequence[str]], logger: logging.Logger
) -> None:
    """Records what an older file says of phases."""
    copy = kept.keep_old()
    listed = _listed(old)
    if not listed:
        logger.warning("%s is not a status file; it is kept as %s", kept.file, copy)
        return
    if is_done(kept):
        logger.warning("%s was changed by another program; the ledger counts, and not the file", kept.file)
        return
    key = hashlib.sha256(json.dumps(old, sort_keys=True, default=str).encode()).hexdigest()
    stream = kept.stream
    ordered = _ordered(listed, needs)
    replies = [_record(stream, name, end, listed[name], key) for name, end in ordered]
    for name, phase in listed.items():
        replies += _besides(stream, name, phase, key)
    replies += _marks(stream, [name for name, end in ordered if end], listed, key)
    for error in results(replies):
        is_marked = isinstance(error, IllegalTransition) and error.details.get("from") == "NEEDS_RERUN"
        if error is not None and not is_marked:
            logger.warning("not taken over from %s: %s", kept.file, error)
    stream.note(f"taken over from {kept.file.name}, sha256:{key}", id=f"key:{key}/note").result()
    stream.tag(_TAG, id=f"key:{key}/tag").result()
    said = ("took over %d phases from %s, which is kept as %s", len(listed), kept.file, copy)
    logger.info(*said, extra={TOLD: NOTE})


def _listed(old: Optional[Mapping[str, Any]]) -> Dict[str, Dict[str, Any]]:
    found = (old or {}).get("phases")
    if not isinstance(found, dict):
        return {}
    return {str(name): phase for name, phase in found.items() if isinstance(phase, dict)}


def _ordered(listed: Mapping[str, Mapping[str, Any]], needs: Mapping[str, Sequence[str]]) -> List[_Step]:
    """Returns the starts and ends: by time, but each end before the starts that build on it."""
    steps: Dict[_Step, Optional[datetime]] = {}
    for name, phase in listed.items():
        if phase.get("state") in _STARTED:
            steps[name, 0] = moment(phase.get("started_at"))
        if phase.get("state") in _ENDED:
            steps[name, 1] = moment(phase.get("completed_at"))
    waits: Dict[_Step, List[_Step]] = {step: [(step[0], 0)] if step[1] else [] for step in steps}
    for name, above in needs.items():
        if (name, 0) in steps:
            waits[name, 0] += [(need, 1) for need in above if (need, 1) in steps]
    latest = datetime.now(timezone.utc)
    ready: List[Tuple[datetime, _Step]] = []
    left = {step: len(before) for step, before in waits.items()}
    for step, count in left.items():
        if count == 0:
            heapq.heappush(ready, (steps[step] or latest, step))
    ordered: List[_Step] = []
    while ready:
        _, done = heapq.heappop(ready)
        ordered.append(done)
        for step, before in waits.items():
            if done in before:
                left[step] -= 1
                if left[step] == 0:
                    heapq.heappush(ready, (steps[step] or latest, step))
    return ordered


def _record(stream: Stream, name: str, end: int, phase: Mapping[str, Any], key: str) -> Reply:
    id = f"key:{key}/{name}/{end}"
    at = moment(phase.get("completed_at" if end else "started_at"))
    if not end:
        return stream.start(name, allow_unmet=True, id=id, occurred_at=at)
    metadata = object_of(phase.get("metadata")) or None
    if phase["state"] == "FAILED":
        error = text_of(phase.get("error_message"), "no message was given")
        return stream.fail(name, error, metadata=metadata, id=id, occurred_at=at)
    return stream.complete(name, metadata=metadata, id=id, occurred_at=at)


def _besides(stream: Stream, name: str, phase: Mapping[str, Any], key: str) -> List[Reply]:
    """What is said of a phase besides its start and end."""
    metadata, state = object_of(phase.get("metadata")), phase.get("state")
    id, at = f"key:{key}/{name}/2", moment(phase.get("last_updated"))
    if state == "PENDING" and (phase.get("skip_reason") or metadata.get("skipped")):
        reason = text_of(phase.get("skip_reason"), "no reason was given")
        return [stream.skip(name, reason, metadata=metadata or None, id=id, occurred_at=at)]
    if state in ("PENDING", "IN_PROGRESS") and metadata:
        return [stream.meta(name, metadata, id=id, occurred_at=at)]
    return []


def _marks(
    stream: Stream, ended: List[str], listed: Mapping[str, Mapping[str, Any]], key: str
) -> List[Reply]:
    """Marks what must run again: first, from below, what has a reason of its own; then, from above, the rest, which
    a mark above mostly reaches."""

    def mark(name: str, expect: Optional[str] = None) -> Reply:
        phase = listed[name]
        reason = text_of(phase.get("rerun_reason"), "no reason was given")
        at = moment(phase.get("last_updated"))
        return stream.rerun(name, reason, id=f"key:{key}/{name}/3", occurred_at=at, expect=expect)

    marked = [name for name in ended if listed[name].get("state") == "NEEDS_RERUN"]
    reached = [name for name in marked if str(listed[name].get("rerun_reason")).startswith(_REACHED)]
    return [mark(name) for name in reversed(marked) if name not in reached] + [
        # What a mark above has reached is not marked once more.
        mark(name, "state=COMPLETE")
        for name in reached
    ]


def costs(kept: Kept, old: Mapping[str, Any], mark: str, logger: logging.Logger) -> None:
    """Records what an older file says of costs and approvals."""
    copy = kept.keep_old()
    records, approvals = _objects(old, "records"), _objects(old, "approvals")
    if not records and not approvals:
        if "records" not in old:
            logger.warning("%s is not a cost file; it is kept as %s", kept.file, copy)
        return
    if is_done(kept):
        logger.warning("%s was changed by another program; the ledger counts, and not the file", kept.file)
        return
    key = hashlib.sha256(json.dumps(old, sort_keys=True, default=str).encode()).hexdigest()
    stream = kept.stream
    replies = [_cost(stream, record, f"key:{key}/cost/{number}") for number, record in enumerate(records)]
    for number, approval in enumerate(approvals):
        replies += _approval(stream, approval, f"key:{key}/approval/{number}", mark)
    for error in results(replies):
        if error is not None:
            logger.warning("not taken over from %s: %s", kept.file, error)
    stream.note(f"taken over from {kept.file.name}, sha256:{key}", id=f"key:{key}/note").result()
    stream.tag(_TAG, id=f"key:{key}/tag").result()
    said = ("took over %d costs from %s, which is kept as %s", len(records), kept.file, copy)
    logger.info(*said, extra={TOLD: NOTE})


def cost_phases(old: Optional[Mapping[str, Any]]) -> List[str]:
    """Returns the phases that the costs of an older file are of."""
    return list(dict.fromkeys(str(record.get("phase_id")) for record in _objects(old, "records")))


def first_cost(old: Optional[Mapping[str, Any]]) -> Optional[datetime]:
    """Returns the first time that the file states, for the definition to be no later."""
    times = [moment(record.get("timestamp")) for record in _objects(old, "records")]
    times += [moment(approval.get("requested_at")) for approval in _objects(old, "approvals")]
    return min((time for time in times if time is not None), default=None)


def _objects(old: Optional[Mapping[str, Any]], name: str) -> List[Dict[str, Any]]:
    found = (old or {}).get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _cost(stream: Stream, record: Mapping[str, Any], id: str) -> Reply:
    amount = _number(record.get("amount"))
    return stream.cost_record(
        str(record.get("phase_id")),
        amount,
        model=record.get("model") or None,
        operation=record.get("operation") or None,
        refund=amount < 0,
        metadata=object_of(record.get("metadata")) or None,
        id=id,
        occurred_at=moment(record.get("timestamp")),
    )


def _approval(stream: Stream, approval: Mapping[str, Any], id: str, mark: str) -> List[Reply]:
    estimate, status = _number(approval.get("estimated_cost")), str(approval.get("status"))
    asked = stream.approval_request(
        str(approval.get("operation")),
        estimate,
        int(approval.get("affected_items") or 0),
        impact=str(approval.get("impact_description") or "") or None,
        auto_approve_below=estimate + 1 if status == "AUTO_APPROVED" else 0,
        metadata={mark: status},
        id=id,
        occurred_at=moment(approval.get("requested_at")),
    )
    if asked.exception() is not None or asked.result().derived or status in ("PENDING", "AUTO_APPROVED"):
        return [asked]
    decide = stream.approval_reject if status == "REJECTED" else stream.approval_grant
    why = text_of(approval.get("response_message"), "no reason was given")
    at = moment(approval.get("responded_at"))
    return [asked, decide(asked.result().id, why, id=f"{id}/decision", occurred_at=at)]
