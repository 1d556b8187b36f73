//! What commands did and what takes it back, a second time: what was there in front of a command is kept whole, and a
//! revert, or one of that, puts it there again.
//!
//! Whatever can be taken back is a *deed*. A value that a deed sets knows by which event it is what it is: as long as that
//! is the deed's, the deed can be taken back; once it is another's, that is passed. Where an event says the same as one
//! before it, either way of reading it is right.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::judge::judge;
use crate::money::{amount, units};
use crate::oracle::{Spot, Token, World, full, list, string, subject};
use crate::permit::may_define;

/// What a command did, by its first event.
#[derive(Debug, Clone)]
pub struct Deed {
    pub seq: u64,
    pub phase: Option<String>,
    pub workflow: Option<String>,
    /// Whether what it is about is gone by it, and there again once it is taken back.
    pub takes: bool,
    /// The event by which it is taken back.
    pub undone: Option<u64>,
    /// Whether that took it back itself, and is not there again only because what took that back is taken back.
    /// (TODO: until it is mended, a note and a cost may be taken back twice where it is not.)
    pub is_plain: bool,
    /// The last event by which it counts: its own, or one that brought it back.
    pub since: u64,
    /// For a revert, the first event of what it takes back.
    pub of: Option<String>,
    pub root: Value,
    pub what: What,
    /// What it did to keys of metadata.
    pub keys: BTreeMap<String, Changed<Option<Value>>>,
}

/// What a deed is about, with what was there in front of it.
#[derive(Debug, Clone)]
pub enum What {
    /// What happened, which nothing takes back.
    Fact,
    Marks(Vec<u64>),
    Note,
    Tag(String, Changed<Option<u64>>),
    Metadata,
    Limit(Changed<Option<i128>>),
    /// The amount, and the attempt.
    Cost(i128, Value),
    /// The definitions, and what is there by this one.
    Definition(Changed<Option<Value>>, Vec<String>),
    Skip(Box<Stand>),
    /// The request.
    Decision(String, Changed<Option<bool>>),
}

/// A value, and the event by which it is that.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held<T> {
    pub is: T,
    pub by: u64,
    /// The event that wrote it there: another one where it is there again.
    pub at: u64,
}

/// A value before and after a deed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed<T> {
    pub before: Held<T>,
    pub after: Held<T>,
}

/// Where a phase stands of itself: what a skip replaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stand {
    state: String,
    skipped: bool,
    stale: bool,
    ran_under: Value,
    persons: Vec<u64>,
    scans: Vec<(u64, Value)>,
    token: Option<Token>,
    set_aside: Option<u64>,
    moved: Option<u64>,
    started: Option<u64>,
    began: Option<u64>,
    answering: Option<u64>,
}

/// What becomes of a revert.
#[derive(Debug)]
pub enum May {
    /// It is recorded: the kind, phase, `from` and `to` of each event that is asked for.
    Must(Vec<Value>),
    /// It is, and perhaps more with it; or it is refused.
    Either(Vec<Value>),
    /// It is refused, for this where that is told.
    Not(&'static str),
}

impl Spot {
    fn stand(&self) -> Stand {
        Stand {
            state: self.state.clone(),
            skipped: self.skipped,
            stale: self.stale,
            ran_under: self.ran_under.clone(),
            persons: self.persons.clone(),
            scans: self.scans.clone(),
            token: self.standing.last().and_then(|(_, token)| token.clone()),
            set_aside: self.set_aside,
            moved: self.moved,
            started: self.started,
            began: self.began,
            answering: self.answering,
        }
    }

    fn restore(&mut self, stand: &Stand, seq: u64) {
        let Stand { state, skipped, stale, ran_under, persons, scans, token, .. } = stand.clone();
        (self.state, self.skipped, self.stale, self.ran_under) = (state, skipped, stale, ran_under);
        (self.persons, self.scans) = (persons, scans);
        (self.set_aside, self.moved) = (stand.set_aside, stand.moved);
        (self.started, self.began, self.answering) = (stand.started, stand.began, stand.answering);
        if self.standing.last().and_then(|(_, token)| token.as_ref()) != token.as_ref() {
            self.standing.push((seq, token));
        }
        self.stirred = seq;
    }

    /// Returns the event since a place that had its completion stand again.
    pub fn put_back(&self, since: u64) -> Option<u64> {
        let (seq, token) = self.standing.last()?;
        (*seq > since && token.as_ref()?.seq < *seq).then_some(*seq)
    }

    fn key(&self, key: &str) -> Held<Option<Value>> {
        let (by, at) = self.wrote.get(key).copied().unwrap_or((self.cleared, self.cleared));
        Held { is: self.metadata.get(key).cloned(), by, at }
    }

    /// Attaches metadata, and returns what that changed.
    pub fn attach(&mut self, line: &Value) -> BTreeMap<String, Changed<Option<Value>>> {
        let data = &line["data"];
        let seq = line["seq"].as_u64().expect("a number");
        let given = data["metadata"].as_object().into_iter().flatten();
        let given = given.map(|(key, value)| (key.clone(), Some(value.clone())));
        let removed = list(&data["removed"]).iter().map(|key| (string(key), None));
        let mut changed = BTreeMap::new();
        for (key, is) in given.chain(removed) {
            let (before, after) = (self.key(&key), Held { is, by: seq, at: seq });
            self.write(&key, &after);
            changed.insert(key, Changed { before, after });
        }
        changed
    }

    fn write(&mut self, key: &str, held: &Held<Option<Value>>) {
        match &held.is {
            Some(value) => self.metadata.insert(key.to_owned(), value.clone()),
            None => self.metadata.remove(key),
        };
        self.wrote.insert(key.to_owned(), (held.by, held.at));
    }
}

impl World {
    /// Keeps what a command's first event is about to do.
    pub fn keep(&mut self, line: &Value) {
        let (kind, data, seq) = (string(&line["kind"]), &line["data"], self.head);
        let (id, phase) = (string(&line["id"]), subject(line));
        let workflow = line["workflow"].as_str().map(str::to_owned);
        let is_person = line["data"]["changes"].as_array().is_none_or(Vec::is_empty);
        let spot = phase.as_ref().and_then(|phase| self.phases.get(phase));
        let what = match kind.as_str() {
            "rerun_marked" | "rerun_cause_added" if is_person => What::Marks(vec![seq]),
            "rerun_withdrawn" if data["withdrawn"] == "manual" => {
                What::Marks(spot.expect("a phase").persons.clone())
            }
            "note_added" => What::Note,
            "tag_set" => {
                let name = string(&data["name"]);
                let after = Held { is: data["seq"].as_u64(), by: seq, at: seq };
                What::Tag(name.clone(), Changed { before: self.tag(&name), after })
            }
            "metadata_recorded" => What::Metadata,
            "cost_limit_set" => {
                let purse =
                    spot.map_or_else(|| &self.purses[workflow.as_ref().expect("one")], |spot| &spot.purse);
                let before = purse.held();
                What::Limit(Changed { before, after: Held { is: amount(&data["limit"]), by: seq, at: seq } })
            }
            "cost_recorded" => {
                What::Cost(amount(&data["amount"]).expect("an amount"), data["attempt"].clone())
            }
            "workflow_defined" => {
                let before = self.in_force.get(workflow.as_ref().expect("one")).cloned();
                let workflow = workflow.as_deref().expect("a definition is of one");
                let added = list(&data["added"]).iter().map(|name| full(workflow, &string(name))).collect();
                let after = Held { is: Some(data["definition"].clone()), by: seq, at: seq };
                What::Definition(Changed { before: before.unwrap_or_default(), after }, added)
            }
            "phase_skipped" => What::Skip(Box::new(spot.expect("a phase").stand())),
            "approval_granted" | "approval_rejected" => {
                let request = string(&data["request"]);
                let asked = &self.requests[&request];
                let after = Held { is: Some(kind == "approval_granted"), by: seq, at: seq };
                What::Decision(request, Changed { before: asked.held(), after })
            }
            _ => What::Fact,
        };
        let takes = kind == "rerun_withdrawn";
        let root = line["correlation_id"].clone();
        let keys = BTreeMap::new();
        let deed = Deed {
            seq,
            phase,
            workflow,
            takes,
            undone: None,
            is_plain: true,
            since: seq,
            of: None,
            root,
            what,
            keys,
        };
        self.deeds.insert(id, deed);
    }

    /// Takes into account what else a command does: what began, or was looked for, is a fact.
    pub fn keep_more(&mut self, line: &Value) {
        if line["kind"] == "phase_started"
            && let Some(deed) = self.deeds.get_mut(&string(&line["command_id"]))
        {
            deed.what = What::Fact;
        }
    }

    fn tag(&self, name: &str) -> Held<Option<u64>> {
        self.tags.get(name).cloned().unwrap_or_default()
    }

    /// Counts a deed as taken back, and what it took back itself as there again; and so on.
    fn undo(&mut self, id: &str, by: u64) {
        let first = id;
        let mut next = Some((id.to_owned(), Some(by)));
        while let Some((id, undone)) = next {
            let deed = self.deeds.get_mut(&id).expect("a deed");
            deed.undone = undone;
            if undone.is_none() {
                deed.since = by;
            }
            deed.is_plain = id == first;
            let mine = deed.seq;
            next = deed.of.clone().map(|of| (of, undone.is_none().then_some(mine)));
        }
    }

    /// Reads an event that takes something back.
    pub fn take_back(&mut self, line: &Value) {
        let (data, seq) = (&line["data"], self.head);
        let id = string(&data["event"]);
        let deed = self.deeds[&id].clone();
        let workflow = line["workflow"].as_str().map(str::to_owned);
        assert_eq!((subject(line), &workflow), (deed.phase.clone(), &deed.workflow), "{line:#}");
        let causes: Vec<_> =
            list(&line["causes"]).iter().map(|cause| json!([cause["seq"], cause["kind"]])).collect();
        assert_eq!(causes, [json!([deed.seq, "reverted"])], "{line:#}");
        assert_eq!(line["correlation_id"], deed.root, "the root is that of what is taken back");
        let told = json!([data["seq"], data["again"] == true, data["what"]]);
        assert_eq!(told, json!([deed.seq, deed.takes, deed.what.name()]), "{line:#}");
        let spot = deed.phase.as_ref().map(|phase| self.phases.get_mut(phase).expect("there"));
        let what = match (deed.what.clone(), spot) {
            (What::Marks(marks), Some(spot)) => {
                let is_new = |mark: &u64| spot.persons.contains(mark) != deed.takes;
                let told: Vec<_> = list(&data["marks"]).iter().filter_map(Value::as_u64).collect();
                assert_eq!(told, marks.iter().copied().filter(is_new).collect::<Vec<_>>(), "{line:#}");
                if deed.takes {
                    spot.persons.extend(told.iter().copied());
                    spot.persons.sort_unstable();
                    spot.state = "NEEDS_RERUN".to_owned();
                    spot.stale = true;
                } else {
                    spot.persons.retain(|mark| !told.contains(mark));
                }
                What::Marks(told)
            }
            (What::Skip(stand), Some(spot)) => {
                let own = spot.stand();
                spot.restore(&stand, seq);
                What::Skip(Box::new(own))
            }
            (What::Tag(name, changed), _) => What::Tag(name.clone(), changed.back(self.tag(&name))),
            (What::Limit(changed), spot) => {
                let workflow = workflow.as_ref().expect("a limit is of one");
                let purse = spot.map_or_else(|| &self.purses[workflow], |spot| &spot.purse);
                What::Limit(changed.back(purse.held()))
            }
            (What::Cost(amount, attempt), _) => What::Cost(-amount, attempt),
            (What::Definition(changed, _), _) => {
                let now = self.in_force[workflow.as_ref().expect("one")].clone();
                What::Definition(changed.back(now), Vec::new())
            }
            (What::Decision(request, changed), _) => {
                let asked = self.requests.get_mut(&request).expect("it was asked");
                let back = changed.back(asked.held());
                asked.decision = back.after.is.map(|is_yes| (back.after.by, is_yes));
                asked.touched = seq;
                What::Decision(request, back)
            }
            (what, _) => what,
        };
        let own = Deed {
            seq,
            takes: !deed.takes,
            undone: None,
            is_plain: true,
            since: seq,
            of: Some(id.clone()),
            what,
            keys: BTreeMap::new(),
            ..deed
        };
        self.undo(&id, seq);
        self.deeds.insert(string(&line["id"]), own);
    }

    /// Reads an event that says what holds once something is taken back; it has been applied as any of its kind.
    pub fn hold(&mut self, line: &Value, written: BTreeMap<String, Changed<Option<Value>>>) {
        let id = string(&line["command_id"]);
        let own = self.deeds[&id].clone();
        let taken = self.deeds[own.of.as_ref().expect("a revert")].clone();
        let at = line["seq"].as_u64().expect("a number");
        let spot = own.phase.as_ref().map(|phase| self.phases.get_mut(phase).expect("there"));
        let what = match (own.what, spot) {
            (What::Tag(name, mut changed), _) => {
                changed.after.at = at;
                self.tags.insert(name.clone(), changed.after.clone());
                What::Tag(name, changed)
            }
            (What::Limit(mut changed), spot) => {
                changed.after.at = at;
                let purse = match spot {
                    Some(spot) => &mut spot.purse,
                    None => self.purses.get_mut(own.workflow.as_ref().expect("one")).expect("there"),
                };
                (purse.by, purse.at) = (changed.after.by, at);
                What::Limit(changed)
            }
            (What::Definition(mut changed, _), _) => {
                let workflow = own.workflow.expect("one");
                changed.after = Held { is: Some(line["data"]["definition"].clone()), at, ..changed.after };
                let added = list(&line["data"]["added"]).iter().map(|name| full(&workflow, &string(name)));
                let what = What::Definition(changed.clone(), added.collect());
                self.in_force.insert(workflow, changed.after);
                what
            }
            (what @ (What::Metadata | What::Skip(_)), Some(spot)) => {
                let mut keys = written;
                for (key, changed) in &mut keys {
                    let was = &taken.keys.get(key).expect("it is about what is taken back").before;
                    assert_eq!(was.is, changed.after.is, "the value of before: {line:#}");
                    changed.after.by = was.by;
                    spot.write(key, &changed.after);
                }
                self.deeds.get_mut(&id).expect("there").keys = keys;
                what
            }
            (what, _) => what,
        };
        self.deeds.get_mut(&id).expect("there").what = what;
    }
}

impl<T: Clone> Changed<T> {
    /// Returns what a revert changes, where there is something now.
    fn back(&self, now: Held<T>) -> Changed<T> {
        Changed { before: now, after: self.before.clone() }
    }
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            What::Fact => "nothing",
            What::Marks(_) => "mark",
            What::Note => "note",
            What::Tag(..) => "tag",
            What::Metadata => "metadata",
            What::Limit(_) => "limit",
            What::Cost(..) => "cost",
            What::Definition(..) => "definition",
            What::Skip(_) => "skip",
            What::Decision(..) => "decision",
        }
    }
}

/// Whether something is still what a deed made it: by the deed, or perhaps, as another said the same.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Still {
    Not,
    Perhaps,
    So,
}

fn still<T: PartialEq>(now: &Held<T>, after: &Held<T>) -> Still {
    // TODO: where it is there again, by the very event or by another that put it back, the program says it is not.
    match (now.is == after.is, now.by == after.by && now.at == after.at) {
        (true, true) => Still::So,
        (true, false) => Still::Perhaps,
        (false, _) => Still::Not,
    }
}

/// Says what becomes of a revert of a command, by the id of its first event.
pub fn permit_revert(world: &World, id: &str) -> May {
    let Some(deed) = world.deeds.get(id) else { return May::Not("NoCommand") };
    if let What::Fact = deed.what {
        return May::Not("CannotBe");
    }
    if deed.undone.is_some() && (deed.is_plain || !matches!(deed.what, What::Note | What::Cost(..))) {
        // One that was taken back anew, as what had taken that back is taken back, is told of either way.
        return May::Not(if deed.is_plain { "Already" } else { "" });
    }
    let spot = deed.phase.as_ref().map(|phase| &world.phases[phase]);
    let outlives = matches!(deed.what, What::Decision(..));
    if spot.is_some_and(|spot| spot.retired) && !outlives {
        return May::Not("");
    }
    let about = deed.phase.clone();
    let plain = |kind: &str| json!([kind, about, null, null]);
    let mut events = vec![plain("reverted")];
    let now = match (&deed.what, spot) {
        (What::Fact, _) => return May::Not("CannotBe"),
        (What::Note, _) => Still::So,
        (What::Marks(marks), Some(spot)) => {
            events = vec![json!(["reverted", about, spot.state, "NEEDS_RERUN"])];
            still_marked(spot, deed, marks)
        }
        (What::Skip(stand), Some(spot)) => {
            events = vec![json!(["reverted", about, spot.state, stand.state])];
            let keys = deed.keys.iter().map(|(key, changed)| still_attached(spot, key, changed));
            events.extend(keys.clone().any(|still| still == Still::So).then(|| plain("metadata_recorded")));
            let is_vague = keys.clone().any(|still| still == Still::Perhaps);
            match still_skipped(spot, deed) {
                Still::So if is_vague => Still::Perhaps,
                still => still,
            }
        }
        (What::Metadata, Some(spot)) => {
            events.push(plain("metadata_recorded"));
            let keys = deed.keys.iter().map(|(key, changed)| still_attached(spot, key, changed));
            keys.max_by(|one, other| one.partial_cmp(other).expect("in order")).unwrap_or(Still::Perhaps)
        }
        (What::Tag(name, changed), _) => {
            events.push(plain(if changed.before.is.is_some() { "tag_set" } else { "tag_removed" }));
            still(&world.tag(name), &changed.after)
        }
        (What::Limit(changed), spot) => {
            events.push(plain("cost_limit_set"));
            let workflow = || &world.purses[deed.workflow.as_ref().expect("one")];
            let purse = spot.map_or_else(workflow, |spot| &spot.purse);
            still(&purse.held(), &changed.after)
        }
        (What::Cost(amount, _), Some(spot)) => {
            events.push(plain("cost_recorded"));
            if spot.purse.spent >= *amount { Still::So } else { Still::Not }
        }
        (What::Definition(changed, added), _) => {
            events.push(plain("workflow_defined"));
            return permit_definition(world, deed, changed, added, events);
        }
        (What::Decision(request, changed), _) => {
            let asked = &world.requests[request];
            match still(&asked.held(), &changed.after) {
                Still::So if is_used(world, deed) => Still::Perhaps,
                Still::So if asked.touched != deed.since => Still::Perhaps,
                still => still,
            }
        }
        (what, None) => panic!("a {} of no phase", what.name()),
    };
    match now {
        Still::So => May::Must(events),
        Still::Perhaps => May::Either(events),
        Still::Not => May::Not(""),
    }
}

fn still_marked(spot: &Spot, deed: &Deed, marks: &[u64]) -> Still {
    let stands = matches!(spot.state.as_str(), "COMPLETE" | "NEEDS_RERUN");
    let since = spot.moved.unwrap_or(0);
    let there = marks.iter().filter(|mark| spot.persons.contains(mark)).count();
    match (stands && since < deed.seq, deed.takes) {
        (false, _) => Still::Not,
        (true, true) if spot.stirred < deed.seq && deed.since == deed.seq && there == 0 => Still::So,
        (true, true) => Still::Perhaps,
        (true, false) if there == 0 => Still::Not,
        (true, false) if there == marks.len() => Still::So,
        (true, false) => Still::Perhaps,
    }
}

fn still_attached(spot: &Spot, key: &str, changed: &Changed<Option<Value>>) -> Still {
    let now = spot.key(key);
    match still(&now, &changed.after) {
        // It said what was so.
        _ if now.is == changed.before.is => Still::Perhaps,
        still => still,
    }
}

fn still_skipped(spot: &Spot, deed: &Deed) -> Still {
    // A skip is there as long as nothing moves the phase, and so is what was there in front of it once it is taken back.
    match spot.stirred == deed.since {
        true if deed.since == deed.seq => Still::So,
        true => Still::Perhaps,
        false => Still::Not,
    }
}

/// Says whether leave was given by a deed, and something that it may have been for began since.
fn is_used(world: &World, deed: &Deed) -> bool {
    let facts = world.facts.iter().skip(deed.seq as usize);
    let is_near = |phase: &str| match &deed.phase {
        Some(about) => about == phase,
        None => phase.split('/').next() == deed.workflow.as_deref(),
    };
    let mut about = facts.filter(|fact| fact.phase.as_deref().is_some_and(is_near));
    about.any(|fact| matches!(fact.kind.as_str(), "phase_started" | "cost_recorded"))
}

fn permit_definition(
    world: &World,
    deed: &Deed,
    changed: &Changed<Option<Value>>,
    added: &[String],
    events: Vec<Value>,
) -> May {
    let workflow = deed.workflow.as_ref().expect("one");
    if world.in_force[workflow].by != changed.after.by {
        return May::Not("");
    }
    let Some(before) = &changed.before.is else { return May::Not("FirstDefinition") };
    let is_rested = |phase: &String| {
        world.facts.iter().skip(deed.since as usize).any(|fact| {
            let moves = matches!(
                fact.kind.as_str(),
                "phase_started" | "phase_skipped" | "phase_reset" | "cost_recorded"
            );
            fact.phase.as_ref() == Some(phase) && moves
        })
    };
    if added.iter().any(is_rested) {
        return May::Not("RestedOn");
    }
    match may_define(world, &serde_json::from_value(before.clone()).expect("a definition")) {
        true => May::Must(events),
        false => May::Not(""),
    }
}

/// Checks the data of what is recorded to take something back. `before` is the world in front of it, `world` has all that
/// the command asked for.
pub fn check_reverted(before: &World, world: &World, given: &[Value]) {
    let data = &given[0]["data"];
    let deed = &before.deeds[&string(&data["event"])];
    if let What::Marks(_) = deed.what {
        let phase = deed.phase.as_ref().expect("a mark is on one");
        let workflow = phase.split('/').next().unwrap_or_default();
        let reasons = judge(world).remove(phase).filter(|_| !deed.takes);
        let reasons: Option<Vec<_>> =
            reasons.map(|reasons| reasons.iter().map(|reason| reason.json(workflow)).collect());
        assert_eq!(data["still"].is_null(), reasons.is_none(), "{data:#}");
        assert_eq!(list(&data["still"]["reasons"]), reasons.unwrap_or_default(), "{data:#}");
    } else {
        assert!(data["still"].is_null() && data["marks"].is_null(), "{data:#}");
    }
    for line in &given[1..] {
        let data = &line["data"];
        assert_eq!((&line["rule"], &line["derived"]), (&json!("revert/1"), &json!(true)), "{line:#}");
        assert_eq!(line["correlation_id"], deed.root, "one root");
        match &deed.what {
            What::Tag(name, changed) => {
                let place = changed.before.is.or(changed.after.is);
                assert_eq!((&data["name"], data["seq"].as_u64()), (&json!(name), place), "{line:#}");
            }
            What::Limit(changed) => {
                let told = (amount(&data["limit"]), amount(&data["before"]));
                assert_eq!(told, (changed.before.is, changed.after.is), "{line:#}");
            }
            What::Cost(amount, attempt) => {
                assert_eq!(units(&string(&data["amount"])), -amount, "{line:#}");
                assert_eq!((data["refund"] == true, &data["attempt"]), (*amount > 0, attempt), "{line:#}");
            }
            What::Definition(changed, _) => assert_eq!(Some(&data["definition"]), changed.before.is.as_ref()),
            _ => {}
        }
    }
}
