//! One phase: what its definition says of it, and where it stands.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Completion, Failure, Skip};
use super::budget::Budget;
use super::happened::Happened;
use super::mark::Mark;
use super::rejection::Rejection;
use super::spec::{Lineage, PhaseSpec};
use crate::model::{Declared, FileRole, Metadata, Origin, PhaseId, Process, Said, Seq, StateName, Timestamp};

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
    /// What set its last completion aside goes back to: a start to what it answers, a skip or a reset to itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<Origin>,
    /// The reset that it is as if it had not run by, or the one of all that this goes back to; none where something
    /// happened since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Origin>,
    /// What events replaced since it moved last that may be taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
    /// What brought its completion back, where that was set aside and the event that did is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Origin>,
    /// How its definition came to be.
    pub lineage: Lineage,
    /// Whether an attempt of a phase below was ever built on what was found through it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looked_through: bool,
    /// How many attempts have been started.
    pub attempt: u32,
    /// What the last attempt had started that still ran as it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<Process>,
    /// What callers attached.
    pub metadata: Metadata,
    /// What it cost so far.
    #[serde(default, skip_serializing_if = "Budget::is_empty")]
    pub budget: Budget,
    /// Whether any event was ever about it, beside definitions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_history: bool,
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

    /// Says whether any of its files are watched: its definition declares them, or its last completion names some.
    pub fn watches_files(&self) -> bool {
        !self.spec.inputs.is_empty() || !self.spec.outputs.is_empty() || self.has_stated()
    }

    /// Says whether its last completion names files that its caller stated, while none were declared.
    pub fn has_stated(&self) -> bool {
        self.state.completion().is_some_and(|completion| completion.stated)
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

    /// Says whether what it has, or is about to have, does not stand, as its events say.
    pub fn is_stale(&self) -> bool {
        match &self.state {
            PhaseState::NeedsRerun { .. } => true,
            PhaseState::InProgress { outdated_by, .. } => !outdated_by.is_empty(),
            PhaseState::Pending { .. } | PhaseState::Complete { .. } | PhaseState::Failed { .. } => false,
        }
    }

    /// Returns the completion that stands, outdated or not: what those who need the phase build on.
    pub fn standing(&self) -> Option<&Completion> {
        self.state.completion().filter(|_| !self.retired)
    }

    /// Says whether what is below it may be judged otherwise when something above it changes: not where no attempt was
    /// ever built on what was found through it.
    pub fn passes(&self) -> bool {
        self.looked_through || self.standing().is_some()
    }

    /// Returns what is above a phase that is judged: what it needs and needed, and what its attempt found.
    pub fn above(&self) -> Vec<&PhaseId> {
        self.spec.needs.iter().chain(self.lineage.edges.keys()).chain(self.found()).collect()
    }

    /// Returns what of that counts for what is below the phase: nothing where a completion stands that is not stale, and
    /// what was found where that is so of the attempt under way.
    pub fn above_through(&self) -> Vec<&PhaseId> {
        if self.standing().is_some() && !self.is_stale() {
            return Vec::new();
        }
        let found = self.found_under_way().filter(|_| !self.is_stale());
        found.unwrap_or_else(|| self.above())
    }

    /// Says whether it is stale, and its last attempt looked through a need: to tell what changed behind that takes the
    /// graph as it was then, through whatever stands there now.
    pub fn is_told_by_the_graph_of_then(&self) -> bool {
        self.is_stale() && self.state.attempt().is_some_and(|attempt| !attempt.looked_through.is_empty())
    }

    /// Notes that what happens next sets its completion aside, where one stands, and ends a reset.
    pub(super) fn set_aside(&mut self, by: &[Origin]) {
        if self.standing().is_some() {
            self.aside = by.to_vec();
        }
        self.reset = None;
        self.go_on();
    }

    /// Notes that it moves on: what was replaced before is not to be there again.
    pub(super) fn go_on(&mut self) {
        self.replaced.clear();
        self.returned = None;
    }

    /// Returns the phases of which its last attempt found completions.
    fn found(&self) -> impl Iterator<Item = &PhaseId> {
        let through = self.state.attempt().map_or(&[][..], |attempt| &attempt.looked_through);
        through.iter().flat_map(|through| &through.found).map(|found| &found.phase)
    }

    /// Returns the phases of which an attempt that is under way found completions; none where none is, or where they are
    /// too many to be recorded.
    pub(super) fn found_under_way(&self) -> Option<Vec<&PhaseId>> {
        let PhaseState::InProgress { attempt, .. } = &self.state else { return None };
        // A need that was dropped since is looked through no more.
        if attempt.needs() != self.spec.needs.len() {
            return None;
        }
        let through = &attempt.looked_through;
        let itself = attempt.consumed.iter().map(|found| &found.phase);
        let itself = itself.filter(|need| !through.iter().any(|through| through.need == **need));
        let found = through.iter().flat_map(|through| &through.found).map(|found| &found.phase);
        through.iter().all(|through| through.many.is_none()).then(|| itself.chain(found).collect())
    }

    /// Returns what was said against it since its last attempt began, the first one first.
    pub(super) fn said(&self) -> impl Iterator<Item = &Mark> {
        let put_off = self.standing().map_or(&[][..], |completion| &completion.outdated_by);
        put_off.iter().chain(self.state.marks())
    }

    /// Returns the needs that its definition had after the event at a place.
    pub(super) fn needs_at(&self, place: Seq) -> BTreeSet<&PhaseId> {
        if self.lineage.added > place {
            return BTreeSet::new();
        }
        let mut needs: BTreeSet<&PhaseId> = self.spec.needs.iter().collect();
        for (need, changes) in &self.lineage.edges {
            let since = changes.iter().filter(|change| **change > place).count();
            if since % 2 == 1 && !needs.remove(need) {
                needs.insert(need);
            }
        }
        needs
    }

    /// Tells whether it was said since its last attempt began, and not taken back, that it must run again.
    pub fn is_told(&self, by: Said) -> bool {
        self.said().any(|mark| mark.said() == Some(by))
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

/// What an event replaced of a phase that may be taken back: kept until the phase moves on, so that it is there again as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// The place of the event.
    pub by: Seq,
    /// What was there.
    pub was: Was,
}

/// What was there of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Was {
    /// Marks, which are gone.
    Marks(Vec<Mark>),
    /// Where it stood.
    Stood(Box<Stood>),
}

/// Where a phase stood, with what of it goes when it moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stood {
    /// Its state.
    pub state: PhaseState,
    /// What set its last completion aside goes back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<Origin>,
    /// The reset that it was as if it had not run by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Origin>,
    /// What events had replaced until then that may be taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
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

    /// Returns the completion that the phase stands by, or stood by when it was retired.
    pub(super) fn completion(&self) -> Option<&Completion> {
        match self {
            PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
                Some(completion)
            }
            PhaseState::Pending { .. } | PhaseState::InProgress { .. } | PhaseState::Failed { .. } => None,
        }
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
