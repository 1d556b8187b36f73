//! What taking a command back does, as the families say it.

use super::phase::Phase;
use super::rejection::{Rejection, RevertRejection};
use super::table::Table;
use crate::model::{Event, Recorded, RerunReason, Seq, StateName, Subject, Undone};

/// What taking a command back does.
pub(super) struct Undoing {
    /// What it was about.
    pub what: Undone,
    /// Whether that is there again.
    pub again: bool,
    /// The marks that are gone, or there again.
    pub marks: Vec<Seq>,
    /// Why the phase must run again all the same.
    pub still: Option<RerunReason>,
    /// The states of the phase before and after, where it is about its state.
    pub transition: Option<(StateName, StateName)>,
    /// What holds from now on, and of what.
    pub effect: Option<(Subject, Event)>,
}

impl Undoing {
    /// Says what it was about, and nothing more.
    pub fn of(what: Undone) -> Self {
        Undoing { what, again: false, marks: Vec::new(), still: None, transition: None, effect: None }
    }

    /// Says what it was about, and what holds from now on.
    pub fn with(what: Undone, effect: Option<(Subject, Event)>) -> Self {
        Undoing { effect, ..Undoing::of(what) }
    }

    /// As [`Undoing::with`], where the event that is taken back says what is there now.
    pub fn effect(what: Undone, target: &Recorded, event: impl Into<Event>) -> Self {
        Undoing::with(what, Some((target.subject.clone(), event.into())))
    }
}

/// Returns the phase that an event is about, which the definitions in force must have.
pub(super) fn subject<'a>(table: &'a Table, target: &Recorded) -> Result<&'a Phase, Rejection> {
    match target.subject.phase() {
        Some(phase) => table.resolve(&phase.clone().into()),
        None => Err(RevertRejection::Passed { seq: target.seq, kind: target.event.kind(), by: None }.into()),
    }
}

/// Refuses to take back what no longer says what is there: the phase moved on, or something else says it since.
pub(super) fn passed(target: &Recorded, by: Option<Seq>) -> Rejection {
    let by = by.filter(|by| *by > target.seq);
    RevertRejection::Passed { seq: target.seq, kind: target.event.kind(), by }.into()
}
