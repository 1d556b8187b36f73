//! Ledgers that tests play on, look into and damage.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use phaseledger::ledger::{Answer, Ledger, LedgerError};
use phaseledger::model::{CommandId, Seq};
use phaseledger::store::{
    Appended, Batch, Cache, Frontier, Head, Limits, Log, MemoryStore, Snapshot, StoreError, TimeSpan, Until,
};
use proptest::test_runner::{Config, RngSeed};
use serde_json::Value;

use crate::generate::Sent;
use crate::numbers;

/// So many cases, unless `PROPTEST_CASES` says otherwise, of a seed that is printed: another one in each run, unless
/// `PROPTEST_RNG_SEED` says which. Found cases are not kept in files: one that is worth keeping becomes a test of its own.
pub fn cases(cases: u32) -> Config {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
    let seed = numbers::seed("PROPTEST_RNG_SEED", u64::from(now.subsec_nanos()));
    let cases = numbers::setting("PROPTEST_CASES", cases.into());
    let cases = u32::try_from(cases).expect("not that many");
    Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() }
}

/// A memory store that a test keeps hold of while a ledger has it.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    store: Arc<Mutex<MemoryStore>>,
    /// A line's index, and what is read instead of it.
    instead: Arc<Mutex<Option<(usize, String)>>>,
    /// What parts of the log say that the lines up to their ends add up to.
    parts: Arc<Mutex<Vec<Frontier>>>,
}

impl Shared {
    /// Takes hold of the store itself.
    pub fn store(&self) -> MutexGuard<'_, MemoryStore> {
        self.store.lock().expect("no test panics with it")
    }

    /// Says which line is read as another one.
    pub fn read_instead(&self, line: Option<(usize, String)>) {
        *self.instead.lock().expect("no test panics with it") = line;
    }

    /// Says what parts of the log say of the lines up to their ends.
    pub fn say_of_parts(&self, parts: Vec<Frontier>) {
        *self.parts.lock().expect("no test panics with it") = parts;
    }

    /// Returns another store that has what this one has.
    pub fn fork(&self) -> Shared {
        Shared { store: Arc::new(Mutex::new(self.store().clone())), ..Shared::default() }
    }

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
        let head = self.head().expect("memory");
        self.rows(&head, "").expect("memory")
    }
}

impl Log for Shared {
    fn head(&self) -> Result<Head, StoreError> {
        self.store().head()
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        let mut lines = self.store().read(after, limit)?;
        if let Some((index, line)) = &*self.instead.lock().expect("no test panics with it")
            && let Some(index) = index.checked_sub(after.number() as usize)
            && let Some(kept) = lines.get_mut(index)
        {
            kept.clone_from(line);
        }
        Ok(lines)
    }

    fn append(&mut self, expected: &Head, batch: &Batch) -> Result<Appended, StoreError> {
        self.store().append(expected, batch)
    }

    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        self.store().find(command)
    }

    fn seek(&self, until: Until) -> Result<Seq, StoreError> {
        self.store().seek(until)
    }

    fn spans(&self) -> Result<Vec<TimeSpan>, StoreError> {
        self.store().spans()
    }

    fn limits(&self) -> Limits {
        self.store().limits()
    }

    fn check_beside(&self) -> Result<Vec<Frontier>, StoreError> {
        Ok(self.parts.lock().expect("no test panics with it").clone())
    }
}

impl Cache for Shared {
    fn row(&self, of: &Head, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store().row(of, key)
    }

    fn rows(&self, of: &Head, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.store().rows(of, prefix)
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        self.store().snapshot(at_most)
    }

    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.store().keep_snapshot(snapshot)
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        self.store().forget_cache()
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
