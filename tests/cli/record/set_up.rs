//! `init`, `define`, `import`, `completions`, `man`, `demo`.

use std::fs;

use super::{Scene, assert_snapshot, done, pictures, refused};

const HISTORY: &[&str] = &["import", "--format", "history", "ledger/histories/2025-10-29.jsonl"];

#[test]
fn init() {
    let scene = Scene::empty();
    done("init", &scene, &[&["init"], &["init"]]);
    let starter = fs::read_to_string(scene.dir().join("ledger/workflow.toml")).expect("the workflow");
    assert!(starter.contains("[[phase]]"), "{starter}");
    assert_eq!(
        fs::read_to_string(scene.dir().join("ledger/.gitignore")).expect("the file"),
        "/log/\n/log.1/\n"
    );
    done("init_json", &scene, &[&["init", "--json", "there"], &["init", "--json", "there"]]);
    done("init_example", &scene, &[&["init", "--example", "--dir", "elsewhere"]]);
    assert!(scene.dir().join("elsewhere/histories/2025-10-29.jsonl").is_file());
}

#[test]
fn init_keeps_what_is_there() {
    let scene = Scene::empty();
    fs::create_dir(scene.dir().join("ledger")).expect("a folder");
    scene.write("ledger/workflow.toml", "mine");
    scene.ok(&["init"]);
    assert_eq!(fs::read_to_string(scene.dir().join("ledger/workflow.toml")).expect("the file"), "mine");
}

#[test]
fn init_refused() {
    let scene = Scene::empty();
    scene.write("ledger", "a file");
    refused("init_refused", &scene, 74, &[&["init"]]);
}

#[test]
fn no_ledger() {
    let scene = Scene::empty();
    refused("no_ledger", &scene, 4, &[&["start", "a"], &["verify", "--dir", "nowhere"], &["append"]]);
}

#[test]
fn define() {
    let scene = Scene::made();
    scene.write("w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n");
    done(
        "define",
        &scene,
        &[
            &["define", "--dry-run"],
            &["define", "--id", "key:own/1"],
            &["define", "--id", "key:own/1"],
            &["define"],
            &["define", "w.toml", "--as", "monday", "--json", "--id", "key:own/2"],
        ],
    );
}

#[test]
fn a_changed_definition_reruns() {
    let scene = Scene::small();
    for verb in ["start", "complete"] {
        scene.ok(&[verb, "a"]);
    }
    scene.write(
        "v.toml",
        "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\nversion = \"2\"\n[[phase]]\nid = \"d\"\n",
    );
    done("define_changed", &scene, &[&["define", "v.toml"]]);
}

#[test]
fn define_refused() {
    let scene = Scene::small();
    scene.write(
        "cycle.toml",
        "[[phase]]\nid = \"x\"\nneeds = [\"y\"]\n[[phase]]\nid = \"y\"\nneeds = [\"x\"]\n",
    );
    scene.write("key.toml", "[[phase]]\nid = \"x\"\nneed = [\"y\"]\n");
    scene.write("twice.toml", "[[phase]]\nid = \"x\"\n[[phase]]\nid = \"x\"\n");
    scene
        .write("unknown.toml", "[[phase]]\nid = \"phase_x\"\n[[phase]]\nid = \"y\"\nneeds = [\"phase_y\"]\n");
    let files = ["cycle.toml", "key.toml", "twice.toml", "unknown.toml"];
    let runs: Vec<_> = files.iter().map(|file| ["define", *file, "--as", "n"]).collect();
    refused("define_refused", &scene, 2, &runs.iter().map(<[&str; 4]>::as_slice).collect::<Vec<_>>());
    refused("define_missing", &scene, 4, &[&["define", "nowhere.toml"]]);
    scene
        .write("other.toml", "[workflow]\nname = \"o\"\n[[phase]]\nid = \"x\"\nneeds = [\"w/a\", \"v/b\"]\n");
    refused("define_need_elsewhere", &scene, 4, &[&["define", "other.toml"]]);
    scene.define("user", &[("x", &["w/a"])]);
    scene.write("less.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"b\"\n");
    scene.write("ring.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\nneeds = [\"user/x\"]\n");
    refused("define_still_needed", &scene, 6, &[&["define", "less.toml"], &["define", "ring.toml"]]);
}

#[test]
fn import_history() {
    let scene = Scene::empty();
    scene.ok(&["init", "--example"]);
    done("import_history", &scene, &[HISTORY, HISTORY]);
    let again: Vec<_> = HISTORY.iter().copied().chain(["--json"]).collect();
    done("import_history_json", &scene, &[&again]);
}

#[test]
fn import_history_that_is_not_legal() {
    let scene = Scene::small();
    let line = |second: u32, phase: &str, event: &str| {
        format!("{{\"at\":\"2025-10-29T10:00:{second:02}Z\",\"phase\":\"{phase}\",\"event\":\"{event}\"}}\n")
    };
    let illegal = [line(1, "a", "start"), line(2, "b", "complete"), line(3, "c", "start")].concat();
    scene.write("illegal.jsonl", &illegal);
    scene.write("unknown.jsonl", &line(1, "nothing", "start"));
    scene.write("bad.jsonl", &format!("{}{}", line(1, "a", "start"), line(2, "a", "fly")));
    let import = |file: &'static str| ["import", "--format", "history", file];
    refused("import_history_illegal", &scene, 6, &[&import("illegal.jsonl")]);
    refused("import_history_unknown", &scene, 4, &[&import("unknown.jsonl"), &import("nowhere.jsonl")]);
    refused("import_history_bad", &scene, 2, &[&import("bad.jsonl")]);
    let repaired = ["import", "--format", "history", "illegal.jsonl", "--repair"];
    done("import_history_repair", &scene, &[&repaired, &["verify"]]);
}

#[test]
fn import_export() {
    let from = Scene::example();
    let export = from.ok(&["export"]).stdout;
    // The scene hides the machine's name; the export must be the very bytes.
    let bytes = from.command().arg("export").output().expect("the program runs").stdout;
    let to = Scene::made();
    fs::write(to.dir().join("whole.jsonl"), &bytes).expect("the folder takes a file");
    done("import_export", &to, &[&["import", "whole.jsonl"], &["import", "whole.jsonl", "--json"]]);
    assert_eq!(to.ok(&["export"]).stdout, export);
    let text = String::from_utf8(bytes).expect("UTF-8");
    to.write("tampered.jsonl", &text.replacen("\"seq\":2,", "\"seq\":3,", 1));
    to.write("short.jsonl", text.rsplit_once("\n{").expect("several lines").0);
    refused("import_export_damaged", &to, 5, &[&["import", "tampered.jsonl"], &["import", "short.jsonl"]]);
    let other = Scene::small();
    other.write("whole.jsonl", &text);
    refused("import_export_conflict", &other, 3, &[&["import", "whole.jsonl"]]);
}

#[test]
fn what_the_program_says_of_itself() {
    let scene = Scene::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scene.ok(&["completions", shell]).stdout;
        // The scripts of the first three ask the program: tests/completions.rs.
        let knows = ["--take-over", "completions bash", "completions zsh", "completions fish"];
        assert!(
            script.contains("phaseledger") && knows.iter().any(|known| script.contains(known)),
            "{shell}"
        );
    }
    assert!(scene.ok(&["man"]).stdout.contains(".TH phaseledger"));
    let page = scene.ok(&["man", "--format", "markdown"]).stdout;
    assert!(page.contains("\n## phaseledger import\n"), "{page}");
    assert_snapshot("completions_refused", &pictures([scene.run(&["completions", "tcsh"])]));
}

#[test]
fn demo() {
    let scene = Scene::empty();
    let ran = scene.run(&["demo", "here"]);
    assert!(ran.stdout.contains("$ phaseledger init --example\nmade a ledger"), "{}", ran.picture());
    let imported = "\nimported: 6 lines, 0 of them known already; 8 events appended, the log ends at e8\n";
    assert!(ran.stdout.contains(imported), "{}", ran.picture());
    assert_eq!(ran.code, 0, "{}", ran.picture());
    assert!(ran.stdout.contains("\nverified: "), "{}", ran.picture());
    assert!(scene.dir().join("here/after.md").is_file());
    scene.write("file", "a file");
    let ran = scene.run(&["demo", "file"]);
    assert_snapshot("demo_refused", &pictures([ran]));
}
