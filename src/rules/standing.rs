//! How spending stands to a limit.

use serde::{Deserialize, Serialize};

use crate::model::Amount;

/// The part of a limit at which it warns, in hundredths (DESIGN section 4).
pub const WARNING_PERCENT: u8 = 80;

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
