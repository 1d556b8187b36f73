//! What a command turns into: events, or a refusal.

use super::draft::{Draft, ending, moving, root, seconds};
use super::family::approval::{decide_answer, decide_request};
use super::family::costs::{decide_cost, decide_limit};
use super::family::definition::decide_define;
use super::family::files::decide_inputs_changed;
use super::phase::{Attempt, Mark, Phase, PhaseState};
use super::rejection::Rejection;
use super::table::Table;
use crate::model::{
    Action, Again, Cause, CauseKind, Command, Consumed, Digest, Event, EventId, Metadata, MetadataRecorded,
    NoteAdded, OutputFile, PhaseCompleted, PhaseFailed, PhaseId, PhaseRef, PhaseReset, PhaseSkipped,
    PhaseStarted, Process, RerunReason, Seq, StateName, Subject, TagName, TagSet, Text, Timestamp, Worker,
    action,
};

const ANY: &[StateName] = &StateName::ALL;
const STARTABLE: &[StateName] = &[StateName::Pending, StateName::NeedsRerun, StateName::Failed];
const SKIPPABLE: &[StateName] = &[StateName::Pending, StateName::Failed, StateName::NeedsRerun];
const UNDER_WAY: &[StateName] = &[StateName::InProgress];
const DONE: &[StateName] = &[StateName::Complete];

/// Decides on a command that takes effect at `at`. Most commands turn into one event; a few, such as a reset
/// of everything, into several that stand or fall together, the later ones caused by the first. A definition
/// that changes nothing turns into none.
///
/// # Errors
///
/// A [`Rejection`], with what was found and what would have been accepted.
pub fn decide(table: &Table, command: &Command, at: Timestamp) -> Result<Vec<Draft>, Rejection> {
    let first = command.id.event(0);
    let one = |draft: Draft| Ok(vec![draft]);
    match &command.action {
        Action::Define(action::Define { definition }) => decide_define(table, first, definition),
        Action::Start(start) => decide_start(table, command, start, at),
        Action::Complete(action::Complete { phase, metadata, output: _, outputs: _ }) => {
            one(decide_complete(table.resolve(phase)?, first, at, metadata, command.outputs())?)
        }
        Action::Fail(fail) => one(decide_fail(table.resolve(&fail.phase)?, first, at, fail)?),
        Action::Skip(action::Skip { phase, reason, metadata }) => {
            let phase = table.resolve(phase)?;
            check_state("skip", phase, SKIPPABLE)?;
            check_merge(phase, metadata)?;
            let event = PhaseSkipped { reason: reason.clone(), metadata: metadata.clone() };
            one(moving(phase, first, Event::PhaseSkipped(event), StateName::Pending))
        }
        Action::Rerun(action::Rerun { phase, reason }) => {
            let phase = table.resolve(phase)?;
            check_state("rerun", phase, DONE)?;
            one(mark(phase, first, reason))
        }
        Action::InputsChanged(action::InputsChanged { phase, changes }) => {
            Ok(decide_inputs_changed(table.resolve(phase)?, first, changes))
        }
        Action::Reset(action::Reset { phase, reason }) => {
            let phase = table.resolve(phase)?;
            check_state("reset", phase, ANY)?;
            let event = Event::PhaseReset(PhaseReset { reason: reason.clone() });
            one(moving(phase, first, event, StateName::Pending))
        }
        Action::ResetAll(action::ResetAll { workflow, reason }) => {
            let workflow = table.workflow(workflow.as_ref())?.name.clone();
            Ok(reset_all(table, command, Subject::Workflow(workflow), reason))
        }
        Action::Meta(action::Meta { phase, metadata }) => {
            let phase = table.resolve(phase)?;
            check_merge(phase, metadata)?;
            let event = Event::MetadataRecorded(MetadataRecorded { metadata: metadata.clone() });
            one(root(first, Subject::Phase(phase.id.clone()), event))
        }
        Action::Note(action::Note { phase, text }) => one(decide_note(table, first, phase.as_ref(), text)?),
        Action::Tag(action::Tag { name, seq }) => one(decide_tag(table, first, name, *seq)?),
        Action::Cost(cost) => one(decide_cost(table, first, cost)?),
        Action::CostLimit(action::CostLimit { phase, workflow, limit }) => {
            decide_limit(table, first, (phase.as_ref(), workflow.as_ref()), *limit)
        }
        Action::ApprovalRequest(ask) => decide_request(table, command, ask),
        Action::ApprovalDecide(answer) => one(decide_answer(table, command, at, answer)?),
        Action::NoteImport(action::NoteImport { workflow, history }) => {
            table.workflow(Some(workflow))?;
            one(root(first, Subject::Workflow(workflow.clone()), Event::HistoryImported(history.clone())))
        }
    }
}

fn decide_start(
    table: &Table,
    command: &Command,
    asked: &action::Start,
    at: Timestamp,
) -> Result<Vec<Draft>, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    let first = command.id.event(0);
    let second = command.id.event(1);
    let same_command = |seq: Seq| vec![Cause { event: first, seq, kind: CauseKind::SameCommand, edge: None }];
    let started = || start_event(table, phase, asked, command.inputs());
    let next = table.head.plus(1);
    let before = match &asked.again {
        None => {
            check_state("start", phase, STARTABLE)?;
            let (causes, root) = answers(&phase.state);
            let draft = moving(phase, first, started()?, StateName::InProgress);
            return Ok(vec![Draft { causes, root: root.unwrap_or(first), ..draft }]);
        }
        Some(Again::Rerun(reason)) => {
            check_state("start --rerun", phase, DONE)?;
            mark(phase, first, reason)
        }
        Some(Again::TakeOver(reason)) => {
            let attempt = under_way("start --take-over", phase)?;
            let failed = PhaseFailed {
                attempt: phase.attempt,
                duration_seconds: seconds(at.since(attempt.started_at)),
                error: reason.clone(),
                exit_code: None,
                signal: None,
                stderr: None,
                abandoned: true,
                metadata: Metadata::default(),
            };
            ending(phase, first, Event::PhaseFailed(failed), StateName::Failed)
        }
    };
    let from = before.transition.map_or(phase.state.name(), |(_, to)| to);
    let start = Draft {
        id: second,
        transition: Some((from, StateName::InProgress)),
        rule: Some("start_again/1"),
        root: before.root,
        causes: match &asked.again {
            Some(Again::Rerun(_)) => {
                vec![Cause { event: first, seq: next, kind: CauseKind::RerunMarked, edge: None }]
            }
            Some(Again::TakeOver(_)) | None => same_command(next),
        },
        ..moving(phase, second, started()?, StateName::InProgress)
    };
    Ok(vec![before, start])
}

fn start_event(
    table: &Table,
    phase: &Phase,
    asked: &action::Start,
    inputs: Option<&[OutputFile]>,
) -> Result<Event, Rejection> {
    let unmet = table.unmet(phase);
    if !unmet.is_empty() && !asked.allow_unmet {
        let state =
            |need: &PhaseId| table.phases.get(need).map_or(StateName::Pending, |phase| phase.state.name());
        let unmet = unmet.into_iter().map(|need| (need.clone(), state(&need))).collect();
        return Err(Rejection::UnmetNeeds { phase: phase.id.clone(), unmet });
    }
    let process = asked.worker.as_ref().map(found).transpose()?;
    let consumed = phase.spec.needs.iter().filter_map(|need| consume(table.phases.get(need)?)).collect();
    Ok(Event::PhaseStarted(PhaseStarted {
        attempt: phase.attempt + 1,
        consumed,
        dependencies_met: unmet.is_empty(),
        unmet,
        over_limit: table.over_limit(phase, asked.over_limit.as_ref())?,
        inputs: inputs.map(<[_]>::to_vec),
        metadata: asked.metadata.clone(),
        process,
    }))
}

fn found(worker: &Worker) -> Result<Process, Rejection> {
    match worker {
        Worker::Found(process) => Ok(process.clone()),
        Worker::Named(pid) => Err(Rejection::NoSuchProcess { pid: *pid }),
    }
}

/// Returns what an attempt that starts now builds on: the last completion, outdated or not, or the skip.
fn consume(need: &Phase) -> Option<Consumed> {
    let (event, seq, output) = match &need.state {
        PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
            (completion.event, completion.seq, completion.output)
        }
        PhaseState::Pending { skipped: Some(skip) } => (skip.event, skip.seq, None),
        PhaseState::Pending { skipped: None } | PhaseState::InProgress { .. } | PhaseState::Failed { .. } => {
            return None;
        }
    };
    Some(Consumed { phase: need.id.clone(), event, seq, output })
}

/// Returns what a start answers, with the root of it: each mark, or the failure that it tries again.
fn answers(state: &PhaseState) -> (Vec<Cause>, Option<EventId>) {
    let cause = |event, seq, kind| Cause { event, seq, kind, edge: None };
    match state {
        PhaseState::NeedsRerun { marks, .. } => {
            let answered = |mark: &Mark| cause(mark.event, mark.seq, CauseKind::RerunMarked);
            (marks.iter().map(answered).collect(), marks.first().map(|mark| mark.root))
        }
        PhaseState::Failed { failure } => {
            let tried = cause(failure.event, failure.seq, CauseKind::PhaseFailed);
            (vec![tried], Some(failure.attempt.root))
        }
        PhaseState::Pending { .. } | PhaseState::InProgress { .. } | PhaseState::Complete { .. } => {
            (Vec::new(), None)
        }
    }
}

fn decide_complete(
    phase: &Phase,
    id: EventId,
    at: Timestamp,
    metadata: &Metadata,
    (output, outputs): (Option<Digest>, &[OutputFile]),
) -> Result<Draft, Rejection> {
    let attempt = under_way("complete", phase)?;
    check_merge(phase, metadata)?;
    let completed = PhaseCompleted {
        attempt: phase.attempt,
        duration_seconds: seconds(at.since(attempt.started_at)),
        output,
        outputs: outputs.to_vec(),
        metadata: metadata.clone(),
    };
    Ok(ending(phase, id, Event::PhaseCompleted(completed), StateName::Complete))
}

fn decide_fail(phase: &Phase, id: EventId, at: Timestamp, fail: &action::Fail) -> Result<Draft, Rejection> {
    let action::Fail { phase: _, error, exit_code, signal, stderr, abandoned, metadata } = fail;
    let attempt = under_way("fail", phase)?;
    check_merge(phase, metadata)?;
    let failed = PhaseFailed {
        attempt: phase.attempt,
        duration_seconds: seconds(at.since(attempt.started_at)),
        error: error.clone(),
        exit_code: *exit_code,
        signal: signal.clone(),
        stderr: stderr.clone(),
        abandoned: *abandoned,
        metadata: metadata.clone(),
    };
    Ok(ending(phase, id, Event::PhaseFailed(failed), StateName::Failed))
}

fn reset_all(table: &Table, command: &Command, workflow: Subject, reason: &Text) -> Vec<Draft> {
    let event = || Event::PhaseReset(PhaseReset { reason: reason.clone() });
    let first = root(command.id.event(0), workflow, event());
    let cause = Cause { event: first.id, seq: table.head.plus(1), kind: CauseKind::SameCommand, edge: None };
    let phases =
        table.current().into_iter().filter(|phase| Some(&phase.id.workflow) == first.subject.workflow());
    let resets = phases.enumerate().map(|(index, phase)| Draft {
        rule: Some("reset_all/1"),
        root: first.id,
        causes: vec![cause.clone()],
        ..moving(phase, command.id.event(index + 1), event(), StateName::Pending)
    });
    let resets: Vec<_> = resets.collect();
    std::iter::once(first).chain(resets).collect()
}

fn decide_note(
    table: &Table,
    id: EventId,
    phase: Option<&PhaseRef>,
    text: &Text,
) -> Result<Draft, Rejection> {
    let subject = match phase {
        Some(phase) => Subject::Phase(table.resolve(phase)?.id.clone()),
        None => Subject::Ledger,
    };
    Ok(root(id, subject, Event::NoteAdded(NoteAdded { text: text.clone() })))
}

fn decide_tag(table: &Table, id: EventId, name: &TagName, seq: Option<Seq>) -> Result<Draft, Rejection> {
    let seq = seq.unwrap_or(table.head);
    if seq > table.head {
        return Err(Rejection::NoSuchPlace { tag: name.clone(), seq, head: table.head });
    }
    Ok(root(id, Subject::Ledger, Event::TagSet(TagSet { name: name.clone(), seq })))
}

fn mark(phase: &Phase, id: EventId, reason: &Text) -> Draft {
    let event = Event::RerunMarked(RerunReason { reason: reason.clone(), changes: Vec::new() });
    moving(phase, id, event, StateName::NeedsRerun)
}

fn under_way<'a>(verb: &'static str, phase: &'a Phase) -> Result<&'a Attempt, Rejection> {
    match &phase.state {
        PhaseState::InProgress { attempt, .. } => Ok(attempt),
        PhaseState::Pending { .. }
        | PhaseState::Complete { .. }
        | PhaseState::Failed { .. }
        | PhaseState::NeedsRerun { .. } => Err(illegal(verb, phase, UNDER_WAY)),
    }
}

fn check_state(verb: &'static str, phase: &Phase, allowed: &'static [StateName]) -> Result<(), Rejection> {
    if allowed.contains(&phase.state.name()) { Ok(()) } else { Err(illegal(verb, phase, allowed)) }
}

fn illegal(verb: &'static str, phase: &Phase, allowed: &'static [StateName]) -> Rejection {
    Rejection::IllegalTransition { verb, phase: phase.id.clone(), from: phase.state.name(), allowed }
}

fn check_merge(phase: &Phase, metadata: &Metadata) -> Result<(), Rejection> {
    let mut merged = phase.metadata.clone();
    merged
        .merge(metadata)
        .map_err(|error| Rejection::MetadataTooLarge { phase: phase.id.clone(), bytes: error.bytes })
}
