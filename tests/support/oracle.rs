//! A second reading of the log, made from what the design says of each kind of event and not from the code:
//! it knows nothing but the JSON of the lines.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::money::{Purse, amount};

/// Where everything stands after some lines.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub head: u64,
    pub phases: BTreeMap<String, Spot>,
    /// What the definition read last changed about phases that were there before.
    pub changed: BTreeMap<String, Vec<Value>>,
    /// What each workflow cost.
    pub purses: BTreeMap<String, Purse>,
    /// What the definitions in force say of approvals.
    pub policies: BTreeMap<String, Value>,
    /// What leave was asked for, by the id of the request.
    pub requests: BTreeMap<String, Request>,
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
}

/// Where a phase stands, by its full name.
#[derive(Debug, Clone, Default)]
pub struct Spot {
    pub state: String,
    pub skipped: bool,
    pub retired: bool,
    pub attempt: u64,
    pub metadata: BTreeMap<String, Value>,
    pub needs: Vec<String>,
    pub version: Value,
    /// Why it must run again, now or once the attempt ends.
    pub marks: Vec<Mark>,
    /// What outdated the attempt that completed last.
    pub outdated: Vec<Mark>,
    /// What the last attempt builds on.
    pub consumed: Vec<Consumed>,
    /// The output of the last completion.
    pub output: Option<String>,
    /// The place of the last completion, or of the skip.
    pub ended: u64,
    /// The place of the last start; none for a phase that is PENDING.
    pub started: Option<u64>,
    /// What it cost.
    pub purse: Purse,
}

/// What an attempt builds on: the phase, the place of its completion or skip, its output.
pub type Consumed = (String, u64, Option<String>);

/// An event that said that a phase must run again.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub seq: u64,
    pub event: String,
    pub kind: Option<String>,
    /// The changed inputs, where a scan told of them.
    pub told: Option<Value>,
}

impl Spot {
    /// Says whether a scan told the phase of these very changes, and it has not started since.
    pub fn is_told(&self, changes: &Value) -> bool {
        let outdated = self.outdated.iter().filter(|_| self.state == "NEEDS_RERUN");
        self.marks.iter().chain(outdated).any(|mark| mark.told.as_ref() == Some(changes))
    }
}

impl Mark {
    pub fn is_from_upstream(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.starts_with("upstream_"))
    }
}

impl World {
    /// Reads one more line.
    pub fn apply(&mut self, line: &Value) {
        self.head += 1;
        assert_eq!(line["seq"], self.head, "places have no gaps");
        let kind = string(&line["kind"]);
        if kind == "workflow_defined" {
            return self.define(line);
        }
        if let Some(purse) = line["workflow"].as_str().and_then(|name| self.purses.get_mut(name))
            && (subject(line).is_none() || kind == "cost_recorded")
        {
            purse.apply(line);
        }
        if kind.starts_with("approval_") {
            self.approve(&kind, line);
        }
        let Some(name) = subject(line) else { return };
        let spot = self.phases.get_mut(&name).expect("an event is about a phase that is there");
        let outlives = matches!(kind.as_str(), "approval_granted" | "approval_rejected");
        assert!(outlives || !spot.retired, "an event is about a phase that is still there");
        if let Some(from) = line.get("from") {
            assert_eq!(*from, spot.state, "`from` is where the phase stood");
        }
        spot.apply(&kind, line);
        if let Some(to) = line.get("to") {
            assert_eq!(*to, spot.state, "`to` is where the phase stands");
        }
    }

    /// Reads a request, or the one decision that it gets.
    fn approve(&mut self, kind: &str, line: &Value) {
        let seq = self.head;
        if kind == "approval_requested" {
            let (workflow, by) = (string(&line["workflow"]), string(&line["by"]["name"]));
            let request = Request { seq, by, workflow, phase: subject(line), decision: None };
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
    }

    fn define(&mut self, line: &Value) {
        let workflow = string(&line["workflow"]);
        self.policies.insert(workflow.clone(), line["data"]["definition"]["approval"].clone());
        let (data, definition) = (&line["data"], &line["data"]["definition"]);
        assert_eq!(definition["name"], workflow);
        self.purses.entry(workflow.clone()).or_default().define(amount(&definition["cost_limit"]));
        let of_workflow = |name: &&String| name.split('/').next() == Some(&workflow);
        let known: Vec<String> = self.current().map(|(name, _)| name).filter(of_workflow).cloned().collect();
        for name in &known {
            self.phases.get_mut(name).expect("known").retired = true;
        }
        self.changed.clear();
        let mut added = Vec::new();
        for phase in list(&definition["phases"]) {
            let name = full(&workflow, &string(&phase["id"]));
            let needs = list(&phase["needs"]).iter().map(|need| full(&workflow, &string(need))).collect();
            if known.contains(&name) {
                self.phases.get_mut(&name).expect("known").purse.define(amount(&phase["cost_limit"]));
                self.redefine(name, needs, &phase["version"]);
            } else {
                let spot = self.phases.entry(name.clone()).or_default();
                let (attempt, version) = (spot.attempt, phase["version"].clone());
                let mut purse = spot.purse.clone();
                purse.limit = amount(&phase["cost_limit"]);
                purse.defined = purse.limit;
                purse.define(purse.limit);
                let state = "PENDING".to_owned();
                *spot = Spot { state, attempt, needs, version, purse, ..Spot::default() };
                added.push(name);
            }
        }
        let told = |names: &Value| -> Vec<String> {
            list(names).iter().map(|name| full(&workflow, &string(name))).collect()
        };
        added.sort();
        let mut retired = told(&data["retired"]);
        retired.sort();
        assert_eq!(told(&data["added"]), added, "the event tells what it adds");
        assert_eq!(retired, known.into_iter().filter(|name| self.phases[name].retired).collect::<Vec<_>>());
        let changed = list(&data["changed"])
            .iter()
            .map(|change| (full(&workflow, &string(&change["phase"])), list(&change["changes"]).to_vec()));
        assert_eq!(changed.collect::<BTreeMap<_, _>>(), self.changed, "the event tells what it changes");
    }

    fn redefine(&mut self, name: String, needs: Vec<String>, version: &Value) {
        let spot = self.phases.get_mut(&name).expect("known");
        let mut changes = Vec::new();
        if spot.version != *version {
            changes.push(serde_json::json!({"what": "version", "before": spot.version, "after": version}));
        }
        for need in needs.iter().filter(|need| !spot.needs.contains(need)) {
            changes.push(serde_json::json!({"what": "needs", "before": null, "after": need}));
        }
        spot.retired = false;
        spot.needs = needs;
        spot.version = version.clone();
        if !changes.is_empty() {
            self.changed.insert(name, changes);
        }
    }

    /// Returns the phases that definitions in force have.
    pub fn current(&self) -> impl Iterator<Item = (&String, &Spot)> {
        self.phases.iter().filter(|(_, spot)| !spot.retired)
    }

    /// Returns every pair of a phase and one above it that can be reached through phases that `through`
    /// allows; the pairs of a phase and its needs are always there.
    pub fn above(&self, through: impl Fn(&Spot) -> bool) -> BTreeSet<(&str, &str)> {
        let mut above = BTreeSet::new();
        for (name, spot) in self.current() {
            above.extend(spot.needs.iter().map(|need| (name.as_str(), need.as_str())));
        }
        for (via, _) in self.current().filter(|(_, spot)| through(spot)) {
            let below: Vec<_> = above.iter().filter(|(_, top)| top == via).map(|(name, _)| *name).collect();
            let tops: Vec<_> = above.iter().filter(|(name, _)| name == via).map(|(_, top)| *top).collect();
            above.extend(below.iter().flat_map(|below| tops.iter().map(move |top| (*below, *top))));
        }
        above
    }

    /// Returns the phases, each after what it needs.
    pub fn order(&self) -> Vec<String> {
        let above = self.above(|_| true);
        let depth = |name: &str| above.iter().filter(|(below, _)| *below == name).count();
        let mut order: Vec<_> = self.current().map(|(name, _)| name.clone()).collect();
        order.sort_by_key(|name| depth(name));
        order
    }

    /// Says which phase is COMPLETE, but stands on another completion than the last of a phase that it needs
    /// and that is COMPLETE too, the outputs not being equal.
    pub fn stale(&self) -> Option<String> {
        let complete = |name: &str| self.phases[name].state == "COMPLETE";
        let stands = |spot: &Spot, need: &String| {
            let Some((_, seq, output)) = spot.consumed.iter().find(|(name, ..)| name == need) else {
                return false;
            };
            let found = &self.phases[need];
            *seq == found.ended || (output.is_some() && *output == found.output)
        };
        self.current().filter(|(name, _)| complete(name)).find_map(|(name, spot)| {
            let need = spot.needs.iter().find(|need| complete(need) && !stands(spot, need))?;
            Some(format!("`{name}` is COMPLETE, but not on what `{need}` put out last"))
        })
    }

    /// Says what breaks the law: a phase that is COMPLETE below one that must run again.
    pub fn lawless(&self) -> Option<String> {
        self.above(|_| true).into_iter().find_map(|(below, top)| {
            let marked = !self.phases[top].marks.is_empty();
            (self.phases[below].state == "COMPLETE" && marked)
                .then(|| format!("`{below}` is COMPLETE below `{top}`, which must run again"))
        })
    }
}

impl Spot {
    fn apply(&mut self, kind: &str, line: &Value) {
        let data = &line["data"];
        let seq = line["seq"].as_u64().expect("a number");
        self.purse.apply(line);
        let mut state = |state: &str| self.state = state.to_owned();
        match kind {
            "phase_started" => {
                state("IN_PROGRESS");
                self.attempt += 1;
                self.started = Some(seq);
                assert_eq!(data["attempt"], self.attempt);
                self.metadata.clear();
                self.marks.clear();
                self.consumed = list(&data["consumed"]).iter().map(consumed).collect();
            }
            "phase_completed" => {
                state("COMPLETE");
                assert_eq!(data["attempt"], self.attempt);
                self.outdated = std::mem::take(&mut self.marks);
                self.output = data["output"].as_str().map(str::to_owned);
                self.ended = seq;
            }
            "phase_failed" => state("FAILED"),
            "phase_skipped" => {
                state("PENDING");
                self.ended = seq;
            }
            "phase_reset" => {
                state("PENDING");
                self.metadata.clear();
            }
            "rerun_marked" => state("NEEDS_RERUN"),
            "rerun_cleared" => state("COMPLETE"),
            "cost_recorded" => return self.paid(line),
            "cost_limit_set" | "cost_warning_raised" | "cost_limit_exceeded" => {}
            "rerun_cause_added" | "rerun_deferred" | "metadata_recorded" | "note_added" => {}
            "approval_requested" | "approval_granted" | "approval_rejected" => return,
            unknown => panic!("no phase has a `{unknown}`"),
        }
        self.metadata.extend(data["metadata"].as_object().cloned().into_iter().flatten());
        if line.get("to").is_some() {
            self.skipped = kind == "phase_skipped";
        }
        if self.state == "PENDING" {
            self.started = None;
        }
        if matches!(self.state.as_str(), "PENDING" | "FAILED" | "COMPLETE") {
            self.marks.clear();
        }
        if matches!(kind, "rerun_marked" | "rerun_cause_added" | "rerun_deferred") {
            let kinds: Vec<_> = list(&line["causes"]).iter().map(|cause| string(&cause["kind"])).collect();
            let told = data.get("changes").filter(|_| kinds.is_empty()).cloned();
            self.marks.push(Mark { seq, event: string(&line["id"]), kind: weightiest(&kinds), told });
        }
    }
}

impl Spot {
    /// A cost belongs to the attempt under way, or else the last one: it is caused by its start. Its metadata
    /// are its own.
    fn paid(&self, line: &Value) {
        let causes: Vec<_> = list(&line["causes"])
            .iter()
            .map(|cause| (cause["seq"].as_u64(), string(&cause["kind"])))
            .collect();
        let wanted = self.started.map(|seq| (Some(seq), "phase_started".to_owned()));
        assert_eq!(causes, wanted.into_iter().collect::<Vec<_>>());
        assert_eq!(line["data"]["attempt"].as_u64(), self.started.map(|_| self.attempt));
    }
}

fn consumed(one: &Value) -> Consumed {
    let output = one["output"].as_str().map(str::to_owned);
    (string(&one["phase"]), one["seq"].as_u64().expect("a number"), output)
}

/// Returns the kind of cause that decides whether unchanged outputs can lift a mark.
pub fn weightiest(kinds: &[String]) -> Option<String> {
    kinds.iter().find(|kind| !kind.starts_with("upstream_")).or(kinds.first()).cloned()
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
