//! A backup: the log as it is at one head, copied while others append.
//!
//! Segments never change, so that they are copied as they are; what the journal has is written in one frame. Nothing is
//! locked: the files are opened as soon as the log was looked at, and stay readable when others merge them meanwhile.
//!
//! The journal comes last: where it is, all is.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use super::journal::{self, JournalFile};
use super::look::{Look, Who, look};
use super::parts::{self, Parts};
use super::reader::DiskReader;
use super::view::{LOOKS_MAX, SEGMENTS};
use super::{folder, io_error, make, snapshot, takeover};
use crate::store::{Head, StoreError};

/// Copies the log in a directory to another one, which is made, durably, and checks the copy: every byte, and the root. A
/// log of format 1 becomes one of this format. Returns where the copy ends.
///
/// # Errors
///
/// As for [`DiskReader::open`]; [`StoreError::Damaged`] where the log is not what was written, and
/// [`StoreError::Io`] when the system refuses. What is there of the copy then is no log that can be opened.
pub fn backup(dir: &Path, to: &Path) -> Result<Head, StoreError> {
    let dir = &takeover::place(dir);
    make::make_folder(to)?;
    match parts::find(dir)? {
        Parts::None | Parts::Begun | Parts::Unwitnessed => {
            return Err(StoreError::Missing { path: dir.display().to_string() });
        }
        Parts::Old => takeover::build(dir, to)?.settle(),
        Parts::All => copy(dir, to)?,
    }
    let copied = DiskReader::open(to)?.store;
    copied.check().and_then(|()| copied.head())
}

fn copy(dir: &Path, to: &Path) -> Result<(), StoreError> {
    let (looked, files) = open(dir)?;
    let segments = to.join(SEGMENTS);
    make::make_parts(to, &looked.view.state)?;
    for (name, mut file) in files {
        let path = segments.join(name);
        let mut copy = File::create(&path).map_err(io_error("create", &path))?;
        std::io::copy(&mut file, &mut copy).map_err(io_error("write", &path))?;
        copy.sync_all().map_err(io_error("make durable", &path))?;
    }
    folder::sync(&segments)?;
    snapshot::copy(dir, to, looked.view.state.seq());
    let mut bytes = journal::front(&looked.front);
    if !looked.view.entries.is_empty() {
        bytes.extend(journal::frame(&looked.front, &looked.view.entries));
    }
    JournalFile::replace(to, &bytes).map(drop)
}

/// Looks at a log, and opens the segments that hold it.
fn open(dir: &Path) -> Result<(Look, Vec<(String, File)>), StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let looked = look(dir, Who::Asker)?;
        let open = || {
            let names = looked.view.segments().into_iter().map(|name| name.to_string());
            names
                .map(|name| {
                    let path = dir.join(SEGMENTS).join(&name);
                    File::open(&path).map(|file| (name, file)).map_err(io_error("open", &path))
                })
                .collect::<Result<Vec<_>, _>>()
        };
        match open() {
            // Merged into another one since.
            Err(StoreError::Io { source, .. })
                if source.kind() == ErrorKind::NotFound && tries < LOOKS_MAX => {}
            files => return Ok((looked, files?)),
        }
    }
}
