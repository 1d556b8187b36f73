//! The filter over a segment's command ids: it rules out most ids that are not there, by reading one page for each
//! stretch of blocks.
//!
//! ```text
//!  stretches 4 │ (first block 4, blocks 4, pages 4) a stretch │ checksum of these 4 │ pages of 4,096 bytes each
//! ```
//!
//! A stretch is a Bloom filter of its own, 31 bits a command, or 16 as earlier versions wrote it; all bits of an id are in
//! one page, whose last 4 bytes are its checksum. Merged segments are put together of stretches.
//!
//! Whoever looks for many ids at once keeps the pages in memory, as far as there is room for them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{FILTER, V1};
use crate::model::{CommandId, Digest};
use crate::store::StoreError;
use crate::store::disk::bytes::{Reader, Writer, crc, summed};
use crate::store::disk::packed::Packed;

const PAGE_BYTES: usize = 4 << 10;
const BITS_BYTES: usize = PAGE_BYTES - 4;
const BITS_A_COMMAND: usize = 31;
/// With 31 bits a command, one in 140,000 ids that are not there is not ruled out: then the blocks are read, which costs as
/// much as some hundred commands. One bit more, and the largest segments would need twice the pages.
const BITS: u64 = 8;

/// How many bytes of pages are kept in memory at most: those of some ten million commands.
const KEPT_BYTES_MAX: usize = 48 << 20;

/// Tells what is in filters apart: the root of the log behind the segment, where its pages begin, and how many there are.
type Content = ([u8; 32], u64, u64);

/// The pages that are kept, by what is in them, not by files, whose numbers and names come again: whoever appends a stream
/// lets go of the log again and again, and finds nearly the same segments each time.
static KEPT: Mutex<BTreeMap<Content, Arc<Vec<u8>>>> = Mutex::new(BTreeMap::new());

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
    /// What is in them.
    content: Content,
    /// The pages, all of them and checked, where they are kept.
    kept: OnceLock<Arc<Vec<u8>>>,
}

impl Filter {
    /// Reads the front of the filter of a segment, behind which the log has a root.
    pub(super) fn of(packed: &Packed, root: &Digest) -> Result<Self, StoreError> {
        let odd = || packed.damaged("its filter");
        let (start, length) = packed.place(FILTER, V1).ok_or_else(odd)?;
        let count = Reader::new(&packed.read(start, 4.min(length))?).u32().ok_or_else(odd)?;
        let front = 4 + 12 * u64::from(count) + 4;
        if front > length {
            return Err(odd());
        }
        let stretches = parse(&packed.read(start, front)?).ok_or_else(odd)?;
        let count: u64 = stretches.iter().map(|stretch| u64::from(stretch.pages)).sum();
        let (pages, content) = (start + front, (*root.bytes(), start + front, count));
        match front + count * PAGE_BYTES as u64 == length {
            true => Ok(Filter { stretches, pages, content, kept: OnceLock::new() }),
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
            if hash.is_in(&page) {
                found.push(stretch.blocks.clone());
            }
        }
        Ok(found)
    }

    /// Notes which of many commands a block may hold.
    pub(super) fn note(
        &self,
        packed: &Packed,
        commands: &[Hash],
        may_be: &mut [bool],
    ) -> Result<(), StoreError> {
        let pages = self.all_pages(packed)?;
        let (pages, _) = pages.as_chunks::<PAGE_BYTES>();
        let mut before = 0;
        for stretch in &self.stretches {
            for (hash, may_be) in commands.iter().zip(may_be.iter_mut()).filter(|(_, may_be)| !**may_be) {
                *may_be = hash.is_in(&pages[before + hash.page(stretch.pages) as usize]);
            }
            before += stretch.pages as usize;
        }
        Ok(())
    }

    /// Returns all pages, and keeps them where there is room.
    fn all_pages(&self, packed: &Packed) -> Result<Cow<'_, [u8]>, StoreError> {
        if let Some(kept) = self.kept.get() {
            return Ok(Cow::Borrowed(kept));
        }
        let count: u64 = self.stretches.iter().map(|stretch| u64::from(stretch.pages)).sum();
        if let Some(pages) = kept(self.content) {
            return Ok(Cow::Borrowed(self.kept.get_or_init(|| pages)));
        }
        let pages = packed.read(self.pages, count * PAGE_BYTES as u64)?;
        if !pages.as_chunks::<PAGE_BYTES>().0.iter().all(is_whole) {
            return Err(packed.damaged("a page of its filter"));
        }
        match keep(self.content, pages) {
            Ok(pages) => Ok(Cow::Borrowed(self.kept.get_or_init(|| pages))),
            Err(pages) => Ok(Cow::Owned(pages)),
        }
    }

    /// Checks every page.
    pub(super) fn check(&self, packed: &Packed) -> Result<(), StoreError> {
        let pages: u64 = self.stretches.iter().map(|stretch| u64::from(stretch.pages)).sum();
        (0..pages).try_for_each(|page| self.read_page(packed, page).map(drop))
    }

    fn page(&self, packed: &Packed, at: u64) -> Result<Cow<'_, [u8]>, StoreError> {
        if let Some(kept) = self.kept.get() {
            let start = usize::try_from(at).map_err(|_| packed.damaged("its filter"))? * PAGE_BYTES;
            return Ok(Cow::Borrowed(&kept[start..start + PAGE_BYTES]));
        }
        self.read_page(packed, at).map(Cow::Owned)
    }

    fn read_page(&self, packed: &Packed, at: u64) -> Result<Vec<u8>, StoreError> {
        let page = packed.read(self.pages + at * PAGE_BYTES as u64, PAGE_BYTES as u64)?;
        match page.as_array().is_some_and(is_whole) {
            true => Ok(page),
            false => Err(packed.damaged("a page of its filter")),
        }
    }
}

/// Returns pages, where they are kept.
fn kept(content: Content) -> Option<Arc<Vec<u8>>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(&content).map(Arc::clone)
}

/// Keeps pages; gives them back where there is no room, even without those that nobody uses any more.
fn keep(content: Content, pages: Vec<u8>) -> Result<Arc<Vec<u8>>, Vec<u8>> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let bytes = |kept: &BTreeMap<_, Arc<Vec<u8>>>| kept.values().map(|pages| pages.len()).sum::<usize>();
    if bytes(&kept) + pages.len() > KEPT_BYTES_MAX {
        kept.retain(|_, pages| Arc::strong_count(pages) > 1);
    }
    if bytes(&kept) + pages.len() > KEPT_BYTES_MAX {
        return Err(pages);
    }
    let pages = Arc::new(pages);
    kept.insert(content, Arc::clone(&pages));
    Ok(pages)
}

/// Says whether a page is as it was written.
fn is_whole(page: &[u8; PAGE_BYTES]) -> bool {
    summed(page).is_some()
}

fn parse(front: &[u8]) -> Option<Vec<Stretch>> {
    let mut reader = Reader::new(summed(front)?);
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
#[derive(Debug)]
pub(in crate::store::disk) struct Hash {
    first: u64,
    step: u64,
}

impl Hash {
    pub(in crate::store::disk) fn of(command: CommandId) -> Self {
        let (high, low) = command.uuid().as_u64_pair();
        let first = mix(high ^ mix(low));
        Hash { first, step: mix(first) | 1 }
    }

    /// Returns which of so many pages, a power of two, has the bits.
    fn page(&self, pages: u32) -> u64 {
        (self.step >> 32) & u64::from(pages - 1)
    }

    /// Says whether all of the bits are in a page.
    fn is_in(&self, page: &[u8]) -> bool {
        self.bits().all(|(byte, mask)| page[byte] & mask != 0)
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
