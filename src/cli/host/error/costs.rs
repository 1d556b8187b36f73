//! What the user is told when a cost, a limit, or a start over a limit is refused.

use phaseledger::query::SumTooLarge;
use phaseledger::rules::{NoRoom, Rejection, ReservationRejection};
use serde_json::{Value, json};

use super::{Failure, Kind};

/// Says of what costs are refused for what to do.
pub(super) fn advised(rejection: &Rejection) -> Failure {
    let failure = Failure::new(kind(rejection), rejection.to_string());
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
        Rejection::NoCurrency { workflow } => failure
            .hint(
                "put `currency = \"USD\"` below `[workflow]` in the workflow's file, and put that in force with \
                 `phaseledger define`",
            )
            .detail("workflow", workflow.to_string()),
        Rejection::ClocksUnknown { .. } => {
            failure.hint("name a zone of the time zone database, or an offset such as `+02:00`")
        }
        Rejection::NegativeLimit { .. } => failure.hint("`--none` takes the limit away"),
        _ => failure,
    }
}

fn kind(rejection: &Rejection) -> Kind {
    match rejection {
        Rejection::OverLimit { .. } => Kind::OverLimit,
        Rejection::RefundTooLarge { .. } => Kind::RefundTooLarge,
        Rejection::SumTooLarge { .. } => Kind::SumTooLarge,
        Rejection::NoCurrency { .. } => Kind::NoCurrency,
        Rejection::WrongCurrency { .. } => Kind::WrongCurrency,
        Rejection::CurrencyChanged { .. } => Kind::CurrencyChanged,
        Rejection::NegativeCost { .. }
        | Rejection::RefundNotNegative { .. }
        | Rejection::NegativeLimit { .. } => Kind::BadAmount,
        _ => Kind::Usage,
    }
}

/// Says of an amount that is not held, or not released, what to do.
pub(super) fn reservation(message: String, refused: &ReservationRejection) -> Failure {
    let failure = |kind| Failure::new(kind, message);
    let listed = "`phaseledger cost summary` lists what is held";
    match refused {
        ReservationRejection::DoesNotFit { phase, limits, .. } => failure(Kind::DoesNotFit)
            .hint(format!("{listed}; `phaseledger cost remaining {}` tells what is left", phase.phase))
            .detail("phase", phase.to_string())
            .detail("limits", limits.iter().map(no_room).collect::<Vec<_>>()),
        ReservationRejection::NotPositive { .. } => failure(Kind::BadAmount).hint("hold more than nothing"),
        ReservationRejection::SumTooLarge { .. } => failure(Kind::SumTooLarge),
        ReservationRejection::Unknown { .. } => failure(Kind::UnknownReservation).hint(listed),
        ReservationRejection::Ended { .. }
        | ReservationRejection::Over { .. }
        | ReservationRejection::Elsewhere { .. } => failure(Kind::ReservationEnded).hint(listed),
    }
}

fn no_room(of: &NoRoom) -> Value {
    let NoRoom { scope, limit, spent, reserved, period } = of;
    json!({"scope": scope, "limit": limit, "spent": spent, "reserved": reserved, "period": period})
}

impl From<SumTooLarge> for Failure {
    fn from(error: SumTooLarge) -> Self {
        Failure::new(Kind::SumTooLarge, error.to_string())
    }
}
