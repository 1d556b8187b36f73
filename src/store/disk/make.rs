//! How the parts of a log are made.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::journal::{self, JournalFile};
use super::state::State;
use super::view::SEGMENTS;
use super::{folder, io_error, snapshot, witness};
use crate::store::StoreError;

/// What is in the file that earlier versions take for a folder.
const SEALED: &str = "This log has format 2: use phaseledger 0.2 or later.\n";

/// The settings of the first release's databases.
const OLD_CONF: &[u8] = b"segment_size: 524288\nuse_compression: false\nversion: 0.34\nv\x19Q\xc1";
/// One of them with a head that says format 2 and nothing else: the key `h`, its checksum 4, its length 4, 2 in 4 bytes.
pub(super) const OLD_DB: &[u8] = include_bytes!("old/format_2.db");

/// Makes the parts of an empty log. The journal comes last: where it is, all is. It is to be settled.
pub(super) fn make(dir: &Path) -> Result<JournalFile, StoreError> {
    make_parts(dir, &State::default())?;
    JournalFile::put(dir, &journal::front(&State::default()))
}

/// Makes the parts of a log that stands there, but for its journal and its segments.
pub(super) fn make_parts(dir: &Path, state: &State) -> Result<(), StoreError> {
    let sealed = dir.join("sealed");
    fs::write(&sealed, SEALED).map_err(io_error("write", &sealed))?;
    folder::sync(&sealed)?;
    let tail = dir.join("tail");
    make_old_tail(&tail).map_err(io_error("write", &tail))?;
    let segments = dir.join(SEGMENTS);
    fs::create_dir_all(&segments).map_err(io_error("create", &segments))?;
    snapshot::make_folder(dir)?;
    witness::create(dir, state)
}

/// Makes a folder, and those above it. Nobody but its owner may look into it: it holds what programs said as they
/// failed. One that is there keeps its permissions.
pub(super) fn make_folder(dir: &Path) -> Result<(), StoreError> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(_) if dir.is_dir() => Ok(()),
        made => made.map_err(io_error("create", dir)),
    }
}

/// Makes the database that the first release looks into first. What it finds there is a head of format 2, so that it says
/// which formats it reads, whatever it is asked; and its `init` makes nothing. sled needs no more than these bytes.
fn make_old_tail(tail: &Path) -> std::io::Result<()> {
    fs::create_dir_all(tail)?;
    fs::write(tail.join("conf"), OLD_CONF)?;
    fs::write(tail.join("db"), OLD_DB)
}

/// Makes anew what earlier versions stumble over, where it is gone: it matters to them alone.
pub(super) fn tell_earlier_versions(dir: &Path) {
    if !dir.join("tail").exists() {
        let _ = make_old_tail(&dir.join("tail"));
    }
    if !dir.join("sealed").exists() {
        let _ = fs::write(dir.join("sealed"), SEALED);
    }
}
