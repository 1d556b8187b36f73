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
    /// Its identity.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// Its kind.
    pub kind: &'static str,
    /// The place of the command's first event.
    pub of: Seq,
}

impl Question for Commanded {
    const SCHEMA: &'static str = "commanded/1";
    type View = CommandedEvent;

    fn ask(&self, cut: &Cut<'_>) -> Result<CommandedEvent, AskError> {
        let record = cut.record(cut.find_event(&self.when)?)?;
        let of = cut.start_of_command(record.seq)?;
        Ok(CommandedEvent { event: record.id, seq: record.seq, kind: record.event.kind(), of })
    }
}
