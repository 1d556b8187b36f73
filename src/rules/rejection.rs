//! Why a command was refused.

use crate::model::{Expectation, PhaseId, PhaseRef, Seq, StateName, TagName, Timestamp, WorkflowName};

/// Why a command was refused: what was found, and what would have been accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such phase.
    #[error("the ledger has no phase `{phase}`")]
    UnknownPhase {
        /// What was asked for.
        phase: PhaseRef,
    },
    /// A bare name that several workflows have.
    #[error("`{phase}` is a phase of several workflows: {}", list(candidates))]
    AmbiguousPhase {
        /// What was asked for.
        phase: PhaseRef,
        /// What it may mean.
        candidates: Vec<PhaseId>,
    },
    /// No such workflow.
    #[error("the ledger has no workflow `{workflow}`")]
    UnknownWorkflow {
        /// What was asked for.
        workflow: WorkflowName,
    },
    /// No workflow was named, and there is not just one.
    #[error("which workflow? the ledger has {}", if candidates.is_empty() { "none".to_owned() } else { list(candidates) })]
    WorkflowNeeded {
        /// What there is.
        candidates: Vec<WorkflowName>,
    },
    /// The phase is not in a state from which this may be done.
    #[error("cannot {verb} `{phase}`: it is {from}, expected {}", list_states(allowed))]
    IllegalTransition {
        /// What was asked for.
        verb: &'static str,
        /// Of which phase.
        phase: PhaseId,
        /// Where it stands.
        from: StateName,
        /// Where it would have to stand.
        allowed: &'static [StateName],
    },
    /// Needed phases are neither complete nor skipped.
    #[error("cannot start `{phase}`: it needs {}", unmet.iter().map(|(need, state)| format!("`{need}`, which is {state}, not COMPLETE")).collect::<Vec<_>>().join("; "))]
    UnmetNeeds {
        /// What was asked for.
        phase: PhaseId,
        /// What it needs, and where that stands.
        unmet: Vec<(PhaseId, StateName)>,
    },
    /// A number that no process has.
    #[error("there is no process {pid} to do the work")]
    NoSuchProcess {
        /// The number.
        pid: u32,
    },
    /// What the caller expected is not so.
    #[error("expected {expected}, found {found}")]
    Conflict {
        /// What the caller expected.
        expected: Expectation,
        /// What was found.
        found: String,
    },
    /// A need that names a phase of another workflow that is not there.
    #[error("`{phase}` needs `{need}`, which the ledger does not have")]
    UnknownNeedElsewhere {
        /// Who needs it.
        phase: PhaseId,
        /// What it needs.
        need: PhaseId,
    },
    /// Workflows that need one another.
    #[error("the needs form a cycle across workflows: {}", path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → "))]
    CycleAcrossWorkflows {
        /// The way round.
        path: Vec<PhaseId>,
    },
    /// A definition that drops a phase which another workflow needs.
    #[error("the definition drops `{phase}`, which `{by}` needs")]
    StillNeeded {
        /// What it drops.
        phase: PhaseId,
        /// Who needs it.
        by: PhaseId,
    },
    /// A place beyond the end of the log.
    #[error("cannot tag `{tag}`: there is no event {seq}; the log ends at {head}")]
    NoSuchPlace {
        /// The tag.
        tag: TagName,
        /// The place.
        seq: Seq,
        /// The end of the log.
        head: Seq,
    },
    /// A claim about the future.
    #[error("the claimed time {claimed} is more than a minute after now, {now}")]
    ClaimInFuture {
        /// The claim.
        claimed: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Metadata that would grow too large.
    #[error(
        "the metadata of `{phase}` would have {bytes} bytes; at most {} are kept",
        crate::model::METADATA_BYTES_MAX
    )]
    MetadataTooLarge {
        /// Whose.
        phase: PhaseId,
        /// How large.
        bytes: usize,
    },
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}

fn list_states(states: &[StateName]) -> String {
    states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(" or ")
}
