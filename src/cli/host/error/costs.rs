//! What the user is told when a cost, a limit, or a start over a limit is refused.

use phaseledger::query::SumTooLarge;
use phaseledger::rules::Rejection;
use serde_json::Value;

use super::{Failure, Kind};

/// Says of what costs are refused for what to do.
pub(super) fn advised(failure: Failure, rejection: &Rejection) -> Failure {
    match rejection {
        Rejection::OverLimit { phase, .. } => failure
            .hint(format!(
                "`phaseledger cost limit` raises a limit; `phaseledger start {} --over-limit --reason …` \
                 starts it all the same",
                phase.phase
            ))
            .detail("phase", phase.to_string()),
        Rejection::NegativeCost { .. } => failure.hint("`--refund` records what was given back"),
        Rejection::RefundNotNegative { .. } => {
            failure.hint("write what was given back with a minus: `-5.00`")
        }
        Rejection::RefundTooLarge { phase, .. } => failure.hint(format!(
            "`phaseledger log --phase {} --kind cost_recorded` lists what was spent on it",
            phase.phase
        )),
        Rejection::WrongCurrency { expected: Some(expected), .. } => failure
            .hint(format!("record it in {expected}, or in a workflow of its own"))
            .detail("expected", expected.clone()),
        Rejection::WrongCurrency { expected: None, .. } => failure
            .hint("the workflow's definition may name one: `currency = \"USD\"`")
            .detail("expected", Value::Null),
        Rejection::CurrencyChanged { .. } => {
            failure.hint("define it under another name: `phaseledger define FILE --as NAME`")
        }
        Rejection::NegativeLimit { .. } => failure.hint("`--none` takes the limit away"),
        _ => failure,
    }
}

impl From<SumTooLarge> for Failure {
    fn from(error: SumTooLarge) -> Self {
        Failure::new(Kind::SumTooLarge, error.to_string())
    }
}
