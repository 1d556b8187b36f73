"""For scripts that were written against managers on a JSON file: the same names, kept in a ledger.

    from phaseledger.compat import PhaseStatusManager

    manager = PhaseStatusManager()
    manager.start_phase("phase_2_analysis")
    manager.complete_phase("phase_2_analysis", {"books_analyzed": 45})

What such a script asks goes on as before; besides, `phaseledger --dir workflow_state/phase_status.ledger why …` answers
what its file cannot.

`python -m phaseledger.compat.phases` and `python -m phaseledger.compat.costs` are the same for scripts in shell.
"""

from ._costs import ApprovalRequest, ApprovalStatus, CostRecord, CostSafetyManager
from ._phases import PhaseState, PhaseStatus, PhaseStatusManager

__all__ = [
    "ApprovalRequest",
    "ApprovalStatus",
    "CostRecord",
    "CostSafetyManager",
    "PhaseState",
    "PhaseStatus",
    "PhaseStatusManager",
]
