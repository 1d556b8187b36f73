//! What happened in the attempts of a phase: that it was skipped, started, ended well or badly.

use serde::{Deserialize, Serialize};

use super::basis::Basis;
use super::happened::seconds;
use super::mark::Mark;
use crate::model::{
    Cause, CauseKind, Consumed, Digest, EventId, EventRef, LookedThrough, Origin, PhaseId, Process, Seq,
    Text, Timestamp,
};

/// A decision to do without a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The event.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// Why.
    pub reason: Text,
    /// What an attempt in its place would have answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Origin>,
    /// What that goes back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
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
    /// Whether nobody says that it was then: a repair of a history put it in, or it was claimed to be before what it rests
    /// on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
    /// What it goes back to: the roots of all that it answers; itself where it answers nothing.
    pub origins: Vec<Origin>,
    /// The version that it runs under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The completions and skips it builds on.
    pub consumed: Vec<Consumed>,
    /// What it found through needs that have no completion which stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_through: Vec<LookedThrough>,
    /// The needs that were not met.
    pub unmet: Vec<PhaseId>,
    /// The process that does the work, while it is under way and where that is known.
    pub process: Option<Box<Process>>,
    /// Who vouched last for what it left, so that it counts as built on what was there then; none where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Box<Vouched>>,
}

/// That somebody vouches for what an attempt left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// The event.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// The root of its causes.
    pub root: EventId,
    /// When it took effect.
    pub at: Timestamp,
}

impl Attempt {
    /// Returns since which place what it is built on may have changed: its start, or when somebody vouched for it.
    pub fn since(&self) -> Seq {
        self.vouched.as_ref().map_or(self.seq, |vouched| vouched.seq)
    }

    /// Returns the cause that its start is of what happens in it.
    pub(super) fn cause(&self) -> Cause {
        Cause::new(EventRef { seq: self.seq, id: self.event }, CauseKind::PhaseStarted)
    }

    /// Returns how long it took to an end; none where that, or its start, is not known to be then.
    pub(super) fn took(&self, ended_at: Option<Timestamp>) -> Option<f64> {
        let ended_at = ended_at.filter(|_| !self.inferred)?;
        Some(seconds(ended_at.since(self.started_at)))
    }

    /// Returns how many needs it had.
    pub(super) fn needs(&self) -> usize {
        let through = |need: &PhaseId| self.looked_through.iter().any(|through| through.need == *need);
        let itself = self.consumed.iter().filter(|consumed| !through(&consumed.phase));
        itself.count() + self.looked_through.len()
    }

    /// Says whether it had a need.
    pub(super) fn had(&self, need: &PhaseId) -> bool {
        self.looked_through.iter().any(|through| through.need == *need) || self.consumed_of(need).is_some()
    }

    /// Returns the completion of a need that it found in the need itself.
    pub(super) fn found_itself(&self, need: &PhaseId) -> Option<&Consumed> {
        let is_looked_through = self.looked_through.iter().any(|through| through.need == *need);
        self.consumed_of(need).filter(|_| !is_looked_through)
    }

    fn consumed_of(&self, need: &PhaseId) -> Option<&Consumed> {
        self.consumed.iter().find(|consumed| consumed.phase == *need)
    }

    /// Returns the basis that it found in a need; none for one that it did not have.
    pub(super) fn basis(&self, need: &PhaseId) -> Option<Basis> {
        if let Some(through) = self.looked_through.iter().find(|through| through.need == *need) {
            return Some(Basis::recorded(through));
        }
        Some(Basis::of(vec![self.consumed_of(need)?.clone()]))
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
    /// Whether it names files that its caller stated, while the definition declared none: they are compared as if it did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stated: bool,
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
    /// The root of its causes, where that is not the attempt's: a cost that goes over a limit has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<EventId>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took; none where its start or its end is inferred.
    pub duration_seconds: Option<f64>,
    /// What went wrong.
    pub error: Text,
}
