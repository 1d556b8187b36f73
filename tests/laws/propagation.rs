//! What is allowed, what it forces, why, and the law that nothing stands on what must run again.

use phaseledger::ledger::{AnswerStatus, LedgerError};
use phaseledger::model::{
    Action, Command, CommandId, Definition, Digest, Metadata, PhaseName, Seq, Timestamp, WorkflowName, action,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::derive::{derive, differs};
use crate::generate::{Sent, plans};
use crate::make::{command, phase, text, time};
use crate::oracle::{Consumed, World, list, string, subject};
use crate::permit::{builds_on, is_over, may_define, permit, permit_approval};
use crate::play::{Shared, cases, play, submit};

proptest! {
    #![proptest_config(cases(256))]

    /// Every command does what the table of transitions says and forces what the oracle derives: the same
    /// events about the same phases in the same order, for the same causes. After each, nothing that is
    /// COMPLETE is below anything that must run again, or stands on a completion that is not the last.
    #[test]
    fn every_command_does_what_the_oracle_says(plan in plans(40)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let mut world = World::default();
        for sent in plan.sent() {
            let answer = submit(&mut ledger, &sent);
            let lines = shared.json(Seq::new(world.head));
            check_permission(&world, &sent.command, &answer.map(|answer| answer.status), &lines);
            check_derived(&mut world, &lines);
            assert_eq!(world.lawless(), None);
            assert_eq!(world.stale(), None);
        }
        check_times(&plan.sent(), &shared.json(Seq::ZERO));
        check_causes(&shared.json(Seq::ZERO));
        check_durations(&shared.json(Seq::ZERO));
    }

    /// Wherever a ledger is, running what is not complete, once and in order, completes everything.
    #[test]
    fn everything_can_be_completed(plan in plans(25)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        play(&mut ledger, &plan.sent());
        let mut world = World::default();
        shared.json(Seq::ZERO).iter().for_each(|line| world.apply(line));
        let mut number = 0;
        for phase in world.order() {
            for action in [complete(&phase), start(&phase), complete(&phase)] {
                let spot = &world.phases[&phase];
                let under_way = spot.state == "IN_PROGRESS";
                let wanted = match action {
                    Action::Start(_) => !under_way && spot.state != "COMPLETE" && !spot.skipped,
                    _ => under_way,
                };
                if wanted {
                    number += 1;
                    let command = command(CommandId::new(Uuid::from_u128(number)), action);
                    let now = plan.sent()[0].now;
                    submit(&mut ledger, &Sent { command, now }).expect("what it needs is complete");
                    shared.json(Seq::new(world.head)).iter().for_each(|line| world.apply(line));
                }
            }
        }
        for (name, spot) in world.current() {
            assert!(spot.state == "COMPLETE" || spot.skipped, "`{name}` is {}", spot.state);
        }
    }
}

fn start(phase: &str) -> Action {
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

fn complete(phase: &str) -> Action {
    let phase = phase.parse().expect("a name");
    let output = Some(Digest::sha256(b"x"));
    Action::Complete(action::Complete { phase, metadata: Metadata::default(), output, outputs: Vec::new() })
}

/// Says whether a line was asked for, and not derived by a rule of propagation.
fn is_given(line: &Value) -> bool {
    !matches!(line["rule"].as_str(), Some("rerun/1" | "early_cutoff/1" | "cost_warning/1" | "cost_limit/1"))
}

fn check_permission(
    world: &World,
    command: &Command,
    answer: &Result<AnswerStatus, LedgerError>,
    lines: &[Value],
) {
    let given: Vec<_> = lines.iter().filter(|line| is_given(line)).collect();
    for line in given.iter().filter(|line| line["kind"] == "phase_started") {
        let (consumed, unmet) = builds_on(world, &subject(line).expect("a phase"));
        let data = &line["data"];
        let one = |(phase, seq, output): Consumed| json!([phase, seq, output]);
        let found: Vec<_> = list(&data["consumed"])
            .iter()
            .map(|one| json!([one["phase"], one["seq"], one["output"]]))
            .collect();
        assert_eq!(found, consumed.into_iter().map(one).collect::<Vec<_>>());
        assert_eq!(data["dependencies_met"], unmet.is_empty());
        let tries_again = line["from"] == "FAILED" && line["rule"].is_null();
        assert_eq!(tries_again, line["causes"][0]["kind"] == "phase_failed");
        assert_eq!(data.get("over_limit").is_some(), is_over(world, &subject(line).expect("a phase")));
        assert_eq!(list(&data["unmet"]), unmet.into_iter().map(Value::from).collect::<Vec<_>>());
    }
    let plain = command.expect.is_empty() && command.occurred_at.is_none();
    let is_scan = matches!(command.action, Action::InputsChanged(_));
    match answer {
        Err(LedgerError::IdConflict { .. }) | Ok(AnswerStatus::Duplicate) => return,
        Ok(AnswerStatus::Unchanged) if !is_scan => return,
        _ => {}
    }
    match &command.action {
        Action::Define(action::Define { definition }) => {
            let may = may_define(world, definition);
            assert!(answer.is_ok() == may || (!plain && may), "{answer:?} to {definition:?}");
        }
        Action::ApprovalRequest(_) | Action::ApprovalDecide(_) => {
            let found = lines.iter().map(|line| json!([line["kind"], subject(line)])).collect::<Vec<_>>();
            match (answer, permit_approval(world, command)) {
                (Ok(_), permitted) => assert_eq!(Some(found), permitted, "{:?}", command.action),
                (Err(error), permitted) => {
                    assert!(!plain || permitted.is_none(), "{:?} was refused: {error}", command.action);
                }
            }
        }
        action => {
            let mut found: Vec<_> = given
                .iter()
                .map(|line| json!([line["kind"], subject(line), line["from"], line["to"]]))
                .collect();
            if matches!(action, Action::ResetAll(_)) && !found.is_empty() {
                found[1..].sort_by_key(ToString::to_string);
            }
            let permitted = permit(world, action);
            match answer {
                Ok(_) => assert_eq!(Some(found), permitted),
                Err(error) => assert!(!plain || permitted.is_none(), "{action:?} was refused: {error}"),
            }
        }
    }
}

/// Reads the lines of one command into the world, and checks those that were derived.
fn check_derived(world: &mut World, lines: &[Value]) {
    let count = lines.iter().take_while(|line| is_given(line)).count();
    let (given, derived) = lines.split_at(count);
    given.iter().for_each(|line| world.apply(line));
    let expected = if given.is_empty() { Vec::new() } else { derive(world, given) };
    for (expected, line) in expected.iter().zip(derived) {
        if let Some(difference) = differs(expected, line) {
            panic!("{difference}\nfollowing {given:#?}");
        }
        world.apply(line);
    }
    let extra =
        (&expected[derived.len().min(expected.len())..], &derived[expected.len().min(derived.len())..]);
    assert!(
        extra.0.is_empty() && extra.1.is_empty(),
        "missing and surplus: {extra:#?}\nfollowing {given:#?}"
    );
}

/// Checks that places have no gaps, ids follow from the command's, both axes of time rise, and the events of
/// a command have one instant of their own.
fn check_times(sent: &[Sent], lines: &[Value]) {
    let mut index = 0;
    for (place, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], place + 1);
        let before = place.checked_sub(1).map(|before| &lines[before]);
        let same = before.is_some_and(|before| before["command_id"] == line["command_id"]);
        index = if same { index + 1 } else { 0 };
        let command: Uuid = string(&line["command_id"]).parse().expect("a UUID");
        let id = match index {
            0 => command,
            index => Uuid::new_v5(&command, index.to_string().as_bytes()),
        };
        assert_eq!(string(&line["id"]), id.to_string());
        let asked = sent.iter().find(|sent| sent.command.id.uuid() == command).expect("was sent");
        let (at, recorded_at) = (string(&line["at"]), string(&line["recorded_at"]));
        if let Some(before) = before.filter(|_| same) {
            assert_eq!(line["at"], before["at"]);
            assert_eq!(line["recorded_at"], before["recorded_at"]);
            continue;
        }
        let claim = asked.command.occurred_at.map(|claim| claim.to_string());
        // What it is raised to, the laws of time know (times.rs).
        let clock = line["clock"].as_str().map(str::to_owned);
        let wanted = claim.clone().or(clock).unwrap_or_else(|| recorded_at.clone());
        assert!(at >= wanted, "`at` is the claim, or now, or later");
        assert_eq!(line["occurred_at"].as_str(), claim.as_deref().filter(|claim| *claim != at));
        assert!(recorded_at >= asked.now.to_string(), "`recorded_at` is not before now");
        if let Some(before) = before {
            assert!(recorded_at > string(&before["recorded_at"]), "`recorded_at` rises");
        }
    }
}

/// Checks that causes are there, come first, and lead to the root.
fn check_causes(lines: &[Value]) {
    for (place, line) in lines.iter().enumerate() {
        for cause in list(&line["causes"]) {
            let seq = cause["seq"].as_u64().expect("a number") as usize;
            assert!(seq <= place, "causes precede effects");
            assert_eq!(lines[seq - 1]["id"], cause["event"]);
        }
        assert_eq!(line.get("causation_id"), list(&line["causes"]).first().map(|cause| &cause["event"]));
        let mut root = line;
        while let Some(cause) = list(&root["causes"]).first() {
            root = &lines[cause["seq"].as_u64().expect("a number") as usize - 1];
        }
        assert_eq!(line["correlation_id"], root["id"], "the root is that of the first cause");
        assert_eq!(line["derived"], line.get("rule").is_some());
    }
}

/// Checks that an attempt took, to the microsecond, as long as from its start to its end.
fn check_durations(lines: &[Value]) {
    let micros = |line: &Value| -> i64 {
        let at: Timestamp = serde_json::from_value(line["at"].clone()).expect("a time");
        at.micros()
    };
    for line in lines.iter().filter(|line| line["data"].get("duration_seconds").is_some()) {
        let start = list(&line["causes"]).iter().find(|cause| cause["kind"] == "phase_started");
        let start = start.and_then(|start| start["seq"].as_u64()).expect("a start") as usize;
        let took = (micros(line) - micros(&lines[start - 1])) as f64 / 1e6;
        assert_eq!(line["data"]["duration_seconds"], took);
    }
}

/// A rerun passes through what is skipped; a completion reaches those that need the phase, and no further: what
/// needs a skipped phase consumed the skip, and stands on nothing else.
#[test]
fn a_completion_does_not_reach_through_what_is_skipped() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let name = |name: &str| PhaseName::new(name).expect("a name");
    let needs = |names: &[&str]| names.iter().map(|name| name.parse().expect("a name")).collect();
    let phases = [("a", vec![]), ("b", needs(&["a"])), ("c", needs(&["b"])), ("d", needs(&["a", "c"]))];
    let phases = phases.into_iter().map(|(id, needs)| phase(name(id), needs, 1)).collect();
    let definition = Definition::new(WorkflowName::new("w").expect("a name"), phases).expect("no cycle");
    let skip = |phase: &str| {
        Action::Skip(action::Skip {
            phase: phase.parse().expect("a name"),
            reason: text("not today"),
            metadata: Metadata::default(),
        })
    };
    let rerun = Action::Rerun(action::Rerun { phase: "a".parse().expect("a name"), reason: text("stale") });
    let actions = [
        Action::Define(action::Define { definition: Box::new(definition) }),
        skip("b"),
        start("c"),
        complete("c"),
        start("a"),
        complete("a"),
        start("d"),
        complete("d"),
        rerun,
        start("a"),
        complete("a"),
    ];
    let mut world = World::default();
    let mut marked = Vec::new();
    for (number, action) in actions.into_iter().enumerate() {
        let command = command(CommandId::new(Uuid::from_u128(number as u128)), action);
        submit(&mut ledger, &Sent { command, now: time(0) }).expect("legal");
        let lines = shared.json(Seq::new(world.head));
        check_derived(&mut world, &lines);
        let kinds = lines.iter().filter(|line| line["kind"] == "rerun_marked");
        marked.extend(kinds.map(|line| (number, string(&line["phase"]), line["causes"][0]["edge"].clone())));
    }
    let edge = json!(["b", "c"]);
    assert_eq!(
        marked,
        [(8, "a".to_owned(), Value::Null), (8, "c".to_owned(), edge), (8, "d".to_owned(), json!(["a", "d"])),]
    );
    assert_eq!(world.phases["w/d"].state, "NEEDS_RERUN", "d needs c, which must run again");
}
