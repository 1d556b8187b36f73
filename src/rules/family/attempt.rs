//! Attempts: a phase is started, and ends well or badly, or is done without.

use super::notes;
use crate::model::{
    Again, Cause, CauseKind, Command, Consumed, EventId, EventRef, Metadata, Origin, OutputFile, Past,
    PhaseCompleted, PhaseFailed, PhaseId, PhaseSkipped, PhaseStarted, Process, Reason, Recorded, RerunReason,
    Seq, StateName, Text, Timestamp, Undone, Worker, action,
};
use crate::rules::attempt::{Attempt, Completion, Failure, Skip};
use crate::rules::draft::{Draft, ending, moving};
use crate::rules::family::started::{far_ends, rooted};
use crate::rules::mark::Mark;
use crate::rules::phase::{Phase, PhaseState, Replaced, Stood, Was};
use crate::rules::rejection::Rejection;
use crate::rules::stale::{Judge, consumed, roots};
use crate::rules::table::{Table, root};
use crate::rules::touched::{Changing, misplaced};
use crate::rules::undoing::{Undoing, passed, subject};

const STARTABLE: &[StateName] = &[StateName::Pending, StateName::NeedsRerun, StateName::Failed];
const STARTABLE_AGAIN: &[StateName] =
    &[StateName::Pending, StateName::NeedsRerun, StateName::Failed, StateName::Complete];
const SKIPPABLE: &[StateName] = &[StateName::Pending, StateName::Failed, StateName::NeedsRerun];

/// Decides on a start. One of a phase that is complete or under way is two events: what makes way for it, which has the
/// reason, and the start, which the former causes. `command` tells which files the attempt says it reads; it
/// begins at `at`, and `ended` is when one that makes way ends.
pub(in crate::rules) fn start(
    table: &Table,
    command: &Command,
    asked: &action::Start,
    (at, ended): (Timestamp, Option<Timestamp>),
) -> Result<Vec<Draft>, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    let (first, second) = (command.id.event(0), command.id.event(1));
    let begin = || begin(table, phase, asked, (command, at));
    let plain = |reason: Option<&Text>| {
        let started = PhaseStarted { reason: reason.cloned(), ..begin()? };
        let draft = moving(phase, first, started, StateName::InProgress);
        let (causes, root) = answers(table, phase);
        Ok(vec![Draft { causes, root: root.unwrap_or(first), ..draft }])
    };
    let (before, kind) = match &asked.again {
        None => {
            phase.check_state("start", STARTABLE)?;
            return plain(None);
        }
        Some(Again::Rerun(reason)) => {
            phase.check_state("start --rerun", STARTABLE_AGAIN)?;
            if STARTABLE.contains(&phase.state.name()) {
                return plain(Some(reason));
            }
            let mark = moving(phase, first, RerunReason::because(reason).marked(), StateName::NeedsRerun);
            (mark, CauseKind::RerunMarked)
        }
        Some(Again::TakeOver(reason)) => {
            let attempt = phase.under_way("start --take-over")?;
            let failed = PhaseFailed {
                attempt: phase.attempt,
                duration_seconds: attempt.took(ended),
                error: reason.clone(),
                exit_code: None,
                signal: None,
                stderr: None,
                abandoned: true,
                left_behind: Vec::new(),
                metadata: Metadata::default(),
            };
            (ending(phase, first, failed, StateName::Failed), CauseKind::SameCommand)
        }
    };
    let from = before.transition.map_or(phase.state.name(), |(_, to)| to);
    let start = Draft {
        transition: Some((from, StateName::InProgress)),
        rule: Some("start_again/1"),
        root: before.root,
        causes: vec![Cause::new(EventRef { seq: table.head.plus(1), id: first }, kind)],
        ..moving(phase, second, begin()?, StateName::InProgress)
    };
    Ok(vec![before, start])
}

fn begin(
    table: &Table,
    phase: &Phase,
    asked: &action::Start,
    (command, at): (&Command, Timestamp),
) -> Result<PhaseStarted, Rejection> {
    let unmet = table.unmet(phase);
    if !unmet.is_empty() && !asked.allow_unmet {
        let state =
            |need: &PhaseId| table.phases.get(need).map_or(StateName::Pending, |phase| phase.state.name());
        let unmet = unmet.into_iter().map(|need| (need.clone(), state(&need))).collect();
        return Err(Rejection::UnmetNeeds { phase: phase.id.clone(), unmet });
    }
    let process = asked.worker.as_ref().map(found).transpose()?;
    let consumed = phase.spec.needs.iter().filter_map(|need| consume(table.phases.get(need)?)).collect();
    let judge = Judge::new(table);
    let looked_through = judge.looked_through(phase);
    let workflow = &phase.id.workflow;
    let stale = phase.spec.needs.iter().filter(|need| judge.look(need).is_stale);
    let unreadable = command.unreadable();
    Ok(PhaseStarted {
        attempt: phase.attempt + 1,
        consumed,
        looked_through,
        version: phase.spec.version.clone(),
        reasons: stale.map(|need| Reason::NeedStale { need: need.beside(workflow) }).collect(),
        dependencies_met: unmet.is_empty(),
        unmet,
        over_limit: table.over_limit(phase, asked.over_limit.as_ref(), Some(at))?,
        reason: None,
        inputs: command.inputs().map(<[_]>::to_vec),
        unreadable: unreadable.files,
        unreadable_more: unreadable.more,
        metadata: asked.metadata.clone(),
        process,
    })
}

fn found(worker: &Worker) -> Result<Process, Rejection> {
    match worker {
        Worker::Found(process) => Ok(process.clone()),
        Worker::Named(pid) => Err(Rejection::NoSuchProcess { pid: *pid }),
    }
}

/// Returns what an attempt that starts now builds on: the last completion, outdated or not, or the skip.
pub(super) fn consume(need: &Phase) -> Option<Consumed> {
    if let PhaseState::Pending { skipped: Some(skip) } = &need.state {
        return Some(Consumed { phase: need.id.clone(), event: skip.event, seq: skip.seq, output: None });
    }
    consumed(need)
}

/// Returns what a start answers, with the root of it: the roots of every reason to run again, the failure that it tries
/// again with what that attempt answered, the skip that it ends with what lay behind it, or the reset.
pub(super) fn answers(table: &Table, phase: &Phase) -> (Vec<Cause>, Option<EventId>) {
    let one = |seq, id, kind| Origin::new(EventRef { seq, id }, kind);
    let mut found = match &phase.state {
        PhaseState::NeedsRerun { .. } => roots(table, phase),
        PhaseState::Failed { failure } => {
            let root = Some(failure.root.unwrap_or(failure.attempt.root));
            let failed = Origin { root, ..one(failure.seq, failure.event, CauseKind::PhaseFailed) };
            let start = failure.attempt.seq;
            let before = failure.attempt.origins.iter().filter(|origin| origin.seq != start);
            std::iter::once(failed).chain(before.copied()).collect()
        }
        PhaseState::Pending { skipped: Some(skip) } => {
            let skipped = one(skip.seq, skip.event, CauseKind::PhaseSkipped);
            std::iter::once(skipped).chain(skip.behind.iter().copied()).collect()
        }
        PhaseState::Pending { skipped: None } => phase.reset.into_iter().collect(),
        PhaseState::InProgress { .. } | PhaseState::Complete { .. } => Vec::new(),
    };
    // Of what the first release recorded the root is not always known: then it does not come first.
    let root =
        |origin: &Origin| origin.root.or((origin.kind != CauseKind::UpstreamRerun).then_some(origin.event));
    if let Some(known) = found.iter().position(|origin| root(origin).is_some()) {
        found[..=known].rotate_right(1);
    } else {
        found.splice(..0, phase.state.marks().last().map(Mark::origin));
    }
    (found.iter().map(Origin::cause).collect(), found.first().and_then(root))
}

/// How an attempt ended, whether well or badly.
#[derive(Clone, Copy)]
pub(in crate::rules) struct End<'a> {
    /// When; none where nobody says.
    pub at: Option<Timestamp>,
    /// What it started that still runs.
    pub left_behind: &'a [Process],
}

/// Decides on a good end, as on a bad one. `command` tells what the phase put out.
pub(in crate::rules) fn complete(
    table: &Table,
    command: &Command,
    asked: &action::Complete,
    ended: End<'_>,
) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    let attempt = phase.under_way("complete")?;
    phase.check_merge(&asked.metadata)?;
    let (output, outputs) = command.outputs();
    let unreadable = command.unreadable();
    let completed = PhaseCompleted {
        attempt: phase.attempt,
        duration_seconds: attempt.took(ended.at),
        output,
        outputs: outputs.to_vec(),
        unreadable: unreadable.files,
        unreadable_more: unreadable.more,
        left_behind: ended.left_behind.to_vec(),
        metadata: asked.metadata.clone(),
    };
    Ok(ending(phase, command.id.event(0), completed, StateName::Complete))
}

/// Decides on a bad end.
pub(in crate::rules) fn fail(
    table: &Table,
    id: EventId,
    asked: &action::Fail,
    ended: End<'_>,
) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    let attempt = phase.under_way("fail")?;
    phase.check_merge(&asked.metadata)?;
    let failed = PhaseFailed {
        attempt: phase.attempt,
        duration_seconds: attempt.took(ended.at),
        error: asked.error.clone(),
        exit_code: asked.exit_code,
        signal: asked.signal.clone(),
        stderr: asked.stderr.clone(),
        abandoned: asked.abandoned,
        left_behind: ended.left_behind.to_vec(),
        metadata: asked.metadata.clone(),
    };
    Ok(ending(phase, id, failed, StateName::Failed))
}

/// Decides on doing without a phase.
pub(in crate::rules) fn skip(table: &Table, id: EventId, asked: &action::Skip) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    phase.check_state("skip", SKIPPABLE)?;
    phase.check_merge(&asked.metadata)?;
    let (behind, _) = answers(table, phase);
    let behind = behind.iter().map(|cause| Origin::new(cause.event, cause.kind)).collect();
    let skipped = PhaseSkipped { reason: asked.reason.clone(), behind, metadata: asked.metadata.clone() };
    Ok(moving(phase, id, skipped, StateName::Pending))
}

/// Applies a good end.
pub(in crate::rules) fn completed(
    table: &mut Changing<'_>,
    record: &Recorded,
    completed: &PhaseCompleted,
) -> Result<(), String> {
    table.apply(record, |phase| {
        let (attempt, outdated_by) = end(phase, record, completed.attempt)?;
        let completion = Completion {
            attempt,
            event: record.id,
            seq: record.seq,
            ended_at: record.at,
            duration_seconds: completed.duration_seconds,
            output: completed.output,
            stated: is_stated(phase, record, &completed.outputs),
            outdated_by,
        };
        phase.state = PhaseState::Complete { completion };
        phase.left_behind.clone_from(&completed.left_behind);
        phase.merge(&completed.metadata)
    })
}

/// Says whether files are such that a caller stated, while the definition declared none. Where those are that the first
/// release named, nothing tells.
pub(super) fn is_stated(phase: &Phase, record: &Recorded, files: &[OutputFile]) -> bool {
    record.version > 1 && !files.is_empty() && phase.spec.outputs.is_empty()
}

/// Applies a bad end.
pub(in crate::rules) fn failed(
    table: &mut Changing<'_>,
    record: &Recorded,
    failed: &PhaseFailed,
) -> Result<(), String> {
    table.apply(record, |phase| {
        let (attempt, _) = end(phase, record, failed.attempt)?;
        let failure = Failure {
            root: (record.correlation_id != attempt.root).then_some(record.correlation_id),
            attempt,
            event: record.id,
            seq: record.seq,
            ended_at: record.at,
            duration_seconds: failed.duration_seconds,
            error: failed.error.clone(),
        };
        phase.state = PhaseState::Failed { failure };
        phase.left_behind.clone_from(&failed.left_behind);
        phase.merge(&failed.metadata)
    })
}

/// Takes the attempt that is under way out of its phase.
fn end(phase: &mut Phase, record: &Recorded, ended: u32) -> Result<(Attempt, Vec<Mark>), String> {
    if ended != phase.attempt {
        return Err(format!("it ends attempt {ended}, expected {}", phase.attempt));
    }
    match std::mem::replace(&mut phase.state, PhaseState::NOT_RUN) {
        PhaseState::InProgress { attempt, outdated_by } => {
            Ok((Attempt { process: None, ..attempt }, outdated_by))
        }
        PhaseState::Pending { .. }
        | PhaseState::Complete { .. }
        | PhaseState::Failed { .. }
        | PhaseState::NeedsRerun { .. } => Err(misplaced(record)),
    }
}

/// Applies the decision to do without a phase.
pub(in crate::rules) fn skipped(
    table: &mut Changing<'_>,
    record: &Recorded,
    skipped: &PhaseSkipped,
) -> Result<(), String> {
    let causes = rooted(table.table(), &record.subject, skipped.behind.iter().copied());
    table.apply(record, |phase| {
        let (reason, behind) = (skipped.reason.clone(), skipped.behind.clone());
        let origins = far_ends(&phase.state, causes.into_iter());
        let skip = Skip { event: record.id, seq: record.seq, reason, behind, origins };
        let (aside, reset, replaced) =
            (phase.aside.clone(), phase.reset, std::mem::take(&mut phase.replaced));
        phase.set_aside(&[Origin::new(record.event_ref(), CauseKind::PhaseSkipped)]);
        let skipped_now = PhaseState::Pending { skipped: Some(skip) };
        let state = std::mem::replace(&mut phase.state, skipped_now);
        let standing = Stood { state, aside, reset, replaced };
        phase.replaced.push(Replaced { by: record.seq, was: Was::Stood(Box::new(standing)) });
        phase.merge(&skipped.metadata)
    })
}

/// Decides that a skip is lifted, or that it holds again: the phase is where it stood.
pub(in crate::rules) fn lift(table: &Table, past: &Past, target: &Recorded) -> Result<Undoing, Rejection> {
    let phase = subject(table, target)?;
    let replaced = phase.replaced.iter().find(|replaced| replaced.by == target.seq);
    let Some(Was::Stood(standing)) = replaced.map(|replaced| &replaced.was) else {
        return Err(passed(target, phase.moved.map(|moved| moved.seq)));
    };
    // What was attached by it goes with it.
    let attached = past.events.get(1).and_then(|next| next.event.attached());
    let skipped = target.event.skipped().map(|skipped| (&skipped.metadata, &[][..]));
    let attached = skipped.or(attached.map(|of| (&of.metadata, &of.removed[..])));
    let effect = attached.and_then(|attached| notes::without(phase, past, attached));
    Ok(Undoing {
        transition: Some((phase.state.name(), standing.state.name())),
        ..Undoing::with(Undone::Skip, effect)
    })
}

/// Applies that a skip is lifted, or holds again. `replaced_by` is what is taken back.
pub(in crate::rules) fn lifted(
    table: &mut Changing<'_>,
    record: &Recorded,
    replaced_by: Seq,
) -> Result<(), String> {
    table.apply(record, |phase| {
        let at = phase.replaced.iter().position(|replaced| replaced.by == replaced_by);
        let Some(Was::Stood(standing)) = at.map(|at| phase.replaced.remove(at).was) else {
            return Err(format!("event {replaced_by} replaced nothing that could be there again"));
        };
        let returned = Origin { root: root(record), ..Origin::new(record.event_ref(), CauseKind::Reverted) };
        phase.returned = standing.state.completion().map(|_| returned);
        let was = Stood {
            state: std::mem::replace(&mut phase.state, standing.state),
            aside: std::mem::replace(&mut phase.aside, standing.aside),
            reset: std::mem::replace(&mut phase.reset, standing.reset),
            replaced: std::mem::replace(&mut phase.replaced, standing.replaced),
        };
        phase.replaced.push(Replaced { by: record.seq, was: Was::Stood(Box::new(was)) });
        Ok(())
    })
}
