//! What the user is told when a workflow is not in force, or stays in force.

use phaseledger::rules::Rejection;

use super::Failure;

/// Says what to do about a workflow that is retired, and about needs that keep phases in force.
pub(super) fn advised(failure: Failure, rejection: &Rejection) -> Failure {
    match rejection {
        Rejection::RetiredWorkflow { workflow, by } => failure
            .hint(format!(
                "`phaseledger define FILE` brings it back; `--before e{}` asks as of before, `status --workflow {workflow} --all` \
                 lists its phases",
                by.seq
            ))
            .detail("by", by.seq.number()),
        Rejection::WorkflowNeededBy { needed, .. } => failure
            .hint("take the needs out of the other workflows first, or retire those")
            .detail("needed_by", needed.iter().map(|(by, _)| by.to_string()).collect::<Vec<_>>()),
        Rejection::StillNeeded { by, .. } => failure
            .hint(format!("take the need out of the workflow `{}` first", by.workflow)),
        _ => failure,
    }
}
