//! Where the shared test data is: real inputs that stay out of this repository.

use std::path::PathBuf;

use crate::skip::skip;

/// Returns the folder of the shared data, `$PHASELEDGER_SHARED_DATA` or else `../shared/data` beside the
/// package; none where it is absent, and then says that `test` is skipped.
pub fn data(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PHASELEDGER_SHARED_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skip(test, "data", &format!("no shared data at {}", folder.display()));
    None
}
