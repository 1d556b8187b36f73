//! A folder for what has to be a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Returns a folder of this process's own, where temporary files go.
pub fn own() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = std::env::temp_dir().join(format!("phaseledger-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        folder
    });
    &FOLDER
}
