//! A snapshot in the making: blocks of rows in the order of their keys, compressed on several threads where they are many.

use std::path::Path;

use super::{BLOCK_BYTES, FRONT, INDEX, MAGIC, Row, V1};
use crate::store::disk::bytes::{Writer, crc};
use crate::store::disk::codec;
use crate::store::disk::packed::PackedWriter;
use crate::store::disk::state::State;
use crate::store::{StoreError, each_in_order};

/// How many pieces are written before a thread is worth it.
const PIECES_ALONE: usize = 8;

/// Rows that follow one another.
pub(in crate::store::disk) enum Piece {
    /// As an older snapshot has them: the first key of a block, and the block.
    Kept(String, Vec<u8>),
    /// Rows to be written.
    Rows(Vec<Row>),
}

/// A block as it is stored.
struct Block {
    first: String,
    /// None where it is taken over, and they are counted elsewhere.
    rows: Option<usize>,
    bytes: Vec<u8>,
}

/// A snapshot in the making.
pub(in crate::store::disk) struct SnapshotWriter {
    packed: PackedWriter,
    index: Writer,
    blocks: usize,
    rows: u64,
}

impl SnapshotWriter {
    pub(super) fn create(path: &Path) -> Result<Self, StoreError> {
        let packed = PackedWriter::create(path, MAGIC)?;
        Ok(SnapshotWriter { packed, index: Writer::default(), blocks: 0, rows: 0 })
    }

    /// Adds pieces until there is none, in the order of their keys. Those that are kept have so many rows together.
    pub(in crate::store::disk) fn put(
        &mut self,
        mut next: impl FnMut() -> Result<Option<Piece>, StoreError>,
    ) -> Result<(), StoreError> {
        each_in_order(
            PIECES_ALONE,
            || Ok(Vec::from_iter(next()?)),
            |piece| match piece {
                Piece::Kept(first, bytes) => Ok(vec![Block { first, rows: None, bytes }]),
                Piece::Rows(rows) => blocks(&rows),
            },
            |blocks: Result<Vec<Block>, StoreError>| {
                blocks?.iter().try_for_each(|block| self.put_block(block))
            },
        )
    }

    /// Counts rows of blocks that were kept.
    pub(super) fn count(&mut self, kept: u64) {
        self.rows += kept;
    }

    fn put_block(&mut self, block: &Block) -> Result<(), StoreError> {
        self.index.u64(self.packed.put(&block.bytes)?);
        self.index.u32(block.bytes.len());
        self.index.u32(block.first.len());
        self.index.bytes(block.first.as_bytes());
        self.blocks += 1;
        self.rows += block.rows.unwrap_or(0) as u64;
        Ok(())
    }

    pub(super) fn finish(mut self, state: &State, fold_version: u32) -> Result<(), StoreError> {
        let mut front = Writer::default();
        front.bytes(&fold_version.to_le_bytes());
        front.u64(self.rows);
        state.write(&mut front);
        self.packed.section(FRONT, V1, &front.finish())?;
        let mut section = Writer::default();
        section.u32(self.blocks);
        section.bytes(&self.index.finish());
        self.packed.section(INDEX, V1, &section.finish())?;
        self.packed.finish().map(drop)
    }
}

/// Makes blocks of rows.
fn blocks(rows: &[Row]) -> Result<Vec<Block>, StoreError> {
    let (mut blocks, mut rest) = (Vec::new(), rows);
    while let Some((first, _)) = rest.first() {
        let (mut bytes, before) = (Writer::default(), rest.len());
        while let Some(((key, value), behind)) = rest.split_first()
            && (bytes.len() == 0 || bytes.len() + key.len() + value.len() <= BLOCK_BYTES)
        {
            bytes.u32(key.len());
            bytes.bytes(key.as_bytes());
            bytes.u32(value.len());
            bytes.bytes(value);
            rest = behind;
        }
        let bytes = bytes.finish();
        let mut block = Writer::default();
        block.u32(bytes.len());
        block.bytes(&codec::compress(&bytes)?);
        block.checksum();
        blocks.push(Block { first: first.clone(), rows: Some(before - rest.len()), bytes: block.finish() });
    }
    Ok(blocks)
}

/// Says whether a block is as it was written.
pub(super) fn is_whole(block: &[u8]) -> bool {
    block.split_last_chunk::<4>().is_some_and(|(summed, sum)| crc(summed).to_le_bytes() == *sum)
}
