//! Copies of sled's folders: sled destroys what it cannot read, so that it never sees what is not a cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::{files_below, remove_folder};
use super::{io_error, make};
use crate::store::StoreError;

/// A folder where temporary files go. It goes with the value.
pub(super) struct Copy(PathBuf);

impl Copy {
    /// Makes an empty one.
    pub(super) fn new() -> Result<Self, StoreError> {
        static COPIES: AtomicU64 = AtomicU64::new(0);
        let number = COPIES.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("phaseledger-{}-{number}", std::process::id()));
        remove_folder(&path)?;
        make::make_folder(&path)?;
        Ok(Copy(path))
    }

    /// Copies one of sled's folders into it, and returns where that is.
    pub(super) fn add(&self, from: &Path) -> Result<PathBuf, StoreError> {
        let root = self.0.join(from.file_name().unwrap_or_default());
        for file in files_below(from)? {
            let to = root.join(file.strip_prefix(from).unwrap_or(&file));
            let folder = to.parent().unwrap_or(&to);
            fs::create_dir_all(folder).map_err(io_error("create", folder))?;
            let bytes = fs::read(&file).map_err(io_error("read", &file))?;
            // Half-written snapshots keep sled from opening; its settings are made anew by whoever knows them.
            let name = to.file_name().unwrap_or_default().as_encoded_bytes();
            if !name.ends_with(b".generating") && name != b"conf" {
                fs::write(&to, bytes).map_err(io_error("write", &to))?;
            }
        }
        Ok(root)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = remove_folder(&self.0);
    }
}
