//! Why a command was refused.

mod approval;
mod words;

pub use approval::ApprovalRejection;

use self::words::{list, list_some, list_states, or_none, other_reasons};
use super::no_room::{ReservationRejection, exceeded};
use crate::model::{
    Amount, EventId, EventRef, Expectation, KeyError, Likeness, Named, Overspent, PhaseId, PhaseRef, Reason,
    Seq, StateName, TagName, Timestamp, WorkflowName,
};

/// Why a command was refused: what was found, and what would have been accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A key that no new command may have.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No such phase.
    #[error("the ledger has no phase `{phase}`")]
    UnknownPhase {
        /// What was asked for.
        phase: PhaseRef,
    },
    /// No such phase any more: it has another name.
    #[error("the ledger has no phase `{phase}`")]
    RenamedPhase {
        /// What was asked for.
        phase: PhaseRef,
        /// What it is called.
        now: PhaseId,
        /// The place of the definition since which it is.
        since: Seq,
    },
    /// A bare name that several workflows have.
    #[error(
        "`{phase}` is a phase of several workflows: {}{}",
        list(candidates),
        preferred.as_ref().map_or_else(String::new, |other| format!("; the preferred workflow, `{other}`, is none of them"))
    )]
    AmbiguousPhase {
        /// What was asked for.
        phase: PhaseRef,
        /// What it may mean.
        candidates: Vec<PhaseId>,
        /// The workflow that is preferred, and has no such phase.
        preferred: Option<WorkflowName>,
    },
    /// No such workflow.
    #[error("the ledger has no workflow `{workflow}`")]
    UnknownWorkflow {
        /// What was asked for.
        workflow: WorkflowName,
    },
    /// A workflow that is no longer in force.
    #[error("the workflow `{workflow}` is retired since e{}", by.seq)]
    RetiredWorkflow {
        /// What was asked for.
        workflow: WorkflowName,
        /// The event that retired it.
        by: EventRef,
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
    /// Something above the phase is stale: what it would count as built on does not stand.
    #[error("cannot accept `{phase}`: {} above it must run again, or be accepted, first", list(stale))]
    StaleAbove {
        /// What was asked for.
        phase: PhaseId,
        /// The nearest stale phases above it.
        stale: Vec<PhaseId>,
    },
    /// No person marked the phase: there is nothing to take back.
    #[error(
        "cannot withdraw the marks of `{phase}`: it must run again, but nobody marked it{}",
        other_reasons(reasons)
    )]
    NotMarked {
        /// What was asked for.
        phase: PhaseId,
        /// Why it must run again.
        reasons: Vec<Reason>,
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
    /// A workflow that others need phases of.
    #[error("cannot retire `{workflow}`: {}", list_some(needed.iter().map(|(by, need)| format!("`{by}` needs `{need}`"))))]
    WorkflowNeededBy {
        /// What was asked for.
        workflow: WorkflowName,
        /// Which phases of others need which of its own, in order.
        needed: Vec<(PhaseId, PhaseId)>,
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
    /// A new name that looks like something else.
    #[error(
        "`{name}` looks like {}, and cannot be the name of a new {}; expected another, such as `{}`",
        looks.as_str(),
        of.as_str(),
        of.instead(name)
    )]
    UnfitName {
        /// What is to be called so.
        of: Named,
        /// The name.
        name: String,
        /// What it looks like.
        looks: Likeness,
    },
    /// A name that is that of another place.
    #[error("the tag `{tag}` is at e{seq}, and is not moved to e{asked}")]
    TagThere {
        /// The tag.
        tag: TagName,
        /// The place that it names.
        seq: Seq,
        /// The place that it was to name.
        asked: Seq,
    },
    /// No such tag.
    #[error("there is no tag `{tag}`")]
    UnknownTag {
        /// What was asked for.
        tag: TagName,
    },
    /// A claim about the future.
    #[error("the claimed time {claimed} is more than a minute after now, {now}")]
    ClaimInFuture {
        /// The claim.
        claimed: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// No time is left to record at.
    #[error("the last event was recorded at {last}, and no later time can be written")]
    NoLaterTime {
        /// When it was recorded.
        last: Timestamp,
    },
    /// A start although more was spent than a limit allows.
    #[error("cannot start `{phase}`: {}", limits.iter().map(|limit| exceeded(limit, currency)).collect::<Vec<_>>().join("; "))]
    OverLimit {
        /// What was asked for.
        phase: PhaseId,
        /// The limits that are exceeded.
        limits: Vec<Overspent>,
        /// The workflow's currency.
        currency: Option<String>,
    },
    /// A cost below zero.
    #[error("the cost {amount} is negative, which only a refund may be")]
    NegativeCost {
        /// What was given.
        amount: Amount,
    },
    /// A refund that gives nothing back.
    #[error("the refund {amount} is not negative")]
    RefundNotNegative {
        /// What was given.
        amount: Amount,
    },
    /// A refund of more than was spent.
    #[error("the refund {amount} is more than the {spent} that `{phase}` has spent")]
    RefundTooLarge {
        /// Whose.
        phase: PhaseId,
        /// What was given.
        amount: Amount,
        /// What was spent.
        spent: Amount,
    },
    /// A sum with more digits than an amount has.
    #[error(
        "with {amount} more, what was spent on `{phase}` and its workflow would need more than {} digits before \
         the point",
        crate::model::AMOUNT_WHOLE_DIGITS_MAX
    )]
    SumTooLarge {
        /// What it was for.
        phase: PhaseId,
        /// What was given.
        amount: Amount,
    },
    /// Another currency than the workflow's.
    #[error("the currency is `{}`, but that of `{workflow}` is {}", crate::model::escape(given), or_none(expected.as_deref()))]
    WrongCurrency {
        /// Whose currency it is to be.
        workflow: WorkflowName,
        /// What was given.
        given: String,
        /// What it is.
        expected: Option<String>,
    },
    /// A definition with another currency than the one in which money was spent.
    #[error("`{workflow}` has spent money in `{before}`; the definition's currency is {}", or_none(after.as_deref()))]
    CurrencyChanged {
        /// Which workflow.
        workflow: WorkflowName,
        /// Its currency.
        before: String,
        /// The definition's.
        after: Option<String>,
    },
    /// A limit below zero.
    #[error("the limit {limit} is negative; expected 0 or more")]
    NegativeLimit {
        /// What was given.
        limit: Amount,
    },
    /// A limit in no currency.
    #[error("the workflow `{workflow}` names no currency, and a limit needs one")]
    NoCurrency {
        /// Whose limit it would be.
        workflow: WorkflowName,
    },
    /// A zone whose clocks nobody told.
    #[error("the clocks of the zone `{}` are not known", crate::model::escape(zone))]
    ClocksUnknown {
        /// Its name.
        zone: String,
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
    /// About an approval.
    #[error(transparent)]
    Approval(#[from] ApprovalRejection),
    /// About an amount that is held.
    #[error(transparent)]
    Reservation(#[from] ReservationRejection),
    /// About what is to be taken back.
    #[error(transparent)]
    Revert(#[from] RevertRejection),
}

/// Why something is not taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevertRejection {
    /// No command whose first event that is.
    #[error("no command has recorded {event} as its first event")]
    NoCommand {
        /// What was asked for.
        event: EventId,
    },
    /// An event that a rule derived.
    #[error("cannot revert e{seq} (`{kind}`): it was derived from what e{of} asked for")]
    Derived {
        /// What was asked for.
        seq: Seq,
        /// Its kind.
        kind: &'static str,
        /// The first event of its command.
        of: Seq,
    },
    /// It is taken back already.
    #[error("e{seq} is reverted already, by e{by}")]
    Already {
        /// What was asked for.
        seq: Seq,
        /// What did.
        by: Seq,
    },
    /// Of a kind that cannot be taken back.
    #[error("cannot revert e{seq} (`{kind}`)")]
    CannotBe {
        /// What was asked for.
        seq: Seq,
        /// Its kind.
        kind: &'static str,
    },
    /// What it said is no longer what is there.
    #[error("cannot revert e{seq} (`{kind}`): nothing of it is left{}", by.map_or_else(String::new, |by| format!(" since e{by}")))]
    Passed {
        /// What was asked for.
        seq: Seq,
        /// Its kind.
        kind: &'static str,
        /// What came since, where that is known.
        by: Option<Seq>,
    },
    /// Others rest on it.
    #[error("cannot revert e{seq} (`{kind}`): {} came of it", by.iter().map(|(seq, phase)| format!("e{seq} of `{phase}`")).collect::<Vec<_>>().join(", "))]
    RestedOn {
        /// What was asked for.
        seq: Seq,
        /// Its kind.
        kind: &'static str,
        /// They, and what they are about.
        by: Vec<(Seq, PhaseId)>,
    },
    /// A definition in front of which the workflow was not in force, and by which work was done since.
    #[error("cannot revert e{seq} (`workflow_defined`): nothing of `{workflow}` was in force before, and {} came since", list_some(by.iter().map(|(seq, phase)| format!("`{phase}` (e{seq})"))))]
    FirstDefinition {
        /// What was asked for.
        seq: Seq,
        /// Whose.
        workflow: WorkflowName,
        /// What was done, and what it is about.
        by: Vec<(Seq, PhaseId)>,
    },
}
