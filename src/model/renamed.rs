//! Renames, as definitions tell of them.

use serde::{Deserialize, Serialize};

use super::PhaseName;

/// That a phase has another name from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The name that it had.
    pub from: PhaseName,
    /// The name that it has.
    pub to: PhaseName,
}
