//! Chooses the files of a declaration among those that are there, by path: none is read.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::walk::{self, Walked};
use super::{FILES_MAX, PATH_BYTES_MAX};
use crate::model::{Declared, FileRole, Pattern, Patterns, UnreadableFile, escape, escape_path};

/// What a declaration selects.
pub(super) struct Chosen {
    pub patterns: Patterns,
    /// The paths, sorted, each with the number of the pattern that selects it.
    pub selected: Vec<(String, usize)>,
    /// The paths that a pattern selected and a later one left out.
    pub left_out: Vec<String>,
    /// What is in the way of telling which files there are, by the pattern that it is in the way of; and where that is:
    /// empty where it may be anywhere.
    pub odd: Vec<(PathBuf, UnreadableFile)>,
    /// The numbers of patterns of which nothing can be said: something is in the way.
    pub untold: BTreeSet<usize>,
}

/// Chooses what several declarations select. Of too many files it is none, and of more entries than `most` nothing is said.
pub(super) fn choose(root: &Path, log: &Path, declared: &[Declared], most: usize) -> Vec<Chosen> {
    let read = |declared: &Declared| (declared.role, Patterns::read(&declared.patterns));
    let asked: Vec<_> = declared.iter().map(read).collect();
    let mut walked = HashMap::new();
    for role in [FileRole::Inputs, FileRole::Outputs] {
        let of_role = asked.iter().filter(|(of, _)| *of == role);
        let wanted =
            of_role.flat_map(|(_, (patterns, _))| patterns.selecting()).map(|(_, rule)| &rule.pattern);
        let wanted: Vec<&Pattern> = wanted.filter(|one| one.literal().is_none()).collect();
        if !wanted.is_empty() {
            walked.insert(role, walk::find(root, log, &wanted, role, most));
        }
    }
    let nothing = Walked::default();
    let chosen = asked.into_iter().zip(declared).map(|((role, (patterns, bad)), declared)| {
        let mut chosen = among(patterns, walked.get(&role).unwrap_or(&nothing));
        chosen.odd.extend(bad.into_iter().map(|bad| {
            let pattern = declared.patterns[bad.index].clone();
            (PathBuf::new(), UnreadableFile { pattern, path: bad.error.found, why: bad.error.why })
        }));
        chosen
    });
    chosen.collect()
}

/// Chooses among what was found; of too much nothing.
fn among(patterns: Patterns, walked: &Walked) -> Chosen {
    let named: BTreeSet<&str> = patterns.selecting().filter_map(|(_, rule)| rule.pattern.literal()).collect();
    let is_found = |path: &str| walked.paths.binary_search_by(|found| found.as_str().cmp(path)).is_ok();
    let unfound = named.iter().copied().filter(|path| !is_found(path));
    let paths =
        walked.paths.iter().map(|path| (path.as_str(), true)).chain(unfound.map(|path| (path, false)));
    let (mut selected, mut left_out) = (Vec::new(), Vec::new());
    for (path, wildcards_count) in paths {
        match patterns.selected_by(Path::new(path), wildcards_count) {
            Some(number) => selected.push((path.to_owned(), number)),
            None if patterns.left_out_by(Path::new(path)).is_some() => left_out.push(path.to_owned()),
            None => {}
        }
    }
    selected.sort_unstable();
    let mut odd = Vec::new();
    for one in &walked.odd {
        if let Some(number) = one.concerns(&patterns) {
            let path = if one.path.as_os_str().is_empty() { Path::new(".") } else { &one.path };
            let pattern = patterns.rules()[number].written.clone();
            let shown = escape_path(path);
            odd.push((one.path.clone(), UnreadableFile { pattern, path: shown, why: one.why.clone() }));
        }
    }
    let is_untold = |pattern: &Pattern| {
        let is_in_the_way = || walked.odd.iter().any(|one| one.concerns_pattern(pattern));
        pattern.literal().is_none() && (walked.is_cut || is_in_the_way())
    };
    let untold = patterns.selecting().filter(|(_, rule)| is_untold(&rule.pattern)).map(|(number, _)| number);
    let untold = untold.collect();
    match too_many(&patterns, &selected) {
        Some(too_many) => {
            let untold = (0..patterns.rules().len()).collect();
            let odd = vec![(PathBuf::new(), too_many)];
            Chosen { patterns, selected: Vec::new(), left_out: Vec::new(), odd, untold }
        }
        None => Chosen { patterns, selected, left_out, odd, untold },
    }
}

/// Tells of more files than a list holds, by the pattern that selects most of them.
fn too_many(patterns: &Patterns, selected: &[(String, usize)]) -> Option<UnreadableFile> {
    let (found, bytes) = (selected.len(), selected.iter().map(|(path, _)| path.len()).sum::<usize>());
    if found <= FILES_MAX && bytes <= PATH_BYTES_MAX {
        return None;
    }
    let mut counts = vec![0_usize; patterns.rules().len()];
    selected.iter().for_each(|(_, number)| counts[*number] += 1);
    let (most, _) = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
    let pattern = &patterns.rules()[most].written;
    let why = format!(
        "{found} files with {bytes} bytes of paths are declared; at most {FILES_MAX} files and {PATH_BYTES_MAX} bytes \
         are kept"
    );
    Some(UnreadableFile { pattern: pattern.clone(), path: escape(pattern), why })
}
