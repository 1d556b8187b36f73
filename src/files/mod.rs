//! Files: which ones a phase declares, as they are on the disk, and the digests of what is in them.
//!
//! ```text
//!  Declared ─patterns▶ walk (.gitignore) ─paths▶ BLAKE3 of each ─▶ Fingerprints
//! ```
//!
//! Nothing here fails: what is in the way of telling which files there are, and what is in them, is told with the rest.
//!
//! What flows in are the patterns of definitions; what flows out goes into a
//! [`Command`](crate::model::Command). Nothing here knows a ledger: files are read while nobody holds one.

mod choose;
mod special;
mod stamp;
mod unmatched;
mod walk;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::model::{
    Algorithm, Declared, Digest, FileRole, FoundFiles, OutputFile, Unreadable, UnreadableFile, escape,
};
use choose::Chosen;
use stamp::Stamp;
pub use unmatched::Unmatched;

/// The most files that one list of fingerprints may have.
pub const FILES_MAX: usize = 10_000;

/// The most bytes that the paths of one list may have together. With it a list stays far below the longest line
/// that a log can keep.
pub const PATH_BYTES_MAX: usize = 1 << 20;

/// How many bytes of a file are read at most that says that it is empty.
pub const EMPTY_BYTES_MAX: u64 = 1 << 20;

/// How many names are looked at, at most, to tell why a pattern selects nothing.
const ENTRIES_MAX: usize = 50_000;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprints {
    /// The files, by path: all but those that are `unreadable`.
    pub files: Vec<OutputFile>,
    /// The patterns that select none, in the order of the declaration.
    pub unmatched: Vec<Unmatched>,
    /// Pipes, sockets and devices among inputs, by path: they have no bytes to compare, and are left out.
    pub left_out: Vec<UnreadableFile>,
    /// What has no digest.
    pub unreadable: Unreadable,
    /// Where files may be that cannot be told: those themselves, or a folder; empty for all of the project's.
    pub hidden: Vec<PathBuf>,
}

impl Fingerprints {
    /// Returns all declared files, or those that have no digest.
    ///
    /// # Errors
    ///
    /// [`Unreadable`], where there is one such file.
    pub fn whole(self) -> FoundFiles {
        if self.unreadable.is_empty() { Ok(self.files) } else { Err(self.unreadable) }
    }

    /// Says whether a file may be at a path, with whatever bytes, though it is not among the files.
    pub fn may_hide(&self, path: &str) -> bool {
        self.hidden.iter().any(|hidden| Path::new(path).starts_with(hidden))
    }
}

impl Project {
    /// Takes a project's folder, and the folder of its log, which never is a declared file.
    pub fn new(root: PathBuf, log: PathBuf) -> Self {
        Project { root, log, known: HashMap::new() }
    }

    /// Fingerprints what several phases declare, each file once. Answers are in the order of the questions.
    ///
    /// Of the patterns that match a path the last decides, and one with a `!` leaves it out.
    /// Inputs are what git would see: what a `.gitignore` ignores is none, unless a pattern without wildcards
    /// names the very file. Outputs count whether they are ignored or not. Links to files count as the files
    /// that they lead to; links to folders are not followed; what vanishes meanwhile is passed over. A pipe, a socket or a
    /// device has no digest: among outputs, or where an input is declared by its very name, it is unreadable, and otherwise
    /// left out of inputs. More files than a list holds are not read.
    pub fn fingerprint(&mut self, declared: &[Declared]) -> Vec<Fingerprints> {
        let chosen = choose::choose(&self.root, &self.log, declared, usize::MAX);
        let mut looks = HashMap::new();
        for (path, _) in chosen.iter().flat_map(|chosen| &chosen.selected) {
            if !looks.contains_key(path) {
                looks.insert(path.clone(), self.look(path));
            }
        }
        let is_there = |path: &str| !matches!(looks.get(path), Some(Look::Gone) | None);
        let told = declared.iter().zip(&chosen).map(|(declared, chosen)| {
            let unmatched = unmatched::of(&self.root, &self.log, declared.role, chosen, &is_there);
            Fingerprints { unmatched, ..fingerprints(declared.role, chosen, &looks) }
        });
        told.collect()
    }

    /// Tells which patterns select nothing, of several declarations, by the names of files alone: none is opened. Answers are
    /// in the order of the questions. Where there is too much to look at, or something is in the way, nothing is said.
    pub fn unmatched(&self, declared: &[Declared]) -> Vec<Vec<Unmatched>> {
        let chosen = choose::choose(&self.root, &self.log, declared, ENTRIES_MAX);
        let is_there = |path: &str| {
            let full = self.root.join(path);
            let is_folder = full.metadata().is_ok_and(|metadata| metadata.is_dir());
            !is_folder && full.symlink_metadata().is_ok()
        };
        let of = |(declared, chosen): (&Declared, &Chosen)| {
            unmatched::of(&self.root, &self.log, declared.role, chosen, &is_there)
        };
        declared.iter().zip(&chosen).map(of).collect()
    }

    /// Looks at a file, and reads it where it may have changed.
    fn look(&mut self, path: &str) -> Look {
        let full = self.root.join(path);
        let metadata = match full.metadata() {
            Ok(metadata) => metadata,
            Err(error) if is_gone(&error) => {
                let is_link = full.symlink_metadata().is_ok();
                return if is_link { Look::NoFile("a link to a file that is not there") } else { Look::Gone };
            }
            Err(error) => return Look::Unreadable(error.to_string()),
        };
        match special::name(&metadata.file_type()) {
            Some(name) => return Look::NoBytes(name),
            None if !metadata.is_file() => return Look::Gone,
            None => {}
        }
        let stamp = Stamp::of(&metadata);
        let known = self.known.get(path).filter(|known| stamp == Some(known.stamp));
        if let Some(known) = known.filter(|known| known.settled) {
            return Look::File(known.digest);
        }
        let settled = known.is_some();
        let digest = match read(&full) {
            Ok(digest) => digest,
            Err(error) if is_gone(&error) => return Look::Gone,
            Err(error) => return Look::Unreadable(error.to_string()),
        };
        if let Some(stamp) = stamp {
            self.known.insert(path.to_owned(), Known { stamp, digest, settled });
        }
        Look::File(digest)
    }
}

/// What a path leads to.
enum Look {
    File(Digest),
    /// No file: there is none of the name, or it is a folder.
    Gone,
    /// A link that leads to nothing, by its name.
    NoFile(&'static str),
    /// Something without bytes of its own, by its name.
    NoBytes(&'static str),
    /// A file, as far as can be told, that cannot be read, for a reason.
    Unreadable(String),
}

fn fingerprints(role: FileRole, chosen: &Chosen, looks: &HashMap<String, Look>) -> Fingerprints {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    let (mut hidden, mut unreadable): (Vec<PathBuf>, Vec<_>) = chosen.odd.iter().cloned().unzip();
    for (path, number) in &chosen.selected {
        let rule = &chosen.patterns.rules()[*number];
        let is_named = rule.pattern.literal().is_some();
        let odd = |why: String| UnreadableFile { pattern: rule.written.clone(), path: escape(path), why };
        match looks.get(path) {
            Some(Look::File(digest)) => files.push(OutputFile { path: path.clone(), digest: *digest }),
            Some(Look::NoBytes(name)) if role == FileRole::Inputs && !is_named => {
                left_out.push(odd(format!("it is {name}")));
            }
            Some(Look::NoBytes(name) | Look::NoFile(name)) => unreadable.push(odd(format!("it is {name}"))),
            Some(Look::Unreadable(why)) => {
                hidden.push(PathBuf::from(path));
                unreadable.push(odd(why.clone()));
            }
            Some(Look::Gone) | None => {}
        }
    }
    unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    Fingerprints {
        files,
        unmatched: Vec::new(),
        left_out,
        unreadable: unreadable.into_iter().collect(),
        hidden,
    }
}

/// Returns the BLAKE3 digest of the bytes that a file has as it is opened: what grows meanwhile is not run after.
///
/// # Errors
///
/// What the system says. A pipe, a socket or a device is none, for reading one may wait for ever; nor is what says that it is
/// empty, as files of `/proc` do, and has more than [`EMPTY_BYTES_MAX`].
pub fn read(path: &Path) -> io::Result<Digest> {
    if let Some(name) = special::name(&path.metadata()?.file_type()) {
        return Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {name}")));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let most = if length == 0 { EMPTY_BYTES_MAX } else { length };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(most))?;
    if length == 0 && hasher.count() == most {
        let why = format!("it says that it is empty, but has {most} bytes and more");
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    Ok(Digest::new(Algorithm::Blake3, *hasher.finalize().as_bytes()))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
