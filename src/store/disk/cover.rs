//! Which segments hold a log, of those that a folder has names of.
//!
//! A crash leaves segments that were merged already beside the one that they were merged into, and one that reaches
//! beyond the journal's front: archiving ends with a new journal. Anything else is damage.

use super::damaged;
use super::segment::SegmentName;
use crate::model::Seq;
use crate::store::StoreError;

/// The segments of a log.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// Those that count, in order, one behind the other.
    pub(super) segments: Vec<SegmentName>,
    /// Those that the others hold too.
    pub(super) obsolete: Vec<SegmentName>,
}

impl Cover {
    /// Chooses among segments, by their first place, longer ones first. The journal goes on after `archived`.
    pub(super) fn of(names: &[SegmentName], archived: Seq) -> Result<Self, StoreError> {
        let mut cover = Cover::default();
        for name in names {
            let end = cover.end();
            if name.first == end.plus(1) {
                cover.segments.push(*name);
            } else if name.last <= end {
                cover.obsolete.push(*name);
            } else if name.first > end {
                return Err(missing(end.plus(1), name.first.minus(1)));
            } else {
                return Err(damaged(format!("`{name}` begins within the events of another segment")));
            }
        }
        if cover.end() < archived {
            return Err(missing(cover.end().plus(1), archived));
        }
        let beyond = cover.segments.iter().filter(|name| name.last > archived).count();
        match beyond <= 1 {
            true => Ok(cover),
            false => Err(damaged(format!(
                "the journal goes on after event {archived}, but there are segments up to event {}",
                cover.end()
            ))),
        }
    }

    /// Returns the last place that they hold.
    pub(super) fn end(&self) -> Seq {
        self.segments.last().map_or(Seq::ZERO, |name| name.last)
    }
}

fn missing(first: Seq, last: Seq) -> StoreError {
    damaged(match first == last {
        true => format!("event {first} is missing: no segment holds it"),
        false => format!("the events {first} to {last} are missing: no segment holds them"),
    })
}
