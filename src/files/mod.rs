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

mod special;
mod stamp;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::model::{
    Algorithm, Declared, Digest, FileRole, FoundFiles, OutputFile, Pattern, PatternError, Unreadable,
    UnreadableFile, escape, escape_path,
};
use stamp::Stamp;
use walk::Walked;

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprints {
    /// The files, by path: all but those that are `unreadable`.
    pub files: Vec<OutputFile>,
    /// The patterns that matched none.
    pub unmatched: Vec<String>,
    /// Pipes, sockets and devices among inputs, by path: they have no bytes to compare, and are left out.
    pub left_out: Vec<UnreadableFile>,
    /// What has no digest.
    pub unreadable: Unreadable,
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
    /// that they lead to; links to folders are not followed; what vanishes meanwhile is passed over. A pipe, a socket or a
    /// device has no digest: among outputs, or where an input is declared by its very name, it is unreadable, and otherwise
    /// left out of inputs. More files than a list holds are not read.
    pub fn fingerprint(&mut self, declared: &[Declared]) -> Vec<Fingerprints> {
        let asked: Vec<_> = declared.iter().map(|declared| (declared.role, compile(declared))).collect();
        let mut walked = HashMap::new();
        for role in [FileRole::Inputs, FileRole::Outputs] {
            let wanted = asked.iter().filter(|(of, _)| *of == role).flat_map(|(_, patterns)| patterns);
            let wanted = wanted.filter_map(|(_, pattern)| pattern.as_ref().ok());
            let wanted: Vec<&Pattern> = wanted.filter(|one| one.literal().is_none()).collect();
            if !wanted.is_empty() {
                walked.insert(role, walk::find(&self.root, &self.log, &wanted, role));
            }
        }
        let nothing = Walked::default();
        let choose = |(role, patterns)| (role, choose(patterns, walked.get(&role).unwrap_or(&nothing)));
        let chosen: Vec<(FileRole, Chosen)> = asked.into_iter().map(choose).collect();
        let mut looks = HashMap::new();
        for path in chosen.iter().flat_map(|(_, chosen)| &chosen.matched).flat_map(|matched| &matched.paths) {
            if !looks.contains_key(path) {
                looks.insert(path.clone(), self.look(path));
            }
        }
        chosen.into_iter().map(|(role, chosen)| fingerprints(role, chosen, &looks)).collect()
    }

    /// Looks at a file, and reads it where it may have changed.
    fn look(&mut self, path: &str) -> Look {
        let full = self.root.join(path);
        let metadata = match full.metadata() {
            Ok(metadata) => metadata,
            Err(error) if is_gone(&error) => {
                let is_link = full.symlink_metadata().is_ok();
                let dangling = || Look::Unreadable("it is a link to a file that is not there".to_owned());
                return if is_link { dangling() } else { Look::Gone };
            }
            Err(error) => return Look::Unreadable(error.to_string()),
        };
        match special::name(&metadata.file_type()) {
            Some(name) => return Look::Special(name),
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
    /// Something without bytes of its own, by its name.
    Special(&'static str),
    /// A file, as far as can be told, that cannot be read, for a reason.
    Unreadable(String),
}

/// The patterns of a declaration, as they are written and as they are understood.
type Patterns = Vec<(String, Result<Pattern, PatternError>)>;

/// What a declaration matches.
#[derive(Default)]
struct Chosen {
    matched: Vec<Matched>,
    /// What is in the way of telling that, by the pattern that it is in the way of.
    odd: Vec<UnreadableFile>,
}

/// A pattern with the paths that it matches.
struct Matched {
    pattern: String,
    is_literal: bool,
    paths: BTreeSet<String>,
}

fn compile(declared: &Declared) -> Patterns {
    declared.patterns.iter().map(|text| (text.clone(), Pattern::new(text))).collect()
}

/// Chooses among what was found; of too much nothing.
fn choose(patterns: Patterns, walked: &Walked) -> Chosen {
    let mut chosen = Chosen::default();
    let mut odd: Vec<_> = walked.odd.iter().collect();
    for (text, pattern) in patterns {
        let pattern = match pattern {
            Ok(pattern) => pattern,
            Err(error) => {
                chosen.odd.push(UnreadableFile { pattern: text, path: error.found, why: error.why });
                continue;
            }
        };
        let paths = match pattern.literal() {
            Some(path) => BTreeSet::from([path.to_owned()]),
            None => walked.paths.iter().filter(|path| pattern.matches(Path::new(path))).cloned().collect(),
        };
        if pattern.literal().is_none() {
            for one in odd.extract_if(.., |one| one.concerns(&pattern)) {
                let path = if one.path.as_os_str().is_empty() { Path::new(".") } else { &one.path };
                let (path, why) = (escape_path(path), one.why.clone());
                chosen.odd.push(UnreadableFile { pattern: text.clone(), path, why });
            }
        }
        let is_literal = pattern.literal().is_some();
        chosen.matched.push(Matched { pattern: text, is_literal, paths });
    }
    match too_many(&chosen.matched) {
        Some(too_many) => Chosen { matched: Vec::new(), odd: vec![too_many] },
        None => chosen,
    }
}

/// Tells of more files than a list holds, by the pattern that matches most of them.
fn too_many(matched: &[Matched]) -> Option<UnreadableFile> {
    let all: BTreeSet<_> = matched.iter().flat_map(|matched| &matched.paths).collect();
    let (found, bytes) = (all.len(), all.iter().map(|path| path.len()).sum::<usize>());
    if found <= FILES_MAX && bytes <= PATH_BYTES_MAX {
        return None;
    }
    let pattern = &matched.iter().max_by_key(|matched| matched.paths.len())?.pattern;
    let why = format!(
        "{found} files with {bytes} bytes of paths are declared; at most {FILES_MAX} files and {PATH_BYTES_MAX} bytes \
         are kept"
    );
    Some(UnreadableFile { pattern: pattern.clone(), path: escape(pattern), why })
}

fn fingerprints(role: FileRole, chosen: Chosen, looks: &HashMap<String, Look>) -> Fingerprints {
    let (mut files, mut left_out, mut unmatched) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let has_odd = |pattern: &String| chosen.odd.iter().any(|odd| odd.pattern == *pattern);
    let mut unreadable: BTreeMap<String, UnreadableFile> = BTreeMap::new();
    for Matched { pattern, is_literal, paths } in &chosen.matched {
        let odd = |path: &String, why: String| {
            (path.clone(), UnreadableFile { pattern: pattern.clone(), path: escape(path), why })
        };
        let is_gone = |path: &String| matches!(looks.get(path), Some(Look::Gone) | None);
        if paths.iter().all(is_gone) && !has_odd(pattern) {
            unmatched.push(pattern.clone());
        }
        for path in paths {
            match looks.get(path) {
                Some(Look::File(digest)) => {
                    files.insert(path.clone(), *digest);
                }
                Some(Look::Special(name)) if role == FileRole::Inputs && !is_literal => {
                    left_out.extend([odd(path, format!("it is {name}"))]);
                }
                Some(Look::Special(name)) => unreadable.extend([odd(path, format!("it is {name}"))]),
                Some(Look::Unreadable(why)) => unreadable.extend([odd(path, why.clone())]),
                Some(Look::Gone) | None => {}
            }
        }
    }
    let mut unreadable: Vec<_> = unreadable.into_values().chain(chosen.odd).collect();
    unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    Fingerprints {
        files: files.into_iter().map(|(path, digest)| OutputFile { path, digest }).collect(),
        unmatched,
        left_out: left_out.into_values().collect(),
        unreadable: unreadable.into_iter().collect(),
    }
}

/// Says what a path leads to, where that has no bytes of its own: a pipe, a socket or a device. Reading one may wait for
/// ever.
///
/// # Errors
///
/// What the system says.
pub fn special(path: &Path) -> std::io::Result<Option<&'static str>> {
    Ok(special::name(&path.metadata()?.file_type()))
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
