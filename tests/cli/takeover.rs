//! A log of format 1: asked until something is recorded, then taken over; refused, and left as it is, where it is damaged.
//!
//! The fixture in `format_1/` was made by 0.1.0: 2,604 events, sealed for the most part, with snapshots. Its files are
//! compressed, for sled fills them with zeroes.

mod large;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Scene;
use crate::folder::{self, Tree};
use crate::strace;

const ROOT: &str = "sha256:65c1f0af1a46d2efc0257ef778865b5f9d53bfdb20ac3cc4514e693e7574d9f1";
pub const EVENTS: usize = 2_604;

/// A scene with a ledger of format 1.
pub fn old() -> Scene {
    let scene = Scene::empty();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/format_1");
    folder::write(&folder::unpacked(&fixture), &log(&scene));
    scene
}

fn log(scene: &Scene) -> PathBuf {
    scene.dir().join("ledger/log")
}

fn is_whole(scene: &Scene, what: &str) -> usize {
    let export = scene.ok(&["export"]).stdout;
    let lines: Vec<_> = export.lines().collect();
    let until = scene.ok(&["export", "--at", &format!("#{EVENTS}")]).stdout;
    assert!(until.ends_with(&format!("\"root\":\"{ROOT}\"}}\n")), "{what}: another root");
    lines.len() - 1
}

#[test]
fn a_log_of_format_1_is_asked_until_something_is_recorded() {
    let scene = old();
    let before = folder::tree(scene.dir());
    assert_eq!(is_whole(&scene, "asked"), EVENTS);
    for args in [
        &["status"][..],
        &["status", "--at", "#2000"],
        &["why", "b"],
        &["show", "id:78c8bfaa-7f4f-54e9-b7b2-cf45e3c8046b"],
        &["verify"],
        &["note", "x", "--dry-run"],
    ] {
        scene.ok(args);
        assert!(folder::tree(scene.dir()) == before, "{args:?} changed something");
    }
    scene.ok(&["complete", "b"]);
    assert_eq!(is_whole(&scene, "taken over"), EVENTS + 1);
    scene.ok(&["verify"]);
    let kept: Tree = folder::tree(&scene.dir().join("ledger/log.1"));
    let was = before.iter().filter_map(|(path, bytes)| Some((path.strip_prefix("ledger/log").ok()?, bytes)));
    let was: Tree = was
        .filter(|(path, _)| *path != Path::new(""))
        .map(|(path, bytes)| (path.to_owned(), bytes.clone()))
        .collect();
    assert!(kept == was, "the log of format 1 is kept as it was");
    // Ids are known for ever.
    let again = scene.ok(&["note", "0 ", "--id", "key:n/0"]);
    assert!(again.stdout.contains("duplicate"), "{}", again.picture());
    scene.ok(&["init"]);
    assert_eq!(is_whole(&scene, "once"), EVENTS + 1);
}

#[test]
fn a_rebuild_takes_over_too() {
    let scene = old();
    scene.ok(&["verify", "--rebuild"]);
    assert!(log(&scene).join("journal").is_file());
    assert_eq!(is_whole(&scene, "taken over"), EVENTS);
}

#[test]
fn a_takeover_that_was_cut_short_is_ended() {
    for has_new in [true, false] {
        let scene = old();
        let before = folder::tree(&log(&scene));
        scene.ok(&["note", "x"]);
        let ledger = scene.dir().join("ledger");
        // Between its two renames, or before the first one.
        fs::rename(ledger.join("log"), ledger.join("log.new")).expect("it is renamed");
        let events = if has_new {
            EVENTS + 1
        } else {
            fs::remove_dir_all(ledger.join("log.1")).expect("it goes");
            folder::write(&before, &ledger.join("log"));
            fs::remove_file(ledger.join("log.new/journal")).expect("it was not ready");
            EVENTS
        };
        let found = folder::tree(scene.dir());
        assert_eq!(is_whole(&scene, "asked"), events);
        assert!(folder::tree(scene.dir()) == found, "asking changes nothing");
        scene.ok(&["note", "y"]);
        assert_eq!(is_whole(&scene, "ended"), events + 1);
        scene.ok(&["verify"]);
        assert!(!ledger.join("log.new").exists() && ledger.join("log.1").is_dir());
    }
}

#[test]
fn a_takeover_that_is_killed_at_any_sync_or_rename_can_be_done_again() {
    if !strace::is_there("a_takeover_that_is_killed_at_any_sync_or_rename_can_be_done_again") {
        return;
    }
    let scene = old();
    let kept = folder::tree(scene.dir());
    for calls in ["fsync,fdatasync", "rename"] {
        for nth in 1.. {
            folder::replace(scene.dir(), &kept);
            let inject = format!("inject={calls}:signal=KILL:when={nth}");
            let trace = format!("trace={calls}");
            let traced = strace::run(&scene, &["-e", &trace, "-e", &inject], &["note", "x"]);
            let what = format!("killed at {calls} {nth}");
            let events = is_whole(&scene, &what);
            assert!((EVENTS..=EVENTS + 1).contains(&events), "{what}: {events}");
            scene.ok(&["note", "y"]);
            assert_eq!(is_whole(&scene, &what), events + 1, "{what}");
            if traced.code == Some(0) {
                assert!(nth > 4, "{what}: it was killed");
                break;
            }
        }
    }
}

#[test]
fn a_damaged_log_of_format_1_is_refused_and_left_as_it_is() {
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil); 4] = [
        ("a cut tail", |log| {
            let file = fs::File::options().write(true).open(log.join("tail/db")).expect("a file");
            file.set_len(300_000).expect("a cut");
        }),
        ("no sealed events", |log| fs::remove_dir_all(log.join("sealed")).expect("it goes")),
        ("no witness", |log| fs::remove_file(log.join("head")).expect("it goes")),
        ("garbage", |log| fs::write(log.join("sealed/db"), "garbage").expect("a file")),
    ];
    for (what, spoil) in spoils {
        let scene = old();
        spoil(&log(&scene));
        let found = folder::tree(scene.dir());
        for args in [&["status"][..], &["verify"], &["note", "x"], &["init"], &["verify", "--rebuild"]] {
            let ran = scene.run(args);
            assert_eq!(ran.code, 5, "{what}: {}", ran.picture());
            let now = folder::tree(scene.dir());
            let changed: Vec<_> = now.keys().filter(|path| found.get(*path) != now.get(*path)).collect();
            assert!(
                changed.iter().all(|path| path.ends_with("workflow.toml") || path.ends_with(".gitignore")),
                "{what}: {args:?} changed {changed:?}"
            );
        }
    }
}
