//! Putting right what a checksum, a length or a place says, so that mutated bytes get past it. What cannot be put right
//! stays as it is; none where there is nothing to begin with.

use crate::store::Entry;
use crate::store::disk::block::Block;
use crate::store::disk::bytes::{Reader, Writer, crc};
use crate::store::disk::frame::{self, Frame};
use crate::store::disk::state::State;
use crate::store::disk::{codec, journal, snapshot};

const JOURNAL_FRONT_BYTES: usize = 8 + 4 + 4;
const FRAME_FRONT_BYTES: usize = 4 + 8 + 4 + 32 + 8 + 4;
const PACKED_HEADER_BYTES: usize = 16;
const SECTION_BYTES: usize = 2 + 2 + 8 + 8 + 4;
const TRAILER_BYTES: usize = 8 + 4 + 4 + 8;
const BLOCK_ENTRY_BYTES: usize = 8 + 4 + 4 + 32 + 24;
const PAGE_BYTES: usize = 4 << 10;
/// More pages than these are not made.
const PAGES_MAX: usize = 8;

/// What stands in blocks: what is stored, or what becomes of it when it is not compressed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Stored,
    Plain,
}

fn set(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// Makes the last four bytes the checksum of those before.
fn end_with_checksum(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(4) {
        let sum = crc(&bytes[..end]);
        set(bytes, end, &sum.to_le_bytes());
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Reader::new(bytes.get(at..)?).u32().map(|value| value as usize)
}

/// A block: its checksum; where its events are plain, they are compressed, and counted as its runs say.
pub(super) fn block(bytes: &[u8], form: Form) -> Option<Vec<u8>> {
    if form == Form::Stored {
        let mut bytes = bytes.to_vec();
        end_with_checksum(&mut bytes);
        return Some(bytes);
    }
    let runs = u32_at(bytes, 6)?;
    let end = runs.checked_mul(20).and_then(|length| length.checked_add(10))?;
    let (front, payload) = bytes.split_at_checked(end)?;
    let counts = front[10..].as_chunks::<20>().0.iter().map(|run| u32_at(run, 16).unwrap_or(0));
    let stored = codec::compress(payload).ok()?;
    let mut block = Writer::default();
    block.bytes(&front[..2]);
    block.bytes(&u32::try_from(counts.sum::<usize>()).ok()?.to_le_bytes());
    block.bytes(&front[6..]);
    block.u32(payload.len());
    block.u32(stored.len());
    block.bytes(&stored);
    block.checksum();
    Some(block.finish())
}

/// A journal: checksums, lengths that reach beyond the end, places, and roots.
pub(super) fn journal(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let front = JOURNAL_FRONT_BYTES.checked_add(u32_at(&bytes, 12)?)?;
    end_with_checksum(bytes.get_mut(..front.checked_add(4)?)?);
    let mut state = State::read(&mut Reader::new(&bytes[JOURNAL_FRONT_BYTES..front]))?;
    let mut at = front + 4;
    while at + FRAME_FRONT_BYTES + 4 < bytes.len() {
        let rest = &mut bytes[at..];
        let most = rest.len() - FRAME_FRONT_BYTES - 4;
        let length = u64::from_le_bytes(rest.get(48..56)?.try_into().ok()?);
        let length = usize::try_from(length).unwrap_or(most).min(most);
        set(rest, 0, frame::MAGIC);
        set(rest, 4, &state.seq().plus(1).number().to_le_bytes());
        set(rest, 16, state.root().bytes());
        set(rest, 48, &(length as u64).to_le_bytes());
        end_with_checksum(&mut rest[..FRAME_FRONT_BYTES]);
        end_with_checksum(&mut rest[FRAME_FRONT_BYTES..FRAME_FRONT_BYTES + length + 4]);
        let frame = Frame::read(rest)?;
        frame.entries().unwrap_or_default().iter().for_each(|entry| state.push(entry));
        at += frame.bytes;
    }
    Some(bytes)
}

/// The parts of a file that is written once.
pub(super) struct Parts {
    magic: Vec<u8>,
    version: Vec<u8>,
    pub(super) blocks: Vec<u8>,
    sections: Vec<(u16, u16, Vec<u8>)>,
}

impl Parts {
    /// Takes a file apart by the lengths of its sections, from its end.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let trailer = bytes.len().checked_sub(TRAILER_BYTES)?;
        let directory = trailer.checked_sub(u32_at(bytes, trailer + 8)?.checked_mul(SECTION_BYTES)?)?;
        let mut end = directory;
        let mut sections = Vec::new();
        for entry in bytes.get(directory..trailer)?.as_chunks::<SECTION_BYTES>().0.iter().rev() {
            let most = end.checked_sub(PACKED_HEADER_BYTES)?;
            let mut reader = Reader::new(entry);
            let (kind, version, _, length) = (reader.u16()?, reader.u16()?, reader.u64()?, reader.u64()?);
            let length = usize::try_from(length).unwrap_or(most).min(most);
            sections.push((kind, version, bytes[end - length..end].to_vec()));
            end -= length;
        }
        sections.reverse();
        let blocks = bytes.get(PACKED_HEADER_BYTES..end)?.to_vec();
        Some(Parts { magic: bytes[..8].to_vec(), version: bytes[8..12].to_vec(), blocks, sections })
    }

    pub(super) fn section(&mut self, kind: u16) -> Option<&mut Vec<u8>> {
        self.sections.iter_mut().find(|(found, _, _)| *found == kind).map(|(_, _, bytes)| bytes)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut file = Writer::default();
        file.bytes(&self.magic);
        file.bytes(&self.version);
        file.checksum();
        file.bytes(&self.blocks);
        let mut directory = Writer::default();
        for (kind, version, bytes) in &self.sections {
            directory.u16(*kind);
            directory.u16(*version);
            directory.u64(file.len() as u64);
            directory.u64(bytes.len() as u64);
            directory.bytes(&crc(bytes).to_le_bytes());
            file.bytes(bytes);
        }
        directory.u64(file.len() as u64);
        directory.u32(self.sections.len());
        directory.checksum();
        directory.bytes(b"phaseend");
        file.bytes(&directory.finish());
        file.finish()
    }
}

/// Cuts blocks by their lengths, of which the last one is what is left, puts each right, and says where it is.
fn cut(
    blocks: &mut Vec<u8>,
    lengths: &[usize],
    mend: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Vec<(usize, usize)> {
    let mut rest = std::mem::take(blocks);
    let mut places = Vec::new();
    for (at, length) in lengths.iter().enumerate() {
        let length = if at + 1 == lengths.len() { rest.len() } else { *length.min(&rest.len()) };
        let behind = rest.split_off(length);
        let block = mend(&rest).unwrap_or(rest);
        places.push((PACKED_HEADER_BYTES + blocks.len(), block.len()));
        blocks.extend(block);
        rest = behind;
    }
    places
}

/// A segment: every checksum, where blocks are, how many events they have, and what they add up to.
pub(super) fn segment(bytes: &[u8], form: Form) -> Option<Vec<u8>> {
    let mut parts = Parts::of(bytes)?;
    let list = parts.section(2)?.clone();
    let entries = list.get(4..)?.as_chunks::<BLOCK_ENTRY_BYTES>().0;
    let lengths: Vec<_> = entries.iter().map(|entry| u32_at(entry, 8).unwrap_or(0)).collect();
    let places = cut(&mut parts.blocks, &lengths, |bytes| block(bytes, form));
    let mut written = Writer::default();
    written.u32(entries.len());
    let mut events: Option<Vec<Entry>> = Some(Vec::new());
    for (entry, (start, length)) in entries.iter().zip(places) {
        let start_in_blocks = start - PACKED_HEADER_BYTES;
        let block = Block::read(&parts.blocks[start_in_blocks..start_in_blocks + length]);
        let count = block.as_ref().map_or(0, Block::count);
        written.u64(start as u64);
        written.u32(length);
        written.bytes(&u32::try_from(count).ok()?.to_le_bytes());
        written.bytes(&entry[16..]);
        let read = block.and_then(|block| block.entries());
        events = events.zip(read).map(|(events, read)| [events, read].concat());
    }
    *parts.section(2)? = written.finish();
    let before = State::read(&mut Reader::new(parts.section(1)?));
    if let Some((before, events)) = before.zip(events) {
        let mut span = Writer::default();
        before.write(&mut span);
        before.after(&events).write(&mut span);
        *parts.section(1)? = span.finish();
    }
    parts.section(4).map(filter);
    Some(parts.finish())
}

/// A filter: checksums, and pages that are missing.
fn filter(bytes: &mut Vec<u8>) {
    let Some(front) = u32_at(bytes, 0).and_then(|count| count.checked_mul(12)?.checked_add(8)) else {
        return;
    };
    let Some(summed) = bytes.get_mut(..front) else { return };
    end_with_checksum(summed);
    let stretches = bytes[4..front - 4].as_chunks::<12>().0.iter();
    let pages: usize = stretches.map(|stretch| u32_at(stretch, 8).unwrap_or(0)).sum();
    bytes.resize(front + pages.min(PAGES_MAX) * PAGE_BYTES, 0xFF);
    bytes[front..].as_chunks_mut::<PAGE_BYTES>().0.iter_mut().for_each(|page| end_with_checksum(page));
}

/// A snapshot: every checksum, where blocks are, and how many rows they have.
pub(super) fn snapshot(bytes: &[u8], form: Form) -> Option<Vec<u8>> {
    let mut parts = Parts::of(bytes)?;
    let index = parts.section(2)?.clone();
    let mut reader = Reader::new(&index);
    reader.u32()?;
    let mut entries = Vec::new();
    while let (Some(_), Some(length), Some(key)) = (reader.u64(), reader.u32(), reader.u32()) {
        let key = (key as usize).min(reader.rest().len());
        entries.push((length as usize, reader.take(key)?));
    }
    let lengths: Vec<_> = entries.iter().map(|(length, _)| *length).collect();
    let places = cut(&mut parts.blocks, &lengths, |bytes| rows(bytes, form));
    let mut written = Writer::default();
    written.u32(entries.len());
    let mut count = 0;
    for ((_, key), (start, length)) in entries.iter().zip(places) {
        let start_in_blocks = start - PACKED_HEADER_BYTES;
        let block = &parts.blocks[start_in_blocks..start_in_blocks + length];
        count += snapshot::read_block(block).map_or(0, |rows| rows.len());
        written.u64(start as u64);
        written.u32(length);
        written.u32(key.len());
        written.bytes(key);
    }
    *parts.section(2)? = written.finish();
    set(parts.section(1)?, 4, &(count as u64).to_le_bytes());
    Some(parts.finish())
}

/// A block of rows.
fn rows(bytes: &[u8], form: Form) -> Option<Vec<u8>> {
    if form == Form::Stored {
        return block(bytes, form);
    }
    let mut block = Writer::default();
    block.u32(bytes.len());
    block.bytes(&codec::compress(bytes).ok()?);
    block.checksum();
    Some(block.finish())
}

/// Returns the journal of some events.
pub(super) fn journal_of(before: &State, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = journal::front(before);
    if !entries.is_empty() {
        bytes.extend(journal::frame(before, entries));
    }
    bytes
}
