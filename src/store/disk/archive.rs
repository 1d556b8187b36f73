//! Archiving: the events of the journal, and those that are appended just then, become a segment, and the journal begins
//! anew. Small segments before it become part of it.
//!
//! The rename of the segment and the sync of its folder are the commit. A crash before it leaves the journal as it was; one
//! behind it leaves a segment that reaches beyond the journal's front, and whoever appends next makes the journal anew.

use std::fs;

use super::folder::{self, sync};
use super::head_rows::HeadRows;
use super::journal::{self, Failed, JournalFile};
use super::segment::{SegmentName, SegmentWriter};
use super::since::{self, SinceFile};
use super::snapshot::SnapshotWriter;
use super::state::State;
use super::view::SEGMENTS;
use super::{DiskStore, frame, io_error, snapshot};
use crate::model::Seq;
use crate::store::{Entry, StoreError};

/// The fewest events between two snapshots: fewer than are archived at once, so that what is folded is the journal's.
const SNAPSHOT_EVENTS_MIN: u64 = 1 << 9;
/// A snapshot is taken once as many events came as the table has rows, divided by this.
const ROWS_AN_EVENT: u64 = 8;
/// How many small segments there are at most.
const SMALL_MAX: usize = 15;
/// So many bytes weigh as much as an event.
const BYTES_AN_EVENT: u64 = 256;
const ASIDE: &str = "segment.new";

/// Says whether the journal is full with these events.
pub(super) fn is_due(store: &DiskStore, entries: &[Entry]) -> bool {
    let events = store.view.entries.len() as u64 + entries.len() as u64;
    let bytes = store.journal.bytes + frame::length(entries);
    events >= store.options.open_events_max || bytes >= store.options.open_bytes_max
}

/// Commits events with all that is in the journal as a segment, durably, and begins a new journal.
pub(super) fn commit(store: &mut DiskStore, entries: &[Entry]) -> Result<(), Failed> {
    let folder = store.dir.join(SEGMENTS);
    let names = store.view.segments();
    let kept = kept(store, &names, entries);
    let written = match write(store, &names[kept..], entries) {
        // What is damaged is not merged, and keeps nobody from recording.
        Err(StoreError::Damaged { .. }) if kept < names.len() => {
            write(store, &[], entries).map(|written| (written, names.len()))
        }
        written => written.map(|written| (written, kept)),
    };
    let ((name, state), kept) = written.map_err(Failed::Nothing)?;
    sync(&folder).map_err(Failed::InDoubt)?;
    let (before, merged) = names.split_at(kept);
    store.obsolete.extend(merged);
    store.view.go_on(state, Vec::new(), before.iter().copied().chain([name]).collect());
    store.journal_is_old = true;
    // It is committed: what fails now is tried again by whoever appends next.
    let _ = renew_journal(store);
    Ok(())
}

/// Writes a segment of others and of events, under its name. Returns that, and where the log stands behind it.
fn write(
    store: &DiskStore,
    merged: &[SegmentName],
    entries: &[Entry],
) -> Result<(SegmentName, State), StoreError> {
    let folder = store.dir.join(SEGMENTS);
    let aside = folder.join(ASIDE);
    let write = || {
        let before = match merged.first() {
            Some(name) => store.view.segment(name.first)?.before.clone(),
            None => store.front.clone(),
        };
        let mut writer = SegmentWriter::create(&aside, &before)?;
        for name in merged {
            writer.add_segment(&*store.view.segment(name.first)?)?;
        }
        writer.add(&store.view.entries, entries, store.options.block_size())?;
        let state = writer.state().clone();
        Ok((writer.finish(&folder)?, state))
    };
    write().inspect_err(|_| drop(fs::remove_file(&aside)))
}

/// Begins the journal anew, behind all that is in segments.
pub(super) fn renew_journal(store: &mut DiskStore) -> Result<(), StoreError> {
    store.journal = JournalFile::replace(&store.dir, &journal::front(&store.view.state))?;
    store.front = store.view.state.clone();
    store.journal_is_old = false;
    Ok(())
}

/// Returns how many segments stay as they are; those behind become part of the next one.
fn kept(store: &DiskStore, names: &[SegmentName], entries: &[Entry]) -> usize {
    let options = store.options;
    let weight = |name: &SegmentName| {
        let path = store.dir.join(SEGMENTS).join(name.to_string());
        let bytes = fs::metadata(path).map_or(0, |found| found.len());
        name.count().max(bytes / BYTES_AN_EVENT)
    };
    let own = store.view.entries.len() as u64 + entries.len() as u64;
    let own = own.max((store.journal.bytes + frame::length(entries)) / BYTES_AN_EVENT / 2);
    let (mut kept, mut sum) = (names.len(), own);
    for (limit, most) in [(options.merge_small, SMALL_MAX), (options.merge_large, usize::MAX)] {
        let (mut from, mut with) = (kept, sum);
        while from > 0 {
            let weight = weight(&names[from - 1]);
            if weight >= limit || with + weight > options.merge_large + options.merge_small {
                break;
            }
            (from, with) = (from - 1, with + weight);
        }
        if with < limit && kept - from < most {
            break;
        }
        (kept, sum) = (from, with);
    }
    kept
}

/// Removes what is no longer needed once events were archived, and takes a snapshot where one is due. Where that fails it
/// is done the next time.
pub(super) fn tidy(store: &mut DiskStore) {
    let folder = store.dir.join(SEGMENTS);
    if !store.journal_is_old {
        for name in std::mem::take(&mut store.obsolete) {
            let _ = fs::remove_file(folder.join(name.to_string()));
        }
    }
    if is_snapshot_due(store) {
        let _ = take_snapshot(store);
    }
}

fn is_snapshot_due(store: &DiskStore) -> bool {
    let last = snapshot::last_place(&store.dir).unwrap_or(Seq::ZERO);
    let since = store.view.state.seq().number() - last.number().min(store.view.state.seq().number());
    let is_full = store.since.as_ref().is_none_or(|since| since.bytes >= since::BYTES_FULL);
    let is_enough = since >= SNAPSHOT_EVENTS_MIN.min(store.options.open_events_max);
    is_enough && (is_full || since >= snapshot::last_row_count(&store.dir) / ROWS_AN_EVENT)
}

/// Takes a snapshot of the rows as they are, where there are any, and begins to note anew what changes.
pub(super) fn take_snapshot(store: &mut DiskStore) -> Result<(), StoreError> {
    let Some(rows) = &store.rows else { return Ok(()) };
    let put = put_snapshot(store, rows);
    // What an older snapshot has of them and cannot be read is in no later one either.
    store.rows_failed.set(matches!(put, Err(StoreError::Moved)));
    if put? {
        store.since = Some(SinceFile::begin(&store.dir, &store.view.state)?);
        // What changed until now is held no longer.
        store.rows = HeadRows::of(&store.dir, &store.view.state).or(store.rows.take());
    }
    Ok(())
}

/// Writes a snapshot of rows, and says whether there are any.
fn put_snapshot(store: &DiskStore, rows: &HeadRows) -> Result<bool, StoreError> {
    // Whoever takes in a log as a whole hands on its rows at the end, and no version before.
    if rows.fold_version == 0 || rows.are_none()? {
        return Ok(false);
    }
    let write = |writer: &mut SnapshotWriter| rows.write(writer);
    snapshot::put_with(&store.dir, &store.view.state, rows.fold_version, write).map(|()| true)
}

/// Makes a segment durable whose name may not be: written anew, aside, for what can be read may not be on the disk.
pub(super) fn write_anew(dir: &std::path::Path, name: &SegmentName) -> Result<(), StoreError> {
    let folder = dir.join(SEGMENTS);
    let (path, aside) = (folder.join(name.to_string()), folder.join(ASIDE));
    let bytes = fs::read(&path).map_err(io_error("read", &path))?;
    fs::write(&aside, bytes).map_err(io_error("write", &aside))?;
    folder::sync(&aside)?;
    fs::rename(&aside, &path).map_err(io_error("replace", &path))?;
    sync(&folder)
}
