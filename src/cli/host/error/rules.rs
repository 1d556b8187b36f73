//! What the user is told when the rules refuse a command.

use phaseledger::model::{PhaseId, Seq};
use phaseledger::rules::Rejection;

use super::{Failure, Kind, costs, definitions, names, reverts};

impl Failure {
    /// An attempt that is not begun again, for it is under way.
    pub fn under_way(message: String) -> Self {
        Failure::new(Kind::UnderWay, message)
    }

    /// An attempt that is called abandoned, and is not.
    pub fn not_abandoned(message: String) -> Self {
        Failure::new(Kind::NotAbandoned, message)
    }
}

const NO_PHASE: &str = "`phaseledger status` lists the phases; `phaseledger define` puts a changed \
    `ledger/workflow.toml` in force";

const KEY: &str = "nothing was written; a key is text of your own, such as `key:2025-10-29/ingest`";
const CHECK_THE_CLOCK: &str = "check the clock, and the offset of the time";

const NOT_MARKED: &str = "what a rule says goes when its reason does, or once the phase has run again";

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let failure = |kind| Failure::new(kind, rejection.to_string());
        match &rejection {
            Rejection::Key(_) => failure(Kind::BadKey).hint(KEY),
            Rejection::UnknownPhase { .. } => failure(Kind::UnknownPhase).hint(NO_PHASE),
            Rejection::RenamedPhase { now, since, .. } => renamed(failure(Kind::UnknownPhase), now, *since),
            Rejection::AmbiguousPhase { .. }
            | Rejection::UnknownWorkflow { .. }
            | Rejection::WorkflowNeeded { .. }
            | Rejection::UnknownTag { .. }
            | Rejection::TagThere { .. }
            | Rejection::UnfitName { .. } => names::advised(rejection.to_string(), &rejection),
            Rejection::IllegalTransition { verb, phase, from, allowed } => {
                let allowed: Vec<_> = allowed.iter().map(|state| state.as_str()).collect();
                failure(Kind::IllegalTransition)
                    .hint(way_on(verb, from.as_str(), &phase.phase))
                    .detail("phase", phase.to_string())
                    .detail("from", from.as_str())
                    .detail("to", led_to(verb))
                    .detail("allowed", allowed)
            }
            Rejection::UnmetNeeds { phase, unmet } => {
                let unmet: Vec<_> = unmet.iter().map(|(need, _)| need.to_string()).collect();
                failure(Kind::UnmetNeeds)
                    .hint("complete or skip what it needs, or start it all the same with `--allow-unmet`")
                    .detail("phase", phase.to_string())
                    .detail("unmet", unmet)
            }
            Rejection::NoSuchProcess { pid } => failure(Kind::NoSuchProcess)
                .hint("give the number of a process that runs on this machine, such as `$$` in a shell")
                .detail("pid", *pid),
            Rejection::Conflict { expected, found } => failure(Kind::Conflict)
                .hint("someone was here before; look at `phaseledger status` and decide anew")
                .detail("expected", expected.to_string())
                .detail("found", found.clone()),
            Rejection::UnknownNeedElsewhere { .. }
            | Rejection::CycleAcrossWorkflows { .. }
            | Rejection::StillNeeded { .. }
            | Rejection::WorkflowNeededBy { .. }
            | Rejection::RetiredWorkflow { .. } => definitions::advised(&rejection),
            Rejection::NoSuchPlace { .. } => failure(Kind::NotFound),
            Rejection::ClaimInFuture { .. } => failure(Kind::ClaimInFuture).hint(CHECK_THE_CLOCK),
            Rejection::NoLaterTime { .. } => failure(Kind::NoLaterTime).hint("begin a new ledger"),
            Rejection::StaleAbove { stale, .. } => failure(Kind::StaleAbove)
                .detail("stale", stale.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Rejection::NotMarked { .. } => failure(Kind::IllegalTransition).hint(NOT_MARKED),
            Rejection::OverLimit { .. }
            | Rejection::NegativeCost { .. }
            | Rejection::RefundNotNegative { .. }
            | Rejection::RefundTooLarge { .. }
            | Rejection::SumTooLarge { .. }
            | Rejection::NegativeLimit { .. }
            | Rejection::NoCurrency { .. }
            | Rejection::ClocksUnknown { .. }
            | Rejection::WrongCurrency { .. }
            | Rejection::CurrencyChanged { .. } => costs::advised(&rejection),
            Rejection::Reservation(refused) => costs::reservation(rejection.to_string(), refused),
            Rejection::MetadataTooLarge { .. } => {
                failure(Kind::TooLarge).hint("keep large things in files, and their paths or digests here")
            }
            Rejection::Approval(rejection) => rejection.into(),
            Rejection::Revert(refused) => reverts::advised(rejection.to_string(), refused),
        }
    }
}

/// Says what a phase is called, and since which event.
fn renamed(failure: Failure, now: &PhaseId, since: Seq) -> Failure {
    failure
        .hint(format!("it is called `{now}` since e{since}"))
        .detail("renamed", serde_json::json!({ "now": now.to_string(), "since": since.number() }))
}

/// Returns the state that a verb leads to.
fn led_to(verb: &str) -> Option<&'static str> {
    use phaseledger::model::StateName;
    let state = match verb {
        "start" => StateName::InProgress,
        "complete" | "accept" => StateName::Complete,
        "fail" => StateName::Failed,
        "skip" | "reset" => StateName::Pending,
        "rerun" => StateName::NeedsRerun,
        _ => return None,
    };
    Some(state.as_str())
}

/// Says what would be accepted in the state that was found.
fn way_on(verb: &str, from: &str, phase: &phaseledger::model::PhaseName) -> String {
    match (verb, from) {
        ("start", "COMPLETE") => {
            format!("`phaseledger start {phase} --rerun --reason …` marks it for rerun and starts it")
        }
        ("start" | "start --rerun", "IN_PROGRESS") => {
            format!("`phaseledger start {phase} --take-over --reason …` gives up the attempt under way")
        }
        ("complete" | "fail", _) => format!("`phaseledger start {phase}` starts an attempt"),
        ("withdraw the marks of", _) => "only what is marked for rerun has marks to take back".to_owned(),
        ("rerun", _) => "only what is complete can be marked; the others will run anyway".to_owned(),
        ("skip", "COMPLETE") => {
            format!("`phaseledger reset {phase} --reason …` first, if it is to count as not run")
        }
        _ => "`phaseledger status` shows where it stands".to_owned(),
    }
}
