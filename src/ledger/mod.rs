//! The one loop: read, replay, decide, propagate, stamp, append.
//!
//! ```text
//!   Command ──▶ Session: load rows ─▶ decide ─▶ stamp ─▶ evolve ─▶ propagate ─▶ stamp ─▶ evolve
//!                                                                                          │
//!   Answer  ◀── durable ◀── append (lines and rows, one batch, expected head) ◀────────────┘
//! ```
//!
//! A [`Ledger`] is a store with that loop around it; [`Ledger::record`] adds what one try does not do: files that are
//! read while nothing is held, and further tries where others were first. What asks about the past reads
//! [`Ledger::records`] and [`Ledger::table_at`]; both see whole commands only.

mod audit;
mod derived;
mod export;
mod history;
mod identity;
mod lines;
mod loader;
mod past;
mod past_table;
mod record;
mod replay;
mod restore;
mod rows;
mod salvaged;
mod session;
mod spent;
mod tables;
mod told;
mod verify;

use std::path::Path;
use std::time::Duration;

pub(crate) use crate::store::{BUNDLES_TOGETHER, Bundle, LINES_ALONE, Unpacked, each_in_order, piece_of};
pub use crate::store::{Head, Sought, Until};
pub use audit::VerifyError;
pub use export::{EXPORT_SCHEMA, ExportEnd, RestoreError, SALVAGED_SCHEMA, SalvagedEnd, Stretch};
pub use history::{HistoryError, HistoryOptions, Imported, import_history};
pub use identity::{IdConflict, check_repeats};
pub use record::{How, Recorder, Recording, Unrecorded};
pub use replay::Records;
pub use restore::{CheckedExport, Restored, check_export, restore, restore_checked};
pub use salvaged::{SalvagedOptions, Taken, import_salvaged};
pub use session::{Answer, AnswerStatus, Session};
pub use verify::Verified;

use crate::model::{
    Command, CommandId, Digest, LineError, Places, Recorded, Seq, Span, Timestamp, WorkflowName,
};
use crate::rules::{Impossible, Rejection, Table};
use crate::store::{DiskReader, DiskStore, Store, StoreError};

/// How often something is tried anew at most when others append in between.
const TRIES_MAX: u32 = 8;

/// A ledger: one totally ordered log of events, with everything derived from it.
pub struct Ledger {
    store: Box<dyn Store>,
    preferred: Option<WorkflowName>,
}

/// Why the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The id is that of another command.
    #[error("the id {id} is that of event {seq}, which was asked for with other content: {conflict}")]
    IdConflict {
        /// The id.
        id: CommandId,
        /// The place of the command's first event.
        seq: Seq,
        /// What differs.
        conflict: Box<IdConflict>,
    },
    /// The machine refuses it, or what is on it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line in the log is not an event.
    #[error("event {seq} cannot be read: {source}")]
    Line {
        /// Its place.
        seq: Seq,
        /// Why not.
        source: LineError,
    },
    /// An event in the log cannot follow what is before it.
    #[error(transparent)]
    Impossible(#[from] Impossible),
    /// Another process appended at every try.
    #[error("other processes appended first, {tries} times in a row")]
    Busy {
        /// How often it was tried.
        tries: u32,
    },
}

impl Ledger {
    /// Puts the loop around a store.
    pub fn new(store: Box<dyn Store>) -> Self {
        Ledger { store, preferred: None }
    }

    /// Says which workflow is meant where several have a phase of a bare name, or where one is to be named and is not.
    pub fn preferring(self, workflow: Option<WorkflowName>) -> Self {
        Ledger { preferred: workflow, ..self }
    }

    /// Makes the log of a new ledger in a directory, or opens the one that is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn create(dir: &Path) -> Result<Self, LedgerError> {
        Ok(Ledger::new(Box::new(DiskStore::create(dir)?)))
    }

    /// Opens the log in a directory to record, waiting up to `lock_timeout` for other processes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn open(dir: &Path, lock_timeout: Duration) -> Result<Self, LedgerError> {
        Ok(Ledger::new(Box::new(DiskStore::open(dir, lock_timeout)?)))
    }

    /// Opens the log in a directory to be asked, as it is now: nobody is waited for, nobody has to wait, and nothing is
    /// written. Returns the last place too, where a process that ended wrote events and never said so.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn open_to_ask(dir: &Path) -> Result<(Self, Option<Seq>), LedgerError> {
        let opened = DiskReader::open(dir)?;
        Ok((Ledger::new(opened.store), opened.left_over))
    }

    /// Says whether there is a log in a directory, and changes nothing there.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`]; parts of a log that are no whole one are one.
    pub fn is_there(dir: &Path) -> Result<bool, LedgerError> {
        Ok(DiskStore::is_there(dir)?)
    }

    /// Opens the log in a directory as [`DiskStore::open_mending`], to make anew what is not the log itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn open_mending(dir: &Path, lock_timeout: Duration) -> Result<Self, LedgerError> {
        Ok(Ledger::new(Box::new(DiskStore::open_mending(dir, lock_timeout)?)))
    }

    /// Returns the place up to which the log in a directory is durable, without opening it, as
    /// [`DiskStore::durable`]: for whoever waits for events.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn durable(dir: &Path) -> Result<Seq, LedgerError> {
        Ok(DiskStore::durable(dir)?)
    }

    /// Returns the end of the log.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn head(&self) -> Result<Head, LedgerError> {
        Ok(self.store.head()?)
    }

    /// Records a command at the time `now`, or tells that it is recorded already. Where others append in between it is
    /// staged again, 8 times at most.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]; nothing is written then, but for [`StoreError::Unknown`].
    pub fn submit(&mut self, command: &Command, now: Timestamp) -> Result<Answer, LedgerError> {
        for _ in 0..TRIES_MAX {
            let mut session = self.begin()?;
            let answer = session.stage(command, now)?;
            match session.commit() {
                Err(LedgerError::Store(StoreError::Moved)) => {}
                committed => return committed.map(|()| answer),
            }
        }
        Err(LedgerError::Busy { tries: TRIES_MAX })
    }

    /// Tells what a command would record, by the same code, and writes nothing.
    ///
    /// # Errors
    ///
    /// As [`Ledger::submit`].
    pub fn preview(&mut self, command: &Command, now: Timestamp) -> Result<Answer, LedgerError> {
        let answer = self.begin()?.stage(command, now)?;
        Ok(Answer { status: answer.status.previewed(), ..answer })
    }

    /// Begins a batch: commands that are staged one by one and become durable together.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn session(&mut self) -> Result<Session<'_>, LedgerError> {
        let mut session = self.begin()?;
        session.load_names()?;
        Ok(session)
    }

    /// Begins a batch whose table has nothing that no command has needed.
    fn begin(&mut self) -> Result<Session<'_>, LedgerError> {
        let head = self.store.head()?;
        Session::new(self.store.as_mut(), head, self.preferred.clone())
    }

    /// Returns the table after a prefix of the log: from the nearest snapshot, or from the start.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn table_at(&self, seq: Seq) -> Result<Table, LedgerError> {
        Ok(self.told(replay::fold(self.store.as_ref(), seq)?.table))
    }

    /// Returns the table of the events at some places: a cut, which holds all that each of them rests on.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails; [`Impossible`] where it is no cut.
    pub fn table_of_places(&self, places: &Places) -> Result<Table, LedgerError> {
        Ok(self.told(replay::fold_places(self.store.as_ref(), places)?))
    }

    /// Returns the places up to one whose events took effect before a cut through time.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn took_effect(&self, until: Until, through: Seq) -> Result<Places, LedgerError> {
        replay::took_effect(self.store.as_ref(), until, through)
    }

    /// Returns the Merkle root over a prefix of the log.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn root_at(&self, seq: Seq) -> Result<Digest, LedgerError> {
        self.root_of(&Places::up_to(seq))
    }

    /// Returns the Merkle root over the lines at some places.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn root_of(&self, places: &Places) -> Result<Digest, LedgerError> {
        let head = self.store.head()?;
        match *places == Places::up_to(head.seq) {
            true => Ok(head.root),
            false => replay::root_of(self.store.as_ref(), places),
        }
    }

    /// Returns the events after one place up to and including another, in order.
    pub fn records(&self, after: Seq, through: Seq) -> Records<'_> {
        Records::new(self.store.as_ref(), after, through)
    }

    /// Takes each event after one place up to and including another, in order: as [`Ledger::records`], but read ahead on
    /// other threads, where there are any and many events.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails, and those of `take`.
    pub fn each_record(
        &self,
        after: Seq,
        through: Seq,
        take: impl FnMut(Recorded) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        replay::each_record(self.store.as_ref(), Span { after, through }, take)
    }

    /// Returns one event; none beyond the end of the log, and for place zero.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn event(&self, seq: Seq) -> Result<Option<Recorded>, LedgerError> {
        match seq {
            Seq::ZERO => Ok(None),
            _ => self.records(seq.minus(1), seq).next().transpose(),
        }
    }

    /// Returns the place of a command's first event.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn find(&self, command: CommandId) -> Result<Option<Seq>, LedgerError> {
        Ok(self.store.find(command)?)
    }

    /// Returns places of a span, among which all events of it are that are looked for; others may be there too.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn places_of(&self, sought: Sought<'_>, within: Span) -> Result<Places, LedgerError> {
        Ok(self.store.places_of(sought, within)?)
    }

    /// Returns the lines after a place, at most `limit`, byte for byte as they are kept.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn lines(&self, after: Seq, limit: usize) -> Result<Vec<String>, LedgerError> {
        Ok(self.store.read(after, limit)?)
    }

    /// Returns lines after a place that are kept together, at most `limit`, still packed.
    pub(crate) fn bundle(&self, after: Seq, limit: usize) -> Result<Bundle, LedgerError> {
        Ok(self.store.bundle(after, limit)?)
    }

    /// Returns the last place that was recorded before a cut.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as a [`LedgerError`].
    pub fn seek(&self, until: Until) -> Result<Seq, LedgerError> {
        Ok(self.store.seek(until)?)
    }
}
