//! The files that a phase reads and puts out, as commands and events tell of them.

use serde::{Deserialize, Serialize};

use super::{Algorithm, Digest};

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
