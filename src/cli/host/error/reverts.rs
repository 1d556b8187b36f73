//! What the user is told when something is not taken back.

use phaseledger::rules::RevertRejection;

use super::{Failure, Kind};

/// Says of what is not taken back what to do.
pub(super) fn advised(message: String, rejection: &RevertRejection) -> Failure {
    let failure = |kind| Failure::new(kind, message);
    match rejection {
        RevertRejection::NoCommand { .. } => failure(Kind::NotFound).hint(
            "`phaseledger log` lists the events; a command is named by its first one, or by its `key:`",
        ),
        RevertRejection::Derived { of, .. } => failure(Kind::CannotRevert)
            .hint(format!(
                "`phaseledger revert e{of} --reason …` takes the whole command back, if that can be"
            ))
            .detail("command", of.number()),
        RevertRejection::Already { by, .. } => failure(Kind::CannotRevert)
            .hint(format!("`phaseledger revert e{by} --reason …` takes that back in turn"))
            .detail("by", by.number()),
        RevertRejection::CannotBe { kind, .. } => failure(Kind::CannotRevert).hint(way(kind)),
        RevertRejection::Passed { seq, .. } => failure(Kind::CannotRevert)
            .hint(format!("`phaseledger show e{seq}` lists what came of it; change what is there now")),
        RevertRejection::RestedOn { by, .. } => failure(Kind::CannotRevert)
            .hint("what was done stays; change what is there now, with a new command")
            .detail("events", by.iter().map(|(seq, _)| seq.number()).collect::<Vec<_>>()),
        RevertRejection::FirstDefinition { workflow, by, .. } => failure(Kind::CannotRevert)
            .hint(format!(
                "`phaseledger define --retire {workflow} --reason …` retires it with all that was done; \
                 `phaseledger define FILE` puts the right definition in force"
            ))
            .detail("events", by.iter().map(|(seq, _)| seq.number()).collect::<Vec<_>>()),
    }
}

/// Says which verb helps instead.
fn way(kind: &str) -> &'static str {
    match kind {
        "phase_started" => {
            "that it began stays a fact: `fail` ends the attempt, `start --take-over` begins another one; \
             `rerun --withdraw` takes a mark back"
        }
        "phase_completed" | "phase_accepted" => {
            "`rerun` has it run again, `reset` makes it as if it had not run"
        }
        "phase_failed" => "`start` tries again, `accept` vouches for what is there",
        "phase_reset" => "`start` runs it again",
        "rerun_marked" | "rerun_cause_added" | "rerun_deferred" | "rerun_withdrawn" => {
            "what a scan says goes and comes with the files; `accept` vouches for what is there"
        }
        "cost_reserved" => "`cost release` ends a reservation of which nothing was spent",
        "cost_released" => "`cost check --reserve` holds an amount anew",
        "approval_requested" | "approval_granted" | "approval_rejected" => {
            "`approval reject` takes a request back, `approval request` asks anew"
        }
        _ => "it says what was found; a new command says what holds from now on",
    }
}
