//! What a command asked for, told by the events that it became: where a log is taken in once more, and where a command that
//! is sent again is compared with the one that was recorded.

use crate::model::{
    Action, Again, ApprovalAnswer, ApprovalAsk, ApprovalDecided, ApprovalRequested, Change, CostLimitSet,
    CostRecorded, CostReleased, CostReserved, Event, FileRole, FoundByRole, Hold, PhaseCompleted,
    PhaseFailed, PhaseRef, PhaseStarted, Process, Recorded, RerunReason, RerunWithdrawn, Said, Seq, Subject,
    Timestamp, Verdict, Worker, WorkflowName, action,
};

/// Returns what the command asked for whose events these are; none where they are events that only rules derive. `place` is
/// where the events of the salvaged log are in the new one.
pub(super) fn action_of(events: &[Recorded], place: impl Fn(Seq) -> Option<Seq>) -> Option<Action> {
    let (first, rest) = events.split_first()?;
    if first.rule.is_some() {
        return None;
    }
    if let Some(again) = again(first, rest) {
        return Some(again);
    }
    let subject = Subjects { workflow: first.subject.workflow(), phase: phase(&first.subject) };
    action((&first.event, first.at), &subject, place)
}

/// Returns what an attempt found of its declared files as it began, ended or was accepted, beside those that its events name.
pub(super) fn found_of(events: &[Recorded]) -> FoundByRole {
    let unreadable = events.iter().find_map(|record| record.event.unreadable());
    if let Some(inputs) = events.iter().find_map(|record| record.event.inputs()) {
        return FoundByRole { inputs: Some(Ok(inputs.to_vec())), outputs: unreadable.map(Err) };
    }
    // An acceptance has one list for both roles.
    let is_of_both = events.iter().any(|record| record.event.accepted().is_some());
    let outputs = unreadable.clone().filter(|_| !is_of_both);
    FoundByRole { inputs: unreadable.map(Err), outputs: outputs.map(Err) }
}

/// What an event is about.
struct Subjects<'a> {
    workflow: Option<&'a WorkflowName>,
    phase: Option<PhaseRef>,
}

impl Subjects<'_> {
    fn phase(&self) -> Option<PhaseRef> {
        self.phase.clone()
    }

    /// Returns the workflow, where the event is about no phase of it.
    fn whole(&self) -> Option<WorkflowName> {
        self.workflow.filter(|_| self.phase.is_none()).cloned()
    }
}

fn phase(subject: &Subject) -> Option<PhaseRef> {
    subject.phase().map(|id| id.clone().into())
}

/// A start of what was complete or under way: two events.
fn again(first: &Recorded, rest: &[Recorded]) -> Option<Action> {
    let start = rest.first().filter(|next| next.rule.as_deref() == Some("start_again/1"))?;
    let again = match &first.event {
        Event::RerunMarked(why) => Again::Rerun(why.reason.clone()),
        Event::PhaseFailed(failed) => Again::TakeOver(failed.error.clone()),
        _ => return None,
    };
    Some(started(phase(&start.subject)?, start.event.started()?, Some(again)))
}

fn started(phase: PhaseRef, started: &PhaseStarted, again: Option<Again>) -> Action {
    Action::Start(action::Start {
        phase,
        metadata: started.metadata.clone(),
        allow_unmet: !started.dependencies_met,
        again,
        over_limit: started.over_limit.as_ref().map(|over| over.reason.clone()),
        worker: started.process.clone().map(Worker::Found),
        inputs: started.inputs.clone().unwrap_or_default(),
    })
}

fn action(
    (event, at): (&Event, Timestamp),
    about: &Subjects<'_>,
    place: impl Fn(Seq) -> Option<Seq>,
) -> Option<Action> {
    Some(match event {
        Event::WorkflowDefined(defined) => {
            Action::Define(action::Define { definition: Box::new(defined.definition.clone()) })
        }
        Event::WorkflowRetired(retired) => {
            Action::Retire(action::Retire { workflow: about.whole()?, reason: retired.reason.clone() })
        }
        Event::PhaseStarted(start) => started(about.phase()?, start, start.reason.clone().map(Again::Rerun)),
        Event::PhaseCompleted(done) => completed(about.phase()?, done),
        Event::PhaseFailed(end) => failed(about.phase()?, end),
        Event::PhaseAccepted(accepted) => Action::Accept(action::Accept {
            phase: about.phase()?,
            reason: accepted.reason.clone(),
            output: accepted.output,
            outputs: accepted.outputs.clone(),
            inputs: accepted.inputs.clone().unwrap_or_default(),
        }),
        Event::PhaseSkipped(skipped) => Action::Skip(action::Skip {
            phase: about.phase()?,
            reason: skipped.reason.clone(),
            metadata: skipped.metadata.clone(),
        }),
        Event::PhaseReset(reset) => match about.phase() {
            Some(phase) => Action::Reset(action::Reset { phase, reason: reset.reason.clone() }),
            None => {
                let workflow = about.whole();
                Action::ResetAll(action::ResetAll { workflow, reason: reset.reason.clone() })
            }
        },
        Event::RerunMarked(why) | Event::RerunCauseAdded(why) | Event::RerunDeferred(why) => {
            marked(about.phase()?, why)
        }
        Event::RerunWithdrawn(taken) => taken_back(about.phase()?, taken),
        Event::MetadataRecorded(recorded) => {
            Action::Meta(action::Meta { phase: about.phase()?, metadata: recorded.metadata.clone() })
        }
        Event::NoteAdded(note) => {
            Action::Note(action::Note { phase: about.phase(), text: note.text.clone() })
        }
        Event::TagSet(tag) => {
            let seq = Some(place(tag.seq)?);
            Action::Tag(action::Tag { name: tag.name.clone(), seq, force: true })
        }
        Event::TagRemoved(tag) => {
            Action::Untag(action::Untag { name: tag.name.clone(), reason: tag.reason.clone() })
        }
        Event::Reverted(reverted) => {
            Action::Revert(action::Revert { event: reverted.event, reason: reverted.reason.clone() })
        }
        Event::CostRecorded(recorded) => cost(about.phase()?, recorded),
        Event::CostLimitSet(set) => limit(about, set),
        Event::CostReserved(held) => reserved(about.phase()?, held, at),
        Event::CostReleased(released) => let_go(released),
        Event::ApprovalRequested(asked) => request(about, asked),
        Event::ApprovalGranted(decided) => decision(Verdict::Granted, decided),
        Event::ApprovalRejected(decided) => decision(Verdict::Rejected, decided),
        Event::HistoryImported(history) => {
            Action::NoteImport(action::NoteImport { workflow: about.whole(), history: history.clone() })
        }
        Event::RerunCleared(_) | Event::CostWarningRaised(_) | Event::CostLimitExceeded(_) => return None,
    })
}

/// Returns what an end says that runs on.
pub(super) fn left_behind(event: &Event) -> Vec<Process> {
    let completed = event.completed().map(|completed| &completed.left_behind);
    completed.or(event.failed().map(|failed| &failed.left_behind)).cloned().unwrap_or_default()
}

fn completed(phase: PhaseRef, done: &PhaseCompleted) -> Action {
    Action::Complete(action::Complete {
        phase,
        metadata: done.metadata.clone(),
        output: done.output,
        outputs: done.outputs.clone(),
    })
}

fn failed(phase: PhaseRef, failed: &PhaseFailed) -> Action {
    Action::Fail(action::Fail {
        phase,
        error: failed.error.clone(),
        exit_code: failed.exit_code,
        signal: failed.signal.clone(),
        stderr: failed.stderr.clone(),
        abandoned: failed.abandoned,
        metadata: failed.metadata.clone(),
    })
}

fn cost(phase: PhaseRef, cost: &CostRecorded) -> Action {
    Action::Cost(action::Cost {
        phase,
        amount: cost.amount,
        currency: cost.currency.clone(),
        refund: cost.refund,
        model: cost.model.clone(),
        operation: cost.operation.clone(),
        metadata: cost.metadata.clone(),
        // It may have been lost: what was spent is a fact, what is held ends by itself.
        reservation: None,
    })
}

/// A limit without a currency was legal once.
fn limit(about: &Subjects<'_>, set: &CostLimitSet) -> Action {
    let period = set.period.as_ref();
    Action::CostLimit(action::CostLimit {
        phase: about.phase(),
        workflow: about.whole(),
        limit: set.limit,
        reason: set.reason.clone(),
        per: period.map(|of| of.per),
        tz: period.map(|of| of.clocks.zone().to_owned()),
        clocks: period.map(|of| of.clocks.clone()),
        was_recorded: true,
    })
}

fn reserved(phase: PhaseRef, held: &CostReserved, at: Timestamp) -> Action {
    Action::CostReserve(action::CostReserve {
        phase,
        amount: held.amount,
        hold: Hold::between(at, held.until),
        model: held.model.clone(),
        operation: held.operation.clone(),
    })
}

fn let_go(released: &CostReleased) -> Action {
    let (reservation, reason) = (released.reservation.event, released.reason.clone());
    Action::CostRelease(action::CostRelease { reservation, reason })
}

fn request(about: &Subjects<'_>, asked: &ApprovalRequested) -> Action {
    Action::ApprovalRequest(Box::new(ApprovalAsk {
        workflow: about.whole(),
        phase: about.phase(),
        operation: asked.operation.clone(),
        estimate: asked.estimate,
        items: asked.items,
        impact: asked.impact.clone(),
        auto_approve_below: asked.auto_approve_below,
        metadata: asked.metadata.clone(),
    }))
}

fn decision(verdict: Verdict, decided: &ApprovalDecided) -> Action {
    Action::ApprovalDecide(ApprovalAnswer {
        request: decided.request,
        verdict,
        reason: decided.reason.clone(),
    })
}

/// A mark that someone asked for, or what a scan found.
fn marked(phase: PhaseRef, why: &RerunReason) -> Action {
    match why.changes.is_empty() {
        true => Action::Rerun(action::Rerun { phase, reason: why.reason.clone(), withdraw: false }),
        false => {
            let role = why.changes.iter().find_map(Change::role).unwrap_or(FileRole::Inputs);
            Action::FilesChanged(action::FilesChanged { phase, role, changes: why.changes.clone() })
        }
    }
}

/// What someone took back, or a scan did.
fn taken_back(phase: PhaseRef, taken: &RerunWithdrawn) -> Action {
    match taken.withdrawn {
        Said::Manual => Action::Rerun(action::Rerun { phase, reason: taken.reason.clone(), withdraw: true }),
        Said::Input => seen_again(phase, FileRole::Inputs),
        Said::Output => seen_again(phase, FileRole::Outputs),
    }
}

fn seen_again(phase: PhaseRef, role: FileRole) -> Action {
    Action::FilesChanged(action::FilesChanged { phase, role, changes: Vec::new() })
}
