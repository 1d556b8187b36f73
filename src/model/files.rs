//! The files that a phase reads and puts out, as commands and events tell of them.

use serde::{Deserialize, Serialize};

use super::{Algorithm, Digest, FileRole};

/// The files that a phase declares, with their digests; or those that kept them from being told: it is all of them or none.
pub type FoundFiles = Result<Vec<OutputFile>, Unreadable>;

/// What was found of the files that a phase declares, by their roles; none of those that nobody looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundByRole {
    /// Of those that it reads.
    pub inputs: Option<FoundFiles>,
    /// Of those that it puts out.
    pub outputs: Option<FoundFiles>,
}

impl FoundByRole {
    /// Returns what was found of the files of a role.
    pub fn of(&self, role: FileRole) -> Option<&FoundFiles> {
        match role {
            FileRole::Inputs => self.inputs.as_ref(),
            FileRole::Outputs => self.outputs.as_ref(),
        }
    }

    /// Keeps what was found of the files of a role.
    pub fn keep(&mut self, role: FileRole, found: FoundFiles) {
        match role {
            FileRole::Inputs => self.inputs = Some(found),
            FileRole::Outputs => self.outputs = Some(found),
        }
    }
}

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

/// A declared file that has no digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableFile {
    /// The pattern that it was found by, as it is declared.
    pub pattern: String,
    /// Where it is, from the project's folder, escaped: its name may be no text. The pattern itself, where that is what is wrong.
    pub path: String,
    /// What was found instead, in words.
    pub why: String,
}

/// The declared files that have no digest: the first of them, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The first of them, by path.
    #[serde(rename = "unreadable")]
    pub files: Vec<UnreadableFile>,
    /// How many there are beside these.
    #[serde(rename = "unreadable_more", skip_serializing_if = "is_none_more")]
    pub more: u64,
}

/// Says of how many more there are that there are none.
pub(super) fn is_none_more(more: &u64) -> bool {
    *more == 0
}

impl Unreadable {
    /// The most files that are named.
    pub const FILES_MAX: usize = 32;

    /// Returns how many files there are, named or not.
    pub fn count(&self) -> usize {
        self.files.len() + usize::try_from(self.more).unwrap_or(usize::MAX)
    }

    /// Adds those of another list behind these.
    pub fn and(mut self, other: &Unreadable) -> Self {
        let room = Self::FILES_MAX.saturating_sub(self.files.len());
        self.files.extend(other.files.iter().take(room).cloned());
        self.more += other.more + other.files.len().saturating_sub(room) as u64;
        self
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl FromIterator<UnreadableFile> for Unreadable {
    /// Takes files in their order: the first [`Unreadable::FILES_MAX`] are named, the others counted.
    fn from_iter<T: IntoIterator<Item = UnreadableFile>>(files: T) -> Self {
        let mut files = files.into_iter();
        let named = files.by_ref().take(Self::FILES_MAX).collect();
        Unreadable { files: named, more: files.count() as u64 }
    }
}
