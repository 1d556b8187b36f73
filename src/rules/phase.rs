//! One phase: what its definition says of it, where it stands, and what happened in its attempts.

use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::happened::{Happened, seconds};
use super::rejection::Rejection;
use crate::model::{
    Amount, Cause, CauseKind, Change, Consumed, Declared, Digest, EventId, EventRef, FileRole, Metadata,
    PhaseDefinition, PhaseId, Process, Seq, StateName, Text, Timestamp, WorkflowName,
};

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
    /// The last event that moved it: see [`rests_on`](super::rests_on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Happened>,
    /// The definition that brought it in, or dated that back.
    pub brought_in: Happened,
    /// The cost on it, refunds aside, that took effect last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Happened>,
}

impl Phase {
    /// Returns what its definition declares of its files; none where it declares nothing.
    pub fn declared(&self, role: FileRole) -> Option<Declared> {
        let patterns = match role {
            FileRole::Inputs => &self.spec.inputs,
            FileRole::Outputs => &self.spec.outputs,
        };
        let declared = || Declared { phase: self.id.clone(), role, patterns: patterns.clone() };
        (!patterns.is_empty()).then(declared)
    }

    /// Checks that a verb may be done to it as it stands.
    pub(super) fn check_state(
        &self,
        verb: &'static str,
        allowed: &'static [StateName],
    ) -> Result<(), Rejection> {
        if allowed.contains(&self.state.name()) { Ok(()) } else { Err(self.illegal(verb, allowed)) }
    }

    /// Returns the attempt under way, which a verb needs.
    pub(super) fn under_way(&self, verb: &'static str) -> Result<&Attempt, Rejection> {
        match &self.state {
            PhaseState::InProgress { attempt, .. } => Ok(attempt),
            PhaseState::Pending { .. }
            | PhaseState::Complete { .. }
            | PhaseState::Failed { .. }
            | PhaseState::NeedsRerun { .. } => Err(self.illegal(verb, &[StateName::InProgress])),
        }
    }

    fn illegal(&self, verb: &'static str, allowed: &'static [StateName]) -> Rejection {
        Rejection::IllegalTransition { verb, phase: self.id.clone(), from: self.state.name(), allowed }
    }

    /// Merges metadata into what is attached to it. Says what is wrong where that is too much.
    pub(super) fn merge(&mut self, metadata: &Metadata) -> Result<(), String> {
        self.metadata.merge(metadata).map_err(|error| error.to_string())
    }

    /// Checks that metadata can be merged into what is attached to it.
    pub(super) fn check_merge(&self, metadata: &Metadata) -> Result<(), Rejection> {
        let mut merged = self.metadata.clone();
        merged
            .merge(metadata)
            .map_err(|error| Rejection::MetadataTooLarge { phase: self.id.clone(), bytes: error.bytes })
    }
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
    /// As if it had not run: that of a new phase, and of one that is reset.
    pub(super) const NOT_RUN: PhaseState = PhaseState::Pending { skipped: None };

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
    /// Whether nobody says that it was then: a repair of a history put it in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
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
        Cause::new(EventRef { seq: self.seq, id: self.event }, CauseKind::PhaseStarted)
    }

    /// Returns how long it took to an end; none where that, or its start, is inferred.
    pub(super) fn took(&self, ended_at: Option<Timestamp>) -> Option<f64> {
        let ended_at = ended_at.filter(|_| !self.inferred)?;
        Some(seconds(ended_at.since(self.started_at)))
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
    /// How long it took; none where its start or its end is inferred.
    pub duration_seconds: Option<f64>,
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
    /// How long it took; none where its start or its end is inferred.
    pub duration_seconds: Option<f64>,
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

/// Returns the digest of what changed; none where nothing did.
pub(super) fn digest(changes: &[Change]) -> Option<Digest> {
    let json = || serde_json::to_vec(changes).expect("changes are texts");
    (!changes.is_empty()).then(|| Digest::sha256(&json()))
}
