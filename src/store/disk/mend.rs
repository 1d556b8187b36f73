//! What is made anew of a segment: all that is not its events. Blocks that are whole are enough for the rest.
//!
//! The events come from wherever they are whole: the segment's own blocks, others that hold them too, the journal, sled. They
//! must lead from where the segment before ends to where the next one begins, or the journal: then the segment is written
//! anew, aside, and takes the place of the damaged one.

use std::io::ErrorKind;
use std::path::Path;

use super::cover::Cover;
use super::folder::sync;
use super::journal;
use super::salvage::Found;
use super::segment::{Segment, SegmentName, SegmentWriter};
use super::state::State;
use super::view::SEGMENTS;
use super::{DiskOptions, damaged};
use crate::model::Seq;
use crate::store::{Entry, Mended, StoreError};

/// Refuses a log of which a segment is missing, cut, another one's, or without its index: what is recorded above a hole would
/// be no evidence. Its front, its end, and where the log stands before and behind it are read; what is in its blocks is
/// checked when that is read.
pub(super) fn check_segments(dir: &Path, names: &[SegmentName], front: &State) -> Result<(), StoreError> {
    let folder = dir.join(SEGMENTS);
    let mut end = State::default();
    for name in names {
        let (before, after) = match Segment::span(&folder, name) {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Err(damaged(format!(
                    "the events {} to {} are missing: their segment is gone",
                    name.first, name.last
                )));
            }
            span => span?,
        };
        if before != end {
            return Err(damaged(format!("the events from {} on do not follow on those before", name.first)));
        }
        end = after;
    }
    match end == *front {
        true => Ok(()),
        false => Err(damaged("the events in the journal do not follow on those in the segments".to_owned())),
    }
}

/// Makes anew the segments that are not as they were written but whose events are all there. The lock is held.
pub(super) fn segments(dir: &Path) -> Result<Vec<Mended>, StoreError> {
    let folder = dir.join(SEGMENTS);
    let names = SegmentName::list(&folder)?;
    let Some(front) = front(dir) else { return Ok(Vec::new()) };
    let Ok(cover) = Cover::of(&names, front.seq()) else { return Ok(Vec::new()) };
    let (mut before, mut mended, mut found) = (State::default(), Vec::new(), None);
    for (at, name) in cover.segments.iter().enumerate() {
        let end =
            match Segment::open(&folder, name).and_then(|segment| segment.check().map(|()| segment.after)) {
                Ok(after) => after,
                Err(StoreError::Damaged { .. }) => {
                    let found = match &mut found {
                        Some(found) => found,
                        None => found.insert(Found::everywhere(dir)?),
                    };
                    let next = cover.segments.get(at + 1).map(|name| Segment::open(&folder, name));
                    let expected = match next {
                        Some(Ok(next)) => next.before.clone(),
                        Some(Err(_)) => return Ok(mended),
                        None => front.clone(),
                    };
                    let Some(entries) = all(found, name) else { return Ok(mended) };
                    let after = before.after(&entries);
                    if after != expected {
                        return Ok(mended);
                    }
                    write(&folder, &before, &entries)?;
                    mended.push(Mended::Segment(folder.join(name.to_string())));
                    after
                }
                Err(error) => return Err(error),
            };
        before = end;
    }
    Ok(mended)
}

/// Returns where the journal begins; none where that cannot be read.
fn front(dir: &Path) -> Option<State> {
    let bytes = std::fs::read(dir.join(journal::NAME)).ok()?;
    Some(journal::read_front(&bytes).ok()?.0)
}

/// Returns all events of a segment, where each is whole somewhere.
fn all(found: &mut Found, name: &SegmentName) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut next = name.first;
    while next <= name.last {
        let more = found.entries(next)?;
        let wanted = usize::try_from(name.last.number() - next.number() + 1).unwrap_or(usize::MAX);
        entries.extend(more.into_iter().take(wanted));
        next = Seq::new(name.first.number() + entries.len() as u64);
    }
    Some(entries)
}

fn write(folder: &Path, before: &State, entries: &[Entry]) -> Result<(), StoreError> {
    let mut writer = SegmentWriter::create(&folder.join("segment.new"), before)?;
    writer.add(&[], entries, DiskOptions::default().block_size())?;
    writer.finish(folder)?;
    sync(folder)
}
