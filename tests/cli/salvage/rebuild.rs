//! `verify --rebuild` makes anew all of a segment that is not its events.

use std::fs;

use super::{archived, cut_to_blocks, exported, flip, log, sections, segments};
use crate::folder;

#[test]
fn found_22_what_is_not_the_events_of_a_segment_is_made_anew() {
    let (scene, export, kept) = archived();
    let segment = segments(&scene)[1].clone();
    let length = fs::metadata(&segment).expect("a file").len() as usize;
    let mut spoils: Vec<(String, usize)> = sections(&segment)
        .into_iter()
        .filter(|(_, _, length)| *length > 0)
        .map(|(kind, at, length)| (format!("section {kind}"), at + length / 2))
        .collect();
    spoils.extend([("the directory".to_owned(), length - 40), ("the front".to_owned(), 9)]);
    assert!(spoils.len() >= 6, "{spoils:?}");
    for (what, at) in &spoils {
        folder::replace(&log(&scene), &kept);
        flip(&segment, *at);
        let ran = scene.run(&["verify"]);
        assert_eq!(ran.code, 5, "{what}: {}", ran.picture());
        let ran = scene.ok(&["verify", "--rebuild"]);
        assert!(
            ran.stderr.contains(&*segment.file_name().expect("a name").to_string_lossy()),
            "{}",
            ran.picture()
        );
        assert!(exported(&scene) == export, "{what}");
        scene.ok(&["verify"]);
        assert_eq!(scene.ok(&["verify", "--rebuild"]).stderr, "", "{what}: once is enough");
        scene.ok(&["note", "x"]);
    }
    folder::replace(&log(&scene), &kept);
    cut_to_blocks(&segment);
    scene.ok(&["verify", "--rebuild"]);
    assert!(exported(&scene) == export);
}

#[test]
fn found_22_a_segment_that_lacks_events_is_not_made_anew() {
    let (scene, _, _) = archived();
    flip(&segments(&scene)[1], 500);
    let found = folder::tree(&log(&scene));
    let ran = scene.run(&["verify", "--rebuild"]);
    assert_eq!(ran.code, 5, "{}", ran.picture());
    let now = folder::tree(&log(&scene));
    let same = |name: &str| {
        now.iter()
            .filter(|(path, _)| path.starts_with(name))
            .eq(found.iter().filter(|(path, _)| path.starts_with(name)))
    };
    assert!(same("segments") && same("journal") && same("head"), "the log is as it was");
}
