//! Graphs that are deep, wide, or both: nothing recurses, nothing visits a way twice.

use std::collections::BTreeMap;

use phaseledger::ledger::{Answer, Ledger, LedgerError};
use phaseledger::model::{
    Action, CommandId, Definition, Event, PhaseId, PhaseName, PhaseRef, Seq, StateName, WorkflowName, action,
};
use serde_json::Value;

use crate::make::{command, phase, text, time};
use crate::oracle::{World, list, string};
use crate::play::Shared;
use crate::shared;

fn reference(name: &str) -> PhaseRef {
    PhaseRef { workflow: None, phase: PhaseName::new(name).expect("a name") }
}

pub fn send(
    ledger: &mut Ledger,
    actions: impl IntoIterator<Item = Action>,
) -> Result<Vec<Answer>, LedgerError> {
    let now = time(1_700_000_000_000_000);
    let mut number = u128::from(ledger.head()?.seq.number());
    let mut session = ledger.session()?;
    let mut answers = Vec::new();
    for action in actions {
        number += 1;
        let id = CommandId::new(uuid::Uuid::from_u128(0x7000_8000_0000_0000_0000 + (number << 32)));
        answers.push(session.stage(&command(id, action), now)?);
    }
    session.commit()?;
    Ok(answers)
}

pub fn define(ledger: &mut Ledger, phases: impl IntoIterator<Item = (String, Vec<String>)>) {
    let phases = phases.into_iter().map(|(name, needs)| {
        phase(PhaseName::new(&name).expect("a name"), needs.iter().map(|need| reference(need)).collect(), 1)
    });
    let name = WorkflowName::new("scale").expect("a name");
    let definition = Box::new(Definition::new(name, phases.collect()).expect("no cycle"));
    send(ledger, [Action::Define(action::Define { definition })]).expect("a definition");
}

pub fn start(name: &str, allow_unmet: bool) -> Action {
    let metadata = Default::default();
    Action::Start(action::Start {
        phase: reference(name),
        metadata,
        allow_unmet,
        again: None,
        over_limit: None,
        inputs: Vec::new(),
        worker: None,
    })
}

pub fn complete(name: &str) -> Action {
    let (metadata, outputs) = Default::default();
    Action::Complete(action::Complete { phase: reference(name), metadata, output: None, outputs })
}

pub fn run(ledger: &mut Ledger, names: impl IntoIterator<Item = String>) {
    let actions = names.into_iter().flat_map(|name| [start(&name, false), complete(&name)]);
    send(ledger, actions).expect("in order");
}

pub fn rerun(ledger: &mut Ledger, name: &str) -> Answer {
    let action =
        Action::Rerun(action::Rerun { phase: reference(name), reason: text("stale"), withdraw: false });
    send(ledger, [action]).expect("it is complete").remove(0)
}

fn marked(answer: &Answer) -> usize {
    answer.events.iter().filter(|record| matches!(record.event, Event::RerunMarked(_))).count()
}

fn states(ledger: &Ledger) -> BTreeMap<StateName, usize> {
    let mut states = BTreeMap::new();
    for phase in ledger.table().expect("rows").phases.values() {
        *states.entry(phase.state.name()).or_default() += 1;
    }
    states
}

/// Defines a chain of phases and runs all of it.
pub fn run_chain(ledger: &mut Ledger, length: usize) {
    let name = |number: usize| format!("p{number:06}");
    define(ledger, (0..length).map(|n| (name(n), n.checked_sub(1).map(name).into_iter().collect())));
    run(ledger, (0..length).map(name));
}

/// Makes a number of notes.
pub fn note(ledger: &mut Ledger, count: usize) {
    let note = || Action::Note(action::Note { phase: None, text: text("seen") });
    send(ledger, (0..count).map(|_| note())).expect("notes");
}

/// How long the chain is: `PHASELEDGER_TEST_CHAIN` says otherwise.
fn chain_length() -> usize {
    std::env::var("PHASELEDGER_TEST_CHAIN").ok().and_then(|length| length.parse().ok()).unwrap_or(20_000)
}

#[test]
fn a_long_chain_is_marked_to_its_end() {
    let length = chain_length();
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    run_chain(&mut ledger, length);
    let began = std::time::Instant::now();
    let answer = rerun(&mut ledger, "p000000");
    println!("a rerun down a chain of {length} took {:?}", began.elapsed());
    assert_eq!(marked(&answer), length);
    assert!(answer.events.iter().all(|record| record.correlation_id == answer.events[0].id));
    assert_eq!(states(&ledger), BTreeMap::from([(StateName::NeedsRerun, length)]));
    assert!(rejected(send(&mut ledger, [start("p000001", false)])));
}

fn rejected<T>(answer: Result<T, LedgerError>) -> bool {
    matches!(answer, Err(LedgerError::Rejected(_)))
}

#[test]
fn a_wide_star_is_marked_to_its_points() {
    let count = 10_000;
    let name = |number: usize| format!("p{number:06}");
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let hub = || vec!["hub".to_owned()];
    let points = (0..count).map(|n| (name(n), hub()));
    let all = (0..count).map(name).collect();
    define(
        &mut ledger,
        [("hub".to_owned(), Vec::new())].into_iter().chain(points).chain([("rim".to_owned(), all)]),
    );
    run(&mut ledger, ["hub".to_owned()].into_iter().chain((0..count).map(name)).chain(["rim".to_owned()]));
    let answer = rerun(&mut ledger, "hub");
    assert_eq!(marked(&answer), count + 2);
    let last = answer.events.last().expect("events");
    assert_eq!(last.causes.len(), count, "each upstream that was marked is a cause");
    assert_eq!(states(&ledger), BTreeMap::from([(StateName::NeedsRerun, count + 2)]));
}

/// A ladder: two phases a rung, each needs both of the rung above. It has 2^depth ways from end to end.
fn ladder(depth: usize) -> impl Iterator<Item = (String, Vec<String>)> {
    let rung = |number: usize| [format!("a{number:03}"), format!("b{number:03}")];
    (0..depth).flat_map(move |number| {
        let needs = number.checked_sub(1).map(rung).into_iter().flatten().collect::<Vec<_>>();
        rung(number).map(|name| (name, needs.clone()))
    })
}

#[test]
fn ways_are_not_counted_one_by_one() {
    let depth = 40;
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    define(&mut ledger, ladder(depth));
    let names = || ladder(depth).map(|(name, _)| name);
    run(&mut ledger, names());
    let end = format!("a{:03}", depth - 1);
    // Everything above must run again, and an attempt at the end completes.
    assert_eq!(marked(&rerun(&mut ledger, "a000")), 2 * depth - 1);
    send(&mut ledger, [start(&end, true)]).expect("unmet is allowed");
    let answer = send(&mut ledger, [complete(&end)]).expect("it is under way").remove(0);
    assert_eq!(answer.events.len(), 2, "it must be repeated at once");
    assert_eq!(answer.events[1].causes.len(), 2, "a cause for each need that must run again");
    // Everything below is skipped, and the first completes.
    let skip = |name: String| {
        Action::Skip(action::Skip {
            phase: reference(&name),
            reason: text("not today"),
            metadata: Default::default(),
        })
    };
    send(&mut ledger, names().skip(2).map(skip)).expect("not complete");
    run(&mut ledger, ["a000".to_owned()]);
    assert_eq!(
        states(&ledger),
        BTreeMap::from([(StateName::Pending, 2 * depth - 2), (StateName::Complete, 2)])
    );
}

/// A real graph: 1,974 commits, 1,960 deep.
#[test]
fn a_graph_of_commits_is_marked_as_the_oracle_says() {
    let Some(data) = shared::data("a_graph_of_commits_is_marked_as_the_oracle_says") else { return };
    let graph = std::fs::read(data.join("graphs/just-commits.json")).expect("the graph is there");
    let graph: Value = serde_json::from_slice(&graph).expect("a graph");
    let needs: BTreeMap<String, Vec<String>> = list(&graph["phases"])
        .iter()
        .map(|phase| (string(&phase["id"]), list(&phase["depends_on"]).iter().map(string).collect()))
        .collect();
    let order = topological(&needs);
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    define(&mut ledger, needs.clone());
    run(&mut ledger, order.clone());
    for first in [&order[0], &order[order.len() / 2]] {
        let head = ledger.head().expect("memory").seq;
        rerun(&mut ledger, first);
        let mut world = World::default();
        shared.json(Seq::ZERO).iter().for_each(|line| world.apply(line));
        let below = |id: &&String| {
            let name = format!("scale/{id}");
            world.phases[&name].state == "NEEDS_RERUN"
        };
        let mut expected = std::collections::BTreeSet::from([first.clone()]);
        for id in &order {
            if needs[id].iter().any(|need| expected.contains(need)) {
                expected.insert(id.clone());
            }
        }
        assert_eq!(order.iter().filter(below).count(), expected.len());
        let order = ledger.records(head, ledger.head().expect("memory").seq);
        let mut seen: Vec<PhaseId> = Vec::new();
        for record in order {
            let id = record.expect("a line").subject.phase().expect("a phase").clone();
            assert!(expected.contains(id.phase.as_str()));
            seen.push(id);
        }
        assert_eq!(seen.len(), expected.len(), "one event a phase");
        run(&mut ledger, topological(&needs).into_iter().filter(|id| expected.contains(id)));
    }
    assert_eq!(states(&ledger), BTreeMap::from([(StateName::Complete, needs.len())]));
}

/// Returns the phases so that each comes after what it needs.
fn topological(needs: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut left: BTreeMap<_, usize> = needs.iter().map(|(id, needs)| (id, needs.len())).collect();
    let mut below: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for (id, needs) in needs {
        needs.iter().for_each(|need| below.entry(need).or_default().push(id));
    }
    let mut ready: Vec<_> = left.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    let mut order = Vec::new();
    while let Some(id) = ready.pop() {
        order.push(id.clone());
        for below in below.get(id).into_iter().flatten() {
            let count = left.get_mut(below).expect("there");
            *count -= 1;
            if *count == 0 {
                ready.push(below);
            }
        }
    }
    order
}
