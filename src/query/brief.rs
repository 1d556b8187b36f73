//! What answers say of an event first. `cost by` and `replay` say other things, in another order.

use serde::Serialize;

use crate::model::{EventId, PhaseName, Recorded, Seq, StateName, Timestamp, WorkflowName};

/// An event in brief: which one it is, what happened to what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventBrief {
    /// Its place.
    pub seq: Seq,
    /// Its identity.
    pub id: EventId,
    /// What happened.
    pub kind: &'static str,
    /// To what: the workflow; none for the ledger as a whole.
    pub workflow: Option<WorkflowName>,
    /// To what: the phase; none for a whole workflow.
    pub phase: Option<PhaseName>,
    /// The state before, for an event about a phase's state.
    pub from: Option<StateName>,
    /// The state after.
    pub to: Option<StateName>,
    /// When it took effect.
    pub at: Timestamp,
}

impl EventBrief {
    pub(super) fn new(record: &Recorded) -> Self {
        let (from, to) = record.transition.unzip();
        EventBrief {
            seq: record.seq,
            id: record.id,
            kind: record.event.kind(),
            workflow: record.subject.workflow().cloned(),
            phase: record.subject.phase().map(|id| id.phase.clone()),
            from,
            to,
            at: record.at,
        }
    }
}
