//! Why there is no room below a limit: for an amount that is to be held, or for a start.

use crate::model::{Amount, EventId, Overspent, Period, PhaseId, Scope, Seq, Timestamp};

/// Why an amount is not held, or not released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReservationRejection {
    /// It would go over a limit beside what others hold.
    #[error("{} for `{phase}` does not fit: {}", amount.of(currency), limits.iter().map(|of| short(of, currency)).collect::<Vec<_>>().join("; "))]
    DoesNotFit {
        /// For which phase.
        phase: PhaseId,
        /// How much.
        amount: Amount,
        /// The limits that it does not fit.
        limits: Vec<NoRoom>,
        /// The workflow's currency.
        currency: Option<String>,
    },
    /// An amount of nothing, or less.
    #[error("{amount} cannot be held; expected more than 0")]
    NotPositive {
        /// What was given.
        amount: Amount,
    },
    /// A sum with more digits than an amount has.
    #[error(
        "with {amount} more, what is held would need more than {} digits before the point",
        crate::model::AMOUNT_WHOLE_DIGITS_MAX
    )]
    SumTooLarge {
        /// What was given.
        amount: Amount,
    },
    /// No such reservation.
    #[error("the ledger has no reservation {event}")]
    Unknown {
        /// What was asked for.
        event: EventId,
    },
    /// It was released, or spent.
    #[error("the reservation of e{seq} has ended: it was released, spent, or is over")]
    Ended {
        /// Its place.
        seq: Seq,
    },
    /// Its time is over.
    #[error("the reservation of e{seq} is over since {until}")]
    Over {
        /// Its place.
        seq: Seq,
        /// When it ended.
        until: Timestamp,
    },
    /// It is held for another phase.
    #[error("the reservation of e{seq} is for `{of}`, not for `{phase}`")]
    Elsewhere {
        /// Its place.
        seq: Seq,
        /// For what it is held.
        of: PhaseId,
        /// For what it was named.
        phase: PhaseId,
    },
}

/// A limit that an amount does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRoom {
    /// Whose limit it is.
    pub scope: Scope,
    /// The limit.
    pub limit: Amount,
    /// What was spent.
    pub spent: Amount,
    /// What others hold.
    pub reserved: Amount,
    /// The period that it is a limit of; none where it is one in all.
    pub period: Option<Period>,
}

/// Says what is left of a limit.
fn short(of: &NoRoom, currency: &Option<String>) -> String {
    let NoRoom { scope, limit, spent, reserved, period } = of;
    let period = period.as_ref().map_or_else(String::new, |period| format!(" for {period}"));
    let (spent, reserved) = (spent.of(currency), reserved.of(currency));
    let whose = match scope {
        Scope::Phase => "the phase",
        Scope::Workflow => "the workflow",
    };
    format!("{whose} has spent {spent} of {}{period}, {reserved} reserved", limit.of(currency))
}

/// Says how far a limit is exceeded.
pub(super) fn exceeded(found: &Overspent, currency: &Option<String>) -> String {
    let Overspent { scope, limit, spent, period } = found;
    let period = period.as_ref().map_or_else(String::new, |period| format!(" for {period}"));
    let whose = match scope {
        Scope::Phase => "it",
        Scope::Workflow => "its workflow",
    };
    let over = spent.minus(*limit).unwrap_or_default().of(currency);
    format!(
        "{whose} has spent {} of {}{period}, {over} over its limit",
        spent.of(currency),
        limit.of(currency)
    )
}
