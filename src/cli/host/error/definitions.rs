//! What the user is told when a definition does not fit the others, a workflow stays in force, or is not.

use phaseledger::rules::Rejection;

use super::{Failure, Kind};

/// Says what to do about a workflow that is retired, and about needs across workflows.
pub(super) fn advised(rejection: &Rejection) -> Failure {
    let failure = |kind| Failure::new(kind, rejection.to_string());
    match rejection {
        Rejection::RetiredWorkflow { workflow, by } => failure(Kind::RetiredWorkflow)
            .hint(format!(
                "`phaseledger define FILE` brings it back; `--before e{}` asks as of before, `status --workflow {workflow} --all` \
                 lists its phases",
                by.seq
            ))
            .detail("by", by.seq.number()),
        Rejection::WorkflowNeededBy { needed, .. } => failure(Kind::StillNeeded)
            .hint("take the needs out of the other workflows first, or retire those")
            .detail("needed_by", needed.iter().map(|(by, _)| by.to_string()).collect::<Vec<_>>()),
        Rejection::StillNeeded { by, .. } => failure(Kind::StillNeeded)
            .hint(format!("take the need out of the workflow `{}` first", by.workflow)),
        Rejection::UnknownNeedElsewhere { need, .. } => {
            failure(Kind::UnknownPhase).hint(format!("define the workflow `{}` first", need.workflow))
        }
        // What is left of definitions is that workflows need one another.
        _ => failure(Kind::Cycle),
    }
}
