//! The answer to a command, in JSON.

use std::borrow::Cow;

use phaseledger::files::Unmatched;
use phaseledger::ledger::{Answer, AnswerStatus};
use phaseledger::model::{
    CommandId, Declared, FileRole, PhaseId, Recorded, Renamed, Seq, Timestamp, Unreadable,
};
use phaseledger::query::{Clash, DefinitionChanges, Forecast, LeftBehind, words};
use serde::Serialize;

use super::Beside;

/// The answer to a command, in JSON.
#[derive(Serialize)]
pub struct AnswerView<'a> {
    status: &'static str,
    seq: u64,
    id: CommandId,
    derived: Vec<DerivedView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raised: Option<RaisedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<Timestamp>,
    #[serde(flatten)]
    unreadable: Option<Unreadable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<&'a Forecast>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unmatched: &'a [UnmatchedView],
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a DefinitionChanges>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    left_behind: &'a [LeftBehind],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ambiguous: &'a [Clash],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    renamed: &'a [Renamed],
}

/// A declared pattern that selects nothing, in JSON.
#[derive(Debug, Serialize)]
pub struct UnmatchedView {
    phase: PhaseId,
    role: FileRole,
    #[serde(flatten)]
    unmatched: Unmatched,
}

impl UnmatchedView {
    /// Views those of a declaration.
    pub fn all(declared: &Declared, unmatched: Vec<Unmatched>) -> Vec<Self> {
        let Declared { phase, role, .. } = declared;
        let view = |unmatched| UnmatchedView { phase: phase.clone(), role: *role, unmatched };
        unmatched.into_iter().map(view).collect()
    }

    /// Views those of a declaration in place of what was found of it before.
    pub fn replace(views: &mut Vec<Self>, declared: &Declared, unmatched: Vec<Unmatched>) {
        views.retain(|view| (&view.phase, view.role) != (&declared.phase, declared.role));
        views.extend(UnmatchedView::all(declared, unmatched));
    }
}

/// When a command took effect that could not when it was claimed to have, or now.
#[derive(Serialize)]
struct RaisedView {
    claimed: Option<Timestamp>,
    at: Timestamp,
    rests_on: Seq,
}

/// An event, in a few words.
#[derive(Serialize)]
pub struct DerivedView<'a> {
    seq: u64,
    id: phaseledger::model::EventId,
    kind: &'static str,
    phase: Option<String>,
    to: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
}

impl<'a> AnswerView<'a> {
    /// Views an answer.
    pub fn new(answer: &'a Answer) -> Self {
        AnswerView {
            status: status_name(answer.status),
            seq: answer.seq.number(),
            id: answer.id,
            derived: answer.events.iter().skip(1).map(DerivedView::new).collect(),
            raised: answer.raised.map(|rest| RaisedView {
                claimed: answer.events.first().and_then(|first| first.occurred_at),
                at: rest.at,
                rests_on: rest.seq,
            }),
            clock: answer.events.first().and_then(|first| first.clock),
            unreadable: answer.events.iter().find_map(|record| record.event.unreadable()),
            forecast: None,
            unmatched: &[],
            changes: None,
            left_behind: &[],
            ambiguous: &[],
            renamed: renamed(answer),
        }
    }

    /// Adds what is told beside.
    pub(super) fn with(self, beside: &Beside<'a>) -> Self {
        let Beside { forecast, unmatched, redefined } = *beside;
        let redefined = redefined.map(|(redefined, _)| redefined);
        AnswerView {
            forecast,
            unmatched,
            changes: redefined.map(|redefined| &redefined.changes),
            left_behind: redefined.map_or(&[], |redefined| &redefined.left_behind),
            ambiguous: redefined.map_or(&[], |redefined| &redefined.clashes),
            ..self
        }
    }
}

/// Returns which phases have another name by what was recorded.
fn renamed(answer: &Answer) -> &[Renamed] {
    let defined = answer.events.iter().find_map(|record| record.event.definition());
    defined.map(|defined| defined.renamed.as_slice()).unwrap_or_default()
}

impl<'a> DerivedView<'a> {
    /// Views an event.
    pub fn new(record: &'a Recorded) -> Self {
        DerivedView {
            seq: record.seq.number(),
            id: record.id,
            kind: record.event.kind(),
            phase: record.subject.phase().map(ToString::to_string),
            to: record.transition.map(|(_, to)| to.as_str()),
            reason: words(&record.event).quotation(),
        }
    }
}

/// Returns the name of what came of a command.
pub const fn status_name(status: AnswerStatus) -> &'static str {
    match status {
        AnswerStatus::Appended => "appended",
        AnswerStatus::Duplicate => "duplicate",
        AnswerStatus::Unchanged => "unchanged",
        AnswerStatus::Preview => "preview",
    }
}
