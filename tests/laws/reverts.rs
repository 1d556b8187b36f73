//! Taking back: a revert of a revert is the state before, and nothing is lost on the way.

use phaseledger::ledger::{Answer, AnswerStatus, Ledger, LedgerError};
use phaseledger::model::{Action, CommandId, EventId, Request, Seq, StateName, action, parse_workflow};
use uuid::Uuid;

use crate::make::{command, text, time};
use crate::play::Shared;

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

fn revert(event: EventId) -> Action {
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
    let second = told.line(r#"{"do":"tag","name":"t"}"#);
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
    let with = |limit: &str| format!("{ONE}cost_limit = '{limit}'\n");
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
        mark.occurred_at = Some(time(5));
        let answer = told.ledger.submit(&mark, time(20)).expect("it is legal");
        assert_eq!(answer.events[0].at, time(5), "revert: {is_revert}");
    }
}
