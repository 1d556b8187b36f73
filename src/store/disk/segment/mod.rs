//! A segment: the events of a span of places, in a file that is written once.
//!
//! ```text
//!  blocks (see block.rs) │ span │ blocks │ phases │ filter │ roots │ kinds │ links │ joint     laid out as packed.rs says
//! ```

mod filter;
mod index;
mod links;
mod lists;
mod name;
mod writer;

pub(super) use filter::Hash;
pub(super) use name::SegmentName;
pub(super) use writer::SegmentWriter;

use std::path::Path;
use std::sync::OnceLock;

use self::filter::Filter;
use self::index::{BlockEntry, read_blocks};
use super::block::Block;
use super::bytes::Reader;
use super::damaged;
use super::packed::{HEADER_BYTES, Packed};
use super::state::State;
use crate::model::{CommandId, Seq};
use crate::store::{Entry, Sought, StoreError, TimeSpan, Times, Unpacked, Until};

const MAGIC: &[u8; 8] = b"phaseseg";

/// What a section holds.
const SPAN: u16 = 1;
const BLOCKS: u16 = 2;
const PHASES: u16 = 3;
const FILTER: u16 = 4;
const ROOTS: u16 = 5;
const JOINT: u16 = 6;
const KINDS: u16 = 7;
const LINKS: u16 = 8;
/// The version of each of them.
const V1: u16 = 1;

/// An open segment.
#[derive(Debug)]
pub(super) struct Segment {
    packed: Packed,
    name: SegmentName,
    /// Where the log stands before its first event.
    pub(super) before: State,
    /// Where the log stands after its last event.
    pub(super) after: State,
    blocks: Vec<BlockEntry>,
    /// The filter over its command ids, once it was asked for.
    filter: OnceLock<Filter>,
}

impl Segment {
    /// Opens the segment of a name in a folder. What the name promises is what is there, or it is damage.
    pub(super) fn open(folder: &Path, name: &SegmentName) -> Result<Self, StoreError> {
        let (packed, before, after) = open_span(folder, name)?;
        let blocks = read_blocks(&packed.needed(BLOCKS, V1)?, name.first);
        let blocks = blocks.ok_or_else(|| packed.damaged("its list of blocks"))?;
        let ends = blocks.iter().map(|block| block.offset.checked_add(u64::from(block.stored)));
        let starts = blocks.iter().skip(1).map(|block| block.offset);
        let are_contiguous = ends.eq(starts.chain([packed.blocks_end()]).map(Some))
            && blocks.first().is_some_and(|block| block.offset == HEADER_BYTES)
            && blocks.last().is_some_and(|block| block.last() == name.last);
        match are_contiguous {
            true => Ok(Segment { packed, name: *name, before, after, blocks, filter: OnceLock::new() }),
            false => Err(packed.damaged("its list of blocks")),
        }
    }

    /// Reads where the log stands before and after the segment of a name, and checks no more than that needs.
    pub(super) fn span(folder: &Path, name: &SegmentName) -> Result<(State, State), StoreError> {
        open_span(folder, name).map(|(_, before, after)| (before, after))
    }

    /// Returns the last place before the append that the segment was written for: the journal ended there. None in a
    /// segment that does not say.
    pub(super) fn joint(&self) -> Result<Option<Seq>, StoreError> {
        let Some(section) = self.packed.section(JOINT, V1)? else { return Ok(None) };
        let place = Reader::new(&section).u64().ok_or_else(|| self.packed.damaged("its joint"))?;
        Ok(Some(Seq::new(place)))
    }

    /// Returns which block an event is in.
    pub(super) fn block_of(&self, place: Seq) -> usize {
        self.blocks.partition_point(|block| block.last() < place).min(self.blocks.len() - 1)
    }

    /// Returns how many blocks there are.
    pub(super) fn count(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the places of a block: its first and its last one.
    pub(super) fn places(&self, block: usize) -> (Seq, Seq) {
        (self.blocks[block].first, self.blocks[block].last())
    }

    /// Reads a block.
    pub(super) fn block(&self, at: usize) -> Result<Block, StoreError> {
        let block = Block::read(self.block_bytes(at)?);
        let expected = u64::from(self.blocks[at].events);
        block.filter(|block| block.count() == expected).ok_or_else(|| self.bad_block(at))
    }

    /// Reads the events of a block.
    pub(super) fn entries(&self, at: usize) -> Result<Vec<Entry>, StoreError> {
        self.block(at)?.entries().ok_or_else(|| self.bad_block(at))
    }

    /// Reads the lines of a block.
    pub(super) fn lines(&self, at: usize) -> Result<Unpacked, StoreError> {
        self.block(at)?.lines().ok_or_else(|| self.bad_block(at))
    }

    fn block_bytes(&self, at: usize) -> Result<Vec<u8>, StoreError> {
        self.packed.read(self.blocks[at].offset, u64::from(self.blocks[at].stored))
    }

    /// Says that a block is not what was written.
    pub(super) fn bad_block(&self, at: usize) -> StoreError {
        let (first, last) = self.places(at);
        damaged(format!(
            "the events {first} to {last} cannot be read: their block in `{}` is not as it was written",
            self.name
        ))
    }

    /// Returns the blocks that may have an event which is looked for; none where the segment does not say.
    pub(super) fn blocks_of(&self, sought: Sought<'_>) -> Result<Option<Vec<usize>>, StoreError> {
        let listed = |section: u16, name: &str, what: &str| {
            let Some(section) = self.packed.section(section, V1)? else { return Ok(None) };
            lists::find(&section, name).map(Some).ok_or_else(|| self.packed.damaged(what))
        };
        let blocks = match sought {
            Sought::Phase(name) => listed(PHASES, name, "its list of phases")?,
            Sought::Kind(kind) => listed(KINDS, kind, "its list of kinds")?,
            Sought::CausedBy(place) => {
                let mut blocks = links::find(&self.packed, place)?;
                if let Some(blocks) = blocks.as_mut().filter(|_| self.holds(place)) {
                    blocks.insert(0, u32::try_from(self.block_of(place)).unwrap_or(u32::MAX));
                }
                blocks
            }
        };
        let is_known = |block: &u32| (*block as usize) < self.blocks.len();
        match blocks {
            Some(blocks) if !blocks.iter().all(is_known) => Err(self.packed.damaged("its lists of blocks")),
            blocks => Ok(blocks.map(|blocks| blocks.into_iter().map(|block| block as usize).collect())),
        }
    }

    fn holds(&self, place: Seq) -> bool {
        self.name.first <= place && place <= self.name.last
    }

    fn filter(&self) -> Result<&Filter, StoreError> {
        if let Some(filter) = self.filter.get() {
            return Ok(filter);
        }
        let filter = Filter::of(&self.packed, &self.after.root())?;
        Ok(self.filter.get_or_init(|| filter))
    }

    /// Notes which of many commands may be here.
    pub(super) fn note(&self, commands: &[Hash], may_be: &mut [bool]) -> Result<(), StoreError> {
        self.filter()?.note(&self.packed, commands, may_be)
    }

    /// Returns the place of a command's first event here, and the block that it is in.
    pub(super) fn find(&self, command: CommandId) -> Result<Option<(usize, Seq)>, StoreError> {
        for blocks in self.filter()?.may_hold(&self.packed, command)? {
            if blocks.end > self.blocks.len() {
                return Err(self.packed.damaged("its filter"));
            }
            for at in blocks {
                if let Some(before) = self.block(at)?.find(command) {
                    return Ok(Some((at, self.blocks[at].first.plus(before))));
                }
            }
        }
        Ok(None)
    }

    /// Adds between which times the events of each block up to a place took effect.
    pub(super) fn spans(&self, through: Seq, spans: &mut Vec<TimeSpan>) -> Result<(), StoreError> {
        for (at, block) in self.blocks.iter().enumerate().take_while(|(_, block)| block.first <= through) {
            let running = spans.last().map(|span| span.running);
            if block.last() <= through {
                spans.push(block.span(running));
                continue;
            }
            // It reaches beyond: only what is read of it counts.
            let entries = self.entries(at)?;
            let count = usize::try_from(through.number() - block.first.number() + 1).unwrap_or(usize::MAX);
            let times: Vec<Times> = entries.iter().take(count).map(|entry| entry.times).collect();
            spans.extend(TimeSpan::of(block.first, &times, running));
        }
        Ok(())
    }

    /// Returns the last place that was recorded before the cut; the one before its first where there is none.
    pub(super) fn seek(&self, until: Until) -> Result<Seq, StoreError> {
        let at = self.blocks.partition_point(|block| until.includes(block.last_recorded_at()));
        if at == self.blocks.len() {
            return Ok(self.name.last);
        }
        let entries = self.entries(at)?;
        let count = entries.partition_point(|entry| until.includes(entry.times.recorded_at));
        Ok(self.blocks[at].first.minus(1).plus(count as u64))
    }

    /// Reads all of it, and checks that it is what was written: every byte, and the root over the lines.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.check_sections()?;
        let mut state = self.before.clone();
        for at in 0..self.blocks.len() {
            self.entries(at)?.iter().for_each(|entry| state.push(entry));
        }
        self.check_end(&state)
    }

    /// As [`Segment::check`], but for the lines: whoever reads them all sees whether they add up to what is said to be after
    /// them.
    pub(super) fn check_beside(&self) -> Result<(), StoreError> {
        self.check_sections()?;
        let times = self.entries(self.blocks.len() - 1)?.last().map(|entry| entry.times);
        self.check_end(&State { times, ..self.after.clone() })
    }

    fn check_sections(&self) -> Result<(), StoreError> {
        self.packed.check_sections()?;
        Filter::of(&self.packed, &self.after.root())?.check(&self.packed)
    }

    fn check_end(&self, found: &State) -> Result<(), StoreError> {
        match *found == self.after {
            true => Ok(()),
            false => Err(damaged(format!(
                "the root over the events in `{}` is not the one that it says",
                self.name
            ))),
        }
    }
}

fn open_span(folder: &Path, name: &SegmentName) -> Result<(Packed, State, State), StoreError> {
    let packed = Packed::open(&folder.join(name.to_string()), MAGIC)?;
    let span = packed.needed(SPAN, V1)?;
    let (before, after) = read_span(&span).ok_or_else(|| packed.damaged("its span"))?;
    let found = SegmentName { first: before.seq().plus(1), last: after.seq() };
    match found == *name {
        true => Ok((packed, before, after)),
        false => Err(damaged(format!("the file of the events {name} holds those of {found}"))),
    }
}

fn read_span(bytes: &[u8]) -> Option<(State, State)> {
    let mut reader = Reader::new(bytes);
    let (before, after) = (State::read(&mut reader)?, State::read(&mut reader)?);
    (reader.rest().is_empty() && before.seq() < after.seq()).then_some((before, after))
}
