//! Outputs that nobody declares, and that were stated as an attempt ended: their digests are in the ledger.

use serde_json::{Value, json};

use crate::cli::Scene;

/// A phase that declares nothing, beside one that needs it.
fn scene() -> Scene {
    let scene = Scene::made();
    scene.define("w", &[("a", &[]), ("b", &["a"])]);
    std::fs::create_dir_all(scene.dir().join("out/deep")).expect("a folder");
    scene.write("out/x", "1");
    scene.write("out/[y]", "2");
    scene
}

fn completed(scene: &Scene, outputs: &[&str]) {
    scene.ok(&["start", "a"]);
    let options: Vec<_> = outputs.iter().flat_map(|path| ["--output", path]).collect();
    scene.ok(&[&["complete", "a"][..], &options].concat());
    scene.ok(&["start", "b"]);
    scene.ok(&["complete", "b"]);
}

fn state(scene: &Scene, phase: &str) -> Value {
    scene.ok(&["status", phase, "--json"]).json()["phases"][0]["state"].clone()
}

#[test]
fn found_4_an_output_that_was_stated_is_compared() {
    let scene = scene();
    completed(&scene, &["out/x", "out/[y]"]);
    assert_eq!(scene.ok(&["scan", "--json"]).json()["phases"][0]["outputs"]["finding"], "unchanged");
    for (path, content) in [("out/x", "other"), ("out/[y]", "")] {
        let before = std::fs::read_to_string(scene.dir().join(path)).expect("a file");
        match content {
            "" => std::fs::remove_file(scene.dir().join(path)).expect("a file"),
            content => drop(scene.write(path, content)),
        }
        let dry = scene.run(&["scan", "--dry-run"]);
        assert_eq!(dry.code, 1, "{}", dry.picture());
        let scanned = scene.ok(&["scan", "--json"]).json();
        let outputs = &scanned["phases"][0]["outputs"];
        assert_eq!(
            (&outputs["finding"], &outputs["changes"][0]["what"]),
            (&json!("changed"), &json!(format!("output {path}")))
        );
        assert_eq!((state(&scene, "a"), state(&scene, "b")), (json!("NEEDS_RERUN"), json!("NEEDS_RERUN")));
        scene.write(path, &before);
        assert_eq!(scene.ok(&["scan", "--json"]).json()["phases"][0]["outputs"]["finding"], "restored");
        assert_eq!((state(&scene, "a"), state(&scene, "b")), (json!("COMPLETE"), json!("COMPLETE")));
    }
    scene.ok(&["verify"]);
}

#[test]
fn found_4_exec_looks_for_the_output_that_it_named() {
    let scene = scene();
    let exec = |scene: &Scene| {
        let script = "echo ran >> runs; echo made > out/made";
        scene.ok(&["exec", "a", "--if-needed", "--output", "out/made", "--", "sh", "-c", script])
    };
    exec(&scene);
    exec(&scene);
    std::fs::remove_file(scene.dir().join("out/made")).expect("a file");
    exec(&scene);
    exec(&scene);
    let runs = std::fs::read_to_string(scene.dir().join("runs")).expect("a file");
    assert_eq!(runs.lines().count(), 2, "it is made again once");
    let why = scene.ok(&["why", "a"]).stdout;
    assert!(why.contains("Output changed: out/made"), "{why}");
}

#[test]
fn found_4_a_path_is_the_same_from_wherever_it_is_named() {
    let scene = scene();
    scene.ok(&["start", "a"]);
    let whole = scene.dir().join("out/[y]");
    let outputs = ["--output", "../x", "--output", whole.to_str().expect("ASCII")];
    let ran = scene
        .command()
        .args([&["complete", "a"][..], &outputs].concat())
        .current_dir(scene.dir().join("out/deep"))
        .output()
        .expect("it runs");
    assert!(ran.status.success(), "{ran:?}");
    let event = scene.ok(&["show", "head", "--json"]).json()["event"].clone();
    let paths: Vec<_> = event["data"]["outputs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| file["path"].clone())
        .collect();
    assert_eq!(paths, [json!("out/x"), json!("out/[y]")]);
    assert_eq!(scene.ok(&["scan", "--json"]).json()["phases"][0]["outputs"]["finding"], "unchanged");
}

#[test]
fn found_4_what_is_elsewhere_is_nobodys_to_watch() {
    let (scene, other) = (scene(), tempfile::tempdir().expect("a folder"));
    let path = other.path().join("x");
    std::fs::write(&path, "1").expect("a file");
    completed(&scene, &[path.to_str().expect("ASCII")]);
    std::fs::remove_file(&path).expect("a file");
    let scanned = scene.ok(&["scan", "--json"]).json();
    assert_eq!(scanned["status"], "unchanged", "{scanned:#}");
    assert_eq!(state(&scene, "a"), "COMPLETE");
    // Nor is a digest alone.
    scene.ok(&["start", "a", "--rerun", "--reason", "r"]);
    scene.ok(&["complete", "a", "--digest", &format!("sha256:{}", "0".repeat(64))]);
    assert_eq!(scene.ok(&["scan", "--json"]).json()["phases"], json!([]));
}

#[test]
fn found_4_what_is_declared_goes_first() {
    let scene = scene();
    completed(&scene, &["out/x"]);
    // What is declared since is looked at beside what was stated then.
    scene.write("w2.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\noutputs = [\"made/*\"]\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n");
    scene.ok(&["define", "w2.toml"]);
    scene.write("out/x", "other");
    let scanned = scene.ok(&["scan", "--json"]).json();
    assert_eq!(scanned["phases"][0]["outputs"]["changes"][0]["what"], "output out/x");
    // An attempt under the declaration is compared by that alone.
    scene.ok(&["start", "a"]);
    scene.ok(&["complete", "a", "--output", "out/x"]);
    scene.write("out/x", "again another");
    assert_eq!(scene.ok(&["scan", "--json"]).json()["status"], "unchanged");
}
