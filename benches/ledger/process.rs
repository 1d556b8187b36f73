//! Whole processes: what one costs, and how often it waits for the disk.
//!
//! ```text
//! the bench ──▶ the bench as `--measured` ──▶ the program, or the bench as `--peer`
//!                └ what the system tells of its only child: time, processor, memory, bytes written
//! ```
//!
//! The one in between is there because the system adds up what all children of a process took, and keeps the most memory
//! that any of them had.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::harness::Taken;

/// A process to be measured.
#[derive(Debug, Clone)]
pub struct Process {
    words: Vec<OsString>,
    output: OsString,
}

impl Process {
    /// Returns phaseledger itself, told something about a ledger: words with blanks between them.
    pub fn ours(ledger: &Path, words: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_phaseledger").into();
        let process =
            Process { words: vec![program, "--dir".into(), ledger.into()], output: "/dev/null".into() };
        words.split(' ').fold(process, Process::with)
    }

    /// Returns a peer: this very program, told to do as SQLite or a raw file would.
    pub fn peer(mode: &str, file: &Path) -> Self {
        let words = vec![bench().into(), "--peer".into(), mode.into(), file.into()];
        Process { words, output: "/dev/null".into() }
    }

    /// Returns the shell of SQLite, told to print the table.
    pub fn shell(file: &Path) -> Self {
        let words = vec!["sqlite3".into(), file.into(), "SELECT * FROM phase".into()];
        Process { words, output: "/dev/null".into() }
    }

    /// Adds a word.
    pub fn with(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// Sends what it prints to a file.
    pub fn into_file(self, file: &Path) -> Self {
        Process { output: file.into(), ..self }
    }

    /// Runs it, and returns what it took.
    pub fn take(&self) -> Taken {
        let mut command = Command::new(bench());
        let done = command.arg("--measured").arg(&self.output).args(&self.words).output().expect("a process");
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        let said = String::from_utf8(done.stdout).expect("UTF-8");
        let figures: Vec<f64> = said.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        let [seconds, processor, kilobytes, written] = figures[..] else { panic!("four figures: {said}") };
        Taken { seconds, processor, megabytes: kilobytes / 1e3, written }
    }

    /// Counts how often it waits for the disk; none where there is no strace.
    pub fn barriers(&self, scratch: &Path) -> Option<u64> {
        let counts = scratch.join("strace");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-c", "-o"]).arg(&counts);
        command.args(["-e", "trace=fsync,fdatasync,sync_file_range,sync,syncfs,msync"]);
        let ran = command.args(&self.words).stdout(Stdio::null()).stderr(Stdio::null()).status();
        ran.ok().filter(std::process::ExitStatus::success)?;
        let text = fs::read_to_string(counts).ok()?;
        // % time, seconds, usecs/call, calls, errors where there were any, the call.
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let calls = lines.filter(|words| words.last().is_some_and(|call| call.contains("sync")));
        Some(calls.filter_map(|words| words.get(3)?.parse::<u64>().ok()).sum())
    }
}

fn bench() -> PathBuf {
    std::env::current_exe().expect("the bench")
}

/// Runs the words after the first, whose output goes to the file that the first names, and prints what that took: seconds,
/// seconds of processor time, kilobytes of memory, bytes written to the disk (none where the system does not tell).
pub fn measured(words: &[OsString]) {
    let [output, program, arguments @ ..] = words else { panic!("a file, a program and its arguments") };
    let mut command = Command::new(program);
    command.args(arguments).stdout(File::create(output).expect("a file")).stdin(Stdio::null());
    for setting in ["BY", "DIR", "WORKFLOW", "TZ", "CLOCK"] {
        command.env_remove(format!("PHASELEDGER_{setting}"));
    }
    let before = bytes_written();
    let start = Instant::now();
    let status = command.status().expect("the program runs");
    let seconds = start.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}: {status}");
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).expect("what a child used");
    let processor = (used.user_time() + used.system_time()).num_microseconds() as f64 / 1e6;
    println!("{seconds} {processor} {} {}", used.max_rss(), bytes_written() - before);
}

/// Returns how many bytes this process, and the children that it has waited for, sent to a disk.
fn bytes_written() -> f64 {
    let told = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(f64::NAN)
}
