//! What a command turns into: events, or a refusal.

use super::draft::Draft;
use super::family::{
    accepted, approval, attempt, costs, definition, files, notes, rerun, reservations, reset, retirement,
};
use super::names;
use super::rejection::Rejection;
use super::revert::revert;
use super::table::Table;
use crate::model::{Action, Command, Timestamp};

/// Decides on a command that takes effect at `at`. Most commands turn into one event; a few, such as a reset
/// of everything, into several that stand or fall together, the later ones caused by the first. A definition
/// that changes nothing turns into none.
///
/// # Errors
///
/// A [`Rejection`], with what was found and what would have been accepted.
pub fn decide(table: &Table, command: &Command, at: Timestamp) -> Result<Vec<Draft>, Rejection> {
    let (id, first) = (command.id, command.id.event(0));
    let one = |draft: Draft| vec![draft];
    // Nobody says when an end was that a repair puts in, or one that is claimed for a time when it cannot have been.
    let is_raised = command.claimed().is_some_and(|claimed| claimed < at);
    let ended = (command.inferred.is_none() && !is_raised).then_some(at);
    let end = attempt::End { at: ended, left_behind: &command.left_behind };
    match &command.action {
        Action::Define(define) => {
            definition::define(table, first, &names::settled(table, define), command.inferred)
        }
        Action::Retire(retire) => retirement::retire(table, first, retire).map(one),
        Action::Start(start) => attempt::start(table, command, start, (at, ended)),
        Action::Complete(complete) => attempt::complete(table, command, complete, end).map(one),
        Action::Fail(fail) => attempt::fail(table, first, fail, end).map(one),
        Action::Accept(accept) => accepted::accept(table, command, accept).map(one),
        Action::Revert(asked) => revert(table, command, asked, at),
        Action::Skip(skip) => attempt::skip(table, first, skip).map(one),
        Action::Rerun(rerun) if rerun.withdraw => rerun::withdraw(table, first, rerun).map(one),
        Action::Rerun(rerun) => rerun::rerun(table, first, rerun).map(one),
        Action::FilesChanged(changed) => files::changed(table, first, changed),
        Action::Reset(reset) => reset::reset(table, first, reset).map(one),
        Action::ResetAll(reset) => reset::reset_all(table, id, reset),
        Action::Meta(meta) => notes::attach(table, first, meta).map(one),
        Action::Note(note) => notes::note(table, first, note).map(one),
        Action::Tag(tag) => notes::tag(table, first, tag),
        Action::Untag(asked) => notes::untag(table, first, asked).map(one),
        Action::Cost(cost) => costs::record(table, command, cost, at).map(one),
        Action::CostLimit(limit) => costs::set_limit(table, command, limit, at),
        Action::CostReserve(reserve) => reservations::reserve(table, first, reserve, at).map(one),
        Action::CostRelease(release) => reservations::release(table, command, release, at).map(one),
        Action::ApprovalRequest(ask) => approval::request(table, id, ask),
        Action::ApprovalDecide(answer) => approval::answer(table, first, answer, &command.by, at).map(one),
        Action::NoteImport(import) => notes::import(table, first, import).map(one),
    }
}
