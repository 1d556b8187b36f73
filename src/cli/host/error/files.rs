//! What the user is told when files cannot be read or written, or declared ones not be fingerprinted.

use std::path::Path;

use phaseledger::files::FilesError;

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

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        let message = error.to_string();
        match error {
            FilesError::Pattern { .. } => Failure::new(Kind::BadPattern, message)
                .hint("mend it in the workflow file, and put that in force with `phaseledger define`"),
            FilesError::Unreadable { path, .. } | FilesError::DanglingLink { path } => {
                Failure::new(Kind::Io, message)
                    .hint("mend or remove it, or declare patterns that leave it out; nothing was recorded")
                    .detail("path", path)
            }
            FilesError::NotUtf8 { .. } => {
                Failure::new(Kind::BadName, message).hint("rename it, or declare patterns that leave it out")
            }
            FilesError::TooMany { found, .. } => Failure::new(Kind::TooManyFiles, message)
                .hint("declare narrower patterns, or one file that stands for the others, such as a manifest")
                .detail("files", found),
        }
    }
}
