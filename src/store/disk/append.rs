//! Writing: the one way in which the log changes.

use super::head_rows::HeadRows;
use super::journal::{self, Failed};
use super::since::{self, SinceFile};
use super::{DiskStore, archive, damaged, follow, head};
use crate::model::Seq;
use crate::store::{Appended, Batch, Entry, Head, Limits, RowChanges, StoreError};

/// Lines and batches are held in memory several times over while they are written.
pub(super) const LIMITS: Limits = Limits { line_bytes_max: 64 << 20, batch_events_max: 1 << 20 };
/// The most bytes in a row.
const VALUE_BYTES_MAX: usize = 1 << 30;
/// The most bytes in a row's key.
const KEY_BYTES_MAX: usize = 1 << 10;

/// Appends a batch: to the journal, or, with all that is there, as a segment. Then come the witnesses, the rows, and now and
/// then sled.
pub(super) fn append(store: &mut DiskStore, expected: &Head, batch: &Batch) -> Result<Appended, StoreError> {
    check_sizes(batch)?;
    let before = head(&store.view.state, store.fold_version());
    if before != *expected {
        return Ok(Appended::Conflict(before));
    }
    if store.journal_is_old {
        archive::renew_journal(store)?;
    }
    let is_archived = archive::is_due(store, &batch.entries);
    let committed = match (batch.entries.is_empty(), is_archived) {
        (true, _) => Ok(()),
        (false, true) => archive::commit(store, &batch.entries),
        (false, false) => commit(store, &batch.entries),
    };
    match committed {
        Ok(()) => {}
        Err(Failed::Nothing(error)) => return Err(error),
        Err(Failed::InDoubt(error)) => {
            doubt(store, &error);
            return Ok(Appended::Unknown);
        }
    }
    if !batch.entries.is_empty() {
        store.witnesses.note(&store.view.state);
    }
    match note_rows(store, &before, batch) {
        // A batch of rows alone is nothing else than that; the events of another one are durable by now.
        Err(error) if batch.entries.is_empty() => return Err(error),
        Ok(()) | Err(_) => {}
    }
    if is_archived {
        archive::tidy(store);
    }
    follow::follow(store);
    Ok(Appended::Done(head(&store.view.state, store.fold_version())))
}

/// Adds a frame to the journal, durably.
fn commit(store: &mut DiskStore, entries: &[Entry]) -> Result<(), Failed> {
    let bytes = journal::frame(&store.view.state, entries);
    store.journal.write(&bytes)?;
    store.journal.make_durable(bytes.len()).map_err(Failed::InDoubt)?;
    let state = store.view.state.after(entries);
    store.view.add(state, entries);
    Ok(())
}

/// Notes which rows changed, here and for the processes behind this one. Where that is much, or much was noted, a snapshot tells
/// all of them.
fn note_rows(store: &mut DiskStore, before: &Head, batch: &Batch) -> Result<(), StoreError> {
    let (rows, state) = (&batch.rows, &store.view.state);
    // What changes says nothing where it is not known what it changes.
    let counts = rows.replace || before.fold_version.is_some() || before.seq == Seq::ZERO;
    let since = store.since.take();
    if !counts || store.rows_failed.replace(false) {
        store.rows = None;
        since::forget(&store.dir);
        return Ok(());
    }
    store.rows.get_or_insert_with(HeadRows::none).change(rows, state.seq());
    let is_much = since::rows_bytes(rows) > since::ENTRY_BYTES_MAX;
    if is_much && state.seq() > Seq::ZERO {
        return archive::take_snapshot(store);
    }
    let since = match since.filter(|_| !rows.replace) {
        Some(mut since) => since.add(before.seq, state, rows).map(|()| since)?,
        // Where all of them are told, nothing before it matters.
        None => all_rows(store)?,
    };
    let is_full = since.bytes >= since::BYTES_FULL && state.seq() > Seq::ZERO;
    store.since = Some(since);
    if is_full { archive::take_snapshot(store) } else { Ok(()) }
}

/// Begins the file of changed rows with all of them.
fn all_rows(store: &DiskStore) -> Result<SinceFile, StoreError> {
    let (fold_version, rows) = match &store.rows {
        Some(rows) => (rows.fold_version, rows.rows("")?),
        None => (0, Vec::new()),
    };
    let rows = rows.into_iter().map(|(key, value)| (key, Some(value))).collect();
    let state = &store.view.state;
    let mut since = SinceFile::begin(&store.dir, state)?;
    since.add(state.seq(), state, &RowChanges { fold_version, replace: true, rows })?;
    Ok(since)
}

fn doubt(store: &mut DiskStore, failure: &StoreError) {
    // What sled has, and what is noted of rows, is older than what may be there.
    store.tail = None;
    store.rows = None;
    store.since = None;
    store.doubt = Some(match failure {
        StoreError::Io { source, .. } => (source.kind(), source.to_string()),
        other => (std::io::ErrorKind::Other, other.to_string()),
    });
}

/// Refuses what is too large.
fn check_size(what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
    match found > max {
        true => Err(StoreError::TooLarge { what, found, max }),
        false => Ok(()),
    }
}

fn check_sizes(batch: &Batch) -> Result<(), StoreError> {
    check_size("a batch (events)", batch.entries.len(), LIMITS.batch_events_max)?;
    for entry in &batch.entries {
        check_size("a line (bytes)", entry.line.len(), LIMITS.line_bytes_max)?;
        if entry.line.contains('\n') {
            return Err(damaged("a line has an end within".to_owned()));
        }
    }
    for (key, value) in &batch.rows.rows {
        check_size("a row's key (bytes)", key.len(), KEY_BYTES_MAX)?;
        check_size("a row (bytes)", value.as_ref().map_or(0, Vec::len), VALUE_BYTES_MAX)?;
    }
    Ok(())
}
