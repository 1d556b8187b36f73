//! The log on disk: a journal, segments, and beside them what only saves work.
//!
//! ```text
//!  log/lock        held by whoever appends
//!  log/journal     the last events, a frame an append: what is synced there is durable
//!  log/segments/   all other events, in files that never change; head: the second witness
//!  log/head        the witness: how long the log was when it was last durable
//!  log/snapshots/  the table as it was at some places                            a cache
//!  log/rows        the rows of the table that changed since the last of these    a cache
//!  log/work/       sled's folder: the journal's events once more, but for the last 63 at most
//!  log/sealed, log/tail/   tell earlier versions that this log is not for them
//! ```
//!
//! What holds at every moment, whatever crashes:
//!
//! - Nothing is acknowledged before the journal's `fdatasync`, or a segment's `fsync`, rename and the sync of its folder,
//!   has returned; and nothing but they makes an event durable.
//! - The order, under the lock: journal or segment, witness, rows, answer. sled follows.
//! - A segment, and a new journal, is written aside, synced, renamed, and its folder synced.
//! - The witness is written after the log is durable, so a log that ends before it has lost events.
//! - Whoever asks opens no sled, waits for no lock, syncs nothing and writes nothing.

mod append;
mod archive;
mod backup;
mod block;
mod boundary;
mod bytes;
mod codec;
mod copy;
mod cover;
mod folder;
mod follow;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod head_rows;
mod journal;
mod lock;
mod look;
mod make;
mod mark;
mod mend;
mod mention;
mod old;
mod open;
mod packed;
mod parts;
mod reader;
mod salvage;
mod segment;
mod since;
mod snapshot;
mod state;
mod tail;
mod takeover;
#[cfg(test)]
mod tests;
mod threads;
mod view;
mod witness;

use std::cell::Cell;
use std::path::{Path, PathBuf};

pub use backup::backup;
pub use reader::{DiskReader, Opened};
pub use salvage::{Differing, Salvaged, salvage};

use self::block::BlockSize;
use self::head_rows::HeadRows;
use self::journal::JournalFile;
use self::lock::Lock;
use self::segment::SegmentName;
use self::since::SinceFile;
use self::state::State;
use self::tail::Tail;
use self::view::View;
use self::witness::Witnesses;
use super::{
    Appended, Batch, Bundle, Cache, Frontier, Head, Limits, Log, Mended, PastRows, Snapshot, Sought,
    StoreError, TimeSpan, Until,
};
use crate::model::{CommandId, Places, Seq, Span};

/// When events are archived, and how large blocks are. The log's meaning does not depend on them.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct DiskOptions {
    /// How many events there may be in the journal before an append archives them.
    pub open_events_max: u64,
    /// How many bytes their frames may have.
    pub open_bytes_max: u64,
    /// From how many events of the journal on that sled has not it is brought up to it.
    pub behind_max: u64,
    /// The most events in a block.
    pub block_events_max: usize,
    /// A block is full when its lines reach this many bytes.
    pub block_bytes_full: usize,
    /// Segments that weigh less, an event or 256 bytes each, are merged once as many weigh as much, or once there are 15.
    pub merge_small: u64,
    /// Larger ones are merged once they weigh as much together, and never again.
    pub merge_large: u64,
}

impl Default for DiskOptions {
    fn default() -> Self {
        DiskOptions {
            open_events_max: 1 << 10,
            open_bytes_max: 512 << 10,
            behind_max: 64,
            block_events_max: 256,
            block_bytes_full: 256 << 10,
            merge_small: 1 << 14,
            merge_large: 1 << 16,
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

/// A log in a directory of its own, open to record. One process has it open so at a time; the others wait.
///
/// After an append that is [`Appended::Unknown`] every call fails with the reason, until the log is opened anew.
#[derive(Debug)]
pub struct DiskStore {
    // Fields are dropped in this order: the lock goes last.
    /// sled, once it was needed.
    tail: Option<Tail>,
    /// The last event that sled has, as far as its mark says.
    followed: Seq,
    /// The rows of the head; none where they are not to be had.
    rows: Option<HeadRows>,
    /// Whether some of them could not be read: then they count no longer once anything is appended.
    rows_failed: Cell<bool>,
    view: View,
    /// Where the log stood when the journal began.
    front: State,
    journal: JournalFile,
    /// Whether the journal is one whose events are in a segment by now.
    journal_is_old: bool,
    /// Segments whose events others hold too.
    obsolete: Vec<SegmentName>,
    witnesses: Witnesses,
    /// The file of the rows that changed since the last snapshot; none where that is not known to be all.
    since: Option<SinceFile>,
    /// What was mended as it was opened.
    mended: Vec<Mended>,
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
        witness::seen(&takeover::place(dir))
    }

    fn fold_version(&self) -> Option<u32> {
        self.rows.as_ref().map(|rows| rows.fold_version)
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        match &self.doubt {
            Some((kind, reason)) => Err(io_error("go on after a failed write to", &self.dir)(
                std::io::Error::new(*kind, reason.clone()),
            )),
            None => Ok(()),
        }
    }

    /// Reads of the rows of a head; none where there are no rows.
    fn of_rows<T: Default>(
        &self,
        of: &Head,
        read: impl FnOnce(&HeadRows) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_usable()?;
        // The lock is held: at its place there is one root.
        if of.seq != self.view.state.seq() || of.fold_version != self.fold_version() {
            return Err(StoreError::Moved);
        }
        let read = self.rows.as_ref().map_or(Ok(T::default()), read);
        read.inspect_err(|_| self.rows_failed.set(true))
    }
}

impl Log for DiskStore {
    fn head(&self) -> Result<Head, StoreError> {
        self.check_usable()?;
        Ok(head(&self.view.state, self.fold_version()))
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        self.check_usable()?;
        self.view.read(after, limit)
    }

    fn bundle(&self, after: Seq, limit: usize) -> Result<Bundle, StoreError> {
        self.check_usable()?;
        self.view.bundle(after, limit)
    }

    fn append(&mut self, expected: &Head, batch: &Batch) -> Result<Appended, StoreError> {
        self.check_usable()?;
        append::append(self, expected, batch)
    }

    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        self.check_usable()?;
        self.view.find(command)
    }

    fn may_hold(&self, commands: &[CommandId]) -> Result<Vec<bool>, StoreError> {
        self.check_usable()?;
        Ok(self.view.may_hold(commands))
    }

    fn seek(&self, until: Until) -> Result<Seq, StoreError> {
        self.check_usable()?;
        self.view.seek(until)
    }

    fn spans(&self) -> Result<Vec<TimeSpan>, StoreError> {
        self.check_usable()?;
        self.view.spans()
    }

    fn places_of(&self, sought: Sought<'_>, within: Span) -> Result<Places, StoreError> {
        self.check_usable()?;
        self.view.places_of(sought, within)
    }

    fn limits(&self) -> Limits {
        append::LIMITS
    }

    fn vouch(&mut self) -> Result<Vec<Mended>, StoreError> {
        self.check_usable()?;
        let mut made = std::mem::take(&mut self.mended);
        made.extend(self.witnesses.complete(&self.view.state)?);
        self.witnesses.note(&self.view.state);
        Ok(made)
    }

    fn check(&self) -> Result<(), StoreError> {
        self.check_usable()?;
        self.view.check()
    }

    fn check_beside(&self) -> Result<Vec<Frontier>, StoreError> {
        self.check_usable()?;
        self.view.check_beside()
    }
}

impl Cache for DiskStore {
    fn row(&self, of: &Head, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.of_rows(of, |rows| rows.row(key))
    }

    fn rows(&self, of: &Head, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.of_rows(of, |rows| rows.rows(prefix))
    }

    fn rows_after(
        &self,
        of: &Head,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.of_rows(of, |rows| rows.rows_after(prefix, after))
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        self.check_usable()?;
        snapshot::last(&self.dir, at_most)
    }

    fn past_rows(&self, at_most: Seq) -> Result<Option<Box<dyn PastRows>>, StoreError> {
        self.check_usable()?;
        snapshot::last_rows(&self.dir, at_most)
    }

    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.check_usable()?;
        let state = State { frontier: snapshot.frontier.clone(), times: None };
        snapshot::put(&self.dir, &state, snapshot.fold_version, &snapshot.rows)
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        self.check_usable()?;
        since::forget(&self.dir);
        (self.since, self.rows) = (None, None);
        snapshot::forget(&self.dir)?;
        follow::begin_anew(self)
    }
}

fn head(state: &State, fold_version: Option<u32>) -> Head {
    Head { seq: state.seq(), root: state.root(), times: state.times, fold_version }
}

fn damaged(found: String) -> StoreError {
    StoreError::Damaged { found }
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { action, path: path.display().to_string(), source }
}
