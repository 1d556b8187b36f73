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

/// Puts all but the segments of another tree in the place of what is there.
fn mix(log: &Path, older: &Tree) {
    let today = folder::tree(&log.join("segments"));
    folder::replace(log, older);
    folder::replace(&log.join("segments"), &today);
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
fn found_20_an_older_journal_beside_todays_segments_is_refused() {
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
        // Without the witness beside the segments, what they hold tells.
        if age < 3 {
            fs::copy(log(&scene).join("head"), log(&scene).join("segments/head")).expect("a copy");
            refused(&scene, &format!("age {age}, and the witness too"));
        }
    }
    folder::replace(&log(&scene), &today);
    scene.ok(&["verify"]);
}

#[test]
fn found_20_older_segments_beside_todays_journal_are_refused() {
    let scene = sealed(1_500);
    let older = folder::tree(&log(&scene).join("segments"));
    notes(&scene, 2_600);
    let today = folder::tree(&log(&scene));
    folder::replace(&log(&scene).join("segments"), &older);
    refused(&scene, "events are missing in between");
    let ran = scene.run(&["status"]);
    assert!(ran.stderr.contains("are missing: no segment holds them"), "{}", ran.picture());
    folder::replace(&log(&scene), &today);
    scene.ok(&["verify"]);
}

/// Two ledgers that were one: the segments of the one beside the journal of the other.
#[test]
fn found_20_the_segments_of_a_ledger_that_went_another_way_are_refused() {
    let scene = sealed(1_500);
    let common = folder::tree(&log(&scene));
    notes(&scene, 1_500);
    let other = folder::tree(&log(&scene).join("segments"));
    folder::replace(&log(&scene), &common);
    scene.ok(&["note", "another way"]);
    notes(&scene, 1_499);
    folder::replace(&log(&scene).join("segments"), &other);
    let found = folder::tree(&log(&scene));
    for args in [&["export"][..], &["verify"]] {
        assert_eq!(scene.run(args).code, 5, "{args:?}");
    }
    assert!(folder::tree(&log(&scene)) == found, "nothing was changed");
}
