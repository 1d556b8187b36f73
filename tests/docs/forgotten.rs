//! No file of tests is forgotten: cargo compiles only what a crate's `main.rs` leads to, and says nothing of the rest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates. What is given to them all, some of it, lies in `support/`.
const CRATES: &[&str] = &["cli", "docs", "laws", "store"];

/// A file that a crate leads to.
struct File {
    path: PathBuf,
    /// Where its modules lie.
    folder: PathBuf,
}

/// Returns the modules that a file declares: the name of each, and the path that is given for it.
fn declared(text: &str) -> Vec<(String, Option<String>)> {
    let (mut found, mut given) = (Vec::new(), None);
    for line in text.lines().map(str::trim) {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            given = Some(path.to_owned());
        } else if let Some(declared) = line.strip_suffix(';')
            && let [.., "mod", name] = declared.split(' ').collect::<Vec<_>>()[..]
        {
            found.push((name.to_owned(), given.take()));
        }
    }
    found
}

/// Returns the file of a module: `NAME.rs`, whose own modules lie in `NAME/`, or `NAME/mod.rs`.
fn found(of: &File, name: &str, given: Option<&str>) -> File {
    if let Some(given) = given {
        let beside = of.path.parent().expect("a folder");
        let path = beside.join(given).canonicalize().unwrap_or_else(|error| panic!("{given}: {error}"));
        return File { folder: path.parent().expect("a folder").to_owned(), path };
    }
    let folder = of.folder.join(name);
    let path = of.folder.join(format!("{name}.rs"));
    File { path: if path.exists() { path } else { folder.join("mod.rs") }, folder }
}

/// Returns the files that a crate leads to; a file that it has twice is compiled twice.
fn reached(folder: &Path) -> Vec<PathBuf> {
    let mut next = vec![File { path: folder.join("main.rs"), folder: folder.to_owned() }];
    let mut reached = Vec::new();
    while let Some(file) = next.pop() {
        let text = fs::read_to_string(&file.path).unwrap_or_else(|error| panic!("{:?}: {error}", file.path));
        next.extend(declared(&text).iter().map(|(name, given)| found(&file, name, given.as_deref())));
        reached.push(file.path);
    }
    reached
}

/// Returns every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

#[test]
fn no_file_of_tests_is_forgotten() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().expect("the package").join("tests");
    let mut all = BTreeSet::new();
    for name in CRATES {
        let reached = reached(&tests.join(name));
        let once: BTreeSet<_> = reached.iter().cloned().collect();
        assert_eq!(once.len(), reached.len(), "`{name}` declares a file twice: {reached:#?}");
        all.extend(once);
    }
    let forgotten: Vec<_> = sources(&tests).into_iter().filter(|path| !all.contains(path)).collect();
    assert!(forgotten.is_empty(), "no crate of {CRATES:?} leads to {forgotten:#?}");
    let of_its_own = |path: &&PathBuf| path.ends_with("main.rs");
    assert_eq!(all.iter().filter(of_its_own).count(), CRATES.len());
}
