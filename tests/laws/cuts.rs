//! Cuts through the time of effect, over random histories with late events: each can be folded, and is judged by what stands
//! in it alone.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use phaseledger::ask::{self, AskError, Moment};
use phaseledger::ledger::{Ledger, Until};
use phaseledger::model::{
    Action, Command, CommandId, Definition, PhaseRef, Places, Recorded, Request, Seq, Timestamp, When,
    WhenBase, WorkflowName, action,
};
use phaseledger::rules::{Phase, PhaseState, Table, evolve_late, judge, judge_cut};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::cut::{Base, Cut};
use crate::generate::{Sent, plans};
use crate::make::{command, phase, time};
use crate::play::{Shared, cases, play};
use crate::times::claimed;

fn at(line: &Value) -> &str {
    line["at"].as_str().expect("a time")
}

/// Returns the instants at which events took effect.
fn instants(lines: &[Value]) -> BTreeSet<Timestamp> {
    lines.iter().map(|line| at(line).parse().expect("a time")).collect()
}

/// Checks that a cut holds what took effect by then, and of no command only a part.
fn check_held(places: &Places, lines: &[Value], instant: Timestamp) {
    let limit = instant.to_string();
    let held = |line: &&Value| at(line) <= limit.as_str();
    let expected = lines.iter().filter(held).map(|line| line["seq"].as_u64().expect("a place"));
    assert!(places.iter().map(Seq::number).eq(expected), "{places:?} at {limit}");
    let commands = |is_held: bool| -> BTreeSet<&str> {
        let lines = lines.iter().filter(|line| held(line) == is_held);
        lines.map(|line| line["command_id"].as_str().expect("an id")).collect()
    };
    assert!(commands(true).is_disjoint(&commands(false)), "half a command at {limit}");
}

/// Returns how a phase stands by the second implementation.
fn state(base: Base, is_stale: bool) -> (&'static str, bool) {
    match base {
        Base::Pending => ("PENDING", false),
        Base::Failed => ("FAILED", false),
        Base::Running => ("IN_PROGRESS", is_stale),
        Base::Completed if is_stale => ("NEEDS_RERUN", true),
        Base::Completed => ("COMPLETE", false),
    }
}

/// Checks the table of a cut against what the second implementation makes of the same lines.
fn check_table(table: &Table, cut: &Cut, instant: Timestamp) {
    let expected = cut.judge();
    let reasons = judge(table)
        .into_iter()
        .map(|(phase, reasons)| (phase.to_string(), list(serde_json::to_value(reasons).expect("JSON"))));
    assert_eq!(reasons.collect::<BTreeMap<_, _>>(), expected, "at {instant}");
    assert!(table.phases.keys().map(ToString::to_string).eq(cut.phases.keys().cloned()), "at {instant}");
    for (id, phase) in &table.phases {
        let stand = &cut.phases[&id.to_string()];
        assert_eq!((phase.retired, u64::from(phase.attempt)), (stand.retired, stand.attempts), "`{id}`");
        let found = (phase.state.name().as_str(), phase.is_stale());
        if !phase.retired {
            let is_stale = expected.contains_key(&id.to_string());
            assert_eq!(found, state(stand.base, is_stale), "`{id}` at {instant}");
        }
        check_marks(phase);
    }
}

/// `why` goes back to roots that the cut has, of every phase that must run again in it.
fn check_why(shared: &Shared, table: &Table, places: &Places, instant: Timestamp) {
    let moment = Moment::at(When { base: WhenBase::Time(instant), back: 0 });
    for phase in judge(table).into_keys() {
        let question = ask::Why { phase: phase.clone().into() };
        let answer = ask::answer(|| Ok::<_, AskError>(shared.ledger()), &moment, &question);
        let answer = answer.expect("the cut is there").transpose().expect("the phase is there");
        let json = serde_json::to_value(&answer).expect("JSON");
        let roots: Vec<_> =
            json["roots"].as_array().into_iter().flatten().filter_map(|root| root["seq"].as_u64()).collect();
        assert!(!roots.is_empty(), "`{phase}` at {instant}: {json:#}");
        assert!(roots.iter().all(|root| places.holds(Seq::new(*root))), "`{phase}` at {instant}: {roots:?}");
    }
}

/// What must run again says why, and what stands has nothing said of it.
fn check_marks(phase: &Phase) {
    match &phase.state {
        PhaseState::NeedsRerun { marks, .. } => assert!(!marks.is_empty(), "`{}`", phase.id),
        PhaseState::Complete { completion } => assert!(completion.outdated_by.is_empty() || phase.retired),
        PhaseState::Pending { .. } | PhaseState::InProgress { .. } | PhaseState::Failed { .. } => {}
    }
}

fn list(value: Value) -> Vec<Value> {
    value.as_array().expect("a list").clone()
}

/// The fold of every cut is possible, from wherever it begins, and is what a second implementation makes of the very same
/// lines: of the facts in them, judged at the end. No cut has half a command.
#[test]
fn every_cut_is_the_fold_of_its_facts_judged_by_the_function() {
    let (claims, raised, cuts, late, judged) =
        (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |cell: &Cell<usize>, more: usize| cell.set(cell.get() + more);
    let strategy = (plans(25), prop::collection::vec(any::<u8>(), 1..40));
    let checked = TestRunner::new(cases(48)).run(&strategy, |(plan, salts)| {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let sent = claimed(plan.sent(), &salts);
        for (sent, answer) in sent.iter().zip(play(&mut ledger, &sent)) {
            let is_new = answer.as_ref().is_ok_and(|answer| !answer.events.is_empty());
            count(&claims, usize::from(is_new && sent.command.occurred_at.is_some()));
            count(
                &raised,
                usize::from(
                    answer.is_ok_and(|answer| answer.raised.is_some()) && sent.command.occurred_at.is_some(),
                ),
            );
        }
        let (lines, json) = (shared.lines(), shared.json(Seq::ZERO));
        let head = Seq::new(lines.len() as u64);
        for instant in instants(&json) {
            let places = ledger.took_effect(Until::Through(instant), head).expect("memory");
            check_held(&places, &json, instant);
            let table = ledger.table_of_places(&places).expect("every cut can be folded");
            let held = || places.iter().map(|seq| seq.number() as usize - 1);
            check_table(&table, &Cut::of(held().map(|at| &json[at])), instant);
            let mut brute = Table::default();
            for at in held() {
                evolve_late(&mut brute, &Recorded::from_line(&lines[at]).expect("a line")).expect("follows");
            }
            let thought: Vec<_> = brute.phases.values().map(Phase::is_stale).collect();
            judge_cut(&mut brute);
            assert_eq!(table, Table { head: table.head, ..brute.clone() }, "at {instant}");
            if !places.late().is_empty() && cuts.get() % 3 == 0 {
                check_why(&shared, &table, &places, instant);
            }
            count(&cuts, 1);
            count(&late, usize::from(!places.late().is_empty()));
            count(&judged, usize::from(!thought.into_iter().eq(brute.phases.values().map(Phase::is_stale))));
        }
        Ok(())
    });
    checked.expect("every cut is right");
    let (claims, raised, cuts, late, judged) =
        (claims.get(), raised.get(), cuts.get(), late.get(), judged.get());
    println!(
        "{raised} of {claims} claims were raised; of {cuts} cuts {late} have late events, {judged} are judged otherwise"
    );
    assert!(raised > 0 && raised < claims && late > 0 && judged > 0);
}

/// Over several segments, the journal and what is archived meanwhile, a cut on disk is what it is in memory, and that is the
/// fold of the very same lines.
#[test]
fn cuts_are_the_same_over_several_segments() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut on_disk = Ledger::create(dir.path()).expect("a log");
    let shared = Shared::default();
    let mut in_memory = shared.ledger();
    let sent = long(900);
    for chunk in sent.chunks(50) {
        for ledger in [&mut on_disk, &mut in_memory] {
            let mut session = ledger.session().expect("a log");
            for sent in chunk {
                let answer = session.stage(&sent.command, sent.now).expect("legal");
                assert!(!answer.events.is_empty());
            }
            session.commit().expect("it is written");
        }
    }
    let (lines, json) = (shared.lines(), shared.json(Seq::ZERO));
    let head = on_disk.head().expect("a log");
    assert!(head.seq.number() > 2_500 && dir.path().join("segments").is_dir(), "{head:?}");
    let instants: Vec<Timestamp> = instants(&json).into_iter().collect();
    let mut late = 0;
    for instant in (0..13).map(|step| instants[step * (instants.len() - 1) / 12]) {
        let places = on_disk.took_effect(Until::Through(instant), head.seq).expect("a log");
        check_held(&places, &json, instant);
        let table = on_disk.table_of_places(&places).expect("every cut can be folded");
        assert_eq!(table, in_memory.table_of_places(&places).expect("memory"), "at {instant}");
        assert_eq!(on_disk.root_of(&places).expect("a log"), in_memory.root_of(&places).expect("memory"));
        let mut brute = Table::default();
        for seq in places.iter() {
            let line = &lines[seq.number() as usize - 1];
            evolve_late(&mut brute, &Recorded::from_line(line).expect("a line")).expect("follows");
        }
        judge_cut(&mut brute);
        assert_eq!(table, Table { head: table.head, ..brute }, "at {instant}");
        late += usize::from(places.late().spans().len() > 10);
    }
    assert!(late > 5, "{late} cuts of many parts");
}

/// A chain of six phases that is run over and over, with every note and many a start claimed for up to half an hour earlier.
fn long(rounds: u64) -> Vec<Sent> {
    let names: Vec<String> = (b'a'..=b'f').map(|letter| char::from(letter).to_string()).collect();
    let name = |slot: usize| -> PhaseRef { names[slot].parse().expect("a name") };
    let needs = |slot: usize| (slot > 0).then(|| name(slot - 1)).into_iter().collect();
    let phases = (0..names.len()).map(|slot| phase(name(slot).phase, needs(slot), 1)).collect();
    let definition = Definition::new(WorkflowName::new("w").expect("a name"), phases).expect("no cycle");
    let mut actions = vec![Action::Define(action::Define { definition: Box::new(definition) })];
    for round in 0..rounds {
        let phase = name((round % 6) as usize);
        let line = |verb: &str, more: &str| format!(r#"{{"do":"{verb}","phase":"{phase}"{more}}}"#);
        // The others must run again because the first one did.
        let again = if round > 0 && round % 6 == 0 { r#","rerun":true,"reason":"again""# } else { "" };
        for line in [
            line("start", &format!(r#","allow_unmet":true{again}"#)),
            line("note", r#","text":"on the way""#),
            line("complete", ""),
        ] {
            actions.push(line.parse::<Request>().expect("a request").action);
        }
    }
    let second = |number: usize| 1_700_000_000_000_000 + number as i64 * 1_000_000;
    let sent = |(number, action): (usize, Action)| {
        let id =
            CommandId::new(uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number as u128));
        let back = (number as i64 * 7_919 % 1_800) * 1_000_000;
        let claim = (number % 3 == 2 || number % 9 == 1).then(|| time(second(number) - back));
        Sent {
            command: Command { occurred_at: claim.map(Into::into), ..command(id, action) },
            now: time(second(number)),
        }
    };
    actions.into_iter().enumerate().map(sent).collect()
}
