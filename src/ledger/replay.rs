//! Reading the log back: events in order, and the table after any prefix.

use std::collections::VecDeque;

use super::LedgerError;
use crate::model::{Digest, Recorded, Seq};
use crate::rules::{FOLD_VERSION, Table, evolve};
use crate::store::{Snapshot, Store};

/// How many lines are read at a time.
const LINES_PER_READ: u64 = 1024;

/// The fewest events between two snapshots.
pub(super) const SNAPSHOT_EVENTS_MIN: u64 = 16_384;

/// The events of a part of the log, read as they are asked for.
pub struct Records<'a> {
    store: &'a dyn Store,
    next: Seq,
    through: Seq,
    lines: VecDeque<String>,
}

impl<'a> Records<'a> {
    pub(super) fn new(store: &'a dyn Store, after: Seq, through: Seq) -> Self {
        Records { store, next: after.plus(1), through, lines: VecDeque::new() }
    }

    fn line(&mut self) -> Result<Option<String>, LedgerError> {
        if self.next > self.through {
            return Ok(None);
        }
        if self.lines.is_empty() {
            let left = self.through.number() - self.next.number() + 1;
            let limit = usize::try_from(left.min(LINES_PER_READ)).unwrap_or(usize::MAX);
            self.lines = self.store.read(self.next.minus(1), limit)?.into();
        }
        Ok(self.lines.pop_front())
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Recorded, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.line() {
            Ok(line) => line?,
            Err(error) => {
                self.next = self.through.plus(1);
                return Some(Err(error));
            }
        };
        let seq = self.next;
        self.next = seq.plus(1);
        Some(Recorded::from_line(&line).map_err(|source| LedgerError::Line { seq, source }))
    }
}

/// Returns the table after a prefix: from the nearest snapshot that can be trusted, or from the start.
pub(super) fn table_at(store: &dyn Store, seq: Seq) -> Result<Table, LedgerError> {
    let mut table = store.snapshot(seq)?.and_then(|snapshot| read_snapshot(&snapshot)).unwrap_or_default();
    for record in Records::new(store, table.head, seq) {
        evolve(&mut table, &record?)?;
    }
    Ok(table)
}

/// Writes a table as a snapshot.
pub(super) fn snapshot(table: &Table, root: Digest) -> Snapshot {
    let phases: Vec<_> = table.phases.values().collect();
    let dependants: Vec<_> = table.dependants.iter().collect();
    let table_json = serde_json::to_vec(&(table.head, &table.workflows, phases, dependants, &table.tags))
        .expect("a table has string keys and finite numbers");
    Snapshot { seq: table.head, root, fold_version: FOLD_VERSION, table: table_json }
}

/// Reads a snapshot; none when another fold made it, or it cannot be read.
fn read_snapshot(snapshot: &Snapshot) -> Option<Table> {
    if snapshot.fold_version != FOLD_VERSION {
        return None;
    }
    let (head, workflows, phases, dependants, tags) = serde_json::from_slice(&snapshot.table).ok()?;
    let phases: Vec<crate::rules::Phase> = phases;
    let dependants: Vec<(crate::model::PhaseId, _)> = dependants;
    let phases = phases.into_iter().map(|phase| (phase.id.clone(), phase)).collect();
    let table = Table { head, workflows, phases, dependants: dependants.into_iter().collect(), tags };
    (table.head == snapshot.seq).then_some(table)
}
