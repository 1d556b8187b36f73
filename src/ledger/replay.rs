//! Reading the log back: events in order, and the table after any prefix.

use std::collections::VecDeque;

use super::LedgerError;
use crate::model::{Digest, PhaseId, Recorded, Seq};
use crate::rules::{Approval, FOLD_VERSION, Phase, Table, evolve};
use crate::store::{Frontier, Snapshot, Store, StoreError};

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

/// The table after a prefix, with the root over the prefix's lines.
pub(super) struct Fold {
    pub(super) table: Table,
    frontier: Frontier,
    /// How many events were replayed to make it.
    pub(super) replayed: u64,
}

/// Folds a prefix: from the nearest snapshot that can be trusted, or from the start. A fold that reaches the
/// head proves itself by its root.
pub(super) fn fold(store: &dyn Store, seq: Seq) -> Result<Fold, LedgerError> {
    let snapshot = store.snapshot(seq)?.and_then(|snapshot| read_snapshot(&snapshot));
    let (mut table, mut frontier) = snapshot.unwrap_or_default();
    let start = table.head;
    let mut records = Records::new(store, start, seq);
    while let Some(line) = records.line()? {
        let place = table.head.plus(1);
        let record = Recorded::from_line(&line).map_err(|source| LedgerError::Line { seq: place, source })?;
        evolve(&mut table, &record)?;
        frontier.push(line.as_bytes());
        records.next = records.next.plus(1);
    }
    let head = store.head()?;
    if table.head == head.seq && frontier.root() != head.root {
        let found = format!("the root at event {} is {}, expected {}", head.seq, frontier.root(), head.root);
        return Err(StoreError::Damaged { found }.into());
    }
    Ok(Fold { replayed: table.head.number() - start.number(), table, frontier })
}

/// Returns the Merkle root over a prefix, reading no more lines than since the nearest snapshot.
pub(super) fn root_at(store: &dyn Store, seq: Seq) -> Result<Digest, LedgerError> {
    let snapshot = store.snapshot(seq)?.and_then(|snapshot| read_snapshot(&snapshot));
    let (_, mut frontier) = snapshot.unwrap_or_default();
    let mut records = Records::new(store, Seq::new(frontier.leaves()), seq);
    while let Some(line) = records.line()? {
        frontier.push(line.as_bytes());
        records.next = records.next.plus(1);
    }
    Ok(frontier.root())
}

impl Fold {
    /// Says whether the events replayed outweigh the table, so that a snapshot would pay.
    pub(super) fn deserves_snapshot(&self) -> bool {
        self.replayed >= SNAPSHOT_EVENTS_MIN.max(self.table.phases.len() as u64)
    }

    /// Writes the fold as a snapshot.
    pub(super) fn snapshot(&self) -> Snapshot {
        let table = &self.table;
        let peaks: Vec<_> = self.frontier.peaks().to_vec();
        let phases: Vec<_> = table.phases.values().collect();
        let dependants: Vec<_> = table.dependants.iter().collect();
        let approvals: Vec<_> = table.approvals.values().collect();
        let parts = (peaks, &table.workflows, phases, dependants, &table.tags, approvals);
        let json = serde_json::to_vec(&parts).expect("a table has string keys and finite numbers");
        Snapshot { seq: table.head, root: self.frontier.root(), fold_version: FOLD_VERSION, table: json }
    }
}

/// Reads a snapshot; none when another fold made it, it cannot be read, or it contradicts itself.
fn read_snapshot(snapshot: &Snapshot) -> Option<(Table, Frontier)> {
    if snapshot.fold_version != FOLD_VERSION {
        return None;
    }
    let (peaks, workflows, phases, dependants, tags, approvals) =
        serde_json::from_slice(&snapshot.table).ok()?;
    let phases: Vec<Phase> = phases;
    let approvals: Vec<Approval> = approvals;
    let dependants: Vec<(PhaseId, _)> = dependants;
    let frontier = Frontier::from_parts(snapshot.seq.number(), peaks)?;
    let table = Table {
        head: snapshot.seq,
        workflows,
        phases: phases.into_iter().map(|phase| (phase.id.clone(), phase)).collect(),
        dependants: dependants.into_iter().collect(),
        tags,
        approvals: approvals.into_iter().map(|approval| (approval.request, approval)).collect(),
    };
    (frontier.root() == snapshot.root).then_some((table, frontier))
}
