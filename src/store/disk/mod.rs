//! The log on disk: two sled databases, a witness and a lock.
//!
//! ```text
//!  log/lock    held as long as the store is open
//!  log/tail/   the head, the events that are not sealed, the rows, the filter    opened always
//!  log/sealed/ the blocks of all other events, snapshots                         opened when needed
//!  log/head    the witness: how long the log was when it was last durable        another one in sealed/
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
//! - A database that is refused is on the disk, byte for byte, as it was before it was opened.

mod agree;
mod append;
mod block;
mod blocks;
mod boundary;
mod bytes;
mod database;
mod filter;
mod folder;
mod lock;
mod mending;
mod parts;
mod recent;
mod rows;
mod shield;
mod snapshots;
mod start;
mod state;
mod threads;
mod witness;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::blocks::BlockSize;
use self::database::{Changes, Database};
use self::lock::Lock;
use self::recent::Recent;
use self::state::{HEAD, State};
use self::witness::Witnesses;
use super::{Appended, Axis, Batch, Head, Limits, Mended, Snapshot, Store, StoreError, Until};
use crate::model::{CommandId, Seq};

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
    witnesses: Witnesses,
    state: State,
    /// The failure that leaves open what is on the disk.
    doubt: Option<Doubt>,
    options: DiskOptions,
    dir: PathBuf,
    _lock: Lock,
}

impl DiskStore {
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

    /// Returns the database of sealed events, opening it the first time.
    fn sealed(&self) -> Result<&Database, StoreError> {
        match self.sealed.get() {
            Some(sealed) => Ok(sealed),
            None => {
                let agrees = |sealed: &Database| agree::check(sealed, &self.state);
                let sealed = Database::open(&self.dir.join("sealed"), Instant::now(), agrees)?;
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

    fn vouch(&mut self) -> Result<Vec<Mended>, StoreError> {
        self.check_usable()?;
        self.tail.make_durable()?;
        let made = self.witnesses.complete(&self.state)?;
        self.witnesses.note(&self.state);
        Ok(made)
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

fn damaged(found: String) -> StoreError {
    StoreError::Damaged { found }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.display().to_string(), source }
}
