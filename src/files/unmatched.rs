//! Why a pattern selects nothing, as far as names tell.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::Serialize;

use super::ENTRIES_MAX;
use super::choose::Chosen;
use super::walk::{self, How, with_slashes};
use crate::model::{FileRole, Pattern, Rule, escape, escape_path};

/// A declared pattern that selects no file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The pattern, as it is written.
    pub pattern: String,
    /// Why it selects none, for people; `it matches no file` where nothing more can be told.
    pub why: String,
    /// Whether nothing of its name is there: what comes later may match.
    #[serde(skip)]
    pub is_absent: bool,
}

/// Tells which patterns of a declaration select nothing.
pub(super) fn of(
    root: &Path,
    log: &Path,
    role: FileRole,
    chosen: &Chosen,
    is_there: &dyn Fn(&str) -> bool,
) -> Vec<Unmatched> {
    let selected: Vec<&(String, usize)> = chosen.selected.iter().filter(|(path, _)| is_there(path)).collect();
    let is_used = |number: usize, rule: &Rule| {
        selected.iter().any(|(_, by)| *by == number)
            || selected.iter().any(|(path, _)| rule.matches(Path::new(path)))
    };
    let rules = chosen.patterns.rules().iter().enumerate();
    let mut seen = BTreeSet::new();
    let once = rules.filter(|(_, rule)| seen.insert(&rule.written));
    let unused = once.filter(|(number, rule)| match rule.leaves_out {
        // One that leaves out nothing may be there for what comes. A folder never comes to match.
        true => rule.pattern.literal().is_some_and(|path| root.join(path).is_dir()),
        false => !chosen.untold.contains(number) && !is_used(*number, rule),
    });
    let unused: Vec<&Rule> = unused.map(|(_, rule)| rule).collect();
    let mut whys: Vec<Option<String>> =
        unused.iter().map(|rule| by_name(root, chosen, rule, is_there)).collect();
    let open: Vec<usize> = (0..unused.len()).filter(|at| whys[*at].is_none()).collect();
    let patterns: Vec<&Pattern> = open.iter().map(|at| &unused[*at].pattern).collect();
    for (at, why) in open.into_iter().zip(looked_for(root, log, role, &patterns)) {
        whys[at] = why;
    }
    let told = unused.into_iter().zip(whys).map(|(rule, why)| Unmatched {
        pattern: rule.written.clone(),
        is_absent: why.is_none(),
        why: why.unwrap_or_else(|| "it matches no file".to_owned()),
    });
    told.collect()
}

/// Tells why, where that takes no walk.
fn by_name(root: &Path, chosen: &Chosen, rule: &Rule, is_there: &dyn Fn(&str) -> bool) -> Option<String> {
    let shown = escape(rule.written.trim_end_matches('/'));
    if let Some(path) = rule.pattern.literal() {
        let full = root.join(path);
        if full.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) && full.is_dir() {
            return Some("it names a link to a folder, and those are not followed".to_owned());
        }
        if full.is_dir() {
            let does = if rule.leaves_out { "leaves out" } else { "selects" };
            return Some(format!(
                "it names a folder, which {does} nothing; `{shown}/**` {does} all that is in it"
            ));
        }
    }
    if rule.written.split('\\').skip(1).any(|rest| rest.starts_with(char::is_alphanumeric)) {
        return Some("the parts of a path are parted by `/`, not by `\\`".to_owned());
    }
    let matched = chosen.left_out.iter().find(|path| rule.matches(Path::new(path)) && is_there(path))?;
    let by = chosen.patterns.left_out_by(Path::new(matched))?;
    Some(format!("what it matches is left out: `{}` by `{}`", escape(matched), escape(&by.written)))
}

/// The first things that a pattern would match, were it not for a rule.
#[derive(Default)]
struct Near {
    ignored: Option<String>,
    dotted: Option<String>,
    linked: Option<String>,
    folder: Option<String>,
}

/// Looks for what is ignored, for names that begin with a dot, for links to folders in which patterns with wildcards look and
/// for folders that they match.
fn looked_for(root: &Path, log: &Path, role: FileRole, patterns: &[&Pattern]) -> Vec<Option<String>> {
    let mut near: Vec<Near> = patterns.iter().map(|_| Near::default()).collect();
    let wild: Vec<&Pattern> =
        patterns.iter().copied().filter(|pattern| pattern.literal().is_none()).collect();
    if wild.is_empty() {
        return patterns.iter().map(|_| None).collect();
    }
    let how = How { as_git: false, with_dots: true };
    for entry in walk::walk(root, log, &wild, &how).take(ENTRIES_MAX).flatten() {
        let Some(path) = entry.path().strip_prefix(root).ok().and_then(with_slashes) else { continue };
        if path.is_empty() {
            continue;
        }
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let is_link = entry.path_is_symlink() && entry.path().is_dir();
        for (pattern, near) in patterns.iter().zip(&mut near) {
            let found = match (is_folder, pattern.matches(Path::new(&path))) {
                (_, is_match) if is_link => match is_match || pattern.may_match_in(Path::new(&path)) {
                    true => &mut near.linked,
                    false => continue,
                },
                (true, true) => &mut near.folder,
                (false, true) if role.is_inputs() => &mut near.ignored,
                (false, false) if pattern.matches_with_dots(Path::new(&path)) => &mut near.dotted,
                _ => continue,
            };
            // The first by name, whatever the order of the walk.
            if found.as_ref().is_none_or(|found| path < *found) {
                *found = Some(path.clone());
            }
        }
    }
    let git = near.iter().any(|near| near.ignored.is_some()).then(|| Ignoring::of(root));
    near.into_iter().map(|near| near.why(git.as_ref())).collect()
}

impl Near {
    fn why(self, git: Option<&Ignoring>) -> Option<String> {
        if let Some(path) = self.ignored {
            let by = git.and_then(|git| git.by(&path))?;
            return Some(format!("it matches only what is ignored: `{}` by {by}", escape(&path)));
        }
        if let Some(path) = self.dotted {
            return Some(format!(
                "it matches only names that begin with a dot, such as `{}`; only a pattern with such a part selects them",
                escape(&path)
            ));
        }
        if let Some(link) = self.linked.as_deref().map(escape) {
            return Some(format!("`{link}` is a link to a folder, and those are not followed"));
        }
        let folder = self.folder.as_deref().map(escape)?;
        Some(format!(
            "it matches only folders, such as `{folder}`; a folder selects nothing, `{folder}/**` what is in it"
        ))
    }
}

/// The files that ignore others, from the top of the repository, or of the project in none.
struct Ignoring {
    root: PathBuf,
    top: PathBuf,
    /// What holds after all `.gitignore` files.
    last: Vec<Gitignore>,
}

impl Ignoring {
    fn of(root: &Path) -> Self {
        let top = walk::top(root).unwrap_or(root).to_owned();
        let mut exclude = GitignoreBuilder::new(&top);
        let unread = exclude.add(top.join(".git/info/exclude"));
        let exclude = exclude.build().ok().filter(|_| unread.is_none());
        let (global, _) = GitignoreBuilder::new(&top).build_global();
        Ignoring { root: root.to_owned(), top, last: exclude.into_iter().chain([global]).collect() }
    }

    /// Tells which line ignores a path, or the first folder that it is in: what is in that is not looked at.
    fn by(&self, path: &str) -> Option<String> {
        let full = self.root.join(path);
        let mut parts: Vec<&Path> = full.ancestors().take_while(|part| *part != self.root).collect();
        parts.reverse();
        parts.into_iter().find_map(|part| self.line(part, part != full))
    }

    /// Returns the line that ignores a path, where one does: the innermost file that says something of it decides.
    fn line(&self, path: &Path, is_folder: bool) -> Option<String> {
        let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.top));
        let inner = folders.map(|folder| Gitignore::new(folder.join(".gitignore")).0);
        for file in inner.chain(self.last.iter().cloned()) {
            match file.matched(path, is_folder) {
                Match::None => {}
                Match::Whitelist(_) => return None,
                Match::Ignore(glob) => {
                    let from = glob.from()?;
                    let text = std::fs::read(from).ok()?;
                    let text = String::from_utf8_lossy(&text);
                    let line = text.lines().collect::<Vec<_>>().into_iter().rposition(|line| {
                        line.trim_start_matches('\u{feff}').trim_end() == glob.original().trim_end()
                    })?;
                    let (from, rule) = (self.shown(from), escape(glob.original()));
                    return Some(format!("line {} of `{from}`, `{rule}`", line + 1));
                }
            }
        }
        None
    }

    /// Shows a file from the project's folder, where it is of its repository.
    fn shown(&self, file: &Path) -> String {
        if let Ok(below) = file.strip_prefix(&self.root) {
            return escape_path(below);
        }
        let mut above = self.root.ancestors().enumerate();
        let near = above.find_map(|(up, folder)| {
            let rest = file.strip_prefix(folder).ok().filter(|_| folder.starts_with(&self.top))?;
            Some(escape_path(&Path::new(&"../".repeat(up)).join(rest)))
        });
        near.unwrap_or_else(|| escape_path(file))
    }
}
