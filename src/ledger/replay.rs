//! Reading the log back: events in order, and the table after any prefix.

use std::collections::VecDeque;

use super::lines::{At, ReadLine};
use super::{LedgerError, rows};
use crate::model::{Digest, Places, RecordReader, Recorded, Seq, Span};
use crate::rules::{FOLD_VERSION, Table, evolve, evolve_late, judge_cut};
use crate::store::{
    BUNDLES_TOGETHER, Bundle, Frontier, LINES_ALONE, Snapshot, Store, StoreError, Unpacked, Until,
    each_in_order, piece_of,
};

/// How many lines are read at a time.
pub(super) const LINES_PER_READ: u64 = 1024;

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

/// Does `work` on the lines of each bundle of a part of the log, ahead and on other threads where there are any, and takes
/// what came of it in order.
///
/// # Errors
///
/// What cannot be read, and those of `take`: the first of them.
pub(super) fn each_bundle<Out: Send, E: From<StoreError>>(
    store: &dyn Store,
    part: Span,
    work: impl Fn(&Unpacked) -> Out + Sync,
    mut take: impl FnMut(Out) -> Result<(), E>,
) -> Result<(), E> {
    let mut after = part.after;
    let mut next = || {
        // Not as many as are left to be read: what is kept together is unpacked once.
        let limit = Span { after, ..part }.events().min(LINES_PER_READ);
        if limit == 0 {
            return Ok(None);
        }
        let bundle = store.bundle(after, usize::try_from(limit).unwrap_or(usize::MAX))?;
        after = after.plus(bundle.count() as u64);
        Ok(Some(bundle).filter(|bundle| bundle.count() > 0))
    };
    let read = || piece_of(BUNDLES_TOGETHER, &mut next);
    let work = |bundle: Bundle| bundle.unpack().map(|lines| work(&lines));
    each_in_order(LINES_ALONE, read, work, |worked| take(worked?))
}

/// Takes each event of a part of the log, in order.
pub(super) fn each_record(
    store: &dyn Store,
    part: Span,
    mut take: impl FnMut(Recorded) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let mut seq = part.after;
    let read = |lines: &Unpacked| {
        let mut reader = RecordReader::of_many();
        lines.iter().map(|line| reader.read(line)).collect::<Vec<_>>()
    };
    each_bundle(store, part, read, |records| {
        records.into_iter().try_for_each(|record| {
            seq = seq.plus(1);
            take(record.map_err(|source| LedgerError::Line { seq, source })?)
        })
    })
}

/// The table after a prefix, with the tree over the prefix's lines.
#[derive(Default)]
pub(super) struct Fold {
    pub(super) table: Table,
    frontier: Frontier,
}

/// Folds a prefix: from the nearest snapshot that can be trusted, or from the start. A fold that reaches the
/// head proves itself by its root.
pub(super) fn fold(store: &dyn Store, seq: Seq) -> Result<Fold, LedgerError> {
    let near = nearest(store, seq)?;
    let is_from_start = near.table.head == Seq::ZERO;
    match checked(store, go_on(store, near, seq)?) {
        // A snapshot that is at odds with the log is none.
        Err(LedgerError::Store(StoreError::Damaged { .. })) if !is_from_start => {
            checked(store, go_on(store, Fold::default(), seq)?)
        }
        checked => checked,
    }
}

/// Folds the events that follow, up to a place.
fn go_on(store: &dyn Store, mut fold: Fold, seq: Seq) -> Result<Fold, LedgerError> {
    let part = Span { after: fold.table.head, through: seq };
    let read = |lines: &Unpacked| ReadLine::all(lines.iter());
    let folded = each_bundle(store, part, read, |lines| {
        lines.into_iter().try_for_each(|line| {
            let place = fold.table.head.plus(1);
            let record = line.record.map_err(|source| LedgerError::Line { seq: place, source })?;
            evolve(&mut fold.table, &record)?;
            fold.frontier.push_leaf(&line.leaf);
            Ok(())
        })
    });
    folded.map(|()| fold)
}

/// Refuses a fold that reaches the head and is not that of its lines.
fn checked(store: &dyn Store, fold: Fold) -> Result<Fold, LedgerError> {
    let (head, root) = (store.head()?, fold.frontier.root());
    if fold.table.head == head.seq && root != head.root {
        let found = format!("the root at event {} is {}, expected {}", head.seq, root, head.root);
        return Err(StoreError::Damaged { found }.into());
    }
    Ok(fold)
}

/// Folds the events at some places: those up to the first that is missing as they were, the late ones as they fit.
pub(super) fn fold_places(store: &dyn Store, places: &Places) -> Result<Table, LedgerError> {
    let mut table = fold(store, places.prefix())?.table;
    let late = places.late();
    for span in late.spans() {
        for record in Records::new(store, span.after, span.through) {
            evolve_late(&mut table, &record?)?;
        }
    }
    if !late.is_empty() {
        judge_cut(&mut table);
    }
    Ok(table)
}

/// Returns which events up to a place took effect by an instant. Only where some may have and others not is the log read.
pub(super) fn took_effect(store: &dyn Store, until: Until, through: Seq) -> Result<Places, LedgerError> {
    let mut places = Places::default();
    for span in store.spans()?.into_iter().take_while(|span| span.first <= through) {
        let part = Span { after: span.first.minus(1), through: span.last.min(through) };
        if until.includes(span.at.1) {
            places.add(part);
        } else if until.includes(span.at.0) {
            let limit = usize::try_from(part.events()).unwrap_or(usize::MAX);
            for (index, line) in store.read(part.after, limit)?.iter().enumerate() {
                let seq = part.after.plus(index as u64 + 1);
                let line: At = serde_json::from_str(line)
                    .map_err(|error| LedgerError::Line { seq, source: error.into() })?;
                if until.includes(line.at) {
                    places.add(Span { after: seq.minus(1), through: seq });
                }
            }
        }
    }
    Ok(places)
}

/// Returns the Merkle root over the lines at some places.
pub(super) fn root_of(store: &dyn Store, places: &Places) -> Result<Digest, LedgerError> {
    let mut frontier = frontier_at(store, places.prefix())?;
    for span in places.late().spans() {
        let mut records = Records::new(store, span.after, span.through);
        while let Some(line) = records.line()? {
            frontier.push(line.as_bytes());
            records.next = records.next.plus(1);
        }
    }
    Ok(frontier.root())
}

/// Returns the Merkle tree over a prefix, reading no more lines than since the nearest snapshot.
fn frontier_at(store: &dyn Store, seq: Seq) -> Result<Frontier, LedgerError> {
    let mut frontier = nearest(store, seq)?.frontier;
    let mut records = Records::new(store, Seq::new(frontier.leaves()), seq);
    while let Some(line) = records.line()? {
        frontier.push(line.as_bytes());
        records.next = records.next.plus(1);
    }
    Ok(frontier)
}

/// Reads the last snapshot at or before a place that is of this fold and does not contradict itself; the empty table
/// where there is none.
fn nearest(store: &dyn Store, seq: Seq) -> Result<Fold, LedgerError> {
    let mut at_most = seq;
    while let Some(snapshot) = store.snapshot(at_most)? {
        let place = snapshot.seq;
        if let Some(fold) = read_snapshot(snapshot) {
            return Ok(fold);
        }
        if place == Seq::ZERO {
            break;
        }
        at_most = place.minus(1);
    }
    Ok(Fold::default())
}

/// Reads a snapshot; none when another fold made it, it cannot be read, or it contradicts itself.
fn read_snapshot(snapshot: Snapshot) -> Option<Fold> {
    let Snapshot { seq, frontier, fold_version, rows } = snapshot;
    let is_own = fold_version == FOLD_VERSION && frontier.leaves() == seq.number();
    let table = is_own.then(|| rows::table(seq, rows).ok()).flatten()?;
    Some(Fold { table, frontier })
}

/// Makes a snapshot of a table.
pub(super) fn snapshot(table: &Table, frontier: &Frontier) -> Snapshot {
    let rows = rows::all(table).rows.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    Snapshot { seq: table.head, frontier: frontier.clone(), fold_version: FOLD_VERSION, rows }
}

/// How many events are between two snapshots of a log that comes as a whole, at least.
const SNAPSHOT_EVENTS: u64 = 1 << 16;

/// How many bytes of rows are held at most until they can be kept.
const SNAPSHOT_BYTES_MAX: usize = 32 << 20;

/// Snapshots that are taken of a log that is not there yet.
#[derive(Debug)]
pub(super) struct Taken {
    after: Seq,
    /// None where they are too large to be held.
    snapshots: Option<Vec<Snapshot>>,
    bytes: usize,
}

impl Taken {
    /// Begins behind a place.
    pub(super) fn new(after: Seq) -> Self {
        Taken { after, snapshots: Some(Vec::new()), bytes: 0 }
    }

    /// Takes one of a table, where that is at such a place, or the last one.
    pub(super) fn take(&mut self, table: &Table, frontier: &Frontier, is_last: bool) {
        let events = table.head.number().saturating_sub(self.after.number());
        let is_due = events > 0 && events.is_multiple_of(SNAPSHOT_EVENTS) != is_last;
        let Some(snapshots) = self.snapshots.as_mut().filter(|_| is_due) else { return };
        let taken = snapshot(table, frontier);
        self.bytes += taken.rows.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        snapshots.push(taken);
        if self.bytes > SNAPSHOT_BYTES_MAX {
            self.snapshots = None;
        }
    }

    /// Keeps them once the log is there, up to a place; those that could not be held are made anew.
    pub(super) fn keep(self, store: &mut dyn Store, through: Seq) -> Result<(), LedgerError> {
        match self.snapshots {
            Some(snapshots) => Ok(snapshots.iter().try_for_each(|snapshot| store.keep_snapshot(snapshot))?),
            None => keep_snapshots(store, self.after, through),
        }
    }
}

/// Keeps snapshots of the tables between two places, and of the last one.
pub(super) fn keep_snapshots(store: &mut dyn Store, after: Seq, through: Seq) -> Result<(), LedgerError> {
    let mut place = after;
    while place < through {
        place = place.plus(SNAPSHOT_EVENTS).min(through);
        let fold = fold(store, place)?;
        store.keep_snapshot(&snapshot(&fold.table, &fold.frontier))?;
    }
    Ok(())
}
