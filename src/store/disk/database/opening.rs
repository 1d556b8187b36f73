//! How a database is made, and how one that is there is opened: behind a shield, for sled destroys what it
//! cannot read.
//!
//! ```text
//!  read all of it ──────────▶ sled opens ──────────▶ the caller's check ──▶ a database
//!        │ an error of the system  │ refused              │ ends too early
//!        ▼                         └──────────┬───────────┘
//!  nothing was touched                        ▼
//!                     every byte is put back, and then it is said
//! ```

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{CACHE_BYTES, Changes, Database, guarded};
use crate::store::StoreError;
use crate::store::disk::boundary::Handle;
use crate::store::disk::folder::{remove_folder, remove_named, sync};
use crate::store::disk::shield::Image;
use crate::store::disk::{io_error, threads};

/// The bytes of one of sled's segments, unless a database is made with others.
const SEGMENT_BYTES: u64 = 512 << 10;
/// How long the threads of a database that was closed may still hold its file.
const CLOSING_MAX: Duration = Duration::from_secs(1);
/// How long they are waited for before the files are put back.
const WORKING_MAX: Duration = Duration::from_secs(10);

impl Database {
    /// Makes a database, durably, with some values in it. It is made aside, so that one that has its name is
    /// complete.
    pub(in crate::store::disk) fn create(path: &Path, changes: &Changes) -> Result<(), StoreError> {
        let aside = path.with_extension("new");
        remove_folder(&aside)?;
        fs::create_dir(&aside).map_err(io_error("create", &aside))?;
        let database = Database::open(&aside, Instant::now(), |_| Ok(()))?;
        database.commit(changes)?;
        drop(database);
        for entry in fs::read_dir(&aside).map_err(io_error("read", &aside))? {
            sync(&entry.map_err(io_error("read", &aside))?.path())?;
        }
        sync(&aside)?;
        fs::rename(&aside, path).map_err(io_error("create", path))?;
        sync(path.parent().unwrap_or(path))
    }

    /// Opens a database that was made before. Where it cannot be opened, or `check` finds less than was once
    /// durable, its files are what they were.
    pub(in crate::store::disk) fn open(
        path: &Path,
        deadline: Instant,
        check: impl Fn(&Database) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        if SystemTime::now() < UNIX_EPOCH {
            return Err(StoreError::Clock);
        }
        threads::wait(path, deadline)?;
        drop(hold(path, deadline + CLOSING_MAX)?);
        let image = Image::take(path)?;
        let opened = Self::open_bare(path).and_then(|mut database| {
            database.is_doubtful = has_crossed_segments(path, &image)?;
            check(&database).map(|()| database)
        });
        match opened {
            Ok(database) => {
                database.keep(image);
                Ok(database)
            }
            Err(error) => put_back(path, &image).and(Err(error)),
        }
    }

    /// Opens a database unprotected.
    fn open_bare(path: &Path) -> Result<Self, StoreError> {
        // Half-written snapshots would keep sled from opening.
        remove_named(path, |name| name.ends_with(".generating"))?;
        sync_log(path)?;
        let open = || {
            let config = sled::Config::new().path(path).flush_every_ms(None).cache_capacity(CACHE_BYTES);
            config.open().map(Handle::new)
        };
        let handle = guarded(path, "open", open)?;
        threads::started();
        let file = path.join("db");
        let log = File::open(&file).map_err(io_error("open", &file))?;
        let database = Database::new(handle, log, path);
        // sled renames its snapshot without making the name durable, and then reuses space that an older one
        // still refers to: without this, a power cut can leave the older one.
        sync(path)?;
        Ok(database)
    }
}

/// Says whether sled read its log across the border of two segments. In a segment that is not the last one it passes
/// over all that follows something unreadable, goes on with the next one, and notes what it found in a new snapshot:
/// what it passed over is lost then, even if it can be read again later.
fn has_crossed_segments(path: &Path, image: &Image) -> Result<bool, StoreError> {
    let before = image.names().filter_map(snapshot_lsn).max();
    let mut now = None;
    for entry in fs::read_dir(path).map_err(io_error("read", path))? {
        let entry = entry.map_err(io_error("read", path))?;
        now = now.max(snapshot_lsn(&entry.file_name().to_string_lossy()));
    }
    let segment = |lsn: Option<u64>| lsn.unwrap_or(0) / SEGMENT_BYTES;
    Ok(segment(before) != segment(now))
}

/// Returns up to where sled's log is read in a snapshot of that name.
fn snapshot_lsn(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_prefix("snap.")?, 16).ok()
}

/// Opens and closes a database that was written to a moment ago, so that sled notes in a snapshot where everything is.
/// What it has noted it finds damaged when it reads it; what it has not, it may pass over.
pub(super) fn settle(path: &Path) {
    // Where it cannot be opened, whoever opens it next is told why.
    if let Ok(database) = Database::open(path, Instant::now(), |_| Ok(())) {
        database.trust();
    }
}

/// Makes the files of a database that is closed what they were.
pub(super) fn put_back(path: &Path, image: &Image) -> Result<(), StoreError> {
    // Whoever of sled's threads is still at work must not write after us. If one never ends, the files are better put
    // back than left.
    let held = hold(path, Instant::now() + WORKING_MAX);
    let put_back = image.put_back();
    drop(held);
    put_back
}

/// Waits until nobody has the file of a database open, for the threads of one that was closed a moment ago can hold
/// it a little longer, and returns it locked; none where there is none.
pub(in crate::store::disk) fn hold(path: &Path, deadline: Instant) -> Result<Option<Held>, StoreError> {
    let file = path.join("db");
    let db = match File::open(&file) {
        Ok(db) => db,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", &file)(error)),
    };
    loop {
        match db.try_lock() {
            Ok(()) => return Ok(Some(Held(db))),
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &file)(error)),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                return Err(StoreError::LockTimeout { waited: CLOSING_MAX });
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_micros(200)),
        }
    }
}

/// The file of a database that nobody has open, locked.
pub(in crate::store::disk) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing it would do, unless another thread of this process starts a program just now.
        let _ = self.0.unlock();
    }
}

/// Makes durable what a process wrote that was killed before it could: sled's new snapshot will refer to it.
fn sync_log(path: &Path) -> Result<(), StoreError> {
    let file = path.join("db");
    match File::open(&file) {
        Ok(log) => log.sync_data().map_err(io_error("make durable", &file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("open", &file)(error)),
    }
}
