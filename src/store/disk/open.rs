//! How a log is made, opened to record, and put right where a crash left something.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::head_rows::HeadRows;
use super::journal::{self, JournalFile};
use super::lock::Lock;
use super::look::{Look, Who, look};
use super::parts::{self, Parts};
use super::since::SinceFile;
use super::witness::Witnesses;
use super::{DiskOptions, DiskStore, archive, folder, io_error, make, mend, takeover};
use crate::store::StoreError;

/// How long [`DiskStore::create`] waits for another process that makes the same log.
const CREATE_TIMEOUT: Duration = Duration::from_secs(10);

impl DiskStore {
    /// Makes an empty log in a directory, which is made too, for its owner alone, and opens it. When there is a log
    /// already, finished or not, it is finished and opened.
    ///
    /// # Errors
    ///
    /// As for [`DiskStore::open`], [`StoreError::Remains`] where parts of a log are that are no whole one, and when
    /// the system refuses to write.
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        takeover::finish(dir, CREATE_TIMEOUT)?;
        make::make_folder(dir)?;
        parts::find(dir)?;
        let lock = Lock::take(&dir.join("lock"), CREATE_TIMEOUT)?;
        folder::sync(dir)?;
        let mut made = None;
        if matches!(parts::look(dir)?, Parts::None | Parts::Begun) {
            parts::clear_begun(dir)?;
            made = Some(make::make(dir)?);
        }
        if let Some(parent) = dir.canonicalize().map_err(io_error("find", dir))?.parent() {
            folder::sync(parent)?;
        }
        made.iter().for_each(JournalFile::settle);
        let deadline = Instant::now() + CREATE_TIMEOUT;
        Self::start(dir, lock, DiskOptions::default(), deadline)
    }

    /// Says whether there is a log in a directory, and changes nothing there; one whose creation was cut short is none
    /// yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Remains`] and [`StoreError::Damaged`] where parts of a log are that are no whole one.
    pub fn is_there(dir: &Path) -> Result<bool, StoreError> {
        Ok(matches!(parts::find(&takeover::place(dir))?, Parts::All | Parts::Old))
    }

    /// Opens the log in a directory to record, waiting for whoever has it open so. A log of format 1 is taken over.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] when there is none, [`StoreError::LockTimeout`] when it stays in use,
    /// [`StoreError::NewerFormat`] when a newer version made it, [`StoreError::Damaged`] when it is not what
    /// was written or ends before what was once durable, [`StoreError::Remains`] when parts of it are missing, and
    /// [`StoreError::Io`] when the system refuses.
    pub fn open(dir: &Path, lock_timeout: Duration) -> Result<Self, StoreError> {
        Self::open_with(dir, lock_timeout, DiskOptions::default())
    }

    /// Opens the log with other options.
    ///
    /// # Errors
    ///
    /// As for [`DiskStore::open`].
    #[doc(hidden)]
    pub fn open_with(dir: &Path, lock_timeout: Duration, options: DiskOptions) -> Result<Self, StoreError> {
        let deadline = Instant::now() + lock_timeout;
        takeover::finish(dir, lock_timeout)?;
        check_there(dir)?;
        let lock = Lock::take(&dir.join("lock"), lock_timeout)?;
        Self::start(dir, lock, options, deadline)
    }

    /// Opens the log, and makes anew what is not the log itself. A witness that cannot be read does not count:
    /// [`crate::store::Log::vouch`] makes it anew once the log is verified.
    ///
    /// # Errors
    ///
    /// As for [`DiskStore::open`].
    pub fn open_mending(dir: &Path, lock_timeout: Duration) -> Result<Self, StoreError> {
        let deadline = Instant::now() + lock_timeout;
        takeover::finish(dir, lock_timeout)?;
        if parts::look(dir)? != Parts::Unwitnessed {
            check_there(dir)?;
        }
        let lock = Lock::take(&dir.join("lock"), lock_timeout)?;
        let lock = takeover::take_over(dir, lock, deadline)?;
        let mended = mend::segments(dir)?;
        let store = Self::of(look(dir, Who::Mender)?, dir, lock, DiskOptions::default())?;
        Ok(DiskStore { mended, ..store })
    }

    fn start(dir: &Path, lock: Lock, options: DiskOptions, deadline: Instant) -> Result<Self, StoreError> {
        let lock = takeover::take_over(dir, lock, deadline)?;
        Self::of(look(dir, Who::Holder)?, dir, lock, options)
    }

    /// Puts right what a crash left, and opens what saves work.
    fn of(looked: Look, dir: &Path, lock: Lock, options: DiskOptions) -> Result<Self, StoreError> {
        mend::check_segments(dir, &looked.view.segments(), &looked.front)?;
        let mut witnesses = Witnesses::open(dir, &looked.sights)?;
        let journal = if looked.needs_repair {
            repair(dir, &looked)?
        } else {
            JournalFile::open(dir, looked.journal_bytes)?
        };
        make::tell_earlier_versions(dir);
        let state = &looked.view.state;
        if witnesses.are_behind(state.seq()) {
            witnesses.note(state);
        }
        let since = SinceFile::open(dir, state).or_else(|| SinceFile::begin_log(dir, state));
        let rows = since.as_ref().and_then(|_| HeadRows::of(dir, state));
        Ok(DiskStore {
            tail: None,
            followed: looked.followed,
            rows,
            rows_failed: Cell::new(false),
            since,
            front: looked.front,
            view: looked.view,
            journal,
            journal_is_old: false,
            obsolete: looked.obsolete,
            witnesses,
            mended: Vec::new(),
            doubt: None,
            options,
            dir: dir.to_owned(),
            _lock: lock,
        })
    }
}

/// Writes anew, aside, what may not be on the disk though it can be read: what no witness saw yet. What is not whole is
/// left out.
fn repair(dir: &Path, looked: &Look) -> Result<JournalFile, StoreError> {
    let journal = if let Some(name) = &looked.beyond {
        archive::write_anew(dir, name)?;
        JournalFile::put(dir, &journal::front(&looked.view.state))?
    } else {
        let path = dir.join(journal::NAME);
        let mut bytes = fs::read(&path).map_err(io_error("read", &path))?;
        bytes.truncate(usize::try_from(looked.journal_bytes).unwrap_or(usize::MAX));
        JournalFile::put(dir, &bytes)?
    };
    // Whoever made the log, or took it over, may not have come so far.
    folder::sync_holder(dir)?;
    journal.settle();
    Ok(journal)
}

/// Refuses a folder without a whole log.
fn check_there(dir: &Path) -> Result<(), StoreError> {
    match parts::find(dir)? {
        Parts::None | Parts::Begun | Parts::Unwitnessed => {
            Err(StoreError::Missing { path: dir.display().to_string() })
        }
        Parts::All | Parts::Old => Ok(()),
    }
}
