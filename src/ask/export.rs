//! `export`: the lines of the log, byte for byte.

use super::{AskError, Cut, Lines, Question};
use crate::ledger::EXPORT_SCHEMA;

/// What are the lines of the log?
#[derive(Debug, Clone, Copy, Default)]
pub struct Export;

/// The lines.
#[derive(Debug)]
pub struct ExportAnswer {
    /// All that count, to be taken in order.
    pub lines: Lines,
}

impl Question for Export {
    const SCHEMA: &'static str = EXPORT_SCHEMA;
    type View = ExportAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<ExportAnswer, AskError> {
        Ok(ExportAnswer { lines: cut.lines(cut.places().clone())? })
    }
}
