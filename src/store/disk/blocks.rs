//! The blocks of a database: kept by the place of their first event, which is all the index there is.

use std::ops::Bound::{Excluded, Included};

use super::block::{self, Block};
use super::database::{Changes, Database};
use crate::model::{CommandId, Seq, Timestamp};
use crate::store::{Axis, Entry, StoreError, Times, Until};

const BLOCK: u8 = b'b';

/// Where blocks end.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockSize {
    /// The most events in a block.
    pub(super) events_max: usize,
    /// A block is full when its lines reach this many bytes.
    pub(super) bytes_full: usize,
}

impl BlockSize {
    /// Cuts events into blocks, and says how many events are in full ones.
    pub(super) fn cut<'a, 'b>(self, entries: &'b [&'a Entry]) -> (Vec<&'b [&'a Entry]>, usize) {
        let (mut blocks, mut start, mut bytes) = (Vec::new(), 0, 0);
        for (at, entry) in entries.iter().enumerate() {
            bytes += entry.line.len();
            if at + 1 - start >= self.events_max || bytes >= self.bytes_full {
                blocks.push(&entries[start..=at]);
                (start, bytes) = (at + 1, 0);
            }
        }
        if start < entries.len() {
            blocks.push(&entries[start..]);
        }
        (blocks, start)
    }
}

/// Writes blocks of consecutive events.
pub(super) fn put(changes: &mut Changes, after: Seq, blocks: &[&[&Entry]]) -> Result<(), StoreError> {
    let mut start = after.plus(1);
    for entries in blocks {
        changes.put(key(start), block::encode(entries)?);
        start = start.plus(entries.len() as u64);
    }
    Ok(())
}

/// Forgets the blocks after a place.
pub(super) fn forget(changes: &mut Changes, database: &Database, after: Seq) -> Result<(), StoreError> {
    let from = key(after);
    for key in database.keys((Excluded(&from), Excluded(&[BLOCK + 1])))? {
        changes.forget(key);
    }
    Ok(())
}

/// Adds the lines from `after` to `end` until there are `limit`.
pub(super) fn read(
    database: &Database,
    after: Seq,
    end: Seq,
    limit: usize,
    lines: &mut Vec<String>,
) -> Result<(), StoreError> {
    let mut next = after.plus(1);
    while next <= end && lines.len() < limit {
        let block = holding(database, next)?;
        let skip = next.number() - block.start.number();
        let entries = block.entries()?.into_iter().skip(skip as usize);
        lines.extend(entries.map(|entry| entry.line).take(limit - lines.len()));
        next = block.end().plus(1);
    }
    Ok(())
}

/// Checks that the blocks from `after` to `end` are there, one behind the other, and each as it was written.
pub(super) fn check(database: &Database, after: Seq, end: Seq) -> Result<(), StoreError> {
    let mut next = after.plus(1);
    while next <= end {
        next = holding(database, next)?.end().plus(1);
    }
    Ok(())
}

/// Returns the events from `after` to `end`.
pub(super) fn entries(database: &Database, after: Seq, end: Seq) -> Result<Vec<Entry>, StoreError> {
    let (mut entries, mut next) = (Vec::new(), after.plus(1));
    while next <= end {
        let block = holding(database, next)?;
        entries.extend(block.entries()?);
        next = block.end().plus(1);
    }
    Ok(entries)
}

/// Returns the last place from `after` to `end` whose time lies before the cut; `after` when there is none.
pub(super) fn seek(
    database: &Database,
    after: Seq,
    end: Seq,
    axis: Axis,
    until: Until,
) -> Result<Seq, StoreError> {
    let (mut low, mut high) = (after, end);
    while low < high {
        let middle = Seq::new(low.number() + (high.number() - low.number()).div_ceil(2));
        let block = holding(database, middle)?;
        if until.includes(on(block.last, axis)) {
            low = block.end();
        } else if !until.includes(on(block.first, axis)) {
            high = block.start.minus(1);
        } else {
            let entries = block.entries()?;
            let count = entries.partition_point(|entry| until.includes(on(entry.times, axis)));
            return Ok(block.start.minus(1).plus(count as u64));
        }
    }
    Ok(low)
}

/// Returns the place of a command's first event from `after` to `end`, with the block that it is in.
pub(super) fn find(
    database: &Database,
    after: Seq,
    end: Seq,
    command: CommandId,
) -> Result<Option<(Block, Seq)>, StoreError> {
    let mut next = after.plus(1);
    while next <= end {
        let block = holding(database, next)?;
        if let Some(place) = block.find(command) {
            return Ok(Some((block, place)));
        }
        next = block.end().plus(1);
    }
    Ok(None)
}

/// Returns the place of the last event there is; [`Seq::ZERO`] when there is none.
pub(super) fn end(database: &Database) -> Result<Seq, StoreError> {
    match database.last((Included(&[BLOCK]), Excluded(&[BLOCK + 1])))? {
        Some((key, bytes)) => Ok(open(database, &key, &bytes)?.end()),
        None => Ok(Seq::ZERO),
    }
}

/// Counts the commands after a place, up to `end`; those of the block that the place is in as a whole.
pub(super) fn count_commands(database: &Database, after: Seq, end: Seq) -> Result<usize, StoreError> {
    let (mut count, mut next) = (0, after.plus(1));
    while next <= end {
        let block = holding(database, next)?;
        count += block.commands.len();
        next = block.end().plus(1);
    }
    Ok(count)
}

/// Returns the block that an event is in.
pub(super) fn holding(database: &Database, place: Seq) -> Result<Block, StoreError> {
    let key = key(place);
    let missing = || database.damaged(format!("the block of event {place} is missing"));
    let (key, bytes) = database.last((Included(&[BLOCK]), Included(&key)))?.ok_or_else(missing)?;
    let block = open(database, &key, &bytes)?;
    (block.end() >= place).then_some(block).ok_or_else(missing)
}

fn open(database: &Database, key: &[u8], bytes: &[u8]) -> Result<Block, StoreError> {
    let odd = |_| database.damaged("the key of a block is odd".to_owned());
    let start = key[1..].try_into().map_err(odd)?;
    Block::open(Seq::new(u64::from_be_bytes(start)), bytes)
}

fn key(start: Seq) -> Vec<u8> {
    [&[BLOCK][..], &start.number().to_be_bytes()].concat()
}

/// Returns the time on an axis.
pub(super) fn on(times: Times, axis: Axis) -> Timestamp {
    match axis {
        Axis::At => times.at,
        Axis::RecordedAt => times.recorded_at,
    }
}
