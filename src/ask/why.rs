//! `why`: where a phase stands, with every cause back to the roots.

use std::sync::Arc;

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::model::PhaseRef;
use crate::query;
use crate::rules::Table;

/// Why does a phase stand where it does?
#[derive(Debug, Clone)]
pub struct Why {
    /// The phase.
    pub phase: PhaseRef,
}

/// Why a phase stands where it does.
#[derive(Debug, Clone, Serialize)]
pub struct WhyAnswer {
    /// The events, with their proofs.
    #[serde(flatten)]
    pub why: query::Why,
    /// The table that has the phase.
    #[serde(skip)]
    pub table: Arc<Table>,
}

impl Question for Why {
    const SCHEMA: &'static str = "why/1";
    type View = WhyAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<WhyAnswer, AskError> {
        let table = cut.table_above(std::slice::from_ref(&self.phase))?;
        let why = query::why(&table, table.resolve(&self.phase)?, |seq| cut.event(seq))?;
        Ok(WhyAnswer { why, table })
    }
}
