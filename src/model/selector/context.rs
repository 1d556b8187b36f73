//! What a time is read by.

use super::zone::Zone;
use crate::model::Timestamp;

/// What a time is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeContext {
    /// The present, as the edge that asks has read it.
    pub now: Timestamp,
    /// The zone of times without an offset, and of the calendar that `yesterday` is on.
    pub zone: Zone,
}
