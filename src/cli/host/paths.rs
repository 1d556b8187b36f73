//! Paths as they may be shown to a person.

use std::path::Path;

use phaseledger::model::escape;

/// The longest path that is shown whole, in bytes: longer ones no system takes.
const PATH_BYTES_MAX: usize = 4096;

/// Returns a path as it may be shown.
pub fn shown(path: &Path) -> String {
    let path = path.to_string_lossy();
    match path.len() {
        0..=PATH_BYTES_MAX => escape(&path),
        _ => format!("{}…", escape(&path.chars().take(60).collect::<String>())),
    }
}
