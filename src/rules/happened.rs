//! When something happened: what rows keep of it, for the events that rest on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Recorded, Reverted, Seq, Timestamp, Undone};

/// An event, and when it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// Its place.
    pub seq: Seq,
    /// When it took effect.
    pub at: Timestamp,
}

impl Happened {
    /// Takes the two of an event.
    pub fn of(record: &Recorded) -> Self {
        Happened { seq: record.seq, at: record.at }
    }

    /// Returns which of two took effect last.
    pub(super) fn later(self, other: Option<Happened>) -> Happened {
        other.filter(|other| other.at > self.at).unwrap_or(self)
    }
}

/// Says whether an event moves its phase: what comes after it on the phase rests on it. A mark that someone asked for
/// does, a judgement that was derived does not.
pub(super) fn is_transition(record: &Recorded) -> bool {
    let event = &record.event;
    let begins_or_ends = event.attempt().is_some();
    let sets_aside =
        event.skipped().is_some() || event.reset().is_some() || event.reverted().is_some_and(moves);
    let is_asked = record.rule.is_none() && record.transition.is_some_and(|(from, to)| from != to);
    begins_or_ends || sets_aside || is_asked
}

/// Says whether what is taken back moved a phase.
fn moves(reverted: &Reverted) -> bool {
    reverted.what == Undone::Skip
}

/// Returns the number nearest to a duration of whole microseconds, so that it is written with six decimals at
/// most.
pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e6
}
