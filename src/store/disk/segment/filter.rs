//! The filter over a segment's command ids: it rules out most ids that are not there, by reading one page for each
//! stretch of blocks.
//!
//! ```text
//!  stretches 4 │ (first block 4, blocks 4, pages 4) a stretch │ checksum of these 4 │ pages of 4,096 bytes each
//! ```
//!
//! A stretch is a Bloom filter of its own, 16 bits a command; all bits of an id are in one page, whose last 4 bytes are
//! its checksum. Merged segments are put together of stretches.

use std::collections::HashSet;
use std::ops::Range;

use super::{FILTER, V1};
use crate::model::CommandId;
use crate::store::StoreError;
use crate::store::disk::bytes::{Reader, Writer, crc};
use crate::store::disk::packed::Packed;

const PAGE_BYTES: usize = 4 << 10;
const BITS_BYTES: usize = PAGE_BYTES - 4;
const BITS_A_COMMAND: usize = 16;
/// With 16 bits a command, one in 1,700 ids that are not there is not ruled out.
const BITS: u64 = 8;

/// Blocks that share a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    blocks: Range<usize>,
    pages: u32,
}

/// The front of a filter.
#[derive(Debug)]
pub(super) struct Filter {
    stretches: Vec<Stretch>,
    /// Where the pages begin in the file.
    pages: u64,
}

impl Filter {
    /// Reads the front of a segment's filter.
    pub(super) fn of(packed: &Packed) -> Result<Self, StoreError> {
        let odd = || packed.damaged("its filter");
        let (start, length) = packed.place(FILTER, V1).ok_or_else(odd)?;
        let count = Reader::new(&packed.read(start, 4.min(length))?).u32().ok_or_else(odd)?;
        let front = 4 + 12 * u64::from(count) + 4;
        if front > length {
            return Err(odd());
        }
        let stretches = parse(&packed.read(start, front)?).ok_or_else(odd)?;
        let pages: u64 = stretches.iter().map(|stretch| u64::from(stretch.pages)).sum();
        match front + pages * PAGE_BYTES as u64 == length {
            true => Ok(Filter { stretches, pages: start + front }),
            false => Err(odd()),
        }
    }

    /// Returns the stretches of blocks that a command may be in.
    pub(super) fn may_hold(
        &self,
        packed: &Packed,
        command: CommandId,
    ) -> Result<Vec<Range<usize>>, StoreError> {
        let hash = Hash::of(command);
        let (mut found, mut before) = (Vec::new(), 0);
        for stretch in &self.stretches {
            let page = self.page(packed, before + hash.page(stretch.pages))?;
            before += u64::from(stretch.pages);
            if hash.bits().all(|(byte, mask)| page[byte] & mask != 0) {
                found.push(stretch.blocks.clone());
            }
        }
        Ok(found)
    }

    /// Checks every page.
    pub(super) fn check(&self, packed: &Packed) -> Result<(), StoreError> {
        let pages: u64 = self.stretches.iter().map(|stretch| u64::from(stretch.pages)).sum();
        (0..pages).try_for_each(|page| self.page(packed, page).map(drop))
    }

    fn page(&self, packed: &Packed, at: u64) -> Result<Vec<u8>, StoreError> {
        let page = packed.read(self.pages + at * PAGE_BYTES as u64, PAGE_BYTES as u64)?;
        match crc(&page[..BITS_BYTES]).to_le_bytes() == page[BITS_BYTES..] {
            true => Ok(page),
            false => Err(packed.damaged("a page of its filter")),
        }
    }
}

fn parse(front: &[u8]) -> Option<Vec<Stretch>> {
    let (summed, sum) = front.split_at_checked(front.len().checked_sub(4)?)?;
    if crc(summed).to_le_bytes() != *sum {
        return None;
    }
    let mut reader = Reader::new(summed);
    let count = reader.u32()?;
    let stretches = (0..count).map(|_| {
        let (first, count, pages) = (reader.u32()? as usize, reader.u32()? as usize, reader.u32()?);
        pages.is_power_of_two().then_some(Stretch { blocks: first..first + count, pages })
    });
    stretches.collect()
}

/// A filter in the making.
#[derive(Debug, Default)]
pub(super) struct Filling {
    stretches: Vec<Stretch>,
    pages: Vec<u8>,
}

impl Filling {
    /// Adds a stretch of blocks with these commands.
    pub(super) fn add(&mut self, blocks: Range<usize>, commands: &HashSet<CommandId>) {
        let wanted = (commands.len() * BITS_A_COMMAND).div_ceil(8 * BITS_BYTES).max(1).next_power_of_two();
        let mut pages = vec![[0u8; PAGE_BYTES]; wanted];
        let count = u32::try_from(wanted).expect("limits keep segments small");
        for command in commands {
            let hash = Hash::of(*command);
            let page = &mut pages[hash.page(count) as usize];
            hash.bits().for_each(|(byte, mask)| page[byte] |= mask);
        }
        for page in &mut pages {
            let sum = crc(&page[..BITS_BYTES]).to_le_bytes();
            page[BITS_BYTES..].copy_from_slice(&sum);
        }
        self.stretches.push(Stretch { blocks, pages: count });
        self.pages.extend(pages.as_flattened());
    }

    /// Writes the filter.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u32(self.stretches.len());
        for stretch in &self.stretches {
            writer.u32(stretch.blocks.start);
            writer.u32(stretch.blocks.len());
            writer.u32(stretch.pages as usize);
        }
        writer.checksum();
        writer.bytes(&self.pages);
        writer.finish()
    }
}

/// Where an id's bits are.
struct Hash {
    first: u64,
    step: u64,
}

impl Hash {
    fn of(command: CommandId) -> Self {
        let (high, low) = command.uuid().as_u64_pair();
        let first = mix(high ^ mix(low));
        Hash { first, step: mix(first) | 1 }
    }

    /// Returns which of so many pages, a power of two, has the bits.
    fn page(&self, pages: u32) -> u64 {
        (self.step >> 32) & u64::from(pages - 1)
    }

    fn bits(&self) -> impl Iterator<Item = (usize, u8)> + '_ {
        (0..BITS).map(|nth| {
            let bit = self.first.wrapping_add(nth.wrapping_mul(self.step)) % (8 * BITS_BYTES as u64);
            (bit as usize / 8, 1 << (bit % 8))
        })
    }
}

/// The finalizer of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}
