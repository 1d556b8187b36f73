//! Ledgers that tests play on, look into and damage.

use std::cell::RefCell;
use std::rc::Rc;

use phaseledger::ledger::{Answer, Ledger, LedgerError};
use phaseledger::model::{CommandId, Seq};
use phaseledger::store::{
    Appended, Axis, Batch, Head, Limits, MemoryStore, Snapshot, Store, StoreError, Until,
};
use proptest::test_runner::Config;
use serde_json::Value;

use crate::generate::Sent;

/// So many cases, unless `PROPTEST_CASES` says otherwise. Found cases are not kept in files: one that is
/// worth keeping becomes a test of its own.
pub fn cases(cases: u32) -> Config {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: wanted.unwrap_or(cases), failure_persistence: None, ..Config::default() }
}

/// A memory store that a test keeps hold of while a ledger has it.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    pub store: Rc<RefCell<MemoryStore>>,
    /// A line's index, and what is read instead of it.
    pub instead: Rc<RefCell<Option<(usize, String)>>>,
}

impl Shared {
    pub fn ledger(&self) -> Ledger {
        Ledger::new(Box::new(self.clone()))
    }

    /// Returns all lines.
    pub fn lines(&self) -> Vec<String> {
        self.read(Seq::ZERO, usize::MAX).expect("memory")
    }

    /// Returns all lines after a place as JSON.
    pub fn json(&self, after: Seq) -> Vec<Value> {
        let lines = self.read(after, usize::MAX).expect("memory");
        lines.iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// Returns all rows.
    pub fn all_rows(&self) -> Vec<(String, Vec<u8>)> {
        self.rows("").expect("memory")
    }
}

impl Store for Shared {
    fn head(&self) -> Result<Head, StoreError> {
        self.store.borrow().head()
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        let mut lines = self.store.borrow().read(after, limit)?;
        if let Some((index, line)) = &*self.instead.borrow()
            && let Some(index) = index.checked_sub(after.number() as usize)
            && let Some(kept) = lines.get_mut(index)
        {
            kept.clone_from(line);
        }
        Ok(lines)
    }

    fn append(&mut self, expected: Seq, batch: &Batch) -> Result<Appended, StoreError> {
        self.store.borrow_mut().append(expected, batch)
    }

    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        self.store.borrow().find(command)
    }

    fn seek(&self, axis: Axis, until: Until) -> Result<Seq, StoreError> {
        self.store.borrow().seek(axis, until)
    }

    fn limits(&self) -> Limits {
        self.store.borrow().limits()
    }

    fn row(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.borrow().row(key)
    }

    fn rows(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.store.borrow().rows(prefix)
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        self.store.borrow().snapshot(at_most)
    }

    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.store.borrow_mut().keep_snapshot(snapshot)
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        self.store.borrow_mut().forget_cache()
    }
}

/// Submits commands one by one; an answer that the machine is to blame for fails the test.
pub fn play(ledger: &mut Ledger, sent: &[Sent]) -> Vec<Result<Answer, LedgerError>> {
    sent.iter().map(|sent| submit(ledger, sent)).collect()
}

/// Submits a command; an answer that the machine is to blame for fails the test.
pub fn submit(ledger: &mut Ledger, sent: &Sent) -> Result<Answer, LedgerError> {
    blameless(ledger.submit(&sent.command, sent.now))
}

/// Returns the answer, which may be a refusal, but not one that the machine is to blame for.
pub fn blameless(answer: Result<Answer, LedgerError>) -> Result<Answer, LedgerError> {
    match answer {
        Ok(_) | Err(LedgerError::Rejected(_) | LedgerError::IdConflict { .. }) => answer,
        Err(error) => panic!("not a refusal: {error:?}"),
    }
}
