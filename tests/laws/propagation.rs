//! What is allowed, what it forces and why.

use phaseledger::ledger::{AnswerStatus, LedgerError};
use phaseledger::model::{Action, Command, Seq, Timestamp, action};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::alerts::{alerts, differ};
use crate::derive::{derive, differs, miscaused};
use crate::generate::{Sent, plans};
use crate::judge::{judge, lawless, misjudged};
use crate::oracle::{World, is_derived, list, string, subject};
use crate::permit::{may_define, permit, permit_approval};
use crate::play::{Shared, cases, submit};
use crate::started::{check_acceptance, check_skip, check_start};
use crate::undone::{May, check_reverted, permit_revert};

proptest! {
    #![proptest_config(cases(256))]

    /// Every command does what the table of transitions says and forces what the oracle derives: one event for each
    /// phase whose judgement changed, with every reason that holds, in order, and no other. So judging what is below
    /// what changed is judging everything. After each, what events say of a phase is what the function says of it, and
    /// nothing is COMPLETE below anything that must run again.
    #[test]
    fn every_command_does_what_the_oracle_says(plan in plans(40)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let mut world = World::default();
        for sent in plan.sent() {
            let answer = submit(&mut ledger, &sent);
            let lines = shared.json(Seq::new(world.head));
            check_permission(&world, &sent.command, &answer.map(|answer| answer.status), &lines);
            follow(&mut world, &lines);
        }
        check_times(&plan.sent(), &shared.json(Seq::ZERO));
        check_causes(&shared.json(Seq::ZERO));
        check_durations(&shared.json(Seq::ZERO));
        check_derived_anew(&shared);
    }
}

/// Says whether a line was asked for, and is not what follows from one.
fn is_given(line: &Value) -> bool {
    !is_derived(line) && !matches!(line["rule"].as_str(), Some("cost_warning/1" | "cost_limit/1"))
}

fn check_permission(
    world: &World,
    command: &Command,
    answer: &Result<AnswerStatus, LedgerError>,
    lines: &[Value],
) {
    let given: Vec<_> = lines.iter().filter(|line| is_given(line)).collect();
    let plain = command.expect.is_empty() && command.occurred_at.is_none();
    let is_scan = matches!(command.action, Action::FilesChanged(_));
    match answer {
        Err(LedgerError::IdConflict { .. }) | Ok(AnswerStatus::Duplicate) => return,
        Ok(AnswerStatus::Unchanged) if !is_scan => return,
        _ => {}
    }
    match &command.action {
        Action::Define(action::Define { definition }) => {
            let json = serde_json::to_value(definition).expect("JSON");
            let renamed = world.wanted(definition.name().as_str(), &json);
            let may = may_define(world, definition, &renamed);
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
        Action::Revert(action::Revert { event, .. }) => {
            let found: Vec<_> = given
                .iter()
                .map(|line| json!([line["kind"], subject(line), line["from"], line["to"]]))
                .collect();
            match (answer, permit_revert(world, &event.to_string())) {
                (Ok(_), May::Must(events)) => assert_eq!(found, events, "{given:#?}"),
                (Ok(_), May::Either(events)) => assert!(found.starts_with(&events), "{given:#?}"),
                (Err(_), May::Either(_)) => {}
                (Err(error), May::Must(_)) => {
                    assert!(!plain, "{event} was not taken back: {error}: {:#?}", world.deed(event));
                }
                (Ok(_), May::Not(why)) => panic!("{why}: {given:#?}"),
                (Err(error), May::Not(why)) => {
                    assert!(!plain || format!("{error:?}").contains(why), "{why}, not {error:?}");
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

/// Reads the lines of one command into the world, and checks what was derived.
pub fn follow(world: &mut World, lines: &[Value]) {
    let before = world.clone();
    let count = lines.iter().take_while(|line| is_given(line)).count();
    let (given, forced) = lines.split_at(count);
    given.iter().for_each(|line| world.apply(line));
    if given.first().is_some_and(|line| line["kind"] == "reverted") {
        check_reverted(&before, world, given);
    }
    for line in given {
        match line["kind"].as_str() {
            Some("phase_started") => check_start(&before, world, line),
            Some("phase_accepted") => check_acceptance(&before, line),
            Some("phase_skipped") => check_skip(&before, line),
            Some("rerun_withdrawn") => check_withdrawal(world, line),
            _ => {}
        }
    }
    let told: Vec<_> = forced.iter().filter(|line| !is_derived(line)).collect();
    assert_eq!(differ(&alerts(world, given), &told), None, "following {given:#?}");

    let mut expected = None;
    let moves: Vec<_> = given.iter().chain(told).collect();
    for line in forced {
        if is_derived(line) && expected.is_none() {
            let failures = forced.iter().filter(|line| line["kind"] == "phase_failed");
            assert!(failures.clone().all(|failed| failed["seq"].as_u64() <= Some(world.head)));
            expected = Some(derive(world, &moves).into_iter());
        }
        if let Some(expected) = expected.as_mut().filter(|_| is_derived(line)) {
            let wanted = expected.next().unwrap_or_else(|| panic!("surplus: {line:#}\nfollowing {given:#?}"));
            let wrong = differs(world, &wanted, line).or_else(|| miscaused(&before, world, line));
            assert_eq!(wrong, None, "following {given:#?}");
        }
        world.apply(line);
    }
    let missing: Vec<_> = expected.unwrap_or_else(|| derive(world, &moves).into_iter()).collect();
    assert!(missing.is_empty(), "missing: {missing:#?}\nfollowing {given:#?}");
    assert_eq!(misjudged(world), None, "following {lines:#?}");
    assert_eq!(lawless(world), None, "following {lines:#?}");
}

/// Checks that what takes marks back says every reason that holds all the same, and nothing where none does.
fn check_withdrawal(world: &World, line: &Value) {
    let phase = subject(line).expect("a phase");
    let workflow = phase.split('/').next().unwrap_or_default();
    let judged = judge(world);
    let reasons = judged.get(&phase).map(|reasons| {
        let reasons = reasons.iter().map(|reason| reason.json(workflow));
        reasons.collect::<Vec<_>>()
    });
    let still = &line["data"]["still"];
    assert_eq!(still.is_null(), reasons.is_none(), "{line:#}");
    assert_eq!(list(&still["reasons"]), reasons.unwrap_or_default().as_slice(), "{line:#}");
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
        let claim = asked.command.claimed().map(|claim| claim.to_string());
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

/// Checks that every event that was forced is what is derived anew from the lines alone.
pub fn check_derived_anew(shared: &Shared) {
    let is_forced = |line: &Value| is_derived(line) || !is_given(line);
    let forced = shared.json(Seq::ZERO).iter().filter(|line| is_forced(line)).count() as u64;
    let verified = shared.ledger().verify(false, |_| {}).expect("memory").expect("whole");
    assert_eq!((verified.derived_anew, verified.derived_before), (forced, 0));
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
        let is_raised = |line: &Value| line["occurred_at"].is_string();
        let wanted = match is_raised(&lines[start - 1]) || is_raised(line) {
            true => Value::Null,
            false => json!(took),
        };
        assert_eq!(line["data"]["duration_seconds"], wanted);
    }
}
