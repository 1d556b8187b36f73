//! `show`: one event, or one phase, in full.

use std::sync::Arc;

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::ledger::LedgerError;
use crate::model::{PhaseRef, Places, Recorded, When};
use crate::query::{Effects, EventView, Linked, PhaseHistory, PhaseView, phase_named};
use crate::rules::{Rejection, Table};

/// What is there to know of an event, or of a phase?
#[derive(Debug, Clone)]
pub enum Show {
    /// Of an event.
    Event(When),
    /// Of a phase, a retired one too; where there is none of the name, perhaps of an event.
    Phase(PhaseRef, Option<When>),
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
            Show::Phase(name, otherwise) => phase(name, otherwise.as_ref(), cut),
        }
    }
}

fn event(when: &When, cut: &Cut<'_>) -> Result<ShowAnswer, AskError> {
    let seq = cut.find_event(when)?;
    let (line, record) = (cut.line(seq)?, cut.record(seq)?);
    let causes = record.causes.iter().map(|cause| Ok(Linked::new(&cut.record(cause.event.seq)?, cause.kind)));
    let causes = causes.collect::<Result<_, AskError>>()?;
    let mut effects = Effects::of(&record);
    cut.each(&cut.places().without(&Places::up_to(seq)), |later| {
        effects.look_at(&later);
        Ok(())
    })?;
    let not_json = |error: serde_json::Error| LedgerError::Line { seq, source: error.into() };
    let view = EventView::new(&line, causes, effects.found()).map_err(not_json)?;
    Ok(ShowAnswer::Event(Box::new(ShownEvent { view, record, table: cut.table()? })))
}

fn phase(name: &PhaseRef, otherwise: Option<&When>, cut: &Cut<'_>) -> Result<ShowAnswer, AskError> {
    let table = cut.table()?;
    let phase = match (phase_named(&table, name), otherwise) {
        (Ok(phase), _) => phase,
        (Err(Rejection::UnknownPhase { .. } | Rejection::RenamedPhase { .. }), Some(when)) => {
            return event(when, cut);
        }
        (Err(refused), _) => return Err(refused.into()),
    };
    let mut history = PhaseHistory::of(&table, phase);
    cut.each(cut.places(), |record| {
        history.look_at(&record);
        Ok(())
    })?;
    let view = history.view(&table, phase, cut.instant());
    Ok(ShowAnswer::Phase(Box::new(ShownPhase { view, table })))
}
