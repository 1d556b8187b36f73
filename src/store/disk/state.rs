//! The head as it is stored: the one value that says what else counts.

use super::block::{put_times, times};
use super::bytes::{Reader, Writer};
use super::damaged;
use crate::model::Seq;
use crate::store::{Entry, Frontier, Head, StoreError, Times};

/// The version of the store's format that this library writes.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The key of the head.
pub(super) const HEAD: &[u8] = b"h";

/// Where the log ends, and what is sealed of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    pub(super) frontier: Frontier,
    /// The times of the last event.
    pub(super) times: Option<Times>,
    /// The version of the fold whose rows are kept; none when those that are there do not count.
    pub(super) fold_version: Option<u32>,
    /// The last sealed place. What is sealed beyond it does not count.
    pub(super) sealed: Seq,
    /// The times of the last sealed event.
    pub(super) sealed_times: Option<Times>,
    /// The bytes of the lines that are not sealed.
    pub(super) open_bytes: u64,
}

impl State {
    pub(super) fn seq(&self) -> Seq {
        Seq::new(self.frontier.leaves())
    }

    pub(super) fn head(&self) -> Head {
        Head {
            seq: self.seq(),
            root: self.frontier.root(),
            times: self.times,
            fold_version: self.fold_version,
        }
    }

    /// Returns how many events are not sealed.
    pub(super) fn open_events(&self) -> u64 {
        self.seq().number() - self.sealed.number()
    }

    /// Counts events that are appended and not sealed yet.
    pub(super) fn push(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.frontier.push(entry.line.as_bytes());
            self.open_bytes += entry.line.len() as u64;
            self.times = Some(entry.times);
        }
    }

    /// Counts events as sealed.
    pub(super) fn seal(&mut self, entries: &[&Entry]) {
        for entry in entries {
            self.sealed = self.sealed.plus(1);
            self.sealed_times = Some(entry.times);
            self.open_bytes -= entry.line.len() as u64;
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.bytes(&FORMAT_VERSION.to_le_bytes());
        put_option(&mut writer, self.fold_version, |writer, version| writer.bytes(&version.to_le_bytes()));
        put_option(&mut writer, self.times, put_times);
        writer.u64(self.sealed.number());
        put_option(&mut writer, self.sealed_times, put_times);
        writer.u64(self.open_bytes);
        writer.u64(self.frontier.leaves());
        writer.u32(self.frontier.peaks().len());
        self.frontier.peaks().iter().for_each(|peak| writer.bytes(peak));
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes);
        let damaged = || damaged("the head is not one that this version writes".to_owned());
        match reader.u32().ok_or_else(damaged)? {
            FORMAT_VERSION => Self::parse(&mut reader).ok_or_else(damaged),
            found if found > FORMAT_VERSION => Err(StoreError::NewerFormat { found, known: FORMAT_VERSION }),
            _ => Err(damaged()),
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let fold_version = option(reader, Reader::u32)?;
        let last = option(reader, times)?;
        let sealed = Seq::new(reader.u64()?);
        let sealed_times = option(reader, times)?;
        let open_bytes = reader.u64()?;
        let leaves = reader.u64()?;
        let peaks = (0..reader.u32()?).map(|_| reader.array()).collect::<Option<Vec<[u8; 32]>>>()?;
        let frontier = Frontier::from_parts(leaves, peaks)?;
        (sealed.number() <= leaves && reader.rest().is_empty()).then_some(State {
            frontier,
            times: last,
            fold_version,
            sealed,
            sealed_times,
            open_bytes,
        })
    }
}

fn put_option<T>(writer: &mut Writer, value: Option<T>, put: impl FnOnce(&mut Writer, T)) {
    writer.u8(u8::from(value.is_some()));
    if let Some(value) = value {
        put(writer, value);
    }
}

fn option<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Option<T>,
) -> Option<Option<T>> {
    match reader.u8()? {
        0 => Some(None),
        1 => read(reader).map(Some),
        _ => None,
    }
}
