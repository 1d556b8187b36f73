//! A disk that is full, and descriptors that run out: a right answer or a clear error, and the next command is right.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Told, empty, ledger, put_files};
use crate::harness::image::Image;
use crate::harness::program::judge::{Truth, judge};
use crate::harness::program::program;
use crate::harness::scratch;
use crate::numbers::setting;
use crate::skip::skip;

/// Runs a line of the shell's; returns the exit code, what was answered, and what was said.
fn shell(base: &Path, home: &Path, line: &str) -> (Option<i32>, String, String) {
    let mut shell = Command::new("timeout");
    shell.args(["--signal=KILL", "120", "sh", "-c", line]).current_dir(home);
    shell.env("PHASELEDGER_DIR", base.join("ledger")).env("PHASELEDGER_BY", "ana").env("P", program());
    let output = shell.output().expect("a shell");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Checks what is there after a command that may have failed.
fn check(base: &Path, before: &Truth, mut told: Told, answered: &str, seed: u64) -> Result<(), String> {
    told.add(answered.as_bytes());
    let log = base.join("ledger/log");
    let now = Truth::read(&log);
    if !now.lines().starts_with(before.lines()) {
        return Err("LOST: other events than before".to_owned());
    }
    judge(&log, &now, told, seed)
}

#[test]
fn found_23_without_descriptors_there_is_an_answer_or_an_error() {
    let home = scratch();
    put_files(home.path());
    let (made, told) = ledger(false);
    let (mut failed, mut done) = (0, 0);
    let verbs =
        ["note x --json", "append many", "exec c --json -- true", "verify --rebuild --json", "status --json"];
    for verb in verbs {
        for most in (3..=30).step_by((setting("PHASELEDGER_LIMITS_STEP", 12) / 4).max(1) as usize) {
            let base = scratch();
            made.write(base.path()).expect("the files");
            let before = Truth::read(&base.path().join("ledger/log"));
            let line = format!("ulimit -n {most}; exec \"$P\" --lock-timeout 300ms {verb}");
            let (code, answered, said) = shell(base.path(), home.path(), &line);
            let what = format!("`{verb}` with {most} descriptors: {code:?} {said}");
            assert!(!said.contains("panicked"), "{what}");
            let is_loaded = !said.contains("loading shared libraries");
            // Without a descriptor the command of an `exec` cannot be run, which is 126.
            let is_not_run = code == Some(126) && verb.starts_with("exec");
            assert!(matches!(code, Some(0 | 1 | 74 | 75)) || is_not_run || !is_loaded, "{what}");
            (failed, done) = if code == Some(0) { (failed, done + 1) } else { (failed + 1, done) };
            check(base.path(), &before, told, &answered, most)
                .unwrap_or_else(|found| panic!("{what}: {found}"));
        }
    }
    println!("{failed} failed, {done} were done");
    assert!(failed > 0 && done > 0);
}

/// Says whether a file system of one's own can be mounted here.
fn can_mount() -> bool {
    let probe = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    probe.is_ok_and(|output| output.status.success())
}

#[test]
fn found_23_on_a_full_disk_there_is_an_answer_or_an_error() {
    if !can_mount() {
        return skip(
            "found_23_on_a_full_disk_there_is_an_answer_or_an_error",
            "unshare",
            "no file system can be mounted here",
        );
    }
    let home = scratch();
    put_files(home.path());
    let cases = [
        ("note x --json", ledger(false)),
        ("append many", ledger(false)),
        ("append many --atomic", ledger(false)),
        ("note x --json", ledger(true)),
        ("import earlier --json", empty()),
        ("init --json", (Image::empty(), Told::default())),
    ];
    let (mut failed, mut done) = (0, 0);
    for (verb, (image, told)) in cases {
        let step = setting("PHASELEDGER_LIMITS_STEP", 12) * 8;
        for more in (0..=800).step_by(step as usize) {
            let (start, base) = (scratch(), scratch());
            image.write(start.path()).expect("the files");
            let before = Truth::read(&start.path().join("ledger/log"));
            // Filled but for some KB; later there is room again.
            let (from, to) = (start.path().display(), base.path().display());
            let line = format!(
                "unshare --user --map-root-user --mount sh -c '\n\
                 mount -t tmpfs -o size=64m none \"$1\" && cp -r \"$2/.\" \"$1/\" || exit 99\n\
                 used=$(df --output=used -k \"$1\" | tail -n 1)\n\
                 mount -o remount,size=$((used + {more}))k \"$1\" || exit 99\n\
                 \"$P\" {verb}; code=$?\n\
                 mount -o remount,size=64m \"$1\"; rm -rf \"$2\"/* \"$2\"/.g*; cp -r \"$1/.\" \"$2/\"; exit $code' sh '{to}' '{from}'"
            );
            let (code, answered, said) = shell(base.path(), home.path(), &line);
            let what = format!("`{verb}` with {more} KB: {code:?} {said}");
            assert!(!said.contains("panicked"), "{what}");
            assert!(matches!(code, Some(0 | 74)), "{what}");
            (failed, done) = if code == Some(0) { (failed, done + 1) } else { (failed + 1, done) };
            check(start.path(), &before, told, &answered, more)
                .unwrap_or_else(|found| panic!("{what}: {found}"));
            let _ = fs::remove_dir_all(start.path());
        }
    }
    println!("{failed} failed, {done} were done");
    assert!(failed > 0 && done > 0);
}
