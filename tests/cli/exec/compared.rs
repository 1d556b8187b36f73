//! `exec --if-needed` looks at what a phase read and put out before it says that nothing is to be run.

use std::fs;

use crate::cli::{Ran, Scene};

/// A ledger of a phase that copies its input, and has run.
fn made() -> Scene {
    let scene = Scene::made();
    let phase =
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\ninputs = [\"in.txt\"]\noutputs = [\"out/*\"]\n";
    scene.write("w.toml", phase);
    scene.ok(&["define", "w.toml"]);
    fs::create_dir(scene.dir().join("out")).expect("a folder");
    scene.write("in.txt", "1");
    let ran = exec(&scene);
    assert!(ran.stderr.contains("completed w/a (e3)"), "{}", ran.picture());
    scene
}

fn exec(scene: &Scene) -> Ran {
    let work = "echo ran >>ran; cp in.txt out/copy";
    scene.ok(&["exec", "a", "--if-needed", "--", "sh", "-c", work])
}

fn runs(scene: &Scene) -> usize {
    fs::read_to_string(scene.dir().join("ran")).map_or(0, |text| text.lines().count())
}

#[test]
fn found_4_what_was_put_out_and_is_gone_or_edited_is_made_again() {
    let scene = made();
    let said = exec(&scene).stderr;
    assert!(said.contains("it is COMPLETE since e3"), "{said}");
    assert_eq!(runs(&scene), 1);
    fs::remove_file(scene.dir().join("out/copy")).expect("it is there");
    let said = exec(&scene).stderr;
    assert!(said.contains("Output changed: out/copy"), "{said}");
    assert_eq!(runs(&scene), 2);
    assert_eq!(fs::read_to_string(scene.dir().join("out/copy")).expect("made again"), "1");
    scene.write("out/copy", "by hand");
    exec(&scene);
    exec(&scene);
    assert_eq!(runs(&scene), 3, "once");
    let status = scene.ok(&["status", "--json"]).json();
    assert_eq!(status["phases"][0]["state"], "COMPLETE");
    scene.ok(&["verify"]);
}

#[test]
fn found_4_what_was_read_and_has_changed_since_is_read_again() {
    let scene = made();
    scene.write("in.txt", "2");
    let said = exec(&scene).stderr;
    assert!(said.contains("Input changed: in.txt"), "{said}");
    assert_eq!(fs::read_to_string(scene.dir().join("out/copy")).expect("made again"), "2");
    assert_eq!(runs(&scene), 2);
    let why = scene.ok(&["why", "a", "--json"]).json();
    let roots = why["roots"].as_array().expect("a list");
    assert_eq!(roots[0]["changes"][0]["what"], "input in.txt", "{why:#}");
}

#[test]
fn found_4_a_file_that_cannot_be_read_now_is_told_and_runs_nothing() {
    for (path, target) in [("out/copy", "copy"), ("in.txt", "nowhere")] {
        let scene = made();
        fs::remove_file(scene.dir().join(path)).expect("it is there");
        std::os::unix::fs::symlink(target, scene.dir().join(path)).expect("a link");
        let said = exec(&scene).stderr;
        assert!(said.contains(path) && said.contains("it is COMPLETE"), "{said}");
        assert_eq!(runs(&scene), 1);
    }
}
