//! The tail: sled's folder `work/`, a log of the events that the journal has. It is made anew whenever it is not exactly as it
//! was left: nothing depends on it.
//!
//! | key | value |
//! |---|---|
//! | `h` | where the log stood behind the last event that is there |
//! | `b` ‖ place of the first event | a frame as in the journal, a long one compressed |
//!
//! sled opens the folder under a name of this process's own, as one that is temporary: then it syncs nothing that it
//! writes, and when it ends it removes what has that name. Whoever leaves the folder in good order gives it back its own
//! name first; after a crash there is none of that name, and it is made anew.

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::boundary::{Handle, guarded};
use super::bytes::Writer;
use super::folder::{names, remove_folder};
use super::state::{FORMAT_VERSION, State};
use super::threads::Opener;
use super::{codec, damaged, frame, io_error, mark};
use crate::model::Seq;
use crate::store::{Entry, StoreError};

pub(super) const NAME: &str = "work";
const HEAD: &[u8] = b"h";
pub(super) const FRAME: u8 = b'b';
/// sled fills the rest of a segment with zeroes at each open, and some open a whole one, so small ones write less.
const SEGMENT_BYTES: usize = 32 << 10;
/// What sled may keep in memory.
const CACHE_BYTES: u64 = 64 << 20;
/// How long sled may take to open it: what is not there by then is done without.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// How long the threads of a database that was closed may still hold its file.
const CLOSING_MAX: Duration = Duration::from_secs(1);

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

/// An open tail.
#[derive(Debug)]
pub(super) struct Tail {
    handle: Handle,
    dir: PathBuf,
    /// Where it is while it is open.
    path: PathBuf,
    /// Whether sled failed: it is not asked again.
    broken: Cell<bool>,
    /// Where the log stood behind the last event that it has.
    state: State,
}

impl Tail {
    /// Opens the tail as it was left somewhere in the journal, or makes it anew; the journal begins at a front. None where
    /// sled does not answer: it is done without.
    pub(super) fn open(
        dir: &Path,
        front: &State,
        entries: &[Entry],
        deadline: Instant,
    ) -> Result<Option<Self>, StoreError> {
        let (kept, path) = (dir.join(NAME), dir.join(own_name()));
        let state = state_at(front, entries, mark::seen(dir));
        let Some(state) = state.filter(|state| kept.is_dir() && mark::fits(dir, &kept, state)) else {
            return Tail::make(dir, front, deadline);
        };
        // Before the folder is touched.
        let opener = Opener::wait(dir, deadline)?;
        remove_left(dir)?;
        fs::rename(&kept, &path).map_err(io_error("rename", &kept))?;
        match Tail::open_at(dir, &path, &state, opener) {
            Ok(Some(tail)) if tail.check().unwrap_or(false) => Ok(Some(tail)),
            Ok(None) => Ok(None),
            Ok(Some(_)) | Err(_) => Tail::make(dir, front, deadline),
        }
    }

    /// Makes the tail anew, with no event, for a journal that begins at a front. None where sled does not answer.
    pub(super) fn make(dir: &Path, front: &State, deadline: Instant) -> Result<Option<Self>, StoreError> {
        // sled panics at such a time.
        if SystemTime::now() < UNIX_EPOCH {
            return Err(StoreError::Clock);
        }
        let opener = Opener::wait(dir, deadline)?;
        remove_left(dir)?;
        remove_folder(&dir.join(NAME))?;
        Tail::open_at(dir, &dir.join(own_name()), front, opener)
    }

    fn open_at(dir: &Path, path: &Path, state: &State, opener: Opener) -> Result<Option<Self>, StoreError> {
        let opened = opener.open(path, config(path).temporary(true), OPENING_MAX)?;
        let Some(handle) = opened else { return Ok(None) };
        let (dir, path, state) = (dir.to_owned(), path.to_owned(), state.clone());
        Ok(Some(Tail { handle, dir, path, broken: Cell::new(false), state }))
    }

    /// Returns the place of the last event that it has.
    pub(super) fn seq(&self) -> Seq {
        self.state.seq()
    }

    /// Says whether it has what its mark says.
    fn check(&self) -> Result<bool, StoreError> {
        let head = self.call("read", |db| db.get(HEAD))?;
        Ok(head.is_some_and(|head| head.as_ref() == write_head(&self.state)))
    }

    /// Adds, at once, what it has not yet of the events of a journal that begins at a front.
    pub(super) fn add(&mut self, front: &State, entries: &[Entry], state: &State) -> Result<(), StoreError> {
        let known = self.state.seq().number().saturating_sub(front.seq().number());
        let rest = entries.get(usize::try_from(known).unwrap_or(usize::MAX)..).unwrap_or_default();
        let mut batch = sled::Batch::default();
        if !rest.is_empty() {
            let first = self.state.seq().plus(1);
            // The root before them is in the journal.
            let frame = packed_frame(frame::write(first, &[0; 32], rest))?;
            batch.insert([&[FRAME][..], &first.number().to_be_bytes()].concat(), frame);
        }
        batch.insert(HEAD, write_head(state));
        self.call("write", |db| db.apply_batch(batch))?;
        self.state = state.clone();
        Ok(())
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
        let is_whole = self.call("write", |db| db.flush()).is_ok() && self.check().unwrap_or(false);
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

/// Returns where the log stood at a place of the journal; none where it was not there yet, or has gone on.
fn state_at(front: &State, entries: &[Entry], place: Seq) -> Option<State> {
    let count = place.number().checked_sub(front.seq().number())?;
    Some(front.after(entries.get(..usize::try_from(count).ok()?)?))
}

fn write_head(state: &State) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(&FORMAT_VERSION.to_le_bytes());
    state.write(&mut writer);
    writer.finish()
}
