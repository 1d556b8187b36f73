//! What a definition says of former names that came to nothing.

use super::{AskError, Cut, Question};
use crate::model::WorkflowDefined;
use crate::query::{self, NotRenamed};

/// What did a definition want to rename, and did not?
#[derive(Debug, Clone)]
pub struct NotRenamedBy<'a> {
    /// The definition, recorded or not.
    pub defined: &'a WorkflowDefined,
}

impl Question for NotRenamedBy<'_> {
    const SCHEMA: &'static str = "not-renamed/1";
    type View = Vec<NotRenamed>;

    fn ask(&self, cut: &Cut<'_>) -> Result<Vec<NotRenamed>, AskError> {
        Ok(query::not_renamed(&*cut.table()?, self.defined))
    }
}
