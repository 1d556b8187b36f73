//! One sled database: values of any size, each with a checksum, behind a panic boundary.
//!
//! ```text
//!  key ──────────────▶ checksum │ length │ first bytes
//!  0xFF ‖ key ‖ 1 ───▶ the next bytes …
//! ```
//!
//! sled keeps up to 17 values in a node, and moves a node larger than 128 KiB to a file of its own, which a
//! power cut can tear off. So no value given to sled is longer than [`PART_BYTES`].
//!
//! sled's `flush` hands its log to the system without making it durable, and sled then builds on it: each of
//! its segments says how far the log before it is whole, and one that is opened with less than that is emptied
//! from its snapshot on, what was durable included. So every batch is followed by `fdatasync`, before another
//! one can begin a segment that speaks of it.

mod opening;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(super) use opening::hold;

use super::boundary::{Handle, caught};
use super::shield::Image;
use super::{damaged, io_error};
use crate::store::StoreError;

/// The most bytes in one of sled's values.
const PART_BYTES: usize = 6 << 10;
/// The checksum and the length in front of the first bytes.
const HEADER_BYTES: usize = 8;
/// Where the further parts of values are; no key begins with it.
const FURTHER: u8 = 0xFF;
/// The most bytes in one of sled's batches when many are written. A batch holds back sled's log until it is
/// complete.
const STAGE_BYTES: usize = 256 << 10;
/// When more was written, sled's snapshot is brought up to it as the database is closed.
const SETTLED_BYTES: usize = 128 << 10;
/// What sled may keep in memory.
pub(super) const CACHE_BYTES: u64 = 64 << 20;

/// A span of keys.
pub(super) type Span<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// A key and its new value; none to forget it.
type Change = (Vec<u8>, Option<Vec<u8>>);

/// Values to write and keys to forget.
#[derive(Debug, Default)]
pub(super) struct Changes {
    changes: Vec<Change>,
    bytes: usize,
}

impl Changes {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.changes.push((key, Some(value)));
    }

    pub(super) fn forget(&mut self, key: Vec<u8>) {
        self.bytes += key.len();
        self.changes.push((key, None));
    }

    /// Says whether they are few enough to be written at once, together or not at all.
    pub(super) fn fits_a_batch(&self) -> bool {
        self.bytes <= STAGE_BYTES
    }

    pub(super) fn extend(&mut self, other: Changes) {
        self.bytes += other.bytes;
        self.changes.extend(other.changes);
    }
}

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    handle: Handle,
    log: File,
    path: PathBuf,
    broken: Cell<bool>,
    /// What its files were, until something is written.
    image: RefCell<Option<Image>>,
    /// Whether something was found that is not what was written.
    is_damaged: Cell<bool>,
    /// Whether sled may have passed over something that it could not read.
    pub(super) is_doubtful: bool,
    /// How many bytes were given to sled since it was opened.
    written: Cell<usize>,
}

impl Database {
    /// Puts a database together of what sled has opened and its log file.
    pub(super) fn new(handle: Handle, log: File, path: &Path) -> Self {
        let (broken, is_damaged) = (Cell::new(false), Cell::new(false));
        Database {
            handle,
            log,
            path: path.to_owned(),
            broken,
            image: RefCell::new(None),
            is_damaged,
            is_doubtful: false,
            written: Cell::new(0),
        }
    }

    /// Keeps what its files were before it was opened, to put them back where damage is found later.
    pub(super) fn keep(&self, image: Image) {
        self.image.replace(Some(image));
    }

    /// Closes the database and opens it again, as [`Database::open`].
    pub(super) fn reopen(
        &mut self,
        check: impl Fn(&Database) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.handle.close();
        self.written.set(0);
        *self = Database::open(&self.path, Instant::now(), check)?;
        Ok(())
    }

    /// Reads the values of a span, and checks them.
    pub(super) fn check(&self, span: Span<'_>) -> Result<(), StoreError> {
        let (start, end) = span;
        let mut next = self.first((start, end))?;
        while let Some((key, _)) = next {
            next = self.first((Bound::Excluded(&key), end))?;
        }
        Ok(())
    }

    /// Lets what its files were before go, so that they stay as sled has made them.
    pub(super) fn trust(&self) {
        self.image.take();
    }

    /// Reads every page: what sled has lost of them is noticed. Whether values are whole is left to whoever reads them,
    /// for some may be half written: those that nothing refers to yet.
    pub(super) fn read_every_page(&self) -> Result<(), StoreError> {
        self.call("read", |db| db.iter().try_for_each(|pair| pair.map(drop)))
    }

    /// Returns a value.
    pub(super) fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.call("read", |db| db.get(key))? {
            Some(first) => self.whole(key, &first).map(Some),
            None => Ok(None),
        }
    }

    /// Returns the first key of a span, and its value.
    pub(super) fn first(&self, span: Span<'_>) -> Result<Option<Pair>, StoreError> {
        self.found(self.call("read", |db| db.range::<&[u8], _>(span).next().transpose())?)
    }

    /// Returns the last key of a span, and its value.
    pub(super) fn last(&self, span: Span<'_>) -> Result<Option<Pair>, StoreError> {
        self.found(self.call("read", |db| db.range::<&[u8], _>(span).next_back().transpose())?)
    }

    /// Returns the first key of a span.
    pub(super) fn first_key(&self, span: Span<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let pair = self.call("read", |db| db.range::<&[u8], _>(span).next().transpose())?;
        Ok(pair.map(|(key, _)| key.to_vec()))
    }

    /// Returns the last key of a span.
    pub(super) fn last_key(&self, span: Span<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let pair = self.call("read", |db| db.range::<&[u8], _>(span).next_back().transpose())?;
        Ok(pair.map(|(key, _)| key.to_vec()))
    }

    /// Returns the keys of a span.
    pub(super) fn keys(&self, span: Span<'_>) -> Result<Vec<Vec<u8>>, StoreError> {
        self.call("read", |db| {
            db.range::<&[u8], _>(span).keys().map(|key| key.map(|key| key.to_vec())).collect()
        })
    }

    /// Writes changes together or not at all, with everything staged before, and makes all of it durable.
    pub(super) fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in self.parts(changes)? {
            put(&mut batch, key, value);
        }
        self.written.set(self.written.get() + changes.bytes);
        self.write(batch)
    }

    /// Writes changes piece by piece, in order, each durably: a crash leaves the first of them. Only for what
    /// nothing refers to before a later [`Database::commit`].
    pub(super) fn stage(&self, changes: &Changes) -> Result<(), StoreError> {
        let (mut batch, mut bytes) = (sled::Batch::default(), 0);
        self.written.set(self.written.get() + changes.bytes);
        for (key, value) in self.parts(changes)? {
            bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            put(&mut batch, key, value);
            if bytes >= STAGE_BYTES {
                bytes = 0;
                self.write(std::mem::take(&mut batch))?;
            }
        }
        self.write(batch)
    }

    /// Writes a batch and makes it durable, before there is another: sled takes it for durable from then on.
    fn write(&self, batch: sled::Batch) -> Result<(), StoreError> {
        self.image.take();
        self.call("write", |db| {
            db.apply_batch(batch)?;
            db.flush()
        })?;
        self.make_durable()
    }

    /// Makes durable what was read or written.
    pub(super) fn make_durable(&self) -> Result<(), StoreError> {
        self.log.sync_data().map_err(io_error("make durable", &self.path))
    }

    /// Cuts values into parts; those of a value that was longer are forgotten. The first part comes last, for
    /// a value is there when its first part is.
    fn parts(&self, changes: &Changes) -> Result<Vec<Change>, StoreError> {
        let mut parts = Vec::with_capacity(changes.changes.len());
        for (key, value) in &changes.changes {
            let old = match self.call("read", |db| db.get(key))? {
                Some(first) => count_of_parts(self.length(key, &first)?),
                None => 0,
            };
            let new = value.as_ref().map_or(0, |value| count_of_parts(value.len()));
            for part in 1..old.max(new) {
                let bytes = value.as_ref().filter(|_| part < new).map(|value| part_of(value, part).to_vec());
                parts.push((further(key, part), bytes));
            }
            let first = value.as_ref().map(|value| {
                let length = u32::try_from(value.len()).expect("limits keep values below 4 GiB");
                let mut first = checksum(key, value).to_le_bytes().to_vec();
                first.extend(length.to_le_bytes());
                first.extend(part_of(value, 0));
                first
            });
            parts.push((key.clone(), first));
        }
        Ok(parts)
    }

    fn found(&self, pair: Option<(sled::IVec, sled::IVec)>) -> Result<Option<Pair>, StoreError> {
        match pair {
            Some((key, first)) => Ok(Some((key.to_vec(), self.whole(&key, &first)?))),
            None => Ok(None),
        }
    }

    fn length(&self, key: &[u8], first: &[u8]) -> Result<usize, StoreError> {
        match first.get(4..HEADER_BYTES) {
            Some(&[a, b, c, d]) => Ok(u32::from_le_bytes([a, b, c, d]) as usize),
            _ => Err(self.bad_value(key)),
        }
    }

    /// Puts a value together again and checks it.
    fn whole(&self, key: &[u8], first: &[u8]) -> Result<Vec<u8>, StoreError> {
        let length = self.length(key, first)?;
        let mut value = first[HEADER_BYTES..].to_vec();
        for part in 1..count_of_parts(length) {
            match self.call("read", |db| db.get(further(key, part)))? {
                Some(bytes) => value.extend_from_slice(&bytes),
                None => return Err(self.bad_value(key)),
            }
        }
        match value.len() == length && first[..4] == checksum(key, &value).to_le_bytes() {
            true => Ok(value),
            false => Err(self.bad_value(key)),
        }
    }

    fn bad_value(&self, key: &[u8]) -> StoreError {
        let key = key.escape_ascii();
        self.damaged(format!("the value `{key}` in `{}` does not match its checksum", self.path.display()))
    }

    /// Says that something in it is not what was written.
    pub(super) fn damaged(&self, found: String) -> StoreError {
        self.is_damaged.set(true);
        damaged(found)
    }

    /// Calls sled; once it has panicked, never again.
    fn call<T>(
        &self,
        action: &'static str,
        call: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, StoreError> {
        match self.handle.db() {
            Some(db) if !self.broken.get() => {
                let result = guarded(&self.path, action, || call(db));
                self.broken.set(matches!(result, Err(StoreError::Damaged { .. })));
                self.is_damaged.set(self.is_damaged.get() || self.broken.get());
                result
            }
            _ => Err(damaged(format!("`{}` could not be used a moment ago", self.path.display()))),
        }
    }
}

impl Drop for Database {
    /// Where damage was found, or may have been passed over, and nothing was written, the files are what they were:
    /// sled may have emptied some of them, and notes what it could read as if it were all.
    fn drop(&mut self) {
        self.handle.close();
        match self.image.take() {
            Some(image) if self.is_damaged.get() || self.is_doubtful => {
                // Nobody is left to tell; the next one who opens it is told of the damage itself.
                let _ = opening::put_back(&self.path, &image);
            }
            None if self.written.get() >= SETTLED_BYTES => opening::settle(&self.path),
            _ => {}
        }
    }
}

fn put(batch: &mut sled::Batch, key: Vec<u8>, value: Option<Vec<u8>>) {
    match value {
        Some(value) => batch.insert(key, value),
        None => batch.remove(key),
    }
}

fn count_of_parts(length: usize) -> usize {
    length.div_ceil(PART_BYTES).max(1)
}

fn part_of(value: &[u8], part: usize) -> &[u8] {
    let start = part * PART_BYTES;
    &value[start..value.len().min(start + PART_BYTES)]
}

/// Returns the key of a value's further part. The number has a fixed width, so no two are the same.
fn further(key: &[u8], part: usize) -> Vec<u8> {
    let part = u32::try_from(part).expect("limits keep values below 4 GiB");
    [&[FURTHER], key, &part.to_be_bytes()].concat()
}

/// The key is part of it, so that a value found in the wrong place is noticed.
fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

/// Calls sled behind the panic boundary.
pub(super) fn guarded<T>(
    path: &Path,
    action: &'static str,
    call: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StoreError> {
    match caught(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) => Err(io_error(action, path)(error)),
        Ok(Err(error)) => Err(damaged(format!("sled cannot {action} `{}`: {error}", path.display()))),
        Err(message) => Err(match system_error(&message) {
            Some(error) => io_error(action, path)(error),
            None => damaged(format!("sled cannot {action} `{}`: {message}", path.display())),
        }),
    }
}

/// Finds the system's error in a panic that was an unwrapped one.
fn system_error(message: &str) -> Option<std::io::Error> {
    let (_, rest) = message.split_once("Os { code: ")?;
    let (code, _) = rest.split_once(',')?;
    code.parse().ok().map(std::io::Error::from_raw_os_error)
}
