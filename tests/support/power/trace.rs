//! One run of the appender under strace.

use std::path::Path;
use std::process::{Command, Stdio};

use super::appender;
use super::calls::{Calls, TRACED, parse};
use super::script::Script;

/// Says why no process can be traced here; nothing when one can.
pub fn obstacle() -> Option<String> {
    let probe = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", TRACED, "true"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    match probe {
        Err(error) => Some(format!("strace cannot be run: {error}")),
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Some(format!("strace cannot trace a process here: {said}"))
        }
    }
}

/// Appends some events to a new ledger under `base`, and returns what the process asked of the system.
pub fn run(test: &str, base: &Path, script: Script, events: u64) -> Calls {
    let home = super::scratch();
    let written = home.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-xx", "-s", "67108864", "-e", TRACED, "-o"]).arg(&written);
    strace.arg("--").arg(std::env::current_exe().expect("the test's own program"));
    appender::command(&mut strace, test, base, script, events);
    let status = strace.status().expect("strace starts");
    assert!(status.success(), "the traced appender ended with {status}");
    parse(&std::fs::read_to_string(&written).expect("the trace"))
}
