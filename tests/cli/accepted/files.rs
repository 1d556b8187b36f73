//! What is there as a phase is accepted: what it reads, and what it puts out.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

/// A phase that reads and puts out files, COMPLETE, and marked by hand since.
fn marked() -> Scene {
    let scene = Scene::made();
    for folder in ["in", "out"] {
        fs::create_dir(scene.dir().join(folder)).expect("a folder");
    }
    scene.write("in/a", "1");
    scene.write("out/a", "1");
    scene.write(
        "w.toml",
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"in/*\"]\noutputs = [\"out/*\"]\n\
         [[phase]]\nid = \"b\"\nneeds = [\"a\"]\n",
    );
    scene.ok(&["define", "w.toml"]);
    for phase in ["a", "b"] {
        scene.ok(&["start", phase]);
        scene.ok(&["complete", phase]);
    }
    scene.ok(&["rerun", "a", "--reason", "look at it"]);
    scene
}

/// Returns what a scan finds of the inputs and of the outputs, recording nothing.
fn findings(scene: &Scene) -> (String, String) {
    let ran = scene.run(&["scan", "--dry-run", "--json"]);
    let a = &ran.json()["phases"][0];
    let text = |value: &Value| value.as_str().expect("a finding").to_owned();
    (text(&a["finding"]), text(&a["outputs"]["finding"]))
}

fn found(inputs: &str, outputs: &str) -> (String, String) {
    (inputs.to_owned(), outputs.to_owned())
}

fn paths(files: &Value) -> Vec<&str> {
    let files = files.as_array().expect("a list").iter();
    files.map(|file| file["path"].as_str().expect("a path")).collect()
}

#[test]
fn found_31_inputs_and_outputs_are_those_of_the_acceptance_from_then_on() {
    let scene = marked();
    scene.write("in/a", "2");
    scene.write("in/b", "2");
    scene.write("out/a", "2");
    assert_eq!(findings(&scene), found("changed", "changed"));
    scene.ok(&["accept", "a", "--reason", "by hand"]);
    let data = data(&scene);
    assert_eq!((paths(&data["inputs"]), paths(&data["outputs"])), (vec!["in/a", "in/b"], vec!["out/a"]));
    assert_eq!(findings(&scene), found("unchanged", "unchanged"));
    let shown = scene.ok(&["show", "a"]).stdout;
    let seq = scene.ok(&["log", "--kind", "phase_accepted", "--json"]).json()["seq"].clone();
    assert!(shown.contains(&format!("attempt 1 reads 2 files, as of e{seq}, which accepts it")), "{shown}");
    // What the attempt itself read is a change by now.
    scene.write("in/a", "1");
    assert_eq!(findings(&scene), found("changed", "unchanged"));
    scene.write("out/a", "3");
    scene.ok(&["scan"]);
    assert_eq!(states(&scene), ["NEEDS_RERUN", "NEEDS_RERUN"]);
    scene.write("in/a", "2");
    scene.write("out/a", "2");
    scene.ok(&["scan"]);
    assert_eq!(states(&scene), ["COMPLETE", "NEEDS_RERUN"], "`b` was built on other outputs");
    scene.ok(&["verify"]);
}

#[test]
fn found_31_what_failed_reads_what_is_there_from_then_on() {
    let scene = marked();
    scene.ok(&["start", "a"]);
    scene.ok(&["fail", "a", "--error", "it broke"]);
    scene.write("in/a", "by hand");
    scene.ok(&["accept", "a", "--reason", "by hand"]);
    assert_eq!(findings(&scene), found("unchanged", "unchanged"));
    let ran = scene.ok(&["exec", "a", "--if-needed", "--", "false"]);
    assert!(ran.stderr.contains("is not run: it is COMPLETE"), "{}", ran.stderr);
}

/// The digest of one file is that of its bytes: under another name the completion stays the very one.
#[test]
fn found_31_an_output_under_another_name_is_there_from_then_on() {
    let scene = marked();
    fs::rename(scene.dir().join("out/a"), scene.dir().join("out/b")).expect("it is there");
    scene.ok(&["accept", "a", "--reason", "a better name"]);
    assert_eq!(states(&scene), ["COMPLETE", "COMPLETE"], "the same output");
    assert_eq!(findings(&scene), found("unchanged", "unchanged"));
    fs::remove_file(scene.dir().join("out/b")).expect("it is there");
    assert_eq!(findings(&scene), found("unchanged", "changed"));
}

/// A digest alone names no files; where it is that of the completion before, its files are those.
#[test]
fn found_31_a_digest_that_is_stated_has_the_files_of_the_same_completion() {
    let scene = marked();
    let log = scene.ok(&["log", "--kind", "phase_completed", "--json"]).stdout;
    let completed: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    let digest = completed["data"]["output"].as_str().expect("a digest").to_owned();
    scene.ok(&["accept", "a", "--reason", "as it is", "--digest", &digest]);
    assert_eq!(data(&scene).get("outputs"), None);
    assert_eq!(findings(&scene), found("unchanged", "unchanged"));
    scene.ok(&["rerun", "a", "--reason", "look at it"]);
    scene.ok(&["accept", "a", "--reason", "another", "--digest", &format!("sha256:{}", "1".repeat(64))]);
    assert_eq!(findings(&scene), found("unchanged", "unknown"));
}

#[test]
fn found_31_what_cannot_be_read_is_told_and_refuses_nothing() {
    let nowhere = "it is a link to a file that is not there";
    for (folder, kept, lost, so) in [
        ("in", "outputs", "inputs", "what the attempt reads is not recorded, and no `scan` can compare it"),
        ("out", "inputs", "outputs", "no digest of them is recorded"),
    ] {
        let scene = marked();
        symlink("nowhere", scene.dir().join(folder).join("latest")).expect("a link");
        let accepted = scene.ok(&["accept", "a", "--reason", "fine"]);
        let warning = format!("warning: not all `{lost}` of `w/a` can be read: {so}\n");
        let line = format!("  `{folder}/latest` (declared as `{folder}/*`): {nowhere}\n");
        assert!(accepted.stderr.contains(&warning) && accepted.stderr.contains(&line), "{}", accepted.stderr);
        assert!(
            accepted.stdout.contains("accepted, files unknown: 1 unreadable: fine"),
            "{}",
            accepted.stdout
        );
        let data = data(&scene);
        let odd =
            json!([{"pattern": format!("{folder}/*"), "path": format!("{folder}/latest"), "why": nowhere}]);
        assert_eq!((&data["unreadable"], data.get("unreadable_more")), (&odd, None));
        assert_eq!((data.get(lost), paths(&data[kept]).len()), (None, 1));
        assert_eq!(data.get("output").is_some(), kept == "outputs");
        // Without a digest only the very completion is equal.
        let b = if kept == "outputs" { "COMPLETE" } else { "NEEDS_RERUN" };
        assert_eq!(states(&scene), ["COMPLETE", b]);
        fs::remove_file(scene.dir().join(folder).join("latest")).expect("a link");
        let unknown =
            if kept == "outputs" { found("unknown", "unchanged") } else { found("unchanged", "unknown") };
        assert_eq!(findings(&scene), unknown);
        scene.ok(&["verify"]);
    }
}

#[test]
fn found_31_both_kinds_of_files_that_cannot_be_read_are_in_one_list() {
    let scene = marked();
    symlink("nowhere", scene.dir().join("in/latest")).expect("a link");
    let made = Command::new("mkfifo").arg(scene.dir().join("out/pipe")).status().expect("it runs");
    assert!(made.success());
    for number in 0..40 {
        symlink("nowhere", scene.dir().join(format!("out/odd {number:02}"))).expect("a link");
    }
    let accepted = scene.ok(&["accept", "a", "--reason", "fine", "--json"]);
    assert_eq!(accepted.stderr, "", "who reads JSON is told in the answer");
    let data = data(&scene);
    assert_eq!(accepted.json()["unreadable"], data["unreadable"]);
    let named = paths(&data["unreadable"]);
    assert_eq!((named[0], named[1], named.len()), ("in/latest", "out/odd 00", 32));
    assert_eq!(data["unreadable_more"], 10);
    for absent in ["inputs", "output", "outputs"] {
        assert_eq!(data.get(absent), None, "{absent}");
    }
    assert_eq!(states(&scene)[0], "COMPLETE");
}

#[test]
fn found_31_a_file_that_is_stated_is_meant() {
    let scene = marked();
    let before = last(&scene);
    let refused = scene.run(&["accept", "a", "--reason", "fine", "--output", "out/missing"]);
    assert_eq!((refused.code, last(&scene)), (4, before), "{}", refused.picture());
    scene.ok(&["start", "a"]);
    let of_complete = scene.run(&["complete", "a", "--output", "out/missing"]);
    assert_eq!((of_complete.code, &of_complete.stderr), (refused.code, &refused.stderr));
    scene.ok(&["fail", "a", "--error", "it broke"]);
    // What is declared is not looked at then, and in no one's way.
    symlink("nowhere", scene.dir().join("out/latest")).expect("a link");
    scene.ok(&["accept", "a", "--reason", "fine", "--output", "out/a"]);
    let data = data(&scene);
    assert_eq!((data.get("unreadable"), paths(&data["outputs"])), (None, vec!["out/a"]));
    assert_eq!(paths(&data["inputs"]), ["in/a"]);
}

/// Files are not what makes two commands the same, and those of a retry are not read.
#[test]
fn found_31_an_acceptance_that_is_sent_again_reads_nothing() {
    let scene = marked();
    scene.ok(&["accept", "a", "--reason", "fine", "--id", "key:1"]);
    symlink("nowhere", scene.dir().join("in/latest")).expect("a link");
    let again = scene.ok(&["accept", "a", "--reason", "fine", "--id", "key:1"]);
    assert!(again.stdout.starts_with("duplicate"), "{}", again.stdout);
    assert_eq!(again.stderr, "");
}

#[test]
fn found_31_a_dry_run_tells_of_patterns_of_both_kinds() {
    let scene = marked();
    for file in ["in/a", "out/a"] {
        fs::remove_file(scene.dir().join(file)).expect("it is there");
    }
    let before = last(&scene);
    let told = scene.ok(&["accept", "a", "--reason", "fine", "--dry-run", "--json"]).json();
    let unmatched = told["unmatched"].as_array().expect("a list").iter();
    let unmatched: Vec<_> = unmatched.map(|one| (one["role"].clone(), one["pattern"].clone())).collect();
    assert_eq!(unmatched, [(json!("inputs"), json!("in/*")), (json!("outputs"), json!("out/*"))]);
    assert_eq!(last(&scene), before);
}
