//! The files that a phase reads and puts out, as commands and events tell of them.

use serde::{Deserialize, Serialize};

use super::{Action, Algorithm, Command, Digest, FileRole, PhaseRef, action};

/// A file that a phase put out, or that it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Where it is: as the caller named it, or for a declared file from the project's folder, with `/`.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

impl OutputFile {
    /// Returns one digest for several files, whatever their order: the BLAKE3 of the lines `digest path`,
    /// sorted. The digest of a single file counts without its path. None for no file.
    pub fn together(files: &[OutputFile]) -> Option<Digest> {
        match files {
            [] => None,
            [only] => Some(only.digest),
            _ => {
                let mut lines: Vec<_> =
                    files.iter().map(|file| format!("{} {}\n", file.digest, file.path)).collect();
                lines.sort();
                let hash = blake3::hash(lines.concat().as_bytes());
                Some(Digest::new(Algorithm::Blake3, *hash.as_bytes()))
            }
        }
    }
}

impl Command {
    /// Returns the digest and the files of what a completion puts out: those that the caller stated, or else
    /// what was found of the declared ones.
    pub fn outputs(&self) -> (Option<Digest>, &[OutputFile]) {
        match &self.action {
            Action::Complete(action::Complete { output: None, outputs, .. }) if outputs.is_empty() => {
                let found = self.fingerprints.as_deref().unwrap_or_default();
                (OutputFile::together(found), found)
            }
            Action::Complete(action::Complete { output, outputs, .. }) => (*output, outputs),
            _ => (None, &[]),
        }
    }

    /// Returns the files that a start says its attempt reads: those that the caller stated, or else what was
    /// found of the declared ones; none where nobody looked.
    pub fn inputs(&self) -> Option<&[OutputFile]> {
        match &self.action {
            Action::Start(action::Start { inputs, .. }) if inputs.is_empty() => self.fingerprints.as_deref(),
            Action::Start(action::Start { inputs, .. }) => Some(inputs),
            _ => None,
        }
    }
}

impl Action {
    /// Returns the phase of an action that says nothing of the files that its phase may declare, and which of
    /// them it could tell.
    pub fn lacks_files(&self) -> Option<(FileRole, &PhaseRef)> {
        match self {
            Action::Start(action::Start { phase, inputs, .. }) if inputs.is_empty() => {
                Some((FileRole::Inputs, phase))
            }
            Action::Complete(action::Complete { phase, output: None, outputs, .. }) if outputs.is_empty() => {
                Some((FileRole::Outputs, phase))
            }
            _ => None,
        }
    }
}
