//! Lists of patterns: which files one of them selects, and which one leaves out again.
//!
//! As in a `.gitignore` order counts: of all patterns of a list that match a path, the last decides. One that begins with
//! `!` leaves out, any other selects. This is the one place that decides for a list.

use std::path::Path;

use super::escape;
use super::pattern::{Pattern, PatternError};

/// What a definition's `inputs` or `outputs` say, in order.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    rules: Vec<Rule>,
}

/// A pattern of a list, with what it does to the files that it matches.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The pattern as it is written, with its `!`.
    pub written: String,
    /// Which files it is about.
    pub pattern: Pattern,
    /// Whether it leaves out what the patterns before it selected.
    pub leaves_out: bool,
}

/// A text of a list that is no pattern, by its number in the list, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    /// Its number in the list.
    pub index: usize,
    /// What is wrong with it.
    pub error: PatternError,
}

impl Patterns {
    /// Reads a list, and tells of each text in it that is no pattern; the others hold without it.
    pub fn read<T: AsRef<str>>(texts: &[T]) -> (Self, Vec<BadPattern>) {
        let (mut rules, mut bad) = (Vec::new(), Vec::new());
        for (index, text) in texts.iter().enumerate() {
            match Rule::new(text.as_ref(), &rules) {
                Ok(rule) => rules.push(rule),
                Err(error) => bad.push(BadPattern { index, error }),
            }
        }
        (Patterns { rules }, bad)
    }

    /// Returns all of them, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns those that select files, with their numbers.
    pub fn selecting(&self) -> impl Iterator<Item = (usize, &Rule)> {
        self.rules.iter().enumerate().filter(|(_, rule)| !rule.leaves_out)
    }

    /// Says whether a path from the project's folder is selected.
    pub fn selects(&self, path: &Path) -> bool {
        self.selected_by(path, true).is_some()
    }

    /// Returns the number of the pattern that selects a path: the last one, unless one before it names the very file, and
    /// none where a pattern that leaves out comes last. Where wildcards do not count, as for what is ignored, only a pattern
    /// without one selects it.
    pub fn selected_by(&self, path: &Path, wildcards_count: bool) -> Option<usize> {
        let mut by: Option<usize> = None;
        for (number, rule) in self.rules.iter().enumerate() {
            let is_literal = rule.pattern.literal().is_some();
            let is_named = by.is_some_and(|by| self.rules[by].pattern.literal().is_some());
            if rule.leaves_out {
                by = by.filter(|_| !rule.matches(path));
            } else if !is_named && (is_literal || wildcards_count) && rule.matches(path) {
                by = Some(number);
            }
        }
        by
    }

    /// Returns the last pattern that leaves a path out.
    pub fn left_out_by(&self, path: &Path) -> Option<&Rule> {
        self.rules.iter().rev().find(|rule| rule.leaves_out && rule.matches(path))
    }

    /// Returns the number of the last pattern that may select something in a folder, unless all that is in it is left out.
    pub fn may_select_in(&self, folder: &Path) -> Option<usize> {
        let mut by = None;
        for (number, rule) in self.rules.iter().enumerate() {
            if rule.leaves_out {
                by = by.filter(|_| !rule.pattern.is_all_of(folder));
            } else if rule.pattern.literal().is_none() && rule.pattern.may_match_in(folder) {
                by = Some(number);
            }
        }
        by
    }
}

impl Rule {
    fn new(written: &str, before: &[Rule]) -> Result<Self, PatternError> {
        let error = |why: &str| PatternError { found: escape(written), why: why.to_owned() };
        let (text, leaves_out) = match written.strip_prefix('!') {
            Some("") => return Err(error("it leaves out nothing; expected a pattern after the `!`")),
            Some(text) => (text, true),
            None => (written, false),
        };
        if leaves_out && !before.iter().any(|rule| !rule.leaves_out) {
            let why = "no pattern before it selects what it could leave out; a name that begins with `!` is written `\\!`";
            return Err(error(why));
        }
        let pattern = Pattern::new(text).map_err(|bad| PatternError { found: escape(written), ..bad })?;
        Ok(Rule { written: written.to_owned(), pattern, leaves_out })
    }

    /// Says whether it is about a path. What leaves out reaches names that begin with a dot, as in a `.gitignore`; what
    /// selects does only where it has such a part.
    pub fn matches(&self, path: &Path) -> bool {
        if self.leaves_out { self.pattern.matches_with_dots(path) } else { self.pattern.matches(path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(patterns: &[&str], path: &str) -> bool {
        let (patterns, bad) = Patterns::read(patterns);
        assert_eq!(bad, []);
        patterns.selects(Path::new(path))
    }

    /// Each list beside what a `.gitignore` of the same lines would ignore, for `git check-ignore`, where lists have a `/`
    /// in front and no folder is ignored as such.
    #[test]
    fn found_35_the_last_pattern_that_matches_decides() {
        for (patterns, path, expected) in [
            (&["in/*"][..], "in/a", true),
            (&["in/*", "!in/a"], "in/a", false),
            (&["in/*", "!in/a"], "in/b", true),
            (&["in/*", "!in/a*", "in/ab"], "in/ab", true),
            (&["in/*", "!in/a*", "in/ab"], "in/ac", false),
            (&["in/*", "!in/a*", "in/ab", "!in/*b"], "in/ab", false),
            (&["in/*", "!in/a", "in/*"], "in/a", true),
            (&["in/a", "!in/b"], "in/a", true),
            (&["in/a", "!in/**"], "in/a", false),
            (&["in/**", "!in/old/**", "in/old/keep"], "in/old/keep", true),
            (&["in/**", "!in/old/**", "in/old/keep"], "in/old/deep/keep", false),
            (&["in/**", "!**/*.tmp"], "in/deep/x.tmp", false),
            (&["in/**", "!in/*.tmp"], "in/deep/x.tmp", true),
            // What selects does not reach dots unless it is asked to, what leaves out does.
            (&["in/**", "in/.x/*", "!**/*.tmp"], "in/.x/a.tmp", false),
            (&["in/**", "in/.x/*", "!**/*.tmp"], "in/.x/a", true),
            (&["**", "!in/*", "**"], "in/.x", false),
            // A `!` that is no first character, that is escaped, or that comes second, is one of the name.
            (&["in/!a"], "in/!a", true),
            (&[r"\!a"], "!a", true),
            (&[r"\!*"], "!a", true),
            (&["*", "!!a"], "!a", false),
            (&["*", "!!a"], "a", true),
            (&["*", r"!\!a"], "!a", false),
        ] {
            assert_eq!(selects(patterns, path), expected, "{patterns:?} on {path}");
        }
    }

    #[test]
    fn found_35_what_leaves_out_nothing_is_told() {
        for (patterns, index, expected) in [
            (&["!"][..], 0, "`!` is no pattern of files: it leaves out nothing"),
            (&["a", "!"], 1, "expected a pattern after the `!`"),
            (&["!a"], 0, "no pattern before it selects"),
            (&["!a", "b"], 0, "no pattern before it selects"),
            (&["a", "!../b"], 1, "`!../b` is no pattern of files"),
            (&["a", "!b/"], 1, "`b/**`"),
        ] {
            let (_, bad) = Patterns::read(patterns);
            assert_eq!((bad.len(), bad[0].index), (1, index), "{patterns:?}");
            let error = bad[0].error.to_string();
            assert!(error.contains(expected), "{patterns:?}: {error}");
        }
    }

    #[test]
    fn found_35_who_selects_is_told_and_wildcards_may_not_count() {
        let (patterns, _) = Patterns::read(&["in/a", "in/*", "!in/b", "in/b"]);
        let by = |path: &str, wildcards| patterns.selected_by(Path::new(path), wildcards);
        assert_eq!([by("in/a", true), by("in/b", true), by("in/c", true)], [Some(0), Some(3), Some(1)]);
        assert_eq!([by("in/a", false), by("in/b", false), by("in/c", false)], [Some(0), Some(3), None]);
        let left_out = patterns.left_out_by(Path::new("in/b")).map(|rule| rule.written.as_str());
        assert_eq!(left_out, Some("!in/b"));
    }

    #[test]
    fn found_2_a_folder_that_is_left_out_whole_concerns_nobody() {
        for (patterns, folder, expected) in [
            (&["in/**"][..], "in/x", Some(0)),
            (&["in/**", "!in/x/**"], "in/x", None),
            (&["in/**", "!in/x/**"], "in/x/deep", None),
            (&["in/**", "!in/x/**/*"], "in/x/deep", None),
            (&["in/**", "!in/x/**"], "in/y", Some(0)),
            (&["in/**", "!in/x/*"], "in/x", Some(0)),
            (&["in/**", "!in/x/**", "in/x/**/*.txt"], "in/x", Some(2)),
            (&["out/**"], "in", None),
        ] {
            let (patterns, _) = Patterns::read(patterns);
            assert_eq!(patterns.may_select_in(Path::new(folder)), expected, "{patterns:?} in {folder}");
        }
    }
}
