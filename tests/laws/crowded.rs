//! A few phases to which much happens: what each could do next is drawn from the state it is in, so that attempts run over
//! attempts, through what is skipped, failed, dropped and brought back.

use phaseledger::model::{
    Action, Again, Definition, FileRole, Metadata, PhaseDefinition, PhaseName, PhaseRef, Request,
    WorkflowName, action,
};
use proptest::prelude::*;

use crate::judge::judge;
use crate::make::{changes, digest, phase, text};
use crate::play::cases;
use crate::propagation::check_derived_anew;
use crate::stale::{Game, check_all_roots};

/// How many phases there are. Those with even numbers are of one workflow, the others of another.
const PHASES: usize = 6;

/// Numbers that are read against the ledger as it stands.
#[derive(Debug, Clone)]
struct Step {
    what: u8,
    slot: usize,
    bits: u8,
}

/// What definitions say at the moment.
struct Graph {
    /// The name of each slot: one letter.
    letters: Vec<usize>,
    needs: [u8; PHASES],
    versions: [u32; PHASES],
    present: [bool; PHASES],
}

impl Graph {
    fn name(&self, slot: usize) -> PhaseRef {
        let letter = char::from(b'a' + self.letters[slot] as u8).to_string();
        let workflow = WorkflowName::new(["v", "w"][slot % 2]).expect("a letter");
        PhaseRef { workflow: Some(workflow), phase: PhaseName::new(&letter).expect("a letter") }
    }

    fn define(&self, workflow: usize) -> Action {
        let is_needed = |slot: usize, need: &usize| self.needs[slot] >> need & 1 == 1 && self.present[*need];
        let one = |slot: usize| -> PhaseDefinition {
            let needs = (0..slot).filter(|need| is_needed(slot, need)).map(|need| self.name(need)).collect();
            phase(self.name(slot).phase, needs, self.versions[slot])
        };
        let slots = (0..PHASES).filter(|slot| slot % 2 == workflow && self.present[*slot]);
        let name = WorkflowName::new(["v", "w"][workflow]).expect("a letter");
        let definition = Definition::new(name, slots.map(one).collect()).expect("no cycle");
        Action::Define(action::Define { definition: Box::new(definition) })
    }

    /// Changes one thing, and returns the workflow that says it.
    fn change(&mut self, step: &Step) -> usize {
        let slot = step.slot;
        match step.bits % 8 {
            0..4 if slot > 0 => self.needs[slot] ^= 1 << (usize::from(step.bits / 8) % slot),
            0..6 => self.versions[slot] = 1 + u32::from(step.bits / 8) % 3,
            _ => self.present[slot] ^= true,
        }
        slot % 2
    }
}

fn next(step: &Step, phase: PhaseRef, state: &str) -> Action {
    let (bits, metadata) = (step.bits, Metadata::default());
    let reason = text("why not");
    let start = |again| {
        let (phase, inputs, metadata) = (phase.clone(), Vec::new(), Metadata::default());
        let allow_unmet = bits % 4 != 0;
        Action::Start(action::Start {
            phase,
            metadata,
            allow_unmet,
            again,
            over_limit: None,
            inputs,
            worker: None,
        })
    };
    match (step.what, state) {
        (0..3, _) => Action::Rerun(action::Rerun { phase, reason, withdraw: bits % 3 == 0 }),
        (3..5, _) => {
            let role = if bits < 128 { FileRole::Inputs } else { FileRole::Outputs };
            Action::FilesChanged(action::FilesChanged { phase, role, changes: changes(role, bits % 4) })
        }
        (5, _) => {
            let (reason, output) = (reason, digest(bits % 4));
            Action::Accept(action::Accept { phase, reason, output, outputs: Vec::new(), inputs: Vec::new() })
        }
        (6..8, _) => Action::Skip(action::Skip { phase, reason, metadata }),
        (8..10, _) => Action::Reset(action::Reset { phase, reason }),
        (10, "IN_PROGRESS") => start(Some(Again::TakeOver(reason))),
        (11, "IN_PROGRESS") => Action::Fail(action::Fail {
            phase,
            error: reason,
            exit_code: None,
            signal: None,
            stderr: None,
            abandoned: false,
            metadata,
        }),
        (_, "IN_PROGRESS") => {
            let output = digest(bits % 4);
            Action::Complete(action::Complete { phase, metadata, output, outputs: Vec::new() })
        }
        (_, "COMPLETE") => start(Some(Again::Rerun(reason))),
        _ => start((bits % 3 == 0).then_some(Again::Rerun(reason))),
    }
}

proptest! {
    #![proptest_config(cases(128))]

    /// As in the crowd, so in the few: each command does what the oracle says, and `why` goes back to every root.
    #[test]
    fn a_crowded_ledger_does_what_the_oracle_says(
        letters in Just((0..PHASES).collect::<Vec<_>>()).prop_shuffle(),
        needs in any::<[u8; PHASES]>(),
        steps in prop::collection::vec((0..24u8, 0..PHASES, any::<u8>()), 1..60),
    ) {
        let mut graph = Graph { letters, needs, versions: [1; PHASES], present: [true; PHASES] };
        let mut game = Game::default();
        // What each needs of the other is there the second time.
        graph.needs = [0; PHASES];
        (0..2).for_each(|workflow| drop(game.send(graph.define(workflow))));
        graph.needs = needs;
        (0..2).for_each(|workflow| drop(game.send(graph.define(workflow))));
        for (what, slot, bits) in steps {
            let step = Step { what, slot, bits };
            let name = graph.name(slot);
            let there = game.world.phases.get(&name.to_string()).filter(|spot| !spot.retired);
            let state = there.map(|spot| spot.state.clone());
            match state.filter(|_| step.what < 21) {
                Some(state) => drop(game.send(next(&step, name, &state))),
                None => {
                    let workflow = graph.change(&step);
                    drop(game.send(graph.define(workflow)));
                }
            }
            check_all_roots(&game.shared, &game.world, &judge(&game.world));
        }
        check_derived_anew(&game.shared);
    }
}

/// One turn of a small history.
enum Turn {
    /// The phases of the workflow, and what each needs.
    Define(&'static [(&'static str, &'static [&'static str])]),
    /// A verb and its phase.
    Do(&'static str, &'static str),
}

use Turn::{Define, Do};

/// Sends commands, and checks after each what it did and every root.
fn check(turns: &[Turn]) {
    let mut game = Game::default();
    for turn in turns {
        let action = match turn {
            Define(phases) => {
                let need = |need: &&str| need.parse().expect("a name");
                let one = |(id, needs): &(&str, &[&str])| {
                    phase(PhaseName::new(id).expect("a name"), needs.iter().map(need).collect(), 1)
                };
                let workflow = WorkflowName::new("w").expect("a name");
                let definition = Definition::new(workflow, phases.iter().map(one).collect());
                let definition = definition.expect("no cycle");
                let definition = definition.described(None, Some("USD".to_owned()), None, Default::default());
                Action::Define(action::Define { definition: Box::new(definition) })
            }
            Do(verb, phase) => {
                let more = match *verb {
                    "start" => r#","allow_unmet":true"#,
                    "complete" => "",
                    "fail" => r#","error":"it broke""#,
                    "cost_limit" => r#","limit":"1""#,
                    "cost" => r#","amount":"2""#,
                    _ => r#","reason":"why not""#,
                };
                let line = format!(r#"{{"do":"{verb}","phase":"{phase}"{more}}}"#);
                line.parse::<Request>().expect("a request").action
            }
        };
        game.send(action).expect("legal");
        check_all_roots(&game.shared, &game.world, &judge(&game.world));
    }
}

#[test]
fn an_attempt_that_began_stale_is_no_root_of_what_is_below_it() {
    check(&[
        Define(&[("b", &[]), ("d", &["b"]), ("e", &["d"])]),
        Do("start", "b"),
        Do("complete", "b"),
        Do("rerun", "b"),
        Do("start", "d"),
        Do("start", "e"),
        Do("complete", "e"),
    ]);
}

#[test]
fn a_reason_that_was_told_and_holds_no_more_is_not_followed() {
    check(&[
        Define(&[("b", &[]), ("c", &["b"]), ("e", &["c"]), ("f", &["c", "e"])]),
        Do("start", "e"),
        Do("start", "b"),
        Do("complete", "b"),
        Do("start", "c"),
        Do("reset", "b"),
        Do("start", "f"),
    ]);
}

#[test]
fn a_failure_behind_a_skip_is_followed_back_and_is_no_root() {
    check(&[
        Define(&[("a", &[]), ("b", &["a"])]),
        Do("start", "a"),
        Do("complete", "a"),
        Do("start", "b"),
        Do("complete", "b"),
        Do("rerun", "a"),
        Do("start", "a"),
        Do("fail", "a"),
        Do("skip", "a"),
        Do("start", "a"),
        Do("complete", "a"),
        Do("start", "b"),
    ]);
}

#[test]
fn a_completion_that_is_retired_with_the_edge_to_it_goes_back_to_the_definition() {
    check(&[
        Define(&[("a", &[]), ("c", &["a"]), ("f", &["c"])]),
        Do("start", "a"),
        Do("complete", "a"),
        Do("start", "f"),
        Do("complete", "f"),
        Define(&[("c", &[]), ("f", &["c"])]),
    ]);
}

#[test]
fn an_attempt_under_way_is_looked_through_by_the_needs_in_force() {
    check(&[
        Define(&[("b", &[]), ("c", &["b"]), ("d", &["c"])]),
        Do("start", "b"),
        Do("start", "d"),
        Do("complete", "b"),
        Do("start", "c"),
        Define(&[("b", &[]), ("c", &[]), ("d", &["c"])]),
    ]);
}

#[test]
fn a_completion_that_was_reset_and_is_then_retired_goes_back_to_the_reset() {
    check(&[
        Define(&[("a", &[]), ("c", &["a"]), ("f", &["c"])]),
        Do("start", "a"),
        Do("complete", "a"),
        Do("start", "f"),
        Do("reset", "a"),
        Define(&[("c", &[]), ("f", &["c"])]),
    ]);
}

#[test]
fn a_skip_of_what_is_skipped_goes_back_to_what_the_failed_attempt_answered() {
    check(&[
        Define(&[("a", &[]), ("b", &["a"])]),
        Do("start", "a"),
        Do("fail", "a"),
        Do("skip", "a"),
        Do("skip", "a"),
        Do("start", "a"),
        Do("start", "b"),
        Do("complete", "a"),
        Do("complete", "b"),
        Do("start", "b"),
    ]);
}

#[test]
fn an_attempt_that_a_limit_fails_is_judged_and_so_is_what_is_below_it() {
    check(&[
        Define(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]),
        Do("start", "a"),
        Do("complete", "a"),
        Do("cost_limit", "b"),
        Do("start", "b"),
        Do("rerun", "a"),
        Do("start", "a"),
        Do("start", "c"),
        Do("complete", "c"),
        Do("cost", "b"),
    ]);
}

/// The rows that a start loads have the graph of then, through what stands or runs there now.
#[test]
fn a_start_goes_back_to_the_definition_that_took_an_edge_away() {
    check(&[
        Define(&[("a", &[]), ("c", &["a"]), ("d", &["c"]), ("e", &["d"]), ("f", &["e"])]),
        Do("start", "a"),
        Do("complete", "a"),
        Do("start", "f"),
        Do("rerun", "a"),
        Do("start", "a"),
        Do("complete", "a"),
        Do("complete", "f"),
        Define(&[("a", &[]), ("c", &["a"]), ("d", &["c"]), ("e", &[]), ("f", &["e"])]),
        Do("start", "d"),
        Do("start", "f"),
    ]);
}
