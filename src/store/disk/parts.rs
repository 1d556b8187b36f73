//! Which parts of a log are in a folder: none, all, those of a creation that was cut short, or remains.

use std::io::ErrorKind;
use std::ops::Bound::Unbounded;
use std::path::Path;
use std::time::{Duration, Instant};

use super::database::Database;
use super::lock::Lock;
use super::state::State;
use super::{damaged, io_error, stored_state, witness};
use crate::store::StoreError;

/// What a log consists of, in the order in which it is made.
const PARTS: [&str; 3] = ["sealed", "tail", "head"];

/// What is in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Nothing of a log, so that one can be made.
    None,
    /// What a creation that was cut short leaves: nothing was ever recorded.
    Begun,
    /// All of it.
    All,
}

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
    let (head, tail, sealed) = (has("head")?, has("tail")?, has("sealed")?);
    match (sealed, tail, head) {
        (false, false, false) => Ok(Parts::None),
        (true, true, true) => Ok(Parts::All),
        // The lock is made before anything else.
        (true, true, false) => Ok(Parts::Begun),
        (true, false, false) if has("lock")? => Ok(Parts::Begun),
        there => Err(remains(dir, there.into())),
    }
}

/// Looks which parts are there, once nobody makes them any more; refuses those that were used.
pub(super) fn settled(dir: &Path, lock_timeout: Duration) -> Result<Parts, StoreError> {
    if look(dir)? != Parts::Begun {
        return look(dir);
    }
    let _lock = Lock::take(&dir.join("lock"), lock_timeout)?;
    let parts = look(dir)?;
    if parts == Parts::Begun {
        check_unused(dir)?;
    }
    Ok(parts)
}

/// Refuses the first parts of a log, without `head`, that were used. To be called while the lock is held.
pub(super) fn check_unused(dir: &Path) -> Result<(), StoreError> {
    let has_tail = dir.join("tail").exists();
    let used = || match has_tail {
        true => damaged(format!("`{}` is missing", dir.join("head").display())),
        false => remains(dir, [true, false, false]),
    };
    if witness::knows_events(dir)? {
        return Err(used());
    }
    let now = Instant::now();
    Database::open(&dir.join("sealed"), now, |sealed| {
        if sealed.first_key((Unbounded, Unbounded))?.is_some() {
            return Err(used());
        }
        let is_unused = |tail: &Database| Ok(stored_state(tail)? == State::default());
        let check = |tail: &Database| if is_unused(tail)? { Ok(()) } else { Err(used()) };
        if has_tail { Database::open(&dir.join("tail"), now, check).map(drop) } else { Ok(()) }
    })
    .map(drop)
}

fn remains(dir: &Path, there: [bool; 3]) -> StoreError {
    let named = |wanted| {
        let names = PARTS.iter().zip(there).filter(|(_, there)| *there == wanted);
        names.map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
    };
    StoreError::Remains { path: dir.display().to_string(), there: named(true), missing: named(false) }
}
