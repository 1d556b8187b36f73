//! How a log is made, opened, and opened with what keeps it from that made anew.

use std::cell::{OnceCell, RefCell};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::database::{Changes, Database};
use super::lock::Lock;
use super::parts::{self, Parts};
use super::recent::Recent;
use super::state::State;
use super::witness::{self, Witnesses};
use super::{DiskOptions, DiskStore, agree, io_error, opening, stored_state, with_head};
use crate::store::{Mended, StoreError};

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
        make_folder(dir)?;
        parts::look(dir)?;
        let lock = Lock::take(&dir.join("lock"), CREATE_TIMEOUT)?;
        opening::sync(dir)?;
        if parts::look(dir)? == Parts::Begun {
            parts::check_unused(dir)?;
        }
        for (name, changes) in [("sealed", Changes::default()), ("tail", with_head(&State::default()))] {
            if !dir.join(name).exists() {
                Database::create(&dir.join(name), &changes)?;
            }
        }
        if !dir.join("head").exists() {
            witness::create(dir)?;
        }
        opening::sync(dir)?;
        if let Some(parent) = dir.canonicalize().map_err(io_error("find", dir))?.parent() {
            opening::sync(parent)?;
        }
        Self::start(dir, lock, DiskOptions::default(), Instant::now() + CREATE_TIMEOUT)
    }

    /// Says whether there is a log in a directory, and changes nothing there; one whose creation was cut short is none
    /// yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Remains`] and [`StoreError::Damaged`] where parts of a log are that are no whole one.
    pub fn is_there(dir: &Path) -> Result<bool, StoreError> {
        Ok(parts::settled(dir, CREATE_TIMEOUT)? == Parts::All)
    }

    /// Opens the log in a directory, waiting for whoever has it open.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] when there is none, [`StoreError::LockTimeout`] when it stays in use,
    /// [`StoreError::NewerFormat`] when a newer version made it, [`StoreError::Damaged`] when it is not what
    /// was written or ends before what was once durable, [`StoreError::Remains`] when parts of it are missing, and
    /// [`StoreError::Io`] when the system refuses. What is refused is on the disk as it was.
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
        check_there(dir, lock_timeout)?;
        let lock = Lock::take(&dir.join("lock"), lock_timeout)?;
        Self::start(dir, lock, options, deadline)
    }

    /// Opens the log, and makes anew what is not the log itself and keeps it from being opened: sled's settings and
    /// snapshots. A witness that cannot be read does not count: [`crate::store::Log::vouch`] makes it anew once
    /// the log is verified. Returns what was mended.
    ///
    /// # Errors
    ///
    /// As for [`DiskStore::open`].
    pub fn open_mending(dir: &Path, lock_timeout: Duration) -> Result<(Self, Vec<Mended>), StoreError> {
        let deadline = Instant::now() + lock_timeout;
        if !(dir.join("tail").is_dir() && dir.join("sealed").is_dir()) {
            check_there(dir, lock_timeout)?;
        }
        let lock = Lock::take(&dir.join("lock"), lock_timeout)?;
        let witnesses = Witnesses::open_mending(dir)?;
        let beside = RefCell::new(None);
        let (tail, mut mended) = Database::open_mending(&dir.join("tail"), deadline, |tail| {
            let state = checked_state(tail, &witnesses)?;
            let agrees = |sealed: &Database| check_sealed(sealed, tail, &state, &witnesses);
            beside.replace(Some(Database::open_mending(&dir.join("sealed"), deadline, agrees)?));
            Ok(())
        })?;
        let (sealed, more) = beside.into_inner().expect("the check put it there");
        mended.extend(more);
        let state = stored_state(&tail)?;
        let options = DiskOptions::default();
        Ok((Self::of(tail, Some(sealed), witnesses, state, options, dir, lock), mended))
    }

    fn start(dir: &Path, lock: Lock, options: DiskOptions, deadline: Instant) -> Result<Self, StoreError> {
        let mut witnesses = Witnesses::open(dir)?;
        let sealed = RefCell::new(None);
        let tail = Database::open(&dir.join("tail"), deadline, |tail| {
            let state = checked_state(tail, &witnesses)?;
            if !witnesses.has_beside() {
                // Made by an earlier version: what is sealed has to speak for itself, once.
                let agrees = |sealed: &Database| check_sealed(sealed, tail, &state, &witnesses);
                sealed.replace(Some(Database::open(&dir.join("sealed"), deadline, agrees)?));
            }
            Ok(())
        })?;
        let state = stored_state(&tail)?;
        if witnesses.are_behind(state.seq()) {
            // Another process wrote these events and ended before it could vouch for them.
            tail.make_durable()?;
            witnesses.note(&state);
        }
        witnesses.complete(&state)?;
        Ok(Self::of(tail, sealed.into_inner(), witnesses, state, options, dir, lock))
    }

    fn of(
        tail: Database,
        sealed: Option<Database>,
        witnesses: Witnesses,
        state: State,
        options: DiskOptions,
        dir: &Path,
        lock: Lock,
    ) -> Self {
        let sealed = sealed.map_or_else(OnceCell::new, OnceCell::from);
        let (recent, dir) = (Recent::default(), dir.to_owned());
        DiskStore { tail, sealed, recent, witnesses, state, doubt: None, options, dir, _lock: lock }
    }
}

/// Returns the head that a tail has stored; refuses one that has lost events, or something else that it refers to.
pub(super) fn checked_state(tail: &Database, witnesses: &Witnesses) -> Result<State, StoreError> {
    let state = stored_state(tail)?;
    witnesses.check(&state)?;
    if tail.is_doubtful {
        agree::check_tail(tail, &state)?;
    }
    Ok(state)
}

/// Refuses sealed events that do not go with the tail.
fn check_sealed(
    sealed: &Database,
    tail: &Database,
    state: &State,
    witnesses: &Witnesses,
) -> Result<(), StoreError> {
    agree::check(sealed, state)?;
    match witnesses.has_beside() {
        true => Ok(()),
        false => agree::check_left_over(sealed, tail, state),
    }
}

/// Makes a folder, and those above it. Nobody but its owner may look into it: it holds what programs said as they
/// failed. One that is there keeps its permissions.
fn make_folder(dir: &Path) -> Result<(), StoreError> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(_) if dir.is_dir() => Ok(()),
        made => made.map_err(io_error("create", dir)),
    }
}

/// Refuses a folder without a whole log.
fn check_there(dir: &Path, lock_timeout: Duration) -> Result<(), StoreError> {
    match parts::settled(dir, lock_timeout)? {
        Parts::None | Parts::Begun => Err(StoreError::Missing { path: dir.display().to_string() }),
        Parts::All => Ok(()),
    }
}
