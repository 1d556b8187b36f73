//! Staleness, a second time: as a question to what is kept of every moment, and asked of every phase each time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::defined::Graph;
use crate::oracle::{Spot, Token, World};

/// The completions that are found in a need or through it, by the names of their phases.
pub type Basis<'a> = BTreeMap<&'a str, &'a Token>;

/// Phases that are stale, with every reason that holds.
pub type Judgement = BTreeMap<String, Vec<Reason>>;

/// Why a phase must run again, in the order in which reasons are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    Manual,
    Version { before: Value, after: Value },
    Input,
    Output,
    NeedAdded(String),
    NeedChanged(String),
    NeedStale(String),
}

impl Reason {
    /// Returns what events of a workflow say of it.
    pub fn json(&self, workflow: &str) -> Value {
        let bare = |need: &str| {
            let own = need.strip_prefix(workflow).and_then(|rest| rest.strip_prefix('/'));
            own.unwrap_or(need).to_owned()
        };
        match self {
            Reason::Manual => json!({"reason": "manual"}),
            Reason::Version { before, after } => {
                json!({"reason": "version", "before": before, "after": after})
            }
            Reason::Input => json!({"reason": "input"}),
            Reason::Output => json!({"reason": "output"}),
            Reason::NeedAdded(need) => json!({"reason": "need_added", "need": bare(need)}),
            Reason::NeedChanged(need) => json!({"reason": "need_changed", "need": bare(need)}),
            Reason::NeedStale(need) => json!({"reason": "need_stale", "need": bare(need)}),
        }
    }
}

impl Token {
    /// Says whether one completion is as good as another: the same output, or the very completion.
    pub fn is_as(&self, other: &Token) -> bool {
        match (&self.output, &other.output) {
            (Some(one), Some(another)) => one == another,
            _ => self.seq == other.seq,
        }
    }
}

/// The world as it was after a place: what needed what, and which completions stood.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub world: &'a World,
    place: u64,
    graph: Option<&'a Graph>,
}

impl World {
    /// Looks at the world as it was after a place.
    pub fn after(&self, place: u64) -> View<'_> {
        let graph = self.graphs.iter().rev().find(|(seq, _)| *seq <= place).map(|(_, graph)| &**graph);
        View { world: self, place, graph }
    }

    /// Looks at the world as it is.
    pub fn now(&self) -> View<'_> {
        self.after(self.head)
    }

    /// Looks at the world as it was when the last attempt of a phase began.
    pub fn then(&self, spot: &Spot) -> View<'_> {
        self.after(spot.began.expect("it has an attempt") - 1)
    }
}

impl<'a> View<'a> {
    /// Returns what a phase needs; nothing where it is not there.
    pub fn needs(&self, phase: &str) -> &'a [String] {
        self.graph.and_then(|graph| graph.get(phase)).map_or(&[], Vec::as_slice)
    }

    /// Says whether a phase is there and needs another.
    pub fn has_edge(&self, phase: &str, need: &str) -> bool {
        self.needs(phase).iter().any(|one| one == need)
    }

    /// Returns the completion that a phase stands by.
    pub fn token(&self, phase: &str) -> Option<&'a Token> {
        let standing = &self.world.phases[phase].standing;
        standing.iter().rev().find(|(seq, _)| *seq <= self.place)?.1.as_ref()
    }

    /// Returns the phases that a need's basis is found through or in: the need, and what those need that have no
    /// completion which stands.
    pub fn reach(&self, need: &'a str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut left = vec![need];
        while let Some(phase) = left.pop() {
            if seen.insert(phase) && self.token(phase).is_none() {
                left.extend(self.needs(phase).iter().map(String::as_str));
            }
        }
        seen
    }

    /// Returns what a need rests on.
    pub fn basis(&self, need: &'a str) -> Basis<'a> {
        self.reach(need).into_iter().filter_map(|phase| Some((phase, self.token(phase)?))).collect()
    }
}

/// Says whether two bases are as good as one another.
fn is_same(one: &Basis<'_>, other: &Basis<'_>) -> bool {
    one.len() == other.len()
        && one.iter().all(|(phase, token)| other.get(phase).is_some_and(|found| token.is_as(found)))
}

/// Judges every phase that is there.
pub fn judge(world: &World) -> Judgement {
    let mut stale = Judgement::new();
    for phase in world.order() {
        let reasons = reasons(world, &phase, &stale);
        if !reasons.is_empty() {
            stale.insert(phase, reasons);
        }
    }
    stale
}

/// Returns every reason that holds for a phase, where those above it are judged.
fn reasons(world: &World, phase: &str, stale: &Judgement) -> Vec<Reason> {
    let spot = &world.phases[phase];
    if !spot.is_judged() {
        return Vec::new();
    }
    let (then, now) = (world.then(spot), world.now());
    let mut reasons = Vec::new();
    if !spot.persons.is_empty() {
        reasons.push(Reason::Manual);
    }
    if spot.version != spot.ran_under {
        reasons.push(Reason::Version { before: spot.ran_under.clone(), after: spot.version.clone() });
    }
    if !spot.told_of("input").is_empty() {
        reasons.push(Reason::Input);
    }
    if !spot.told_of("output").is_empty() {
        reasons.push(Reason::Output);
    }
    let (had, new): (Vec<_>, Vec<_>) = spot.needs.iter().partition(|need| then.has_edge(phase, need));
    reasons.extend(new.into_iter().cloned().map(Reason::NeedAdded));
    let changed = had.into_iter().filter(|need| !is_same(&then.basis(need), &now.basis(need)));
    reasons.extend(changed.cloned().map(Reason::NeedChanged));
    let is_stale = |need: &&String| now.reach(need).iter().any(|phase| stale.contains_key(*phase));
    reasons.extend(spot.needs.iter().filter(is_stale).cloned().map(Reason::NeedStale));
    reasons
}

/// Returns what a phase needs and has not got: what is neither COMPLETE, nor skipped with nothing stale behind it.
pub fn unmet(world: &World, phase: &str) -> Vec<String> {
    let now = world.now();
    let met = |need: &&String| {
        let spot = &world.phases[*need];
        let behind = now.reach(need);
        spot.state == "COMPLETE" || (spot.skipped && !behind.iter().any(|above| world.phases[*above].stale))
    };
    world.phases[phase].needs.iter().filter(|need| !met(need)).cloned().collect()
}

/// Says what breaks the law: a phase that is COMPLETE below one that must run again, through any phases.
pub fn lawless(world: &World) -> Option<String> {
    let stale = world.current().filter(|(_, spot)| spot.stale).map(|(name, _)| name.clone()).collect();
    let below = world.below(&stale).into_iter().find(|name| world.phases[name].state == "COMPLETE")?;
    Some(format!("`{below}` is COMPLETE below one of {stale:?}, which must run again"))
}

/// Says where what events say of a phase is not what the function says of it.
pub fn misjudged(world: &World) -> Option<String> {
    let judged = judge(world);
    let (name, spot) = world.current().find(|(name, spot)| spot.stale != judged.contains_key(*name))?;
    Some(format!("`{name}` is {}, stale: {}, but {:?} holds", spot.state, spot.stale, judged.get(name)))
}
