//! `verify --rebuild` makes anew all of a segment that is not its events.

use std::fs;

use super::{archived, cut, flip, log, segments};
use crate::folder;

#[test]
fn found_22_what_is_not_the_events_of_a_segment_is_made_anew() {
    let (scene, export, kept) = archived();
    let segment = segments(&scene)[1].clone();
    let bytes = fs::read(&segment).expect("a file");
    let length = bytes.len();
    // The directory is behind the sections, each of which begins where it says.
    let start = u64::from_le_bytes(bytes[length - 24..length - 16].try_into().expect("8")) as usize;
    let entry = |at: usize| {
        let entry = &bytes[start + at * 24..];
        let number = |from: usize| u64::from_le_bytes(entry[from..from + 8].try_into().expect("8")) as usize;
        (u16::from_le_bytes([entry[0], entry[1]]), number(4), number(12))
    };
    let mut spoils: Vec<(String, usize)> = (0..5)
        .map(entry)
        .filter(|(_, _, length)| *length > 0)
        .map(|(kind, at, length)| (format!("section {kind}"), at + length / 2))
        .collect();
    spoils.extend([("the directory".to_owned(), start + 5), ("the front".to_owned(), 9)]);
    assert!(spoils.len() >= 6, "{spoils:?}");
    for (what, at) in &spoils {
        folder::replace(&log(&scene), &kept);
        flip(&segment, *at);
        let ran = scene.run(&["verify"]);
        assert_eq!(ran.code, 5, "{what}: {}", ran.picture());
        let ran = scene.ok(&["verify", "--rebuild"]);
        assert!(ran.stderr.contains(&*segment.file_name().expect("a name").to_string_lossy()), "{}", ran.picture());
        assert_eq!(scene.ok(&["export"]).stdout, export, "{what}");
        scene.ok(&["verify"]);
        assert_eq!(scene.ok(&["verify", "--rebuild"]).stderr, "", "{what}: once is enough");
        scene.ok(&["note", "x"]);
    }
    folder::replace(&log(&scene), &kept);
    cut(&segment, 7_000);
    scene.ok(&["verify", "--rebuild"]);
    assert_eq!(scene.ok(&["export"]).stdout, export);
}

#[test]
fn found_22_a_segment_that_lacks_events_is_not_made_anew() {
    let (scene, _, _) = archived();
    flip(&segments(&scene)[1], 500);
    let found = folder::tree(&log(&scene));
    let ran = scene.run(&["verify", "--rebuild"]);
    assert_eq!(ran.code, 5, "{}", ran.picture());
    let now = folder::tree(&log(&scene));
    let same = |name: &str| now.iter().filter(|(path, _)| path.starts_with(name)).eq(found
        .iter()
        .filter(|(path, _)| path.starts_with(name)));
    assert!(same("segments") && same("journal") && same("head"), "the log is as it was");
}
