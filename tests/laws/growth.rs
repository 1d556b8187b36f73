//! How many events there are: one for each phase whose judgement changed, so that no edit is told twice and no graph
//! costs its square.

use std::collections::BTreeMap;

use phaseledger::ledger::Ledger;
use phaseledger::model::{Event, Seq};
use serde_json::Value;

use crate::numbers::{Numbers, setting};
use crate::oracle::{World, list, string};
use crate::play::Shared;
use crate::propagation::follow;
use crate::scale::{complete, define, rerun, run_chain, send, start};
use crate::shared;

fn head(ledger: &Ledger) -> u64 {
    ledger.head().expect("memory").seq.number()
}

#[test]
fn found_15_sixty_marks_over_a_chain_of_300_are_359_events() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    run_chain(&mut ledger, 300);
    let before = head(&ledger);
    assert_eq!(before, 601, "running in order derives nothing");
    for _ in 0..60 {
        rerun(&mut ledger, "p000000");
    }
    assert_eq!(
        head(&ledger) - before,
        300 + 59,
        "a mark each, and one more cause for each mark after the first"
    );
    let records = ledger.records(Seq::new(before), Seq::new(head(&ledger)));
    let marks =
        records.filter(|record| matches!(&record.as_ref().expect("a line").event, Event::RerunMarked(_)));
    assert_eq!(marks.count(), 300);
}

#[test]
fn found_15_a_chain_of_400_run_from_its_end_is_three_events_a_phase() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let name = |number: usize| format!("p{number:06}");
    let needs = |number: usize| number.checked_sub(1).map(name).into_iter().collect();
    define(&mut ledger, (0..400).map(|number| (name(number), needs(number))));
    let before = head(&ledger);
    let names = (0..400).rev().map(name);
    send(&mut ledger, names.flat_map(|name| [start(&name, true), complete(&name)]))
        .expect("unmet is allowed");
    assert_eq!(head(&ledger) - before, 800 + 399, "each that has a need is outdated once");
}

/// The phases of the graph of commits, the newest first, and what each needs.
fn commits(test: &str) -> Option<Vec<(String, Vec<String>)>> {
    let graph =
        std::fs::read(shared::data(test)?.join("graphs/just-commits.json")).expect("the graph is there");
    let graph: Value = serde_json::from_slice(&graph).expect("a graph");
    let phases = list(&graph["phases"]).iter();
    let one = |phase: &Value| (string(&phase["id"]), list(&phase["depends_on"]).iter().map(string).collect());
    Some(phases.map(one).collect())
}

fn shuffle(names: &mut [String], seed: u64) {
    let mut numbers = Numbers(seed);
    for last in (1..names.len()).rev() {
        names.swap(last, numbers.below(last as u64 + 1) as usize);
    }
}

/// Runs every commit, with whatever it needs not met, and returns how many events that made.
fn run_commits(phases: &[(String, Vec<String>)], names: &[String]) -> u64 {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    define(&mut ledger, phases.to_vec());
    let before = head(&ledger);
    send(&mut ledger, names.iter().flat_map(|name| [start(name, true), complete(name)]))
        .expect("unmet is allowed");
    head(&ledger) - before
}

#[test]
fn found_15_the_commits_newest_first_or_shuffled_are_three_events_a_commit_at_most() {
    let test = "found_15_the_commits_newest_first_or_shuffled_are_three_events_a_commit_at_most";
    let Some(phases) = commits(test) else { return };
    let mut names: Vec<String> = phases.iter().map(|(name, _)| name.clone()).collect();
    let (commands, bound) = (2 * names.len() as u64, 3 * names.len() as u64);
    assert_eq!((commands, bound), (3_948, 5_922));
    let events = run_commits(&phases, &names);
    println!("newest first: {events} events for {commands} commands");
    assert!(events <= bound, "{events} events");
    for seed in 1..=setting("PHASELEDGER_SHUFFLES", 1) {
        shuffle(&mut names, seed);
        let events = run_commits(&phases, &names);
        println!("shuffled by {seed}: {events} events");
        assert!(events <= bound, "{events} events, shuffled by {seed}");
    }
}

/// A part of the graph, so that the oracle can follow each command: the newest commits, in some orders.
#[test]
fn a_part_of_the_commits_is_judged_as_the_oracle_says() {
    let Some(mut phases) = commits("a_part_of_the_commits_is_judged_as_the_oracle_says") else { return };
    phases.truncate(60);
    let known: BTreeMap<_, _> = phases.iter().cloned().collect();
    for (_, needs) in &mut phases {
        needs.retain(|need| known.contains_key(need));
    }
    let mut names: Vec<String> = phases.iter().map(|(name, _)| name.clone()).collect();
    for seed in 0..3 {
        if seed > 0 {
            shuffle(&mut names, seed);
        }
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        define(&mut ledger, phases.clone());
        let mut world = World::default();
        for action in names.iter().flat_map(|name| [start(name, true), complete(name)]) {
            send(&mut ledger, [action]).expect("unmet is allowed");
        }
        let lines = shared.json(Seq::ZERO);
        for lines in lines.chunk_by(|one, next| one["command_id"] == next["command_id"]) {
            follow(&mut world, lines);
        }
    }
}

/// More than a start lists: their number and a digest stand for them, and do as well.
#[test]
fn seventy_completions_found_through_a_need_are_told_by_their_digest() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let name = |number: usize| format!("p{number:02}");
    let all: Vec<String> = (0..70).map(name).collect();
    let phases = all.iter().map(|name| (name.clone(), Vec::new()));
    let below = [("hub".to_owned(), all.clone()), ("leaf".to_owned(), vec!["hub".to_owned()])];
    define(&mut ledger, phases.chain(below));
    send(&mut ledger, all.iter().flat_map(|name| [start(name, false), complete(name)]))
        .expect("nothing is needed");
    send(&mut ledger, [start("leaf", true), complete("leaf")]).expect("unmet is allowed");
    rerun(&mut ledger, "p33");
    send(&mut ledger, [start("p33", false), complete("p33")]).expect("it is to run again");
    let mut world = World::default();
    let lines = shared.json(Seq::ZERO);
    for lines in lines.chunk_by(|one, next| one["command_id"] == next["command_id"]) {
        follow(&mut world, lines);
    }
    assert_eq!(world.phases["scale/leaf"].state, "NEEDS_RERUN");
    let start = lines.iter().find(|line| line["kind"] == "phase_started" && line["phase"] == "leaf");
    assert_eq!(start.expect("it ran")["data"]["looked_through"][0]["many"]["count"], 70);
}
