//! The codec of a segment's block: consecutive events, compressed together.
//!
//! ```text
//!  format 1 │ codec 1 │ events 4 │ runs 4 │ (command id 16, events 4) a run │ length 4 │ length as stored 4
//!  │ payload: (times 16, length 4) an event, then the lines │ checksum of all before 4
//! ```
//!
//! What stands in front of the payload answers where a command is without decompressing it.

use std::ops::Range;

use uuid::Uuid;

use super::bytes::{Reader, Writer, summed};
use super::codec;
use super::state::{put_times, times};
use crate::model::CommandId;
use crate::store::{Entry, StoreError, Unpacked};

const FORMAT: u8 = 2;
const CODEC_ZSTD: u8 = 1;
/// The most bytes that a block says it has: twice the longest line, for others and what stands beside them.
const PAYLOAD_BYTES_MAX: usize = 1 << 27;

/// Where blocks end.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockSize {
    /// The most events in a block.
    pub(super) events_max: usize,
    /// A block is full when its lines reach this many bytes.
    pub(super) bytes_full: usize,
}

impl BlockSize {
    /// Cuts events into blocks.
    pub(super) fn cut<'a, I: Iterator<Item = &'a Entry>>(self, entries: I) -> Cut<I> {
        Cut { size: self, entries }
    }
}

/// Events that are cut into blocks.
pub(super) struct Cut<I> {
    size: BlockSize,
    entries: I,
}

impl<'a, I: Iterator<Item = &'a Entry>> Cut<I> {
    /// Returns the events of the next block.
    pub(super) fn next_block(&mut self) -> Option<Vec<&'a Entry>> {
        let (mut block, mut bytes) = (Vec::new(), 0);
        while block.len() < self.size.events_max && bytes < self.size.bytes_full {
            let Some(entry) = self.entries.next() else { break };
            bytes += entry.line.len();
            block.push(entry);
        }
        (!block.is_empty()).then_some(block)
    }
}

/// A block as it is stored, with its front read and its checksum checked.
#[derive(Debug)]
pub(super) struct Block {
    /// Its command ids, each with the number of consecutive events.
    pub(super) commands: Vec<(CommandId, u64)>,
    payload_bytes: usize,
    /// All of it, and where what it keeps begins and ends.
    bytes: Vec<u8>,
    payload: Range<usize>,
}

impl Block {
    /// Returns how many bytes the block at the start of some bytes says that it has; none where no block begins so.
    pub(super) fn length(bytes: &[u8]) -> Option<usize> {
        let mut reader = Reader::new(bytes);
        if (reader.u8()?, reader.u8()?) != (FORMAT, CODEC_ZSTD) {
            return None;
        }
        let (events, runs) = (reader.u32()?, reader.u32()?);
        let fronts = usize::try_from(runs).ok()?.checked_mul(16 + 4)?;
        reader.take(fronts).filter(|_| 0 < runs && runs <= events)?;
        let (_, stored) = (reader.u32()?, reader.u32()? as usize);
        let length = (2 + 4 + 4 + 4 + 4 + 4_usize).checked_add(fronts)?.checked_add(stored)?;
        (length <= bytes.len()).then_some(length)
    }

    /// Reads the front of a block; none when it is not what was written.
    pub(super) fn read(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        let summed = summed(&bytes)?;
        let mut reader = Reader::new(summed);
        if (reader.u8()?, reader.u8()?) != (FORMAT, CODEC_ZSTD) {
            return None;
        }
        let (count, runs) = (u64::from(reader.u32()?), reader.u32()?);
        let run = |_| Some((CommandId::new(Uuid::from_bytes(reader.array()?)), u64::from(reader.u32()?)));
        let commands = (0..runs).map(run).collect::<Option<Vec<_>>>()?;
        let (payload_bytes, stored) = (reader.u32()? as usize, reader.u32()? as usize);
        let payload = reader.rest();
        let is_whole = count > 0
            && commands.iter().all(|(_, count)| *count > 0)
            && commands.iter().map(|(_, count)| count).sum::<u64>() == count
            && payload.len() == stored
            && payload_bytes <= PAYLOAD_BYTES_MAX;
        let payload = summed.len() - payload.len()..summed.len();
        is_whole.then_some(Block { commands, payload_bytes, bytes, payload })
    }

    /// Returns how many events it holds.
    pub(super) fn count(&self) -> u64 {
        self.commands.iter().map(|(_, count)| count).sum()
    }

    /// Returns how many events are before a command's first one here.
    pub(super) fn find(&self, command: CommandId) -> Option<u64> {
        let mut before = 0;
        for (id, count) in &self.commands {
            if *id == command {
                return Some(before);
            }
            before += count;
        }
        None
    }

    /// Reads its events; none when they are not what was written.
    pub(super) fn entries(&self) -> Option<Vec<Entry>> {
        let payload = self.decompress()?;
        let (fronts, lines) = payload.split_at_checked(self.fronts_bytes()?)?;
        let (mut fronts, mut lines) = (Reader::new(fronts), Reader::new(lines));
        let commands = self.commands.iter().flat_map(|(id, count)| (0..*count).map(|_| *id));
        let entries = commands.map(|command_id| {
            let times = times(&mut fronts)?;
            let line = String::from_utf8(lines.take(fronts.u32()? as usize)?.to_vec()).ok()?;
            Some(Entry { command_id, times, line })
        });
        let entries = entries.collect::<Option<Vec<_>>>()?;
        lines.rest().is_empty().then_some(entries)
    }

    /// Reads the lines of its events; none when they are not what was written.
    pub(super) fn lines(&self) -> Option<Unpacked> {
        let mut payload = self.decompress()?;
        let (fronts, _) = payload.split_at_checked(self.fronts_bytes()?)?;
        let (mut fronts, mut end) = (Reader::new(fronts), 0_usize);
        let ends = (0..self.count()).map(|_| {
            times(&mut fronts)?;
            end = end.checked_add(fronts.u32()? as usize)?;
            Some(end)
        });
        let ends = ends.collect::<Option<Vec<_>>>()?;
        payload.drain(..self.fronts_bytes()?);
        Unpacked::new(String::from_utf8(payload).ok()?, ends)
    }

    fn decompress(&self) -> Option<Vec<u8>> {
        codec::decompress(&self.bytes[self.payload.clone()], self.payload_bytes)
    }

    /// Returns how many bytes stand in front of the lines, once they are decompressed.
    fn fronts_bytes(&self) -> Option<usize> {
        usize::try_from(self.count()).ok()?.checked_mul(20)
    }
}

/// Writes a block of at least one event.
pub(super) fn write(entries: &[&Entry]) -> Result<Vec<u8>, StoreError> {
    let mut runs: Vec<(CommandId, u32)> = Vec::new();
    let mut payload = Writer::default();
    for entry in entries {
        match runs.last_mut() {
            Some((id, count)) if *id == entry.command_id => *count += 1,
            _ => runs.push((entry.command_id, 1)),
        }
        put_times(&mut payload, entry.times);
        payload.u32(entry.line.len());
    }
    entries.iter().for_each(|entry| payload.bytes(entry.line.as_bytes()));
    let payload = payload.finish();
    let stored = codec::compress(&payload)?;
    let mut block = Writer::default();
    block.u8(FORMAT);
    block.u8(CODEC_ZSTD);
    block.u32(entries.len());
    block.u32(runs.len());
    for (id, count) in runs {
        block.bytes(id.uuid().as_bytes());
        block.u32(count as usize);
    }
    block.u32(payload.len());
    block.u32(stored.len());
    block.bytes(&stored);
    block.checksum();
    Ok(block.finish())
}
