//! Staleness is a function of the table: what follows from that, as laws of random ledgers.

use std::collections::{BTreeMap, BTreeSet};

use phaseledger::ask::{self, AskError, Moment};
use phaseledger::ledger::Ledger;
use phaseledger::model::{
    Action, CommandId, Definition, Digest, Metadata, PhaseRef, Seq, Timestamp, When, WhenBase, action,
};
use phaseledger::rules::reruns;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use uuid::Uuid;

use crate::generate::{Sent, plans};
use crate::judge::{Judgement, judge, lawless, misjudged, unmet};
use crate::make::{command, text, time};
use crate::oracle::{Spot, World, list};
use crate::play::{Shared, cases, play, submit};
use crate::propagation::follow;
use crate::roots::{far_ends, roots_of};

proptest! {
    #![proptest_config(cases(96))]

    /// Wherever a ledger is, starting what may be started and completing what is under way, in any order, ends; and then
    /// everything is COMPLETE or skipped.
    #[test]
    fn running_what_can_be_started_ends_with_all_complete_or_skipped(plan in plans(25), dice in any::<u64>()) {
        let mut game = Game::new(&plan.sent());
        let mut dice = dice;
        for step in 0.. {
            let ready = game.ready();
            if ready.is_empty() {
                break;
            }
            assert!(step < 2_000, "it ends");
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let which = (dice >> 33) as usize;
            game.send(ready[which % ready.len()].clone()).expect("what can be started is started");
        }
        for (name, spot) in game.world.current() {
            assert!(spot.state == "COMPLETE" || spot.skipped, "`{name}` is {}", spot.state);
        }
    }

    /// Whatever a definition changes about needs, versions and which phases there are, the one before it brings every
    /// state, every judgement and every reason back.
    #[test]
    fn undoing_a_definition_restores_every_judgement(
        plan in plans(30),
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), 0..4u8), 1..4),
    ) {
        let mut game = Game::new(&plan.sent());
        let (before, judged) = (game.standing(), judge(&game.world));
        for (number, (which, other, what)) in changes.into_iter().enumerate() {
            let now = game.definitions();
            // What was retired comes back by being defined, so there is nothing of before to go back to.
            if now.is_empty() {
                break;
            }
            let workflow = which.index(now.len());
            let Some(changed) = change(&now[workflow], which, other, what) else { continue };
            if game.define(&changed).is_ok() {
                let back = game.define(&now[workflow]);
                assert!(back.is_ok(), "it was allowed before: {back:?}");
            }
            assert_eq!((game.standing(), judge(&game.world)), (before.clone(), judged.clone()), "change {number}");
        }
    }

    /// At every place, what events say of each phase is what the function says of it, and nothing is COMPLETE below
    /// anything that must run again; whether the table is that of the log or the one of the lines up to there.
    #[test]
    fn the_stored_judgement_is_the_function_at_every_place(plan in plans(25)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        play(&mut ledger, &plan.sent());
        let mut world = World::default();
        for lines in commands(&shared.json(Seq::ZERO)) {
            lines.iter().for_each(|line| world.apply(line));
            assert_eq!(misjudged(&world), None);
            assert_eq!(lawless(&world), None);
            let table = ledger.table_at(Seq::new(world.head)).expect("lines");
            for (id, phase) in &table.phases {
                assert_eq!(phase.state.name().as_str(), world.phases[&id.to_string()].state, "{}", id);
            }
        }
    }

    /// `why` goes back to every root, at every place, for every phase that is stale, and to nothing that is none; asked
    /// right then, or later as of that place.
    #[test]
    fn why_goes_back_to_the_roots_at_every_place(plan in plans(25), later in any::<Index>()) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let mut world = World::default();
        let mut told = Vec::new();
        for sent in plan.sent() {
            if submit(&mut ledger, &sent).is_err() {
                continue;
            }
            shared.json(Seq::new(world.head)).iter().for_each(|line| world.apply(line));
            let roots = check_all_roots(&shared, &world, &judge(&world));
            told.extend(roots.into_iter().map(|(phase, roots)| (world.head, phase, roots)));
        }
        let first = later.index(7);
        for (place, phase, roots) in told.iter().skip(first).step_by(7) {
            let when = When { base: WhenBase::Seq(Seq::new(*place)), back: 0 };
            assert_eq!(&told_by_why(&shared, &Moment::at(when), phase), roots, "`{}` as of e{}", phase, place);
        }
    }

    /// What must run again is counted by the very roots that are told of each phase.
    #[test]
    fn the_report_counts_phases_by_the_roots_that_why_tells(plan in plans(40)) {
        let game = Game::new(&plan.sent());
        let judged = judge(&game.world);
        let mut wanted: BTreeMap<u64, BTreeMap<String, usize>> = BTreeMap::new();
        for phase in judged.keys() {
            let workflow = phase.split('/').next().expect("a name");
            for root in roots_of(&game.world, &judged, phase, false) {
                *wanted.entry(root).or_default().entry(workflow.to_owned()).or_default() += 1;
            }
        }
        let table = game.ledger.table_at(Seq::new(game.world.head)).expect("lines");
        let counted = reruns(&table).into_iter().map(|rerun| {
            let phases = rerun.phases.into_iter().map(|(workflow, phases)| (workflow.to_string(), phases));
            (rerun.root.number(), phases.collect())
        });
        assert_eq!(counted.collect::<BTreeMap<_, _>>(), wanted);
    }

    /// A start of what is stale answers the roots of it; so what is started next is caused by them, and by no others.
    #[test]
    fn a_start_answers_what_why_tells(plan in plans(20)) {
        let mut game = Game::new(&plan.sent());
        let stale: Vec<_> = judge(&game.world).into_keys().collect();
        for phase in stale.iter().filter(|phase| unmet(&game.world, phase).is_empty()).cloned().collect::<Vec<_>>() {
            if game.world.phases[&phase].state != "NEEDS_RERUN" {
                continue;
            }
            let told = told_by_why(&game.shared, &Moment::default(), &phase);
            let start = game.world.head;
            if game.send(start_of(&phase)).is_ok() {
                let causes = game.world.facts[start as usize].causes.iter().map(|cause| cause.seq);
                assert_eq!(ends_of(&game.world, causes.collect()), told);
            }
        }
    }
}

/// A ledger that a test plays on, and the oracle that follows it.
pub struct Game {
    pub shared: Shared,
    ledger: Ledger,
    pub world: World,
    now: Timestamp,
    definitions: Vec<Definition>,
    sent: u128,
}

impl Default for Game {
    fn default() -> Game {
        let shared = Shared::default();
        let ledger = shared.ledger();
        let (world, definitions) = (World::default(), Vec::new());
        Game { shared, ledger, world, now: time(1_700_000_000_000_000), definitions, sent: 0 }
    }
}

impl Game {
    fn new(sent: &[Sent]) -> Game {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        play(&mut ledger, sent);
        let mut definitions: Vec<Definition> = Vec::new();
        let mut world = World::default();
        for line in &shared.json(Seq::ZERO) {
            world.apply(line);
            if line["kind"] == "workflow_retired" {
                definitions.retain(|known| known.name().as_str() != line["workflow"]);
            }
            let puts_in_force = line["kind"] == "workflow_defined" && line.get("inferred").is_none();
            if puts_in_force {
                let definition = line["data"]["definition"].clone();
                let definition: Definition = serde_json::from_value(definition).expect("a definition");
                definitions.retain(|known| known.name() != definition.name());
                definitions.push(definition);
            }
        }
        Game { shared, ledger, world, now: sent[0].now, definitions, sent: 0 }
    }

    /// Sends a command, and checks what it did.
    ///
    /// # Errors
    ///
    /// Why it was refused.
    pub fn send(&mut self, action: Action) -> Result<(), String> {
        self.sent += 1;
        let command = command(CommandId::new(Uuid::from_u128(self.sent)), action);
        submit(&mut self.ledger, &Sent { command, now: self.now }).map_err(|error| error.to_string())?;
        let lines = self.shared.json(Seq::new(self.world.head));
        follow(&mut self.world, &lines);
        Ok(())
    }

    /// Returns the definitions in force.
    fn definitions(&self) -> Vec<Definition> {
        self.definitions.clone()
    }

    fn define(&mut self, definition: &Definition) -> Result<(), String> {
        self.send(Action::Define(action::Define { definition: Box::new(definition.clone()) }))
    }

    /// Returns the state of every phase that is there.
    fn standing(&self) -> Vec<(String, String, bool, u64)> {
        let one =
            |(name, spot): (&String, &Spot)| (name.clone(), spot.state.clone(), spot.stale, spot.attempt);
        self.world.current().map(one).collect()
    }

    /// Returns what can be done: complete what is under way, start what may be started.
    fn ready(&self) -> Vec<Action> {
        let mut ready = Vec::new();
        for (name, spot) in self.world.current() {
            match spot.state.as_str() {
                "IN_PROGRESS" => ready.push(complete_of(name)),
                "COMPLETE" => {}
                _ if spot.skipped || !unmet(&self.world, name).is_empty() => {}
                _ => ready.push(start_of(name)),
            }
        }
        ready
    }
}

/// Returns a definition with one thing changed: a need made or dropped, another version, or a phase dropped.
fn change(definition: &Definition, which: Index, other: Index, what: u8) -> Option<Definition> {
    let mut phases = definition.phases().to_vec();
    if phases.is_empty() {
        return None;
    }
    let one = which.index(phases.len());
    let need = phases[other.index(phases.len())].id.clone();
    match what {
        0 => phases[one].version = Some("99".to_owned()),
        1 => {
            phases.remove(one);
        }
        2 => {
            let needs = &mut phases[one].needs;
            if needs.is_empty() {
                return None;
            }
            needs.remove(other.index(needs.len()));
        }
        _ => {
            let need: PhaseRef = need.as_str().parse().expect("a name");
            let full = format!("{}/{}", definition.name(), need);
            let known = |known: &PhaseRef| *known == need || known.to_string() == full;
            if phases[one].needs.iter().any(known) {
                return None;
            }
            phases[one].needs.push(need);
        }
    }
    let changed = Definition::new(definition.name().clone(), phases).ok()?;
    let (currency, limit) = (definition.currency().map(str::to_owned), definition.cost_limit());
    Some(changed.described(None, currency, limit, Metadata::default()))
}

/// Returns the lines of each command.
fn commands(lines: &[Value]) -> Vec<&[Value]> {
    lines.chunk_by(|one, next| one["command_id"] == next["command_id"]).collect()
}

/// Returns the places of the roots that `why` tells of a phase.
fn told_by_why(shared: &Shared, moment: &Moment, phase: &str) -> BTreeSet<u64> {
    let question = ask::Why { phase: phase.parse().expect("a name") };
    let answer = ask::answer(|| Ok::<_, AskError>(shared.ledger()), moment, &question);
    let answer = answer.expect("the place is there").transpose().expect("the phase is there");
    let json = serde_json::to_value(&answer).expect("JSON");
    let places: Vec<u64> =
        list(&json["roots"]).iter().map(|root| root["seq"].as_u64().expect("a place")).collect();
    let told: BTreeSet<u64> = places.iter().copied().collect();
    assert_eq!(told.len(), places.len(), "each root once");
    told
}

/// Asks of every stale phase for its roots, checks them and returns them.
pub fn check_all_roots(shared: &Shared, world: &World, judged: &Judgement) -> Vec<(String, BTreeSet<u64>)> {
    let one = |phase: &String| {
        let roots = told_by_why(shared, &Moment::default(), phase);
        check_roots(world, judged, phase, &roots);
        (phase.clone(), roots)
    };
    judged.keys().map(one).collect()
}

/// Follows what taking back has put in force, or back, to what that goes back to itself: `why` tells all of it.
fn ends_of(world: &World, found: BTreeSet<u64>) -> BTreeSet<u64> {
    let (mut ends, mut left): (_, Vec<u64>) = (BTreeSet::new(), found.into_iter().collect());
    while let Some(seq) = left.pop() {
        let fact = &world.facts[seq as usize - 1];
        let goes_on =
            matches!(fact.kind.as_str(), "workflow_defined" | "reverted") && !fact.causes.is_empty();
        match goes_on {
            true => left.extend(fact.causes.iter().map(|cause| cause.seq)),
            false => drop(ends.insert(seq)),
        }
    }
    ends
}

fn check_roots(world: &World, judged: &Judgement, phase: &str, told: &BTreeSet<u64>) {
    let of = |wide: bool| roots_of(world, judged, phase, wide);
    let led_to = |found: BTreeSet<u64>| ends_of(world, found);
    let (mut narrow, mut wide) = (of(false), of(true));
    let spot = &world.phases[phase];
    if spot.state == "IN_PROGRESS" {
        // It stands there because of what it answers, too.
        narrow.extend(far_ends(world, spot.started.expect("under way")));
        wide.extend(narrow.iter().copied());
    }
    let reasons = &judged[phase];
    let (narrow, wide) = (led_to(narrow), led_to(wide));
    // What can be told in more than one way may be told in the wider one; so far it never is.
    let at = world.head;
    assert!(told.is_subset(&wide), "why `{phase}` at e{at}: {told:?}, at most {wide:?}: {reasons:?}");
    assert_eq!(*told, narrow, "why `{phase}` at e{at}: {reasons:?}");
}

fn start_of(phase: &str) -> Action {
    let phase = phase.parse().expect("a name");
    Action::Start(action::Start {
        phase,
        metadata: Metadata::default(),
        allow_unmet: false,
        again: None,
        over_limit: Some(text("go on")),
        inputs: Vec::new(),
        worker: None,
    })
}

fn complete_of(phase: &str) -> Action {
    let phase = phase.parse().expect("a name");
    let output = Some(Digest::sha256(b"x"));
    Action::Complete(action::Complete { phase, metadata: Metadata::default(), output, outputs: Vec::new() })
}
