//! A log of format 1, salvaged and backed up; and what the first release finds of one of format 2.

use std::fs;

use serde_json::json;

use super::{exported, log, salvaged};
use crate::cli::Scene;
use crate::folder;
use crate::takeover::{EVENTS, old};

#[test]
fn a_log_of_format_1_is_salvaged_from_a_copy() {
    let scene = old();
    let export = exported(&scene);
    assert_eq!(export.lines().count(), EVENTS + 1);
    assert_eq!(salvaged(&scene, &export).1, json!([]));
    let kept = folder::tree(&log(&scene));
    // Each of its databases has a part of the events, and what is beside them none.
    for names in
        [&["head"][..], &["sealed/head"], &["sealed/conf", "tail/conf"], &["lock", "head", "sealed/head"]]
    {
        folder::replace(&log(&scene), &kept);
        for name in names {
            // Earlier versions made one witness alone.
            let _ = fs::remove_file(log(&scene).join(name));
        }
        assert_eq!(salvaged(&scene, &export).1, json!([]), "{names:?}");
    }
    let mut counts = Vec::new();
    for name in ["sealed", "tail"] {
        folder::replace(&log(&scene), &kept);
        fs::remove_dir_all(log(&scene).join(name)).expect("it goes");
        let (lines, missing) = salvaged(&scene, &export);
        assert!(!missing.as_array().expect("a list").is_empty());
        counts.push(lines.len());
    }
    assert_eq!(counts.iter().sum::<usize>(), EVENTS, "{counts:?}");
    folder::replace(&log(&scene), &kept);
    fs::write(log(&scene).join("tail/db"), "garbage").expect("a file");
    assert_eq!(salvaged(&scene, &export).0.len(), counts[1]);
}

#[test]
fn a_backup_of_a_log_of_format_1_is_one_of_format_2() {
    let scene = old();
    let export = scene.ok(&["export"]).stdout;
    let found = folder::tree(&log(&scene));
    scene.ok(&["backup", "copy"]);
    assert!(folder::tree(&log(&scene)) == found);
    assert_eq!(scene.ok(&["--dir", "copy", "export"]).stdout, export);
    scene.ok(&["--dir", "copy", "verify"]);
    assert!(scene.dir().join("copy/log/journal").is_file());
}

/// What the first release looks into, in its order: `head`, `tail` and `sealed` are there, then `tail` is opened as a database
/// of sled's with the settings of its time, and its head `h`, a checksum, a length and a number of the format, says 2. It
/// answers: "the ledger has format version 2; this version reads up to 1", exit 5, `init` included.
#[test]
fn the_first_release_finds_a_format_that_it_does_not_read() {
    let scene = Scene::small();
    let check = |what: &str| {
        let log = log(&scene);
        assert!(log.join("head").is_file() && log.join("sealed").is_file(), "{what}");
        let copy = tempfile::tempdir().expect("a folder");
        folder::copy(&log.join("tail"), &copy.path().join("tail"));
        let db = sled::Config::new()
            .path(copy.path().join("tail"))
            .open()
            .expect("it opens with settings of its time");
        let head = db.get("h").expect("it is read").expect("it is there");
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(b"h");
        hasher.update(&head[8..]);
        assert_eq!(head[..4], hasher.finalize().to_le_bytes(), "{what}");
        assert_eq!((&head[4..8], &head[8..]), (&4_u32.to_le_bytes()[..], &2_u32.to_le_bytes()[..]), "{what}");
    };
    check("made");
    fs::remove_dir_all(log(&scene).join("tail")).expect("it goes");
    fs::remove_file(log(&scene).join("sealed")).expect("it goes");
    scene.ok(&["note", "x"]);
    check("made anew");
    scene.ok(&["backup", "copy"]);
    assert!(scene.dir().join("copy/log/tail/db").is_file());
    let scene = old();
    scene.ok(&["note", "x"]);
    assert!(log(&scene).join("tail/db").metadata().expect("a file").len() < 1_000, "taken over");
}

#[test]
fn git_passes_over_what_a_takeover_leaves() {
    let ignored =
        |scene: &Scene| fs::read_to_string(scene.dir().join("ledger/.gitignore")).unwrap_or_default();
    assert_eq!(ignored(&Scene::made()), "/log/\n/log.1/\n");
    for (before, after) in [("/log/\n", "/log/\n/log.1/\n"), ("/log/\n*.bak\n", "/log/\n*.bak\n")] {
        let scene = old();
        scene.write("ledger/.gitignore", before);
        scene.ok(&["status"]);
        assert_eq!(ignored(&scene), before, "asking changes nothing");
        scene.ok(&["note", "x"]);
        assert_eq!(ignored(&scene), after);
    }
}
