//! What commands did and what takes it back, a second time: what was there in front of a command is kept whole, and a
//! revert, or one of that, puts it there again.
//!
//! Whatever can be taken back is a *deed*: as long as what it is about is as the deed left it, it can be; once that is
//! something else, it is passed. A value is that which the deed made it, whoever said so last; where a phase stands is told by
//! the event that moved it there, and a decision by its own.

use std::collections::BTreeMap;

use phaseledger::model::EventId;
use serde_json::{Value, json};

use crate::judge::judge;
use crate::money::{amount, units};
use crate::oracle::{Rename, Spot, Token, World, full, list, string, subject};
use crate::permit::{may_define, may_retire};

/// What a command did, by its first event.
#[derive(Debug, Clone)]
pub struct Deed {
    pub seq: u64,
    pub phase: Option<String>,
    pub workflow: Option<String>,
    /// Whether what it is about is gone by it, and there again once it is taken back.
    pub takes: bool,
    /// Whether it is taken back.
    pub undone: bool,
    /// The last event that took it back itself, whether that holds or not.
    pub last: Option<String>,
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
    /// The marks, and the move by which the phase stood.
    Marks(Vec<u64>, u64),
    Note,
    Tag(String, Changed<Option<u64>>),
    Metadata,
    Limit(Changed<Option<i128>>),
    /// The amount, and the attempt.
    Cost(i128, Value),
    /// The definitions, and what is there by this one.
    Definition(Changed<Option<Value>>, Vec<String>),
    /// Where the phase stood, and the move by which it stands from then on.
    Skip(Box<Stand>, u64),
    /// The request, and the decision with its place.
    Decision(String, Changed<Option<(u64, bool)>>),
}

/// A value before and after a deed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed<T> {
    pub before: T,
    pub after: T,
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
    stirred: u64,
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
            stirred: self.stirred,
            started: self.started,
            began: self.began,
            answering: self.answering,
        }
    }

    fn restore(&mut self, stand: &Stand, seq: u64) {
        let Stand { state, skipped, stale, ran_under, persons, scans, token, .. } = stand.clone();
        (self.state, self.skipped, self.stale, self.ran_under) = (state, skipped, stale, ran_under);
        (self.persons, self.scans) = (persons, scans);
        (self.set_aside, self.moved, self.stirred) = (stand.set_aside, stand.moved, stand.stirred);
        (self.started, self.began, self.answering) = (stand.started, stand.began, stand.answering);
        if self.standing.last().and_then(|(_, token)| token.as_ref()) != token.as_ref() {
            self.standing.push((seq, token));
        }
    }

    /// Returns the event since a place that had its completion stand again.
    pub fn put_back(&self, since: u64) -> Option<u64> {
        let (seq, token) = self.standing.last()?;
        (*seq > since && token.as_ref()?.seq < *seq).then_some(*seq)
    }

    /// Attaches metadata, and returns what that changed.
    pub fn attach(&mut self, line: &Value) -> BTreeMap<String, Changed<Option<Value>>> {
        let data = &line["data"];
        let given = data["metadata"].as_object().into_iter().flatten();
        let given = given.map(|(key, value)| (key.clone(), Some(value.clone())));
        let removed = list(&data["removed"]).iter().map(|key| (string(key), None));
        let mut changed = BTreeMap::new();
        for (key, after) in given.chain(removed) {
            let before = match &after {
                Some(value) => self.metadata.insert(key.clone(), value.clone()),
                None => self.metadata.remove(&key),
            };
            changed.insert(key, Changed { before, after });
        }
        changed
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
            "rerun_marked" | "rerun_cause_added" if is_person => {
                What::Marks(vec![seq], spot.expect("a phase").stirred)
            }
            "rerun_withdrawn" if data["withdrawn"] == "manual" => {
                let spot = spot.expect("a phase");
                What::Marks(spot.persons.clone(), spot.stirred)
            }
            "note_added" => What::Note,
            "tag_set" => {
                let name = string(&data["name"]);
                let before = self.tags.get(&name).copied();
                What::Tag(name, Changed { before, after: data["seq"].as_u64() })
            }
            "tag_removed" => {
                let name = string(&data["name"]);
                What::Tag(name, Changed { before: data["seq"].as_u64(), after: None })
            }
            "metadata_recorded" => What::Metadata,
            "cost_limit_set" => {
                let purse =
                    spot.map_or_else(|| &self.purses[workflow.as_ref().expect("one")], |spot| &spot.purse);
                What::Limit(Changed { before: purse.limit, after: amount(&data["limit"]) })
            }
            "cost_recorded" => {
                What::Cost(amount(&data["amount"]).expect("an amount"), data["attempt"].clone())
            }
            "workflow_defined" => {
                let before = self.in_force.get(workflow.as_ref().expect("one")).cloned();
                let workflow = workflow.as_deref().expect("a definition is of one");
                let added = list(&data["added"]).iter().map(|name| full(workflow, &string(name))).collect();
                What::Definition(Changed { before, after: Some(data["definition"].clone()) }, added)
            }
            "workflow_retired" => {
                let before = self.in_force.get(workflow.as_ref().expect("one")).cloned();
                What::Definition(Changed { before, after: Some(json!({"retired": seq})) }, Vec::new())
            }
            "phase_skipped" => What::Skip(Box::new(spot.expect("a phase").stand()), seq),
            "approval_granted" | "approval_rejected" => {
                let request = string(&data["request"]);
                let before = self.requests[&request].decision;
                What::Decision(request, Changed { before, after: Some((seq, kind == "approval_granted")) })
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
            undone: false,
            last: None,
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
            && let Some(command) = line["command_id"].as_str()
            && let Some(deed) = self.deeds.get_mut(command)
        {
            deed.what = What::Fact;
        }
    }

    /// Counts a deed as taken back, and what it took back itself as there again; and so on.
    fn undo(&mut self, id: &str, by: u64) {
        let (mut next, mut undone) = (Some(id.to_owned()), true);
        while let Some(id) = next {
            let deed = self.deeds.get_mut(&id).expect("a deed");
            deed.undone = undone;
            if !undone {
                deed.since = by;
            }
            (next, undone) = (deed.of.clone(), !undone);
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
            (What::Marks(marks, _), Some(spot)) => {
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
                What::Marks(told, spot.stirred)
            }
            (What::Skip(stand, _), Some(spot)) => {
                let own = spot.stand();
                spot.restore(&stand, seq);
                What::Skip(Box::new(own), spot.stirred)
            }
            (What::Tag(name, changed), _) => {
                let now = self.tags.get(&name).copied();
                What::Tag(name, changed.back(now))
            }
            (What::Limit(changed), spot) => {
                let workflow = workflow.as_ref().expect("a limit is of one");
                let purse = spot.map_or_else(|| &self.purses[workflow], |spot| &spot.purse);
                What::Limit(changed.back(purse.limit))
            }
            (What::Cost(amount, attempt), _) => What::Cost(-amount, attempt),
            (What::Definition(changed, _), _) => {
                let now = self.in_force[workflow.as_ref().expect("one")].clone();
                What::Definition(changed.back(Some(now)), Vec::new())
            }
            (What::Decision(request, changed), _) => {
                let asked = self.requests.get_mut(&request).expect("it was asked");
                let back = changed.back(asked.decision);
                asked.decision = back.after;
                asked.touched = seq;
                What::Decision(request, back)
            }
            (what, _) => what,
        };
        let own = Deed {
            seq,
            takes: !deed.takes,
            undone: false,
            last: None,
            since: seq,
            of: Some(id.clone()),
            what,
            keys: BTreeMap::new(),
            ..deed
        };
        self.undo(&id, seq);
        self.deeds.get_mut(&id).expect("there").last = Some(string(&line["id"]));
        self.deeds.insert(string(&line["id"]), own);
    }

    /// Reads an event that says what holds once something is taken back; it has been applied as any of its kind.
    pub fn hold(&mut self, line: &Value, written: BTreeMap<String, Changed<Option<Value>>>) {
        let own = &self.deeds[&string(&line["command_id"])];
        let taken = &self.deeds[own.of.as_ref().expect("a revert")];
        for (key, changed) in &written {
            let was = &taken.keys.get(key).expect("it is about what is taken back").before;
            assert_eq!(*was, changed.after, "the value of before: {line:#}");
        }
        let own = self.deeds.get_mut(&string(&line["command_id"])).expect("there");
        own.keys = written;
        if let What::Definition(changed, added) = &mut own.what {
            let workflow = string(&line["workflow"]);
            changed.after = self.in_force.get(&workflow).cloned();
            *added = list(&line["data"]["added"]).iter().map(|name| full(&workflow, &string(name))).collect();
        }
    }
}

impl<T: Clone> Changed<T> {
    /// Returns what a revert changes, where there is something now.
    fn back(&self, now: T) -> Changed<T> {
        Changed { before: now, after: self.before.clone() }
    }
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            What::Fact => "nothing",
            What::Marks(..) => "mark",
            What::Note => "note",
            What::Tag(..) => "tag",
            What::Metadata => "metadata",
            What::Limit(_) => "limit",
            What::Cost(..) => "cost",
            What::Definition(..) => "definition",
            What::Skip(..) => "skip",
            What::Decision(..) => "decision",
        }
    }
}

/// Says what becomes of a revert of a command, by the id of its first event.
pub fn permit_revert(world: &World, id: &str) -> May {
    let Some(deed) = world.deeds.get(id) else { return May::Not("NoCommand") };
    if let What::Fact = deed.what {
        return May::Not("CannotBe");
    }
    if deed.undone {
        return May::Not("Already");
    }
    if !has_last_word(world, id) {
        return May::Not("Passed");
    }
    let spot = deed.phase.as_ref().map(|phase| &world.phases[phase]);
    let outlives = matches!(deed.what, What::Decision(..) | What::Note);
    if spot.is_some_and(|spot| spot.retired) && !outlives {
        return May::Not("");
    }
    let about = deed.phase.clone();
    let plain = |kind: &str| json!([kind, about, null, null]);
    let mut events = vec![plain("reverted")];
    let is_there = match (&deed.what, spot) {
        (What::Fact, _) => return May::Not("CannotBe"),
        (What::Note, _) => true,
        (What::Marks(marks, moved), Some(spot)) => {
            events = vec![json!(["reverted", about, spot.state, "NEEDS_RERUN"])];
            let stands = matches!(spot.state.as_str(), "COMPLETE" | "NEEDS_RERUN");
            match deed.takes {
                true => stands && spot.stirred == *moved,
                false => stands && marks.iter().any(|mark| spot.persons.contains(mark)),
            }
        }
        (What::Skip(stand, moved), Some(spot)) => {
            events = vec![json!(["reverted", about, spot.state, stand.state])];
            events.extend(is_attached(spot, deed).then(|| plain("metadata_recorded")));
            spot.stirred == *moved
        }
        (What::Metadata, Some(spot)) => {
            events.push(plain("metadata_recorded"));
            // What a start attaches takes the place of all that was there, and a reset leaves nothing.
            spot.cleared < deed.seq && is_attached(spot, deed)
        }
        (What::Tag(name, changed), _) => {
            events.push(plain(if changed.before.is_some() { "tag_set" } else { "tag_removed" }));
            world.tags.get(name).copied() == changed.after
        }
        (What::Limit(changed), spot) => {
            events.push(plain("cost_limit_set"));
            if !world.is_in_force(deed.workflow.as_ref().expect("one")) {
                return May::Not("");
            }
            let workflow = || &world.purses[deed.workflow.as_ref().expect("one")];
            spot.map_or_else(workflow, |spot| &spot.purse).limit == changed.after
        }
        (What::Cost(amount, _), Some(spot)) => {
            events.push(plain("cost_recorded"));
            spot.purse.spent >= *amount
        }
        (What::Definition(changed, added), _) => {
            let was_in_force = changed.before.as_ref().is_some_and(|before| before.get("retired").is_none());
            events.push(plain(if was_in_force { "workflow_defined" } else { "workflow_retired" }));
            return permit_definition(world, deed, changed, added, events);
        }
        (What::Decision(request, changed), _) => {
            let asked = &world.requests[request];
            let is_left = match deed.of {
                // It is there again as the very decision.
                None => asked.decision == changed.after,
                Some(_) => asked.touched == deed.seq,
            };
            if is_left && asked.decision.is_some_and(|(_, is_yes)| is_yes) && is_used(world, deed) {
                return May::Either(events);
            }
            is_left
        }
        (what, None) => panic!("a {} of no phase", what.name()),
    };
    let is_kept = matches!(deed.what, What::Skip(..)) || (deed.takes && deed.phase.is_some());
    match is_there {
        // What it replaced may be kept by the event that had it there again: then that one is taken back instead.
        true if deed.last.is_some() && is_kept => May::Either(events),
        true => May::Must(events),
        false => May::Not(""),
    }
}

impl World {
    /// Returns what is known of a deed and its phase, for those who wonder what became of it.
    pub fn deed(&self, event: &EventId) -> Option<(&Deed, Option<&Spot>)> {
        let deed = self.deeds.get(&event.to_string())?;
        Some((deed, deed.phase.as_ref().map(|phase| &self.phases[phase])))
    }
}

/// Says whether nothing said since whether what a deed took back, and what that did, and so on, stands.
fn has_last_word(world: &World, id: &str) -> bool {
    let deed = &world.deeds[id];
    if deed.of.is_some() && deed.last.is_some() {
        return false;
    }
    let (mut id, mut of) = (id, &deed.of);
    while let Some(next) = of {
        let taken = &world.deeds[next];
        if taken.last.as_deref() != Some(id) {
            return false;
        }
        (id, of) = (next, &taken.of);
    }
    true
}

/// Says whether anything that a deed did to metadata is still so, and was not before.
fn is_attached(spot: &Spot, deed: &Deed) -> bool {
    let is = |(key, changed): (&String, &Changed<Option<Value>>)| {
        spot.metadata.get(key) == changed.after.as_ref() && changed.before != changed.after
    };
    deed.keys.iter().any(is)
}

/// Says whether something that leave may have been given for began since it was given by a deed, or cost something.
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
    // What phases were called before says nothing once that is so.
    let plain = |definition: &Value| {
        let mut definition = definition.clone();
        let phases = definition["phases"].as_array_mut().into_iter().flatten();
        phases.for_each(|phase| _ = phase.as_object_mut().map(|phase| phase.remove("renamed_from")));
        definition
    };
    let place = deed.seq + u64::from(deed.of.is_some());
    let is_in_force = Some(plain(&world.in_force[workflow])) == changed.after.as_ref().map(plain);
    if !is_in_force || !world.is_named_as_at(workflow, place) {
        return May::Not("Passed");
    }
    let before = changed.before.as_ref().filter(|before| before.get("retired").is_none());
    let is_rested = |phase: &String| {
        let facts = world.facts.iter().skip(deed.since as usize);
        let mut facts = facts.filter(|fact| fact.phase.as_ref() == Some(phase));
        facts.any(|fact| fact.kind.starts_with("phase_") || fact.is_asked || fact.is_cost)
    };
    if added.iter().any(is_rested) {
        return May::Not(if before.is_some() { "RestedOn" } else { "FirstDefinition" });
    }
    let may = match before {
        Some(before) => {
            let own = |rename: &&Rename| rename.seq == place;
            let renamed = world.renames.iter().filter(own);
            let renamed: Vec<_> = renamed.map(|rename| (rename.to.clone(), rename.from.clone())).collect();
            if renamed.is_empty() && plain(before) == plain(&world.in_force[workflow]) {
                return May::Not("Passed");
            }
            let before = serde_json::from_value(before.clone()).expect("a definition");
            may_define(world, &before, &renamed)
        }
        None => may_retire(world, workflow),
    };
    match may {
        true => May::Must(events),
        false => May::Not(""),
    }
}

/// Checks the data of what is recorded to take something back. `before` is the world in front of it, `world` has all that
/// the command asked for.
pub fn check_reverted(before: &World, world: &World, given: &[Value]) {
    let data = &given[0]["data"];
    let deed = &before.deeds[&string(&data["event"])];
    if let What::Marks(..) = deed.what {
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
                let place = changed.before.or(changed.after);
                assert_eq!((&data["name"], data["seq"].as_u64()), (&json!(name), place), "{line:#}");
            }
            What::Limit(changed) => {
                let told = (amount(&data["limit"]), amount(&data["before"]));
                assert_eq!(told, (changed.before, changed.after), "{line:#}");
            }
            What::Cost(amount, attempt) => {
                assert_eq!(units(&string(&data["amount"])), -amount, "{line:#}");
                assert_eq!((data["refund"] == true, &data["attempt"]), (*amount > 0, attempt), "{line:#}");
            }
            What::Definition(changed, _) => match line["kind"] == "workflow_retired" {
                true => assert_eq!(data["reason"], given[0]["data"]["reason"], "{line:#}"),
                false => assert_eq!(Some(&data["definition"]), changed.before.as_ref()),
            },
            _ => {}
        }
    }
}
