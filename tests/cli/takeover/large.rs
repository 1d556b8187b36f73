//! A log of format 1 with 100,000 events: it is too large to be kept, so the first release makes it, where it is at hand.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli::Scene;
use crate::folder;
use crate::skip::skip;

/// Names the program of 0.1.0, and how many events it is to record.
const PROGRAM: &str = "PHASELEDGER_0_1_0";
const EVENTS: &str = "PHASELEDGER_0_1_0_EVENTS";

/// Returns all that a program exports, byte for byte, but for the last line.
fn exported(mut program: Command, scene: &Scene) -> String {
    let output = program.arg("export").current_dir(scene.dir()).output().expect("it runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    let (lines, end) = text.trim_end().rsplit_once('\n').expect("lines");
    assert!(end.starts_with("{\"schema\":\"export/1\""), "{end}");
    format!("{lines}\n")
}

#[test]
fn a_large_log_of_the_first_release_is_taken_over_or_refused() {
    let test = "a_large_log_of_the_first_release_is_taken_over_or_refused";
    let Some(program) = env::var_os(PROGRAM) else {
        skip(test, "0.1.0", &format!("{PROGRAM} does not name the program of 0.1.0"));
        return;
    };
    let events = env::var(EVENTS).unwrap_or_else(|_| "100000".to_owned());
    let scene = Scene::empty();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/format_1");
    let made = Command::new(script).arg(&program).arg(scene.dir()).arg(&events).status().expect("bash runs");
    assert!(made.success());
    let before = exported(Command::new(&program), &scene);
    assert!(before.lines().count() as u64 >= events.parse().expect("a number"));
    let log = scene.dir().join("ledger/log");
    let kept = folder::tree(&log);

    // Some of what is sealed is gone; sled has room that nothing is in, so that one byte may be of none.
    let sealed = log.join("sealed/db");
    let mut bytes = fs::read(&sealed).expect("a file");
    let third = bytes.len() / 3;
    bytes[third..third + (64 << 10)].fill(0xFF);
    fs::write(&sealed, &bytes).expect("a file");
    let spoilt = folder::tree(&log);
    for args in [&["verify"][..], &["note", "x"]] {
        let ran = scene.run(args);
        assert_eq!(ran.code, 5, "{}", ran.picture());
        assert!(folder::tree(&log) == spoilt, "{args:?} changed something");
    }
    folder::replace(&log, &kept);

    // Asked until then, taken over by what records, and every line is what it was.
    assert!(exported(scene.command(), &scene) == before);
    assert!(folder::tree(&log) == kept, "asking changes nothing");
    scene.ok(&["note", "taken over"]);
    assert!(log.join("journal").is_file());
    let after = exported(scene.command(), &scene);
    assert!(after.starts_with(&before), "the lines are what they were");
    assert_eq!(after.lines().count(), before.lines().count() + 1);
    scene.ok(&["verify"]);
    let again = scene.ok(&["start", "p3", "--id", "key:0/3/start", "--meta", "round=0", "--meta", "é=✓"]);
    assert!(again.stdout.contains("duplicate"), "ids are known for ever: {}", again.picture());
}
