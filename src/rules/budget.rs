//! What was spent of what may be: of a phase, and of a workflow as a whole.

use serde::{Deserialize, Serialize};

use crate::model::Amount;

/// The part of a limit at which it warns, in hundredths (DESIGN section 4).
pub const WARNING_PERCENT: u8 = 80;

/// What was spent, how much may be, and what has been said about that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What was spent in all, refunds taken off: zero or more. No reset and no definition takes it back.
    pub spent: Amount,
    /// How many costs and refunds that is.
    pub records: u64,
    /// The most that may be spent: what a definition or a `cost_limit_set` said last.
    pub limit: Option<Amount>,
    /// The most that an event has said of the limit and that still holds.
    pub alert: Standing,
}

/// How spending stands to a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Below the part at which it warns, or there is no limit.
    #[default]
    Ok,
    /// At least [`WARNING_PERCENT`] hundredths of a limit above zero.
    Warning,
    /// Over the limit.
    Over,
}

impl Standing {
    /// Returns how an amount stands to a limit.
    pub fn of(spent: Amount, limit: Option<Amount>) -> Self {
        match limit {
            None => Standing::Ok,
            Some(limit) if spent > limit => Standing::Over,
            Some(limit) if limit.is_positive() && spent.reaches(WARNING_PERCENT, limit) => Standing::Warning,
            Some(_) => Standing::Ok,
        }
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

    /// Adds a cost or a refund; none when the sum would be below zero or have too many digits.
    pub(super) fn with(&self, amount: Amount) -> Option<Budget> {
        let spent = self.spent.plus(amount).filter(|spent| !spent.is_negative())?;
        Some(Budget { spent, records: self.records + 1, ..*self }.settled())
    }

    /// Puts a limit in force.
    pub(super) fn limited(&self, limit: Option<Amount>) -> Budget {
        Budget { limit, ..*self }.settled()
    }

    /// Puts a definition's limit in force where it is another than the definition's before.
    pub(super) fn redefined(&self, before: Option<Amount>, after: Option<Amount>) -> Budget {
        if before == after { *self } else { self.limited(after) }
    }

    /// Takes back what no longer holds, so that it is said again when it does.
    fn settled(self) -> Budget {
        Budget { alert: self.alert.min(self.standing()), ..self }
    }
}
