//! Looking for what is whole in bytes of which the front, the end or some of the middle is not.

use serde::Deserialize;

use crate::model::Seq;
use crate::store::Entry;
use crate::store::disk::block::Block;
use crate::store::disk::frame::{self, Frame};

/// What a line says of its own place.
#[derive(Deserialize)]
struct Place {
    seq: Seq,
}

/// Events that follow one another, and where they were found.
pub(super) struct Stretch {
    /// The place of the first one.
    pub(super) first: Seq,
    pub(super) entries: Vec<Entry>,
    pub(super) start: usize,
    pub(super) length: usize,
}

/// Returns the whole blocks among some bytes. Their places are those that their lines say.
pub(super) fn blocks(bytes: &[u8]) -> Vec<Stretch> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match block(bytes, at) {
            Some(block) => {
                at += block.length;
                found.push(block);
            }
            None => at += 1,
        }
    }
    found
}

fn block(bytes: &[u8], start: usize) -> Option<Stretch> {
    let length = Block::length(&bytes[start..])?;
    let block = Block::read(bytes.get(start..start.checked_add(length)?)?)?;
    let entries = block.entries()?;
    Some(Stretch { first: places(&entries)?, entries, start, length })
}

/// Returns the place of the first of some events, where their lines say that they follow one another.
fn places(entries: &[Entry]) -> Option<Seq> {
    let place = |entry: &Entry| Some(serde_json::from_str::<Place>(&entry.line).ok()?.seq);
    let (first, last) = (place(entries.first()?)?, place(entries.last()?)?);
    (first > Seq::ZERO && last == first.plus(entries.len() as u64 - 1)).then_some(first)
}

/// Returns the whole frames among some bytes, and the root before each, with nothing said of the rest.
pub(super) fn frames(bytes: &[u8]) -> Vec<(Stretch, [u8; 32])> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(ahead) = bytes[at..].windows(frame::MAGIC.len()).position(|some| some == frame::MAGIC) {
        let start = at + ahead;
        at = start + 1;
        if let Some(whole) = Frame::read(&bytes[start..])
            && let Some(entries) = whole.entries()
        {
            at = start + whole.bytes;
            let stretch = Stretch { first: whole.first, entries, start, length: whole.bytes };
            found.push((stretch, whole.root_before));
        }
    }
    found
}
