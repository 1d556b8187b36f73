//! `verify --rebuild`: what is not the log itself is made anew, from a log that is whole, and aloud.

use std::fs;
use std::path::Path;

use super::{log, notes, sealed, whole};
use crate::cli::Scene;
use crate::folder;

/// Damages what is beside the log, and checks that only `verify --rebuild` mends it, and says so.
fn mended(damage: impl Fn(&Path), named: &[&str]) {
    let scene = sealed(1_500);
    scene.ok(&["status", "--at", "e700"]);
    let before = whole(&scene);
    damage(&log(&scene));
    let damaged = folder::tree(&log(&scene));
    for args in [&["status"][..], &["note", "x"], &["verify"], &["init"]] {
        let ran = scene.run(args);
        assert_eq!(ran.code, 5, "{named:?}: {}", ran.picture());
        assert!(ran.stderr.contains("verify --rebuild"), "{}", ran.picture());
    }
    assert!(folder::tree(&log(&scene)) == damaged, "{named:?}: nothing else changes it");
    let ran = scene.ok(&["verify", "--rebuild"]);
    for name in named {
        let lines = ran.stderr.lines().filter(|line| line.contains(&format!("/log/{name}"))).count();
        assert_eq!(lines, 1, "{name}: {}", ran.picture());
    }
    assert_eq!(ran.stderr.lines().count(), named.len(), "{}", ran.picture());
    assert!(whole(&scene) == before);
    scene.ok(&["note", "x"]);
    assert_eq!(scene.ok(&["verify", "--rebuild"]).stderr, "", "once is enough");
}

#[test]
fn found_22_a_lost_witness_is_made_anew() {
    mended(|log| fs::remove_file(log.join("head")).expect("the file goes"), &["head"]);
}

#[test]
fn found_22_a_witness_of_garbage_is_made_anew() {
    mended(|log| fs::write(log.join("head"), "garbage\n\u{0}").expect("a file"), &["head"]);
    mended(|log| fs::write(log.join("head"), "").expect("a file"), &["head"]);
    mended(|log| fs::write(log.join("segments/head"), [0; 204]).expect("a file"), &["segments/head"]);
}

/// What sled keeps, and snapshots, are done without where they are gone or garbage, and made anew silently.
#[test]
fn found_22_what_saves_work_is_made_anew_by_whoever_records() {
    let scene = sealed(2_500);
    let before = whole(&scene);
    let kept = folder::tree(&log(&scene));
    for name in ["work/conf", "work/db", "work.mark", "snapshots"] {
        for is_gone in [true, false] {
            folder::replace(&log(&scene), &kept);
            let path = log(&scene).join(name);
            match (path.is_dir(), is_gone) {
                (true, true) => fs::remove_dir_all(&path).expect("the folder goes"),
                (true, false) => folder::files(&path).into_iter().for_each(|path| {
                    fs::write(path, "garbage that is long enough").expect("a file");
                }),
                (false, true) => fs::remove_file(&path).expect("the file goes"),
                (false, false) => fs::write(&path, "garbage that is long enough").expect("a file"),
            }
            assert!(whole(&scene) == before, "{name}");
            let ran = scene.ok(&["start", "b"]);
            assert_eq!(ran.stderr, "", "{name}: {}", ran.picture());
            scene.ok(&["complete", "b"]);
            scene.ok(&["verify"]);
            scene.ok(&["verify", "--rebuild"]);
            scene.ok(&["verify"]);
        }
    }
}

#[test]
fn found_22_nothing_is_made_anew_for_a_log_that_is_not_whole() {
    let scene = sealed(1_500);
    let older = fs::read(log(&scene).join("journal")).expect("the journal");
    notes(&scene, 20);
    // The journal has lost its end; who has lost the witness as well still has the one beside the segments.
    fs::write(log(&scene).join("journal"), older).expect("a file");
    fs::remove_file(log(&scene).join("head")).expect("the file goes");
    let found = folder::tree(&log(&scene));
    let ran = scene.run(&["verify", "--rebuild"]);
    assert_eq!(ran.code, 5, "{}", ran.picture());
    assert!(ran.stderr.contains("20 events are missing"), "{}", ran.picture());
    assert!(folder::tree(&log(&scene)) == found, "nothing was changed");
}

#[test]
fn found_22_what_was_made_anew_is_told_to_programs_too() {
    let scene = Scene::small();
    fs::remove_file(log(&scene).join("head")).expect("the file goes");
    let ran = scene.ok(&["verify", "--rebuild", "--json"]);
    assert_eq!(ran.json()["made_anew"], serde_json::json!(["DIR/ledger/log/head"]), "{}", ran.picture());
}
