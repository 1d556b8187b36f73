//! What of a damaged log is saved: all but what is damaged.

use std::fs;

use serde_json::{Value, json};

use super::{archived, cut, flip, log, places, salvaged, segments};
use crate::folder;

#[test]
fn a_whole_log_is_salvaged_as_it_is_exported() {
    let (scene, export, _) = archived();
    assert_eq!(salvaged(&scene, &export).1, json!([]));
    let ran = scene.run(&["salvage", "-"]);
    assert_eq!((ran.code, &ran.stdout), (0, &export), "{}", ran.stderr);
    assert!(ran.stderr.contains("no event is missing"), "{}", ran.stderr);
    let ran = scene.run(&["salvage", "-", "--json"]);
    assert_eq!(ran.stdout, export);
    let answer: Value = serde_json::from_str(&ran.stderr).expect("one object");
    assert_eq!((&answer["schema"], &answer["status"]), (&json!("salvage/1"), &json!("whole")));
}

/// Whatever is gone beside the lines: none of them is missing.
#[test]
fn found_22_a_lost_file_costs_no_line_that_is_somewhere() {
    let (scene, export, kept) = archived();
    let gone: &[&[&str]] = &[
        &["head"],
        &["segments/head"],
        &["head", "segments/head", "tail.mark", "snapshots"],
        &["sealed", "lock"],
        &["tail", "tail.mark"],
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
    for name in ["head", "journal", "tail/conf", "tail/db", "snapshots", "segments/head"] {
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
        let sum: u64 = holes.map(|hole| hole["last"].as_u64().unwrap() - hole["first"].as_u64().unwrap() + 1).sum();
        assert_eq!(lines.len() as u64 + sum, last, "{what}");
    };
    check("a segment is gone", hole(first_of, last_of), &|| fs::remove_file(&all[1]).expect("it goes"));
    check("all are gone", hole(1, archived), &|| {
        fs::remove_dir_all(log(&scene).join("segments")).expect("they go");
    });
    check("a block", hole(1, 256), &|| flip(&all[0], 500));
    check("a segment without an end", json!([]), &|| cut(&all[1], 1));
    check("a segment without an index", json!([]), &|| cut(&all[1], 6_000));
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
        fs::remove_dir_all(log(&scene).join("tail")).expect("it goes");
    });
    // A frame that cannot be read is in sled's folder too.
    let length = fs::metadata(log(&scene).join("journal")).expect("a file").len() as usize;
    check("a bit of a frame", json!([]), &|| flip(&log(&scene).join("journal"), length / 2));
}

/// A line that was there and is another now is no line that was there, whatever its checksum says.
#[test]
fn found_22_other_events_than_there_were_are_told() {
    let (scene, export, kept) = archived();
    let (other, _, _) = {
        let other = crate::cli::Scene::small();
        (0..4).for_each(|_| super::notes(&other, 1_100));
        (other, (), ())
    };
    folder::replace(&log(&scene), &kept);
    // A segment of another ledger, under a name that fits.
    let (theirs, ours) = (segments(&other)[0].clone(), segments(&scene)[0].clone());
    let (_, last) = places(&theirs);
    fs::remove_file(&ours).expect("it goes");
    fs::copy(&theirs, ours.with_file_name(theirs.file_name().expect("a name"))).expect("a copy");
    let ran = scene.run(&["salvage", "out.jsonl", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.picture());
    let answer = ran.json();
    let told = !answer["differing"].as_array().expect("a list").is_empty()
        || answer["missing"].as_array().expect("a list").len() > 1;
    assert!(told, "up to e{last}: {answer} of {} lines", export.lines().count());
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
    fs::remove_dir_all(log(&scene).join("tail")).expect("it goes");
    let found = folder::tree(&log(&scene));
    assert_eq!(scene.run(&["salvage", "ledger/log/out"]).code, 2);
    assert!(folder::tree(&log(&scene)) == found && found.len() < kept.len());
    let ran = scene.run(&["salvage", "no/such/folder"]);
    assert_eq!(ran.code, 4, "{}", ran.picture());
}
