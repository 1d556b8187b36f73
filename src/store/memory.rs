//! The log in memory: for tests, for previews, and for what need not outlive the process.

use std::collections::{BTreeMap, HashMap};

use super::{
    Appended, Batch, Cache, Frontier, Head, Limits, Log, SPAN_EVENTS, Snapshot, StoreError, TimeSpan, Times,
    Until,
};
use crate::model::{CommandId, Seq};

/// A store that lives as long as the value.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    frontier: Frontier,
    lines: Vec<String>,
    times: Vec<Times>,
    commands: HashMap<CommandId, Seq>,
    rows: BTreeMap<String, Vec<u8>>,
    fold_version: Option<u32>,
    snapshots: BTreeMap<Seq, Snapshot>,
}

impl MemoryStore {
    /// Makes an empty log.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    fn check_of(&self, of: &Head) -> Result<(), StoreError> {
        // A log that only grows has one root at a place.
        match of.seq.number() == self.lines.len() as u64 && of.fold_version == self.fold_version {
            true => Ok(()),
            false => Err(StoreError::Moved),
        }
    }
}

impl Log for MemoryStore {
    fn head(&self) -> Result<Head, StoreError> {
        Ok(Head {
            seq: Seq::new(self.lines.len() as u64),
            root: self.frontier.root(),
            times: self.times.last().copied(),
            fold_version: self.fold_version,
        })
    }

    fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        let start = usize::try_from(after.number()).unwrap_or(usize::MAX);
        Ok(self.lines.iter().skip(start).take(limit).cloned().collect())
    }

    fn append(&mut self, expected: &Head, batch: &Batch) -> Result<Appended, StoreError> {
        let head = self.head()?;
        if head != *expected {
            return Ok(Appended::Conflict(head));
        }
        for entry in &batch.entries {
            self.frontier.push(entry.line.as_bytes());
            self.lines.push(entry.line.clone());
            self.times.push(entry.times);
            self.commands.entry(entry.command_id).or_insert(Seq::new(self.lines.len() as u64));
        }
        // What changes says nothing where it is not known what it changes.
        if !(batch.rows.replace || self.fold_version.is_some() || head.seq == Seq::ZERO) {
            return Ok(Appended::Done(self.head()?));
        }
        if batch.rows.replace {
            self.rows.clear();
        }
        for (key, value) in &batch.rows.rows {
            match value {
                Some(value) => self.rows.insert(key.clone(), value.clone()),
                None => self.rows.remove(key),
            };
        }
        self.fold_version = Some(batch.rows.fold_version);
        Ok(Appended::Done(self.head()?))
    }

    fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        Ok(self.commands.get(&command).copied())
    }

    fn seek(&self, until: Until) -> Result<Seq, StoreError> {
        let count = self.times.partition_point(|times| until.includes(times.recorded_at));
        Ok(Seq::new(count as u64))
    }

    fn spans(&self) -> Result<Vec<TimeSpan>, StoreError> {
        let mut spans: Vec<TimeSpan> = Vec::new();
        for (at, times) in self.times.chunks(SPAN_EVENTS).enumerate() {
            let first = Seq::new((at * SPAN_EVENTS) as u64 + 1);
            spans.extend(TimeSpan::of(first, times, spans.last().map(|span| span.running)));
        }
        Ok(spans)
    }

    fn limits(&self) -> Limits {
        Limits { line_bytes_max: 64 << 20, batch_events_max: 1 << 20 }
    }
}

impl Cache for MemoryStore {
    fn row(&self, of: &Head, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.check_of(of)?;
        Ok(self.rows.get(key).cloned())
    }

    fn rows(&self, of: &Head, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.check_of(of)?;
        let rows = self.rows.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(rows.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn snapshot(&self, at_most: Seq) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.snapshots.range(..=at_most).next_back().map(|(_, snapshot)| snapshot.clone()))
    }

    fn keep_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.snapshots.insert(snapshot.seq, snapshot.clone());
        Ok(())
    }

    fn forget_cache(&mut self) -> Result<(), StoreError> {
        self.rows.clear();
        self.snapshots.clear();
        self.fold_version = None;
        Ok(())
    }
}
