//! The event at the far end of a chain of causes.

use super::{AskError, Cut};
use crate::model::{EventId, Recorded, Seq};

/// Follows the first causes from an event back to the root of them all.
pub(super) fn find_root(cut: &Cut<'_>, root: EventId, from: Seq) -> Result<Option<Recorded>, AskError> {
    let mut seq = from;
    loop {
        let record = cut.record(seq)?;
        if record.id == root {
            return Ok(Some(record));
        }
        match record.causes.first() {
            Some(cause) => seq = cause.seq,
            None => return Ok(None),
        }
    }
}
