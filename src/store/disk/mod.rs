//! The log on disk: a journal, segments, and beside them what only saves work.
//!
//! ```text
//!  log/lock        held by whoever appends
//!  log/journal     the last events, a frame an append: what is synced there is durable
//!  log/segments/   all other events, in files that never change; head: the second witness
//!  log/head        the witness: how long the log was when it was last durable
//!  log/snapshots/  the table as it was at some places                            a cache
//!  log/rows        the rows of the table that changed since the last of these           a cache, for whoever asks
//!  log/work/       sled's folder: the last events again, the rows of the head    a cache, for whoever appends
//!  log/sealed, log/tail/   tell earlier versions that this log is not for them
//! ```
//!
//! What holds at every moment, whatever crashes:
//!
//! - Nothing is acknowledged before the journal's `fdatasync`, or a segment's `fsync`, rename and the sync of its folder,
//!   has returned; and nothing but they makes an event durable.
//! - The order, under the lock: journal or segment, witness, sled, answer.
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
mod rows;
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

use std::path::{Path, PathBuf};
use std::time::Instant;

pub use backup::backup;
pub use reader::{DiskReader, Opened};
pub use salvage::{Differing, Salvaged, salvage};

use self::block::BlockSize;
use self::journal::JournalFile;
use self::lock::Lock;
use self::segment::SegmentName;
use self::since::SinceFile;
use self::snapshot::SnapshotFile;
use self::state::State;
use self::tail::Tail;
use self::threads::Opener;
use self::view::View;
use self::witness::Witnesses;
use super::{
    Appended, Batch, Cache, Head, Limits, Log, Mended, PastRows, Snapshot, Sought, StoreError, TimeSpan,
    Until,
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
    /// None where sled does not answer, and once it has failed: then there are no rows until the log is opened anew.
    tail: Option<Tail>,
    view: View,
    /// Where the log stood when the journal began.
    front: State,
    journal: JournalFile,
    /// Whether the journal is one whose events are in a segment by now.
    journal_is_old: bool,
    /// Segments whose events others hold too.
    obsolete: Vec<SegmentName>,
    witnesses: Witnesses,
    /// The rows that changed since the last snapshot, for whoever asks; none where that is not known to be all.
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
        self.tail.as_ref().and_then(|tail| tail.fold_version)
    }

    fn check_usable(&self) -> Result<(), StoreError> {
        match &self.doubt {
            Some((kind, reason)) => Err(io_error("go on after a failed write to", &self.dir)(
                std::io::Error::new(*kind, reason.clone()),
            )),
            None => Ok(()),
        }
    }

    /// Returns the tail that has the rows of a head; none where there are no rows.
    fn rows_of(&self, of: &Head) -> Result<Option<&Tail>, StoreError> {
        self.check_usable()?;
        // The lock is held: at its place there is one root.
        match &self.tail {
            Some(tail) if of.seq == self.view.state.seq() && of.fold_version == tail.fold_version => {
                Ok(tail.fold_version.map(|_| tail))
            }
            _ => Err(StoreError::Moved),
        }
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
}

impl Cache for DiskStore {
    fn row(&self, of: &Head, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows_of(of)?.map_or(Ok(None), |tail| rows::row(tail, key))
    }

    fn rows(&self, of: &Head, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.rows_of(of)?.map_or(Ok(Vec::new()), |tail| rows::rows(tail, prefix))
    }

    fn rows_after(
        &self,
        of: &Head,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.rows_of(of)?.map_or(Ok(Vec::new()), |tail| rows::rows_after(tail, prefix, after))
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        self.check_usable()?;
        snapshot::last(&self.dir, at_most)
    }

    fn past_rows(&self, at_most: Seq) -> Result<Option<Box<dyn PastRows>>, StoreError> {
        self.check_usable()?;
        let found = SnapshotFile::last(&self.dir, at_most)?;
        Ok(found.map(|snapshot| -> Box<dyn PastRows> { Box::new(snapshot) }))
    }

    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.check_usable()?;
        let state = State { frontier: snapshot.frontier.clone(), times: None };
        snapshot::put(&self.dir, &state, snapshot.fold_version, &snapshot.rows)
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        self.check_usable()?;
        since::forget(&self.dir);
        self.since = None;
        snapshot::forget(&self.dir)?;
        // It goes before another one is made in its place.
        self.tail = None;
        let opener = Opener::wait(&self.dir, Instant::now() + threads::PATIENCE)?;
        self.tail = Tail::make(&self.dir, &self.view, opener)?;
        Ok(())
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
