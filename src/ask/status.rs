//! `status`: where each phase stands.

use std::sync::Arc;

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::query::{self, StatusFilter};
use crate::rules::Table;

/// Where does each phase stand?
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Which phases are asked about.
    pub filter: StatusFilter,
}

/// Where each phase stands.
#[derive(Debug, Clone, Serialize)]
pub struct StatusAnswer {
    /// The phases, and how many are in each state.
    #[serde(flatten)]
    pub status: query::Status,
    /// The table that tells it.
    #[serde(skip)]
    pub table: Arc<Table>,
}

impl Question for Status {
    const SCHEMA: &'static str = "status/1";
    type View = StatusAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<StatusAnswer, AskError> {
        let named = self.filter.named();
        let table = if named.is_empty() { cut.table()? } else { cut.table_above(&named)? };
        Ok(StatusAnswer { status: query::status(&table, &self.filter, cut.instant())?, table })
    }
}
