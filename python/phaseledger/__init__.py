"""phaseledger from Python: records and explains the phases of workflows.

    from phaseledger import Ledger

    ledger = Ledger("ledger")
    with ledger.phase("analysis", metadata={"books": 45}) as attempt:
        attempt.output("analysis.json")
    print(ledger.why("synthesis").roots)

Everything goes through the program `phaseledger`, which the wheel brings along. `phaseledger.compat` is for scripts
that were written against managers on a JSON file, in Python and in shell.
"""

from ._attempt import Attempt
from ._binary import find_binary
from ._commands import Amount, Recording, When
from ._errors import (
    BinaryNotFound,
    Conflict,
    Damaged,
    DoesNotFit,
    IdConflict,
    IllegalTransition,
    InputOutputError,
    LedgerError,
    LockTimeout,
    NoLedger,
    NotFound,
    NotRecorded,
    OutcomeUnknown,
    Rejected,
    UnknownApproval,
    UnknownPhase,
    UnknownReservation,
    UnmetNeeds,
    UsageError,
)
from ._ledger import Ledger, View
from ._stream import Reply, Stream
from ._types import (
    Actor,
    Answer,
    Approval,
    AsOf,
    Cause,
    CostCheck,
    CostGroup,
    CostRemaining,
    CostSummary,
    Derived,
    Event,
    LimitCheck,
    Link,
    Made,
    Next,
    PastAttempt,
    PhaseStatus,
    Shown,
    Spent,
    State,
    Status,
    Tag,
    UnreadableFile,
    Verified,
    Why,
)

__all__ = [
    "Actor",
    "Amount",
    "Answer",
    "Approval",
    "AsOf",
    "Attempt",
    "BinaryNotFound",
    "Cause",
    "Conflict",
    "CostCheck",
    "CostGroup",
    "CostRemaining",
    "CostSummary",
    "Damaged",
    "DoesNotFit",
    "Derived",
    "Event",
    "IdConflict",
    "IllegalTransition",
    "InputOutputError",
    "Ledger",
    "LedgerError",
    "LimitCheck",
    "Link",
    "LockTimeout",
    "Made",
    "Next",
    "NoLedger",
    "NotFound",
    "NotRecorded",
    "OutcomeUnknown",
    "PastAttempt",
    "PhaseStatus",
    "Recording",
    "Rejected",
    "Reply",
    "Shown",
    "Spent",
    "State",
    "Status",
    "Stream",
    "Tag",
    "UnknownApproval",
    "UnknownPhase",
    "UnknownReservation",
    "UnmetNeeds",
    "UnreadableFile",
    "UsageError",
    "Verified",
    "View",
    "When",
    "Why",
    "find_binary",
]
