//! What definitions say, a second time: each is kept, so that the graph of any moment is there to be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Value, json};

use crate::money::amount;
use crate::oracle::{Rename, Spot, World, full, list, string};
use crate::undone::What;

/// What each phase needs, by their full names.
pub type Graph = BTreeMap<String, Vec<String>>;

/// A definition, from the place of its event on.
#[derive(Debug, Clone)]
pub struct Defined {
    pub seq: u64,
    pub workflow: String,
    pub phases: BTreeMap<String, Says>,
}

/// What a definition says of a phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Says {
    pub needs: Vec<String>,
    pub version: Value,
}

impl Defined {
    fn new(seq: u64, definition: &Value, world: &World) -> Defined {
        let workflow = string(&definition["name"]);
        let says = |phase: &Value| {
            let mut needs = Vec::new();
            for need in list(&phase["needs"]).iter().map(|need| full(&workflow, &string(need))) {
                let need = if need.split('/').next() == Some(&workflow) { need } else { world.meant(need) };
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
            let says = Says { needs, version: phase["version"].clone() };
            (full(&workflow, &string(&phase["id"])), says)
        };
        let phases = list(&definition["phases"]).iter().map(says).collect();
        Defined { seq, workflow, phases }
    }
}

impl World {
    /// Reads a definition: what is new is PENDING, what comes back is what it was, what is gone keeps what it has.
    pub fn define(&mut self, line: &Value) {
        let workflow = string(&line["workflow"]);
        let (data, definition) = (&line["data"], &line["data"]["definition"]);
        assert_eq!(definition["name"], workflow);
        self.policies.insert(workflow.clone(), definition["approval"].clone());
        self.purses.entry(workflow.clone()).or_default().define(amount(&definition["cost_limit"]));
        let needed: BTreeMap<String, Vec<String>> =
            self.phases.iter().map(|(name, spot)| (name.clone(), spot.needs.clone())).collect();
        let (renamed, back) = self.rename(line);
        let defined = Rc::new(Defined::new(self.head, definition, self));
        let of_workflow = |name: &&String| name.split('/').next() == Some(&workflow);
        let known: Vec<String> = self.current().map(|(name, _)| name).filter(of_workflow).cloned().collect();
        for name in &known {
            self.phases.get_mut(name).expect("known").retired = true;
        }
        self.changed.clear();
        let mut added = Vec::new();
        for phase in list(&definition["phases"]) {
            let name = full(&workflow, &string(&phase["id"]));
            let limit = amount(&phase["cost_limit"]);
            if known.contains(&name) {
                let before = &needed[back.get(&name).unwrap_or(&name)];
                self.tell_change(&name, &defined.phases[&name], before);
            } else {
                let state = || Spot { state: "PENDING".to_owned(), ..Spot::default() };
                let spot = self.phases.entry(name.clone()).or_insert_with(state);
                // What a definition says of a phase that the one before did not have is new, whatever it is.
                (spot.purse.limit, spot.purse.defined) = (limit, limit);
                if !renamed.iter().any(|(_, to)| *to == name) {
                    added.push(name.clone());
                }
            }
            let Says { needs, version } = defined.phases[&name].clone();
            let spot = self.phases.get_mut(&name).expect("there");
            spot.purse.define(limit);
            (spot.retired, spot.needs, spot.version) = (false, needs, version);
        }
        let gone = |name: &&String| !renamed.iter().any(|(from, _)| from == *name);
        let known: Vec<String> = known.iter().filter(gone).cloned().collect();
        self.check_told(data, &workflow, added, &known);
        let graph = self.current().map(|(name, spot)| (name.clone(), spot.needs.clone()));
        self.graphs.push((self.head, Rc::new(graph.collect())));
        self.defined.push(defined);
    }

    /// Reads that a workflow is no longer in force: all of it keeps what it has.
    pub fn retire(&mut self, line: &Value) {
        let workflow = string(&line["workflow"]);
        assert!(self.is_in_force(&workflow), "what retires is in force: {line:#}");
        let own = |name: &str| name.split('/').next() == Some(workflow.as_str());
        let known: BTreeSet<String> =
            self.current().map(|(name, _)| name).filter(|name| own(name)).cloned().collect();
        let told = list(&line["data"]["retired"]).iter().map(|name| full(&workflow, &string(name)));
        assert_eq!(told.collect::<BTreeSet<_>>(), known, "the event tells what it retires");
        for name in &known {
            self.phases.get_mut(name).expect("known").retired = true;
        }
        let is_needed = self.current().flat_map(|(_, spot)| &spot.needs).any(|need| own(need));
        assert!(!is_needed, "nobody needs what retires: {line:#}");
        let graph = self.current().map(|(name, spot)| (name.clone(), spot.needs.clone()));
        self.graphs.push((self.head, Rc::new(graph.collect())));
        self.in_force.insert(workflow.clone(), json!({"retired": self.head}));
        self.defined.push(Rc::new(Defined { seq: self.head, workflow, phases: BTreeMap::new() }));
    }

    /// Says whether a workflow is in force.
    pub fn is_in_force(&self, workflow: &str) -> bool {
        self.in_force.get(workflow).is_some_and(|definition| definition.get("retired").is_none())
    }

    /// Renames what a definition does: from then on it is as if every phase had always had its name. Returns the names as they
    /// were and are, and what each phase was called.
    fn rename(&mut self, line: &Value) -> (Vec<(String, String)>, BTreeMap<String, String>) {
        let (workflow, command) =
            (string(&line["workflow"]), line["command_id"].as_str().unwrap_or_default().to_owned());
        let name = |name: &Value| full(&workflow, &string(name));
        let told = list(&line["data"]["renamed"]).iter();
        let told: Vec<_> = told.map(|one| (name(&one["from"]), name(&one["to"]))).collect();
        let expected = match line["rule"] == "revert/1" {
            true => self.renamed_by(&command),
            false => self.wanted(&workflow, &line["data"]["definition"]),
        };
        assert_eq!(told, expected, "{line:#}");
        let mut other = BTreeMap::new();
        for (from, to) in &told {
            other.insert(from.clone(), to.clone());
            other.insert(to.clone(), from.clone());
            self.aliases.retain(|alias, _| alias != to);
            self.aliases.values_mut().filter(|now| *now == from).for_each(|now| now.clone_from(to));
            self.aliases.insert(from.clone(), to.clone());
            let (from, to) = (from.clone(), to.clone());
            self.renames.push(Rename { seq: self.head, command: command.clone(), from, to });
        }
        let swap = |name: &mut String| {
            if let Some(other) = other.get(name) {
                name.clone_from(other);
            }
        };
        if !told.is_empty() {
            self.rewrite(swap);
        }
        (told, other)
    }

    /// Returns what a definition that goes back renames: what the one that is taken back did, the other way.
    fn renamed_by(&self, command: &str) -> Vec<(String, String)> {
        let taken = self.deeds[command].of.as_ref().expect("a revert");
        let renames = self.renames.iter().filter(|rename| rename.command == *taken);
        renames.map(|rename| (rename.to.clone(), rename.from.clone())).collect()
    }

    /// Returns what a definition that somebody sends renames.
    pub fn wanted(&self, workflow: &str, definition: &Value) -> Vec<(String, String)> {
        let has_history = |name: &String| self.facts.iter().any(|fact| fact.phase.as_ref() == Some(name));
        let in_force = |name: &String| self.phases.get(name).is_some_and(|spot| !spot.retired);
        let wanted = list(&definition["phases"]).iter().filter_map(|phase| {
            let from = full(workflow, phase["renamed_from"].as_str()?);
            let to = full(workflow, &string(&phase["id"]));
            let is_free = in_force(&from) && !in_force(&to);
            let is_worth = in_force(&from) || has_history(&from);
            (is_free || is_worth && !has_history(&to)).then_some((from, to))
        });
        wanted.collect()
    }

    /// Returns the phase that a need of another workflow means.
    pub fn meant(&self, need: String) -> String {
        let in_force = |name: &String| self.phases.get(name).is_some_and(|spot| !spot.retired);
        match self.aliases.get(&need) {
            Some(now) if !in_force(&need) && in_force(now) => now.clone(),
            _ => need,
        }
    }

    /// Says whether every phase of a workflow is called what it was called at a place.
    pub fn is_named_as_at(&self, workflow: &str, place: u64) -> bool {
        let own = |rename: &&Rename| rename.from.split('/').next() == Some(workflow);
        let since = self.renames.iter().filter(own).filter(|rename| rename.seq > place);
        let mut now: BTreeMap<&String, &String> = BTreeMap::new();
        for Rename { from, to, .. } in since {
            let (one, two) = (*now.get(from).unwrap_or(&from), *now.get(to).unwrap_or(&to));
            now.insert(from, two);
            now.insert(to, one);
        }
        now.iter().all(|(name, was)| name == was)
    }

    /// Gives names to all that the world ever heard of.
    fn rewrite(&mut self, swap: impl Fn(&mut String)) {
        let phases = std::mem::take(&mut self.phases).into_iter().map(|(mut name, mut spot)| {
            swap(&mut name);
            spot.needs.iter_mut().for_each(&swap);
            (name, spot)
        });
        self.phases = phases.collect();
        for fact in self.facts.iter_mut().filter(|fact| fact.phase.is_some()) {
            let mut phase = fact.phase.clone();
            phase.iter_mut().for_each(&swap);
            if phase != fact.phase {
                Rc::make_mut(fact).phase = phase;
            }
        }
        for defined in &mut self.defined {
            let defined = Rc::make_mut(defined);
            let phases = std::mem::take(&mut defined.phases).into_iter().map(|(mut name, mut says)| {
                swap(&mut name);
                says.needs.iter_mut().for_each(&swap);
                (name, says)
            });
            defined.phases = phases.collect();
        }
        for (_, graph) in &mut self.graphs {
            let renamed = graph.iter().map(|(name, needs)| {
                let (mut name, mut needs) = (name.clone(), needs.clone());
                swap(&mut name);
                needs.iter_mut().for_each(&swap);
                (name, needs)
            });
            *graph = Rc::new(renamed.collect());
        }
        self.requests.values_mut().filter_map(|request| request.phase.as_mut()).for_each(&swap);
        for deed in self.deeds.values_mut() {
            deed.phase.iter_mut().for_each(&swap);
            if let What::Definition(_, added) = &mut deed.what {
                added.iter_mut().for_each(&swap);
            }
        }
    }

    /// Notes what a definition changes about a phase that can outdate it.
    fn tell_change(&mut self, name: &str, says: &Says, before: &[String]) {
        let spot = &self.phases[name];
        let mut changes = Vec::new();
        if spot.version != says.version {
            changes.push(json!({"what": "version", "before": spot.version, "after": says.version}));
        }
        for need in says.needs.iter().filter(|need| !spot.needs.contains(need) && !before.contains(need)) {
            changes.push(json!({"what": "needs", "before": null, "after": need}));
        }
        if !changes.is_empty() {
            self.changed.insert(name.to_owned(), changes);
        }
    }

    /// Checks what the event says that it adds, retires and changes.
    fn check_told(&self, data: &Value, workflow: &str, mut added: Vec<String>, known: &[String]) {
        let told = |names: &Value| -> Vec<String> {
            let mut names: Vec<_> = list(names).iter().map(|name| full(workflow, &string(name))).collect();
            names.sort();
            names
        };
        added.sort();
        assert_eq!(told(&data["added"]), added, "the event tells what it adds");
        let retired: Vec<_> = known.iter().filter(|name| self.phases[*name].retired).cloned().collect();
        assert_eq!(told(&data["retired"]), retired, "the event tells what it retires");
        let changed = list(&data["changed"])
            .iter()
            .map(|change| (full(workflow, &string(&change["phase"])), list(&change["changes"]).to_vec()));
        assert_eq!(changed.collect::<BTreeMap<_, _>>(), self.changed, "the event tells what it changes");
    }

    /// Returns the phases of which the definition at a place says something else than the one before it.
    pub fn redefined(&self, seq: u64) -> BTreeSet<String> {
        let mut of_workflow = self.defined.iter().rev().skip_while(|defined| defined.seq != seq);
        let now = of_workflow.next().expect("a definition");
        let before = of_workflow.find(|defined| defined.workflow == now.workflow);
        let was = |name: &String| before.and_then(|before| before.phases.get(name));
        let names = now.phases.keys().chain(before.into_iter().flat_map(|before| before.phases.keys()));
        names.filter(|name| now.phases.get(*name) != was(name)).cloned().collect()
    }

    /// Returns the phases from which one of these can be reached downstream in the graph, and these themselves.
    pub fn below(&self, seeds: &BTreeSet<String>) -> BTreeSet<String> {
        let mut below: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
        for (name, spot) in self.current() {
            spot.needs.iter().for_each(|need| below.entry(need).or_default().push(name));
        }
        let mut found = BTreeSet::new();
        let mut left: Vec<&String> = seeds.iter().collect();
        while let Some(name) = left.pop() {
            if found.insert(name.clone()) {
                left.extend(below.get(name).into_iter().flatten());
            }
        }
        found.retain(|name| !self.phases[name].retired);
        found
    }

    /// Returns some phases, each after those of them that it needs: again and again the first by name of what is ready.
    pub fn order_of(&self, mut left: BTreeSet<String>) -> Vec<String> {
        let mut below: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
        let mut count: BTreeMap<&String, usize> = BTreeMap::new();
        let all = left.clone();
        for name in &all {
            let needs = self.phases[name].needs.iter().filter(|need| all.contains(*need));
            count.insert(name, needs.clone().count());
            needs.for_each(|need| below.entry(need).or_default().push(name));
        }
        left.retain(|name| count[name] == 0);
        let mut order = Vec::new();
        while let Some(name) = left.pop_first() {
            for next in below.get(&name).into_iter().flatten() {
                let count = count.get_mut(*next).expect("one of them");
                *count -= 1;
                if *count == 0 {
                    left.insert((*next).clone());
                }
            }
            order.push(name);
        }
        assert_eq!(order.len(), all.len(), "no cycle");
        order
    }

    /// Returns the phases, each after what it needs.
    pub fn order(&self) -> Vec<String> {
        self.order_of(self.current().map(|(name, _)| name.clone()).collect())
    }
}
