//! The verb `report`: what it says, that it says the same everywhere and always, and what it refuses.

mod long;

use std::fs;

use crate::cli::{Scene, assert_snapshot, pictures};

/// Compares a report with its snapshot. The root takes in the machine's name: it is not compared.
fn assert_report(name: &str, scene: &Scene, args: &[&str]) {
    let args = [&["report"], args].concat();
    let root = scene.ok(&[args.as_slice(), &["--format", "json"]].concat()).json()["root"].clone();
    let root = root.as_str().expect("a digest");
    let report = scene.ok(&args);
    assert!(report.stdout.contains(root), "{}", report.picture());
    assert_snapshot(name, &report.stdout.replace(root, "sha256:ROOT"));
}

/// Compares a report in JSON with its snapshot, one member a line.
fn assert_json(name: &str, scene: &Scene, args: &[&str]) {
    let mut json = scene.ok(&[&["report", "--json"], args].concat()).json();
    json["root"] = "sha256:ROOT".into();
    assert_snapshot(name, &serde_json::to_string_pretty(&json).expect("JSON"));
}

/// Every state, with all that a phase can have to say, in two workflows.
fn busy() -> Scene {
    let scene = Scene::made();
    scene.define("upstream", &[("fetch", &[]), ("gone", &[])]);
    scene.ok(&["start", "fetch"]);
    scene.ok(&["complete", "fetch", "--digest", &format!("sha256:{}", "ab".repeat(32))]);
    scene.define("upstream", &[("fetch", &[])]);
    scene.define(
        "build",
        &[
            ("parse", &["upstream/fetch"]),
            ("lint", &["parse"]),
            ("test", &["parse"]),
            ("bench", &["parse"]),
            ("docs", &[]),
            ("publish", &["lint", "test", "bench", "docs"]),
        ],
    );
    scene.clock("2025-10-29T20:10:00Z");
    scene.ok(&["start", "parse", "--meta", "host=build-3", "--meta", "threads=8"]);
    scene.clock("2025-10-29T20:12:05Z");
    scene.ok(&["complete", "parse", "--metadata", r#"{"files": [1.10, "a"]}"#]);
    scene.ok(&["start", "lint"]);
    scene.ok(&["fail", "lint", "--error", "first line\n\tsecond line", "--exit-code", "2"]);
    scene.ok(&["start", "test"]);
    scene.ok(&["fail", "test", "--error", "killed", "--signal", "SIGKILL"]);
    scene.ok(&["start", "test"]);
    scene.ok(&["start", "bench"]);
    scene.ok(&["skip", "docs", "--reason", "nothing changed"]);
    scene.ok(&["start", "publish", "--allow-unmet"]);
    scene.ok(&["fail", "publish", "--error", "no credentials"]);
    scene.ok(&["complete", "bench"]);
    scene.clock("2025-10-29T20:15:00Z");
    scene.ok(&["rerun", "fetch", "--reason", "the source was corrected"]);
    scene
}

/// Names and texts that Markdown, HTML or a terminal would take for their own.
fn evil() -> Scene {
    let scene = Scene::made();
    scene.define("w|`w` <b>*x*", &[("a|b", &[]), ("`a` \\|", &["a|b"]), ("<h1>_x_ & [l](u)", &["a|b"])]);
    scene.ok(&["start", "a|b", "--meta", "k|`=v|w\\|x", "--metadata", r#"{"html":"<b>\n"}"#]);
    scene.ok(&["complete", "a|b"]);
    scene.ok(&["start", "`a` \\|"]);
    scene.ok(&["complete", "`a` \\|"]);
    scene.ok(&["start", "<h1>_x_ & [l](u)", "--by", "<i>|`ana`"]);
    let error = "```\n# | <b> \u{202E}x\u{1b}[2J\n````\n| a | b |\n|---|---|";
    scene.ok(&["fail", "<h1>_x_ & [l](u)", "--error", error, "--signal", "SIG|`"]);
    let reason = "a | b ` <script>\n# two\n- three\n1. four\n$x$ ~~y~~ \\| \u{200F}end\\";
    scene.ok(&["rerun", "a|b", "--reason", reason]);
    scene.ok(&["note", "| --- | `note` <br>"]);
    scene
}

#[test]
fn the_shipped_story() {
    let scene = Scene::example();
    assert_report("report_before_the_mark", &scene, &["--at", "e7"]);
    assert_report("report_after_the_mark", &scene, &[]);
    assert_json("report_after_the_mark_json", &scene, &[]);
}

#[test]
fn nothing_yet() {
    let scene = Scene::made();
    assert_report("report_of_nothing", &scene, &[]);
    let before = Scene::example().ok(&["report", "--before", "2025-10-29"]);
    assert_eq!(before.stdout, scene.ok(&["report"]).stdout, "a prefix is all that counts");
    assert_eq!(before.stderr, "as of e0: before the first event\n");
}

#[test]
fn every_state_of_several_workflows() {
    let scene = busy();
    assert_report("report_of_all", &scene, &[]);
    assert_report("report_of_one", &scene, &["--workflow", "upstream", "--tz", "+02:00"]);
    let json = scene.ok(&["report", "--json"]).json();
    let publish = &json["workflows"][0]["phases"][5];
    assert_eq!(publish["unmet"].as_array().map(Vec::len), Some(3), "{publish}");
    assert_eq!(json["workflows"][0]["phases"][0]["marks"][0]["root"]["text"], "the source was corrected");
    assert_eq!(json["workflows"][0]["summary"]["skipped"], 1);
}

#[test]
fn nothing_that_people_wrote_is_taken_for_structure() {
    assert_report("report_of_evil", &evil(), &[]);
}

#[test]
fn the_same_prefix_gives_the_same_bytes() {
    for scene in [Scene::example(), busy(), evil()] {
        for format in ["markdown", "json"] {
            same_bytes(&scene, format);
        }
    }
}

fn same_bytes(scene: &Scene, format: &str) {
    let head = scene.ok(&["report", "--json"]).json();
    let (seq, root) = (head["as_of"]["seq"].to_string(), head["root"].as_str().expect("a digest"));
    let place = format!("e{seq}");
    let args = ["report", "--format", format, "--at", &place];
    let first = scene.ok(&args).stdout;

    let mut elsewhere = scene.command();
    elsewhere.args(args).env("COLUMNS", "20").env("LC_ALL", "de_DE.UTF-8").env("TZ", "Asia/Tokyo");
    elsewhere.env("CLICOLOR_FORCE", "1").env("PHASELEDGER_CLOCK", "2031-01-01T00:00:00Z");
    let again = elsewhere.output().expect("the program runs");
    let again = String::from_utf8(again.stdout).expect("UTF-8");
    assert_eq!(scene.fixed(again), first, "another time and terminal");

    let export = scene.ok(&["export", "--at", &place]).stdout;
    assert!(export.lines().last().expect("the end").contains(root), "the root is that of the export");
    let restored = Scene::made();
    let exported = scene.dir().join("export.jsonl");
    scene.ok(&["export", "--at", &place, "--output", exported.to_str().expect("a path of ASCII")]);
    restored.ok(&["import", exported.to_str().expect("a path of ASCII")]);
    assert_eq!(restored.ok(&args).stdout, first, "restored from an export, as of the same place");
    assert_eq!(restored.ok(&["report", "--format", format]).stdout, first, "restored, at its head");

    scene.ok(&["note", "later"]);
    scene.ok(&["tag", "later", "--force"]);
    assert_eq!(scene.ok(&args).stdout, first, "later events do not change it");
    assert_ne!(scene.ok(&["report", "--format", format]).stdout, first, "but they are in the next one");

    let file = scene.dir().join("report.out");
    let ran = scene.ok(&[&args[..], &["--output", "report.out"]].concat());
    let written = scene.fixed(fs::read_to_string(&file).expect("a file"));
    assert_eq!((ran.stdout.as_str(), written), ("", first));
}

#[test]
fn what_is_refused() {
    let scene = Scene::example();
    scene.write("kept.md", "kept\n");
    fs::create_dir(scene.dir().join("folder")).expect("a folder");
    let runs = [
        &["report", "--workflow", "nba"][..],
        &["report", "--workflow", "nba", "--output", "kept.md"],
        &["report", "--workflow", "nba-mcp-synthesis", "--at", "e0"],
        &["report", "--at", "e99", "--output", "kept.md"],
        &["report", "--json", "--format", "markdown"],
        &["report", "--json", "--workflow", "nba"],
        &["report", "--output", "folder"],
    ];
    assert_snapshot("report_refused", &pictures(runs.iter().map(|args| scene.run(args))));
    let ran = scene.run(&["report", "--output", "nowhere/report.md"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{}", ran.picture());
    assert_eq!(fs::read_to_string(scene.dir().join("kept.md")).expect("a file"), "kept\n");
    let mut left: Vec<_> = fs::read_dir(scene.dir())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["folder", "kept.md", "ledger"], "nothing half-written is left");
}
