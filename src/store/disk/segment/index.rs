//! The list of a segment's blocks: where each is, and between which times its events lie.

use crate::model::{Seq, Timestamp};
use crate::store::disk::bytes::{Reader, Writer};
use crate::store::disk::state::{put_times, time, times};
use crate::store::{Entry, TimeSpan, Times};

/// A block of a segment.
#[derive(Debug, Clone)]
pub(super) struct BlockEntry {
    pub(super) first: Seq,
    pub(super) events: u32,
    pub(super) offset: u64,
    pub(super) stored: u32,
    /// The times of the first and the last event.
    ends: (Times, Times),
    /// The smallest and the largest time at which one took effect.
    at: (Timestamp, Timestamp),
    /// The largest time at which an event of the segment, up to and including this block, took effect.
    running: Timestamp,
}

impl BlockEntry {
    /// Describes a block that is written at an offset, behind another one.
    pub(super) fn new(
        entries: &[&Entry],
        first: Seq,
        offset: u64,
        stored: u32,
        before: Option<&Self>,
    ) -> Self {
        let at = entries.iter().map(|entry| entry.times.at);
        let fallback = entries[0].times.at;
        let range = (at.clone().min().unwrap_or(fallback), at.max().unwrap_or(fallback));
        BlockEntry {
            first,
            events: u32::try_from(entries.len()).expect("limits keep blocks small"),
            offset,
            stored,
            ends: (entries[0].times, entries[entries.len() - 1].times),
            at: range,
            running: before.map_or(range.1, |before| before.running.max(range.1)),
        }
    }

    /// Describes the same block at another offset, behind another one.
    pub(super) fn moved(&self, offset: u64, before: Option<&Self>) -> Self {
        let running = before.map_or(self.at.1, |before| before.running.max(self.at.1));
        BlockEntry { offset, running, ..self.clone() }
    }

    /// Returns its last place.
    pub(super) fn last(&self) -> Seq {
        self.first.plus(u64::from(self.events)).minus(1)
    }

    /// Returns when its last event was recorded.
    pub(super) fn last_recorded_at(&self) -> Timestamp {
        self.ends.1.recorded_at
    }

    /// Returns between which times its events took effect, behind others of which the latest did at `before`.
    pub(super) fn span(&self, before: Option<Timestamp>) -> TimeSpan {
        let running = before.map_or(self.running, |before| before.max(self.running));
        TimeSpan { first: self.first, last: self.last(), at: self.at, running }
    }
}

/// Writes a list: the number of blocks 4, then for each its offset 8, length 4 and events 4, the times of its first and
/// last event 32, the smallest, the largest and the running largest time at which one took effect 24.
pub(super) fn write_blocks(blocks: &[BlockEntry]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u32(blocks.len());
    for block in blocks {
        writer.u64(block.offset);
        writer.u32(block.stored as usize);
        writer.u32(block.events as usize);
        put_times(&mut writer, block.ends.0);
        put_times(&mut writer, block.ends.1);
        [block.at.0, block.at.1, block.running].iter().for_each(|time| writer.i64(time.micros()));
    }
    writer.finish()
}

/// Reads a list; none when it is not one.
pub(super) fn read_blocks(bytes: &[u8], first: Seq) -> Option<Vec<BlockEntry>> {
    let mut reader = Reader::new(bytes);
    let mut next = first;
    let blocks = (0..reader.u32()?).map(|_| {
        let (offset, stored, events) = (reader.u64()?, reader.u32()?, reader.u32()?);
        let ends = (times(&mut reader)?, times(&mut reader)?);
        let (at, running) = ((time(&mut reader)?, time(&mut reader)?), time(&mut reader)?);
        let first = next;
        next = next.plus(u64::from(events));
        (events > 0).then_some(BlockEntry { first, events, offset, stored, ends, at, running })
    });
    let blocks = blocks.collect::<Option<Vec<_>>>()?;
    (reader.rest().is_empty() && !blocks.is_empty()).then_some(blocks)
}
