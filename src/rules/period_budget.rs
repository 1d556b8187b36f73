//! What was spent of what may be in a day, a week or a month.

use serde::{Deserialize, Serialize};

use super::standing::Standing;
use crate::model::{Amount, Clocks, Per, Period, Timestamp};

/// A limit of the periods of one length, and what was spent in each of them.
///
/// Periods are counted from the one in which the limit was set: what came before was not limited by it. A limit that
/// another one replaced goes on being that of its own periods, so that a cost that is recorded late is held against
/// the limit of then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodBudget {
    /// How long the periods are.
    pub per: Per,
    /// The clocks by which they begin.
    pub clocks: Clocks,
    /// The most that may be spent in each.
    pub limit: Amount,
    /// When the first of them begins.
    pub from: Timestamp,
    /// Periods that were not over by then have another limit, or none; none while it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What was spent in each period in which anything was, in order.
    sums: Vec<PeriodSum>,
}

/// What was spent in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PeriodSum {
    /// When it begins.
    from: Timestamp,
    /// What was spent less what was given back: below zero where that is more.
    net: Amount,
    /// The most that an event has said of it and that still holds.
    #[serde(default, skip_serializing_if = "is_ok")]
    alert: Standing,
}

fn is_ok(standing: &Standing) -> bool {
    *standing == Standing::Ok
}

/// A limit that holds at an instant, and how spending stands to it: of a period, or in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited {
    /// The period; none for a limit in all.
    pub period: Option<Period>,
    /// The zone of the period.
    pub zone: Option<String>,
    /// The limit.
    pub limit: Amount,
    /// What was spent, zero or more.
    pub spent: Amount,
    /// The most that an event has said of it and that still holds.
    pub alert: Standing,
}

impl Limited {
    /// Returns how spending stands to the limit.
    pub fn standing(&self) -> Standing {
        Standing::of(self.spent, Some(self.limit))
    }

    /// Returns what may still be spent, below zero where the limit is exceeded.
    pub fn remaining(&self) -> Amount {
        self.limit.minus(self.spent).unwrap_or(Amount::ZERO)
    }

    /// Returns by how much the limit is exceeded; none where it is not.
    pub fn excess(&self) -> Option<Amount> {
        self.spent.minus(self.limit).filter(|over| over.is_positive())
    }
}

impl PeriodBudget {
    /// Makes a limit of the period that an instant is in, and of those that follow.
    /// What was said of that period under the limit before holds as far as it still does.
    pub(super) fn new(
        (per, clocks): (Per, &Clocks),
        limit: Amount,
        (at, spent): (Timestamp, Amount),
        before: Option<&PeriodBudget>,
    ) -> Self {
        let period = clocks.period(per, at);
        let said =
            before.and_then(|before| before.limited(at)).filter(|of| of.period.as_ref() == Some(&period));
        let from = period.from;
        let mut sum = PeriodSum { from, net: spent, alert: said.map_or(Standing::Ok, |of| of.alert) };
        sum.alert = sum.alert.min(sum.standing(limit));
        let sums = if spent == Amount::ZERO { Vec::new() } else { vec![sum] };
        PeriodBudget { per, clocks: clocks.clone(), limit, from, until: None, sums }
    }

    /// Says whether it is what limits periods to come.
    pub fn is_open(&self) -> bool {
        self.until.is_none()
    }

    /// Returns the period that an instant is in; none where another limit is that of it, or none is.
    fn period(&self, at: Timestamp) -> Option<Period> {
        let period = self.clocks.period(self.per, at);
        let is_own = self.from <= period.from && self.until.is_none_or(|until| period.to <= until);
        is_own.then_some(period)
    }

    /// Ends it with the periods that are over by an instant. Says whether there are such ones.
    pub(super) fn end(&mut self, until: Timestamp) -> bool {
        self.until = Some(self.until.map_or(until, |known| known.min(until)));
        let (clocks, per) = (&self.clocks, self.per);
        self.sums.retain(|sum| clocks.period(per, sum.from).to <= until);
        clocks.period(per, self.from).to <= until
    }

    /// Adds what was spent, or given back, at an instant; none when the sum would have too many digits.
    pub(super) fn add(&mut self, amount: Amount, at: Timestamp) -> Option<()> {
        let Some(period) = self.period(at) else { return Some(()) };
        let number = self.sums.partition_point(|sum| sum.from < period.from);
        if self.sums.get(number).is_none_or(|sum| sum.from != period.from) {
            self.sums.insert(number, PeriodSum { from: period.from, net: Amount::ZERO, alert: Standing::Ok });
        }
        let limit = self.limit;
        let sum = &mut self.sums[number];
        sum.net = sum.net.plus(amount)?;
        sum.alert = sum.alert.min(sum.standing(limit));
        Some(())
    }

    /// Returns how spending stands to the limit of the period that an instant is in; none where it has none.
    pub(super) fn limited(&self, at: Timestamp) -> Option<Limited> {
        let period = self.period(at)?;
        let sum = self.sums.iter().find(|sum| sum.from == period.from);
        Some(self.of(period, sum))
    }

    /// Returns each period of which there is more to tell than was told.
    pub(super) fn untold(&self) -> impl Iterator<Item = Limited> {
        let untold = self.sums.iter().filter(|sum| sum.standing(self.limit) > sum.alert);
        untold.map(|sum| self.of(self.clocks.period(self.per, sum.from), Some(sum)))
    }

    fn of(&self, period: Period, sum: Option<&PeriodSum>) -> Limited {
        Limited {
            period: Some(period),
            zone: Some(self.clocks.zone().to_owned()),
            limit: self.limit,
            spent: sum.map_or(Amount::ZERO, PeriodSum::spent),
            alert: sum.map_or(Standing::Ok, |sum| sum.alert),
        }
    }

    /// Puts on record that something was told of a period. Says whether there is such a one.
    pub(super) fn tell(&mut self, period: &Period, alert: Standing) -> bool {
        let is_own = self.period(period.from).as_ref() == Some(period);
        match self.sums.iter_mut().find(|sum| is_own && sum.from == period.from) {
            Some(sum) => {
                sum.alert = alert;
                true
            }
            None => false,
        }
    }
}

impl PeriodSum {
    /// What was given back beyond what was spent in the period was spent in another one: it buys nothing here.
    fn spent(&self) -> Amount {
        self.net.max(Amount::ZERO)
    }

    fn standing(&self, limit: Amount) -> Standing {
        Standing::of(self.spent(), Some(limit))
    }
}
