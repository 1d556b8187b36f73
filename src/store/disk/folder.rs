//! Folders and files: made durable, listed, and removed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::io_error;
use crate::store::StoreError;

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

/// Makes a folder's name durable. A holder that may not be read cannot be synced: what is in it is its owner's to keep.
pub(super) fn sync_holder(folder: &Path) -> Result<(), StoreError> {
    let whole = std::path::absolute(folder).map_err(io_error("find", folder))?;
    match sync(whole.parent().unwrap_or(&whole)) {
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Tells which file or folder has a name; none where there is none.
pub(super) fn inode(path: &Path) -> Result<Option<u64>, StoreError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => Ok(Some(found.map_err(io_error("read", path))?.ino())),
    }
}

/// Returns the names of what is in a folder; none where there is no such folder.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(names);
        }
        entries => entries.map_err(io_error("read", folder))?,
    };
    for entry in entries {
        names.extend(entry.map_err(io_error("read", folder))?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Returns the files below a folder, in the order of their names.
pub(super) fn files_below(root: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(io_error("read", &folder))? {
            let path = entry.map_err(io_error("read", &folder))?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    Ok(files)
}
