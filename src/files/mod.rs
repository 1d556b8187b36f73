//! Files: which ones a phase declares, as they are on the disk, and the digests of what is in them.
//!
//! ```text
//!  Declared ─patterns▶ walk (.gitignore) ─paths▶ BLAKE3 of each ─▶ Fingerprints
//! ```
//!
//! What flows in are the patterns of definitions; what flows out goes into a
//! [`Command`](crate::model::Command). Nothing here knows a ledger: files are read while nobody holds one.

mod stamp;
mod walk;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::model::{
    Algorithm, Declared, Digest, FileRole, OutputFile, Pattern, PatternError, PhaseId, escape,
};
use stamp::Stamp;

/// The most files that one list of fingerprints may have.
pub const FILES_MAX: usize = 10_000;

/// The most bytes that the paths of one list may have together. With it a list stays far below the longest line
/// that a log can keep.
pub const PATH_BYTES_MAX: usize = 1 << 20;

/// A project's folder, whose files are fingerprinted. Paths are relative to it.
#[derive(Debug)]
pub struct Project {
    root: PathBuf,
    log: PathBuf,
    known: HashMap<String, Known>,
}

/// What was found of a file before.
#[derive(Debug, Clone, Copy)]
struct Known {
    stamp: Stamp,
    digest: Digest,
    /// Whether the file had this stamp already the time before it was read: one that changes within a tick of
    /// the file system's clock keeps its stamp, and is read once more.
    settled: bool,
}

/// The declared files that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprints {
    /// The files, by path.
    pub files: Vec<OutputFile>,
    /// The patterns that matched none.
    pub unmatched: Vec<String>,
}

/// Why declared files have no fingerprints.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A declaration that is no pattern.
    #[error("`{}` of `{phase}`: {source}", role.as_str())]
    Pattern {
        /// Whose.
        phase: PhaseId,
        /// Which of its files.
        role: FileRole,
        /// What is wrong with it.
        source: PatternError,
    },
    /// A file or folder that cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// Which one, escaped.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A link whose target is not there.
    #[error("cannot read `{path}`: it is a link to a file that is not there")]
    DanglingLink {
        /// Which one, escaped.
        path: String,
    },
    /// A name that no text can hold.
    #[error("the name `{path}` is not UTF-8")]
    NotUtf8 {
        /// Which one, escaped.
        path: String,
    },
    /// More files than a list holds.
    #[error(
        "`{}` of `{phase}` are {found} files with {bytes} bytes of paths; at most {FILES_MAX} files and \
         {PATH_BYTES_MAX} bytes are kept",
        role.as_str()
    )]
    TooMany {
        /// Whose.
        phase: PhaseId,
        /// Which of its files.
        role: FileRole,
        /// How many there are.
        found: usize,
        /// How long their paths are together.
        bytes: usize,
    },
}

impl Project {
    /// Takes a project's folder, and the folder of its log, which never is a declared file.
    pub fn new(root: PathBuf, log: PathBuf) -> Self {
        Project { root, log, known: HashMap::new() }
    }

    /// Fingerprints what several phases declare, each file once. Answers are in the order of the questions.
    ///
    /// Inputs are what git would see: what a `.gitignore` ignores is none, unless a pattern without wildcards
    /// names the very file. Outputs count whether they are ignored or not. Links to files count as the files
    /// that they lead to; links to folders are not followed; what is neither file nor link is passed over, and
    /// so is what vanishes meanwhile.
    ///
    /// # Errors
    ///
    /// [`FilesError`], for the first of them that cannot be told whole.
    pub fn fingerprint(&mut self, declared: &[Declared]) -> Result<Vec<Fingerprints>, FilesError> {
        let patterns = declared.iter().map(compile).collect::<Result<Vec<_>, _>>()?;
        let mut walked = HashMap::new();
        for role in [FileRole::Inputs, FileRole::Outputs] {
            let wanted = declared.iter().zip(&patterns).filter(|(declared, _)| declared.role == role);
            let wanted: Vec<&Pattern> =
                wanted.flat_map(|(_, patterns)| patterns).filter(|one| one.literal().is_none()).collect();
            if !wanted.is_empty() {
                walked.insert(role, walk::find(&self.root, &self.log, &wanted, role)?);
            }
        }
        let mut chosen = Vec::with_capacity(declared.len());
        for (declared, patterns) in declared.iter().zip(&patterns) {
            let walked = walked.get(&declared.role).map_or(&[][..], Vec::as_slice);
            chosen.push(choose(declared, patterns, walked)?);
        }
        let mut digests = HashMap::new();
        for path in chosen.iter().flatten().flat_map(|(_, paths)| paths) {
            if !digests.contains_key(path) {
                digests.insert(path.clone(), self.digest(path)?);
            }
        }
        Ok(chosen.into_iter().map(|chosen| fingerprints(chosen, &digests)).collect())
    }

    /// Returns the digest of a file; none where there is no file of the name.
    fn digest(&mut self, path: &str) -> Result<Option<Digest>, FilesError> {
        let full = self.root.join(path);
        let metadata = match full.metadata() {
            Ok(metadata) => metadata,
            Err(error) if is_gone(&error) => {
                return match full.symlink_metadata() {
                    Ok(_) => Err(FilesError::DanglingLink { path: escape(path) }),
                    Err(_) => Ok(None),
                };
            }
            Err(error) => return Err(unreadable(path, error)),
        };
        if !metadata.is_file() {
            return Ok(None);
        }
        let stamp = Stamp::of(&metadata);
        let known = self.known.get(path).filter(|known| stamp == Some(known.stamp));
        if let Some(known) = known.filter(|known| known.settled) {
            return Ok(Some(known.digest));
        }
        let settled = known.is_some();
        let digest = match read(&full) {
            Ok(digest) => digest,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(unreadable(path, error)),
        };
        if let Some(stamp) = stamp {
            self.known.insert(path.to_owned(), Known { stamp, digest, settled });
        }
        Ok(Some(digest))
    }
}

/// The patterns of a declaration, each with the paths that it matches.
type Chosen = Vec<(String, BTreeSet<String>)>;

fn compile(declared: &Declared) -> Result<Vec<Pattern>, FilesError> {
    let pattern = |text: &String| {
        Pattern::new(text).map_err(|source| {
            let (phase, role) = (declared.phase.clone(), declared.role);
            FilesError::Pattern { phase, role, source }
        })
    };
    declared.patterns.iter().map(pattern).collect()
}

/// Chooses among the files that were found, and refuses too many of them before one is read.
fn choose(declared: &Declared, patterns: &[Pattern], walked: &[String]) -> Result<Chosen, FilesError> {
    let one = |pattern: &Pattern| match pattern.literal() {
        Some(path) => BTreeSet::from([path.to_owned()]),
        None => walked.iter().filter(|path| pattern.matches(Path::new(path))).cloned().collect(),
    };
    let chosen: Chosen = declared.patterns.iter().cloned().zip(patterns.iter().map(one)).collect();
    let all: BTreeSet<_> = chosen.iter().flat_map(|(_, paths)| paths).collect();
    let (found, bytes) = (all.len(), all.iter().map(|path| path.len()).sum());
    match found > FILES_MAX || bytes > PATH_BYTES_MAX {
        true => Err(FilesError::TooMany { phase: declared.phase.clone(), role: declared.role, found, bytes }),
        false => Ok(chosen),
    }
}

fn fingerprints(chosen: Chosen, digests: &HashMap<String, Option<Digest>>) -> Fingerprints {
    let digest = |path: &String| digests.get(path).copied().flatten();
    let is_unmatched = |paths: &BTreeSet<String>| paths.iter().all(|path| digest(path).is_none());
    let unmatched = chosen.iter().filter(|(_, paths)| is_unmatched(paths));
    let unmatched = unmatched.map(|(pattern, _)| pattern.clone()).collect();
    let paths: BTreeSet<String> = chosen.into_iter().flat_map(|(_, paths)| paths).collect();
    let file = |path: String| Some(OutputFile { digest: digest(&path)?, path });
    Fingerprints { files: paths.into_iter().filter_map(file).collect(), unmatched }
}

/// Returns the BLAKE3 digest of a file's bytes.
///
/// # Errors
///
/// What the system says.
pub fn read(path: &Path) -> std::io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut file)?;
    Ok(Digest::new(Algorithm::Blake3, *hasher.finalize().as_bytes()))
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn unreadable(path: &str, source: std::io::Error) -> FilesError {
    FilesError::Unreadable { path: escape(path), source }
}
