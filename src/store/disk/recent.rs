//! What was read of the sealed events lately, kept while the store is open. It never changes, since what is
//! sealed never does.
//!
//! A stream that is sent again asks for one command after the other, in the order in which they are: the block
//! that the last one was in, or the one behind it, holds the next. And a new id asks every page of the filter.

use std::cell::RefCell;
use std::collections::HashMap;

use super::block::Block;
use super::blocks;
use super::database::Database;
use crate::model::{CommandId, Seq};
use crate::store::{Entry, StoreError};

/// The most pages of the filter that are kept: 8 MiB, those of four million events.
const PAGES_MAX: usize = 2 << 10;

/// The block that a command was found in last, and pages of the filter.
#[derive(Debug, Default)]
pub(super) struct Recent {
    held: RefCell<Option<Held>>,
    pages: RefCell<HashMap<Vec<u8>, Option<Vec<u8>>>>,
}

#[derive(Debug)]
struct Held {
    block: Block,
    /// Its events, once one was asked for.
    entries: Option<Vec<Entry>>,
}

impl Recent {
    /// Keeps a block.
    pub(super) fn hold(&self, block: Block) {
        *self.held.borrow_mut() = Some(Held { block, entries: None });
    }

    /// Returns the place of a command's first event where it is in the block at hand, or in the one behind it.
    /// None says nothing.
    pub(super) fn find(
        &self,
        sealed: &Database,
        end: Seq,
        command: CommandId,
    ) -> Result<Option<Seq>, StoreError> {
        let next = match &*self.held.borrow() {
            None => return Ok(None),
            Some(held) => match begins_in(&held.block, command) {
                Some(place) => return Ok(Some(place)),
                None => held.block.end().plus(1),
            },
        };
        if next > end {
            return Ok(None);
        }
        let block = blocks::holding(sealed, next)?;
        let place = begins_in(&block, command);
        if place.is_some() {
            self.hold(block);
        }
        Ok(place)
    }

    /// Returns a line of the block at hand.
    pub(super) fn line(&self, place: Seq) -> Result<Option<String>, StoreError> {
        let mut held = self.held.borrow_mut();
        let Some(Held { block, entries }) = held.as_mut().filter(|held| held.block.holds(place)) else {
            return Ok(None);
        };
        let entries = match entries {
            Some(entries) => entries,
            None => entries.insert(block.entries()?),
        };
        let at = place.number() - block.start.number();
        Ok(entries.get(at as usize).map(|entry| entry.line.clone()))
    }

    /// Returns what `look` says of a page of the filter that will not change any more, reading it the first time.
    pub(super) fn page<T>(
        &self,
        key: Vec<u8>,
        read: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
        look: impl FnOnce(Option<&[u8]>) -> T,
    ) -> Result<T, StoreError> {
        let mut pages = self.pages.borrow_mut();
        if let Some(page) = pages.get(&key) {
            return Ok(look(page.as_deref()));
        }
        let page = read(&key)?;
        let said = look(page.as_deref());
        if pages.len() < PAGES_MAX {
            pages.insert(key, page);
        }
        Ok(said)
    }
}

/// Returns the place of a command's first event, unless the block before this one may have events of it too.
fn begins_in(block: &Block, command: CommandId) -> Option<Seq> {
    block.find(command).filter(|place| *place > block.start || block.start == Seq::new(1))
}
