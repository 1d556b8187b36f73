//! Links from causes: in which blocks there are events that name an event among their causes.
//!
//! ```text
//!  pages of 4,088 bytes: links 4 │ (place of the cause 8, block 4) a link │ checksum of all before 4
//! ```
//!
//! Links are in order, 340 a page and the rest in the last one, so that those of an event are found by reading a page for each
//! halving. What an event of the same
//! block leads to is not listed: whoever asks reads that block anyway.

use super::{LINKS, V1};
use crate::model::Seq;
use crate::store::StoreError;
use crate::store::disk::bytes::{Reader, Writer, summed};
use crate::store::disk::packed::Packed;

const LINKS_A_PAGE: usize = 340;
const LINK_BYTES: usize = 8 + 4;
const PAGE_BYTES: usize = 4 + LINKS_A_PAGE * LINK_BYTES + 4;

/// A cause, and a block with an event that it led to.
type Link = (u64, u32);

/// Links in the making.
#[derive(Debug, Default)]
pub(super) struct Links(Vec<Link>);

impl Links {
    /// Adds that a block, the last one so far, has an event that another one led to.
    pub(super) fn add(&mut self, cause: Seq, block: u32) {
        self.0.push((cause.number(), block));
    }

    /// Adds the links of another segment, whose blocks follow on so many others.
    pub(super) fn add_section(&mut self, section: &[u8], shift: u32) -> Option<()> {
        for page in section.chunks(PAGE_BYTES) {
            for (cause, block) in links(page)? {
                self.0.push((cause, block.checked_add(shift)?));
            }
        }
        Some(())
    }

    /// Writes the links.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.sort_unstable();
        self.0.dedup();
        let mut section = Vec::with_capacity(self.0.len().div_ceil(LINKS_A_PAGE) * PAGE_BYTES);
        for links in self.0.chunks(LINKS_A_PAGE) {
            let mut page = Writer::default();
            page.u32(links.len());
            for (cause, block) in links {
                page.u64(*cause);
                page.u32(*block as usize);
            }
            page.checksum();
            section.extend(page.finish());
        }
        section
    }
}

/// Returns the blocks with events that one led to; none where the segment does not list links.
pub(super) fn find(packed: &Packed, cause: Seq) -> Result<Option<Vec<u32>>, StoreError> {
    let Some((start, length)) = packed.place(LINKS, V1) else { return Ok(None) };
    let odd = || packed.damaged("its links");
    let page = |at: u64| {
        let before = at * PAGE_BYTES as u64;
        let page = packed.read(start + before, (length - before).min(PAGE_BYTES as u64))?;
        links(&page).ok_or_else(odd)
    };
    let (mut low, count) = (0, length.div_ceil(PAGE_BYTES as u64));
    // The first page that may have one: links of one event may be in several.
    let mut high = count;
    while low < high {
        let middle = low.midpoint(high);
        let is_before = page(middle)?.last().is_some_and(|(last, _)| *last < cause.number());
        if is_before { low = middle + 1 } else { high = middle }
    }
    let mut blocks = Vec::new();
    for at in low..count {
        let links = page(at)?;
        let own = links.iter().filter(|(of, _)| *of == cause.number());
        blocks.extend(own.map(|(_, block)| *block));
        if links.last().is_none_or(|(last, _)| *last > cause.number()) {
            break;
        }
    }
    Ok(Some(blocks))
}

/// Reads a page; none for one that is not as it was written.
fn links(page: &[u8]) -> Option<Vec<Link>> {
    let mut reader = Reader::new(summed(page)?);
    let count = reader.u32()? as usize;
    if reader.rest().len() != count.checked_mul(LINK_BYTES)? {
        return None;
    }
    (0..count).map(|_| Some((reader.u64()?, reader.u32()?))).collect()
}
