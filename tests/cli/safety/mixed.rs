//! Parts of a log from different times, side by side: damage, and nothing may be changed or deleted.

use std::fs;
use std::path::Path;

use super::{log, notes, sealed};
use crate::cli::Scene;
use crate::folder::{self, Tree};

const VERBS: [&[&str]; 9] = [
    &["status"],
    &["status", "--at", "e5"],
    &["log"],
    &["why", "a"],
    &["verify"],
    &["verify", "--rebuild"],
    &["export"],
    &["note", "x"],
    &["start", "b"],
];

/// Puts `tail/` and `head` of another tree in the place of those that are there.
fn mix(log: &Path, older: &Tree) {
    fs::remove_dir_all(log.join("tail")).expect("the folder goes");
    fs::remove_file(log.join("head")).expect("the file goes");
    let parts = older.iter().filter(|(path, _)| path.starts_with("tail") || path.starts_with("head"));
    folder::write(&parts.map(|(path, bytes)| (path.clone(), bytes.clone())).collect(), log);
}

/// Checks that every verb refuses, and that not a byte is changed.
fn refused(scene: &Scene, what: &str) {
    let found = folder::tree(&log(scene));
    for args in VERBS {
        let ran = scene.run(args);
        assert_eq!(ran.code, 5, "{what}: {}", ran.picture());
        let now = folder::tree(&log(scene));
        let changed: Vec<_> = found.iter().filter(|(path, bytes)| now.get(*path) != Some(bytes)).collect();
        let names: Vec<_> = changed.iter().map(|(path, _)| path).collect();
        assert!(now == found, "{what}: {args:?} changed {names:?}, {} files were {}", now.len(), found.len());
    }
}

#[test]
fn found_20_an_older_tail_beside_todays_sealed_events_is_refused() {
    let scene = sealed(0);
    let mut ages = Vec::new();
    for count in [10, 1_500, 700, 1_100, 1_500] {
        notes(&scene, count);
        ages.push(folder::tree(&log(&scene)));
    }
    scene.ok(&["note", "the last one"]);
    let today = folder::tree(&log(&scene));
    for (age, older) in ages.iter().enumerate() {
        folder::replace(&log(&scene), &today);
        mix(&log(&scene), older);
        refused(&scene, &format!("age {age}"));
    }
    folder::replace(&log(&scene), &today);
    scene.ok(&["verify"]);
}

/// A log that an earlier version wrote has no witness beside its sealed events: what is in them has to do.
#[test]
fn found_20_an_older_tail_is_refused_in_a_log_of_an_earlier_version_too() {
    let scene = sealed(1_500);
    let older = folder::tree(&log(&scene));
    // More than a stream makes durable at once, and what is not sealed yet besides.
    notes(&scene, 2_600);
    mix(&log(&scene), &older);
    let _ = fs::remove_file(log(&scene).join("sealed/head"));
    refused(&scene, "many events more");
    // A snapshot at a place that the tail has not reached is enough.
    let scene = sealed(16_200);
    let older = folder::tree(&log(&scene));
    notes(&scene, 900);
    scene.ok(&["status", "--at", "head~1"]);
    mix(&log(&scene), &older);
    let _ = fs::remove_file(log(&scene).join("sealed/head"));
    refused(&scene, "a snapshot beyond the head");
}

#[test]
fn found_20_a_log_of_an_earlier_version_gets_its_second_witness() {
    let scene = sealed(1_500);
    let beside = log(&scene).join("sealed/head");
    fs::remove_file(&beside).expect("the file goes");
    scene.ok(&["status"]);
    let last = |path: &Path| fs::read_to_string(path).expect("a witness").lines().max().map(str::to_owned);
    assert_eq!(last(&beside), last(&log(&scene).join("head")));
    scene.ok(&["verify"]);
}

/// Two ledgers that were one: the tail of the one beside the sealed events of the other.
#[test]
fn found_20_the_tail_of_a_ledger_that_went_another_way_is_refused() {
    let scene = sealed(1_500);
    let common = folder::tree(&log(&scene));
    notes(&scene, 1_000);
    let other = folder::tree(&log(&scene));
    folder::replace(&log(&scene), &common);
    notes(&scene, 2_000);
    fs::remove_dir_all(log(&scene).join("sealed")).expect("the folder goes");
    let theirs = other.iter().filter(|(path, _)| path.starts_with("sealed"));
    folder::write(&theirs.map(|(path, bytes)| (path.clone(), bytes.clone())).collect(), &log(&scene));
    // Their witness knows fewer events than ours has: only what is sealed tells.
    let found = folder::tree(&log(&scene));
    assert_eq!(scene.run(&["export"]).code, 5);
    assert_eq!(scene.run(&["status", "--at", "e5"]).code, 5);
    let now = folder::tree(&log(&scene));
    assert!(found[Path::new("sealed/db")] == now[Path::new("sealed/db")], "nothing was deleted");
}
