//! Where a command is that is sent under an id: what a verb that looks something up before it records is asked about.

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::model::{CommandId, Seq, Timestamp};

/// Is a command recorded under this id?
#[derive(Debug, Clone, Copy)]
pub struct RecordedUnder {
    /// The id.
    pub id: CommandId,
}

/// The first event of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FirstEvent {
    /// Its place.
    pub seq: Seq,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl Question for RecordedUnder {
    const SCHEMA: &'static str = "recorded-under/1";
    type View = Option<FirstEvent>;

    fn ask(&self, cut: &Cut<'_>) -> Result<Option<FirstEvent>, AskError> {
        let Some(seq) = cut.find_command(self.id)? else { return Ok(None) };
        Ok(Some(FirstEvent { seq, recorded_at: cut.record(seq)?.recorded_at }))
    }
}
