//! Finds the files below a project's folder that patterns match.

use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::{FilesError, is_gone, unreadable};
use crate::model::{FileRole, Pattern, escape};

/// Returns the paths, with `/`, of the files and links that any of the patterns matches, sorted. What a
/// `.gitignore` ignores is left out for inputs; `.git` and the ledger's log always are.
pub(super) fn find(
    root: &Path,
    log: &Path,
    patterns: &[&Pattern],
    role: FileRole,
) -> Result<Vec<String>, FilesError> {
    let as_git = role == FileRole::Inputs;
    let scope = Scope::new(root, log, patterns);
    let mut walk = WalkBuilder::new(root);
    // What is above the repository, or above a project in none, is no concern of its files.
    let in_repository = root.ancestors().any(|folder| folder.join(".git").exists());
    walk.standard_filters(false)
        .parents(as_git && in_repository)
        .git_ignore(as_git)
        .git_global(as_git)
        .git_exclude(as_git)
        .require_git(in_repository)
        .filter_entry(move |entry| scope.admits(entry));
    let mut found = Vec::new();
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => match gone_or_unreadable(error, root) {
                None => continue,
                Some(error) => return Err(error),
            },
        };
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file() || kind.is_symlink());
        let Ok(path) = entry.path().strip_prefix(root) else { continue };
        if is_file && patterns.iter().any(|pattern| pattern.matches(path)) {
            found.push(with_slashes(path)?);
        }
    }
    found.sort_unstable();
    Ok(found)
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
fn gone_or_unreadable(error: ignore::Error, root: &Path) -> Option<FilesError> {
    if error.io_error().is_some_and(is_gone) {
        return None;
    }
    let path = path_of(&error).unwrap_or(root).to_string_lossy().into_owned();
    let text = error.to_string();
    let source = error.into_io_error().unwrap_or_else(|| std::io::Error::other(text));
    Some(unreadable(&path, source))
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

fn with_slashes(path: &Path) -> Result<String, FilesError> {
    let not_utf8 = || FilesError::NotUtf8 { path: escape(&path.to_string_lossy()) };
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    Ok(parts.ok_or_else(not_utf8)?.join("/"))
}
