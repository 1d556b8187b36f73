//! What a report says, as it is written in JSON (`report/1`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    CauseKind, Digest, EventId, Metadata, PhaseId, PhaseName, Seq, StateName, Text, Timestamp, WorkflowName,
};
use crate::query::approvals::ApprovalView;
use crate::query::brief::EventBrief;
use crate::query::costs::WorkflowCosts;
use crate::query::graph::Graph;

/// The report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The Merkle root over the lines of the prefix: the proof of what was reported on.
    pub root: Digest,
    /// The workflows, by name.
    pub workflows: Vec<WorkflowReport<'a>>,
    /// The last events, in order.
    pub recent: Vec<EventReport<'a>>,
}

/// One workflow.
#[derive(Debug, Serialize)]
pub struct WorkflowReport<'a> {
    /// Its name.
    pub workflow: &'a WorkflowName,
    /// What it is for.
    pub description: Option<&'a str>,
    /// The digest of the definition in force.
    pub definition: Digest,
    /// The event that put it in force.
    pub defined: Option<EventReport<'a>>,
    /// How many phases stand where.
    pub summary: ProgressSummary,
    /// What must run again, by what it goes back to.
    pub open_reruns: OpenReruns<'a>,
    /// The phases, in the definition's order.
    pub phases: Vec<PhaseReport<'a>>,
    /// The phases that may start now, in the definition's order.
    pub next: Vec<&'a PhaseName>,
    /// The phases that the definition no longer has.
    pub retired: Vec<RetiredReport<'a>>,
    /// What its phases cost.
    pub costs: WorkflowCosts,
    /// What needs what, to be drawn; in JSON the needs of the phases say it.
    #[serde(skip)]
    pub graph: Graph,
    /// What leave was asked for, in the order of the requests.
    pub approvals: Vec<ApprovalView<'a>>,
}

/// What must run again, by what it goes back to: the roots that `why` tells.
#[derive(Debug, Serialize)]
pub struct OpenReruns<'a> {
    /// At most ten roots, those of the most phases.
    pub roots: Vec<RootReport<'a>>,
    /// How many more there are.
    pub others: usize,
    /// The most phases that one of those leads to.
    pub others_phases_max: usize,
}

/// A root, and what goes back to it.
#[derive(Debug, Serialize)]
pub struct RootReport<'a> {
    /// The event.
    #[serde(flatten)]
    pub event: EventReport<'a>,
    /// How many phases of the workflow must run again because of it.
    pub phases: usize,
}

/// How many phases stand where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgressSummary {
    /// How many are in each state, all five named.
    #[serde(flatten)]
    pub states: BTreeMap<StateName, usize>,
    /// How many of the pending ones are skipped.
    pub skipped: usize,
    /// How many those who need them may build on: complete or skipped.
    pub done: usize,
    /// How many there are.
    pub total: usize,
    /// The part that is done: 100 only when all are, 0 only when none is.
    pub percent: usize,
}

/// One phase.
#[derive(Debug, Serialize)]
pub struct PhaseReport<'a> {
    /// Its workflow.
    pub workflow: &'a WorkflowName,
    /// Its name.
    pub phase: &'a PhaseName,
    /// What it does.
    pub description: Option<&'a str>,
    /// Where it stands.
    pub state: StateName,
    /// How many attempts have been started.
    pub attempt: u32,
    /// When the last attempt started.
    pub started_at: Option<Timestamp>,
    /// When it ended, where it ended well.
    pub completed_at: Option<Timestamp>,
    /// When it ended, where it ended badly.
    pub failed_at: Option<Timestamp>,
    /// How long it took; none while it is under way.
    pub duration_seconds: Option<f64>,
    /// What went wrong.
    pub error: Option<&'a Text>,
    /// The exit code of the process that failed.
    pub exit_code: Option<i32>,
    /// The signal that ended the process.
    pub signal: Option<&'a str>,
    /// Why it must run again, or must once the attempt under way ends.
    pub marks: Vec<MarkReport<'a>>,
    /// Why it is done without.
    pub skipped: Option<SkipReport<'a>>,
    /// Whether the last attempt had all that it needs.
    pub dependencies_met: Option<bool>,
    /// What the last attempt did without.
    pub unmet: &'a [PhaseId],
    /// What it needs that is neither complete nor skipped now.
    pub waits_for: Vec<PhaseId>,
    /// Whether its cost limit or its workflow's is exceeded, so that it is not started.
    pub over_limit: bool,
    /// What it needs.
    pub needs: &'a [PhaseId],
    /// Who needs it.
    pub needed_by: Vec<&'a PhaseId>,
    /// The digest of its last output.
    pub output: Option<Digest>,
    /// What callers attached.
    pub metadata: &'a Metadata,
    /// The place of the last event about it.
    pub last_seq: Seq,
    /// When that event took effect.
    pub updated_at: Timestamp,
}

/// One reason to run again.
#[derive(Debug, Serialize)]
pub struct MarkReport<'a> {
    /// The event that says so.
    pub id: EventId,
    /// Its place.
    pub seq: Seq,
    /// When it took effect.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: &'a Text,
    /// The kind of its weightiest cause; none when someone asked for it.
    pub kind: Option<CauseKind>,
    /// The event at the far end of the chain of causes; itself when someone asked for it.
    pub root: Option<EventReport<'a>>,
}

/// A decision to do without a phase.
#[derive(Debug, Serialize)]
pub struct SkipReport<'a> {
    /// The place of its event.
    pub seq: Seq,
    /// When it took effect.
    pub at: Option<Timestamp>,
    /// Who decided.
    pub by: Option<&'a str>,
    /// Why.
    pub reason: &'a Text,
}

/// A phase that the definition no longer has.
#[derive(Debug, Serialize)]
pub struct RetiredReport<'a> {
    /// Its name.
    pub phase: &'a PhaseName,
    /// How many attempts had been started.
    pub attempt: u32,
    /// The place of the event that retired it.
    pub last_seq: Seq,
}

/// An event, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventReport<'a> {
    /// The event.
    #[serde(flatten)]
    pub event: EventBrief,
    /// Who asked.
    pub by: &'a str,
    /// The system's own user, where that is not the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    /// Whether a rule derived it.
    pub derived: bool,
    /// The reason, the error or the note that it holds, as it was given; for one about costs, what it tells.
    pub text: Option<Cow<'a, str>>,
}
