//! Many phases: a tree of them that was run once and then marked for rerun from its root, and many small workflows.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Scale;
use crate::harness::{Report, Row, Shown, digits, goal, in_turn};
use crate::ledgers::{Ledgers, settle};
use crate::peers::{Lite, copy};
use crate::process::Process;
use crate::sixteen::ask;
use crate::workload::{BATCH, Dice, command, create, define, moment, open, sixteen, written};

/// Measures a tree of phases.
pub fn tree(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    let phases = scale.phases;
    let complete = ledgers.scratch.join("tree");
    let seconds = grow(&complete, phases);
    report.section(format!("{phases} phases, {} events", 3 * phases + 1));
    let marked = cascade(report, &ledgers.scratch, &complete, scale);
    let mut dice = Dice(scale.seed);
    let mut phase = move || format!("p{:06}", dice.below(phases));
    let mut dice = Dice(scale.seed + 1);
    let mut instant = move || written(dice.below(seconds));
    let rounds = scale.rounds;
    for verb in ["status", "show", "why"] {
        let mut words = || format!("{verb} {}", phase());
        ask(report, &marked, &format!("`{verb} PHASE`"), rounds, (0.05, 25.0), &mut words);
    }
    // Leaves, each once: the root stays to be started, so that `next` has something to tell.
    let mut next = (phases / 2..phases).step_by(3);
    let mut start = || format!("start p{:06} --allow-unmet", next.next().expect("many phases"));
    ask(report, &marked, "`start PHASE`", rounds, (0.05, 25.0), &mut start);
    for verb in ["status", "show", "why"] {
        let name = format!("`{verb} PHASE --at` a random instant");
        let mut words = || format!("{verb} {} --at {}", phase(), instant());
        ask(report, &marked, &name, rounds, (0.12, 25.0), &mut words);
    }
    for verb in ["status", "next", "report"] {
        // A kilobyte a phase, where they are many.
        let most = (phases as f64 / 1e3).max(25.0);
        let name = format!("`{verb}` of all");
        ask(report, &marked, &name, scale.rounds_slow, (0.7, most), &mut || verb.to_owned());
    }
}

/// Makes a ledger of a tree of complete phases, each needing the one above it, and returns how many seconds went by in it.
fn grow(folder: &Path, phases: u64) -> u64 {
    let phase = |number: u64| match number {
        0 => r#"{"id":"p000000"}"#.to_owned(),
        _ => format!(r#"{{"id":"p{number:06}","needs":["p{:06}"]}}"#, (number - 1) / 2),
    };
    let all: Vec<String> = (0..phases).map(phase).collect();
    let workflow =
        format!(r#"{{"workflow":{{"name":"tree","currency":"USD"}},"phase":[{}]}}"#, all.join(","));
    let mut ledger = create(folder, &workflow);
    let lines = (0..phases).flat_map(|number| {
        ["start", "complete"].map(|verb| format!(r#"{{"do":"{verb}","phase":"p{number:06}"}}"#))
    });
    let lines: Vec<String> = lines.collect();
    let mut session = ledger.session().expect("a session");
    let mut seconds = 1;
    for lines in lines.chunks(BATCH) {
        for line in lines {
            session.stage(&command(line), moment(seconds)).expect("a legal command");
            seconds += 1;
        }
        session.commit().expect("a commit");
    }
    seconds
}

/// Measures the rerun of the root, which marks all others, and returns a ledger in which that happened.
fn cascade(report: &mut Report, scratch: &Path, complete: &Path, scale: &Scale) -> PathBuf {
    let (marked, lite, raw) =
        (scratch.join("tree.marked"), scratch.join("tree.sqlite"), scratch.join("tree.jsonl"));
    Lite::create(&lite);
    let events = scale.phases.to_string();
    let rerun = Process::ours(&marked, "rerun p000000 --reason changed");
    let mut ours = || {
        copy(complete, &marked);
        settle();
        rerun.take()
    };
    let mut theirs = || {
        settle();
        Process::peer("sqlite-append", &lite).with(&events).take()
    };
    let mut file = || {
        settle();
        Process::peer("raw-append", &raw).with(&events).take()
    };
    let samples = in_turn(scale.rounds_slow, [&mut ours, &mut theirs, &mut file]);
    let row = Row::of("a rerun that reaches all, durably", Shown::Time, &samples).memory(&samples[0]);
    report.row(row.goal("≤ 1 s", samples[0].seconds() <= 1.0));
    fs::remove_dir_all(complete).expect("the ledger before it");
    settle();
    marked
}

/// Measures one command beside many small workflows, and beside one.
pub fn workflows(report: &mut Report, ledgers: &Ledgers, scale: &Scale) {
    let many = scale.workflows;
    let title = format!("One command, beside {many} workflows of 16 phases, and beside one");
    report.table(title, &["N", "one", &many.to_string(), "÷ one", "to reach"].map(str::to_owned));
    let [few, all] = [("few", 1), ("many", many)].map(|(name, count)| {
        let folder = ledgers.scratch.join(name);
        populate(&folder, count);
        folder
    });
    settle();
    for words in ["note half-read --phase w00000/p07", "meta w00000/p07 rows=7"] {
        let [few, all] = [&few, &all].map(|folder| Process::ours(folder, words));
        let samples = in_turn(scale.rounds, [&mut || few.take(), &mut || all.take()]);
        let [one, many] = samples.each_ref().map(|samples| samples.shown(Shown::Time));
        let more = samples[1].over(&samples[0]);
        let goal = goal("≤ 1.3", more <= 1.3);
        let verb = format!("`{}`", words.split(' ').next().expect("a verb"));
        report.cells(&[verb, samples[0].rounds(), one, many, digits(more), goal]);
    }
}

/// Makes a ledger of so many workflows, each phase of which has run once.
fn populate(folder: &Path, workflows: u64) {
    drop(create(folder, &sixteen("w00000")));
    let mut ledger = open(folder);
    let mut session = ledger.session().expect("a session");
    for number in 0..workflows {
        if number > 0 {
            session.stage(&define(&sixteen(&format!("w{number:05}"))), moment(number)).expect("a definition");
        }
        for phase in 0..16 {
            for verb in ["start", "complete"] {
                let line = format!(r#"{{"do":"{verb}","phase":"w{number:05}/p{phase:02}"}}"#);
                session.stage(&command(&line), moment(number)).expect("a legal command");
            }
        }
        if number % 1024 == 1023 {
            session.commit().expect("a commit");
        }
    }
    session.commit().expect("a commit");
}
