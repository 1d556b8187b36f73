//! `scan --watch`: looks again and again, and tells only what it records.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use phaseledger::ledger::AnswerStatus;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{Look, Looked, Scanned, Scanner, tell};
use crate::cli::host::error::{Class, Failure};
use crate::cli::host::output;
use crate::cli::ui::render;

/// How long it may take until a signal is noticed.
const NOTICE: Duration = Duration::from_millis(50);

/// Scans until SIGINT or SIGTERM. What changes while it watches is recorded once two looks in a row find the
/// same, so that a file is not taken while someone writes it. Files that cannot be read end nothing.
pub fn run(scanner: &mut Scanner<'_>) -> Result<ExitCode, Failure> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&ended))
            .map_err(|error| Failure::stream("wait for signals", &error))?;
    }
    let (mut last, mut unreadable): (Option<Vec<Looked>>, Vec<String>) = (None, Vec::new());
    while !ended.load(Ordering::Relaxed) {
        let look = match scanner.look() {
            // Another process takes long: there is a next time.
            Err(failure) if failure.kind.class() == Class::Later => {
                wait(scanner.args.interval, &ended);
                continue;
            }
            look => look?,
        };
        if last.is_none() {
            scanner.warn(&look);
            begin(&look, scanner);
        }
        let is_steady = last.as_ref().is_none_or(|last| *last == look.phases);
        last = Some(look.phases.clone());
        if is_steady {
            let now = tell::unreadable_files(&look.phases, look.naming);
            let is_news = now != unreadable;
            if is_news && !scanner.context.json {
                tell_unreadable(&now);
            }
            unreadable = now;
            record(scanner, look, is_news)?;
        }
        wait(scanner.args.interval, &ended);
    }
    Ok(ExitCode::SUCCESS)
}

/// Records what changed, and tells it; in JSON also where other files cannot be read than before.
fn record(scanner: &mut Scanner<'_>, look: Look, is_news: bool) -> Result<(), Failure> {
    let is_told =
        |scanned: &Scanned| scanned.status == AnswerStatus::Appended || is_news && scanner.context.json;
    match scanner.record(look) {
        Ok(scanned) if is_told(&scanned) => tell::tell_recorded(&scanned, scanner.context),
        Ok(_) => Ok(()),
        Err(failure) if matches!(failure.kind.class(), Class::Later | Class::Conflict) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Tells a person which files cannot be read now.
fn tell_unreadable(now: &[String]) {
    for line in now {
        output::talk(format_args!("warning: {line}"));
    }
    if now.is_empty() {
        output::talk(format_args!("all files can be read again"));
    }
}

/// Tells a person what is watched.
fn begin(look: &Look, scanner: &Scanner<'_>) {
    if scanner.context.json {
        return;
    }
    let phases: HashSet<_> = look.phases.iter().map(|looked| &looked.target.id).collect();
    let phases = render::count(phases.len(), "phase", "phases");
    let every = humantime::format_duration(scanner.args.interval);
    output::talk(format_args!("watching the files of {phases}, every {every}; ^C ends it"));
}

fn wait(interval: Duration, ended: &AtomicBool) {
    let mut left = interval;
    while !left.is_zero() && !ended.load(Ordering::Relaxed) {
        let step = left.min(NOTICE);
        std::thread::sleep(step);
        left -= step;
    }
}
