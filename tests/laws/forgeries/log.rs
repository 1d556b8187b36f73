//! Logs to forge: lines that the library wrote, and lines that only look as if it had.

use phaseledger::ledger::{EXPORT_SCHEMA, ExportEnd, Ledger};
use phaseledger::model::{Action, CommandId, Request, Seq, action, parse_workflow};
use phaseledger::store::{Batch, Entry, Frontier, Log as _, Times};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::make::{command, time};
use crate::play::Shared;

/// The phases are named as they stand in the end; `gone` is in the first definition only.
const PHASES: [&str; 7] = ["pending", "running", "complete", "failed", "stale", "gone", "idle"];

const COMMANDS: [&str; 17] = [
    r#"{"do":"start","phase":"running"}"#,
    r#"{"do":"start","phase":"complete"}"#,
    r#"{"do":"complete","phase":"complete"}"#,
    r#"{"do":"start","phase":"failed"}"#,
    r#"{"do":"fail","phase":"failed","error":"no"}"#,
    r#"{"do":"start","phase":"stale"}"#,
    r#"{"do":"complete","phase":"stale"}"#,
    r#"{"do":"rerun","phase":"stale","reason":"again"}"#,
    r#"{"do":"cost_limit","phase":"running","limit":"10"}"#,
    r#"{"do":"cost","phase":"running","amount":"9"}"#,
    r#"{"do":"cost_limit","phase":"idle","limit":"10"}"#,
    r#"{"do":"approval_request","operation":"open","estimate":"7","items":1,"phase":"running"}"#,
    r#"{"do":"approval_request","operation":"cheap","estimate":"0.01","items":1}"#,
    r#"{"do":"approval_request","operation":"gone","estimate":"7","items":1,"phase":"gone"}"#,
    r#"{"do":"tag","name":"here"}"#,
    r#"{"do":"note","text":"one"}"#,
    r#"{"do":"note","text":"two"}"#,
];

/// A log that can be changed at will: whatever it says, its root is right.
pub struct Log {
    lines: Vec<Value>,
    commands: u128,
}

impl Log {
    /// Records commands after which there is a phase in every state, and one that is gone.
    pub fn recorded() -> Log {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        define(&mut ledger, 1, &PHASES);
        for (number, line) in (2..).zip(COMMANDS) {
            let action = line.parse::<Request>().expect("a request").action;
            ledger.submit(&command(id(number), action), time(number as i64)).expect("it is legal");
        }
        let without = PHASES.into_iter().filter(|phase| *phase != "gone");
        define(&mut ledger, 30, &without.collect::<Vec<_>>());
        Log { lines: shared.json(Seq::ZERO), commands: 30 }
    }

    /// Adds an event as it would be recorded, of a command of its own: about a phase (`w/pending`), a workflow (`w`) or
    /// the ledger (nothing).
    pub fn add(&mut self, kind: &str, about: &str, data: Value) -> &mut Self {
        self.commands += 1;
        let digest = self.lines[0]["command_digest"].clone();
        self.push(id(self.commands), 0, (kind, about, data))["command_digest"] = digest;
        self
    }

    /// Adds one more event of the last one's command.
    pub fn and(&mut self, kind: &str, about: &str, data: Value) -> &mut Self {
        let last = self.last()["command_id"].clone();
        let command: CommandId = serde_json::from_value(last.clone()).expect("an id");
        let index = self.lines.iter().filter(|line| line["command_id"] == last).count();
        self.push(command, index, (kind, about, data));
        self
    }

    fn push(&mut self, command: CommandId, index: usize, what: (&str, &str, Value)) -> &mut Value {
        let (kind, about, data) = what;
        let (seq, event) = (self.lines.len() + 1, command.event(index));
        let when = time(self.commands as i64);
        self.lines.push(json!({
            "v": 2, "seq": seq, "id": event, "command_id": command, "kind": kind, "at": when, "recorded_at": when,
            "by": {"name": "ana", "host": "build-3", "via": "test"}, "derived": false, "correlation_id": event,
            "data": data,
        }));
        let line = self.last();
        let mut about = about.split('/');
        for field in ["workflow", "phase"] {
            if let Some(name) = about.next().filter(|name| !name.is_empty()) {
                line[field] = json!(name);
            }
        }
        line
    }

    /// Says that the last event leads from one state to another.
    pub fn leads(&mut self, from: &str, to: &str) -> &mut Self {
        self.set("from", json!(from)).set("to", json!(to))
    }

    /// Says that earlier events are the causes of the last one, and that its root is that of the first of them.
    pub fn caused_by(&mut self, seqs: &[usize]) -> &mut Self {
        let cause =
            |seq: &usize| json!({"event": self.lines[seq - 1]["id"], "seq": seq, "kind": "same_command"});
        let causes: Vec<Value> = seqs.iter().map(cause).collect();
        let root = self.lines[seqs[0] - 1]["correlation_id"].clone();
        let direct = causes[0]["event"].clone();
        self.set("causes", json!(causes)).set("causation_id", direct).set("correlation_id", root)
    }

    /// Says that all of it is of the first form.
    pub fn of_first_form(&mut self) -> &mut Self {
        self.lines.iter_mut().for_each(|line| line["v"] = json!(1));
        self
    }

    /// Sets a field of the last event.
    pub fn set(&mut self, field: &str, to: Value) -> &mut Self {
        self.last()[field] = to;
        self
    }

    /// Takes a field from the last event.
    pub fn without(&mut self, field: &str) -> &mut Self {
        self.last().as_object_mut().expect("an event").remove(field).expect("a field");
        self
    }

    /// Changes the line of the last event as a text.
    pub fn last(&mut self) -> &mut Value {
        self.lines.last_mut().expect("an event")
    }

    /// Returns the place of the last event.
    pub fn end(&self) -> usize {
        self.lines.len()
    }

    /// Returns the place of an event, counted among those of its kind.
    pub fn place(&self, kind: &str, index: usize) -> usize {
        let mut of_kind = self.lines.iter().enumerate().filter(|(_, line)| line["kind"] == kind);
        of_kind.nth(index).expect("an event of the kind").0 + 1
    }

    /// Returns a field of an event at a place.
    pub fn field(&self, seq: usize, field: &str) -> Value {
        self.lines[seq - 1][field].clone()
    }

    /// Returns a store that has the lines, and no rows.
    pub fn store(&self) -> Shared {
        let times = Times { at: time(0), recorded_at: time(0) };
        let entry =
            |(number, line): (u128, &Value)| Entry { command_id: id(number), times, line: line.to_string() };
        let batch = Batch { entries: (0..).zip(&self.lines).map(entry).collect(), ..Batch::default() };
        let mut store = Shared::default();
        let head = store.head().expect("memory");
        store.append(&head, &batch).expect("memory");
        store
    }

    /// Returns an export of the lines, whose root is right.
    pub fn export(&self) -> String {
        let mut frontier = Frontier::default();
        let mut text = String::new();
        for line in &self.lines {
            let line = line.to_string();
            frontier.push(line.as_bytes());
            text += &(line + "\n");
        }
        let events = frontier.leaves();
        let end = ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events, root: frontier.root() };
        text + &serde_json::to_string(&end).expect("an end") + "\n"
    }
}

/// Returns the id of a command.
pub fn id(number: u128) -> CommandId {
    CommandId::new(Uuid::from_u128(0x7000_8000_0000_0000_0000 + (number << 32)))
}

fn define(ledger: &mut Ledger, number: u128, phases: &[&str]) {
    let phases: String = phases.iter().map(|phase| format!("[[phase]]\nid = '{phase}'\n")).collect();
    let file = format!("[workflow]\nname = 'w'\ncurrency = 'USD'\n{phases}");
    let definition = Box::new(parse_workflow(&file, "w.toml", None).expect("a workflow"));
    let define = Action::Define(action::Define { definition });
    ledger.submit(&command(id(number), define), time(number as i64)).expect("it is legal");
}
