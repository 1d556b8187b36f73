//! The codec of a frame: what one append adds to the journal.
//!
//! ```text
//!  magic 4 │ first place 8 │ events 4 │ root before 32 │ length of the body 8 │ checksum of these 4
//!  │ body: (command id 16, times 16, length 4) an event, then the lines, each with a line end │ checksum of the body 4
//! ```
//!
//! Integers are little endian, checksums CRC-32. The lines are not compressed: whoever has nothing else reads them with
//! `strings`.

use uuid::Uuid;

use super::bytes::{Reader, Writer, crc};
use super::state::{put_times, times};
use crate::model::{CommandId, Seq};
use crate::store::Entry;

pub(super) const MAGIC: &[u8; 4] = b"\nfr\x02";
const FRONT_BYTES: usize = 4 + 8 + 4 + 32 + 8 + 4;
const EVENT_BYTES: usize = 16 + 16 + 4;

/// A whole frame, as it is read.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// The place of its first event.
    pub(super) first: Seq,
    /// How many events it has; at least one.
    pub(super) count: u64,
    /// The root over the events before it.
    pub(super) root_before: [u8; 32],
    body: &'a [u8],
    /// How many bytes it takes up.
    pub(super) bytes: usize,
}

impl<'a> Frame<'a> {
    /// Reads the frame at the start of some bytes; none when there is no whole one.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (front, rest) = bytes.split_at_checked(FRONT_BYTES)?;
        let (fields, sum) = front.split_at(FRONT_BYTES - 4);
        let mut reader = Reader::new(fields);
        if reader.take(4)? != MAGIC || crc(fields).to_le_bytes() != *sum {
            return None;
        }
        let (first, count) = (Seq::new(reader.u64()?), u64::from(reader.u32()?));
        let root_before = reader.array()?;
        let length = usize::try_from(reader.u64()?).ok()?;
        let (body, rest) = rest.split_at_checked(length)?;
        let sum = rest.get(..4)?;
        let is_whole = count > 0 && crc(body).to_le_bytes() == *sum;
        is_whole.then_some(Frame { first, count, root_before, body, bytes: FRONT_BYTES + length + 4 })
    }

    /// Reads its events; none when they are not what the front says.
    pub(super) fn entries(&self) -> Option<Vec<Entry>> {
        let (fronts, lines) = self.body.split_at_checked(usize::try_from(self.count).ok()? * EVENT_BYTES)?;
        let (mut fronts, mut lines) = (Reader::new(fronts), Reader::new(lines));
        let entries = (0..self.count).map(|_| {
            let command_id = CommandId::new(Uuid::from_bytes(fronts.array()?));
            let times = times(&mut fronts)?;
            let line = String::from_utf8(lines.take(fronts.u32()? as usize)?.to_vec()).ok()?;
            (lines.u8()? == b'\n').then_some(Entry { command_id, times, line })
        });
        let entries = entries.collect::<Option<Vec<_>>>()?;
        lines.rest().is_empty().then_some(entries)
    }
}

/// Returns how many bytes the frame of some events takes up.
pub(super) fn length(entries: &[Entry]) -> u64 {
    let bytes: usize = entries.iter().map(|entry| EVENT_BYTES + entry.line.len() + 1).sum();
    (FRONT_BYTES + bytes + 4) as u64
}

/// Writes the frame of at least one event.
pub(super) fn write(first: Seq, root_before: &[u8; 32], entries: &[Entry]) -> Vec<u8> {
    let mut body = Writer::default();
    for entry in entries {
        body.bytes(entry.command_id.uuid().as_bytes());
        put_times(&mut body, entry.times);
        body.u32(entry.line.len());
    }
    for entry in entries {
        body.bytes(entry.line.as_bytes());
        body.u8(b'\n');
    }
    let body = body.finish();
    let mut frame = Writer::default();
    frame.bytes(MAGIC);
    frame.u64(first.number());
    frame.u32(entries.len());
    frame.bytes(root_before);
    frame.u64(body.len() as u64);
    frame.checksum();
    frame.bytes(&body);
    frame.u32(crc(&body) as usize);
    frame.finish()
}
