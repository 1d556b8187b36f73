//! Calls that fail: the Nth of a kind, or all from the Nth on, in whatever verb. There is a right answer or a clear error,
//! nothing hangs, and what comes next is right.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::{ledger, old};
use crate::harness::image::Image;
use crate::harness::program::judge::{Truth, judge};
use crate::harness::program::judges::Judges;
use crate::harness::program::one::{Ran, calls, count, run};
use crate::harness::program::told::Told;
use crate::harness::random::Random;
use crate::harness::{scratch, trace};
use crate::numbers::{seed, setting};
use crate::skip::skip;

/// Kinds of calls, and how they fail.
const CALLS: [(&str, &[&str]); 12] = [
    ("read,pread64,readv", &["EIO"]),
    ("write,pwrite64,writev", &["EIO", "ENOSPC"]),
    ("fsync,fdatasync", &["EIO", "ENOSPC"]),
    ("openat", &["EMFILE", "EIO", "ENOSPC"]),
    ("rename,renameat,renameat2,link,linkat", &["EIO", "ENOSPC"]),
    ("unlink,unlinkat,rmdir", &["EIO"]),
    ("mkdir,mkdirat", &["ENOSPC"]),
    ("ftruncate,fallocate", &["EIO", "ENOSPC"]),
    ("getdents64", &["EIO"]),
    ("statx,newfstatat,fstat,lseek", &["EIO"]),
    ("flock", &["ENOLCK"]),
    ("clone,clone3", &["EAGAIN"]),
];

/// On what a verb is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// A ledger whose journal is nearly full.
    Made,
    /// One that a killed process left.
    Torn,
    /// A folder without one.
    Nothing,
    /// One without events.
    Empty,
    /// A log of format 1.
    Old,
}

/// The verbs; whether they ask; on what.
pub(super) const VERBS: [(&[&str], bool, On); 22] = [
    (&["status", "--json"], true, On::Made),
    (&["status", "--at", "seq:300", "--json"], true, On::Made),
    (&["why", "d", "--json"], true, On::Made),
    (&["export"], true, On::Made),
    (&["verify", "--json"], true, On::Made),
    (&["log", "-n", "5"], true, On::Made),
    (&["show", "seq:7"], true, On::Made),
    (&["status", "--json"], true, On::Torn),
    (&["status", "--json"], true, On::Old),
    (&["note", "x", "--json"], false, On::Made),
    (&["note", "x", "--json"], false, On::Torn),
    (&["append", "HOME/few"], false, On::Made),
    (&["append", "HOME/many"], false, On::Made),
    (&["append", "HOME/many", "--atomic"], false, On::Made),
    (&["exec", "c", "--json", "--", "true"], false, On::Made),
    (&["define", "HOME/other.toml", "--json"], false, On::Made),
    (&["approval", "request", "x", "--estimate", "700", "--items", "2", "--json"], false, On::Made),
    (&["verify", "--rebuild", "--json"], false, On::Made),
    (&["verify", "--rebuild", "--json"], false, On::Torn),
    (&["init", "--json"], false, On::Nothing),
    (&["import", "HOME/earlier", "--json"], false, On::Empty),
    (&["note", "x", "--json"], false, On::Old),
];

/// A run to come.
struct Case {
    verb: usize,
    calls: &'static str,
    error: &'static str,
    nth: u64,
    goes_on: bool,
}

/// What runs start from, and what each of them should answer.
pub(super) struct Grounds {
    made: (Image, Told),
    torn: (Image, Told),
    old: (Image, Told),
    empty: (Image, Told),
    truths: BTreeMap<u8, Truth>,
    /// What the questions answer on a healthy machine.
    answers: BTreeMap<usize, String>,
    pub(super) home: tempfile::TempDir,
}

impl Grounds {
    pub(super) fn new() -> Self {
        let home = scratch();
        super::put_files(home.path());
        let (made, torn, old) = (ledger(false), ledger(true), old());
        let (truths, answers, empty) = (BTreeMap::new(), BTreeMap::new(), super::empty());
        let mut grounds = Grounds { made, torn, old, empty, truths, answers, home };
        for on in [On::Made, On::Torn, On::Nothing, On::Empty, On::Old] {
            let base = scratch();
            grounds.start(on).0.write(base.path()).expect("the files");
            grounds.truths.insert(on as u8, Truth::read(&base.path().join("ledger/log")));
        }
        for (at, (args, asks, on)) in VERBS.iter().enumerate() {
            if *asks {
                let base = scratch();
                grounds.start(*on).0.write(base.path()).expect("the files");
                let ran = run(base.path(), grounds.home.path(), args, &[]);
                assert!(matches!(ran.code, Some(0 | 1)), "{args:?}: {ran:?}");
                grounds.answers.insert(at, ran.stdout);
            }
        }
        grounds
    }

    pub(super) fn start(&self, on: On) -> (Image, Told) {
        match on {
            On::Made => self.made.clone(),
            On::Torn => self.torn.clone(),
            On::Nothing => (Image::empty(), Told::default()),
            On::Empty => self.empty.clone(),
            On::Old => self.old.clone(),
        }
    }

    /// Lists all calls of a kind that a verb makes once it is at the ledger, each to fail alone and with all after it.
    fn cases(&self, verb: usize) -> Vec<Case> {
        let (args, _, on) = VERBS[verb];
        let mut cases = Vec::new();
        let base = scratch();
        self.start(on).0.write(base.path()).expect("the files");
        let all = CALLS.map(|(kinds, _)| kinds).join(",");
        let made = calls(base.path(), self.home.path(), args, &all);
        // strace counts the calls of each name for themselves.
        let names =
            CALLS.iter().flat_map(|(kinds, errors)| kinds.split(',').map(move |name| (name, *errors)));
        for (calls, errors) in names {
            for nth in count(&made, calls, &base.path().join("ledger")) {
                for goes_on in [false, true] {
                    // Each in its turn, for what a call fails with seldom matters.
                    let error = errors[(nth as usize + usize::from(goes_on)) % errors.len()];
                    cases.push(Case { verb, calls, error, nth, goes_on });
                }
            }
        }
        cases
    }

    fn judge(&self, case: &Case) -> Result<(), String> {
        let (args, _, on) = VERBS[case.verb];
        let base = scratch();
        self.start(on).0.write(base.path()).expect("the files");
        let plus = if case.goes_on { "+" } else { "" };
        let inject = format!("inject={}:error={}:when={}{plus}", case.calls, case.error, case.nth);
        let traced = format!("trace={}", case.calls);
        let options = ["--seccomp-bpf", "-e", &traced, "-e", &inject];
        let ran = run(base.path(), self.home.path(), args, &options);
        self.judge_run(case.verb, base.path(), &ran).map_err(|found| format!("{inject}: {found}"))
    }

    /// Judges how a verb ended, and what is there then.
    pub(super) fn judge_run(&self, verb: usize, base: &Path, ran: &Ran) -> Result<(), String> {
        let (args, asks, on) = VERBS[verb];
        let (log, before) = (base.join("ledger/log"), self.start(on).1);
        let judged = self.judge_answer(verb, asks, ran);
        let judged = judged.and_then(|()| self.judge_rest(&log, &self.truths[&(on as u8)], before, ran));
        judged.map_err(|found| format!("{args:?} on {on:?}: {found}\n{ran:?}"))
    }

    fn judge_answer(&self, verb: usize, asks: bool, ran: &Ran) -> Result<(), String> {
        if ran.stderr.contains("panicked") {
            return Err("PANIC".to_owned());
        }
        match ran.code {
            None | Some(124 | 137) => Err("HANG".to_owned()),
            Some(0 | 1) if asks && ran.stdout != self.answers[&verb] => Err("WRONG answer".to_owned()),
            Some(0 | 1) => Ok(()),
            // The command of an attempt could not be started, which is recorded.
            Some(126) if VERBS[verb].0[0] == "exec" => Ok(()),
            // It never began, for its own libraries could not be read.
            Some(127) if ran.stderr.contains("error while loading shared libraries") => Ok(()),
            Some(74 | 75) if ran.stderr.is_empty() && !ran.is_stderr_hit => {
                Err("an error without a word".to_owned())
            }
            Some(74 | 75) => Ok(()),
            Some(code) => Err(format!("exit {code}")),
        }
    }

    /// What is there is what was, with whole commands behind it, all that was told among them; and what comes next is right.
    fn judge_rest(&self, log: &Path, truth: &Truth, before: Told, ran: &Ran) -> Result<(), String> {
        let mut told = before;
        told.add(ran.stdout.as_bytes());
        let now =
            std::panic::catch_unwind(|| Truth::read(log)).map_err(|_| "it cannot be read".to_owned())?;
        if !now.lines().starts_with(truth.lines()) {
            return Err("LOST: other events than before".to_owned());
        }
        judge(log, &now, told, ran.number)
    }
}

#[test]
fn found_23_a_call_that_fails_is_a_right_answer_or_an_error_and_the_next_command_is_right() {
    const NAME: &str =
        "found_23_a_call_that_fails_is_a_right_answer_or_an_error_and_the_next_command_is_right";
    if let Some(obstacle) = trace::obstacle() {
        return skip(NAME, "strace", &obstacle);
    }
    let seed = seed("PHASELEDGER_PROGRAM_SEED", 1);
    let most = setting("PHASELEDGER_CALLS", 100);
    let only = std::env::var("PHASELEDGER_CALLS_OF").ok();
    let started = Instant::now();
    let grounds = std::sync::Arc::new(Grounds::new());
    let mut cases: Vec<Case> = Vec::new();
    for verb in 0..VERBS.len() {
        cases.extend(grounds.cases(verb));
    }
    // sled takes the end of what it can read for the end of what there is: its copy of a log of format 1 then looks damaged.
    cases.retain(|case| !(VERBS[case.verb].2 == On::Old && case.calls == "pread64"));
    cases.retain(|case| only.as_ref().is_none_or(|only| case.calls.contains(only)));
    let all = cases.len();
    let mut random = Random::of(&[seed, 31]);
    while cases.len() as u64 > most {
        cases.swap_remove(random.below(cases.len() as u64) as usize);
    }
    println!("{} of {all} calls that fail", cases.len());
    let judging = std::sync::Arc::clone(&grounds);
    let mut judges = Judges::start(move |case: &Case| judging.judge(case));
    cases.into_iter().for_each(|case| judges.give(case));
    let (count, failures) = judges.end();
    println!("{count} runs, {} bad, {} s", failures.len(), started.elapsed().as_secs());
    let shown = usize::try_from(setting("PHASELEDGER_SHOWN", 12)).expect("few");
    let some = failures.iter().take(shown).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} runs:\n{some}", failures.len());
}
