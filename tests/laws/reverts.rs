//! Taking back: a revert of a revert is the state before, and nothing is lost on the way.

use std::collections::BTreeMap;
use std::io::Cursor;

use phaseledger::ledger::{Answer, AnswerStatus, Ledger, LedgerError, restore};
use phaseledger::model::{
    Action, CommandId, EventId, PhaseId, PhaseRef, Request, Seq, StateName, Timestamp, action, parse_workflow,
};
use phaseledger::rules::{Phase, PhaseState, Table, judge};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::generate::{Sent, plans};
use crate::make::{command, digest, text, time};
use crate::play::{Shared, blameless, cases, play, submit};
use crate::restore::export;

/// A ledger of one workflow, and commands that are sent to it as lines.
struct Told {
    shared: Shared,
    ledger: Ledger,
    sent: u128,
}

impl Told {
    fn new(file: &str) -> Told {
        let shared = Shared::default();
        let mut told = Told { ledger: shared.ledger(), shared, sent: 0 };
        told.define(file);
        told
    }

    fn try_send(&mut self, action: Action) -> Result<Answer, LedgerError> {
        self.sent += 1;
        let id = CommandId::new(Uuid::from_u128(self.sent));
        self.ledger.submit(&command(id, action), time(self.sent as i64))
    }

    /// Sends what must be recorded, and returns its first event.
    fn send(&mut self, action: Action) -> EventId {
        let answer = self.try_send(action).expect("it is legal");
        assert_eq!(answer.status, AnswerStatus::Appended);
        answer.events[0].id
    }

    fn define(&mut self, file: &str) -> EventId {
        let definition = Box::new(parse_workflow(file, "w.toml", None).expect("a workflow"));
        self.send(Action::Define(action::Define { definition }))
    }

    fn line(&mut self, line: &str) -> EventId {
        self.send(line.parse::<Request>().expect("a request").action)
    }

    fn revert(&mut self, event: EventId) -> EventId {
        self.send(revert(event))
    }

    fn spent(&self, phase: &str) -> String {
        let table = self.ledger.table().expect("rows");
        table.resolve(&phase.parse().expect("a name")).expect("a phase").budget.spent.to_string()
    }
}

pub fn revert(event: EventId) -> Action {
    Action::Revert(action::Revert { event, reason: text("a slip") })
}

const ONE: &str = "[workflow]\nname = 'w'\n[[phase]]\nid = 'a'\n";
const OTHER: &str = "[workflow]\nname = 'w'\n[[phase]]\nid = 'a'\nversion = '2'\n";

/// A cost that is taken back because what put it back is taken back is not taken back once more.
#[test]
fn found_31_a_cost_is_taken_back_once_whichever_way_it_went() {
    let mut told = Told::new(ONE);
    let cost = told.line(r#"{"do":"cost","phase":"a","amount":"5"}"#);
    told.line(r#"{"do":"cost","phase":"a","amount":"7"}"#);
    let first = told.revert(cost);
    let second = told.revert(first);
    let third = told.revert(second);
    assert_eq!(told.spent("a"), "7");
    let again = told.try_send(revert(cost));
    assert!(again.is_err(), "5 are given back twice, {} are spent: {again:#?}", told.spent("a"));
    told.revert(third);
    assert_eq!(told.spent("a"), "12");
    let again = told.try_send(revert(first));
    assert!(again.is_err(), "5 are spent twice, {} in all: {again:#?}", told.spent("a"));
}

/// A note that is there is not put there once more.
#[test]
fn found_31_a_note_is_put_back_once() {
    let mut told = Told::new(ONE);
    let note = told.line(r#"{"do":"note","text":"seen"}"#);
    let first = told.revert(note);
    let second = told.revert(first);
    let third = told.revert(second);
    told.revert(third);
    let again = told.try_send(revert(first));
    assert!(again.is_err(), "it is there already: {again:#?}");
}

/// What answers a definition that is in force again has the root of that: the log that the library writes verifies.
#[test]
fn found_31_what_a_definition_forces_that_is_there_again_has_its_root() {
    let mut told = Told::new(OTHER);
    told.line(r#"{"do":"start","phase":"a"}"#);
    told.line(r#"{"do":"complete","phase":"a"}"#);
    let define = told.define(ONE);
    let back = told.revert(define);
    told.revert(back);
    told.line(r#"{"do":"start","phase":"a"}"#);
    let lines = told.shared.json(Seq::ZERO);
    let start = lines.last().expect("a start");
    assert_eq!(start["correlation_id"], define.to_string(), "{start:#}");
    let verified = told.shared.ledger().verify(false, |_| {}).expect("memory");
    assert!(verified.is_ok(), "{verified:?}");
}

/// Two tags of one name are taken back one after the other, the last one first: the first is there again in between.
#[test]
fn found_31_what_is_there_again_can_be_taken_back_tag() {
    let mut told = Told::new(ONE);
    let first = told.line(r#"{"do":"tag","name":"t"}"#);
    let second = told.line(r#"{"do":"tag","name":"t","force":true}"#);
    told.revert(second);
    told.revert(first);
    assert!(told.ledger.table().expect("rows").tags.is_empty());
}

/// So are two skips: the phase is where it stood in front of both.
#[test]
fn found_31_what_is_there_again_can_be_taken_back_skip() {
    let mut told = Told::new(ONE);
    told.line(r#"{"do":"start","phase":"a"}"#);
    told.line(r#"{"do":"complete","phase":"a"}"#);
    told.line(r#"{"do":"rerun","phase":"a","reason":"so"}"#);
    let first = told.line(r#"{"do":"skip","phase":"a","reason":"one"}"#);
    let second = told.line(r#"{"do":"skip","phase":"a","reason":"two"}"#);
    told.revert(second);
    told.revert(first);
    let table = told.ledger.table().expect("rows");
    assert_eq!(
        table.resolve(&"a".parse().expect("a name")).expect("a phase").state.name(),
        StateName::NeedsRerun
    );
}

/// A definition that is in force again says its limits anew, as any `define` does, whatever was set by hand since.
#[test]
fn found_31_a_definition_that_is_there_again_says_its_limits_anew() {
    let one = ONE.replace("[[phase]]", "currency = 'USD'\n[[phase]]");
    let with = |limit: &str| format!("{one}cost_limit = '{limit}'\n");
    let mut told = Told::new(&with("5"));
    let define = told.define(&with("2"));
    told.line(r#"{"do":"cost_limit","phase":"a","limit":"7"}"#);
    let limit = |told: &Told| {
        let table = told.ledger.table().expect("rows");
        table
            .resolve(&"a".parse().expect("a name"))
            .expect("a phase")
            .budget
            .limit
            .map(|limit| limit.to_string())
    };
    assert_eq!(limit(&told).as_deref(), Some("7"));
    let back = told.revert(define);
    assert_eq!(limit(&told).as_deref(), Some("5"));
    told.revert(back);
    assert_eq!(limit(&told).as_deref(), Some("2"));
}

/// Metadata of an attempt is not put on a later one.
#[test]
fn found_31_metadata_is_not_put_on_another_attempt() {
    let mut told = Told::new(ONE);
    let meta = told.line(r#"{"do":"meta","phase":"a","metadata":{"k":1}}"#);
    let back = told.revert(meta);
    told.line(r#"{"do":"start","phase":"a"}"#);
    let again = told.try_send(revert(back));
    assert!(again.is_err(), "the start would have replaced it: {again:#?}");
}

/// Nor where the phase is skipped since, so that no attempt stands.
#[test]
fn found_31_metadata_is_not_put_behind_another_attempt() {
    let mut told = Told::new(ONE);
    let meta = told.line(r#"{"do":"meta","phase":"a","metadata":{"k":1}}"#);
    let back = told.revert(meta);
    told.line(r#"{"do":"start","phase":"a"}"#);
    told.line(r#"{"do":"fail","phase":"a","error":"no"}"#);
    told.line(r#"{"do":"skip","phase":"a","reason":"so"}"#);
    let again = told.try_send(revert(back));
    assert!(again.is_err(), "the start would have replaced it: {again:#?}");
}

/// What was taken back, put back and taken back again is there again by the last of these, and by no other.
#[test]
fn found_31_only_the_last_word_is_taken_back() {
    for line in [
        r#"{"do":"note","phase":"a","text":"seen"}"#,
        r#"{"do":"cost","phase":"a","amount":"5"}"#,
        r#"{"do":"tag","name":"t"}"#,
        r#"{"do":"skip","phase":"a","reason":"so"}"#,
    ] {
        let mut told = Told::new(ONE);
        let deed = told.line(line);
        let first = told.revert(deed);
        let second = told.revert(first);
        let third = told.revert(second);
        let again = told.try_send(revert(first));
        assert!(again.is_err(), "{line}: {again:#?}");
        told.revert(third);
    }
}

/// What answers a completion that answered a definition which is there again has the root of that.
#[test]
fn found_31_what_a_completion_answered_keeps_its_root() {
    let below = "[[phase]]\nid = 'b'\nneeds = ['a']\n";
    let mut told = Told::new(&format!("{OTHER}{below}"));
    let run = |told: &mut Told, phase: &str| {
        told.line(&format!(r#"{{"do":"start","phase":"{phase}"}}"#));
        told.line(&format!(r#"{{"do":"complete","phase":"{phase}"}}"#));
    };
    run(&mut told, "a");
    run(&mut told, "b");
    let define = told.define(&format!("{ONE}{below}"));
    let back = told.revert(define);
    told.revert(back);
    run(&mut told, "a");
    told.line(r#"{"do":"start","phase":"b"}"#);
    let lines = told.shared.json(Seq::ZERO);
    let start = lines.last().expect("a start");
    assert_eq!(start["correlation_id"], define.to_string(), "{start:#}");
    let verified = told.shared.ledger().verify(false, |_| {}).expect("memory");
    assert!(verified.is_ok(), "{verified:?}");
}

/// What takes a mark back moves nothing, as `rerun --withdraw` does not: what is claimed for a time before it is not raised.
#[test]
fn found_31_a_mark_rests_on_none_that_was_taken_back() {
    for is_revert in [false, true] {
        let mut told = Told::new(ONE);
        told.line(r#"{"do":"start","phase":"a"}"#);
        told.line(r#"{"do":"complete","phase":"a"}"#);
        told.line(r#"{"do":"rerun","phase":"a","reason":"one"}"#);
        let second = told.line(r#"{"do":"rerun","phase":"a","reason":"two"}"#);
        match is_revert {
            false => told.line(r#"{"do":"rerun","phase":"a","reason":"a slip","withdraw":true}"#),
            true => told.revert(second),
        };
        told.sent += 1;
        let mark =
            r#"{"do":"rerun","phase":"a","reason":"three"}"#.parse::<Request>().expect("a request").action;
        let mut mark = command(CommandId::new(Uuid::from_u128(told.sent)), mark);
        mark.occurred_at = Some(time(5).into());
        let answer = told.ledger.submit(&mark, time(20)).expect("it is legal");
        assert_eq!(answer.events[0].at, time(5), "revert: {is_revert}");
    }
}

/// Returns what a table says, as far as one that goes by other events may say the same: all but when that was, and what
/// else could be taken back.
pub fn says(table: &Table, with_limits: bool) -> Value {
    let stale = judge(table);
    let limit = |limit| with_limits.then_some(limit);
    let phase = |phase: &Phase| {
        let attempt = phase.state.attempt();
        let skipped = match &phase.state {
            PhaseState::Pending { skipped } => skipped.as_ref(),
            _ => None,
        };
        let said = phase.state.marks().iter().filter(|mark| mark.is_own());
        json!({
            "state": phase.state.name(), "retired": phase.retired, "attempts": phase.attempt,
            "attempt": attempt, "standing": phase.standing().map(|of| (of.event, of.output)),
            "skipped": skipped, "said": said.collect::<Vec<_>>(), "aside": phase.aside, "reset": phase.reset,
            "reasons": stale.get(&phase.id), "metadata": phase.metadata, "spent": phase.budget.spent,
            "limit": limit(phase.budget.limit), "spec": phase.spec,
        })
    };
    let phases = table.phases.iter().map(|(id, it)| (id.to_string(), phase(it))).collect::<BTreeMap<_, _>>();
    let workflows = table.workflows.values().map(|of| {
        let limits = limit(of.budget.limit);
        json!([of.name, of.definition, of.description, of.currency, of.approval, of.budget.spent, limits])
    });
    let approvals = table.approvals.values().map(|of| json!([of.request, of.asked, of.decision]));
    let tags = table.tags.iter().map(|(name, tag)| json!([name, tag.seq]));
    json!({
        "phases": phases, "workflows": workflows.collect::<Vec<_>>(),
        "approvals": approvals.collect::<Vec<_>>(), "tags": tags.collect::<Vec<_>>(),
    })
}

/// Sends one thing more, whatever else was sent.
pub fn one_more(
    ledger: &mut Ledger,
    number: u128,
    action: Action,
    now: Timestamp,
) -> Result<Answer, LedgerError> {
    let command = command(CommandId::new(Uuid::from_u128(1 << 100 | number)), action);
    blameless(ledger.submit(&command, now))
}

/// Returns the phases as JSON, but for when they were last written about, and what could be taken back.
fn rows(table: &Table) -> Vec<Value> {
    let shown = |phase: &Phase| {
        let mut shown = serde_json::to_value(phase).expect("a row");
        let fields = shown.as_object_mut().expect("an object");
        ["last_seq", "updated_at", "moved", "replaced"].iter().for_each(|field| drop(fields.remove(*field)));
        shown
    };
    table.phases.values().map(shown).collect()
}

fn is_recorded(answer: &Result<Answer, LedgerError>) -> bool {
    answer.as_ref().is_ok_and(|answer| answer.status == AnswerStatus::Appended)
}

/// Starts and completes what can be, again and again, and returns the phases that do not stand then.
fn run_all(ledger: &mut Ledger, now: Timestamp) -> Vec<PhaseId> {
    let mut sent = 1 << 64;
    loop {
        let before = sent;
        let phases: Vec<_> =
            ledger.table().expect("rows").current().into_iter().map(|phase| phase.id.clone()).collect();
        for id in phases {
            for action in next(&ledger.table().expect("rows"), &id) {
                sent += 1;
                one_more(ledger, sent, action, now).expect("it is legal");
            }
        }
        if sent == before {
            break;
        }
        assert!(sent - (1 << 64) < 1_000, "it does not end");
    }
    let table = ledger.table().expect("rows");
    let open = |phase: &&Phase| !phase.state.satisfies();
    table.current().into_iter().filter(open).map(|phase| phase.id.clone()).collect()
}

/// Returns what has a phase stand: nothing where it does, or where it cannot be started yet.
fn next(table: &Table, id: &PhaseId) -> Vec<Action> {
    let (phase, name) = (&table.phases[id], PhaseRef::from(id.clone()));
    let start = action::Start {
        phase: name.clone(),
        metadata: Default::default(),
        allow_unmet: false,
        again: None,
        over_limit: Some(text("go on")),
        inputs: Vec::new(),
        worker: None,
    };
    let complete = action::Complete {
        phase: name,
        metadata: Default::default(),
        output: digest(1),
        outputs: Vec::new(),
    };
    let (start, complete) = (Action::Start(start), Action::Complete(complete));
    match phase.state.name() {
        StateName::InProgress => vec![complete],
        _ if phase.state.satisfies() || !table.unmet(phase).is_empty() => Vec::new(),
        _ => vec![start, complete],
    }
}

proptest! {
    #![proptest_config(cases(100))]

    /// Wherever something is taken back, taking that back at once leaves what was: states, tags, what was spent, limits,
    /// approvals, definitions. Not so what happened by it (money that is over a limit fails an attempt), and not so limits
    /// where it was a definition, which says them anew.
    #[test]
    fn what_takes_back_is_taken_back_at_once(plan in plans(14)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let mut count = 0;
        for Sent { command, now } in plan.sent() {
            let Action::Revert(_) = command.action else {
                let _ = blameless(ledger.submit(&command, now));
                continue;
            };
            let before = ledger.table().expect("rows");
            let answer = blameless(ledger.submit(&command, now));
            if !is_recorded(&answer) {
                continue;
            }
            let lines = shared.json(before.head);
            if lines.iter().any(|line| line["kind"] == "phase_failed") {
                continue;
            }
            let mut fork = shared.fork().ledger();
            let back = one_more(&mut fork, 1, revert(command.id.event(0)), now).expect("it can be at once");
            prop_assert_eq!(back.status, AnswerStatus::Appended);
            let with_limits = lines[0]["data"]["what"] != "definition";
            let after = fork.table().expect("rows");
            prop_assert_eq!(says(&after, with_limits), says(&before, with_limits), "{:#?}", lines);
            count += 1;
        }
        println!("{count} taken back twice");
    }

    /// A mark that is taken back before anything else runs leaves every phase as it was, and so do several, in any order.
    #[test]
    fn a_mark_that_is_taken_back_leaves_nothing(
        plan in plans(14),
        marks in prop::collection::vec(any::<Index>(), 1..4),
        order in prop::collection::vec(any::<Index>(), 3),
    ) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let sent = plan.sent();
        let now = sent.last().map_or(time(0), |sent| sent.now);
        play(&mut ledger, &sent);
        let before = rows(&ledger.table().expect("rows"));
        let (mut number, mut open) = (0, Vec::new());
        let mut send = |action: Action| {
            number += 1;
            let answer = one_more(&mut ledger, number, action, now).expect("it is legal");
            assert_eq!(answer.status, AnswerStatus::Appended);
            (answer.events[0].id, rows(&ledger.table().expect("rows")))
        };
        let may = |row: &&Value| {
            let is_there = row["state"].get("COMPLETE").or(row["state"].get("NEEDS_RERUN")).is_some();
            is_there && row["retired"] == false
        };
        for which in marks {
            let phases: Vec<_> = before.iter().filter(may).collect();
            if !phases.is_empty() {
                let id = which.get(&phases)["id"].clone();
                let phase: PhaseId = serde_json::from_value(id).expect("a phase");
                let rerun = action::Rerun { phase: phase.into(), reason: text("a slip"), withdraw: false };
                open.push(send(Action::Rerun(rerun)).0);
            }
        }
        let mut after = before.clone();
        for which in order {
            if let Some(at) = (!open.is_empty()).then(|| which.index(open.len())) {
                after = send(revert(open.remove(at))).1;
            }
        }
        prop_assert_eq!(after, before);
    }

    /// What takes something back is appended: the lines in front of it are byte for byte what they were, and verify. What a
    /// preview says of it is what it does.
    #[test]
    fn what_takes_back_changes_no_line(plan in plans(10)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        for sent in plan.sent() {
            let Action::Revert(_) = sent.command.action else {
                let _ = submit(&mut ledger, &sent);
                continue;
            };
            let before = shared.lines();
            let preview = blameless(ledger.preview(&sent.command, sent.now));
            let preview = preview.map(|answer| answer.events);
            prop_assert_eq!(&shared.lines(), &before);
            let answer = submit(&mut ledger, &sent);
            let is_new = !answer.as_ref().is_ok_and(|answer| answer.status == AnswerStatus::Duplicate);
            prop_assert_eq!(&shared.lines()[..before.len()], before);
            if is_recorded(&answer) {
                let verified = ledger.verify(false, |_| {}).expect("memory").expect("it is whole");
                prop_assert!(verified.rows_match);
            }
            let answer = answer.map(|answer| answer.events);
            prop_assert!(!is_new || format!("{answer:?}") == format!("{preview:?}"), "{answer:?} {preview:?}");
        }
    }

    /// What is startable leads to the end: everything stands or is skipped.
    #[test]
    fn what_is_startable_leads_to_the_end(plan in plans(14)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let sent = plan.sent();
        let now = sent.last().map_or(time(0), |sent| sent.now);
        play(&mut ledger, &sent);
        prop_assert_eq!(run_all(&mut ledger, now), Vec::new());
    }

    /// An export has what was taken back, and restores to the same bytes.
    #[test]
    fn an_export_has_what_was_taken_back(plan in plans(20)) {
        let shared = Shared::default();
        play(&mut shared.ledger(), &plan.sent());
        let restored = Shared::default();
        let bytes = export(&shared.ledger());
        restore(&mut restored.ledger(), Cursor::new(&bytes), |_| {}).expect("an export");
        prop_assert_eq!(restored.lines(), shared.lines());
        prop_assert_eq!(export(&restored.ledger()), bytes);
        prop_assert_eq!(restored.ledger().table().expect("rows"), shared.ledger().table().expect("rows"));
        let reverts = shared.json(Seq::ZERO).iter().filter(|line| line["kind"] == "reverted").count();
        println!("{reverts} taken back");
    }
}
