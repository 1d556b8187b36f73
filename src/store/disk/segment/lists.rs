//! Lists of blocks by a name: which blocks have events about a phase, and which have events of a kind.

use std::collections::BTreeMap;

use crate::store::disk::bytes::{Reader, Writer};

/// Which blocks have something of a name.
#[derive(Debug, Default)]
pub(super) struct Lists(BTreeMap<String, Vec<u32>>);

impl Lists {
    /// Adds that a block, the last one so far, has something of a name.
    pub(super) fn add(&mut self, name: &str, block: u32) {
        match self.0.get_mut(name) {
            Some(blocks) if blocks.last() == Some(&block) => {}
            Some(blocks) => blocks.push(block),
            None => drop(self.0.insert(name.to_owned(), vec![block])),
        }
    }

    /// Adds the lists of another segment, whose blocks follow on so many others.
    pub(super) fn add_section(&mut self, section: &[u8], shift: u32) -> Option<()> {
        let (mut reader, count) = begin(section)?;
        for _ in 0..count {
            let (name, blocks) = list(&mut reader)?;
            for block in numbers(blocks) {
                self.add(name, block.checked_add(shift)?);
            }
        }
        reader.rest().is_empty().then_some(())
    }

    /// Writes the lists: the number of names 4, then for each its length 4 and itself, the number of blocks 4 and 4 for each.
    pub(super) fn finish(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u32(self.0.len());
        for (name, blocks) in &self.0 {
            writer.u32(name.len());
            writer.bytes(name.as_bytes());
            writer.u32(blocks.len());
            blocks.iter().for_each(|block| writer.u32(*block as usize));
        }
        writer.finish()
    }
}

/// Returns the blocks that a section lists for a name; none where the section is not one.
pub(super) fn find(section: &[u8], wanted: &str) -> Option<Vec<u32>> {
    let (mut reader, count) = begin(section)?;
    for _ in 0..count {
        let (name, blocks) = list(&mut reader)?;
        // They are in order.
        if name >= wanted {
            return Some(if name == wanted { numbers(blocks).collect() } else { Vec::new() });
        }
    }
    Some(Vec::new())
}

fn begin(section: &[u8]) -> Option<(Reader<'_>, u32)> {
    let mut reader = Reader::new(section);
    let count = reader.u32()?;
    Some((reader, count))
}

/// Reads a name, and the bytes of its list.
fn list<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, &'a [u8])> {
    let length = reader.u32()? as usize;
    let name = std::str::from_utf8(reader.take(length)?).ok()?;
    let blocks = (reader.u32()? as usize).checked_mul(4)?;
    Some((name, reader.take(blocks)?))
}

fn numbers(blocks: &[u8]) -> impl Iterator<Item = u32> {
    blocks.as_chunks::<4>().0.iter().map(|block| u32::from_le_bytes(*block))
}
