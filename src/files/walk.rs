//! Finds the files below a project's folder that patterns match.

use std::path::{Path, PathBuf};

use ignore::{DirEntry, Walk, WalkBuilder};

use super::is_gone;
use crate::model::{FileRole, Pattern, Patterns};

/// What is below a project's folder that patterns match.
#[derive(Default)]
pub(super) struct Walked {
    /// The paths, with `/`, of all that is no folder, sorted.
    pub paths: Vec<String>,
    /// What has no such path, or could not be looked at.
    pub odd: Vec<Odd>,
    /// Whether it was given up, for there was too much to look at.
    pub is_cut: bool,
}

/// What is in the way of telling which files there are.
pub(super) struct Odd {
    /// Where it is, from the project's folder.
    pub path: PathBuf,
    /// Whether files may be in it.
    pub is_folder: bool,
    /// What is wrong with it.
    pub why: String,
}

impl Odd {
    /// Returns the number of the pattern in whose way it is.
    pub(super) fn concerns(&self, patterns: &Patterns) -> Option<usize> {
        let itself = patterns.selected_by(&self.path, true);
        itself.or_else(|| patterns.may_select_in(&self.path).filter(|_| self.is_folder))
    }

    /// Says whether it is in the way of what a pattern matches.
    pub(super) fn concerns_pattern(&self, pattern: &Pattern) -> bool {
        pattern.matches(&self.path) || self.is_folder && pattern.may_match_in(&self.path)
    }
}

/// How a folder is walked.
pub(super) struct How {
    /// Whether what a `.gitignore` ignores is left out.
    pub as_git: bool,
    /// Whether folders and files are shown whose name begins with a dot, even if no pattern asks for them.
    pub with_dots: bool,
}

/// Starts a walk to where the patterns look. `.git` and the ledger's log are never shown.
pub(super) fn walk(root: &Path, log: &Path, patterns: &[&Pattern], how: &How) -> Walk {
    let mut scope = Scope::new(root, log, patterns);
    scope.takes_hidden |= how.with_dots;
    let mut walk = WalkBuilder::new(root);
    // What is above the repository, or above a project in none, is no concern of its files.
    let in_repository = top(root).is_some();
    walk.standard_filters(false)
        .parents(how.as_git && in_repository)
        .git_ignore(how.as_git)
        .git_global(how.as_git)
        .git_exclude(how.as_git)
        .require_git(in_repository)
        .filter_entry(move |entry| scope.admits(entry));
    walk.build()
}

/// Returns the top of the repository that a folder is in.
pub(super) fn top(root: &Path) -> Option<&Path> {
    root.ancestors().find(|folder| folder.join(".git").exists())
}

/// Finds what any of the patterns matches, and gives up after a number of entries. What a `.gitignore` ignores is left out
/// for inputs.
pub(super) fn find(root: &Path, log: &Path, patterns: &[&Pattern], role: FileRole, most: usize) -> Walked {
    let how = How { as_git: role == FileRole::Inputs, with_dots: false };
    let mut walked = Walked::default();
    for (count, entry) in walk(root, log, patterns, &how).enumerate() {
        if count == most {
            return Walked { is_cut: true, ..Walked::default() };
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walked.odd.extend(unless_gone(error, root));
                continue;
            }
        };
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let Ok(path) = entry.path().strip_prefix(root) else { continue };
        if !is_folder && patterns.iter().any(|pattern| pattern.matches(path)) {
            match with_slashes(path) {
                Some(path) => walked.paths.push(path),
                None => {
                    let why = "its name is not UTF-8".to_owned();
                    walked.odd.push(Odd { path: path.to_owned(), is_folder: false, why });
                }
            }
        }
    }
    walked.paths.sort_unstable();
    walked
}

/// Where there is something to be found: folders elsewhere are not read.
struct Scope {
    root: PathBuf,
    log: PathBuf,
    folders: Vec<PathBuf>,
    takes_hidden: bool,
}

impl Scope {
    fn new(root: &Path, log: &Path, patterns: &[&Pattern]) -> Self {
        let mut folders: Vec<_> = patterns.iter().map(|pattern| pattern.folder().to_owned()).collect();
        folders.sort();
        folders.dedup();
        let takes_hidden = patterns.iter().any(|pattern| pattern.takes_hidden());
        Scope { root: root.to_owned(), log: log.to_owned(), folders, takes_hidden }
    }

    fn admits(&self, entry: &DirEntry) -> bool {
        if entry.depth() == 0 {
            return true;
        }
        let name = entry.file_name();
        if name == ".git" || entry.path() == self.log {
            return false;
        }
        if !self.takes_hidden && name.as_encoded_bytes().starts_with(b".") {
            return false;
        }
        if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
            return true;
        }
        let Ok(path) = entry.path().strip_prefix(&self.root) else { return false };
        self.folders.iter().any(|folder| folder.starts_with(path) || path.starts_with(folder))
    }
}

/// Passes over what vanished while the walk was under way.
fn unless_gone(error: ignore::Error, root: &Path) -> Option<Odd> {
    if error.io_error().is_some_and(is_gone) {
        return None;
    }
    let path = path_of(&error).unwrap_or(root);
    let path = path.strip_prefix(root).unwrap_or(path).to_owned();
    let text = error.to_string();
    let why = error.into_io_error().map_or(text, |error| {
        // What the system says, without the path, which is told beside it.
        let said = error.get_ref().and_then(|inner| inner.source());
        said.map_or_else(|| error.to_string(), ToString::to_string)
    });
    Some(Odd { path, is_folder: true, why })
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

pub(super) fn with_slashes(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}
