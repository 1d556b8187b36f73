//! Which log is in a folder: none, one of this format, one of format 1, one whose creation was cut short, or remains.

use std::io::ErrorKind;
use std::path::Path;

use super::segment::SegmentName;
use super::view::SEGMENTS;
use super::{damaged, folder, io_error, journal, make, witness};
use crate::store::StoreError;

/// What is in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Nothing of a log, so that one can be made.
    None,
    /// What a creation that was cut short leaves: nothing was ever recorded.
    Begun,
    /// A log of this format.
    All,
    /// One that lacks nothing but a witness.
    Unwitnessed,
    /// A log of format 1.
    Old,
}

/// What a log consists of.
const PARTS: [&str; 3] = [SEGMENTS, journal::NAME, "head"];

/// Looks which parts are there, by their names.
pub(super) fn look(dir: &Path) -> Result<Parts, StoreError> {
    let has = |part| {
        let path = dir.join(part);
        match path.try_exists() {
            // The folder is a file.
            Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
            there => there.map_err(io_error("find", &path)),
        }
    };
    // The last one first, so that somebody who makes them just now is never seen to have left one out.
    let (journal, head, segments) = (has(journal::NAME)?, has("head")?, has(SEGMENTS)?);
    if journal {
        return match (segments, head && has("segments/head")?) {
            (true, true) => Ok(Parts::All),
            (true, false) => Ok(Parts::Unwitnessed),
            (false, _) => Err(remains(dir, [false, true, head])),
        };
    }
    let sealed = has("sealed")?;
    if !segments
        && (is_folder(dir, "sealed")? || (is_folder(dir, "tail")? && !sealed && !is_for_earlier(dir)?))
    {
        return old(dir, head, has("tail")?, sealed, has("lock")?);
    }
    let is_used = witness::knows_events(dir)? || !SegmentName::list(&dir.join(SEGMENTS))?.is_empty();
    match (is_used, head || segments || sealed) {
        (true, _) => Err(remains(dir, [segments, false, head])),
        (false, true) => Ok(Parts::Begun),
        (false, false) => Ok(Parts::None),
    }
}

/// Says whether there is a folder of that name. What cannot be told is no answer.
fn is_folder(dir: &Path, name: &str) -> Result<bool, StoreError> {
    let path = dir.join(name);
    match path.metadata() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        found => Ok(found.map_err(io_error("find", &path))?.is_dir()),
    }
}

/// Says whether the folder `tail` is the one that is made for earlier versions, or the beginning of it: a crash may have left
/// it alone. One of theirs has a database.
fn is_for_earlier(dir: &Path) -> Result<bool, StoreError> {
    let path = dir.join("tail/db");
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        found => Ok(found.map_err(io_error("find", &path))?.len() <= make::OLD_DB.len() as u64),
    }
}

/// Looks for a log that can be opened.
pub(super) fn find(dir: &Path) -> Result<Parts, StoreError> {
    match look(dir)? {
        Parts::Unwitnessed => {
            let head = dir.join("head");
            let missing = if head.exists() { dir.join("segments/head") } else { head };
            Err(damaged(format!("`{}` is missing", missing.display())))
        }
        parts => Ok(parts),
    }
}

fn old(dir: &Path, head: bool, tail: bool, sealed: bool, lock: bool) -> Result<Parts, StoreError> {
    match (sealed, tail, head) {
        (true, true, true) => Ok(Parts::Old),
        // The lock was made before anything else.
        (true, _, false) if lock && !witness::old_knows_events(dir)? => Ok(Parts::Begun),
        there => Err(remains_of(dir, ["sealed", "tail", "head"], there.into())),
    }
}

/// Removes what a creation of format 1 that was cut short left. The lock is held.
pub(super) fn clear_begun(dir: &Path) -> Result<(), StoreError> {
    for name in ["sealed", "tail", "sealed.new", "tail.new"] {
        if dir.join(name).is_dir() {
            folder::remove_folder(&dir.join(name))?;
        }
    }
    Ok(())
}

fn remains(dir: &Path, there: [bool; 3]) -> StoreError {
    remains_of(dir, PARTS, there)
}

fn remains_of(dir: &Path, parts: [&str; 3], there: [bool; 3]) -> StoreError {
    let named = |wanted| {
        let names = parts.iter().zip(there).filter(|(_, there)| *there == wanted);
        names.map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
    };
    StoreError::Remains { path: dir.display().to_string(), there: named(true), missing: named(false) }
}
