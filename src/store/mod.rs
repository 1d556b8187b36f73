//! The log's port: all that the rest of the library knows of storage.
//!
//! ```text
//!  ledger ──append (lines, rows)──▶ Log    ──▶ memory | disk
//!         ◀─head, read, find, seek─
//!         ◀─row, rows, snapshot──── Cache
//! ```
//!
//! The log is the truth: lines of JSON, one an event, kept byte for byte, numbered without gaps, never
//! changed. Rows and snapshots are a cache of the table that the lines fold to: a store keeps them, in the
//! same batch as the lines they follow from, and never looks inside. What a line means is not known here.

mod ahead;
mod bundle;
mod disk;
mod memory;
mod merkle;
mod past;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use ahead::{LINES_ALONE, each_in_order, piece_of};
pub(crate) use bundle::BUNDLES_TOGETHER;
pub use bundle::{Bundle, Unpacked};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use disk::fuzzing;
pub use disk::{Differing, DiskOptions, DiskReader, DiskStore, Opened, Salvaged, backup, salvage};
pub use memory::MemoryStore;
pub use merkle::Frontier;
pub use past::PastRows;

use crate::model::{CommandId, Digest, Places, Seq, Span, Timestamp};

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last event's place; [`Seq::ZERO`] when there is none.
    pub seq: Seq,
    /// The root of the Merkle tree (RFC 6962, section 2.1) over the lines up to and including `seq`.
    pub root: Digest,
    /// The times of the last event; none when there is none.
    pub times: Option<Times>,
    /// The version of the fold whose rows are kept; none when no rows are.
    pub fold_version: Option<u32>,
}

/// When an event took effect, and when it was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When it took effect.
    pub at: Timestamp,
    /// When it was appended.
    pub recorded_at: Timestamp,
}

/// An event's line, with what the log is searched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The command that the event came of.
    pub command_id: CommandId,
    /// Its times.
    pub times: Times,
    /// The line: JSON without a line end.
    pub line: String,
}

/// What is written together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The events, in order: the first one takes the place after the expected head.
    pub entries: Vec<Entry>,
    /// The rows that change with them.
    pub rows: RowChanges,
}

/// Changes to the rows that are kept beside the log.
#[derive(Debug, Clone, Default)]
pub struct RowChanges {
    /// The version of the fold that made them.
    pub fold_version: u32,
    /// Whether to forget all rows kept so far: `rows` is the whole table. Where none are kept (a head without a fold
    /// version), and the log has events, changes to some say nothing, and none are kept after it either.
    pub replace: bool,
    /// A row's key, and its value; none to forget the row. Keys are up to 1 KiB, values of any size.
    pub rows: Vec<(String, Option<Vec<u8>>)>,
}

/// The answer to an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The batch would survive a power cut.
    Done(Head),
    /// Nothing was written: the head is not the expected one.
    Conflict(Head),
    /// Whether it was written cannot be told: repeat the same call. Ids make that safe.
    Unknown,
}

/// When consecutive events took effect, at the earliest and at the latest. Who looks for the events up to an instant
/// reads only where it lies between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// The first one's place.
    pub first: Seq,
    /// The last one's place.
    pub last: Seq,
    /// The smallest and the largest of their times.
    pub at: (Timestamp, Timestamp),
    /// The largest time of all events up to the last one.
    pub running: Timestamp,
}

impl TimeSpan {
    /// Describes the first of some events and those that follow it, behind what was described before.
    fn of(first: Seq, times: &[Times], before: Option<Timestamp>) -> Option<Self> {
        let at = times.iter().map(|times| times.at);
        let at = (at.clone().min()?, at.max()?);
        let running = before.map_or(at.1, |before| before.max(at.1));
        Some(TimeSpan { first, last: first.plus(times.len() as u64).minus(1), at, running })
    }
}

/// What events are looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought<'a> {
    /// Those about a phase, by the full name that it had then.
    Phase(&'a str),
    /// Those of a kind, as lines name it.
    Kind(&'a str),
    /// Those that name the one at a place among their causes.
    CausedBy(Seq),
}

/// How many events a [`TimeSpan`] has at most that a store makes of lines at hand.
const SPAN_EVENTS: usize = 256;

/// A cut through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Up to and including the instant.
    Through(Timestamp),
    /// Up to, but not including, the instant.
    Before(Timestamp),
}

impl Until {
    /// Says whether an instant lies before the cut.
    pub fn includes(self, time: Timestamp) -> bool {
        match self {
            Until::Through(end) => time <= end,
            Until::Before(end) => time < end,
        }
    }
}

/// The table as it was at some place: a cache, discarded when in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The place.
    pub seq: Seq,
    /// The tree over the lines up to that place.
    pub frontier: Frontier,
    /// The version of the fold that made it.
    pub fold_version: u32,
    /// The rows of the table, in the order of their keys.
    pub rows: Vec<(String, Vec<u8>)>,
}

/// What was mended of what stands beside a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mended {
    /// A file that says how long the log was was made anew.
    Witness(PathBuf),
    /// A segment was made anew from its events, which are all there.
    Segment(PathBuf),
}

/// What a store can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, in bytes.
    pub line_bytes_max: usize,
    /// The most events in one batch.
    pub batch_events_max: usize,
}

/// A log that only grows: the truth. Synchronous and object-safe; nothing above it may assume one disk, one process or
/// one clock.
pub trait Log: Send {
    /// Returns the end of the log.
    ///
    /// # Errors
    ///
    /// As every call here: [`StoreError`].
    fn head(&self) -> Result<Head, StoreError>;

    /// Returns the lines after a place, at most `limit` of them, in order. Fewer only at the end of the log.
    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError>;

    /// Returns lines after a place, at most `limit` of them, as they are kept: as many as are kept together, at least one
    /// where there is one.
    fn bundle(&self, after: Seq, limit: usize) -> Result<Bundle, StoreError> {
        let lines = self.read(after, limit)?;
        Ok(Bundle::new(lines.len(), || Ok(Unpacked::from(lines))))
    }

    /// Appends a batch when the head is the expected one, place, root and version of the rows: a batch says only what
    /// changes. An answer [`Appended::Done`] means that every line would survive a power cut.
    fn append(&mut self, expected: &Head, batch: &Batch) -> Result<Appended, StoreError>;

    /// Returns the place of the first event of a command, or none when there is no such command. A command's events
    /// follow one another: where a log has them elsewhere too, which of those places is found is not said.
    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError>;

    /// Says of each of many commands whether it may be there: what is ruled out here need not be looked for. A store that
    /// rules nothing out is right.
    fn may_hold(&self, commands: &[CommandId]) -> Result<Vec<bool>, StoreError> {
        Ok(vec![true; commands.len()])
    }

    /// Returns the last place that was appended before the cut; [`Seq::ZERO`] when there is none. That axis rises with
    /// the places.
    fn seek(&self, until: Until) -> Result<Seq, StoreError>;

    /// Returns between which times events took effect, for all places in order, some hundred events at a time: that axis
    /// does not rise with the places.
    fn spans(&self) -> Result<Vec<TimeSpan>, StoreError>;

    /// Returns places of a span, among which all events of it are that are looked for. Others may be there too: a store that
    /// keeps no index returns all.
    fn places_of(&self, _sought: Sought<'_>, within: Span) -> Result<Places, StoreError> {
        let mut all = Places::default();
        all.add(Span { through: within.through.min(self.head()?.seq), ..within });
        Ok(all)
    }

    /// Returns what the store can take.
    fn limits(&self) -> Limits;

    /// Makes anew what the store keeps beside a log to tell later that it has lost its end, where that is gone. To be
    /// called once the whole log is verified. Returns what was made anew.
    fn vouch(&mut self) -> Result<Vec<Mended>, StoreError> {
        Ok(Vec::new())
    }

    /// Reads all that the store keeps of the log, what it finds events by included, and refuses what is not as it was
    /// written.
    fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// As [`Log::check`], for whoever reads all lines too: but for these, and for what each part of the log says that its
    /// lines add up to. That is returned, in order, for each part whose end is not behind the head.
    fn check_beside(&self) -> Result<Vec<Frontier>, StoreError> {
        self.check().map(|()| Vec::new())
    }
}

/// What saves folding the log anew: rows and snapshots of the table that its lines add up to. All of it may be
/// forgotten at any time. Rows are read of one head, so that a reader who asks several times never mixes two tables,
/// whoever appends in between.
pub trait Cache: Send {
    /// Returns a row of a head's table.
    ///
    /// # Errors
    ///
    /// As every call here: [`StoreError`]. [`StoreError::Moved`] where the rows that are kept are no longer those of the
    /// head: the log up to it tells the same.
    fn row(&self, of: &Head, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns the rows of a head's table whose key has a prefix, in the order of their keys. Fails as [`Cache::row`].
    fn rows(&self, of: &Head, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Returns rows as [`Cache::rows`] whose key comes after one, or from the first on: as many as are at hand together, and
    /// at least one where there is any, so that a table of many phases is read piece by piece.
    fn rows_after(
        &self,
        of: &Head,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut rows = self.rows(of, prefix)?;
        let start = rows.partition_point(|(key, _)| after.is_some_and(|after| key.as_str() <= after));
        Ok(rows.split_off(start))
    }

    /// Returns the last snapshot at or before a place, where one is kept. The caller checks it.
    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError>;

    /// Returns the rows of the last snapshot at or before a place, of which a few are read. The caller checks them.
    fn past_rows(&self, at_most: Seq) -> Result<Option<Box<dyn PastRows>>, StoreError> {
        Ok(self.snapshot(at_most)?.map(|snapshot| -> Box<dyn PastRows> { Box::new(snapshot) }))
    }

    /// Keeps a snapshot; a store may drop it at any time.
    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError>;

    /// Forgets every row and snapshot, so that they are made anew from the lines.
    fn forget_cache(&mut self) -> Result<(), StoreError>;
}

/// A log with the cache beside it, whose rows change in the same batch as the lines that they follow from.
pub trait Store: Log + Cache {}

impl<T: Log + Cache> Store for T {}

/// What went wrong with the machine, or with what was on it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no ledger.
    #[error("no ledger at `{path}`")]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// Another process held the ledger for the whole time.
    #[error("another process has held the ledger for {}", humantime::format_duration(*waited))]
    LockTimeout {
        /// How long was waited.
        waited: Duration,
    },
    /// What is on the disk is not what was written.
    #[error("the ledger is damaged: {found}")]
    Damaged {
        /// What was found, and what was expected.
        found: String,
    },
    /// Parts of a log are there, but not all.
    #[error("`{path}` holds the remains of a log: it has {there}, but lacks {missing}")]
    Remains {
        /// The folder.
        path: String,
        /// What is there, in backticks.
        there: String,
        /// What is missing, in backticks.
        missing: String,
    },
    /// The system's clock shows a time that sled cannot take.
    #[error("the system's clock is before 1970")]
    Clock,
    /// The ledger was written by a newer version.
    #[error("the ledger has format version {found}; this version reads up to {known}")]
    NewerFormat {
        /// What was found.
        found: u32,
        /// The newest one known.
        known: u32,
    },
    /// The head is no longer the one that was read: somebody has appended since.
    #[error("the ledger was changed by another process meanwhile")]
    Moved,
    /// The log was opened to be asked.
    #[error("the ledger was opened to be asked, not to record")]
    OnlyAsked,
    /// Whether a batch was written cannot be told.
    #[error("the store did not say whether the events were written")]
    Unknown,
    /// Something larger than the store can take.
    #[error("{what} has {found}; at most {max} can be kept")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The most there may be.
        max: usize,
    },
    /// The operating system refused: a full disk, a read-only directory.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
