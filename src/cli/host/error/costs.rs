//! What the user is told when a cost, a limit, or a start over a limit is refused.

use phaseledger::query::SumTooLarge;
use phaseledger::rules::Rejection;
use serde_json::Value;

use super::Failure;

/// Says of what costs are refused for what to do.
pub(super) fn refused(rejection: &Rejection) -> Failure {
    let failure = |exit, code| Failure::new(exit, code, rejection.to_string());
    match rejection {
        Rejection::OverLimit { phase, .. } => failure(6, "over_limit")
            .hint(format!(
                "`phaseledger cost limit` raises a limit; `phaseledger start {} --over-limit --reason …` \
                 starts it all the same",
                phase.phase
            ))
            .detail("phase", phase.to_string()),
        Rejection::NegativeCost { .. } => {
            failure(2, "bad_amount").hint("`--refund` records what was given back")
        }
        Rejection::RefundNotNegative { .. } => {
            failure(2, "bad_amount").hint("write what was given back with a minus: `-5.00`")
        }
        Rejection::RefundTooLarge { phase, .. } => failure(6, "refund_too_large").hint(format!(
            "`phaseledger log --phase {} --kind cost_recorded` lists what was spent on it",
            phase.phase
        )),
        Rejection::SumTooLarge { .. } => failure(6, "sum_too_large"),
        Rejection::WrongCurrency { expected: Some(expected), .. } => failure(2, "wrong_currency")
            .hint(format!("record it in {expected}, or in a workflow of its own"))
            .detail("expected", expected.clone()),
        Rejection::WrongCurrency { expected: None, .. } => failure(2, "wrong_currency")
            .hint("the workflow's definition may name one: `currency = \"USD\"`")
            .detail("expected", Value::Null),
        Rejection::CurrencyChanged { .. } => failure(6, "wrong_currency")
            .hint("define it under another name: `phaseledger define FILE --as NAME`"),
        Rejection::NegativeLimit { .. } => failure(2, "bad_amount").hint("`--none` takes the limit away"),
        _ => failure(6, "refused"),
    }
}

impl From<SumTooLarge> for Failure {
    fn from(error: SumTooLarge) -> Self {
        Failure::new(6, "sum_too_large", error.to_string())
    }
}
