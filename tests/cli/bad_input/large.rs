//! Metadata that grows over several commands: too much of it is refused, and is never taken for damage.

use super::{Scene, run, unchanged};

/// The most bytes of metadata that a phase may have.
const BYTES_MAX: usize = 256 * 1024;

/// Returns what counts as so many bytes: a key of one letter, a text, and the six that stand around them.
fn metadata(key: char, bytes: usize) -> String {
    format!("{key}={}", "x".repeat(bytes - 7))
}

#[test]
fn found_40_metadata_that_grew_too_large_is_refused_by_every_verb() {
    // Each argument is at most 128 KiB.
    let known = [metadata('a', 100_000), metadata('b', 100_000)];
    let left = BYTES_MAX - 200_000;
    let verbs: [&[&str]; 4] = [
        &["meta", "a"],
        &["skip", "a", "--reason", "no", "--meta"],
        &["complete", "a", "--meta"],
        &["fail", "a", "--error", "no", "--meta"],
    ];
    for verb in verbs {
        let scene = Scene::small();
        if ["complete", "fail"].contains(&verb[0]) {
            scene.ok(&["start", "a"]);
        }
        known.iter().for_each(|known| drop(scene.ok(&["meta", "a", known])));
        let (over, exact) = (metadata('c', left + 1), metadata('c', left));
        unchanged(&scene, || {
            for more in [&[][..], &["--dry-run"]] {
                let args = [verb, &[over.as_str(), "--json"], more].concat();
                let outcome =
                    run(&scene, &args, b"").refused(2, "the metadata of `w/a` would have 262145 bytes");
                let error: serde_json::Value = serde_json::from_str(&outcome.stderr).expect("one object");
                assert_eq!(error["error"]["code"], "too_large", "{verb:?}");
            }
        });
        scene.ok(&[verb, &[exact.as_str()]].concat());
        scene.ok(&["verify"]);
    }
}
