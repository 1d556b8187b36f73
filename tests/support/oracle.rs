//! A second reading of the log, made from what the design says of each kind of event and not from the code:
//! it knows nothing but the JSON of the lines.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use crate::defined::{Defined, Graph};
use crate::money::Purse;
use crate::undone::{Changed, Deed};

/// Where everything stands after some lines, and how it came to that.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub head: u64,
    pub phases: BTreeMap<String, Spot>,
    /// Every event, by its place less one.
    pub facts: Vec<Rc<Fact>>,
    /// Every definition, in order.
    pub defined: Vec<Rc<Defined>>,
    /// What needs what, all workflows together, from a place on.
    pub graphs: Vec<(u64, Rc<Graph>)>,
    /// What the definition read last changed about phases that were there before.
    pub changed: BTreeMap<String, Vec<Value>>,
    /// What each workflow cost.
    pub purses: BTreeMap<String, Purse>,
    /// What the definitions in force say of approvals.
    pub policies: BTreeMap<String, Value>,
    /// What leave was asked for, by the id of the request.
    pub requests: BTreeMap<String, Request>,
    /// The places that have names.
    pub tags: BTreeMap<String, u64>,
    /// The definition of each workflow; the place of the event that retired it, where it is not in force any more.
    pub in_force: BTreeMap<String, Value>,
    /// What each command did, by the id of its first event.
    pub deeds: BTreeMap<String, Deed>,
    /// What phases were called, with what they are called.
    pub aliases: BTreeMap<String, String>,
    /// What was renamed: the place, the command, and the two names as they were.
    pub renames: Vec<Rename>,
}

/// That a phase got another name.
#[derive(Debug, Clone)]
pub struct Rename {
    pub seq: u64,
    pub command: String,
    pub from: String,
    pub to: String,
}

/// What somebody asked leave for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub seq: u64,
    pub by: String,
    pub workflow: String,
    pub phase: Option<String>,
    /// The place of the decision, and whether it was yes.
    pub decision: Option<(u64, bool)>,
    /// The last event that decided, or had it wait again.
    pub touched: u64,
}

/// Where a phase stands, by its full name. One that a definition dropped keeps all of it.
#[derive(Debug, Clone, Default)]
pub struct Spot {
    pub state: String,
    pub skipped: bool,
    pub retired: bool,
    pub attempt: u64,
    pub metadata: BTreeMap<String, Value>,
    /// The event that last took all of that away.
    pub cleared: u64,
    pub needs: Vec<String>,
    pub version: Value,
    /// Whether events say that it must run again, now or once the attempt ends.
    pub stale: bool,
    /// The version that the last attempt ran under.
    pub ran_under: Value,
    /// What persons said of it since that attempt began.
    pub persons: Vec<u64>,
    /// What scans told of it since that attempt began: the place, and the changed inputs.
    pub scans: Vec<(u64, Value)>,
    /// The completion that stands from a place on; none where none does.
    pub standing: Vec<(u64, Option<Token>)>,
    /// The event that last set a completion aside.
    pub set_aside: Option<u64>,
    /// The event that last started, ended, skipped or reset it.
    pub moved: Option<u64>,
    /// The last event that moved it or, where it is where it stood before, that did then.
    pub stirred: u64,
    /// The place of the last start; none for a phase that is PENDING.
    pub started: Option<u64>,
    /// The place of the event by which it is judged: that start, or an acceptance since.
    pub began: Option<u64>,
    /// The place of the event that tells what its completion answers: the start, or the acceptance of another output.
    pub answering: Option<u64>,
    /// What it cost.
    pub purse: Purse,
}

/// A completion that a phase stands by.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub seq: u64,
    pub event: String,
    pub output: Option<String>,
}

/// An event, as it looks to those that go back to it.
#[derive(Debug, Clone, Default)]
pub struct Fact {
    pub kind: String,
    pub event: String,
    pub phase: Option<String>,
    pub causes: Vec<Origin>,
    /// For a skip: what a start in its place would have answered.
    pub behind: Vec<Origin>,
    /// For what says that a phase must run again, who says so; none for a rule.
    pub said_by: Option<String>,
    /// Whether it was asked for, and leads from one state to another.
    pub is_asked: bool,
    /// Whether money was spent by it.
    pub is_cost: bool,
}

/// An event that another goes back to, and as what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    pub seq: u64,
    pub event: String,
    pub kind: String,
}

impl Spot {
    /// Returns the places at which scans told of such files since the phase started.
    pub fn told_of(&self, files: &str) -> Vec<u64> {
        self.scans.iter().filter(|(_, told)| is_of(told, files)).map(|(seq, _)| *seq).collect()
    }

    /// Returns what the last scan of such files since the phase started told it of.
    pub fn told(&self, files: &str) -> Value {
        let last = self.scans.iter().rev().find(|(_, told)| is_of(told, files));
        last.map_or(Value::Array(Vec::new()), |(_, told)| told.clone())
    }

    /// Says whether it has a completion that stands, or an attempt under way: only then can it be stale.
    pub fn is_judged(&self) -> bool {
        matches!(self.state.as_str(), "COMPLETE" | "NEEDS_RERUN" | "IN_PROGRESS")
    }
}

impl World {
    /// Reads one more line.
    pub fn apply(&mut self, line: &Value) {
        self.head += 1;
        assert_eq!(line["seq"], self.head, "places have no gaps");
        let kind = string(&line["kind"]);
        self.facts.push(Rc::new(Fact::new(&kind, line)));
        if kind == "reverted" {
            return self.revert(line);
        }
        if line.get("command_digest").is_some() {
            self.keep(line);
        } else {
            self.keep_more(line);
        }
        if kind == "workflow_defined" {
            self.define(line);
            self.in_force.insert(string(&line["workflow"]), line["data"]["definition"].clone());
            return self.hold_if(line, BTreeMap::new());
        }
        if kind == "workflow_retired" {
            self.retire(line);
            return self.hold_if(line, BTreeMap::new());
        }
        if matches!(kind.as_str(), "tag_set" | "tag_removed") {
            self.name(&kind, line);
        }
        if let Some(purse) = line["workflow"].as_str().and_then(|name| self.purses.get_mut(name))
            && (subject(line).is_none() || kind == "cost_recorded")
        {
            purse.apply(line);
        }
        if kind.starts_with("approval_") {
            self.approve(&kind, line);
        }
        let Some(name) = subject(line) else { return self.hold_if(line, BTreeMap::new()) };
        let spot = self.phases.get_mut(&name).expect("an event is about a phase that is there");
        let outlives = matches!(kind.as_str(), "approval_granted" | "approval_rejected");
        assert!(outlives || !spot.retired, "an event is about a phase that is still there");
        if let Some(from) = line.get("from") {
            assert_eq!(*from, spot.state, "`from` is where the phase stood");
        }
        let keys = spot.apply(&kind, line);
        if let Some(to) = line.get("to") {
            assert_eq!(*to, spot.state, "`to` is where the phase stands");
        }
        if line.get("command_digest").is_some() {
            self.deeds.get_mut(&string(&line["id"])).expect("kept").keys = keys;
        } else {
            self.hold_if(line, keys);
        }
    }

    /// Reads what takes something back.
    fn revert(&mut self, line: &Value) {
        let stands = |world: &World| subject(line).map(|name| world.phases[&name].state.clone());
        let from = stands(self);
        assert!(line.get("from").is_none_or(|told| Some(told.as_str()) == Some(from.as_deref())), "{line:#}");
        self.take_back(line);
        let to = stands(self);
        assert!(line.get("to").is_none_or(|told| Some(told.as_str()) == Some(to.as_deref())), "{line:#}");
        assert!(line.get("to").is_some() || from == to, "what moves a phase says so: {line:#}");
    }

    fn hold_if(&mut self, line: &Value, keys: BTreeMap<String, Changed<Option<Value>>>) {
        if line["rule"] == "revert/1" {
            self.hold(line, keys);
        }
    }

    /// Reads what gives a place a name, or takes it away.
    fn name(&mut self, kind: &str, line: &Value) {
        let (name, place) = (string(&line["data"]["name"]), line["data"]["seq"].as_u64().expect("a place"));
        if kind == "tag_removed" {
            assert_eq!(self.tags.remove(&name), Some(place), "it named that: {line:#}");
        } else {
            let before = self.tags.insert(name, place);
            let told = line["data"]["from"].as_u64();
            assert!(told.is_none() || told == before, "it moved from there: {line:#}");
        }
    }

    /// Reads a request, or the one decision that it gets.
    fn approve(&mut self, kind: &str, line: &Value) {
        let seq = self.head;
        if kind == "approval_requested" {
            let (workflow, by) = (string(&line["workflow"]), string(&line["by"]["name"]));
            let request = Request { seq, by, workflow, phase: subject(line), decision: None, touched: seq };
            self.requests.insert(string(&line["id"]), request);
            return;
        }
        let data = &line["data"];
        let request = self.requests.get_mut(&string(&data["request"])).expect("what is decided was asked");
        assert_eq!(request.decision, None, "a request is decided once");
        assert_eq!(data["request_seq"], request.seq);
        assert_eq!(
            (&line["causes"][0]["event"], line["causes"][0]["seq"].as_u64()),
            (&data["request"], Some(request.seq))
        );
        assert_eq!(
            (subject(line), string(&line["workflow"])),
            (request.phase.clone(), request.workflow.clone())
        );
        assert_eq!(data["decided_by"] == "policy", line["rule"] == "approval_policy/1");
        request.decision = Some((seq, kind == "approval_granted"));
        request.touched = seq;
    }

    /// Returns the phases that definitions in force have.
    pub fn current(&self) -> impl Iterator<Item = (&String, &Spot)> {
        self.phases.iter().filter(|(_, spot)| !spot.retired)
    }
}

impl Spot {
    /// Reads a line, and returns what it changed about metadata.
    fn apply(&mut self, kind: &str, line: &Value) -> BTreeMap<String, Changed<Option<Value>>> {
        let data = &line["data"];
        let seq = line["seq"].as_u64().expect("a number");
        self.purse.apply(line);
        match kind {
            "phase_started" | "phase_completed" | "phase_accepted" | "phase_failed" | "phase_skipped"
            | "phase_reset" => {
                self.transit(kind, line);
            }
            "rerun_marked" | "rerun_cause_added" | "rerun_deferred" | "rerun_cleared" => {
                self.judged(kind, line);
            }
            "rerun_withdrawn" => {
                assert!(self.stale, "e{seq}");
                match data["withdrawn"].as_str() {
                    Some("manual") => self.persons.clear(),
                    Some(files @ ("input" | "output")) => self.scans.retain(|(_, told)| !is_of(told, files)),
                    other => panic!("e{seq}: {other:?} is taken back"),
                }
            }
            "cost_recorded" => {
                self.paid(line);
                return BTreeMap::new();
            }
            "cost_limit_set" | "cost_warning_raised" | "cost_limit_exceeded" => {}
            "metadata_recorded" | "note_added" => {}
            "approval_requested" | "approval_granted" | "approval_rejected" => return BTreeMap::new(),
            unknown => panic!("no phase has a `{unknown}`"),
        }
        let keys = self.attach(line);
        if self.state == "PENDING" {
            self.started = None;
        }
        if matches!(self.state.as_str(), "COMPLETE" | "NEEDS_RERUN") {
            assert_eq!(self.stale, self.state == "NEEDS_RERUN", "e{seq}");
        }
        keys
    }

    /// Reads what moves a phase.
    fn transit(&mut self, kind: &str, line: &Value) {
        let data = &line["data"];
        let seq = line["seq"].as_u64().expect("a number");
        self.skipped = kind == "phase_skipped";
        self.stale = false;
        match kind {
            "phase_started" => {
                self.state = "IN_PROGRESS".to_owned();
                self.attempt += 1;
                (self.started, self.began, self.answering) = (Some(seq), Some(seq), Some(seq));
                self.forget(seq);
                self.persons.clear();
                self.scans.clear();
                self.ran_under = data["version"].clone();
                self.stale = !list(&data["reasons"]).is_empty();
            }
            "phase_completed" => {
                self.state = "COMPLETE".to_owned();
                let output = data["output"].as_str().map(str::to_owned);
                self.standing.push((seq, Some(Token { seq, event: string(&line["id"]), output })));
            }
            "phase_accepted" => {
                self.state = "COMPLETE".to_owned();
                self.began = Some(seq);
                self.persons.clear();
                self.scans.clear();
                self.ran_under = data["version"].clone();
                let output = data["output"].as_str().map(str::to_owned);
                let stood = self.standing.last().and_then(|(_, token)| token.as_ref());
                let is_same = stood.is_some_and(|token| token.output.is_some() && token.output == output);
                if !is_same {
                    self.answering = Some(seq);
                    self.standing.push((seq, Some(Token { seq, event: string(&line["id"]), output })));
                }
            }
            "phase_failed" => self.state = "FAILED".to_owned(),
            _ => self.state = "PENDING".to_owned(),
        }
        if kind == "phase_reset" {
            self.forget(seq);
        }
        if data.get("attempt").is_some() {
            assert_eq!(data["attempt"], self.attempt);
        }
        let ends_well = matches!(kind, "phase_completed" | "phase_accepted");
        if !ends_well && self.standing.last().is_some_and(|(_, token)| token.is_some()) {
            self.standing.push((seq, None));
            self.set_aside = Some(seq);
        }
        self.moved = Some(seq);
        self.stirred = seq;
    }

    /// Forgets all metadata.
    fn forget(&mut self, seq: u64) {
        self.metadata.clear();
        self.cleared = seq;
    }

    /// Reads what says that a phase must run again, or need not: said by a person, told by a scan, or derived.
    fn judged(&mut self, kind: &str, line: &Value) {
        let seq = line["seq"].as_u64().expect("a number");
        match (kind, self.state.as_str()) {
            ("rerun_marked", "COMPLETE") => self.state = "NEEDS_RERUN".to_owned(),
            ("rerun_cleared", "NEEDS_RERUN") => self.state = "COMPLETE".to_owned(),
            ("rerun_cause_added", "NEEDS_RERUN" | "IN_PROGRESS") => assert!(self.stale, "e{seq}"),
            ("rerun_deferred" | "rerun_cleared", "IN_PROGRESS") => {}
            (kind, state) => panic!("e{seq}: `{kind}` of what is {state}"),
        }
        self.stale = kind != "rerun_cleared";
        if is_derived(line) {
            return;
        }
        match said_by(line) {
            Some("manual") => self.persons.push(seq),
            _ => self.scans.push((seq, line["data"]["changes"].clone())),
        }
    }
}

/// Says whether changes are such of inputs, or of outputs.
fn is_of(changes: &Value, files: &str) -> bool {
    let what = changes[0]["what"].as_str().expect("something changed");
    what.split(' ').next() == Some(files)
}

impl Fact {
    fn new(kind: &str, line: &Value) -> Fact {
        let origins = |list_: &Value| list(list_).iter().map(Origin::new).collect();
        Fact {
            kind: kind.to_owned(),
            event: string(&line["id"]),
            phase: subject(line),
            causes: origins(&line["causes"]),
            behind: origins(&line["data"]["behind"]),
            said_by: said_by(line).map(str::to_owned),
            is_asked: line["from"] != line["to"] && line["derived"] == false,
            is_cost: kind == "cost_recorded" && line["data"]["refund"] != true,
        }
    }
}

impl Origin {
    fn new(one: &Value) -> Origin {
        let seq = one["seq"].as_u64().expect("a number");
        Origin { seq, event: string(&one["event"]), kind: string(&one["kind"]) }
    }
}

impl Spot {
    /// A cost belongs to the attempt under way, or else the last one: it is caused by its start. Its metadata
    /// are its own. What takes one back belongs where that did.
    fn paid(&self, line: &Value) {
        if line["rule"] == "revert/1" {
            return;
        }
        let causes: Vec<_> = list(&line["causes"])
            .iter()
            .map(|cause| (cause["seq"].as_u64(), string(&cause["kind"])))
            .collect();
        let wanted = self.started.map(|seq| (Some(seq), "phase_started".to_owned()));
        assert_eq!(causes, wanted.into_iter().collect::<Vec<_>>());
        assert_eq!(line["data"]["attempt"].as_u64(), self.started.map(|_| self.attempt));
    }
}

/// Says whether the rule of staleness derived a line.
pub fn is_derived(line: &Value) -> bool {
    line["rule"].as_str().is_some_and(|rule| rule.starts_with("stale/"))
}

/// Tells who says that a phase must run again: a person, or a scan of inputs or of outputs; none where a rule does.
pub fn said_by(line: &Value) -> Option<&str> {
    let what = line["data"]["changes"][0]["what"].as_str();
    let files = what.and_then(|what| what.split(' ').next());
    (!is_derived(line)).then_some(files.unwrap_or("manual"))
}

/// Returns the full name of the phase that a line is about.
pub fn subject(line: &Value) -> Option<String> {
    Some(full(line["workflow"].as_str()?, line["phase"].as_str()?))
}

/// Returns a full name, a bare one being of `workflow`.
pub fn full(workflow: &str, name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("{workflow}/{name}") }
}

pub fn string(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// Returns the items of an array; none where there is none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
