//! One run of the program's processes under strace, and the cuts through it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::judge::Truth;
use super::told::{self, Told};
use crate::harness::calls::{Action, Call, Calls, Moment, TRACED, parse};
use crate::harness::cuts;
use crate::harness::disk::Disk;
use crate::harness::image::Image;
use crate::harness::random::Random;

/// How a file of answers begins.
pub const TOLD: &str = "told";

/// How many cuts in a hundred are at an exchange of names, and in the worst order.
const FORCED: u64 = 45;

/// How much the system writes between two looks for a kill, in bytes.
const PAGE: usize = 4096;

/// The most calls of killed processes of which it is not known whether they were carried out.
const DOUBTS_MAX: usize = 8;

/// A folder of the machine, its model, and what the processes were told to do.
pub struct Stage {
    /// The folder: the ledger, and what the processes told.
    pub base: PathBuf,
    /// Beside it: scripts, streams, what went wrong.
    pub home: PathBuf,
    /// The model of the folder.
    pub disk: Disk,
    /// What was told before the first run.
    pub before: Told,
    /// How many syncs failed so far.
    pub failed_syncs: usize,
}

/// What a cut left.
pub struct Cut {
    /// Where it was.
    pub name: String,
    /// The files.
    pub image: Image,
    /// What was told by then.
    pub told: Told,
    /// What the log may hold.
    pub truth: Truth,
    /// A number of its own.
    pub seed: u64,
}

impl Stage {
    /// Sets a stage with some files, which are durable.
    pub fn new(base: &Path, home: &Path, start: &Image, before: Told) -> Self {
        start.write(base).expect("the files to start from");
        let root = base.to_str().expect("a path of UTF-8");
        let (base, home) = (base.to_owned(), home.to_owned());
        Stage { base, home, disk: Disk::new(root, start), before, failed_syncs: 0 }
    }

    /// Returns where the log is.
    pub fn log(&self) -> PathBuf {
        self.base.join("ledger/log")
    }

    /// Runs a script of the shell's under strace.
    fn trace(&self, script: &str, options: &[String]) -> Calls {
        let (file, written) = (self.home.join("script"), self.home.join("trace"));
        fs::write(&file, script).expect("a script");
        let mut strace = Command::new("strace");
        strace.args(["-f", "--seccomp-bpf", "-xx", "-s", "67108864", "-e", TRACED]);
        strace.args(options).arg("-o").arg(&written).args(["--", "sh"]).arg(&file);
        strace.env("PHASELEDGER_DIR", self.base.join("ledger")).env("TMPDIR", &self.home);
        strace.env("PHASELEDGER_BY", "ana").env_remove("PHASELEDGER_CLOCK").current_dir(&self.home);
        let errors = fs::File::create(self.home.join("shell")).expect("a file");
        let status = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).status();
        let status = status.expect("strace runs");
        assert!(status.code().is_some(), "the shell ended with {status}");
        let odd = fs::read_to_string(self.home.join("odd")).unwrap_or_default();
        let said = || fs::read_to_string(self.home.join("said")).unwrap_or_default();
        assert!(odd.is_empty(), "a process ended as none should: {odd}{}", said());
        let calls = parse(&fs::read_to_string(&written).expect("the trace"));
        fs::remove_file(&written).expect("the trace goes");
        calls
    }

    /// Runs a script, and hands out what `count` cuts through it leave.
    pub fn run(
        &mut self,
        name: &str,
        script: &str,
        options: &[String],
        count: u64,
        random: &mut Random,
        give: &mut dyn FnMut(Cut),
    ) -> Truth {
        let mut calls = self.trace(script, options);
        let real = Image::read(&self.base).expect("the real files");
        self.decide(&mut calls, &real);
        self.failed_syncs += failed_syncs(&calls);
        let truth = self.truth(&real);
        let (ledger, told) = (self.base.join("ledger"), self.base.join(TOLD));
        let (ledger, told) = (ledger.display().to_string(), told.display().to_string());
        let forced = count * FORCED / 100;
        let mut cuts: Vec<(usize, bool)> =
            cuts::exchanges(&calls, &ledger, random, forced).into_iter().map(|at| (at, true)).collect();
        let rest = count - cuts.len() as u64;
        cuts.extend(cuts::draw(&calls, &ledger, &told, random, rest).into_iter().map(|at| (at, false)));
        cuts.sort_unstable();
        let mut at = 0;
        for (moment, is_forced) in cuts {
            calls.moments[at..moment].iter().for_each(|moment| self.disk.step(&calls, *moment));
            at = moment;
            let answers = self.answers();
            let mut told = self.before;
            answers.iter().for_each(|(_, answers)| told.add(answers));
            let mut image = match is_forced {
                true => Image::worst(&self.disk, random),
                false => Image::draw(&self.disk, random),
            };
            answers.into_iter().for_each(|(name, answers)| image.put(&name, answers));
            let name = format!("{name}, moment {at}{}", if is_forced { ", the worst order" } else { "" });
            give(Cut { name, image, told, truth: truth.clone(), seed: random.next() });
        }
        calls.moments[at..].iter().for_each(|moment| self.disk.step(&calls, *moment));
        self.disk.end_processes();
        let differences = Image::complete(&self.disk).differences(&real);
        assert!(differences.is_empty(), "{name}: the model is not what happened: {differences:#?}");
        truth
    }

    /// What processes told by now, by the names of the files.
    fn answers(&self) -> Vec<(String, Vec<u8>)> {
        let live = Image::names(&self.disk).into_iter().filter(|name| name.starts_with(TOLD));
        live.map(|name| {
            let path = self.base.join(&name).display().to_string();
            let answers = self.disk.file(&path).map(|file| file.live()).unwrap_or_default();
            (name, answers)
        })
        .collect()
    }

    /// Reads what the log holds now, and checks that it is what was told.
    fn truth(&self, real: &Image) -> Truth {
        let mut truth = Truth::read(&self.log());
        for (name, answers) in real.entries().filter(|(name, _)| name.starts_with(TOLD)) {
            let events = told::events(answers.unwrap_or_default());
            for (place, id) in &events {
                let line = truth.line(*place).unwrap_or_else(|| panic!("{name}: e{place} is not there"));
                assert!(line.contains(id.as_str()), "{name}: e{place} is not {id}: {line}");
            }
            if let (true, Some(first), Some(last)) =
                (name.contains("atomic"), events.keys().next(), events.keys().last())
            {
                truth.add_batch(first - 1, *last);
            }
        }
        truth
    }

    /// Decides which of the calls of killed processes were carried out, by what they left.
    fn decide(&self, calls: &mut Calls, real: &Image) {
        let doubts: Vec<usize> = (0..calls.calls.len()).filter(|at| calls.calls[*at].is_in_doubt()).collect();
        if doubts.is_empty() {
            return;
        }
        assert!(doubts.len() <= DOUBTS_MAX, "{} calls in doubt", doubts.len());
        let mut nearest: Option<Vec<String>> = None;
        let whole = calls.clone();
        let choices = (0..1_u32 << doubts.len()).flat_map(|left_out| {
            let parts =
                doubts.iter().flat_map(|at| pages(&whole.calls[*at]).map(move |end| Some((*at, end))));
            std::iter::once(None).chain(parts).map(move |part| (left_out, part))
        });
        for (left_out, part) in choices {
            calls.clone_from(&whole);
            if let Some((at, written)) = part {
                calls.calls[at].result = Some(written as i64);
            }
            let is_left_out = |at: &usize| {
                doubts.iter().position(|doubt| doubt == at).is_some_and(|bit| left_out >> bit & 1 == 1)
            };
            let moments: Vec<Moment> = calls
                .moments
                .iter()
                .filter(|moment| match moment {
                    Moment::Begin(at) | Moment::End(at) => !is_left_out(at),
                })
                .copied()
                .collect();
            let mut disk = self.disk.clone();
            moments.iter().for_each(|moment| disk.step(calls, *moment));
            let differences = Image::complete(&disk).differences(real);
            if differences.is_empty() {
                // What was carried out has ended, though nobody was told.
                calls.moments = with_ends(calls, &doubts, moments);
                return;
            }
            if nearest.as_ref().is_none_or(|nearest| differences.len() < nearest.len()) {
                nearest = Some(differences);
            }
        }
        panic!("no choice of {} calls in doubt leaves what is there: {nearest:#?}", doubts.len());
    }
}

/// Returns how much of a write that a kill broke off may be there, but for all and nothing: the system writes page by page,
/// and looks for a kill between two.
fn pages(call: &Call) -> impl Iterator<Item = usize> + use<> {
    let (at, long) = match &call.action {
        Action::Write { at, bytes, .. } => (at.unwrap_or(0) as usize, bytes.len()),
        _ => (0, 0),
    };
    (PAGE - at % PAGE..long).step_by(PAGE)
}

/// Adds the ends of calls that have none.
fn with_ends(calls: &Calls, doubts: &[usize], mut moments: Vec<Moment>) -> Vec<Moment> {
    for at in doubts {
        let begins = moments.contains(&Moment::Begin(*at));
        if begins && !moments.contains(&Moment::End(*at)) {
            moments.push(Moment::End(*at));
        }
    }
    debug_assert!(calls.calls.len() >= doubts.len());
    moments
}

/// Says how many syncs failed.
fn failed_syncs(calls: &Calls) -> usize {
    calls.calls.iter().filter(|call| matches!(call.action, Action::FailedSync { .. })).count()
}
