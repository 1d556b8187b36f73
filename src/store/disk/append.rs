//! Writing: the one way in which the log changes.

use super::journal::{self, Failed};
use super::since::SinceFile;
use super::state::State;
use super::tail::{Changes, FRAME, Tail};
use super::{DiskStore, archive, damaged, head, rows, since};
use crate::model::Seq;
use crate::store::{Appended, Batch, Entry, Head, Limits, RowChanges, StoreError};

/// Lines and batches are held in memory several times over while they are written.
pub(super) const LIMITS: Limits = Limits { line_bytes_max: 64 << 20, batch_events_max: 1 << 20 };
/// The most bytes in a row.
const VALUE_BYTES_MAX: usize = 1 << 30;
/// The most bytes in a row's key.
const KEY_BYTES_MAX: usize = 1 << 10;

/// Appends a batch: to the journal, or, with all that is there, as a segment. Then come the witnesses, and sled.
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
    change_tail(store, batch, is_archived)?;
    note_rows(store, &before, batch);
    if is_archived {
        archive::tidy(store);
    }
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

/// Notes for whoever asks which rows changed. Where that cannot be told, or is much, a snapshot tells all of them.
fn note_rows(store: &mut DiskStore, before: &Head, batch: &Batch) {
    let rows = &batch.rows;
    let is_known = rows.replace || before.seq == Seq::ZERO || before.fold_version == Some(rows.fold_version);
    let is_kept = store.tail.as_ref().is_some_and(|tail| tail.fold_version == Some(rows.fold_version));
    let state = &store.view.state;
    let is_little = since::rows_bytes(rows) <= since::ENTRY_BYTES_MAX;
    let mut place = before.seq;
    if rows.replace && is_kept {
        // Where all of them are told, nothing before it matters.
        store.since = SinceFile::begin(&store.dir, state);
        place = state.seq();
    }
    let noted = store.since.as_mut().filter(|_| is_known && is_kept && is_little);
    if noted.and_then(|since| since.add(place, state, rows)).is_some() {
        return;
    }
    // What is noted from now on does not follow on what is there.
    store.since = None;
    if is_kept && !is_little {
        let _ = archive::take_snapshot(store);
    }
}

fn doubt(store: &mut DiskStore, failure: &StoreError) {
    // What sled has, and what is noted of rows, is older than what may be there.
    store.tail = None;
    store.since = None;
    store.doubt = Some(match failure {
        StoreError::Io { source, .. } => (source.kind(), source.to_string()),
        other => (std::io::ErrorKind::Other, other.to_string()),
    });
}

/// Changes what sled has. The events are durable by now: where sled fails, it is done without, and made anew later. A
/// batch of rows alone is nothing else than that.
fn change_tail(store: &mut DiskStore, batch: &Batch, is_archived: bool) -> Result<(), StoreError> {
    let Some(tail) = &mut store.tail else { return Ok(()) };
    match changed(tail, &store.view.state, store.front.seq(), batch, is_archived) {
        Err(error) if batch.entries.is_empty() => Err(error),
        Err(_) => {
            store.tail = None;
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn changed(
    tail: &mut Tail,
    state: &State,
    front: Seq,
    batch: &Batch,
    is_archived: bool,
) -> Result<(), StoreError> {
    let mut changes = Changes::default();
    if is_archived {
        use std::ops::Bound::{Excluded, Included};
        for key in tail.keys((Included(&[FRAME]), Excluded(&[FRAME + 1])))? {
            changes.forget(key);
        }
        tail.has_archived = true;
    } else if !batch.entries.is_empty() {
        let first = state.seq().minus(batch.entries.len() as u64 - 1);
        debug_assert!(first > front, "what is archived is no longer in the journal");
        changes.put_frame(first, &batch.entries)?;
    }
    // What changes says nothing where it is not known what it changes.
    let begins = state.seq().number() == batch.entries.len() as u64;
    let counts = batch.rows.replace || tail.fold_version.is_some() || begins;
    if counts {
        put_rows(tail, &mut changes, &batch.rows)?;
    }
    tail.apply(changes, state, counts.then_some(batch.rows.fold_version))
}

/// Changes the rows; where there are none that count, those of the batch are all.
fn put_rows(tail: &Tail, changes: &mut Changes, rows: &RowChanges) -> Result<(), StoreError> {
    if rows.replace || tail.fold_version.is_none() {
        rows::forget(changes, tail)?;
        rows::put_all(changes, &rows.rows)
    } else {
        rows::put(changes, tail, &rows.rows)
    }
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
