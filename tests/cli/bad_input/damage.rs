//! A log that is not what was written: told as such, or read right; never a panic, never silently shorter.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Scene, export, run};
use crate::folder::{copy, files};

/// A scene whose log has sealed and unsealed events, and a copy of the log.
fn sealed() -> (Scene, PathBuf, Vec<u8>) {
    let scene = Scene::example();
    let lines: String = (0..1400).map(|n| format!("{{\"do\":\"note\",\"text\":\"{n}\"}}\n")).collect();
    assert_eq!(run(&scene, &["append"], lines.as_bytes()).code, Some(0));
    let whole = export(&scene);
    let kept = scene.dir().join("kept");
    copy(&scene.dir().join("ledger/log"), &kept);
    (scene, kept, whole)
}

/// Damages the log in one way, and checks what the program makes of it.
fn check(scene: &Scene, kept: &Path, whole: &[u8], what: &str, damage: impl FnOnce(&Path)) {
    let log = scene.dir().join("ledger/log");
    fs::remove_dir_all(&log).expect("the log goes");
    copy(kept, &log);
    damage(&log);
    let told = |outcome: &super::Outcome| matches!(outcome.code, Some(4 | 5 | 74));
    let exported = run(scene, &["export"], b"").calm(what);
    if exported.code == Some(0) {
        assert!(exported.stdout == whole, "{what}: another history, and nobody was told");
    } else {
        assert!(told(&exported), "{what}: {:?} {}", exported.code, exported.stderr);
        assert!(exported.stderr.contains("error: ") && exported.stderr.contains("hint: "), "{what}");
        let already = whole.starts_with(&exported.stdout);
        assert!(already, "{what}: what came before the error is right");
    }
    let verified = run(scene, &["verify"], b"").calm(what);
    assert!(
        told(&verified) || (verified.code == Some(0) && exported.stdout == whole),
        "{what}: {:?}",
        verified.code
    );
    if verified.code == Some(0) {
        let note = run(scene, &["note", "after"], b"").calm(what);
        assert!(note.code == Some(0) || told(&note), "{what}: {}", note.stderr);
    }
}

#[test]
fn files_that_are_cut_or_gone() {
    let (scene, kept, whole) = sealed();
    for file in files(&kept) {
        let name = file.strip_prefix(&kept).expect("below the copy").to_owned();
        let bytes = fs::metadata(&file).expect("a file").len();
        for share in [0, 1, 2] {
            let what = format!("{} cut to {share}/3", name.display());
            check(&scene, &kept, &whole, &what, |log| {
                let file = fs::File::options().write(true).open(log.join(&name)).expect("the file");
                file.set_len(bytes * share / 3).expect("a cut");
            });
        }
        check(&scene, &kept, &whole, &format!("{} gone", name.display()), |log| {
            fs::remove_file(log.join(&name)).expect("the file goes");
        });
    }
    for name in ["work", "tail", "segments", "snapshots"] {
        check(&scene, &kept, &whole, &format!("{name} gone"), |log| {
            // Who archives may leave no folder of sled's.
            let gone = fs::remove_dir_all(log.join(name));
            assert!(gone.is_ok() || name == "work", "{name}: {gone:?}");
        });
    }
}

#[test]
fn bits_that_flip() {
    let (scene, kept, whole) = sealed();
    let targets: Vec<_> =
        files(&kept).into_iter().filter(|file| fs::metadata(file).is_ok_and(|f| f.len() > 0)).collect();
    let mut at = 7_u64;
    for round in 0..24 {
        let file = &targets[round % targets.len()];
        let name = file.strip_prefix(&kept).expect("below the copy").to_owned();
        let mut bytes = fs::read(file).expect("the file");
        // A walk that looks random and is the same every time; within what is written of sled's segments.
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let written = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0) as u64 + 1;
        let place = usize::try_from((at >> 16) % written).expect("small");
        bytes[place] ^= 1 << (at >> 60 & 7);
        check(&scene, &kept, &whole, &format!("{} bit at {place}", name.display()), |log| {
            fs::write(log.join(&name), &bytes).expect("the file");
        });
    }
}

#[test]
fn parts_of_other_logs() {
    let (scene, kept, whole) = sealed();
    let other = Scene::example();
    // As many as sled follows at once.
    let lines = "{\"do\":\"note\",\"text\":\"theirs\"}\n".repeat(100);
    assert_eq!(run(&other, &["append"], lines.as_bytes()).code, Some(0));
    let theirs = other.dir().join("ledger/log");
    for name in ["segments", "journal", "head", "work", "snapshots"] {
        check(&scene, &kept, &whole, &format!("another's {name}"), |log| {
            let (from, to) = (theirs.join(name), log.join(name));
            if from.is_dir() {
                let _ = fs::remove_dir_all(&to);
                copy(&from, &to);
            } else {
                fs::copy(&from, &to).expect("a copy");
            }
        });
    }
    // An older journal: what was acknowledged since is missing.
    let scene = Scene::example();
    let journal = scene.dir().join("ledger/log/journal");
    let older = fs::read(&journal).expect("a journal");
    assert_eq!(run(&scene, &["note", "x"], b"").code, Some(0));
    fs::write(&journal, older).expect("a file");
    run(&scene, &["verify"], b"").refused(5, "1 events are missing");
    run(&scene, &["note", "y"], b"").refused(5, "1 events are missing");
}
