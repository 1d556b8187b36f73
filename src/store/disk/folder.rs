//! Folders and files: made durable, and removed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::io_error;
use crate::store::StoreError;

/// Removes the files of a folder that have such names, and returns them.
pub(super) fn remove_named(path: &Path, is_such: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, StoreError> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(path).map_err(io_error("read", path))? {
        let entry = entry.map_err(io_error("read", path))?;
        if is_such(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).map_err(io_error("remove", &entry.path()))?;
            removed.push(entry.path());
        }
    }
    Ok(removed)
}

/// Removes a folder that may be there, with all that is in it.
pub(super) fn remove_folder(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Makes a file or a directory durable.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    file.sync_all().map_err(io_error("make durable", path))
}
