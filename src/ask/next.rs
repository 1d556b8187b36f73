//! `next`: what can be started, and what waits for what.

use std::sync::Arc;

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::model::WorkflowName;
use crate::query;
use crate::rules::Table;

/// What can be started, what is under way, and what waits for what?
#[derive(Debug, Clone, Default)]
pub struct Next {
    /// Only phases of this workflow; of all for none.
    pub workflow: Option<WorkflowName>,
}

/// What can be started.
#[derive(Debug, Clone, Serialize)]
pub struct NextAnswer {
    /// The phases.
    #[serde(flatten)]
    pub next: query::Next,
    /// The table that tells it.
    #[serde(skip)]
    pub table: Arc<Table>,
}

impl Question for Next {
    const SCHEMA: &'static str = "next/1";
    type View = NextAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<NextAnswer, AskError> {
        let table = cut.table()?;
        Ok(NextAnswer { next: query::next(&table, self.workflow.as_ref(), cut.instant())?, table })
    }
}
