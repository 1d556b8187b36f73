//! What was spent of what may be: of a phase, and of a workflow as a whole.

use serde::{Deserialize, Serialize};

use super::happened::Happened;
use super::period_budget::{Limited, PeriodBudget};
use super::standing::Standing;
use crate::model::{Amount, Clocks, EventId, Per, Period, ReservationRef, Seq, Timestamp};

/// What was spent, how much may be, and what has been said about that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What was spent in all, refunds taken off: zero or more. No reset and no definition takes it back.
    pub spent: Amount,
    /// How many costs and refunds that is.
    pub records: u64,
    /// The most that may be spent: what a definition or a `cost_limit_set` said last.
    pub limit: Option<Amount>,
    /// The most that an event has said of the limit and that still holds.
    pub alert: Standing,
    /// The cost, or refund, that took effect last: a period's limit counts what was spent before it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Happened>,
    /// The limits of days, weeks and months, each after the one that it replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<PeriodBudget>,
    /// What is held, in the order in which it was reserved; what time ended may still be among it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reserved: Vec<Reservation>,
}

/// An amount that is held until it is spent, released, or over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The event that made it.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// How much is held.
    pub amount: Amount,
    /// Since when.
    pub at: Timestamp,
    /// From when on it is no longer.
    pub until: Timestamp,
}

impl Reservation {
    /// Says whether it is held at an instant: for none, whether nothing but time can have ended it.
    pub fn is_open(&self, at: Option<Timestamp>) -> bool {
        at.is_none_or(|at| at < self.until)
    }

    /// Names it by its event.
    pub fn named(&self) -> ReservationRef {
        ReservationRef { event: self.event, seq: self.seq }
    }
}

impl Budget {
    /// Says whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Budget::default()
    }

    /// Returns how spending stands to the limit.
    pub fn standing(&self) -> Standing {
        Standing::of(self.spent, self.limit)
    }

    /// Returns what may still be spent, below zero where the limit is exceeded; none without a limit.
    pub fn remaining(&self) -> Option<Amount> {
        self.limit?.minus(self.spent)
    }

    /// Returns the limit and by how much it is exceeded; none where it is not.
    pub fn excess(&self) -> Option<(Amount, Amount)> {
        let limit = self.limit.filter(|limit| self.spent > *limit)?;
        Some((limit, self.spent.minus(limit)?))
    }

    /// Says whether any limit holds, or one of a period may.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some() || self.periods.iter().any(PeriodBudget::is_open)
    }

    /// Returns the limits that hold at an instant: in all, then of its day, its week and its month. Without an instant the
    /// one in all.
    pub fn limits_at(&self, at: Option<Timestamp>) -> Vec<Limited> {
        let mut periods: Vec<_> =
            at.into_iter().flat_map(|at| self.periods.iter().filter_map(move |of| of.limited(at))).collect();
        periods.sort_by_key(|of| of.period.as_ref().map(|period| (period.per, period.from)));
        self.in_all().into_iter().chain(periods).collect()
    }

    /// Returns the limit in all, and how spending stands to it.
    fn in_all(&self) -> Option<Limited> {
        let limit = self.limit?;
        Some(Limited { period: None, zone: None, limit, spent: self.spent, alert: self.alert })
    }

    /// Returns each limit of which there is more to tell than was told: in all first.
    pub(super) fn untold(&self) -> Vec<Limited> {
        let in_all = self.in_all().filter(|of| of.standing() > of.alert);
        let mut periods: Vec<_> = self.periods.iter().flat_map(PeriodBudget::untold).collect();
        periods.sort_by_key(|of| of.period.as_ref().map(|period| (period.per, period.from)));
        in_all.into_iter().chain(periods).collect()
    }

    /// Returns the limit of periods to come, where there is one.
    pub fn of_periods(&self, per: Per) -> Option<&PeriodBudget> {
        self.periods.iter().find(|of| of.per == per && of.is_open())
    }

    /// Returns what is held at an instant.
    pub fn reserved_at(&self, at: Option<Timestamp>) -> impl Iterator<Item = &Reservation> {
        self.reserved.iter().filter(move |of| of.is_open(at))
    }

    /// Returns how much is held at an instant; none when the sum has too many digits.
    pub fn held_at(&self, at: Option<Timestamp>) -> Option<Amount> {
        self.reserved_at(at).try_fold(Amount::ZERO, |sum, of| sum.plus(of.amount))
    }

    /// Returns a reservation that was not released, by its event.
    pub fn reservation(&self, event: EventId) -> Option<&Reservation> {
        self.reserved.iter().find(|of| of.event == event)
    }

    /// Adds a cost or a refund that counts for an instant; none when the sum would be below zero or have too many digits.
    pub(super) fn with(&self, amount: Amount, at: Timestamp) -> Option<Budget> {
        let spent = self.spent.plus(amount).filter(|spent| !spent.is_negative())?;
        let mut periods = self.periods.clone();
        periods.iter_mut().try_for_each(|of| of.add(amount, at))?;
        Some(Budget { spent, records: self.records + 1, periods, ..self.clone() }.settled())
    }

    /// Puts a limit in force.
    pub(super) fn limited(&self, limit: Option<Amount>) -> Budget {
        Budget { limit, ..self.clone() }.settled()
    }

    /// Puts a limit of periods in force, or none, from the one on that an instant is in; `spent` is what was spent in that.
    pub(super) fn limited_per(
        &self,
        (per, clocks): (Per, &Clocks),
        limit: Option<Amount>,
        (at, spent): (Timestamp, Amount),
    ) -> Budget {
        let mut periods = self.periods.clone();
        periods.retain_mut(|of| of.per != per || of.end(at));
        let before = self.of_periods(per);
        periods.extend(limit.map(|limit| PeriodBudget::new((per, clocks), limit, (at, spent), before)));
        Budget { periods, ..self.clone() }
    }

    /// Puts a definition's limit in force where it is another than the definition's before.
    pub(super) fn redefined(&self, before: Option<Amount>, after: Option<Amount>) -> Budget {
        if before == after { self.clone() } else { self.limited(after) }
    }

    /// Holds an amount, and forgets what time has ended by then.
    pub(super) fn hold(&mut self, reservation: Reservation) {
        self.reserved.retain(|of| of.is_open(Some(reservation.at)));
        self.reserved.push(reservation);
    }

    /// Ends a reservation. Says whether it was held.
    pub(super) fn release(&mut self, event: EventId) -> bool {
        let before = self.reserved.len();
        self.reserved.retain(|of| of.event != event);
        self.reserved.len() < before
    }

    /// Puts on record that something was told of a limit, where it is the next to be told.
    pub(super) fn told(
        &self,
        period: Option<&Period>,
        (spent, limit): (Amount, Amount),
        alert: Standing,
    ) -> Option<Budget> {
        let untold = self.untold();
        let of = untold.iter().find(|of| of.period.as_ref() == period)?;
        if (of.spent, of.limit) != (spent, limit) || of.alert >= alert || alert > of.standing() {
            return None;
        }
        let mut told = self.clone();
        match period {
            None => told.alert = alert,
            Some(period) => {
                told.periods.iter_mut().any(|of| of.tell(period, alert)).then_some(())?;
            }
        }
        Some(told)
    }

    /// Takes back what no longer holds, so that it is said again when it does.
    fn settled(self) -> Budget {
        Budget { alert: self.alert.min(self.standing()), ..self }
    }
}
