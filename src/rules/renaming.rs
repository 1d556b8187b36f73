//! One rename, as the row of its workflow keeps it.

use serde::{Deserialize, Serialize};

use super::happened::Happened;
use crate::model::{PhaseName, Renamed};

/// That a phase of a workflow got another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renaming {
    /// The definition that says so.
    #[serde(flatten)]
    pub by: Happened,
    /// The two names.
    #[serde(flatten)]
    pub names: Renamed,
}

impl Renaming {
    /// Returns what takes the place of a name, either way.
    pub(super) fn other<'a>(&'a self, name: &PhaseName) -> Option<&'a PhaseName> {
        let Renamed { from, to } = &self.names;
        if name == from { Some(to) } else { (name == to).then_some(from) }
    }
}
