//! What the log adds up to, by every way of reading it, as of every place and instant.

use std::collections::BTreeMap;

use phaseledger::ledger::{AnswerStatus, Ledger};
use phaseledger::model::{PhaseId, RecordReader, Recorded, Seq, StateName, Verdict, WorkflowName};
use phaseledger::rules::{Budget, PhaseState, Table, evolve};
use phaseledger::store::{Cache, Frontier, Until};
use proptest::prelude::*;
use serde_json::Value;

use crate::generate::plans;
use crate::make::time;
use crate::oracle::{Request, World};
use crate::play::{Shared, blameless, cases, play, submit};

proptest! {
    #![proptest_config(cases(64))]

    /// The table that the commands left, the one in the rows, the fold over the lines as they are read back,
    /// the one from a snapshot and the oracle's are the same.
    #[test]
    fn every_way_of_reading_gives_the_same_table(plan in plans(40)) {
        let sent = plan.sent();
        let live = Shared::default();
        let mut ledger = live.ledger();
        let mut session = ledger.session().expect("memory");
        for sent in &sent {
            let _ = blameless(session.stage(&sent.command, sent.now));
        }
        let table = session.table().clone();
        session.commit().expect("memory");

        let shared = Shared::default();
        play(&mut shared.ledger(), &sent);
        assert_eq!(&shared.lines(), &live.lines());
        assert_eq!(&fold(&shared.lines()), &table);
        assert_eq!(&shared.ledger().table().expect("rows"), &table);
        assert_eq!(&live.ledger().table().expect("rows"), &table);
        assert_eq!(shared.all_rows(), live.all_rows());
        read_together(&shared.ledger(), &shared.lines());
        assert_eq!(&shared.ledger().table_at(table.head).expect("lines"), &table);

        let mut world = World::default();
        shared.json(Seq::ZERO).iter().for_each(|line| world.apply(line));
        assert_eq!(seen(&table), told(&world));
        let purse = |name: &WorkflowName| purse(&table.workflows[name].budget);
        let purses: BTreeMap<_, _> =
            table.workflows.keys().map(|name| (name.to_string(), purse(name))).collect();
        let told = world.purses.iter().map(|(name, of)| (name.clone(), (of.spent, of.records, of.limit, of.told)));
        assert_eq!(purses, told.collect::<BTreeMap<_, _>>());
        let asked = world.requests.iter().map(|(id, asked)| (id.clone(), Request { touched: 0, ..asked.clone() }));
        assert_eq!(approvals(&table), asked.collect::<BTreeMap<_, _>>());
        assert_eq!(tags(&table), world.tags);
    }

    /// The table as of every place is the fold of the lines up to there.
    #[test]
    fn as_of_a_place_is_a_fold_of_the_prefix(plan in plans(12)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        play(&mut ledger, &plan.sent());
        let lines = shared.lines();
        let mut table = Table::default();
        for (place, line) in lines.iter().enumerate() {
            let record = Recorded::from_line(line).expect("a line");
            evolve(&mut table, &record).expect("follows");
            let seq = Seq::new(place as u64 + 1);
            assert_eq!(&ledger.table_at(seq).expect("lines"), &table);
            assert_eq!(ledger.event(seq).expect("lines").as_ref(), Some(&record));
            assert_eq!(ledger.find(record.command_id).expect("ids").map(|seq| seq <= table.head), Some(true));
        }
        assert_eq!(ledger.table_at(Seq::ZERO).expect("empty"), Table::default());
        assert!(ledger.event(table.head.plus(1)).expect("the end").is_none());
    }

    /// A line says the same whether it is written as commands write it or otherwise, and where it says nothing right, neither way.
    #[test]
    fn a_line_says_the_same_however_it_is_written(plan in plans(12), start in 1_usize..40, put in "[\"\\\\,:}0-9a-f \t]") {
        let shared = Shared::default();
        play(&mut shared.ledger(), &plan.sent());
        let read = |line: &str| Recorded::from_line(line).ok();
        for line in shared.lines() {
            let otherwise = |line: &str| line.replacen('{', "{ ", 1);
            assert!(read(&line).is_some());
            assert_eq!(read(&line), read(&otherwise(&line)), "{line}");
            for at in (start..line.len()).step_by(41).filter(|at| line.is_char_boundary(*at)) {
                let rest = line[at..].chars().next().map_or("", |char| &line[at + char.len_utf8()..]);
                let wrong = format!("{}{put}{rest}", &line[..at]);
                assert_eq!(read(&wrong), read(&otherwise(&wrong)), "{wrong}");
            }
        }
    }

    /// What was recorded by an instant is a prefix, and never half of what a command did.
    #[test]
    fn what_was_known_at_an_instant_is_a_prefix_of_whole_commands(plan in plans(25)) {
        let shared = Shared::default();
        let ledger = {
            let mut ledger = shared.ledger();
            play(&mut ledger, &plan.sent());
            ledger
        };
        let records: Vec<Recorded> = records(&ledger);
        let times: Vec<_> = records.iter().map(|record| record.recorded_at).collect();
        for instant in times.iter().flat_map(|time| (-1..=1).map(move |by| time.micros() + by)).map(time) {
            let through = times.iter().take_while(|time| **time <= instant).count();
            let before = times.iter().take_while(|time| **time < instant).count();
            assert_eq!(times.iter().filter(|time| **time <= instant).count(), through);
            let seek = |until| ledger.seek(until).expect("memory").number() as usize;
            assert_eq!(seek(Until::Through(instant)), through);
            assert_eq!(seek(Until::Before(instant)), before);
            for cut in [through, before] {
                let ends = |cut: usize| Some(records.get(cut)?.command_id);
                let whole = cut == 0 || ends(cut - 1) != ends(cut);
                assert!(whole, "as of {} is half a command", instant);
            }
        }
    }

    /// A command does the same on a ledger that reads a few rows and on one that must replay the whole log;
    /// and leaves the same rows.
    #[test]
    fn a_partial_table_is_enough(plan in plans(30)) {
        let (rows, none) = (Shared::default(), Shared::default());
        for sent in plan.sent() {
            none.store().forget_cache().expect("memory");
            let partial = submit(&mut rows.ledger(), &sent);
            let whole = submit(&mut none.ledger(), &sent);
            assert_eq!(format!("{partial:?}"), format!("{whole:?}"));
            if partial.is_ok_and(|answer| answer.status == AnswerStatus::Appended) {
                assert_eq!(rows.all_rows(), none.all_rows());
            }
        }
        assert_eq!(rows.lines(), none.lines());
    }
}

/// A snapshot that is kept is used, and tells what the lines tell.
#[test]
fn a_snapshot_tells_what_the_lines_tell() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    crate::scale::run_chain(&mut ledger, 3_000);
    while ledger.head().expect("memory").seq < Seq::new(16_384) {
        crate::scale::note(&mut ledger, 4_000);
    }
    let at = ledger.head().expect("memory").seq;
    assert!(shared.snapshot(at).expect("memory").is_none());
    // A rebuild keeps one.
    ledger.verify(true, |_| {}).expect("memory").expect("whole");
    assert_eq!(shared.snapshot(at).expect("memory").map(|snapshot| snapshot.seq), Some(at));
    let table = ledger.table_at(at).expect("a snapshot");
    assert_eq!(table, ledger.table().expect("rows"));
    assert_eq!(table, fold(&shared.lines()));
    shared.read_instead(Some((0, "not an event".to_owned())));
    assert_eq!(ledger.table_at(at).expect("no line is read"), table);
    assert!(ledger.table_at(at.minus(1)).is_err(), "the lines are read");
}

/// Checks that lines which are read together, with what they have in common, say what each says alone, and that this is what
/// any JSON says that is written otherwise.
fn read_together(ledger: &Ledger, lines: &[String]) {
    let mut reader = RecordReader::of_many();
    let mut together = Vec::new();
    for line in lines {
        let record = reader.read(line).expect("a line");
        assert_eq!(record, Recorded::from_line(line).expect("a line"));
        let otherwise = line.replacen('{', "{ ", 1);
        assert_eq!(record, Recorded::from_line(&otherwise).expect("a line"));
        together.push(record);
    }
    let (head, half) = (Seq::new(lines.len() as u64), lines.len() / 2);
    for (after, through) in [(0, head), (half, head.plus(9))] {
        let mut each = Vec::new();
        let take = |record| {
            each.push(record);
            Ok(())
        };
        ledger.each_record(Seq::new(after as u64), through, take).expect("memory");
        assert_eq!(each, together[after..]);
    }
}

/// What a part of the log says that its lines add up to is held against them.
#[test]
fn a_part_that_adds_up_to_something_else_is_damage() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    crate::scale::run_chain(&mut ledger, 20);
    let lines = shared.lines();
    let parts = |wrong: Option<usize>| {
        let mut frontier = Frontier::default();
        let parts = lines.iter().enumerate().map(|(at, line)| {
            frontier.push(line.as_bytes());
            let mut part = frontier.clone();
            if wrong == Some(at) {
                part = Frontier::default();
                (0..=at).for_each(|_| part.push(b"another line"));
            }
            part
        });
        parts.skip(4).step_by(3).collect::<Vec<_>>()
    };
    for wrong in [None, Some(4), Some(10)] {
        shared.say_of_parts(parts(wrong));
        let verified = ledger.verify(false, |_| {});
        match wrong {
            None => drop(verified.expect("memory").expect("whole")),
            Some(at) => {
                let error = verified.expect_err("it is not whole").to_string();
                let found = format!("the root over the events up to {} is not the one that is kept", at + 1);
                assert!(error.contains(&found), "{error}");
            }
        }
    }
}

fn records(ledger: &Ledger) -> Vec<Recorded> {
    let head = ledger.head().expect("memory").seq;
    ledger.records(Seq::ZERO, head).map(|record| record.expect("a line")).collect()
}

/// Reads lines, and checks that each is written again as it was.
fn fold(lines: &[String]) -> Table {
    let mut table = Table::default();
    for line in lines {
        let record = Recorded::from_line(line).expect("a line");
        assert_eq!(record.to_line(), *line);
        evolve(&mut table, &record).expect("follows");
    }
    table
}

fn approvals(table: &Table) -> BTreeMap<String, Request> {
    let one = |approval: &phaseledger::rules::Approval| {
        let decision = approval.decision.as_ref();
        let request = Request {
            seq: approval.seq.number(),
            by: approval.by.name.clone(),
            workflow: approval.workflow.to_string(),
            phase: approval.phase.as_ref().map(ToString::to_string),
            decision: decision.map(|one| (one.seq.number(), one.verdict == Verdict::Granted)),
            touched: 0,
        };
        (approval.request.to_string(), request)
    };
    table.approvals.values().map(one).collect()
}

fn tags(table: &Table) -> BTreeMap<String, u64> {
    table.tags.iter().map(|(name, tag)| (name.to_string(), tag.seq.number())).collect()
}

/// What the oracle has to say of a phase.
type Told = (StateName, u64, BTreeMap<String, Value>, bool, bool, Vec<String>, Spent);

/// What was spent in how many records, the limit, and how far it was told.
type Spent = (i128, u64, Option<i128>, u8);

fn purse(budget: &Budget) -> Spent {
    let units = |amount: phaseledger::model::Amount| crate::money::units(&amount.to_string());
    (units(budget.spent), budget.records, budget.limit.map(units), budget.alert as u8)
}

fn told(world: &World) -> BTreeMap<String, Told> {
    let state =
        |name: &str| StateName::ALL.into_iter().find(|state| state.as_str() == name).expect("one of five");
    let one = |(name, spot): (&String, &crate::oracle::Spot)| {
        let (metadata, needs) = (spot.metadata.clone(), spot.needs.clone());
        let of = &spot.purse;
        let spent = (of.spent, of.records, of.limit, of.told);
        let told = (state(&spot.state), spot.attempt, metadata, spot.skipped, spot.retired, needs, spent);
        (name.clone(), told)
    };
    world.phases.iter().map(one).collect()
}

fn seen(table: &Table) -> BTreeMap<String, Told> {
    let one = |(id, phase): (&PhaseId, &phaseledger::rules::Phase)| {
        let metadata = phase.metadata.iter();
        let metadata =
            metadata.map(|(key, value)| (key.to_owned(), serde_json::from_str(value).expect("JSON")));
        let skipped = matches!(phase.state, PhaseState::Pending { skipped: Some(_) });
        let needs = phase.spec.needs.iter().map(ToString::to_string).collect();
        let attempt = u64::from(phase.attempt);
        let state = phase.state.name();
        let spent = purse(&phase.budget);
        (id.to_string(), (state, attempt, metadata.collect(), skipped, phase.retired, needs, spent))
    };
    table.phases.iter().map(one).collect()
}
