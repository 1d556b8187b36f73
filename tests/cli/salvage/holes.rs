//! What of a damaged log is saved: all but what is damaged.

use std::fs;

use serde_json::{Value, json};

use super::{archived, cut, cut_to_blocks, flip, log, places, salvaged, segments};
use crate::cli::Scene;
use crate::folder;

fn place(value: &Value) -> u64 {
    value.as_u64().expect("a place")
}

#[test]
fn a_whole_log_is_salvaged_as_it_is_exported() {
    let (scene, export, _) = archived();
    assert_eq!(salvaged(&scene, &export).1, json!([]));
    let run = |args: &[&str]| {
        let output = scene.command().args(args).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout == export.as_bytes(), "{args:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert!(run(&["salvage", "-"]).contains("no event is missing"));
    let answer: Value = serde_json::from_str(&run(&["salvage", "-", "--json"])).expect("one object");
    assert_eq!((&answer["schema"], &answer["status"]), (&json!("salvage/1"), &json!("whole")));
}

/// Whatever is gone beside the lines: none of them is missing.
#[test]
fn found_22_a_lost_file_costs_no_line_that_is_somewhere() {
    let (scene, export, kept) = archived();
    let gone: &[&[&str]] = &[
        &["head"],
        &["segments/head"],
        &["head", "segments/head", "work.mark", "snapshots"],
        &["sealed", "lock"],
        &["work", "work.mark"],
        // What sled has is what the journal had.
        &["journal"],
        &["journal", "head", "segments/head"],
    ];
    for names in gone {
        folder::replace(&log(&scene), &kept);
        for name in *names {
            let path = log(&scene).join(name);
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.expect("it goes");
        }
        assert_eq!(salvaged(&scene, &export).1, json!([]), "{names:?}");
    }
    // Garbage where a file was is no better and no worse.
    for name in ["head", "journal", "work/conf", "work/db", "snapshots", "segments/head"] {
        folder::replace(&log(&scene), &kept);
        let path = log(&scene).join(name);
        let files = if path.is_dir() { folder::files(&path) } else { vec![path] };
        files.iter().for_each(|file| fs::write(file, "garbage that is long enough\n").expect("a file"));
        assert_eq!(salvaged(&scene, &export).1, json!([]), "{name}");
    }
}

#[test]
fn found_22_what_is_missing_is_told_by_places() {
    let (scene, export, kept) = archived();
    let all = segments(&scene);
    let (last, (first_of, last_of)) = (export.lines().count() as u64 - 1, places(&all[1]));
    let archived = places(&all[all.len() - 1]).1;
    let hole = |first: u64, last: u64| json!([{"first": first, "last": last}]);
    let check = |what: &str, expected: Value, spoil: &dyn Fn()| {
        folder::replace(&log(&scene), &kept);
        spoil();
        let (lines, missing) = salvaged(&scene, &export);
        assert_eq!(missing, expected, "{what}");
        let holes = missing.as_array().expect("a list").iter();
        let sum: u64 = holes.map(|hole| place(&hole["last"]) - place(&hole["first"]) + 1).sum();
        assert_eq!(lines.len() as u64 + sum, last, "{what}");
    };
    check("a segment is gone", hole(first_of, last_of), &|| fs::remove_file(&all[1]).expect("it goes"));
    check("all are gone", hole(1, archived), &|| {
        fs::remove_dir_all(log(&scene).join("segments")).expect("they go");
    });
    check("a block", hole(1, 256), &|| flip(&all[0], 500));
    check("a segment without an end", json!([]), &|| cut(&all[1], 1));
    check("a segment without an index", json!([]), &|| cut_to_blocks(&all[1]));
    check("a segment without a front", json!([]), &|| flip(&all[1], 3));
    check("a segment under another's name", json!([]), &|| {
        let name = all[1].with_file_name(format!("{first_of:020}-{:020}.seg", last_of + 7));
        fs::rename(&all[1], name).expect("it is renamed");
    });
    check("two names exchanged", json!([]), &|| {
        let aside = all[0].with_extension("x");
        fs::rename(&all[0], &aside).expect("it is renamed");
        fs::rename(&all[1], &all[0]).expect("it is renamed");
        fs::rename(&aside, &all[1]).expect("it is renamed");
    });
    check("the journal, and what sled has of it", hole(archived + 1, last), &|| {
        fs::remove_file(log(&scene).join("journal")).expect("it goes");
        fs::remove_dir_all(log(&scene).join("work")).expect("it goes");
    });
    // A frame that cannot be read is in sled's folder too.
    let length = kept[std::path::Path::new("journal")].as_ref().expect("a file").len();
    check("a bit of a frame", json!([]), &|| flip(&log(&scene).join("journal"), length / 2));
}

/// A line that was there and is another now is no line that was there, whatever its checksum says.
#[test]
fn found_22_other_events_than_there_were_are_told() {
    // A batch of so many is a segment, wherever: where a stream's end hangs on how fast its lines come.
    let recorded = || {
        let scene = Scene::small();
        scene.write("lines", &"{\"do\":\"note\",\"text\":\"x\"}\n".repeat(1_100));
        (0..3).for_each(|_| drop(scene.ok(&["append", "lines", "--atomic"])));
        scene.ok(&["note", "the journal has one, too"]);
        scene
    };
    // A segment of another ledger, under a name that fits.
    let (scene, other) = (recorded(), recorded());
    let (theirs, ours) = (segments(&other)[1].clone(), segments(&scene)[1].clone());
    assert_eq!(theirs.file_name(), ours.file_name());
    fs::copy(&theirs, &ours).expect("a copy");
    let ran = scene.run(&["salvage", "out.jsonl", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.picture());
    let answer = ran.json();
    assert_eq!((&answer["status"], &answer["missing"]), (&json!("differing"), &json!([])), "{answer}");
    let (first, _) = places(&ours);
    assert_eq!(answer["differing"][0]["seq"], first - 1, "{answer}");
    // It is no export that could be taken for one, and opens nowhere by mistake.
    let ran = scene.run(&["--dir", "new", "import", "out.jsonl"]);
    assert_eq!(ran.code, 5, "{}", ran.picture());
    assert!(!scene.dir().join("new").exists());
}

#[test]
fn the_file_is_written_elsewhere_and_whole() {
    let (scene, _, kept) = archived();
    for out in ["ledger/log/out", "ledger/log/head", "ledger/log/segments/x.seg"] {
        let ran = scene.run(&["salvage", out]);
        assert_eq!(ran.code, 2, "{}", ran.picture());
    }
    // Nor where the log is so damaged that it looks like none.
    for name in ["lock", "head", "sealed"] {
        fs::remove_file(log(&scene).join(name)).expect("it goes");
    }
    for name in ["tail", "work"] {
        fs::remove_dir_all(log(&scene).join(name)).expect("it goes");
    }
    let found = folder::tree(&log(&scene));
    assert_eq!(scene.run(&["salvage", "ledger/log/out"]).code, 2);
    assert!(folder::tree(&log(&scene)) == found && found.len() < kept.len());
    let ran = scene.run(&["salvage", "no/such/folder"]);
    assert_eq!(ran.code, 4, "{}", ran.picture());
}
