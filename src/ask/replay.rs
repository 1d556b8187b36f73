//! `replay`: the events of a part of the log, the table before them, and the one that is kept beside the log.

use std::sync::Arc;

use super::{AsOf, AskError, Cut, Lines, Question};
use crate::model::{PhaseRef, Range};
use crate::rules::{Names, Table};

/// What do the events of a part of the log add up to?
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// The part; none for all that counts.
    pub range: Option<Range>,
    /// The phase whose steps are asked for; none for all.
    pub phase: Option<PhaseRef>,
}

/// What a replay needs.
#[derive(Debug)]
pub struct ReplayAnswer {
    /// The events up to the end of the part.
    pub as_of: AsOf,
    /// Whether those are all that are in the log.
    pub is_head: bool,
    /// Whether some of the events were recorded late: others in front of them do not count, or come after the part.
    pub is_late: bool,
    /// The phase whose steps are asked for, by all its names.
    pub phase: Option<Names>,
    /// The table before the part.
    pub before: Table,
    /// The table that is kept beside the log, as it was at the same head; none where the part ends before, or where what
    /// is in front of it has gaps that the part fills: the kept one took its events in the order of the log.
    pub kept: Option<Arc<Table>>,
    /// The events, to be taken in order.
    pub lines: Lines,
}

impl Question for Replay {
    const SCHEMA: &'static str = "replay/1";
    type View = ReplayAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<ReplayAnswer, AskError> {
        let part = cut.find_part(self.range.as_ref())?;
        let phase = match &self.phase {
            Some(name) => {
                let table = cut.table_of(&part.through)?;
                Some(table.names_of(table.resolve(name)?))
            }
            None => None,
        };
        let is_head = cut.is_head() && part.through == *cut.places();
        Ok(ReplayAnswer {
            as_of: cut.as_of_places(&part.through)?,
            is_head,
            is_late: !part.before.late().is_empty() || !part.through.late().is_empty(),
            phase,
            before: cut.table_of(&part.before)?,
            kept: (is_head && part.before.late().is_empty()).then(|| cut.table()).transpose()?,
            lines: cut.lines(part.places())?,
        })
    }
}
