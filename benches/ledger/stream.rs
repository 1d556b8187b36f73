//! A long stream of commands into `append`: the program itself, from a file to its answers, beside the same lines
//! handed to the others.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use phaseledger::ledger::Ledger;

use crate::Scale;
use crate::harness::{ENGINES, Report, Shown, time};
use crate::peers::{Lite, Raw, Row};
use crate::workload::{Trio, fresh_id};

/// So many lines become durable together, as in `append`.
const BATCH: usize = 1024;

pub fn measure(report: &mut Report, dir: &Path, scale: &Scale) {
    let lines = scale.stream;
    report.section(format!("A stream of {lines} lines"), &ENGINES);
    let trio = Trio::in_dir(&dir.join("stream"), 0);
    drop(Ledger::create(&trio.ours).expect("a ledger"));
    let file = dir.join("stream.jsonl");
    write_stream(&file, lines);
    let mut most = 0;
    let mut ours = || time(|| most = most.max(append(&trio.ours, &file)));
    let kept = events(lines);
    let (mut lite, mut raw) = (Lite::create(&trio.lite), Raw::open(&trio.raw));
    let mut theirs = || time(|| kept.chunks(BATCH).for_each(|rows| lite.append(rows)));
    let mut plain = || time(|| kept.chunks(BATCH).for_each(|rows| raw.append(rows)));
    let sides: [crate::harness::Side<'_>; 3] = [Some(&mut ours), Some(&mut theirs), Some(&mut plain)];
    report.measure("new, each under an id of its own", Shown::Events(lines as u64), 1, sides);
    let mut again = || time(|| append(&trio.ours, &file));
    report.measure(
        "sent again: known already",
        Shown::Events(lines as u64),
        1,
        [Some(&mut again), None, None],
    );
    report.numbers("most memory, MB", [most as f64 / 1e3, f64::NAN, f64::NAN]);
}

fn write_stream(path: &Path, lines: usize) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    for number in 0..lines {
        writeln!(out, r#"{{"do":"note","text":"note number {number}","id":"key:note/{number}"}}"#)
            .expect("a line");
    }
    out.flush().expect("the lines");
}

/// Runs the program, and returns the most memory that it had, in kilobytes; zero where the system does not tell.
fn append(log: &Path, file: &Path) -> u64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phaseledger"));
    command.arg("append").arg(file).arg("--dir").arg(log.parent().expect("a ledger's folder"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let most = watch(&mut child);
    assert!(child.wait().expect("the end of the program").success(), "the stream is recorded");
    most
}

/// Reads what the system tells of a process until it ends.
fn watch(child: &mut Child) -> u64 {
    let mut most = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = most.max(line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0));
        thread::sleep(Duration::from_millis(5));
    }
    most
}

/// Returns lines as long as those that the notes become, each under an id that has not been used.
fn events(lines: usize) -> Vec<Row> {
    let line = format!("{{\"v\":1,\"kind\":\"note_added\",\"rest\":\"{}\"}}", "x".repeat(420));
    (0..lines).map(|_| Row { id: fresh_id().into_bytes(), phase: None, line: line.clone() }).collect()
}
