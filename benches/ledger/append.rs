//! Appending to logs that are kept open.

use std::path::Path;

use phaseledger::ledger::Ledger;
use phaseledger::model::Command;

use crate::Scale;
use crate::harness::{ENGINES, Report, Shown, time};
use crate::peers::{Lite, Raw};
use crate::workload::{self, PHASES, Trio, Twin, command, time_of};

pub fn measure(report: &mut Report, dir: &Path, scale: &Scale) {
    report.section("Durable appends to a log that is kept open", &ENGINES);
    let trio = Trio::in_dir(&dir.join("open"), 0);
    let mut ledger = Ledger::create(&trio.ours).expect("a ledger");
    submit(&mut ledger, &command(workload::define(PHASES)));
    let mut peers =
        Peers { twin: Twin::new(PHASES), lite: Lite::create(&trio.lite), raw: Raw::open(&trio.raw) };

    peers.measure(report, "one event: metadata", scale.rounds, &mut ledger, &|_| {
        vec![command(workload::meta(0))]
    });
    let repeatable = |_| vec![Command { may_repeat: true, ..command(workload::meta(0)) }];
    peers.measure(report, "one event, under the caller's own id", scale.rounds, &mut ledger, &repeatable);
    let attempt = |round: usize| match round % 2 {
        0 => vec![command(workload::start(0))],
        _ => vec![command(workload::fail(0))],
    };
    peers.measure(report, "one event: a start, a failure", scale.rounds, &mut ledger, &attempt);
    let rounds = scale.rounds.div_ceil(5);
    let name = format!("a batch of {} commands, made durable once", scale.batch);
    let batch = |_| (0..scale.batch).map(|number| command(workload::meta(number % PHASES))).collect();
    peers.measure(report, &name, rounds, &mut ledger, &batch);
}

struct Peers {
    twin: Twin,
    lite: Lite,
    raw: Raw,
}

impl Peers {
    fn measure(
        &mut self,
        report: &mut Report,
        name: &str,
        rounds: usize,
        ledger: &mut Ledger,
        commands: &dyn Fn(usize) -> Vec<Command>,
    ) {
        let next = std::cell::RefCell::new(Vec::new());
        let mut round = 0;
        let events = commands(0).len() as u64;
        let shown = if events == 1 { Shown::Time } else { Shown::Events(events) };
        let (twin, lite, raw) = (&mut self.twin, &mut self.lite, &mut self.raw);
        let mut ours = || {
            let commands = commands(round);
            round += 1;
            *next.borrow_mut() = commands.iter().flat_map(|command| twin.rows(command)).collect();
            time(|| {
                let mut session = ledger.session().expect("a session");
                for command in &commands {
                    session.stage(command, time_of(command)).expect("a legal command");
                }
                session.commit().expect("a commit");
            })
        };
        let mut theirs = || time(|| lite.append(&next.borrow()));
        let mut file = || time(|| raw.append(&next.borrow()));
        report.measure(name, shown, rounds, [Some(&mut ours), Some(&mut theirs), Some(&mut file)]);
    }
}

/// Records a command.
pub fn submit(ledger: &mut Ledger, command: &Command) {
    ledger.submit(command, time_of(command)).expect("a legal command");
}
