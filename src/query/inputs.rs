//! What became of the files that an attempt read, and of those that it put out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::model::{Change, Digest, FileRole, OutputFile, Patterns};

/// What a scan finds of a phase's inputs, or of its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// They are not what the last attempt read, or put out: the phase must run again.
    Changed,
    /// They are not, but the phase was told so before.
    Reported,
    /// They are again what the last attempt read, or put out, after a scan found them changed: that is taken back.
    Restored,
    /// They are what the last attempt read, or put out.
    Unchanged,
    /// Nothing tells what the last attempt read: nothing was declared when it started, nobody looked, or not all of it could
    /// be read.
    Unknown,
    /// Not all of them can be read: they are not compared.
    Unreadable,
    /// The phase runs anyway: there is nothing to compare.
    NotRun,
    /// The phase declares none.
    Undeclared,
}

/// Compares the files that an attempt read with those that are there, by path. What was read, but is no longer
/// declared, is not compared.
pub fn changed_inputs(read: &[OutputFile], found: &[OutputFile], declared: &Patterns) -> Vec<Change> {
    let is_declared = |path: &str| declared.selects(Path::new(path));
    let mut files: BTreeMap<&str, (Option<Digest>, Option<Digest>)> = BTreeMap::new();
    for file in read.iter().filter(|file| is_declared(&file.path)) {
        files.entry(&file.path).or_default().0 = Some(file.digest);
    }
    for file in found {
        files.entry(&file.path).or_default().1 = Some(file.digest);
    }
    let changed = files.into_iter().filter(|(_, (before, after))| before != after);
    changed.map(|(path, digests)| Change::of_file(FileRole::Inputs, path, digests)).collect()
}

/// Compares the files that an attempt put out with those that are there: one that is gone, or has other contents, has
/// changed. One that was not put out then is somebody else's. What is no longer declared is not compared.
pub fn changed_outputs(put_out: &[OutputFile], found: &[OutputFile], declared: &Patterns) -> Vec<Change> {
    let is_declared = |path: &str| declared.selects(Path::new(path));
    let found: BTreeMap<&str, Digest> = found.iter().map(|file| (file.path.as_str(), file.digest)).collect();
    let changed = put_out.iter().filter(|file| is_declared(&file.path)).filter_map(|file| {
        let now = found.get(file.path.as_str()).copied();
        let digests = (Some(file.digest), now);
        (now != Some(file.digest)).then(|| Change::of_file(FileRole::Outputs, &file.path, digests))
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_compared_by_path_as_far_as_they_are_declared() {
        let file = |path: &str, content: &str| OutputFile {
            path: path.to_owned(),
            digest: Digest::sha256(content.as_bytes()),
        };
        let read = [file("in/a", "1"), file("in/b", "1"), file("in/c", "1"), file("old/x", "1")];
        let found = [file("in/a", "1"), file("in/b", "2"), file("in/d", "1")];
        let (declared, _) = Patterns::read(&["in/*"]);
        let changes = changed_inputs(&read, &found, &declared);
        let seen: Vec<_> = changes
            .iter()
            .map(|change| (change.what.as_str(), change.before.is_some(), change.after.is_some()))
            .collect();
        assert_eq!(
            seen,
            [("input in/b", true, true), ("input in/c", true, false), ("input in/d", false, true)]
        );
    }

    #[test]
    fn found_35_what_is_left_out_by_now_is_not_compared() {
        let digest = Digest::sha256(b"x");
        let read = ["in/a", "in/b"].map(|path| OutputFile { path: path.to_owned(), digest });
        let (declared, _) = Patterns::read(&["in/*", "!in/b"]);
        let gone = |changes: Vec<Change>| changes.into_iter().map(|change| change.what).collect::<Vec<_>>();
        assert_eq!(gone(changed_inputs(&read, &[], &declared)), ["input in/a"]);
        assert_eq!(gone(changed_outputs(&read, &[], &declared)), ["output in/a"]);
    }
}
