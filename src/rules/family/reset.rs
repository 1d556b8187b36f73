//! Resets: a phase, or every phase of a workflow, is as if it had not run.

use crate::model::{
    Cause, CauseKind, CommandId, EventId, EventRef, Metadata, Origin, PhaseReset, Recorded, StateName,
    Subject, action,
};
use crate::rules::draft::{Draft, moving, root};
use crate::rules::phase::PhaseState;
use crate::rules::rejection::Rejection;
use crate::rules::table::Table;
use crate::rules::touched::Changing;

/// Decides on the reset of a phase, which may be in any state.
pub(in crate::rules) fn reset(table: &Table, id: EventId, asked: &action::Reset) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    Ok(moving(phase, id, PhaseReset { reason: asked.reason.clone() }, StateName::Pending))
}

/// Decides on the reset of a workflow: an event for it, which causes one for each of its phases.
pub(in crate::rules) fn reset_all(
    table: &Table,
    command: CommandId,
    asked: &action::ResetAll,
) -> Result<Vec<Draft>, Rejection> {
    let workflow = &table.workflow(asked.workflow.as_ref())?.name;
    let reset = || PhaseReset { reason: asked.reason.clone() };
    let first = root(command.event(0), Subject::Workflow(workflow.clone()), reset());
    let cause = Cause::new(EventRef { seq: table.head.plus(1), id: first.id }, CauseKind::SameCommand);
    let phases = table.current().into_iter().filter(|phase| phase.id.workflow == *workflow);
    let resets = phases.enumerate().map(|(index, phase)| Draft {
        rule: Some("reset_all/1"),
        root: first.id,
        causes: vec![cause.clone()],
        ..moving(phase, command.event(index + 1), reset(), StateName::Pending)
    });
    let resets: Vec<_> = resets.collect();
    Ok(std::iter::once(first).chain(resets).collect())
}

/// Applies a reset; that of a workflow says nothing more than those of its phases, which it causes.
pub(in crate::rules) fn done(table: &mut Changing<'_>, record: &Recorded) -> Result<(), String> {
    match &record.subject {
        Subject::Workflow(_) => Ok(()),
        Subject::Phase(_) | Subject::Ledger => table.apply(record, |phase| {
            let root = record.causes.first().map_or(record.event_ref(), |cause| cause.event);
            let reset = Origin::new(root, CauseKind::PhaseReset);
            phase.set_aside(&[reset]);
            phase.reset = Some(reset);
            phase.state = PhaseState::NOT_RUN;
            phase.metadata = Metadata::default();
            Ok(())
        }),
    }
}
