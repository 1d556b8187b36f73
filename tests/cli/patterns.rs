//! Patterns: `!` leaves out, and what selects nothing is told.

use std::fs;

use crate::cli::{Ran, Scene};
use serde_json::{Value, json};

fn put(scene: &Scene, path: &str, content: &str) {
    let full = scene.dir().join(path);
    fs::create_dir_all(full.parent().expect("in a folder")).expect("a folder");
    fs::write(full, content).expect("a file");
}

/// Makes a ledger, with a workflow file of one phase `a`. It is not defined yet.
fn written(inputs: &str, outputs: &str) -> Scene {
    let scene = Scene::made();
    let phase = format!("[[phase]]\nid = \"a\"\ninputs = {inputs}\noutputs = {outputs}\n");
    put(&scene, "ledger/workflow.toml", &format!("[workflow]\nname = \"w\"\n{phase}"));
    scene
}

fn defined(inputs: &str, outputs: &str) -> Scene {
    let scene = written(inputs, outputs);
    scene.record(&["define"]);
    scene
}

/// Returns the paths that the last event of a kind tells.
fn paths(scene: &Scene, kind: &str, key: &str) -> Vec<String> {
    let log = scene.ok(&["log", "--json", "--kind", kind]).stdout;
    let last: Value = serde_json::from_str(log.lines().last().expect("an event")).expect("JSON");
    let files = last["data"][key].as_array().unwrap_or_else(|| panic!("no {key} in {last:#}")).clone();
    files.iter().map(|file| file["path"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn found_35_what_is_left_out_is_neither_recorded_nor_compared() {
    let list = r#"["f/**", "!f/*.tmp", "f/keep.tmp", "!f/old/**"]"#;
    let scene = defined(list, list);
    for path in ["f/a", "f/b.tmp", "f/keep.tmp", "f/old/x", "f/sub/y.tmp"] {
        put(&scene, path, "1");
    }
    let expected = ["f/a", "f/keep.tmp", "f/sub/y.tmp"];
    scene.record(&["start", "a"]);
    assert_eq!(paths(&scene, "phase_started", "inputs"), expected);
    scene.record(&["complete", "a"]);
    assert_eq!(paths(&scene, "phase_completed", "outputs"), expected);
    ["f/b.tmp", "f/old/x", "f/c.tmp"].iter().for_each(|path| put(&scene, path, "2"));
    assert_eq!(scene.ok(&["scan"]).stdout, "unchanged: 1 phase, 6 files\n");
    put(&scene, "f/keep.tmp", "2");
    let scanned = scene.run(&["scan", "--dry-run", "--json"]).json();
    let changes = |found: &Value| found["changes"].as_array().map(Vec::len);
    let found = &scanned["phases"][0];
    assert_eq!((changes(found), changes(&found["outputs"])), (Some(1), Some(1)), "{scanned:#}");
}

#[test]
fn found_35_what_a_new_definition_leaves_out_is_no_change() {
    let scene = defined(r#"["f/*"]"#, "[]");
    ["f/a", "f/b"].iter().for_each(|path| put(&scene, path, "1"));
    scene.record(&["start", "a"]);
    scene.record(&["complete", "a"]);
    fs::remove_file(scene.dir().join("f/b")).expect("it is there");
    assert_eq!(scene.run(&["scan", "--dry-run"]).code, 1);
    let phase = "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"f/*\", \"!f/b\"]\n";
    put(&scene, "ledger/workflow.toml", phase);
    scene.record(&["define"]);
    assert_eq!(scene.ok(&["scan", "--dry-run"]).stdout, "unchanged: 1 phase, 1 file\n");
}

#[test]
#[cfg(unix)]
fn found_2_a_link_to_nowhere_that_is_left_out_is_in_nobodys_way() {
    for (leaves_out, is_told) in [("!f/other", true), ("!f/broken", false), ("!**/bro*", false)] {
        let list = format!(r#"["f/*", "{leaves_out}"]"#);
        let scene = defined(&list, &list);
        put(&scene, "f/a", "1");
        std::os::unix::fs::symlink("nowhere", scene.dir().join("f/broken")).expect("a link");
        for verb in ["start", "complete"] {
            let ran = scene.record(&[verb, "a"]);
            assert_eq!(ran.stderr.contains("f/broken"), is_told, "{leaves_out}: {}", ran.picture());
        }
        let scanned = scene.run(&["scan"]);
        assert_eq!(scanned.code == 1, is_told, "{leaves_out}: {}", scanned.picture());
    }
}

#[test]
fn found_35_an_exclamation_mark_alone_or_first_is_refused_where_it_stands() {
    for (list, expected) in [
        (r#"["!"]"#, "`!` is no pattern of files: it leaves out nothing"),
        (r#"["a", "!"]"#, "expected a pattern after the `!`"),
        (r#"["!a", "b"]"#, "no pattern before it selects what it could leave out"),
    ] {
        let refused = written(list, "[]").run(&["define"]);
        assert_eq!(refused.code, 2, "{}", refused.picture());
        assert!(refused.stderr.contains(expected) && refused.stderr.contains(":5:"), "{}", refused.picture());
    }
    let scene = defined(r#"['\!a', 'b!']"#, "[]");
    ["!a", "b!"].iter().for_each(|path| put(&scene, path, "1"));
    scene.record(&["start", "a"]);
    assert_eq!(paths(&scene, "phase_started", "inputs"), ["!a", "b!"]);
}

/// The patterns that select nothing, each with its reason, among files as [`told_files`] makes them.
const TOLD: &[(&str, &str)] = &[
    ("none/*", "matches no file"),
    ("src", "selects no file: it names a folder, which selects nothing; `src/**` selects all that is in it"),
    (
        "sr[c]",
        "selects no file: it matches only folders, such as `src`; a folder selects nothing, `src/**` what is in it",
    ),
    (
        "data/*.csv",
        "selects no file: it matches only what is ignored: `data/a.csv` by line 2 of `.gitignore`, `*.csv`",
    ),
    (
        "cache/**",
        "selects no file: it matches only what is ignored: `cache/x/y` by line 1 of `cache/.gitignore`, `/x/`",
    ),
    (
        "conf/*",
        "selects no file: it matches only names that begin with a dot, such as `conf/.env`; only a pattern with such a \
         part selects them",
    ),
];

fn told_files(scene: &Scene) {
    for path in ["src/one", "data/b.csv", "data/a.csv", "cache/x/y", "conf/.env"] {
        put(scene, path, "1");
    }
    put(scene, ".gitignore", "# data\n*.csv\n");
    put(scene, "cache/.gitignore", "/x/\n");
}

fn warnings(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter(|line| line.starts_with("warning: ")).collect()
}

#[test]
fn found_35_what_selects_nothing_is_told_with_the_reason_by_each_verb() {
    let list = serde_json::to_string(&TOLD.iter().map(|(pattern, _)| pattern).collect::<Vec<_>>());
    let scene = written(&list.expect("JSON"), "[]");
    told_files(&scene);
    let line = |(pattern, said): &(&str, &str)| {
        format!("warning: the pattern `{pattern}` of `inputs` of `w/a` {said}")
    };
    let expected: Vec<_> = TOLD.iter().map(line).collect();
    let verbs: [&[&str]; 4] =
        [&["define"], &["start", "a"], &["scan"], &["exec", "a", "--rerun", "--reason", "r", "--", "true"]];
    for verb in verbs {
        if verb[0] == "exec" {
            scene.record(&["complete", "a"]);
        }
        let ran = scene.ok(verb);
        assert_eq!(warnings(&ran), expected, "{}", ran.picture());
    }
}

#[test]
fn found_35_what_selects_nothing_is_listed_in_json() {
    let scene = written(r#"["src", "a.txt"]"#, r#"["out"]"#);
    for path in ["src/one", "a.txt", "out/one"] {
        put(&scene, path, "1");
    }
    let why = |folder: &str| {
        format!("it names a folder, which selects nothing; `{folder}/**` selects all that is in it")
    };
    let input = json!({"phase": "w/a", "role": "inputs", "pattern": "src", "why": why("src")});
    let output = json!({"phase": "w/a", "role": "outputs", "pattern": "out", "why": why("out")});
    for (verb, expected) in [
        (&["define"][..], json!([input, output])),
        (&["start", "a"], json!([input])),
        (&["complete", "a"], json!([output])),
        (&["note", "t", "--phase", "a"], Value::Null),
    ] {
        let ran = scene.ok(&[verb, &["--json"]].concat());
        assert_eq!((&ran.json()["unmatched"], ran.stderr.as_str()), (&expected, ""), "{verb:?}");
    }
    let scanned = scene.ok(&["scan", "--json"]).json();
    let found = &scanned["phases"][0];
    assert_eq!(found["unmatched"], json!([{"pattern": "src", "why": why("src")}]));
    assert_eq!(found["outputs"]["unmatched"], json!([{"pattern": "out", "why": why("out")}]));
}

#[test]
fn found_35_a_pattern_whose_files_are_all_left_out_and_a_folder_that_is_not_are_told() {
    let scene = written(r#"["a/*", "b/*", "!a/**", "!b/old"]"#, "[]");
    ["a/x", "b/y", "b/old/z"].iter().for_each(|path| put(&scene, path, "1"));
    let told = scene.ok(&["define"]);
    let of = "of `inputs` of `w/a`";
    let first = format!(
        "warning: the pattern `a/*` {of} selects no file: what it matches is left out: `a/x` by `!a/**`"
    );
    let second = format!(
        "warning: the pattern `!b/old` {of} leaves out no file: it names a folder, which leaves out nothing; `!b/old/**` \
         leaves out all that is in it"
    );
    assert_eq!(warnings(&told), [first, second]);
}

#[test]
fn found_35_a_definition_does_not_wait_for_what_will_be_put_out() {
    let scene = Scene::made();
    let phases = "[[phase]]\nid = \"a\"\noutputs = [\"out/*\"]\n\
        [[phase]]\nid = \"b\"\nneeds = [\"a\"]\ninputs = [\"out/*\", \"other/*\"]\n";
    put(&scene, "ledger/workflow.toml", &format!("[workflow]\nname = \"w\"\n{phases}"));
    let told = scene.ok(&["define"]);
    assert_eq!(told.stderr, "warning: the pattern `other/*` of `inputs` of `w/b` matches no file\n");
}

#[test]
#[cfg(unix)]
fn found_35_a_link_to_a_folder_in_the_way_of_a_pattern_is_told() {
    let list = r#"["in/*", "deep/**", "deep/l/*.txt"]"#;
    let scene = written(list, "[]");
    put(&scene, "real/x.txt", "1");
    fs::create_dir(scene.dir().join("deep")).expect("a folder");
    for (target, link) in [("real", "in"), ("../real", "deep/l")] {
        std::os::unix::fs::symlink(target, scene.dir().join(link)).expect("a link");
    }
    let told = scene.ok(&["define"]);
    let line = |pattern: &str, link: &str| {
        format!(
            "warning: the pattern `{pattern}` of `inputs` of `w/a` selects no file: `{link}` is a link to a folder, and \
             those are not followed"
        )
    };
    let expected = [line("in/*", "in"), line("deep/**", "deep/l"), line("deep/l/*.txt", "deep/l")];
    assert_eq!(warnings(&told), expected);
}

#[test]
fn found_35_a_pattern_that_is_written_twice_is_told_once() {
    let scene = written(r#"["none", "none", "none/*", "none"]"#, "[]");
    let told = scene.ok(&["define"]);
    assert_eq!(warnings(&told).len(), 2, "{}", told.picture());
}

#[test]
fn found_35_a_backslash_between_parts_is_told() {
    let scene = written(r"['src\one', '\!x']", "[]");
    put(&scene, "src/one", "1");
    let told = scene.ok(&["define"]);
    let of = "of `inputs` of `w/a`";
    let first = format!(
        "warning: the pattern `src\\one` {of} selects no file: the parts of a path are parted by `/`, not by `\\`"
    );
    assert_eq!(warnings(&told), [first, format!("warning: the pattern `\\!x` {of} matches no file")]);
}
