//! Renames: whatever went on before, between and after, they change names and nothing else.

use std::cell::Cell;
use std::collections::BTreeMap;

use phaseledger::ledger::AnswerStatus;
use phaseledger::model::{
    Action, Command, CommandId, Definition, PhaseId, PhaseName, PhaseRef, Recorded, Seq, WorkflowName, action,
};
use phaseledger::rules::{Table, evolve, judge, reruns};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::generate::{Sent, plans};
use crate::make::{command, text, time};
use crate::oracle::{World, full, list, string};
use crate::play::{Shared, cases, submit};

/// What the chosen phase is called between the two renames: after its old name and in front of every other one.
const OTHER: &str = "-between";

/// Returns the table as JSON without what a rename leaves of itself: the lists of definitions and of former names, when phases were last written about, and since when what is renamed is called so.
fn without_traces(table: &Table, texts: bool) -> Value {
    let mut json = serde_json::to_value(table).expect("JSON");
    for workflow in json["workflows"].as_object_mut().expect("an object").values_mut() {
        for trace in ["renamed", "definition", "definitions", "defined", "latest", "brought_in"] {
            workflow.as_object_mut().expect("an object").remove(trace);
        }
    }
    for phase in json["phases"].as_object_mut().expect("an object").values_mut() {
        // Any definition notes of what is above something that was looked through that it is as well.
        for trace in ["last_seq", "updated_at", "brought_in", "looked_through"] {
            phase.as_object_mut().expect("an object").remove(trace);
        }
    }
    let json = json.to_string();
    serde_json::from_str(&if texts { json.replace(OTHER, "") } else { json }).expect("JSON")
}

/// Sends a definition in force once more, with one of its phases renamed; or a note in its place.
fn renaming(ledger: &Shared, id: u128, names: Option<(&PhaseId, &str)>, now: i64) -> bool {
    let id = CommandId::new(uuid::Uuid::from_u128(0x0199_ffff_0000_7000_8000_0000_0000_0000 + id));
    let action = match names {
        None => Action::Note(action::Note { phase: None, text: text("a rename, elsewhere") }),
        Some((phase, to)) => {
            let lines = ledger.json(Seq::ZERO);
            let of = |line: &&Value| {
                line["kind"] == "workflow_defined" && line["workflow"] == phase.workflow.as_str()
            };
            let mut definition = lines.iter().rfind(of).expect("it is defined")["data"]["definition"].clone();
            for one in definition["phases"].as_array_mut().expect("phases") {
                one.as_object_mut().expect("an object").remove("renamed_from");
                rename_in(one, &phase.workflow, phase.phase.as_str(), to);
                if one["id"] == to {
                    one["renamed_from"] = json!(phase.phase);
                }
            }
            let definition: Definition = serde_json::from_value(definition).expect("a definition");
            Action::Define(action::Define { definition: Box::new(definition) })
        }
    };
    let sent = Sent { command: command(id, action), now: time(now) };
    submit(&mut ledger.ledger(), &sent).is_ok_and(|answer| !answer.events.is_empty())
}

/// Renames a phase in what a definition says of one, its own or another's.
fn rename_in(phase: &mut Value, workflow: &WorkflowName, from: &str, to: &str) {
    let whole = (format!("{workflow}/{from}"), format!("{workflow}/{to}"));
    let swap = |name: &mut Value| {
        if *name == from {
            *name = to.into();
        } else if *name == whole.0.as_str() {
            *name = whole.1.clone().into();
        }
    };
    swap(&mut phase["id"]);
    phase.get_mut("needs").and_then(Value::as_array_mut).into_iter().flatten().for_each(swap);
}

/// Returns a command by the name that a phase has meanwhile; none where it says itself what phases are called.
fn between(sent: &Sent, phase: &PhaseId) -> Option<Command> {
    let mut command = sent.command.clone();
    // A bare name that several workflows have may be that of one alone meanwhile.
    if command.action.phase().is_some_and(|name| name.workflow.is_none()) {
        return None;
    }
    let other = PhaseName::new(&format!("{}{OTHER}", phase.phase)).expect("a name");
    let named = |name: &mut PhaseRef| {
        if name.phase == phase.phase && name.workflow.as_ref().is_none_or(|of| *of == phase.workflow) {
            name.phase = other.clone();
        }
    };
    match &mut command.action {
        Action::Start(action::Start { phase, .. })
        | Action::Complete(action::Complete { phase, .. })
        | Action::Fail(action::Fail { phase, .. })
        | Action::Accept(action::Accept { phase, .. })
        | Action::Skip(action::Skip { phase, .. })
        | Action::Rerun(action::Rerun { phase, .. })
        | Action::FilesChanged(action::FilesChanged { phase, .. })
        | Action::Reset(action::Reset { phase, .. })
        | Action::Meta(action::Meta { phase, .. })
        | Action::Cost(action::Cost { phase, .. })
        | Action::CostReserve(action::CostReserve { phase, .. }) => named(phase),
        Action::Note(action::Note { phase, .. }) | Action::CostLimit(action::CostLimit { phase, .. }) => {
            phase.iter_mut().for_each(named);
        }
        Action::ApprovalRequest(ask) => ask.phase.iter_mut().for_each(named),
        Action::ResetAll(_) | Action::ApprovalDecide(_) | Action::CostRelease(_) => {}
        Action::Define(_)
        | Action::Retire(_)
        | Action::Untag(_)
        | Action::Tag(_)
        | Action::Revert(_)
        | Action::NoteImport(_) => return None,
    }
    Some(command)
}

/// A rename followed by its reverse, with any work on any phase going on before, between and after, leaves the table that the
/// same work leaves without them, but for what renames leave of themselves.
#[test]
fn a_rename_and_its_reverse_leave_the_table_of_before() {
    let (checked, busy) = (Cell::new(0), Cell::new(0));
    let strategy =
        (plans(20), any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let result = TestRunner::new(cases(96)).run(&strategy, |(plan, first, length, which)| {
        let mut sent = plan.sent();
        let mut clock = 0;
        for sent in &mut sent {
            clock = sent.now.micros().max(clock + 1_000_000);
            (sent.now, sent.command.occurred_at) = (time(clock), None);
            // Places differ by nothing, but ambiguous names would.
            sent.command.expect.clear();
        }
        let (renamed, plain) = (Shared::default(), Shared::default());
        let first = first.index(sent.len());
        let last = first + length.index(sent.len() - first).min(40);
        let mut phase: Option<PhaseId> = None;
        let mut back = false;
        for (at, one) in sent.iter().enumerate() {
            if at == first {
                let table = renamed.ledger().table().expect("memory");
                let current = table.current();
                prop_assume!(!current.is_empty());
                let chosen = which.get(&current).id.clone();
                let to = format!("{}{OTHER}", chosen.phase);
                prop_assume!(renaming(&renamed, 1, Some((&chosen, &to)), one.now.micros()));
                renaming(&plain, 1, None, one.now.micros());
                phase = Some(chosen);
            }
            let command = match (&phase, back) {
                (Some(phase), false) => between(one, phase),
                _ => Some(one.command.clone()),
            };
            if let Some(command) = command {
                let events = |shared: &Shared, command: Command| {
                    let answer = submit(&mut shared.ledger(), &Sent { command, now: one.now });
                    // A retry is told what was recorded, which was by the name of then.
                    let answer = answer.ok().filter(|answer| answer.status == AnswerStatus::Appended);
                    answer.map(|answer| answer.events.len()).unwrap_or_default()
                };
                let (with, without) = (events(&renamed, command), events(&plain, one.command.clone()));
                assert_eq!(with, without, "{:?}", one.command);
                busy.set(busy.get() + usize::from(with > 0 && phase.is_some() && !back));
            }
            if at == last
                && let Some(phase) = &phase
            {
                let is = PhaseId::new(
                    phase.workflow.clone(),
                    PhaseName::new(&format!("{}{OTHER}", phase.phase)).expect("a name"),
                );
                assert!(renaming(&renamed, 2, Some((&is, phase.phase.as_str())), one.now.micros()));
                renaming(&plain, 2, None, one.now.micros());
                back = true;
            }
        }
        let (with, without) =
            (renamed.ledger().table().expect("memory"), plain.ledger().table().expect("memory"));
        assert_eq!(without_traces(&with, true), without_traces(&without, true));
        renamed.ledger().verify(false, |_| {}).expect("memory").expect("whole");
        checked.set(checked.get() + 1);
        Ok(())
    });
    result.expect("nothing but names changes");
    println!("{} histories, {} commands between the renames", checked.get(), busy.get());
    assert!(busy.get() > 0);
}

/// Returns lines with the needs of definitions by what they meant: the names of that time.
fn meant(lines: &[Value]) -> Vec<Value> {
    let mut world = World::default();
    let mut meant = lines.to_vec();
    for line in &mut meant {
        world.apply(line);
        let workflow = line["workflow"].as_str().unwrap_or_default().to_owned();
        let phases = line.pointer_mut("/data/definition/phases").and_then(Value::as_array_mut);
        for phase in phases.into_iter().flatten() {
            let name = full(&workflow, &string(&phase["id"]));
            phase["needs"] = world.phases[&name].needs.clone().into();
        }
    }
    meant
}

/// Returns lines as they would be, had each phase always had its last name.
fn as_if_always(lines: &[Value]) -> Vec<Value> {
    // What each name of a workflow means at the end, from behind.
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut named = Vec::new();
    for line in lines.iter().rev() {
        let mut line = line.clone();
        let workflow = line["workflow"].as_str().unwrap_or_default().to_owned();
        visit(&mut line, &workflow, &|name: &str| last.get(name).cloned().unwrap_or_else(|| name.to_owned()));
        for one in list(&lines[lines.len() - 1 - named.len()]["data"]["renamed"]) {
            let [from, to] = ["from", "to"].map(|end| full(&workflow, &string(&one[end])));
            let now = |name: &String| last.get(name).unwrap_or(name).clone();
            let (of_from, of_to) = (now(&to), now(&from));
            last.insert(from, of_from);
            last.insert(to, of_to);
        }
        named.push(line);
    }
    named.reverse();
    named
}

/// Gives other names to all phases that a line names where the table looks.
fn visit(line: &mut Value, workflow: &str, now: &dyn Fn(&str) -> String) {
    let swap = |name: &mut Value| {
        let Some(known) = name.as_str() else { return };
        let is_full = known.contains('/');
        let renamed = now(&full(workflow, known));
        let bare = renamed.split('/').nth(1).unwrap_or_default().to_owned();
        *name = if is_full { renamed.into() } else { bare.into() };
    };
    line.get_mut("phase").into_iter().for_each(&swap);
    let Some(data) = line.get_mut("data").and_then(Value::as_object_mut) else { return };
    for key in ["added", "retired", "unmet"] {
        data.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(&swap);
    }
    if data.contains_key("definition") {
        data.remove("renamed");
        for phase in data["definition"]["phases"].as_array_mut().into_iter().flatten() {
            phase.as_object_mut().expect("an object").remove("renamed_from");
            swap(&mut phase["id"]);
            phase.get_mut("needs").and_then(Value::as_array_mut).into_iter().flatten().for_each(&swap);
        }
        data.get_mut("changed")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .for_each(|one| swap(&mut one["phase"]));
    }
    data.get_mut("consumed")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .for_each(|one| swap(&mut one["phase"]));
    for through in data.get_mut("looked_through").and_then(Value::as_array_mut).into_iter().flatten() {
        swap(&mut through["need"]);
        if let Some(found) = through.get_mut("found").and_then(Value::as_array_mut) {
            found.iter_mut().for_each(|one| swap(&mut one["phase"]));
            found.sort_by_key(|one| one["phase"].to_string());
        }
    }
}

/// A history with renames adds up to what the same history adds up to with the last names from the beginning: every state,
/// attempt, basis, sum and request, who needs whom, which reasons hold and what they go back to.
#[test]
fn a_history_is_the_one_that_had_the_last_names_from_the_beginning() {
    let (renames, compared) = (Cell::new(0), Cell::new(0));
    let result = TestRunner::new(cases(128)).run(&plans(40), |plan| {
        let shared = Shared::default();
        crate::play::play(&mut shared.ledger(), &plan.sent());
        let lines = shared.json(Seq::ZERO);
        let mut always = Table::default();
        for line in as_if_always(&meant(&lines)) {
            let record = Recorded::from_line(&line.to_string()).expect("a line");
            evolve(&mut always, &record).unwrap_or_else(|error| panic!("{error}: {line:#}"));
        }
        let table = shared.ledger().table().expect("memory");
        assert_eq!(without_traces(&table, false), without_traces(&always, false));
        assert_eq!(judge(&table), judge(&always));
        assert_eq!(reruns(&table), reruns(&always));
        renames.set(
            renames.get() + lines.iter().map(|line| list(&line["data"]["renamed"]).len()).sum::<usize>(),
        );
        compared.set(compared.get() + 1);
        Ok(())
    });
    result.expect("the same but for the names");
    println!("{} renames in {} histories", renames.get(), compared.get());
    assert!(renames.get() > 0);
}

/// What an attempt found through a need is looked up by names, or told apart by a digest over them: by those that they had then.
#[test]
fn found_30_a_rename_does_not_outdate_what_was_found_through_a_need() {
    for phases in [2, 10, 64, 65, 70] {
        for to in ["a", "z"] {
            check_found(phases, to);
        }
    }
}

/// Checks a phase that is built on so many through another one, once one of them goes by a name in front of or behind all others.
fn check_found(count: usize, to: &str) {
    let shared = Shared::default();
    let mut clock = 1_700_000_000_000_000;
    let mut send = |action: Action| {
        clock += 1_000_000;
        let id =
            CommandId::new(uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + clock as u128));
        let sent = Sent { command: command(id, action), now: time(clock) };
        submit(&mut shared.ledger(), &sent).expect("legal")
    };
    let define = |renamed: Option<(usize, &str)>| {
        let name = |number: usize| match renamed {
            Some((which, to)) if which == number => to.to_owned(),
            _ => format!("p{number:02}"),
        };
        let mut phases: Vec<Value> = (0..count).map(|number| json!({"id": name(number)})).collect();
        if let Some((which, _)) = renamed {
            phases[which]["renamed_from"] = json!(format!("p{which:02}"));
        }
        phases.push(json!({"id": "between", "needs": (0..count).map(name).collect::<Vec<_>>()}));
        phases.push(json!({"id": "below", "needs": ["between"]}));
        let definition =
            serde_json::from_value(json!({"name": "w", "phases": phases})).expect("a definition");
        Action::Define(action::Define { definition: Box::new(definition) })
    };
    let line = |line: String| line.parse::<phaseledger::model::Request>().expect("a request").action;
    send(define(None));
    for phase in (0..count).map(|number| format!("p{number:02}")).chain(["below".to_owned()]) {
        send(line(format!(r#"{{"do":"start","phase":"{phase}","allow_unmet":true}}"#)));
        send(line(format!(r#"{{"do":"complete","phase":"{phase}"}}"#)));
    }
    let start =
        shared.json(Seq::ZERO).into_iter().rfind(|line| line["kind"] == "phase_started").expect("a start");
    let is_cut = start["data"]["looked_through"][0]["many"]["count"] == count;
    assert_eq!(is_cut, count > 64, "{start:#}");
    let renamed = send(define(Some((1, to))));
    assert_eq!(renamed.events.len(), 1, "nothing must run again");
    assert!(judge(&shared.ledger().table().expect("memory")).is_empty());
    send(line(format!(r#"{{"do":"start","phase":"{to}","rerun":true,"reason":"again"}}"#)));
    send(line(format!(r#"{{"do":"complete","phase":"{to}"}}"#)));
    let table = shared.ledger().table().expect("memory");
    let stale: Vec<String> = judge(&table).into_keys().map(ToString::to_string).collect();
    assert_eq!(stale, ["w/below"], "but another completion of it is one");
    shared.ledger().verify(false, |_| {}).expect("memory").expect("whole");
}
