//! Above a hole nothing is recorded; what is wrong is told by places, with what to do next.

use std::fs;
use std::path::Path;

use super::{archived, cut, log, places, segments};
use crate::cli::Scene;
use crate::folder;

/// Verbs that record, each with what it needs.
const RECORDING: &[&[&str]] = &[
    &["start", "b"],
    &["note", "x"],
    &["skip", "b", "--reason", "x"],
    &["rerun", "a", "--reason", "x"],
    &["reset", "a", "--reason", "x"],
    &["meta", "a", "k=1"],
    &["cost", "record", "a", "1"],
    &["define", "w.toml"],
    &["exec", "b", "--", "true"],
    &["append", "lines.jsonl"],
    &["import", "--format", "history", "history.jsonl"],
    &["init"],
];

/// A way to damage a log, by its folder.
type Spoil<'a> = &'a dyn Fn(&Path);

fn refuses_to_record(scene: &Scene, what: &str, verbs: &[&[&str]]) {
    let found = folder::tree(&log(scene));
    for args in verbs {
        let ran = scene.run(args);
        assert_eq!(ran.code, 5, "{what}: {}", ran.picture());
        assert!(ran.stderr.contains("salvage OUT"), "{what}: {}", ran.picture());
        let now = folder::tree(&log(scene));
        let changed: Vec<_> = now.keys().filter(|path| now.get(*path) != found.get(*path)).collect();
        assert!(changed.is_empty() && now.len() == found.len(), "{what}, {args:?}: {changed:?}");
    }
}

#[test]
fn found_22_nothing_is_recorded_above_a_hole() {
    let (scene, _, kept) = archived();
    scene.write("lines.jsonl", "{\"do\":\"note\",\"text\":\"x\"}\n");
    scene.write("history.jsonl", "{\"at\":\"2025-10-29T10:00:00Z\",\"phase\":\"b\",\"event\":\"start\"}\n");
    scene.write("w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"z\"\n");
    let all = segments(&scene);
    let spoils: &[(&str, Spoil<'_>)] = &[
        ("the first segment is gone", &|_| fs::remove_file(&all[0]).expect("it goes")),
        ("one in the middle is gone", &|_| fs::remove_file(&all[1]).expect("it goes")),
        ("one is cut", &|_| cut(&all[1], 1)),
        ("one is cut to its front", &|_| cut(&all[0], fs::metadata(&all[0]).expect("a file").len() - 16)),
        ("one is empty", &|_| fs::write(&all[0], "").expect("a file")),
        ("one is zeroes", &|_| {
            let length = fs::metadata(&all[1]).expect("a file").len();
            fs::write(&all[1], vec![0; length as usize]).expect("a file");
        }),
        ("one is another", &|_| assert!(fs::copy(&all[0], &all[1]).is_ok())),
        ("all are gone", &|log| fs::remove_dir_all(log.join("segments")).expect("they go")),
        ("the journal is gone", &|log| fs::remove_file(log.join("journal")).expect("it goes")),
        ("the journal is cut", &|log| cut(&log.join("journal"), 100)),
    ];
    for (at, (what, spoil)) in spoils.iter().enumerate() {
        folder::replace(&log(&scene), &kept);
        spoil(&log(&scene));
        // Every verb for the first ones, one for the others: it is the opening that refuses.
        let verbs = if at < 2 { RECORDING } else { &RECORDING[..2] };
        let verbs: Vec<_> = verbs.iter().copied().filter(|args| at != 1 || args[0] != "init").collect();
        refuses_to_record(&scene, what, &verbs);
    }
}

/// Where the segments are gone, `init` makes no new ones: an empty log in the place of a lost one was the end of it.
#[test]
fn found_22_init_over_what_is_left_of_a_log_makes_nothing() {
    let (scene, _, kept) = archived();
    for gone in [&["segments"][..], &["journal"], &["segments", "journal"], &["journal", "head"]] {
        folder::replace(&log(&scene), &kept);
        for name in gone {
            let path = log(&scene).join(name);
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.expect("it goes");
        }
        let found = folder::tree(&log(&scene));
        let ran = scene.run(&["init"]);
        assert_eq!(ran.code, 5, "{gone:?}: {}", ran.picture());
        assert!(folder::tree(&log(&scene)) == found, "{gone:?}");
    }
}

#[test]
fn found_22_export_writes_what_is_before_the_damage() {
    let (scene, export, _) = archived();
    let segment = segments(&scene)[1].clone();
    let (first, _) = places(&segment);
    super::flip(&segment, 500);
    let output = scene.command().arg("export").output().expect("the program runs");
    assert_eq!(output.status.code(), Some(5));
    let written = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(written.lines().count() as u64, first - 1, "all before the block");
    assert!(export.starts_with(&written));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.contains(&format!("the events {first} to {}", first + 255)), "{said}");
    assert!(said.contains("salvage OUT"), "{said}");
    // A file is whole or not there.
    assert_eq!(scene.run(&["export", "-o", "file.jsonl"]).code, 5);
    assert!(!scene.dir().join("file.jsonl").exists());
}

#[test]
fn found_22_verify_tells_what_is_missing_by_places() {
    let (scene, _, kept) = archived();
    let all = segments(&scene);
    let (first, last) = places(&all[1]);
    super::flip(&all[0], 500);
    fs::remove_file(&all[1]).expect("it goes");
    let ran = scene.run(&["verify"]);
    assert_eq!(ran.code, 5, "{}", ran.picture());
    for said in ["missing: e1 to e256", &format!("missing: e{first} to e{last}"), "salvage OUT", "--as-new"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.picture());
    }
    let ran = scene.run(&["verify", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("one object");
    let missing = serde_json::json!([{"first": 1, "last": 256}, {"first": first, "last": last}]);
    assert_eq!(error["error"]["missing"], missing, "{}", ran.picture());
    // Where nothing is missing, it says what makes the rest anew.
    folder::replace(&log(&scene), &kept);
    fs::remove_file(log(&scene).join("head")).expect("it goes");
    let ran = scene.run(&["verify"]);
    assert_eq!(ran.code, 5, "{}", ran.picture());
    assert!(
        ran.stderr.contains("all of the log can be read, 4603 events: `phaseledger verify --rebuild`"),
        "{}",
        ran.picture()
    );
}
