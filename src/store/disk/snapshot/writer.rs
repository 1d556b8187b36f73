//! A snapshot in the making: blocks of rows in the order of their keys, compressed on several threads where they are many.

use std::path::Path;

use super::{BLOCK_BYTES, FRONT, INDEX, MAGIC, ROWS_AT_ONCE, Row, V1};
use crate::store::disk::bytes::Writer;
use crate::store::disk::codec;
use crate::store::disk::packed::PackedWriter;
use crate::store::disk::state::State;
use crate::store::{StoreError, each_in_order};

/// How many pieces are written before a thread is worth it.
const PIECES_ALONE: usize = 8;

/// Rows that follow one another.
pub(in crate::store::disk) enum Piece {
    /// Those of a block of an older snapshot, as it is stored.
    Kept {
        /// Its first key there.
        first: String,
        /// The block.
        block: Vec<u8>,
    },
    /// Rows to be written.
    Rows {
        /// The rows.
        rows: Vec<Row>,
        /// How many an older snapshot has in their place.
        instead_of: usize,
    },
}

/// A block as it is stored, and its first key.
type Block = (String, Vec<u8>);

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

    /// Puts rows there, in the order of their keys.
    pub(in crate::store::disk) fn put_rows(
        &mut self,
        mut rows: impl Iterator<Item = Row>,
    ) -> Result<(), StoreError> {
        let pieces = std::iter::from_fn(|| {
            let rows: Vec<Row> = rows.by_ref().take(ROWS_AT_ONCE).collect();
            (!rows.is_empty()).then_some(Ok(Piece::Rows { rows, instead_of: 0 }))
        });
        self.put(0, pieces)
    }

    /// Puts what has become of an older snapshot of so many rows there, piece by piece, in the order of the keys.
    pub(in crate::store::disk) fn put(
        &mut self,
        older: u64,
        mut pieces: impl Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<(), StoreError> {
        let mut count = older;
        let next = || {
            let piece = pieces.next().transpose()?;
            if let Some(Piece::Rows { rows, instead_of }) = &piece {
                count = count.saturating_sub(*instead_of as u64) + rows.len() as u64;
            }
            Ok(Vec::from_iter(piece))
        };
        let work = |piece| match piece {
            Piece::Kept { first, block } => Ok(vec![(first, block)]),
            Piece::Rows { rows, .. } => blocks(&rows),
        };
        each_in_order(PIECES_ALONE, next, work, |blocks: Result<Vec<Block>, StoreError>| {
            blocks?.iter().try_for_each(|block| self.put_block(block))
        })?;
        self.rows = count;
        Ok(())
    }

    fn put_block(&mut self, (first, block): &Block) -> Result<(), StoreError> {
        self.index.u64(self.packed.put(block)?);
        self.index.u32(block.len());
        self.index.u32(first.len());
        self.index.bytes(first.as_bytes());
        self.blocks += 1;
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
        let mut bytes = Writer::default();
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
        blocks.push((first.clone(), block.finish()));
    }
    Ok(blocks)
}
