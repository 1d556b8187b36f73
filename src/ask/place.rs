//! Which place a selector means.

use super::{AskError, Cut, Question};
use crate::model::{Seq, When};

/// Which place is meant?
#[derive(Debug, Clone)]
pub struct Place {
    /// The selector.
    pub when: When,
}

impl Question for Place {
    const SCHEMA: &'static str = "place/1";
    type View = Seq;

    fn ask(&self, cut: &Cut<'_>) -> Result<Seq, AskError> {
        cut.find(&self.when)
    }
}
