//! The tail: sled's folder `work/`, where the last events and the rows of the head's table are at hand. A working log that is
//! made anew whenever it is not exactly as it was left: nothing depends on it.
//!
//! | key | value |
//! |---|---|
//! | `h` | the version of the fold whose rows are there, and where the log stood |
//! | `b` ‖ place of the first event | a frame as in the journal, a long one compressed |
//! | `r` ‖ key of the first row | a page of rows (see rows.rs) |
//!
//! An append changes them in one of sled's batches, once the journal has its events.
//!
//! sled opens the folder under a name of this process's own, as one that is temporary: then it syncs nothing that it
//! writes, and when it ends it removes what has that name. Whoever leaves the folder in good order gives it back its own
//! name first; after a crash there is none of that name, and it is made anew.

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::boundary::{Handle, guarded};
use super::bytes::{Reader, Writer};
use super::folder::{names, remove_folder};
use super::state::{FORMAT_VERSION, State};
use super::threads::Opener;
use super::view::View;
use super::{codec, damaged, frame, io_error, mark};
use crate::model::Seq;
use crate::store::{Entry, StoreError};

pub(super) const NAME: &str = "work";
const HEAD: &[u8] = b"h";
pub(super) const FRAME: u8 = b'b';
pub(super) const ROW: u8 = b'r';
/// sled fills the rest of a segment with zeroes at each open, and some open a whole one, so small ones write less; what is
/// larger than a quarter of one gets a file of its own, and a page of rows is not to be.
const SEGMENT_BYTES: usize = 32 << 10;
/// A database of more bytes is worn once events were archived, if it has no more pages of rows than that.
const WORN_BYTES: u64 = 256 << 10;
const WORN_PAGES_MAX: usize = 128;
/// The most bytes in one of sled's batches when many rows are written.
const BATCH_BYTES: usize = 1 << 20;
/// What sled may keep in memory.
const CACHE_BYTES: u64 = 64 << 20;
/// How long sled may take to open it: what is not there by then is done without.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// How long the threads of a database that was closed may still hold its file.
const CLOSING_MAX: Duration = Duration::from_secs(1);

/// A span of keys.
pub(super) type Span<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// A frame of more bytes is compressed: sled writes what is beside a value again and again.
const FRAME_BYTES_PLAIN: usize = 1 << 10;
/// No frame is longer: what fills the journal is in none.
const FRAME_BYTES_MAX: usize = 1 << 20;

/// Returns a frame as the value that it is here: its length, then the frame itself or, where that is shorter, compressed.
fn packed_frame(frame: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
    let compressed = if frame.len() > FRAME_BYTES_PLAIN { codec::compress(&frame)? } else { Vec::new() };
    let is_shorter = !compressed.is_empty() && compressed.len() < frame.len();
    Ok([&length[..], if is_shorter { &compressed } else { &frame }].concat())
}

/// Returns the frame that a value is; none for a value that is none.
pub(super) fn unpacked_frame(value: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = value.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    match rest.len() == length {
        true => Some(rest.to_vec()),
        false => codec::decompress(rest, length.min(FRAME_BYTES_MAX)),
    }
}

/// Values to write and keys to forget.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Changes {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.push((key, Some(value)));
    }

    pub(super) fn forget(&mut self, key: Vec<u8>) {
        self.0.push((key, None));
    }

    /// Puts the copy of some events: the root before them is in the journal.
    pub(super) fn put_frame(&mut self, first: Seq, entries: &[Entry]) -> Result<(), StoreError> {
        let frame = frame::write(first, &[0; 32], entries);
        self.put([&[FRAME][..], &first.number().to_be_bytes()].concat(), packed_frame(frame)?);
        Ok(())
    }
}

/// An open tail.
#[derive(Debug)]
pub(super) struct Tail {
    handle: Handle,
    dir: PathBuf,
    /// Where it is while it is open.
    path: PathBuf,
    /// Whether sled failed: it is not asked again.
    broken: Cell<bool>,
    /// The version of the fold whose rows are there; none when there are no rows that count.
    pub(super) fold_version: Option<u32>,
    /// Where the log stands that it has the end of.
    state: State,
    /// Whether events were archived while it was open.
    pub(super) has_archived: bool,
}

impl Tail {
    /// Opens the tail of a log, or makes it anew. None where sled does not answer: it is done without.
    pub(super) fn open(dir: &Path, view: &View, deadline: Instant) -> Result<Option<Self>, StoreError> {
        let state = &view.state;
        if SystemTime::now() < UNIX_EPOCH {
            return Err(StoreError::Clock);
        }
        // Before the folder is touched.
        let opener = Opener::wait(dir, deadline)?;
        remove_left(dir)?;
        let (kept, path) = (dir.join(NAME), dir.join(own_name()));
        if kept.is_dir() && mark::fits(dir, &kept, state) {
            fs::rename(&kept, &path).map_err(io_error("rename", &kept))?;
            match Tail::open_at(dir, &path, state, opener) {
                Ok(Some(tail)) if tail.check().unwrap_or(false) => return Ok(Some(tail)),
                Ok(None) => return Ok(None),
                Ok(Some(_)) | Err(_) => return Tail::make(dir, view, Opener::wait(dir, deadline)?),
            }
        }
        Tail::make(dir, view, opener)
    }

    /// Makes the tail anew, with the events that the journal has, and without rows. None where sled does not answer.
    pub(super) fn make(dir: &Path, view: &View, opener: Opener) -> Result<Option<Self>, StoreError> {
        remove_left(dir)?;
        remove_folder(&dir.join(NAME))?;
        let tail = Tail::open_at(dir, &dir.join(own_name()), &view.state, opener)?;
        let Some(mut tail) = tail else { return Ok(None) };
        if !view.entries.is_empty() {
            let mut changes = Changes::default();
            changes.put_frame(view.archived().plus(1), &view.entries)?;
            tail.apply(changes, &view.state, None)?;
        }
        Ok(Some(tail))
    }

    fn open_at(dir: &Path, path: &Path, state: &State, opener: Opener) -> Result<Option<Self>, StoreError> {
        let opened = opener.open(path, config(path).temporary(true), OPENING_MAX)?;
        let Some(handle) = opened else { return Ok(None) };
        let mut tail = Tail {
            handle,
            dir: dir.to_owned(),
            path: path.to_owned(),
            broken: Cell::new(false),
            fold_version: None,
            state: state.clone(),
            has_archived: false,
        };
        tail.fold_version = tail.head()?.and_then(|(fold_version, _)| fold_version);
        Ok(Some(tail))
    }

    /// Says whether it has the end of the log that it was opened for.
    fn check(&self) -> Result<bool, StoreError> {
        Ok(self.head()?.is_some_and(|(_, state)| state == self.state))
    }

    fn head(&self) -> Result<Option<(Option<u32>, State)>, StoreError> {
        Ok(self.value(HEAD)?.and_then(|value| read_head(&value)))
    }

    /// Returns a value.
    pub(super) fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.call("read", |db| db.get(key))?.map(|value| value.to_vec()))
    }

    /// Returns the first key of a span, and its value.
    pub(super) fn first(&self, span: Span<'_>) -> Result<Option<Pair>, StoreError> {
        let pair = self.call("read", |db| db.range::<&[u8], _>(span).next().transpose())?;
        Ok(pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    /// Returns the last key of a span, and its value.
    pub(super) fn last(&self, span: Span<'_>) -> Result<Option<Pair>, StoreError> {
        let pair = self.call("read", |db| db.range::<&[u8], _>(span).next_back().transpose())?;
        Ok(pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    /// Returns the first key of a span.
    pub(super) fn first_key(&self, span: Span<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let pair = self.call("read", |db| db.range::<&[u8], _>(span).next().transpose())?;
        Ok(pair.map(|(key, _)| key.to_vec()))
    }

    /// Returns the keys of a span.
    pub(super) fn keys(&self, span: Span<'_>) -> Result<Vec<Vec<u8>>, StoreError> {
        self.call("read", |db| {
            db.range::<&[u8], _>(span).keys().map(|key| key.map(|key| key.to_vec())).collect()
        })
    }

    /// Changes it, with its head: at once, unless that is too much for one of sled's batches. Then what a crash leaves is
    /// not given back its name.
    pub(super) fn apply(
        &mut self,
        mut changes: Changes,
        state: &State,
        fold_version: Option<u32>,
    ) -> Result<(), StoreError> {
        changes.put(HEAD.to_vec(), write_head(fold_version, state));
        let (mut batch, mut bytes) = (sled::Batch::default(), 0);
        for (key, value) in changes.0 {
            bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
            if bytes >= BATCH_BYTES {
                bytes = 0;
                let full = std::mem::take(&mut batch);
                self.call("write", |db| db.apply_batch(full))?;
            }
        }
        self.call("write", |db| db.apply_batch(batch))?;
        (self.state, self.fold_version) = (state.clone(), fold_version);
        Ok(())
    }

    /// Says whether the next process rather makes it anew than opens it: archiving has emptied many of sled's segments, each
    /// of which sled fills with zeroes at some later open, and few rows are to be made anew.
    fn is_worn(&self) -> bool {
        let bytes = || fs::metadata(self.path.join("db")).map_or(0, |db| db.len());
        let rows = (Bound::Included(&[ROW][..]), Bound::Excluded(&[ROW + 1][..]));
        let pages = || self.keys(rows).map_or(usize::MAX, |keys| keys.len());
        self.has_archived && bytes() > WORN_BYTES && pages() <= WORN_PAGES_MAX
    }

    /// Calls sled; once it has failed, never again.
    fn call<T>(
        &self,
        action: &'static str,
        call: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, StoreError> {
        match self.handle.db() {
            Some(db) if !self.broken.get() => {
                let result = guarded(&self.path, action, || call(db));
                self.broken.set(result.is_err());
                result
            }
            _ => Err(damaged(format!("`{}` could not be used a moment ago", self.path.display()))),
        }
    }
}

impl Drop for Tail {
    /// Leaves the folder under its own name, with a mark, where all of it was written.
    fn drop(&mut self) {
        let kept = self.dir.join(NAME);
        let is_whole =
            !self.is_worn() && self.call("write", |db| db.flush()).is_ok() && self.check().unwrap_or(false);
        // Before sled ends, for then it removes what has the name that it knows.
        let is_left = is_whole && fs::rename(&self.path, &kept).is_ok();
        match self.broken.get() {
            true => self.handle.abandon(),
            false => self.handle.close(),
        }
        if is_left && wait_closed(&kept) {
            mark::leave(&self.dir, &kept, &self.state);
        } else {
            let _ = remove_folder(&self.path);
        }
    }
}

/// Returns how sled opens the folder.
pub(super) fn config(path: &Path) -> sled::Config {
    let config = sled::Config::new().path(path).flush_every_ms(None).cache_capacity(CACHE_BYTES);
    config.segment_size(SEGMENT_BYTES)
}

/// Removes what processes that were killed had open. The lock is held.
fn remove_left(dir: &Path) -> Result<(), StoreError> {
    for name in names(dir)?.iter().filter(|name| is_left(name)) {
        if dir.join(name).is_dir() {
            remove_folder(&dir.join(name))?;
        }
    }
    Ok(())
}

/// Says whether a folder of that name is one that a process had open.
pub(super) fn is_left(name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|rest| rest.starts_with('.'))
}

/// Returns a name that no other store has, of this process or of another.
fn own_name() -> String {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    format!("{NAME}.{}.{}", std::process::id(), OPENED.fetch_add(1, Ordering::Relaxed))
}

/// Waits until sled has let go of its file, for its threads hold it a little longer.
fn wait_closed(path: &Path) -> bool {
    let Ok(db) = File::open(path.join("db")) else { return false };
    let deadline = Instant::now() + CLOSING_MAX;
    loop {
        match db.try_lock() {
            Ok(()) => return db.unlock().is_ok(),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_micros(100));
            }
            Err(_) => return false,
        }
    }
}

fn write_head(fold_version: Option<u32>, state: &State) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(&FORMAT_VERSION.to_le_bytes());
    writer.u8(u8::from(fold_version.is_some()));
    writer.bytes(&fold_version.unwrap_or(0).to_le_bytes());
    state.write(&mut writer);
    writer.finish()
}

fn read_head(bytes: &[u8]) -> Option<(Option<u32>, State)> {
    let mut reader = Reader::new(bytes);
    let (format, has_rows, fold_version) = (reader.u32()?, reader.u8()? == 1, reader.u32()?);
    let state = State::read(&mut reader)?;
    (format == FORMAT_VERSION).then_some((has_rows.then_some(fold_version), state))
}
