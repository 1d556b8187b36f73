//! The event at the far end of a chain of causes.

use super::{AskError, Cut};
use crate::model::{Recorded, Seq};

/// Follows the first causes from an event back to the root of them all.
pub(super) fn find_root(cut: &Cut<'_>, from: Seq) -> Result<Option<Recorded>, AskError> {
    let mut record = cut.record(from)?;
    let root = record.correlation_id;
    while record.id != root {
        let Some(cause) = record.causes.first() else { return Ok(None) };
        record = cut.record(cause.event.seq)?;
    }
    Ok(Some(record))
}
