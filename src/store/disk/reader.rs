//! The log as whoever asks has it: opened without sled, without the lock, and without a write.

use std::cell::OnceCell;
use std::path::Path;

use super::head_rows::HeadRows;
use super::look::{Who, look};
use super::parts::{self, Parts};
use super::view::{LOOKS_MAX, View};
use super::{append, folder, head, head_rows, old, snapshot, takeover};
use crate::model::{CommandId, Places, Seq, Span};
use crate::store::{
    Appended, Batch, Bundle, Cache, Frontier, Head, Limits, Log, MemoryStore, PastRows, Snapshot, Sought,
    Store, StoreError, TimeSpan, Until,
};

/// A log in a directory, at the head that it had when it was opened. It keeps nobody waiting, and nobody keeps it.
#[derive(Debug)]
pub struct DiskReader {
    view: View,
    dir: std::path::PathBuf,
    /// The rows of the head, once they were asked for; none where they are not to be had.
    rows: OnceCell<Option<HeadRows>>,
}

/// A log that was opened to be asked.
pub struct Opened {
    /// The log, at one head.
    pub store: Box<dyn Store>,
    /// The last event, where a process that ended wrote it and never said so.
    pub left_over: Option<Seq>,
}

impl DiskReader {
    /// Opens the log in a directory.
    ///
    /// # Errors
    ///
    /// As for [`DiskStore::open`](super::DiskStore::open), but for the lock.
    pub fn open(dir: &Path) -> Result<Opened, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let before = folder::inode(dir).ok();
            let opened = Self::open_once(dir);
            // What was being read may have been taken over meanwhile.
            if opened.is_ok() || tries == LOOKS_MAX || folder::inode(dir).ok() == before {
                return opened;
            }
        }
    }

    fn open_once(dir: &Path) -> Result<Opened, StoreError> {
        let dir = takeover::place(dir);
        match parts::find(&dir)? {
            Parts::None | Parts::Begun | Parts::Unwitnessed => {
                Err(StoreError::Missing { path: dir.display().to_string() })
            }
            Parts::Old => {
                let mut store = MemoryStore::new();
                old::read(&dir, |batch| {
                    let head = store.head()?;
                    store.append(&head, batch).map(drop)
                })?;
                Ok(Opened { store: Box::new(store), left_over: None })
            }
            Parts::All => {
                let looked = look(&dir, Who::Asker)?;
                let end = looked.view.state.seq();
                let left_over = looked.is_left_over.then_some(end);
                let reader = DiskReader { view: looked.view, dir, rows: OnceCell::new() };
                Ok(Opened { store: Box::new(reader), left_over })
            }
        }
    }
}

impl DiskReader {
    /// Returns the rows of the head. Where they cannot be read they are folded from the log, which tells the same.
    fn head_rows(&self) -> Result<&HeadRows, StoreError> {
        let rows = self.rows.get_or_init(|| HeadRows::of(&self.dir, &self.view.state));
        rows.as_ref().ok_or(StoreError::Moved)
    }
}

impl Log for DiskReader {
    fn head(&self) -> Result<Head, StoreError> {
        let fold_version = match self.rows.get() {
            None => head_rows::fold_version(&self.dir, self.view.state.seq()),
            Some(rows) => rows.as_ref().map(|rows| rows.fold_version),
        };
        Ok(head(&self.view.state, fold_version))
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        self.view.read(after, limit)
    }

    fn bundle(&self, after: Seq, limit: usize) -> Result<Bundle, StoreError> {
        self.view.bundle(after, limit)
    }

    fn append(&mut self, _expected: &Head, _batch: &Batch) -> Result<Appended, StoreError> {
        Err(StoreError::OnlyAsked)
    }

    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        self.view.find(command)
    }

    fn seek(&self, until: Until) -> Result<Seq, StoreError> {
        self.view.seek(until)
    }

    fn spans(&self) -> Result<Vec<TimeSpan>, StoreError> {
        self.view.spans()
    }

    fn places_of(&self, sought: Sought<'_>, within: Span) -> Result<Places, StoreError> {
        self.view.places_of(sought, within)
    }

    fn limits(&self) -> Limits {
        append::LIMITS
    }

    fn check(&self) -> Result<(), StoreError> {
        self.view.check()
    }

    fn check_beside(&self) -> Result<Vec<Frontier>, StoreError> {
        self.view.check_beside()
    }
}

impl Cache for DiskReader {
    fn row(&self, of: &Head, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.head_rows().and_then(|rows| rows.check_of(of)?.row(key))
    }

    fn rows(&self, of: &Head, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.head_rows().and_then(|rows| rows.check_of(of)?.rows(prefix))
    }

    fn rows_after(
        &self,
        of: &Head,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.head_rows().and_then(|rows| rows.check_of(of)?.rows_after(prefix, after))
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        snapshot::last(&self.dir, at_most.min(self.view.state.seq()))
    }

    fn past_rows(&self, at_most: Seq) -> Result<Option<Box<dyn PastRows>>, StoreError> {
        snapshot::last_rows(&self.dir, at_most.min(self.view.state.seq()))
    }

    fn keep_snapshot(&mut self, _snapshot: &Snapshot) -> Result<(), StoreError> {
        Err(StoreError::OnlyAsked)
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        Err(StoreError::OnlyAsked)
    }
}
