//! Where the shared test data is: real inputs that stay out of this repository.

use std::io::Write;
use std::path::PathBuf;

/// Returns the folder of the shared data, `$PHASELEDGER_SHARED_DATA` or else `../shared/data` beside the
/// package; none where it is absent, and then says on stderr that `test` was skipped.
pub fn data(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PHASELEDGER_SHARED_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    // Not `eprintln`, which the test harness keeps to itself while the test passes.
    let _ = writeln!(std::io::stderr(), "skipped `{test}`: no shared data at {}", folder.display());
    None
}
