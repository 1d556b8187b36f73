//! Snapshots: the table as it was at some place, a file each. A cache: one that cannot be read does not count.
//!
//! ```text
//!  blocks │ front │ index        the layout is that of packed.rs
//!  block: length 4 │ zstd of (length 4, key, length 4, value) a row │ checksum of all before 4
//!  front: version of the fold 4 │ rows 8 │ where the log stands (see state.rs)
//!  index: blocks 4 │ (start 8, length 4, length of the first key 4, first key) a block
//! ```
//!
//! Rows are in the order of their keys, so that one is found by its block's first key, or by
//! one that comes before that and after all rows of the block before. A snapshot is not synced: what
//! a power cut leaves of one does not match its checksums.

mod writer;

use writer::Piece;
pub(super) use writer::SnapshotWriter;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::{Reader, summed};
use super::codec;
use super::packed::{HEADER_BYTES, Packed};
use super::since::{Changed, merged};
use super::state::State;
use super::{folder, io_error};
use crate::model::Seq;
use crate::store::{PastRows, Snapshot, StoreError};

const MAGIC: &[u8; 8] = b"phasesnp";
const FRONT: u16 = 1;
const INDEX: u16 = 2;
const V1: u16 = 1;
const FOLDER: &str = "snapshots";
/// A block is full when its rows reach this many bytes.
const BLOCK_BYTES: usize = 16 << 10;
/// How many blocks are held at most while single rows are read.
const BLOCKS_HELD_MAX: usize = 256;
/// How many rows are read at once, at least, where they are read piece by piece.
const ROWS_AT_ONCE: usize = 512;
/// How many events there are at most between snapshots that are kept, unless these are large: that many are folded in no
/// time that anybody notices.
const GAP_EVENTS_MIN: u64 = 8 << 10;
/// Large ones may take up so many bytes for each event, a sixth of what the event itself takes.
const BYTES_AN_EVENT: u64 = 16;
/// The most bytes that a block says it has.
const BLOCK_BYTES_MAX: u32 = 1 << 31;

/// A row's key and its value.
type Row = (String, Vec<u8>);

/// Returns the place of the last snapshot, readable or not.
pub(super) fn last_place(dir: &Path) -> Result<Seq, StoreError> {
    Ok(places(dir)?.last().copied().unwrap_or(Seq::ZERO))
}

/// Returns the last readable snapshot at or before a place.
pub(super) fn last(dir: &Path, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
    for place in places(dir)?.into_iter().rev().filter(|place| *place <= at_most) {
        // One that a crash left incomplete is as good as none, and so is one that was forgotten meanwhile.
        if let Ok(snapshot) = read(&path(dir, place), place) {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

/// Returns the last readable snapshot at or before a place, of which single rows are read.
pub(super) fn last_rows(dir: &Path, at_most: Seq) -> Result<Option<Box<dyn PastRows>>, StoreError> {
    let before = places(dir)?.into_iter().rev().filter(|place| *place <= at_most);
    let mut readable = before.filter_map(|place| SnapshotFile::open(dir, place).ok());
    Ok(readable.next().map(|snapshot| -> Box<dyn PastRows> { Box::new(snapshot) }))
}

/// A snapshot of which single rows are read.
#[derive(Debug)]
pub(super) struct SnapshotFile {
    packed: Packed,
    pub(super) fold_version: u32,
    /// Where the log stood.
    pub(super) state: State,
    /// How many rows there are.
    pub(super) rows: u64,
    /// Where each block is, and its first key.
    index: Vec<(u64, u32, String)>,
    blocks: RefCell<HashMap<usize, Arc<Vec<Row>>>>,
}

impl SnapshotFile {
    /// Opens the snapshot at a place.
    pub(super) fn open(dir: &Path, place: Seq) -> Result<Self, StoreError> {
        let packed = Packed::open(&path(dir, place), MAGIC)?;
        let (fold_version, rows, state) = read_front(&packed, place)?;
        let index = read_index(&packed.needed(INDEX, V1)?).ok_or_else(|| packed.damaged("a snapshot"))?;
        Ok(SnapshotFile { packed, fold_version, state, rows, index, blocks: RefCell::default() })
    }

    /// Returns its rows with others in place of those that changed, a block each: one in which none did is as it is stored.
    pub(super) fn pieces<'a>(
        &'a self,
        changed: &'a Changed,
    ) -> impl Iterator<Item = Result<Piece, StoreError>> + 'a {
        (0..self.index.len()).map(move |at| {
            let behind = self.index.get(at + 1).map(|(_, _, next)| next.as_str());
            let from = if at == 0 { Bound::Unbounded } else { Bound::Included(self.index[at].2.as_str()) };
            let own = changed.range::<str, _>((from, behind.map_or(Bound::Unbounded, Bound::Excluded)));
            if own.clone().next().is_none() {
                let block = self.stored_block(at)?;
                let is_whole = summed(&block).is_some();
                let first = self.index[at].2.clone();
                return is_whole.then_some(Piece::Kept { first, block }).ok_or_else(|| self.damaged());
            }
            let rows = self.read_block(at)?;
            Ok(Piece::Rows { instead_of: rows.len(), rows: merged(rows, own) })
        })
    }

    /// Returns rows whose key has a prefix and comes after one, in order: at least one where there is any, and not many more
    /// than are needed to be quick.
    pub(super) fn rows_after(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Row>, StoreError> {
        self.some_rows(prefix, after, ROWS_AT_ONCE)
    }

    /// Returns rows whose key has a prefix and comes after one, in order: all, or at least as many.
    fn some_rows(&self, prefix: &str, after: Option<&str>, enough: usize) -> Result<Vec<Row>, StoreError> {
        let from = after.unwrap_or_default().max(prefix);
        let before = self.index.partition_point(|(_, _, first)| first.as_str() <= from);
        let mut rows = Vec::new();
        for at in before.saturating_sub(1)..self.index.len() {
            let first = self.index[at].2.as_str();
            if rows.len() >= enough || first > prefix && !first.starts_with(prefix) {
                break;
            }
            let is_meant =
                |(key, _): &Row| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
            rows.extend(self.read_block(at)?.into_iter().filter(is_meant));
        }
        Ok(rows)
    }

    fn block(&self, at: usize) -> Result<Arc<Vec<Row>>, StoreError> {
        if let Some(block) = self.blocks.borrow().get(&at) {
            return Ok(Arc::clone(block));
        }
        let block = Arc::new(self.read_block(at)?);
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() >= BLOCKS_HELD_MAX {
            blocks.clear();
        }
        blocks.insert(at, Arc::clone(&block));
        Ok(block)
    }

    fn read_block(&self, at: usize) -> Result<Vec<Row>, StoreError> {
        read_block(&self.stored_block(at)?).ok_or_else(|| self.damaged())
    }

    fn stored_block(&self, at: usize) -> Result<Vec<u8>, StoreError> {
        let (start, length, _) = &self.index[at];
        self.packed.read(*start, u64::from(*length))
    }

    fn damaged(&self) -> StoreError {
        self.packed.damaged("a snapshot")
    }
}

impl PastRows for SnapshotFile {
    fn seq(&self) -> Seq {
        self.state.seq()
    }

    fn fold_version(&self) -> u32 {
        self.fold_version
    }

    fn row(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let after = self.index.partition_point(|(_, _, first)| first.as_str() <= key);
        let Some(at) = after.checked_sub(1) else { return Ok(None) };
        let block = self.block(at)?;
        let found = block.binary_search_by(|(of, _)| of.as_str().cmp(key));
        Ok(found.ok().map(|found| block[found].1.clone()))
    }

    fn rows(&self, prefix: &str) -> Result<Vec<Row>, StoreError> {
        self.some_rows(prefix, None, usize::MAX)
    }
}

/// Reads the front of the snapshot of a place: the version of the fold, how many rows it has, where the log stood.
fn read_front(packed: &Packed, place: Seq) -> Result<(u32, u64, State), StoreError> {
    let front = packed.needed(FRONT, V1)?;
    let mut reader = Reader::new(&front);
    let mut read = || Some((reader.u32()?, reader.u64()?, State::read(&mut reader)?));
    read().filter(|(_, _, state)| state.seq() == place).ok_or_else(|| packed.damaged("a snapshot"))
}

/// Makes the folder of snapshots.
pub(super) fn make_folder(dir: &Path) -> Result<(), StoreError> {
    let folder = dir.join(FOLDER);
    fs::create_dir_all(&folder).map_err(io_error("create", &folder))
}

/// Writes a snapshot of some rows, and forgets some of the older ones.
pub(super) fn put(dir: &Path, state: &State, fold_version: u32, rows: &[Row]) -> Result<(), StoreError> {
    put_with(dir, state, fold_version, |writer| writer.put_rows(rows.iter().cloned()))
}

/// As [`put`], of what `write` puts there, in the order of the keys.
pub(super) fn put_with(
    dir: &Path,
    state: &State,
    fold_version: u32,
    write: impl FnOnce(&mut SnapshotWriter) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    make_folder(dir)?;
    let (path, aside) = (path(dir, state.seq()), dir.join(FOLDER).join("snapshot.new"));
    let mut writer = SnapshotWriter::create(&aside)?;
    write(&mut writer)?;
    writer.finish(state, fold_version)?;
    fs::rename(&aside, &path).map_err(io_error("replace", &path))?;
    let bytes = fs::metadata(&path).map_err(io_error("read", &path))?.len();
    let places: Vec<u64> = places(dir)?.into_iter().map(Seq::number).collect();
    for place in superfluous(&places, GAP_EVENTS_MIN.max(bytes / BYTES_AN_EVENT)) {
        let path = self::path(dir, Seq::new(place));
        fs::remove_file(&path).map_err(io_error("remove", &path))?;
    }
    Ok(())
}

/// Returns how many rows the last snapshot has; 0 where there is none that can be read.
pub(super) fn last_row_count(dir: &Path) -> u64 {
    let count = || {
        let place = last_place(dir).ok()?;
        let packed = Packed::open(&path(dir, place), MAGIC).ok()?;
        read_front(&packed, place).ok().map(|(_, rows, _)| rows)
    };
    count().unwrap_or(0)
}

/// Copies the snapshots up to a place. They are a cache: one that cannot be copied is done without.
pub(super) fn copy(from: &Path, to: &Path, at_most: Seq) {
    for place in places(from).unwrap_or_default().into_iter().filter(|place| *place <= at_most) {
        if fs::copy(path(from, place), path(to, place)).is_err() {
            let _ = fs::remove_file(path(to, place));
        }
    }
}

/// Forgets all snapshots.
pub(super) fn forget(dir: &Path) -> Result<(), StoreError> {
    folder::remove_folder(&dir.join(FOLDER))
}

fn read(path: &Path, place: Seq) -> Result<Snapshot, StoreError> {
    let packed = Packed::open(path, MAGIC)?;
    let odd = || packed.damaged("a snapshot");
    let (fold_version, count, state) = read_front(&packed, place)?;
    let (mut rows, mut end) = (Vec::new(), HEADER_BYTES);
    for (start, length, _) in read_index(&packed.needed(INDEX, V1)?).ok_or_else(odd)? {
        // One behind the other, so that no block is read, and held, more than once.
        if start != end || rows.len() as u64 > count {
            return Err(odd());
        }
        let block = packed.read(start, u64::from(length))?;
        rows.extend(read_block(&block).ok_or_else(odd)?);
        end += u64::from(length);
    }
    let is_whole = rows.len() as u64 == count && rows.is_sorted_by(|left, right| left.0 < right.0);
    is_whole.then_some(Snapshot { seq: place, frontier: state.frontier, fold_version, rows }).ok_or_else(odd)
}

/// Reads where the blocks are, and their first keys.
fn read_index(bytes: &[u8]) -> Option<Vec<(u64, u32, String)>> {
    let mut reader = Reader::new(bytes);
    let entries = (0..reader.u32()?).map(|_| {
        let (start, length, key) = (reader.u64()?, reader.u32()?, reader.u32()? as usize);
        Some((start, length, String::from_utf8(reader.take(key)?.to_vec()).ok()?))
    });
    entries.collect()
}

pub(super) fn read_block(bytes: &[u8]) -> Option<Vec<Row>> {
    let mut stored = Reader::new(summed(bytes)?);
    let length = stored.u32().filter(|length| *length <= BLOCK_BYTES_MAX)? as usize;
    let bytes = codec::decompress(stored.rest(), length)?;
    let (mut reader, mut rows) = (Reader::new(&bytes), Vec::new());
    while !reader.rest().is_empty() {
        let length = reader.u32()? as usize;
        let key = String::from_utf8(reader.take(length)?.to_vec()).ok()?;
        let length = reader.u32()? as usize;
        rows.push((key, reader.take(length)?.to_vec()));
    }
    Some(rows)
}

/// Returns the places, of rising ones, that can be missed: those without which the gap is still at most half as wide as it
/// lies back, and no wider than the widest.
fn superfluous(places: &[u64], gap_max: u64) -> Vec<u64> {
    let latest = places.last().copied().unwrap_or(0);
    let (mut superfluous, mut newer) = (Vec::new(), latest);
    for at in (1..places.len().saturating_sub(1)).rev() {
        match newer - places[at - 1] <= gap_max.min((latest - newer) / 2) {
            true => superfluous.push(places[at]),
            false => newer = places[at],
        }
    }
    superfluous
}

fn path(dir: &Path, place: Seq) -> PathBuf {
    dir.join(FOLDER).join(format!("{:020}.snap", place.number()))
}

fn places(dir: &Path) -> Result<Vec<Seq>, StoreError> {
    let names = folder::names(&dir.join(FOLDER))?;
    let place = |name: &String| name.strip_suffix(".snap")?.parse().ok().map(Seq::new);
    let mut places: Vec<Seq> = names.iter().filter_map(place).collect();
    places.sort_unstable();
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::superfluous;

    /// Keeps one after the other, each time forgetting those that can be missed.
    fn kept(count: u64, every: u64, gap_max: u64) -> Vec<u64> {
        let mut kept = Vec::new();
        for place in (1..=count).map(|number| number * every) {
            kept.push(place);
            let superfluous = superfluous(&kept, gap_max);
            kept.retain(|place| !superfluous.contains(place));
        }
        kept
    }

    #[test]
    fn small_ones_are_near_every_place_and_large_ones_are_few() {
        let gaps = |kept: &[u64]| kept.windows(2).map(|pair| pair[1] - pair[0]).max();
        let small = kept(1_000, 1_000, 8_192);
        assert_eq!(gaps(&small), Some(8_000));
        assert!((120..=140).contains(&small.len()), "{}", small.len());
        let large = kept(1_000, 1_000, 1_000_000);
        assert!((20..=30).contains(&large.len()), "{}", large.len());
    }
}
