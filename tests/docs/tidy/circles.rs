//! Circles: no two files or folders of one folder may use one another, by whatever way round.
//!
//! The folder's own file (`mod.rs`, or the one beside it) is its front: it gathers and hands out, and is not counted.

use std::collections::{BTreeMap, BTreeSet};

/// A module's path: `["store", "disk", "lock"]`; empty for the crate.
type Path = Vec<String>;

/// Which files and folders of each folder use which others of it.
type Uses = BTreeMap<Path, BTreeMap<String, BTreeSet<String>>>;

/// Finds the circles, one line each, among modules given by their paths and their code without comments and tests.
pub fn circles(code: &BTreeMap<Path, String>) -> Vec<String> {
    let modules: BTreeSet<Path> =
        code.keys().flat_map(|module| (1..=module.len()).map(|length| module[..length].to_vec())).collect();
    let handed_out: BTreeMap<&Path, BTreeMap<String, Path>> =
        code.iter().map(|(module, text)| (module, handed_out(module, text))).collect();
    let mut uses = Uses::new();
    for (module, text) in code {
        for used in paths(text) {
            let Some(target) = resolve(module, &used, &modules, &handed_out) else { continue };
            let common = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
            if let (Some(from), Some(to)) = (module.get(common), target.get(common)) {
                let folder = uses.entry(module[..common].to_vec()).or_default();
                folder.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let in_circles = |graph: &BTreeMap<String, BTreeSet<String>>| -> Vec<String> {
        graph.keys().filter(|start| reached(graph, start).contains(*start)).cloned().collect()
    };
    let told = uses.iter().filter_map(|(folder, graph)| {
        let names = in_circles(graph);
        (!names.is_empty()).then(|| format!("src/{}: a circle among {}", folder.join("/"), names.join(", ")))
    });
    told.collect()
}

/// Returns everything that something uses, directly or not.
fn reached<'a>(graph: &'a BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut walk: Vec<&String> = graph[start].iter().collect();
    while let Some(name) = walk.pop() {
        if reached.insert(name) {
            walk.extend(graph.get(name).into_iter().flatten());
        }
    }
    reached
}

/// Returns the names that a module hands out of its children, and where each lives.
fn handed_out(module: &Path, text: &str) -> BTreeMap<String, Path> {
    let public = text.split("pub use ").skip(1).chain(text.split("pub(super) use ").skip(1));
    let trees = public.filter_map(|rest| rest.split(';').next());
    let mut names = BTreeMap::new();
    for path in trees.flat_map(|tree| expand(&[], tree)) {
        if let Some((name, home)) = path.split_last()
            && !matches!(home.first().map(String::as_str), None | Some("crate" | "super"))
        {
            let home = home.iter().filter(|part| *part != "self").cloned();
            names.insert(name.clone(), module.iter().cloned().chain(home).collect());
        }
    }
    names
}

/// Returns every path that code names: those of its `use`s, and those written out.
fn paths(text: &str) -> Vec<Path> {
    let mut found = Vec::new();
    let mut rest = String::new();
    for (at, statement) in text.split(';').enumerate() {
        if at > 0 {
            rest.push(';');
        }
        match statement.rsplit_once("use ") {
            Some((before, tree))
                if before.trim_end().ends_with([')', '}', ']', 'b']) || before.trim().is_empty() =>
            {
                found.extend(expand(&[], tree));
            }
            _ => rest.push_str(statement),
        }
    }
    for word in rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        let path: Path = word.split("::").map(str::to_owned).collect();
        if path.len() > 1 {
            found.push(path);
        }
    }
    found
}

/// Writes out a tree of uses: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn expand(before: &[String], tree: &str) -> Vec<Path> {
    let tree = tree.trim();
    let path = |text: &str| -> Path {
        let parts = text.split("::").map(str::trim).filter(|part| !part.is_empty());
        before.iter().cloned().chain(parts.map(str::to_owned)).collect()
    };
    let Some((start, inner)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        return if name.is_empty() { Vec::new() } else { vec![path(name)] };
    };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut from, mut all) = (0_i32, 0, Vec::new());
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.extend(expand(&path(start), &inner[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    all
}

/// Finds the module that a path leads into; none where it leads out of the crate.
fn resolve(
    module: &Path,
    used: &[String],
    modules: &BTreeSet<Path>,
    handed_out: &BTreeMap<&Path, BTreeMap<String, Path>>,
) -> Option<Path> {
    let ups = used.iter().take_while(|part| *part == "super").count();
    let (mut at, rest) = match used.first()?.as_str() {
        "crate" | "phaseledger" => (Vec::new(), &used[1..]),
        "self" => (module.clone(), &used[1..]),
        "super" => (module[..module.len().checked_sub(ups)?].to_vec(), &used[ups..]),
        name => {
            let child: Path = module.iter().cloned().chain([name.to_owned()]).collect();
            if !modules.contains(&child) {
                return None;
            }
            (module.clone(), used)
        }
    };
    for part in rest {
        let child: Path = at.iter().cloned().chain([part.clone()]).collect();
        if modules.contains(&child) {
            at = child;
        } else if let Some(home) = handed_out.get(&at).and_then(|names| names.get(part)) {
            at = home.clone();
        } else {
            break;
        }
    }
    Some(at)
}

#[test]
fn a_circle_is_found() {
    let code = |files: &[(&str, &str)]| {
        let of =
            |(path, text): &(&str, &str)| (path.split('/').map(str::to_owned).collect(), (*text).to_owned());
        files.iter().map(of).collect::<BTreeMap<Path, String>>()
    };
    let front = ("a", "mod b;\nmod c;\npub use c::{Of as It, Other};");
    for (b, c, is_circle) in [
        ("use super::c::Of;", "fn f() {}", false),
        ("use super::c::Of;", "fn f() { super::b::g() }", true),
        ("use super::Other;", "use crate::a::{b::{self}};", true),
        ("fn f(of: super::Other) {}", "use super::b;", true),
        ("use super::super::a::c;", "use std::b;", false),
    ] {
        let found = circles(&code(&[front, ("a/b", b), ("a/c", c)]));
        assert_eq!(!found.is_empty(), is_circle, "{b} | {c}: {found:?}");
    }
}
