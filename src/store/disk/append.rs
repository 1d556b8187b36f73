//! Writing: the one way in which the log changes.

use std::collections::HashSet;

use super::blocks;
use super::database::{Changes, Database};
use super::filter::{COMMAND, Filling};
use super::state::State;
use super::{DiskStore, damaged, rows, start, stored_state, with_head};
use crate::model::{CommandId, Seq};
use crate::store::{Appended, Batch, Entry, Limits, RowChanges, StoreError};

/// Lines and batches are held in memory several times over while they are written.
pub(super) const LIMITS: Limits = Limits { line_bytes_max: 64 << 20, batch_events_max: 1 << 20 };
/// The most bytes in a row or a snapshot.
pub(super) const VALUE_BYTES_MAX: usize = 1 << 30;
/// The most bytes in a row's key.
const KEY_BYTES_MAX: usize = 1 << 10;

/// Appends a batch: what is to be sealed first, then all the rest at once.
pub(super) fn append(store: &mut DiskStore, expected: Seq, batch: &Batch) -> Result<Appended, StoreError> {
    check_sizes(batch)?;
    if store.state.seq() != expected {
        return Ok(Appended::Conflict(store.state.head()));
    }
    let mut state = store.state.clone();
    state.push(&batch.entries);
    state.fold_version = Some(batch.rows.fold_version);
    let mut changes = Changes::default();
    let options = store.options;
    if state.open_events() >= options.open_events_max || state.open_bytes >= options.open_bytes_max {
        seal(store, &mut state, &mut changes, &batch.entries)?;
    } else {
        let entries: Vec<&Entry> = batch.entries.iter().collect();
        blocks::put(&mut changes, expected, &options.block_size().cut(&entries).0)?;
        put_commands(&mut changes, &store.tail, expected, &entries)?;
    }
    put_rows(store, &mut changes, &batch.rows)?;
    match commit(store, state, changes) {
        Ok(()) => Ok(Appended::Done(store.state.head())),
        Err(_) if store.doubt.is_some() => Ok(Appended::Unknown),
        Err(error) => Err(error),
    }
}

/// Returns the place of the first event of a command that is not sealed.
pub(super) fn open_command(tail: &Database, command: CommandId) -> Result<Option<Seq>, StoreError> {
    let Some(place) = tail.value(&command_key(command))? else { return Ok(None) };
    let place = place.try_into().map_err(|_| damaged(format!("the place of command {command} is odd")))?;
    Ok(Some(Seq::new(u64::from_le_bytes(place))))
}

/// Changes the tail and its head at once, durably. After a failure it is looked up whether that happened.
pub(super) fn commit(store: &mut DiskStore, state: State, mut changes: Changes) -> Result<(), StoreError> {
    changes.extend(with_head(&state));
    if let Err(error) = store.tail.commit(&changes) {
        look_again(store, Some(&state), &error);
        return Err(error);
    }
    if state.seq() != store.state.seq() {
        store.witnesses.note(&state);
    }
    store.state = state;
    Ok(())
}

/// Writes to `sealed/`, durably. What a failure leaves there is not referred to.
pub(super) fn write_sealed(store: &mut DiskStore, changes: &Changes) -> Result<(), StoreError> {
    let sealed = store.sealed()?;
    let result = match changes.fits_a_batch() {
        true => sealed.commit(changes),
        false => sealed.stage(changes),
    };
    if result.is_err() {
        store.sealed.take();
    }
    result
}

/// Refuses what is too large.
pub(super) fn check_size(what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
    match found > max {
        true => Err(StoreError::TooLarge { what, found, max }),
        false => Ok(()),
    }
}

fn check_sizes(batch: &Batch) -> Result<(), StoreError> {
    check_size("a batch (events)", batch.entries.len(), LIMITS.batch_events_max)?;
    for entry in &batch.entries {
        check_size("a line (bytes)", entry.line.len(), LIMITS.line_bytes_max)?;
    }
    for (key, value) in &batch.rows.rows {
        check_size("a row's key (bytes)", key.len(), KEY_BYTES_MAX)?;
        check_size("a row (bytes)", value.as_ref().map_or(0, Vec::len), VALUE_BYTES_MAX)?;
    }
    Ok(())
}

/// Writes all full blocks of what is not sealed and of what is new to `sealed/`, and changes the tail so that
/// it holds the rest, in one block.
fn seal(
    store: &mut DiskStore,
    state: &mut State,
    changes: &mut Changes,
    new: &[Entry],
) -> Result<(), StoreError> {
    let before = store.state.sealed;
    let old = blocks::entries(&store.tail, before, store.state.seq())?;
    let entries: Vec<&Entry> = old.iter().chain(new).collect();
    let (cut, full) = store.options.block_size().cut(&entries);
    let (closed, open) = entries.split_at(full);
    let (closed_blocks, open_blocks) = cut.split_at(cut.len() - usize::from(!open.is_empty()));

    let mut sealed = Changes::default();
    blocks::forget(&mut sealed, store.sealed()?, before)?;
    blocks::put(&mut sealed, before, closed_blocks)?;
    write_sealed(store, &sealed)?;

    let mut filling = Filling::default();
    filling.add(&store.tail, before, closed)?;
    let mut filter = Changes::default();
    filling.put(&mut filter);
    if !filter.fits_a_batch() {
        // Bits for events that are not there after all do no harm.
        stage(store, &std::mem::take(&mut filter))?;
    }
    changes.extend(filter);
    blocks::forget(changes, &store.tail, before)?;
    for command in distinct_commands(&old.iter().collect::<Vec<_>>()[..old.len().min(full)]) {
        changes.forget(command_key(command.0));
    }
    state.seal(closed);
    blocks::put(changes, state.sealed, open_blocks)?;
    put_commands(changes, &store.tail, state.sealed, open)
}

/// Notes where commands begin that are not known yet.
fn put_commands(
    changes: &mut Changes,
    tail: &Database,
    after: Seq,
    entries: &[&Entry],
) -> Result<(), StoreError> {
    for (command, at) in distinct_commands(entries) {
        if open_command(tail, command)?.is_none_or(|place| place > after) {
            let place = after.plus(at as u64 + 1).number();
            changes.put(command_key(command), place.to_le_bytes().to_vec());
        }
    }
    Ok(())
}

/// Returns each command once, with the position of its first event.
fn distinct_commands(entries: &[&Entry]) -> Vec<(CommandId, usize)> {
    let mut seen = HashSet::new();
    let positions = entries.iter().enumerate().map(|(at, entry)| (entry.command_id, at));
    positions.filter(|(command, _)| seen.insert(*command)).collect()
}

fn command_key(command: CommandId) -> Vec<u8> {
    [&[COMMAND][..], command.uuid().as_bytes()].concat()
}

/// Changes the rows: with everything else, or, when they are too many for that, ahead of it while those that
/// are there are void.
fn put_rows(store: &mut DiskStore, changes: &mut Changes, rows: &RowChanges) -> Result<(), StoreError> {
    let mut pages = Changes::default();
    if rows.replace || store.state.fold_version.is_none() {
        rows::forget(&mut pages, &store.tail)?;
        rows::put_all(&mut pages, &rows.rows)?;
    } else {
        rows::put(&mut pages, &store.tail, &rows.rows)?;
    }
    if pages.fits_a_batch() {
        changes.extend(pages);
        return Ok(());
    }
    if store.state.fold_version.is_some() {
        let void = State { fold_version: None, ..store.state.clone() };
        commit(store, void, Changes::default())?;
    }
    stage(store, &pages)
}

/// Writes to the tail what the head does not refer to yet.
fn stage(store: &mut DiskStore, changes: &Changes) -> Result<(), StoreError> {
    let result = store.tail.stage(changes);
    if let Err(error) = &result {
        look_again(store, None, error);
    }
    result
}

/// After a failed write: opens the tail anew. When its head is still the old one, the write has not happened
/// and never will; otherwise the store is in doubt, for what is there may not be durable.
fn look_again(store: &mut DiskStore, attempted: Option<&State>, failure: &StoreError) {
    let witnesses = &store.witnesses;
    let reopened = store.tail.reopen(|tail| start::checked_state(tail, witnesses).map(drop));
    let found = reopened.and_then(|()| stored_state(&store.tail));
    let unchanged = found.is_ok_and(|found| found == store.state);
    if unchanged && attempted != Some(&store.state) {
        return;
    }
    store.doubt = Some(match failure {
        StoreError::Io { source, .. } => (source.kind(), source.to_string()),
        other => (std::io::ErrorKind::Other, other.to_string()),
    });
}
