//! One process of the program, some of whose calls fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::patience::PATIENCE;

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// How it ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it answered.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
    /// Whether it could not say something.
    pub is_stderr_hit: bool,
    /// A number of its own.
    pub number: u64,
}

fn program(base: &Path, home: &Path, args: &[&str], before: &[&str]) -> Command {
    // One that hangs is a failure, and no wait.
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", &PATIENCE.as_secs().to_string()]).args(before);
    command.arg(super::program()).args(["--lock-timeout", "700ms"]);
    command.args(args.iter().map(|arg| arg.replace("HOME", &home.display().to_string())));
    command.env("PHASELEDGER_DIR", base.join("ledger")).env("TMPDIR", base);
    command.env("PHASELEDGER_BY", "ana").env_remove("PHASELEDGER_CLOCK").current_dir(base);
    command.stdin(Stdio::null());
    command
}

fn traced(base: &Path, home: &Path, args: &[&str], strace: &[&str], trace: &Path) -> Command {
    let trace = trace.display().to_string();
    let before = [&["strace", "-f", "-qq", "-y", "-o", &trace][..], strace, &["--"]].concat();
    program(base, home, args, &before)
}

/// Runs it by a command that is in front of it.
pub fn run_with(base: &Path, home: &Path, args: &[&str], before: &[&str]) -> Ran {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    ran(&program(base, home, args, before).output().expect("it runs"), false, number)
}

fn ran(output: &Output, is_stderr_hit: bool, number: u64) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Ran { code: output.status.code(), stdout, stderr, is_stderr_hit, number }
}

/// Runs it; `strace` are options for strace that make calls fail.
pub fn run(base: &Path, home: &Path, args: &[&str], strace: &[&str]) -> Ran {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let trace = home.join(format!("trace.{number}"));
    let output = traced(base, home, args, strace, &trace).output().expect("strace runs");
    let calls = fs::read(&trace).unwrap_or_default();
    let _ = fs::remove_file(&trace);
    let calls = String::from_utf8_lossy(&calls);
    let is_stderr_hit = calls.lines().any(|call| call.contains("(INJECTED)") && call.contains("write(2<"));
    ran(&output, is_stderr_hit, number)
}

/// Returns the calls that it makes of some kinds, as strace writes them.
pub fn calls(base: &Path, home: &Path, args: &[&str], kinds: &str) -> String {
    let trace = home.join(format!("trace.{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let traced = format!("trace={kinds}");
    let output = self::traced(base, home, args, &["-e", &traced], &trace).output().expect("strace runs");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {output:?}");
    let text = fs::read_to_string(&trace).expect("a trace");
    let _ = fs::remove_file(&trace);
    text
}

/// Returns the numbers of the calls of a kind from the first one that names a folder: what comes before is the system's,
/// which loads the program. A thread's calls are counted for themselves, as strace counts them.
pub fn count(calls: &str, kind: &str, folder: &Path) -> std::ops::RangeInclusive<u64> {
    let (mut first, mut counts) = (None, BTreeMap::<&str, u64>::new());
    let folder = folder.display().to_string();
    for line in calls.lines().filter(|line| !line.contains(" resumed>") && !line.contains("+++")) {
        let (thread, call) = line.split_once(' ').unwrap_or_default();
        let name = call.trim_start().split('(').next().unwrap_or_default();
        if !kind.split(',').any(|one| one == name) {
            continue;
        }
        let count = counts.entry(thread).or_default();
        *count += 1;
        if first.is_none() && (line.contains(&folder) || kind.starts_with("clone")) {
            first = Some(*count);
        }
    }
    first.unwrap_or(1)..=counts.values().copied().max().unwrap_or(0)
}
