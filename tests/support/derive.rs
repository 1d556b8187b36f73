//! What a command's events force, worked out a second time: not as a wave that runs downstream, but phase by
//! phase, by asking of each what reaches it from above.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::oracle::{Mark, Spot, World, list, string, subject, weightiest};

type Edge = (String, String);

/// A derived event that must be there.
#[derive(Debug, Clone)]
pub struct Expected {
    pub kind: &'static str,
    pub phase: String,
    pub from: &'static str,
    pub to: &'static str,
    pub causes: Vec<Because>,
    /// Whether nothing is said of the order of the causes.
    pub any_order: bool,
    /// What changed in the definition, for a phase that it outdates.
    pub changes: Vec<Value>,
    /// For what is told of costs: the amounts that it must have.
    pub amounts: Vec<(&'static str, i128)>,
    /// For a clearing: the needs, the outputs that were found equal, and the places of the completions.
    pub compared: Vec<(String, String, u64)>,
}

/// A cause that it must have, with the edges any of which it may name; none for no edge.
#[derive(Debug, Clone)]
pub struct Because {
    pub seq: u64,
    pub kind: String,
    pub edges: Vec<Edge>,
}

impl Because {
    fn new(seq: u64, kind: &str, edges: Vec<Edge>) -> Self {
        Because { seq, kind: kind.to_owned(), edges }
    }
}

/// Derives what the events of one command force. The world has those events in it already.
pub fn derive(world: &World, given: &[Value]) -> Vec<Expected> {
    let mut deriving = Deriving { world: world.clone(), expected: Vec::new() };
    let mut own = BTreeMap::new();
    let mut seeds: BTreeMap<String, Vec<Because>> = BTreeMap::new();
    let mut completed = None;
    for line in given {
        let seq = line["seq"].as_u64().expect("a number");
        match (string(&line["kind"]).as_str(), subject(line)) {
            ("rerun_marked" | "rerun_deferred" | "rerun_cause_added", Some(phase)) => {
                own.insert(phase, Because::new(seq, "upstream_rerun", Vec::new()));
            }
            ("phase_reset", Some(phase)) => {
                own.insert(phase, Because::new(seq, "upstream_reset", Vec::new()));
            }
            ("workflow_defined", _) => {
                for phase in world.changed.keys() {
                    seeds.insert(phase.clone(), vec![Because::new(seq, "definition_changed", Vec::new())]);
                }
            }
            ("phase_completed", Some(phase)) => completed = Some((phase, seq)),
            _ => {}
        }
    }
    if let Some((phase, seq)) = &completed {
        let causes = outdating(world, phase);
        if causes.is_empty() {
            seeds = standing_on_older(world, phase, *seq);
        } else {
            let mark = deriving.mark(phase, causes, Vec::new());
            deriving.expected[0].any_order = world.phases[phase].outdated.is_empty();
            own.insert(phase.clone(), Because::new(mark, "upstream_rerun", Vec::new()));
        }
    }
    deriving.visit(&own, &seeds);
    if let Some((phase, seq)) = completed {
        deriving.cut_off(&phase, seq);
    }
    for line in given {
        deriving.alert(line);
    }
    deriving.expected
}

/// Returns why a phase that has just completed must be repeated: what outdated the attempt, or else the
/// latest mark of each phase that it stands on by a way through phases that are not COMPLETE.
fn outdating(world: &World, phase: &str) -> Vec<Because> {
    let spot = &world.phases[phase];
    if !spot.outdated.is_empty() {
        // A scan defers without a cause.
        let kind = |mark: &Mark| mark.kind.clone().unwrap_or_else(|| "input_changed".to_owned());
        return spot.outdated.iter().map(|mark| Because::new(mark.seq, &kind(mark), Vec::new())).collect();
    }
    let above = world.above(|spot| spot.state != "COMPLETE");
    let open = |need: &str| world.phases[need].state != "COMPLETE";
    let way = |need: &str, top: &str| open(need) && (need == top || above.contains(&(need, top)));
    let marked = world.current().filter(|(_, spot)| !spot.marks.is_empty());
    let found = marked.filter_map(|(top, spot)| {
        let first = world.phases[phase].needs.iter().find(|need| way(need, top))?;
        let last = spot.marks.last().expect("marked");
        Some(Because::new(last.seq, "upstream_rerun", vec![(first.clone(), phase.to_owned())]))
    });
    found.collect()
}

/// Returns those that need the phase and stand, or are about to, on something else than the completion.
fn standing_on_older(world: &World, phase: &str, seq: u64) -> BTreeMap<String, Vec<Because>> {
    let output = &world.phases[phase].output;
    let stands =
        |spot: &Spot| spot.state == "COMPLETE" || (spot.state == "IN_PROGRESS" && spot.marks.is_empty());
    let mut found = BTreeMap::new();
    for (name, spot) in world.current() {
        let needs = spot.needs.iter().any(|need| need == phase);
        let consumed = spot.consumed.iter().find(|(need, ..)| need == phase);
        let equal = output.is_some() && consumed.is_some_and(|(_, _, consumed)| consumed == output);
        if needs && stands(spot) && !equal {
            let edges = vec![(phase.to_owned(), name.clone())];
            found.insert(name.clone(), vec![Because::new(seq, "upstream_completed", edges)]);
        }
    }
    found
}

/// Derived events in the making, and the world with those so far in it.
struct Deriving {
    world: World,
    expected: Vec<Expected>,
}

impl Deriving {
    /// Asks of each limit that a line may have taken spending over what there is to tell.
    fn alert(&mut self, line: &Value) {
        let seq = line["seq"].as_u64().expect("a number");
        let workflow = line["workflow"].as_str().unwrap_or_default().to_owned();
        let phase = subject(line);
        let (why, phases, whole) = match line["kind"].as_str() {
            Some("cost_recorded") => ("cost_recorded", phase.iter().cloned().collect(), true),
            Some("cost_limit_set") => {
                ("cost_limit_set", phase.iter().cloned().collect::<Vec<_>>(), phase.is_none())
            }
            Some("workflow_defined") => {
                let of_workflow = |name: &&String| name.split('/').next() == Some(&workflow);
                let phases = self.world.current().map(|(name, _)| name).filter(of_workflow).cloned();
                ("definition_changed", phases.collect(), true)
            }
            _ => return,
        };
        let purses = phases.iter().map(|name| (name.clone(), self.world.phases[name].purse.clone()));
        let whole = whole.then(|| (workflow.clone(), self.world.purses[&workflow].clone()));
        let mut exceeded = Vec::new();
        for (name, purse) in purses.chain(whole).collect::<Vec<_>>() {
            for (kind, amounts) in purse.untold() {
                if kind == "cost_limit_exceeded" {
                    exceeded.push(Because::new(self.next(), "cost_limit_exceeded", Vec::new()));
                }
                self.tell(kind, name.clone(), vec![Because::new(seq, why, Vec::new())], amounts);
            }
        }
        if let Some(name) = phase.filter(|_| why == "cost_recorded" && !exceeded.is_empty()) {
            let spot = &self.world.phases[&name];
            if spot.state == "IN_PROGRESS" {
                let start = spot.started.expect("under way");
                exceeded.push(Because::new(start, "phase_started", Vec::new()));
                self.tell("phase_failed", name, exceeded, Vec::new());
            }
        }
    }

    fn tell(
        &mut self,
        kind: &'static str,
        phase: String,
        causes: Vec<Because>,
        amounts: Vec<(&'static str, i128)>,
    ) {
        let (from, to) = if kind == "phase_failed" { ("IN_PROGRESS", "FAILED") } else { ("", "") };
        self.expected.push(Expected {
            kind,
            phase,
            from,
            to,
            causes,
            any_order: false,
            changes: Vec::new(),
            amounts,
            compared: Vec::new(),
        });
    }

    fn next(&self) -> u64 {
        self.world.head + 1 + self.expected.len() as u64
    }

    /// Adds the event that a phase gets which something reaches, and returns its place.
    fn mark(&mut self, phase: &str, causes: Vec<Because>, changes: Vec<Value>) -> u64 {
        let seq = self.next();
        let spot = self.world.phases.get_mut(phase).expect("there");
        let (kind, from, to) = match spot.state.as_str() {
            "COMPLETE" => ("rerun_marked", "COMPLETE", "NEEDS_RERUN"),
            "IN_PROGRESS" => ("rerun_deferred", "IN_PROGRESS", "IN_PROGRESS"),
            "NEEDS_RERUN" => ("rerun_cause_added", "NEEDS_RERUN", "NEEDS_RERUN"),
            other => panic!("what is {other} is passed through"),
        };
        let kinds: Vec<_> = causes.iter().map(|cause| cause.kind.clone()).collect();
        spot.state = to.to_owned();
        spot.marks.push(Mark { seq, event: String::new(), kind: weightiest(&kinds), told: None });
        let (phase, compared) = (phase.to_owned(), Vec::new());
        let any_order = false;
        let amounts = Vec::new();
        self.expected.push(Expected { kind, phase, from, to, causes, any_order, changes, amounts, compared });
        seq
    }

    /// Asks of each phase that anything can reach, in order, what reaches it.
    fn visit(&mut self, own: &BTreeMap<String, Because>, seeds: &BTreeMap<String, Vec<Because>>) {
        let mut passed: BTreeMap<String, Vec<Because>> = BTreeMap::new();
        let order = self.order(&own.keys().chain(seeds.keys()).cloned().collect());
        for (place, phase) in order.iter().enumerate() {
            if let Some(own) = own.get(phase) {
                passed.insert(phase.clone(), vec![own.clone()]);
                continue;
            }
            let mut causes = seeds.get(phase).cloned().unwrap_or_default();
            for above in order[..place].iter().filter(|above| self.world.phases[phase].needs.contains(above))
            {
                for cause in &passed[above] {
                    let kind = match cause.kind.as_str() {
                        "definition_changed" => "upstream_rerun",
                        kind => kind,
                    };
                    let edge = (above.clone(), phase.clone());
                    causes.push(Because::new(cause.seq, kind, vec![edge]));
                }
            }
            let mut seen = BTreeSet::new();
            causes.retain(|cause| seen.insert(cause.seq));
            let passes_on = match self.world.phases[phase].state.as_str() {
                "PENDING" | "FAILED" => causes,
                _ => {
                    let of_definition = causes.iter().any(|cause| cause.kind == "definition_changed");
                    let changes = self.world.changed.get(phase).filter(|_| of_definition);
                    let seq = self.mark(phase, causes, changes.cloned().unwrap_or_default());
                    vec![Because::new(seq, "upstream_rerun", Vec::new())]
                }
            };
            passed.insert(phase.clone(), passes_on);
        }
    }

    /// Returns some phases and all below them: again and again the first by name that has nothing above it
    /// among those that are left.
    fn order(&self, start: &BTreeSet<String>) -> Vec<String> {
        let above = self.world.above(|_| true);
        let reached = |name: &String| {
            start.contains(name) || start.iter().any(|top| above.contains(&(name.as_str(), top.as_str())))
        };
        let mut left: BTreeSet<String> =
            self.world.current().map(|(name, _)| name).filter(|name| reached(name)).cloned().collect();
        let mut order = Vec::new();
        while let Some(next) =
            left.iter().find(|name| !self.world.phases[*name].needs.iter().any(|need| left.contains(need)))
        {
            let next = next.clone();
            left.remove(&next);
            order.push(next);
        }
        order
    }

    /// Clears, one after the other, the first phase by name that may stand as it was.
    fn cut_off(&mut self, completed: &str, seq: u64) {
        let mut settled = BTreeMap::new();
        if self.world.phases[completed].state == "COMPLETE" {
            settled.insert(completed.to_owned(), seq);
        }
        loop {
            let next = self.world.current().find_map(|(name, spot)| {
                let touched = name == completed || spot.needs.iter().any(|need| settled.contains_key(need));
                Some((name.clone(), touched.then(|| unchanged(&self.world, spot)).flatten()?))
            });
            let Some((phase, compared)) = next else { return };
            let because = |need: &String| {
                let seq = *settled.get(need)?;
                Some(Because::new(seq, "upstream_unchanged", vec![(need.clone(), phase.clone())]))
            };
            let mut causes: Vec<_> = self.world.phases[&phase].needs.iter().filter_map(because).collect();
            if causes.is_empty() {
                causes.push(Because::new(seq, "upstream_unchanged", Vec::new()));
            }
            settled.insert(phase.clone(), self.next());
            let spot = self.world.phases.get_mut(&phase).expect("there");
            spot.state = "COMPLETE".to_owned();
            spot.marks.clear();
            let (kind, from, to) = ("rerun_cleared", "NEEDS_RERUN", "COMPLETE");
            let (any_order, changes) = (false, Vec::new());
            let amounts = Vec::new();
            self.expected.push(Expected {
                kind,
                phase,
                from,
                to,
                causes,
                any_order,
                changes,
                amounts,
                compared,
            });
        }
    }
}

/// Returns what a phase that NEEDS_RERUN was built on, when all of that is there now just as it was.
fn unchanged(world: &World, spot: &Spot) -> Option<Vec<(String, String, u64)>> {
    if spot.state != "NEEDS_RERUN" || spot.needs.is_empty() || !spot.marks.iter().all(Mark::is_from_upstream)
    {
        return None;
    }
    let equal = |need: &String| {
        let (_, _, consumed) = spot.consumed.iter().find(|(name, ..)| name == need)?;
        let found = &world.phases[need];
        let stands = found.state == "COMPLETE" && consumed.is_some() && found.output == *consumed;
        Some((need.clone(), consumed.clone().filter(|_| stands)?, found.ended))
    };
    spot.needs.iter().map(equal).collect()
}

/// Says how an event differs from what it must be.
pub fn differs(expected: &Expected, line: &Value) -> Option<String> {
    let workflow = string(&line["workflow"]);
    let name = |name: &Value| crate::oracle::full(&workflow, &string(name));
    let mut causes: Vec<(u64, String, Option<Edge>)> = Vec::new();
    for cause in list(&line["causes"]) {
        let edge = cause.get("edge").map(|edge| (name(&edge[0]), name(&edge[1])));
        causes.push((cause["seq"].as_u64()?, string(&cause["kind"]), edge));
    }
    let mut wanted = expected.causes.clone();
    if expected.any_order {
        wanted.sort_by_key(|cause| causes.iter().position(|(seq, ..)| *seq == cause.seq));
    }
    let fits = |(wanted, (seq, kind, edge)): (&Because, &(u64, String, Option<Edge>))| {
        let edge_fits = match edge {
            None => wanted.edges.is_empty(),
            Some(edge) => wanted.edges.contains(edge),
        };
        wanted.seq == *seq && wanted.kind == *kind && edge_fits
    };
    let head = json!([expected.kind, expected.phase, expected.from, expected.to]);
    let about = subject(line).unwrap_or(workflow.clone());
    let state = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let found = json!([line["kind"], about, state("from"), state("to")]);
    let compared: Vec<_> = list(&line["data"]["compared"])
        .iter()
        .map(|one| {
            assert_eq!(one["consumed"], one["found"]);
            (name(&one["phase"]), string(&one["found"]), one["seq"].as_u64().unwrap_or(0))
        })
        .collect();
    let same = head == found
        && wanted.len() == causes.len()
        && wanted.iter().zip(&causes).all(fits)
        && expected.changes == list(&line["data"]["changes"])
        && crate::money::tells(line, &expected.amounts)
        && expected.compared == compared;
    (!same).then(|| format!("expected {expected:#?}\nfound {line:#}"))
}
