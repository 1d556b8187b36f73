//! The log on disk: two sled databases, a witness and a lock.
//!
//! ```text
//!  log/lock    held as long as the store is open
//!  log/tail/   the head, the events that are not sealed, the rows, the filter    opened always
//!  log/sealed/ the blocks of all other events, snapshots                         opened when needed
//!  log/head    the witness: how long the log was when it was last durable
//! ```
//!
//! What holds at every moment, whatever crashes:
//!
//! - The head in `tail/` alone says what counts. Blocks in `sealed/` beyond its mark are what a crash left of
//!   an append that did not happen; nobody sees them, and the next sealing takes their place.
//! - What `sealed/` is to hold is durable before the head refers to it.
//! - The head, the unsealed events, their ids and the rows change in one of sled's batches, together or not
//!   at all. Rows too many for one batch are first declared void, then written, then declared valid again.
//! - The witness is written after the log is durable, so a log that ends before it has lost events.
//! - Nothing is acknowledged before `fdatasync` of sled's log file has returned.

mod append;
mod block;
mod blocks;
mod boundary;
mod bytes;
mod database;
mod filter;
mod lock;
mod recent;
mod rows;
mod snapshots;
mod state;
mod witness;

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::blocks::BlockSize;
use self::database::{Changes, Database};
use self::lock::Lock;
use self::recent::Recent;
use self::state::{HEAD, State};
use self::witness::Witness;
use super::{Appended, Axis, Batch, Head, Limits, Snapshot, Store, StoreError, Until};
use crate::model::{CommandId, Seq};

/// How long [`DiskStore::create`] waits for another process that makes the same log.
const CREATE_TIMEOUT: Duration = Duration::from_secs(10);

/// When events are sealed, and how large blocks are. The log's meaning does not depend on them.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct DiskOptions {
    /// How many events that are not sealed there may be before an append seals them.
    pub open_events_max: u64,
    /// How many bytes their lines may have.
    pub open_bytes_max: u64,
    /// The most events in a block; at most `open_events_max`.
    pub block_events_max: usize,
    /// A block is full when its lines reach this many bytes; less than `open_bytes_max`.
    pub block_bytes_full: usize,
}

impl Default for DiskOptions {
    fn default() -> Self {
        DiskOptions {
            open_events_max: 1 << 10,
            open_bytes_max: 512 << 10,
            block_events_max: 256,
            block_bytes_full: 256 << 10,
        }
    }
}

impl DiskOptions {
    fn block_size(self) -> BlockSize {
        BlockSize { events_max: self.block_events_max, bytes_full: self.block_bytes_full }
    }
}

/// What sort of failure it was, and what was said about it.
type Doubt = (std::io::ErrorKind, String);

/// A log in a directory of its own. One process has it open at a time; the others wait.
///
/// After an append that is [`Appended::Unknown`] every call fails with the reason, until the log is opened anew.
#[derive(Debug)]
pub struct DiskStore {
    // Fields are dropped in this order: the lock goes last.
    tail: Database,
    sealed: OnceCell<Database>,
    recent: Recent,
    witness: Witness,
    state: State,
    /// The failure that leaves open what is on the disk.
    doubt: Option<Doubt>,
    options: DiskOptions,
    dir: PathBuf,
    _lock: Lock,
}

impl DiskStore {
    /// Makes an empty log in a directory, which is made too, and opens it. When there is a log already,
    /// finished or not, it is finished and opened.
    ///
    /// # Errors
    ///
    /// As for [`DiskStore::open`], and when the system refuses to write.
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(dir).map_err(io_error("create", dir))?;
        let lock = Lock::take(&dir.join("lock"), CREATE_TIMEOUT)?;
        let empty = State::default();
        for (name, changes) in [("sealed", Changes::default()), ("tail", with_head(&empty))] {
            if !dir.join(name).exists() {
                Database::create(&dir.join(name), &changes)?;
            }
        }
        let witness = dir.join("head");
        if !witness.exists() {
            check_unused(dir)?;
            Witness::create(&witness, empty.seq(), empty.frontier.root())?;
        }
        database::sync(dir)?;
        if let Some(parent) = dir.canonicalize().map_err(io_error("find", dir))?.parent() {
            database::sync(parent)?;
        }
        Self::start(dir, lock, DiskOptions::default(), Instant::now() + CREATE_TIMEOUT)
    }

    /// Opens the log in a directory, waiting for whoever has it open.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] when there is none, [`StoreError::LockTimeout`] when it stays in use,
    /// [`StoreError::NewerFormat`] when a newer version made it, [`StoreError::Damaged`] when it is not what
    /// was written or ends before what was once durable, and [`StoreError::Io`] when the system refuses.
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
        let missing = || StoreError::Missing { path: dir.display().to_string() };
        let deadline = Instant::now() + lock_timeout;
        let has = |name| dir.join(name).exists();
        // The witness is made last: without it there never was a log, unless something was appended.
        match (has("head"), has("tail"), has("sealed")) {
            (true, true, true) => {}
            (false, true, true) => {
                let _lock = Lock::take(&dir.join("lock"), lock_timeout)?;
                check_unused(dir)?;
                return Err(missing());
            }
            (false, _, _) => return Err(missing()),
            (true, _, _) => {
                return Err(damaged(format!("`{}` lacks `tail` or `sealed`", dir.display())));
            }
        }
        let lock = Lock::take(&dir.join("lock"), lock_timeout)?;
        Self::start(dir, lock, options, deadline)
    }

    /// Returns the place up to which the log in a directory is known to be durable, without opening it: nobody
    /// waits, and nothing is held. Behind the log's end only while an append is under way, and after a process
    /// was killed at the end of one, until the log is opened the next time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] when it cannot be read, and [`StoreError::Damaged`] when it does not say.
    pub fn durable(dir: &Path) -> Result<Seq, StoreError> {
        witness::seen(&dir.join("head"))
    }

    fn start(dir: &Path, lock: Lock, options: DiskOptions, deadline: Instant) -> Result<Self, StoreError> {
        let mut witness = Witness::open(&dir.join("head"))?;
        let tail = Database::open(&dir.join("tail"), deadline)?;
        let state = stored_state(&tail)?;
        witness.check(state.seq(), state.frontier.root())?;
        if state.seq() != witness.seen() {
            // Another process wrote these events and ended before it could vouch for them.
            tail.make_durable()?;
            witness.note(state.seq(), state.frontier.root());
        }
        let (sealed, recent, dir) = (OnceCell::new(), Recent::default(), dir.to_owned());
        Ok(DiskStore { tail, sealed, recent, witness, state, doubt: None, options, dir, _lock: lock })
    }

    /// Returns the database of sealed events, opening it the first time.
    fn sealed(&self) -> Result<&Database, StoreError> {
        match self.sealed.get() {
            Some(sealed) => Ok(sealed),
            None => {
                let sealed = Database::open(&self.dir.join("sealed"), Instant::now())?;
                Ok(self.sealed.get_or_init(|| sealed))
            }
        }
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        match &self.doubt {
            Some((kind, reason)) => Err(io_error("go on after a failed write to", &self.dir)(
                std::io::Error::new(*kind, reason.clone()),
            )),
            None => Ok(()),
        }
    }
}

impl Store for DiskStore {
    fn head(&self) -> Result<Head, StoreError> {
        self.check_usable()?;
        Ok(self.state.head())
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        self.check_usable()?;
        if limit == 1
            && let Some(line) = self.recent.line(after.plus(1))?
        {
            return Ok(vec![line]);
        }
        let mut lines = Vec::new();
        let after = after.min(self.state.seq());
        if after < self.state.sealed && limit > 0 {
            blocks::read(self.sealed()?, after, self.state.sealed, limit, &mut lines)?;
        }
        blocks::read(&self.tail, after.max(self.state.sealed), self.state.seq(), limit, &mut lines)?;
        Ok(lines)
    }

    fn append(&mut self, expected: Seq, batch: &Batch) -> Result<Appended, StoreError> {
        self.check_usable()?;
        append::append(self, expected, batch)
    }

    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        self.check_usable()?;
        let spans = filter::spans(&self.tail, &self.recent, self.state.sealed, command)?;
        if !spans.is_empty()
            && let Some(place) = self.recent.find(self.sealed()?, self.state.sealed, command)?
        {
            return Ok(Some(place));
        }
        for (after, end) in spans {
            if let Some((block, place)) = blocks::find(self.sealed()?, after, end, command)? {
                self.recent.hold(block);
                return Ok(Some(place));
            }
        }
        append::open_command(&self.tail, command)
    }

    fn seek(&self, axis: Axis, until: Until) -> Result<Seq, StoreError> {
        self.check_usable()?;
        let includes = |times| until.includes(blocks::on(times, axis));
        if self.state.times.is_none_or(includes) {
            return Ok(self.state.seq());
        }
        match self.state.sealed_times.is_none_or(includes) {
            true => blocks::seek(&self.tail, self.state.sealed, self.state.seq(), axis, until),
            false => blocks::seek(self.sealed()?, Seq::ZERO, self.state.sealed, axis, until),
        }
    }

    fn limits(&self) -> Limits {
        append::LIMITS
    }

    fn row(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.check_usable()?;
        match self.state.fold_version {
            Some(_) => rows::row(&self.tail, key),
            None => Ok(None),
        }
    }

    fn rows(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.check_usable()?;
        match self.state.fold_version {
            Some(_) => rows::rows(&self.tail, prefix),
            None => Ok(Vec::new()),
        }
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        self.check_usable()?;
        snapshots::last(self.sealed()?, at_most)
    }

    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.check_usable()?;
        append::check_size("a snapshot", snapshot.table.len(), append::VALUE_BYTES_MAX)?;
        let mut changes = Changes::default();
        snapshots::put(&mut changes, self.sealed()?, snapshot)?;
        append::write_sealed(self, &changes)
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        self.check_usable()?;
        let mut changes = Changes::default();
        snapshots::forget(&mut changes, self.sealed()?)?;
        append::write_sealed(self, &changes)?;
        let state = State { fold_version: None, ..self.state.clone() };
        append::commit(self, state, Changes::default())
    }
}

/// Makes the one change that every commit of the tail ends with.
fn with_head(state: &State) -> Changes {
    let mut changes = Changes::default();
    changes.put(HEAD.to_vec(), state.encode());
    changes
}

fn stored_state(tail: &Database) -> Result<State, StoreError> {
    match tail.value(HEAD)? {
        Some(head) => State::decode(&head),
        None => Err(damaged("the log has lost its head".to_owned())),
    }
}

/// Refuses a log without a witness, unless its creation was cut short: then it is empty.
fn check_unused(dir: &Path) -> Result<(), StoreError> {
    match stored_state(&Database::open(&dir.join("tail"), Instant::now())?)? == State::default() {
        true => Ok(()),
        false => Err(damaged(format!("`{}` is missing", dir.join("head").display()))),
    }
}

fn damaged(found: String) -> StoreError {
    StoreError::Damaged { found }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.display().to_string(), source }
}
