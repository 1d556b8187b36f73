//! The codec of a block: consecutive events, compressed together.
//!
//! ```text
//!  format 1 │ codec 1 │ events 4 │ first and last times 32 │ runs 4 │ runs of command ids 20 each
//!  │ length 4 │ payload: (times 16, length 4) an event, then the lines
//! ```
//!
//! Integers are little endian, times are microseconds since 1970. What stands in front of the payload answers
//! most questions without decompressing it. The checksum is the database's.

use chrono::DateTime;
use uuid::Uuid;

use super::bytes::{Reader, Writer};
use super::damaged;
use crate::model::{CommandId, Seq, Timestamp};
use crate::store::{Entry, StoreError, Times};

const FORMAT: u8 = 1;
const CODEC_ZSTD: u8 = 1;
const ZSTD_LEVEL: i32 = 3;

/// A block as it is stored, with its front read.
#[derive(Debug)]
pub(super) struct Block {
    /// The place of its first event.
    pub(super) start: Seq,
    /// How many events it holds; at least one.
    pub(super) count: u64,
    /// The times of its first event.
    pub(super) first: Times,
    /// The times of its last event.
    pub(super) last: Times,
    /// Its command ids, each with the number of consecutive events.
    pub(super) commands: Vec<(CommandId, u64)>,
    payload_bytes: usize,
    payload: Vec<u8>,
}

impl Block {
    /// Returns the place of its last event.
    pub(super) fn end(&self) -> Seq {
        self.start.plus(self.count - 1)
    }

    /// Says whether an event is in it.
    pub(super) fn holds(&self, place: Seq) -> bool {
        (self.start..=self.end()).contains(&place)
    }

    /// Returns the place of a command's first event here.
    pub(super) fn find(&self, command: CommandId) -> Option<Seq> {
        let mut place = self.start;
        for (id, count) in &self.commands {
            if *id == command {
                return Some(place);
            }
            place = place.plus(*count);
        }
        None
    }

    /// Reads the front of a block.
    pub(super) fn open(start: Seq, bytes: &[u8]) -> Result<Self, StoreError> {
        Self::parse(start, bytes).ok_or_else(|| bad_block(start))
    }

    fn parse(start: Seq, bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if (reader.u8()?, reader.u8()?) != (FORMAT, CODEC_ZSTD) {
            return None;
        }
        let count = u64::from(reader.u32()?);
        let (first, last) = (times(&mut reader)?, times(&mut reader)?);
        let mut commands = Vec::new();
        for _ in 0..reader.u32()? {
            commands.push((CommandId::new(Uuid::from_bytes(reader.array()?)), u64::from(reader.u32()?)));
        }
        let payload_bytes = reader.u32()? as usize;
        let sum = commands.iter().map(|(_, count)| count).sum::<u64>();
        (count > 0 && sum == count).then(|| Block {
            start,
            count,
            first,
            last,
            commands,
            payload_bytes,
            payload: reader.rest().to_vec(),
        })
    }

    /// Reads its events.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        self.parse_entries().ok_or_else(|| bad_block(self.start))
    }

    fn parse_entries(&self) -> Option<Vec<Entry>> {
        let payload = zstd::bulk::decompress(&self.payload, self.payload_bytes).ok()?;
        let mut fronts = Reader::new(&payload);
        let mut lines = Reader::new(payload.get(20 * usize::try_from(self.count).ok()?..)?);
        let commands = self.commands.iter().flat_map(|(id, count)| (0..*count).map(|_| *id));
        commands
            .map(|command_id| {
                let times = times(&mut fronts)?;
                let line = lines.take(fronts.u32()? as usize)?;
                Some(Entry { command_id, times, line: String::from_utf8(line.to_vec()).ok()? })
            })
            .collect()
    }
}

/// Writes a block of at least one event.
pub(super) fn encode(entries: &[&Entry]) -> Result<Vec<u8>, StoreError> {
    let (first, last) = (entries[0], entries[entries.len() - 1]);
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
    for entry in entries {
        payload.bytes(entry.line.as_bytes());
    }
    let payload = payload.finish();
    let mut block = Writer::default();
    block.u8(FORMAT);
    block.u8(CODEC_ZSTD);
    block.u32(entries.len());
    put_times(&mut block, first.times);
    put_times(&mut block, last.times);
    block.u32(runs.len());
    for (id, count) in runs {
        block.bytes(id.uuid().as_bytes());
        block.u32(count as usize);
    }
    block.u32(payload.len());
    block.bytes(&compress(&payload)?);
    Ok(block.finish())
}

/// Compresses some bytes.
pub(super) fn compress(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(|source| StoreError::Io {
        action: "compress",
        path: "memory".to_owned(),
        source,
    })
}

pub(super) fn put_times(writer: &mut Writer, times: Times) {
    writer.i64(times.at.micros());
    writer.i64(times.recorded_at.micros());
}

pub(super) fn times(reader: &mut Reader<'_>) -> Option<Times> {
    let mut time = || Timestamp::new(DateTime::from_timestamp_micros(reader.i64()?)?).ok();
    Some(Times { at: time()?, recorded_at: time()? })
}

fn bad_block(start: Seq) -> StoreError {
    damaged(format!("the block of events from {start} on is not one that this version writes"))
}
