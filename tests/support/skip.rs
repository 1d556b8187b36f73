//! Tests that cannot be run everywhere.

#![allow(dead_code, reason = "each crate of tests uses a part of it")]

use std::io::Write;
use std::process::{Command, Stdio};

/// Names what must be there, parted by spaces: a test that would be skipped for want of it fails.
const NO_SKIPS: &str = "PHASELEDGER_NO_SKIPS";

/// Says that a test, or a part of it, is skipped because something is not there: `strace`, `root`, `data`.
pub fn skip(test: &str, missing: &str, why: &str) {
    let needed = std::env::var(NO_SKIPS).unwrap_or_default();
    let may_be_missing = needed.split_whitespace().all(|needed| needed != missing);
    assert!(may_be_missing, "`{test}` may not be skipped: {why} ({NO_SKIPS} names `{missing}`)");
    // Not `eprintln`, which the test harness keeps to itself while the test passes. In one piece: tests run side by side.
    let said = format!("skipped `{test}`: {why}\n");
    let _ = std::io::stderr().write_all(said.as_bytes());
}

/// Says whether a program is there; where it is not, says that `test` is skipped.
pub fn has(test: &str, program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        skip(test, program, &format!("`{program}` is not installed"));
    }
    there
}
