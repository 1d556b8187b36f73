//! The rows that changed since the last snapshot, `log/rows`: with that snapshot they are the rows of the head. A cache: where
//! it does not lead from the snapshot to the very head, it does not count.
//!
//! ```text
//!  front: magic 8 │ version 4 │ place of the snapshot 8 │ root there 32 │ checksum of all before 4
//!  entry: length of the rows 4 │ (length of the key 4, key, whether there is a value 1, its length 4, value) a row
//!         │ place before 8 │ place after 8 │ root after 32 │ version of the fold 4 │ whether these are all rows 1
//!         │ length of the rows 4 │ checksum of all of these 4
//! ```
//!
//! An entry is what one append changed. It is written once the events are durable, and never synced. Its end says what it is,
//! so that who appends looks at the last one alone. A new file begins with each snapshot. Who asks while an entry is being
//! written passes over what is not whole.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::bytes::{Reader, Writer, summed};
use super::io_error;
use super::state::State;
use crate::model::{Algorithm, Digest, Seq};
use crate::store::{RowChanges, StoreError};

const NAME: &str = "rows";
const MAGIC: &[u8; 8] = b"phaserow";
const VERSION: u32 = 1;
const FRONT_BYTES: usize = 8 + 4 + 8 + 32 + 4;
const END_BYTES: usize = 8 + 8 + 32 + 4 + 1 + 4 + 4;
/// The most bytes of rows in an entry: where more change, a snapshot is taken instead.
pub(super) const ENTRY_BYTES_MAX: usize = 4 << 20;
/// A snapshot is due once the file has so many bytes: who asks reads all of it.
pub(super) const BYTES_FULL: u64 = 8 << 20;

/// Rows that changed: those that are gone have no value.
pub(super) type Changed = BTreeMap<String, Option<Vec<u8>>>;

/// The file as it is appended to.
#[derive(Debug)]
pub(super) struct SinceFile {
    file: File,
    path: PathBuf,
    pub(super) bytes: u64,
}

/// What the end of an entry says.
#[derive(Debug)]
struct End {
    before: Seq,
    after: (Seq, Digest),
    fold_version: u32,
    replace: bool,
    rows_bytes: usize,
}

impl SinceFile {
    /// Begins a file behind a snapshot.
    pub(super) fn begin(dir: &Path, snapshot: &State) -> Result<Self, StoreError> {
        let (path, aside) = (dir.join(NAME), dir.join("rows.new"));
        let mut front = Writer::default();
        front.bytes(MAGIC);
        front.bytes(&VERSION.to_le_bytes());
        front.u64(snapshot.seq().number());
        front.bytes(snapshot.root().bytes());
        front.checksum();
        let file = File::create(&aside).map_err(io_error("create", &aside))?;
        file.write_all_at(&front.finish(), 0).map_err(io_error("write", &aside))?;
        fs::rename(&aside, &path).map_err(io_error("replace", &path))?;
        Ok(SinceFile { file, path, bytes: FRONT_BYTES as u64 })
    }

    /// Begins the file of a log that has no event yet.
    pub(super) fn begin_log(dir: &Path, state: &State) -> Option<Self> {
        (state.seq() == Seq::ZERO).then(|| SinceFile::begin(dir, state).ok()).flatten()
    }

    /// Opens the file of a log that stands so; none where it leads elsewhere.
    pub(super) fn open(dir: &Path, state: &State) -> Option<Self> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).write(true).open(&path).ok()?;
        let bytes = file.metadata().ok()?.len();
        let Last { place, root, .. } = last_of(&file, bytes)?;
        ((place, root) == (state.seq(), state.root())).then_some(SinceFile { file, path, bytes })
    }

    /// Adds what an append changed that led to a state. Where that fails the file counts no longer.
    pub(super) fn add(&mut self, before: Seq, state: &State, rows: &RowChanges) -> Result<(), StoreError> {
        let (mut entry, rows_bytes) = (Writer::default(), rows_bytes(rows));
        entry.u32(rows_bytes);
        for (key, value) in &rows.rows {
            entry.u32(key.len());
            entry.bytes(key.as_bytes());
            entry.u8(u8::from(value.is_some()));
            entry.u32(value.as_ref().map_or(0, Vec::len));
            entry.bytes(value.as_deref().unwrap_or_default());
        }
        entry.u64(before.number());
        entry.u64(state.seq().number());
        entry.bytes(state.root().bytes());
        entry.bytes(&rows.fold_version.to_le_bytes());
        entry.u8(u8::from(rows.replace));
        entry.u32(rows_bytes);
        entry.checksum();
        let entry = entry.finish();
        self.file.write_all_at(&entry, self.bytes).map_err(io_error("write", &self.path))?;
        self.bytes += entry.len() as u64;
        Ok(())
    }
}

/// Where a file leads to.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) place: Seq,
    root: Digest,
    /// The version of the fold whose rows changed last; none where nothing changed since the snapshot.
    pub(super) fold_version: Option<u32>,
}

/// Returns where the file leads to; none where its last entry is not as it was written. A log that ends before that place has
/// lost events, for they were durable when the file was written.
pub(super) fn last(dir: &Path) -> Option<Last> {
    let file = File::open(dir.join(NAME)).ok()?;
    let bytes = file.metadata().ok()?.len();
    last_of(&file, bytes)
}

fn last_of(file: &File, bytes: u64) -> Option<Last> {
    let at = |start: u64, length: usize| {
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, start).ok().map(|()| bytes)
    };
    if bytes == FRONT_BYTES as u64 {
        let (place, root) = read_front(&at(0, FRONT_BYTES)?)?;
        return Some(Last { place, root, fold_version: None });
    }
    let end = read_end(&at(bytes.checked_sub(END_BYTES as u64)?, END_BYTES)?)?;
    let length = end.rows_bytes.checked_add(4 + END_BYTES)?;
    let start = bytes.checked_sub(length as u64)?;
    let End { after: (place, root), fold_version, .. } = next_entry(&mut at(start, length)?.as_slice())?.1;
    Some(Last { place, root, fold_version: Some(fold_version) })
}

/// Forgets the file.
pub(super) fn forget(dir: &Path) {
    let _ = fs::remove_file(dir.join(NAME));
}

/// Returns how many bytes the rows of an append have, in an entry.
pub(super) fn rows_bytes(rows: &RowChanges) -> usize {
    rows.rows.iter().map(|(key, value)| 9 + key.len() + value.as_ref().map_or(0, Vec::len)).sum()
}

/// What leads from a snapshot to a state.
#[derive(Debug)]
pub(super) struct Since {
    /// The snapshot's place and root; none where it does not matter, for all rows are here.
    pub(super) snapshot: Option<(Seq, Digest)>,
    pub(super) changed: Changed,
    /// The version of the fold that changed them; none where nothing changed.
    pub(super) fold_version: Option<u32>,
}

/// Reads what leads to a state; none where the file leads elsewhere.
pub(super) fn read(dir: &Path, state: &State) -> Option<Since> {
    let bytes = fs::read(dir.join(NAME)).ok()?;
    let (front, mut entries) = bytes.split_at_checked(FRONT_BYTES)?;
    let begin = read_front(front)?;
    let mut since = Since { snapshot: Some(begin), changed: Changed::new(), fold_version: None };
    let mut at = begin;
    while let Some((rows, end)) = next_entry(&mut entries).filter(|(_, end)| end.after.0 <= state.seq()) {
        if end.before != at.0 || !since.take(rows, &end)? {
            return None;
        }
        at = end.after;
    }
    (at == (state.seq(), state.root())).then_some(since)
}

impl Since {
    /// Takes the rows of an entry. Says whether they are of one fold with those before.
    fn take(&mut self, mut rows: Reader<'_>, end: &End) -> Option<bool> {
        if end.replace {
            *self = Since { snapshot: None, changed: Changed::new(), fold_version: None };
        }
        while !rows.rest().is_empty() {
            let length = rows.u32()? as usize;
            let key = String::from_utf8(rows.take(length)?.to_vec()).ok()?;
            let is_there = rows.u8()? == 1;
            let length = rows.u32()? as usize;
            let value = rows.take(length)?;
            self.changed.insert(key, is_there.then(|| value.to_vec()));
        }
        Some(*self.fold_version.get_or_insert(end.fold_version) == end.fold_version)
    }
}

fn read_front(bytes: &[u8]) -> Option<(Seq, Digest)> {
    let mut reader = Reader::new(summed(bytes)?);
    let is_one = reader.take(8)? == MAGIC && reader.u32()? == VERSION;
    is_one.then_some((Seq::new(reader.u64()?), Digest::new(Algorithm::Sha256, reader.array()?)))
}

fn read_end(bytes: &[u8]) -> Option<End> {
    let mut reader = Reader::new(bytes);
    Some(End {
        before: Seq::new(reader.u64()?),
        after: (Seq::new(reader.u64()?), Digest::new(Algorithm::Sha256, reader.array()?)),
        fold_version: reader.u32()?,
        replace: reader.u8()? == 1,
        rows_bytes: reader.u32()? as usize,
    })
}

/// Takes an entry from the front of some bytes: its rows, and its end. None where it is not as it was written.
fn next_entry<'a>(bytes: &mut &'a [u8]) -> Option<(Reader<'a>, End)> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    let (entry, rest) = bytes.split_at_checked(length.checked_add(4 + END_BYTES)?)?;
    let (rows, end) = summed(entry)?[4..].split_at_checked(length)?;
    let end = read_end(end).filter(|end| end.rows_bytes == length)?;
    *bytes = rest;
    Some((Reader::new(rows), end))
}

/// Puts what changed in place of what was there, in order.
pub(super) fn merged<'a>(
    kept: Vec<(String, Vec<u8>)>,
    changed: impl Iterator<Item = (&'a String, &'a Option<Vec<u8>>)>,
) -> Vec<(String, Vec<u8>)> {
    let (mut changed, mut rows) = (changed.peekable(), Vec::with_capacity(kept.len()));
    let put = |rows: &mut Vec<_>, (key, value): (&String, &Option<Vec<u8>>)| {
        rows.extend(value.as_ref().map(|value| (key.clone(), value.clone())));
    };
    for (key, value) in kept {
        while let Some(before) = changed.next_if(|(of, _)| **of < key) {
            put(&mut rows, before);
        }
        match changed.next_if(|(of, _)| **of == key) {
            Some(instead) => put(&mut rows, instead),
            None => rows.push((key, value)),
        }
    }
    changed.for_each(|rest| put(&mut rows, rest));
    rows
}
