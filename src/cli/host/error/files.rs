//! What the user is told when declared files cannot be fingerprinted.

use phaseledger::files::FilesError;

use super::Failure;

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        let message = error.to_string();
        match error {
            FilesError::Pattern { .. } => Failure::new(2, "bad_pattern", message)
                .hint("mend it in the workflow file, and put that in force with `phaseledger define`"),
            FilesError::Unreadable { path, .. } | FilesError::DanglingLink { path } => {
                Failure::new(74, "io", message)
                    .hint("mend or remove it, or declare patterns that leave it out; nothing was recorded")
                    .detail("path", path)
            }
            FilesError::NotUtf8 { .. } => {
                Failure::new(2, "bad_name", message).hint("rename it, or declare patterns that leave it out")
            }
            FilesError::TooMany { found, .. } => Failure::new(2, "too_many_files", message)
                .hint("declare narrower patterns, or one file that stands for the others, such as a manifest")
                .detail("files", found),
        }
    }
}
