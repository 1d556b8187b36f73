//! Which command an event is of: what a command that takes another one back is asked about.

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::model::{EventId, Seq, When};

/// Of which command is an event?
#[derive(Debug, Clone)]
pub struct Commanded {
    /// The event.
    pub when: When,
}

/// An event, and the first one of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CommandedEvent {
    /// Its place.
    pub seq: Seq,
    /// Its kind.
    pub kind: &'static str,
    /// The command's first event.
    pub first: EventId,
    /// The place of that.
    pub first_seq: Seq,
}

impl Question for Commanded {
    const SCHEMA: &'static str = "commanded/1";
    type View = CommandedEvent;

    fn ask(&self, cut: &Cut<'_>) -> Result<CommandedEvent, AskError> {
        let record = cut.record(cut.find_event(&self.when)?)?;
        let first = cut.record(cut.start_of_command(record.seq)?)?;
        let kind = record.event.kind();
        Ok(CommandedEvent { seq: record.seq, kind, first: first.id, first_seq: first.seq })
    }
}
