//! The phase table: where everything stands after some prefix of the log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Approval, Budget, Rejection};
use crate::model::{
    Amount, ApprovalPolicy, Cause, CauseKind, Consumed, Digest, EventId, Metadata, PhaseDefinition, PhaseId,
    PhaseRef, Process, Seq, StateName, TagName, Text, Timestamp, WorkflowName,
};

/// The version of the fold: rows and snapshots that another one made are discarded.
pub const FOLD_VERSION: u32 = 2;

/// Everything that the log adds up to. A table may be partial: it then holds the phases that a command needs
/// (see [`super::reach`]) and no others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The place of the last event folded in.
    pub head: Seq,
    /// The workflows, by name.
    pub workflows: BTreeMap<WorkflowName, Workflow>,
    /// The phases, retired ones included.
    pub phases: BTreeMap<PhaseId, Phase>,
    /// Who needs a phase; a phase that nobody needs may be absent.
    pub dependants: BTreeMap<PhaseId, BTreeSet<PhaseId>>,
    /// The tags, by name.
    pub tags: BTreeMap<TagName, Tag>,
    /// What leave was asked for, decided or not, by the request's event. A partial table has those that its
    /// commands decide, or have made.
    pub approvals: BTreeMap<EventId, Approval>,
}

/// One workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name.
    pub name: WorkflowName,
    /// What it is for.
    pub description: Option<String>,
    /// The currency of all its amounts.
    pub currency: Option<String>,
    /// The most that all its phases together may cost, as its definition says; [`Budget::limit`] is in force.
    pub cost_limit: Option<Amount>,
    /// What all its phases together cost so far, retired ones included.
    #[serde(default, skip_serializing_if = "Budget::is_empty")]
    pub budget: Budget,
    /// When approvals are decided without a person.
    #[serde(default, skip_serializing_if = "ApprovalPolicy::is_default")]
    pub approval: ApprovalPolicy,
    /// The digest of the definition in force.
    pub definition: Digest,
    /// The place of the event that defined it last.
    pub defined: Seq,
}

/// A name for a place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The place.
    pub seq: Seq,
    /// The place of the event that set it.
    pub set: Seq,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Its full name.
    pub id: PhaseId,
    /// What its definition says.
    pub spec: PhaseSpec,
    /// Whether the definition no longer has it. Its history stays.
    pub retired: bool,
    /// Where it stands.
    pub state: PhaseState,
    /// How many attempts have been started.
    pub attempt: u32,
    /// What callers attached.
    pub metadata: Metadata,
    /// What it cost so far.
    #[serde(default, skip_serializing_if = "Budget::is_empty")]
    pub budget: Budget,
    /// The place of the last event about it.
    pub last_seq: Seq,
    /// When that event took effect.
    pub updated_at: Timestamp,
}

/// What the definition in force says of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSpec {
    /// Its place in the file, from 0.
    pub position: u32,
    /// The phases that must be complete or skipped before it starts.
    pub needs: Vec<PhaseId>,
    /// The most it may cost; [`Budget::limit`] is in force.
    pub cost_limit: Option<Amount>,
    /// Its version.
    pub version: Option<String>,
    /// Globs of the files it reads.
    pub inputs: Vec<String>,
    /// Globs of the files it writes.
    pub outputs: Vec<String>,
    /// What it does.
    pub description: Option<String>,
}

impl PhaseSpec {
    /// Takes a phase out of its workflow's definition.
    pub fn new(workflow: &WorkflowName, position: usize, phase: &PhaseDefinition) -> Self {
        PhaseSpec {
            position: u32::try_from(position).unwrap_or(u32::MAX),
            needs: phase.needs.iter().map(|need| need.within(workflow)).collect(),
            cost_limit: phase.cost_limit,
            version: phase.version.clone(),
            inputs: phase.inputs.clone(),
            outputs: phase.outputs.clone(),
            description: phase.description.clone(),
        }
    }
}

/// Where one phase stands. Each state holds what is true only in that state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PhaseState {
    /// Not run, reset, or skipped.
    Pending {
        /// The skip that satisfies those who need the phase.
        skipped: Option<Skip>,
    },
    /// An attempt is under way.
    InProgress {
        /// The attempt.
        attempt: Attempt,
        /// What has changed above since it started: it must run again once it ends.
        outdated_by: Vec<Mark>,
    },
    /// The last attempt ended well and stands.
    Complete {
        /// How it ended.
        completion: Completion,
    },
    /// The last attempt ended badly.
    Failed {
        /// How it ended.
        failure: Failure,
    },
    /// The last attempt ended well, but must be repeated.
    NeedsRerun {
        /// How it ended.
        completion: Completion,
        /// Why it must be repeated; at least one.
        marks: Vec<Mark>,
    },
}

impl PhaseState {
    /// Returns the state's name.
    pub const fn name(&self) -> StateName {
        match self {
            PhaseState::Pending { .. } => StateName::Pending,
            PhaseState::InProgress { .. } => StateName::InProgress,
            PhaseState::Complete { .. } => StateName::Complete,
            PhaseState::Failed { .. } => StateName::Failed,
            PhaseState::NeedsRerun { .. } => StateName::NeedsRerun,
        }
    }

    /// Returns what still tells that the phase must run again: its marks, or what outdates its attempt.
    pub fn marks(&self) -> &[Mark] {
        match self {
            PhaseState::NeedsRerun { marks, .. } => marks,
            PhaseState::InProgress { outdated_by, .. } => outdated_by,
            PhaseState::Pending { .. } | PhaseState::Complete { .. } | PhaseState::Failed { .. } => &[],
        }
    }

    /// Says whether those who need the phase may start.
    pub const fn satisfies(&self) -> bool {
        matches!(self, PhaseState::Complete { .. } | PhaseState::Pending { skipped: Some(_) })
    }

    /// Returns the last attempt, where the state has one.
    pub fn attempt(&self) -> Option<&Attempt> {
        match self {
            PhaseState::Pending { .. } => None,
            PhaseState::InProgress { attempt, .. } => Some(attempt),
            PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
                Some(&completion.attempt)
            }
            PhaseState::Failed { failure } => Some(&failure.attempt),
        }
    }
}

/// A decision to do without a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The event.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// Why.
    pub reason: Text,
}

/// One run of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The event that started it.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// The root of its causes.
    pub root: EventId,
    /// When it took effect.
    pub started_at: Timestamp,
    /// The completions and skips it builds on.
    pub consumed: Vec<Consumed>,
    /// The needs that were not met.
    pub unmet: Vec<PhaseId>,
    /// The process that does the work, while it is under way and where that is known.
    pub process: Option<Process>,
}

impl Attempt {
    /// Returns the cause that its start is of what happens in it.
    pub(super) fn cause(&self) -> Cause {
        Cause { event: self.event, seq: self.seq, kind: CauseKind::PhaseStarted, edge: None }
    }

    /// Returns the digest of the output that the attempt consumed of a needed phase.
    pub fn consumed_output(&self, need: &PhaseId) -> Option<Digest> {
        self.consumed.iter().find(|consumed| consumed.phase == *need)?.output
    }
}

/// An attempt that ended well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The attempt.
    pub attempt: Attempt,
    /// The event that ended it.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
    /// The digest of its output.
    pub output: Option<Digest>,
    /// What had changed above while it ran.
    pub outdated_by: Vec<Mark>,
}

/// An attempt that ended badly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The attempt.
    pub attempt: Attempt,
    /// The event that ended it.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
    /// What went wrong.
    pub error: Text,
}

/// Why a phase must run again: one event that said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The event: `rerun_marked`, `rerun_cause_added` or `rerun_deferred`.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// The root of its causes.
    pub root: EventId,
    /// When it took effect.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: Text,
    /// The kind of its weightiest cause; none when someone asked for it.
    pub kind: Option<CauseKind>,
    /// The digest of the changed inputs that a scan found, so that it says the same only once; none for a mark
    /// that no scan made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Digest>,
}

impl Mark {
    /// Says whether unchanged outputs above can lift the mark: nobody asked for it, and neither the
    /// definition nor an input changed.
    pub fn is_from_upstream(&self) -> bool {
        self.kind.is_some_and(is_upstream)
    }
}

/// Says whether a kind of cause comes from a phase above.
pub(super) fn is_upstream(kind: CauseKind) -> bool {
    match kind {
        CauseKind::UpstreamRerun | CauseKind::UpstreamReset | CauseKind::UpstreamCompleted => true,
        CauseKind::DefinitionChanged
        | CauseKind::InputChanged
        | CauseKind::RerunMarked
        | CauseKind::PhaseFailed
        | CauseKind::PhaseStarted
        | CauseKind::UpstreamUnchanged
        | CauseKind::CostRecorded
        | CauseKind::CostLimitSet
        | CauseKind::CostLimitExceeded
        | CauseKind::ApprovalRequested
        | CauseKind::SameCommand => false,
    }
}

impl Table {
    /// Returns a phase that the definitions in force have.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownPhase`], or [`Rejection::AmbiguousPhase`] when several workflows have a phase of
    /// the bare name.
    pub fn resolve(&self, name: &PhaseRef) -> Result<&Phase, Rejection> {
        let mut found = self.candidates(name).into_iter().filter_map(|id| self.phases.get(&id));
        match (found.next(), found.next()) {
            (Some(phase), None) => Ok(phase),
            (None, _) => Err(Rejection::UnknownPhase { phase: name.clone() }),
            (Some(_), Some(_)) => {
                let candidates = self.candidates(name);
                Err(Rejection::AmbiguousPhase { phase: name.clone(), candidates })
            }
        }
    }

    /// Returns the full names that a name may stand for and that the table has, in order.
    fn candidates(&self, name: &PhaseRef) -> Vec<PhaseId> {
        let workflows: Vec<_> = match &name.workflow {
            Some(workflow) => vec![workflow],
            None => self.workflows.keys().collect(),
        };
        let ids = workflows.into_iter().map(|workflow| PhaseId::new(workflow.clone(), name.phase.clone()));
        ids.filter(|id| self.phases.get(id).is_some_and(|phase| !phase.retired)).collect()
    }

    /// Returns the workflow of a name, or the only one there is.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownWorkflow`], or [`Rejection::WorkflowNeeded`] when there is none or several to
    /// choose from.
    pub fn workflow(&self, name: Option<&WorkflowName>) -> Result<&Workflow, Rejection> {
        match name {
            Some(name) => {
                self.workflows.get(name).ok_or_else(|| Rejection::UnknownWorkflow { workflow: name.clone() })
            }
            None => {
                let mut workflows = self.workflows.values();
                match (workflows.next(), workflows.next()) {
                    (Some(only), None) => Ok(only),
                    (None, _) | (Some(_), Some(_)) => Err(Rejection::WorkflowNeeded {
                        candidates: self.workflows.keys().cloned().collect(),
                    }),
                }
            }
        }
    }

    /// Returns the phases that the definitions in force have, by workflow and then in the file's order.
    pub fn current(&self) -> Vec<&Phase> {
        let mut phases: Vec<_> = self.phases.values().filter(|phase| !phase.retired).collect();
        phases.sort_by(|a, b| (&a.id.workflow, a.spec.position).cmp(&(&b.id.workflow, b.spec.position)));
        phases
    }

    /// Returns who needs a phase, in order.
    pub fn dependants_of(&self, id: &PhaseId) -> impl Iterator<Item = &PhaseId> {
        self.dependants.get(id).into_iter().flatten()
    }

    /// Returns the needs of a phase that are neither complete nor skipped.
    pub fn unmet(&self, phase: &Phase) -> Vec<PhaseId> {
        let met = |need: &&PhaseId| self.phases.get(*need).is_some_and(|need| need.state.satisfies());
        phase.spec.needs.iter().filter(|need| !met(need)).cloned().collect()
    }
}
