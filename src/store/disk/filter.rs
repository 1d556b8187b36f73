//! The filter over the command ids of sealed events: it rules out most ids that were never used, so that a
//! new command does not open what is sealed.
//!
//! One Bloom filter for each [`SPAN_EVENTS`] places, 16 bits an event, in pages; an id's bits are all in one
//! page, so that a look-up reads one page of each span. An id that is not ruled out is looked for in the
//! blocks of its span.

use std::collections::BTreeMap;

use super::damaged;
use super::database::{Changes, Database};
use super::recent::Recent;
use crate::model::{CommandId, Seq};
use crate::store::{Entry, StoreError};

pub(super) const COMMAND: u8 = b'c';
pub(super) const FILTER: u8 = b'f';
/// How many places share a filter.
const SPAN_EVENTS: u64 = 32 << 10;
const PAGES: u64 = 16;
const PAGE_BYTES: usize = 4 << 10;
/// With 16 bits an event, one in 1,700 ids that were never used is not ruled out by a full span.
const BITS: u64 = 8;

/// Pages that change.
#[derive(Debug, Default)]
pub(super) struct Filling {
    pages: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Filling {
    /// Adds the command ids of the events after a place.
    pub(super) fn add(
        &mut self,
        database: &Database,
        after: Seq,
        entries: &[&Entry],
    ) -> Result<(), StoreError> {
        let mut last = None;
        for (at, entry) in entries.iter().enumerate() {
            let span = after.plus(at as u64).number() / SPAN_EVENTS;
            if last.replace((span, entry.command_id)) == Some((span, entry.command_id)) {
                continue;
            }
            let hash = Hash::of(entry.command_id);
            let key = hash.key(span);
            if !self.pages.contains_key(&key) {
                let page = page(database, &key)?.unwrap_or_else(|| vec![0; PAGE_BYTES]);
                self.pages.insert(key.clone(), page);
            }
            let page = self.pages.get_mut(&key).expect("put there above");
            hash.bits().for_each(|(byte, mask)| page[byte] |= mask);
        }
        Ok(())
    }

    /// Writes the pages.
    pub(super) fn put(self, changes: &mut Changes) {
        self.pages.into_iter().for_each(|(key, page)| changes.put(key, page));
    }
}

/// Returns the spans of places, each as the place before it and its last one, up to `end`, in which a
/// command may have an event.
pub(super) fn spans(
    database: &Database,
    recent: &Recent,
    end: Seq,
    command: CommandId,
) -> Result<Vec<(Seq, Seq)>, StoreError> {
    let hash = Hash::of(command);
    let mut spans = Vec::new();
    for span in 0..end.number().div_ceil(SPAN_EVENTS) {
        let after = Seq::new(span * SPAN_EVENTS);
        let has = |page: Option<&[u8]>| {
            page.is_some_and(|page| hash.bits().all(|(byte, mask)| page[byte] & mask != 0))
        };
        let may_be_there = match after.plus(SPAN_EVENTS) <= end {
            true => recent.page(hash.key(span), |key| page(database, key), has)?,
            false => has(page(database, &hash.key(span))?.as_deref()),
        };
        if may_be_there {
            spans.push((after, after.plus(SPAN_EVENTS).min(end)));
        }
    }
    Ok(spans)
}

fn page(database: &Database, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let page = database.value(key)?;
    match page.as_ref().is_none_or(|page| page.len() == PAGE_BYTES) {
        true => Ok(page),
        false => Err(damaged("a page of the filter has a wrong length".to_owned())),
    }
}

/// Where an id's bits are.
struct Hash {
    page: u64,
    first: u64,
    step: u64,
}

impl Hash {
    fn of(command: CommandId) -> Self {
        let (high, low) = command.uuid().as_u64_pair();
        let first = mix(high ^ mix(low));
        let second = mix(first);
        Hash { page: second >> 60 & (PAGES - 1), first, step: second | 1 }
    }

    fn key(&self, span: u64) -> Vec<u8> {
        [&[FILTER][..], &span.to_be_bytes(), &[self.page as u8]].concat()
    }

    fn bits(&self) -> impl Iterator<Item = (usize, u8)> + '_ {
        (0..BITS).map(|nth| {
            let bit = self.first.wrapping_add(nth.wrapping_mul(self.step)) % (8 * PAGE_BYTES as u64);
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
