//! `show`: one event, or one phase, in full.

use std::sync::Arc;

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::ledger::{LedgerError, Sought};
use crate::model::{PhaseRef, Places, Recorded, Seq, When};
use crate::query::{Effects, EventView, Linked, PhaseHistory, PhaseView, phase_named};
use crate::rules::{Names, Rejection, Table};

/// What is there to know of an event, or of a phase?
#[derive(Debug, Clone)]
pub enum Show {
    /// Of an event.
    Event(When),
    /// Of a phase.
    Phase(ShowPhase),
}

/// What is there to know of a phase, a retired one too?
#[derive(Debug, Clone)]
pub struct ShowPhase {
    /// The phase.
    pub name: PhaseRef,
    /// The event that is asked about where there is no phase of the name.
    pub otherwise: Option<When>,
    /// How many of its attempts are told at most: the last ones, with what came since; all for none.
    pub last: Option<u32>,
}

/// One event, or one phase, in full.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ShowAnswer {
    /// An event.
    Event(Box<ShownEvent>),
    /// A phase.
    Phase(Box<ShownPhase>),
}

/// An event, with what caused it and what it led to.
#[derive(Debug, Clone, Serialize)]
pub struct ShownEvent {
    /// Its line, its leaf and its links.
    #[serde(flatten)]
    pub view: EventView,
    /// The event.
    #[serde(skip)]
    pub record: Recorded,
    /// The table as of which is asked.
    #[serde(skip)]
    pub table: Arc<Table>,
}

/// A phase, with all that it went through.
#[derive(Debug, Clone, Serialize)]
pub struct ShownPhase {
    /// Where it stands, its attempts and its notes.
    #[serde(flatten)]
    pub view: PhaseView,
    /// The table as of which is asked.
    #[serde(skip)]
    pub table: Arc<Table>,
}

impl Question for Show {
    const SCHEMA: &'static str = "show/1";
    type View = ShowAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<ShowAnswer, AskError> {
        match self {
            Show::Event(when) => event(when, cut),
            Show::Phase(asked) => phase(asked, cut),
        }
    }
}

fn event(when: &When, cut: &Cut<'_>) -> Result<ShowAnswer, AskError> {
    let seq = cut.find_event(when)?;
    let (line, record) = (cut.line(seq)?, cut.record(seq)?);
    let causes = record.causes.iter().map(|cause| Ok(Linked::new(&cut.record(cause.event.seq)?, cause.kind)));
    let causes = causes.collect::<Result<_, AskError>>()?;
    let mut effects = Effects::of(&record);
    // What it forced follows in its command; what it led to later names it.
    let mut end = seq;
    while let Some(next) = cut.places().next_after(end) {
        let later = cut.record(next)?;
        if later.command_id != record.command_id {
            break;
        }
        effects.look_at(&later);
        end = next;
    }
    cut.each(&cut.places_of(Sought::CausedBy(seq))?.without(&Places::up_to(end)), |later| {
        effects.look_at(&later);
        Ok(())
    })?;
    let not_json = |error: serde_json::Error| LedgerError::Line { seq, source: error.into() };
    let view = EventView::new(&line, causes, effects.found()).map_err(not_json)?;
    Ok(ShowAnswer::Event(Box::new(ShownEvent { view, record, table: cut.table_of_names()? })))
}

fn phase(asked: &ShowPhase, cut: &Cut<'_>) -> Result<ShowAnswer, AskError> {
    let table = cut.table_above(std::slice::from_ref(&asked.name))?;
    let phase = match (phase_named(&table, &asked.name), &asked.otherwise) {
        (Ok(phase), _) => phase,
        (Err(Rejection::UnknownPhase { .. } | Rejection::RenamedPhase { .. }), Some(when)) => {
            return event(when, cut);
        }
        (Err(refused), _) => return Err(refused.into()),
    };
    let names = table.names_of(phase);
    let mut places = cut.places_about(&names)?;
    let first = asked.last.map_or(1, |last| phase.attempt.saturating_sub(last).saturating_add(1));
    let before = if first > 1 { before_attempt(first, &names, &places, cut)? } else { Seq::ZERO };
    // What was defined before the first event about it ended no attempt.
    let begins = places.iter().next().map_or(cut.places().last(), |first| first.minus(1));
    for kind in ["workflow_defined", "workflow_retired"] {
        places = places.or(&cut.places_of(Sought::Kind(kind))?.without(&Places::up_to(begins)));
    }
    let mut history = PhaseHistory::of(&table, phase);
    cut.each(&places.without(&Places::up_to(before)), |record| {
        history.look_at(&record);
        Ok(())
    })?;
    let mut view = history.view(&table, phase, cut.instant());
    let told = view.attempts.first().filter(|_| before > Seq::ZERO);
    view.attempts_before = told.and_then(|first| first.attempt.checked_sub(1)).filter(|count| *count > 0);
    Ok(ShowAnswer::Phase(Box::new(ShownPhase { view, table })))
}

/// Returns the place before the start of an attempt, or of the last one before it that is there: behind it all comes that is
/// to be told.
fn before_attempt(attempt: u32, names: &Names, places: &Places, cut: &Cut<'_>) -> Result<Seq, AskError> {
    for seq in places.iter().rev() {
        let record = cut.record(seq)?;
        let started = record.event.started().filter(|_| names.is_about(&record));
        if started.is_some_and(|started| started.attempt <= attempt) {
            return Ok(seq.minus(1));
        }
    }
    Ok(Seq::ZERO)
}
