//! What the user is told when files cannot be read or written.

use std::path::Path;

use super::{Failure, Kind};
use crate::cli::host::paths::shown;

impl Failure {
    /// What the operating system refused.
    pub fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        let message = format!("cannot {action} `{}`: {error}", shown(path));
        match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new(Kind::NotFound, message).hint("check the path"),
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                Failure::new(Kind::Io, message)
                    .hint("a file is where a folder is to be: move it, or name another")
            }
            std::io::ErrorKind::PermissionDenied => {
                Failure::new(Kind::Io, message).hint("look at who owns it, and at its permissions")
            }
            _ => Failure::new(Kind::Io, message),
        }
    }

    /// What the operating system refused that has no path.
    pub fn stream(action: &str, error: &std::io::Error) -> Self {
        Failure::new(Kind::Io, format!("cannot {action}: {error}"))
    }
}
