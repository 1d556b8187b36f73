//! The fewest commands that bring a phase to where the salvaged log has it stand.

use crate::model::{Action, Metadata, PhaseRef, StateName, Text, action};

/// Returns the commands that bring a phase from one state to another.
pub(super) fn steps(phase: &PhaseRef, from: StateName, to: StateName) -> Vec<Action> {
    use StateName::{Complete, Failed, InProgress, NeedsRerun, Pending};
    let (start, complete) = (|| start(phase), || complete(phase));
    let (fail, rerun, reset) = (|| fail(phase), || rerun(phase), || reset(phase));
    match (from, to) {
        (Pending, Pending)
        | (InProgress, InProgress)
        | (Complete, Complete)
        | (Failed, Failed)
        | (NeedsRerun, NeedsRerun) => Vec::new(),
        (_, Pending) => vec![reset()],
        (Complete, NeedsRerun) => vec![rerun()],
        (Complete, InProgress) => vec![rerun(), start()],
        (Complete, Failed) => vec![rerun(), start(), fail()],
        (InProgress, Complete) => vec![complete()],
        (InProgress, Failed) => vec![fail()],
        (InProgress, NeedsRerun) => vec![complete(), rerun()],
        (_, InProgress) => vec![start()],
        (_, Complete) => vec![start(), complete()],
        (_, Failed) => vec![start(), fail()],
        (_, NeedsRerun) => vec![start(), complete(), rerun()],
    }
}

fn because() -> Text {
    Text::cut("inferred: what led here is missing in the log that was salvaged").expect("not empty")
}

fn start(phase: &PhaseRef) -> Action {
    Action::Start(action::Start {
        phase: phase.clone(),
        metadata: Metadata::default(),
        allow_unmet: true,
        again: None,
        over_limit: Some(because()),
        worker: None,
        inputs: Vec::new(),
    })
}

fn complete(phase: &PhaseRef) -> Action {
    let (metadata, outputs) = (Metadata::default(), Vec::new());
    Action::Complete(action::Complete { phase: phase.clone(), metadata, output: None, outputs })
}

fn fail(phase: &PhaseRef) -> Action {
    Action::Fail(action::Fail {
        phase: phase.clone(),
        error: because(),
        exit_code: None,
        signal: None,
        stderr: None,
        abandoned: false,
        metadata: Metadata::default(),
    })
}

fn rerun(phase: &PhaseRef) -> Action {
    Action::Rerun(action::Rerun { phase: phase.clone(), reason: because(), withdraw: false })
}

fn reset(phase: &PhaseRef) -> Action {
    Action::Reset(action::Reset { phase: phase.clone(), reason: because() })
}
