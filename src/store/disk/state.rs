//! Where a log stands after an event: all that it takes to append the next one.

use super::bytes::{Reader, Writer};
use crate::model::{Digest, Seq, Timestamp};
use crate::store::{Entry, Frontier, Times};

/// The version of the store's format that this library writes.
pub(super) const FORMAT_VERSION: u32 = 2;

/// More events than any log has: what claims more was not written so, and places behind it can still be counted.
const EVENTS_MAX: u64 = 1 << 56;

/// How far a log goes, and what it adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    pub(super) frontier: Frontier,
    /// The times of the last event; none when there is none.
    pub(super) times: Option<Times>,
}

impl State {
    pub(super) fn seq(&self) -> Seq {
        Seq::new(self.frontier.leaves())
    }

    pub(super) fn root(&self) -> Digest {
        self.frontier.root()
    }

    /// Goes on by an event.
    pub(super) fn push(&mut self, entry: &Entry) {
        self.frontier.push(entry.line.as_bytes());
        self.times = Some(entry.times);
    }

    /// Goes on by an event of which the leaf is known, and returns the root of the full subtree of 2 to the power of `level`
    /// leaves that ends there.
    pub(super) fn push_leaf_seeing(&mut self, times: Times, leaf: &Digest, level: u32) -> Option<[u8; 32]> {
        self.times = Some(times);
        self.frontier.push_leaf_seeing(leaf, level)
    }

    /// Goes on by events.
    pub(super) fn after(&self, entries: &[Entry]) -> State {
        let mut state = self.clone();
        entries.iter().for_each(|entry| state.push(entry));
        state
    }

    /// Writes it: the number of events 8, whether there are times 1, the times 16, a peak for each one bit of the
    /// number 32.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.u64(self.frontier.leaves());
        writer.u8(u8::from(self.times.is_some()));
        if let Some(times) = self.times {
            put_times(writer, times);
        }
        self.frontier.peaks().iter().for_each(|peak| writer.bytes(peak));
    }

    /// Reads it; none when it contradicts itself.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let leaves = Some(reader.u64()?).filter(|leaves| *leaves <= EVENTS_MAX)?;
        let times = match reader.u8()? {
            0 => None,
            1 => Some(times(reader)?),
            _ => return None,
        };
        let peaks = (0..leaves.count_ones()).map(|_| reader.array()).collect::<Option<Vec<[u8; 32]>>>()?;
        let frontier = Frontier::from_parts(leaves, peaks)?;
        Some(State { frontier, times })
    }
}

/// Writes times as microseconds since 1970.
pub(super) fn put_times(writer: &mut Writer, times: Times) {
    writer.i64(times.at.micros());
    writer.i64(times.recorded_at.micros());
}

/// Reads times.
pub(super) fn times(reader: &mut Reader<'_>) -> Option<Times> {
    Some(Times { at: time(reader)?, recorded_at: time(reader)? })
}

/// Reads one time.
pub(super) fn time(reader: &mut Reader<'_>) -> Option<Timestamp> {
    Timestamp::from_micros(reader.i64()?)
}
