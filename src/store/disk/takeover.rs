//! Taking a log of format 1 over: the same events in this format, in a folder beside it, which then gets its name.
//!
//! ```text
//!  log.new is built, checked and made durable ──▶ log → log.1 ──▶ log.new → log
//! ```
//!
//! A crash leaves the log of format 1, or no `log` but both others: whoever comes next gives `log.new` its name, and whoever
//! asks reads it where it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folder::{self, sync};
use super::journal::{self, JournalFile};
use super::lock::Lock;
use super::parts::{self, Parts};
use super::segment::{SegmentName, SegmentWriter};
use super::state::State;
use super::view::{SEGMENTS, View};
use super::{DiskOptions, damaged, io_error, make, old};
use crate::store::StoreError;

fn beside(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    dir.with_file_name(name)
}

/// Returns where a log is: in its folder, or, where a takeover was cut short, in the one beside it.
pub(super) fn place(dir: &Path) -> PathBuf {
    let new = beside(dir, ".new");
    match !dir.exists() && beside(dir, ".1").is_dir() && matches!(parts::look(&new), Ok(Parts::All)) {
        true => new,
        false => dir.to_owned(),
    }
}

/// Ends a takeover that was cut short between its two renames.
pub(super) fn finish(dir: &Path, lock_timeout: Duration) -> Result<(), StoreError> {
    let new = place(dir);
    if new == dir {
        return Ok(());
    }
    let _lock = Lock::take(&new.join("lock"), lock_timeout)?;
    // Somebody else may have been quicker.
    if place(dir) == new {
        fs::rename(&new, dir).map_err(io_error("rename", &new))?;
        sync(parent(dir)?.as_path())?;
    }
    Ok(())
}

/// Takes over a log of format 1 whose lock is held; returns the lock of what stands in its place. One of this format stays
/// as it is.
pub(super) fn take_over(dir: &Path, lock: Lock, deadline: Instant) -> Result<Lock, StoreError> {
    if parts::look(dir)? != Parts::Old {
        return Ok(lock);
    }
    let (new, kept) = (beside(dir, ".new"), beside(dir, ".1"));
    if kept.exists() {
        return Err(damaged(format!("`{}` is in the way of what is taken over", kept.display())));
    }
    folder::remove_folder(&new)?;
    make::make_folder(&new)?;
    let new_lock = Lock::take(&new.join("lock"), deadline.saturating_duration_since(Instant::now()))?;
    let journal = build(dir, &new).inspect_err(|_| drop(folder::remove_folder(&new)))?;
    let parent = parent(dir)?;
    sync(&parent)?;
    fs::rename(dir, &kept).map_err(io_error("rename", dir))?;
    fs::rename(&new, dir).map_err(io_error("rename", &new))?;
    sync(&parent)?;
    journal.settle();
    drop(lock);
    Ok(new_lock)
}

fn parent(dir: &Path) -> Result<PathBuf, StoreError> {
    let whole = std::path::absolute(dir).map_err(io_error("find", dir))?;
    Ok(whole.parent().unwrap_or(dir).to_owned())
}

/// Writes the events of a log of format 1 in this one, and checks them. The journal is to be settled.
pub(super) fn build(from: &Path, to: &Path) -> Result<JournalFile, StoreError> {
    let options = DiskOptions::default();
    let segments = to.join(SEGMENTS);
    fs::create_dir_all(&segments).map_err(io_error("create", &segments))?;
    let mut state = State::default();
    let end = old::read_with(from, usize::try_from(options.merge_large).unwrap_or(usize::MAX), |batch| {
        let mut writer = SegmentWriter::create(&segments.join("segment.new"), &state)?;
        writer.add(&[], &batch.entries, options.block_size())?;
        writer.finish(&segments)?;
        state = state.after(&batch.entries);
        Ok(())
    })?;
    sync(&segments)?;
    let names = SegmentName::list(&segments)?;
    let view = View::new(to, state.clone(), Vec::new(), names);
    view.check()?;
    if (state.seq(), state.root()) != end {
        return Err(damaged(format!("{} of {} events could be taken over", state.seq(), end.0)));
    }
    make::make_parts(to, &state)?;
    let journal = JournalFile::put(to, &journal::front(&state))?;
    sync(to)?;
    Ok(journal)
}
