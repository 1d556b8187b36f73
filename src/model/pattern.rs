//! Patterns of files: what a definition's `inputs` and `outputs` name.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use serde::Serialize;

use super::{PhaseId, escape};

/// The characters that make a pattern more than a path.
const META: &[char] = &['*', '?', '[', ']', '{', '}', '\\'];

/// Which of a phase's files are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// Those that it reads.
    Inputs,
    /// Those that it puts out.
    Outputs,
}

impl FileRole {
    /// Both, in the order in which they are looked at.
    pub const ALL: [FileRole; 2] = [FileRole::Inputs, FileRole::Outputs];

    /// Says whether it is what a phase reads.
    pub const fn is_inputs(&self) -> bool {
        matches!(self, FileRole::Inputs)
    }

    /// Returns the key of the workflow file that declares them.
    pub const fn as_str(self) -> &'static str {
        match self {
            FileRole::Inputs => "inputs",
            FileRole::Outputs => "outputs",
        }
    }
}

/// The files that a phase's definition declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The phase.
    pub phase: PhaseId,
    /// Which of its files.
    pub role: FileRole,
    /// The patterns, as they are written.
    pub patterns: Vec<String>,
}

/// A pattern of files, relative to the project's folder. Its parts are parted by `/`: `*` and `?` stay within
/// a part, `**` as a part stands for any number of folders, `[…]` and `{a,b}` are as in a shell. Files whose
/// name, or a folder of theirs, begins with a dot match only where a part of the pattern begins with one. `\!` at the
/// beginning is a `!`: one alone leaves out in a list of patterns ([`Patterns`](super::Patterns)).
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
    takes_hidden: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// [`PatternError`] for a pattern that is not a glob, or not of files below the project's folder.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let error = |why: String| PatternError { found: escape(text), why };
        let text = text.trim_start_matches("./");
        // No more than a name: without this it would be one with a wildcard.
        let text = if text.starts_with("\\!") { &text[1..] } else { text };
        if text.is_empty() {
            return Err(error("it names no file".to_owned()));
        }
        if text.starts_with('/') {
            return Err(error("it is absolute; expected a path from the project's folder".to_owned()));
        }
        if text.ends_with('/') {
            return Err(error(format!("it names a folder; `{}**` is all that is in it", escape(text))));
        }
        if text.split('/').any(|part| matches!(part, "." | ".." | "")) {
            return Err(error("it has an empty part, `.` or `..`; expected a plain path".to_owned()));
        }
        let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
        let matcher = glob.map_err(|glob| error(escape(&glob.kind().to_string())))?.compile_matcher();
        let takes_hidden = text.split(['/', '{', ',', '[']).any(|part| part.starts_with('.'));
        Ok(Pattern { text: text.to_owned(), matcher, takes_hidden })
    }

    /// Returns the pattern that matches a path and no other; none for a path that does not lead into the project's folder.
    pub fn of_path(path: &str) -> Option<String> {
        let mut pattern = String::with_capacity(path.len());
        for character in path.trim_start_matches("./").chars() {
            if META.contains(&character) || (pattern.is_empty() && character == '!') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        Pattern::new(&pattern).is_ok().then_some(pattern)
    }

    /// Says whether a path from the project's folder matches.
    pub fn matches(&self, path: &Path) -> bool {
        (self.takes_hidden || !is_hidden(path)) && self.matches_with_dots(path)
    }

    /// Says whether a path matches where names that begin with a dot are as any others.
    pub fn matches_with_dots(&self, path: &Path) -> bool {
        match self.literal() {
            Some(name) => path.as_os_str().len() == name.len() && path == Path::new(name),
            None => self.matcher.is_match(path),
        }
    }

    /// Says whether all that is in a folder matches, names that begin with a dot among them. Where that takes more than a
    /// look at the last parts, it does not.
    pub fn is_all_of(&self, folder: &Path) -> bool {
        let is_deep = self.text == "**"
            || self.text.ends_with("/**")
            || self.text == "**/*"
            || self.text.ends_with("/**/*");
        is_deep && self.matches_with_dots(&folder.join("x"))
    }

    /// Says whether files match whose name begins with a dot, or that are in such a folder.
    pub fn takes_hidden(&self) -> bool {
        self.takes_hidden
    }

    /// Returns the path of the one file that the pattern names, where it has no wildcard.
    pub fn literal(&self) -> Option<&str> {
        (!self.text.contains(META)).then_some(self.text.as_str())
    }

    /// Returns the folder that everything which matches is in: empty for the project's folder.
    pub fn folder(&self) -> &Path {
        let wild = self.text.find(META).unwrap_or(self.text.len());
        let end = self.text[..wild].rfind('/').unwrap_or(0);
        Path::new(&self.text[..end])
    }

    /// Says whether anything in a folder may match. Where that takes more than a look at the parts, it may.
    pub fn may_match_in(&self, folder: &Path) -> bool {
        if !self.takes_hidden && is_hidden(folder) {
            return false;
        }
        let (parts, depth): (Vec<&str>, _) = (self.text.split('/').collect(), folder.iter().count());
        if !self.text.contains("**") && !self.text.contains(['{', '[', '\\']) {
            let above = || Pattern::new(&parts[..depth].join("/")).is_ok_and(|above| above.matches(folder));
            return depth < parts.len() && (depth == 0 || above());
        }
        self.folder().starts_with(folder) || folder.starts_with(self.folder())
    }
}

/// Says whether a part of a path begins with a dot.
fn is_hidden(path: &Path) -> bool {
    path.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
}

/// A text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no pattern of files: {why}")]
pub struct PatternError {
    /// What was found, escaped.
    pub found: String,
    /// What is wrong with it, and what was expected.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).expect(pattern).matches(Path::new(path))
    }

    #[test]
    fn stars_stay_within_a_part_and_dots_are_asked_for() {
        for (pattern, path, expected) in [
            ("books/*.pdf", "books/a.pdf", true),
            ("books/*.pdf", "books/x/a.pdf", false),
            ("books/**/*.pdf", "books/a.pdf", true),
            ("books/**/*.pdf", "books/x/y/a.pdf", true),
            ("./books/**", "books/x/y", true),
            ("**", "a", true),
            ("**", ".a", false),
            ("books/**", "books/.x/a", false),
            ("books/.x/*", "books/.x/a", true),
            ("{src,.github}/**", ".github/x.yml", true),
            ("a?c", "a/c", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn a_folder_concerns_the_patterns_that_reach_into_it() {
        for (pattern, folder, expected) in [
            ("in/*", "", true),
            ("in/*", "in", true),
            ("in/*", "in/deep", false),
            ("in/*/*.txt", "in/deep", true),
            ("in/*/*.txt", "out", false),
            ("in/**", "in/deep/er", true),
            ("in/**", "out", false),
            ("in/**", "in/.hidden", false),
            ("in/{a,b}/*", "in/c", true),
        ] {
            let pattern = Pattern::new(pattern).expect(pattern);
            assert_eq!(pattern.may_match_in(Path::new(folder)), expected, "{pattern:?} in {folder}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (pattern, expected) in [
            ("/data/x", "absolute"),
            ("../x", "plain path"),
            ("a//b", "plain path"),
            ("books/", "`books/**`"),
            ("./", "no file"),
            ("a[", "unclosed character class"),
            ("{a", "unclosed alternate"),
        ] {
            let error = Pattern::new(pattern).expect_err(pattern).to_string();
            assert!(error.contains(expected), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_pattern_tells_where_it_looks() {
        for (pattern, literal, folder) in [
            ("a/b.txt", Some("a/b.txt"), "a"),
            ("a/b*/c", None, "a"),
            ("*.x", None, ""),
            ("a/b/**/c", None, "a/b"),
        ] {
            let pattern = Pattern::new(pattern).expect(pattern);
            assert_eq!((pattern.literal(), pattern.folder()), (literal, Path::new(folder)));
        }
    }
}
