//! What a staleness goes back to, a second time: each reason that holds is followed by itself, with the graph of the
//! time when the attempt began at hand.
//!
//! Where what is asked can be told in more than one way, `roots` has the narrow answer and `roots_allowed` every event
//! that can be called a root: an answer between the two is right.

use std::collections::BTreeSet;

use crate::defined::Says;
use crate::judge::{Judgement, Reason, View, judge};
use crate::oracle::{Origin, Spot, World};

/// Returns the events that the staleness of a phase goes back to; none for a phase that is not stale.
pub fn roots(world: &World, phase: &str) -> BTreeSet<u64> {
    roots_of(world, &judge(world), phase, false)
}

/// Returns every event that can be called a root of the staleness of a phase.
pub fn roots_allowed(world: &World, phase: &str) -> BTreeSet<u64> {
    roots_of(world, &judge(world), phase, true)
}

/// As [`roots`] or, `wide`, [`roots_allowed`], where it is judged already which phases are stale.
pub fn roots_of(world: &World, stale: &Judgement, phase: &str, wide: bool) -> BTreeSet<u64> {
    let reasons = stale.get(phase).into_iter().flatten();
    let Some((phase, _)) = stale.get_key_value(phase) else { return BTreeSet::new() };
    let spot = &world.phases[phase];
    let roots = Roots { world, stale, phase, spot, then: world.then(spot), now: world.now(), wide };
    reasons.flat_map(|reason| roots.of(reason)).collect()
}

/// Returns what a start of a phase answers, in order: each event with what it is to the start. A failure comes first, and
/// a skip, for it ends them; what the attempt that failed goes back to, or what lay behind the skip, follows.
pub fn answered(world: &World, phase: &str) -> Vec<Origin> {
    let spot = &world.phases[phase];
    let origins = |ends: BTreeSet<u64>| ends.into_iter().map(|seq| world.origin(seq));
    let Some(moved) = spot.moved else { return Vec::new() };
    match spot.state.as_str() {
        "PENDING" if spot.skipped => {
            let behind = &world.facts[moved as usize - 1].behind;
            std::iter::once(world.origin(moved)).chain(behind.iter().cloned()).collect()
        }
        // One of several resets goes back to the command that asked for all of them.
        "PENDING" => origins(far_ends(world, moved)).collect(),
        "FAILED" => {
            let start = spot.started.expect("it failed");
            let causes = &world.facts[start as usize - 1].causes;
            let behind = causes.iter().flat_map(|cause| far_ends(world, cause.seq)).collect();
            std::iter::once(world.origin(moved)).chain(origins(behind)).collect()
        }
        _ => origins(roots(world, phase)).collect(),
    }
}

/// Returns the events at the far ends of all chains of causes; an event that has none is its own. A definition is one, and
/// what took something back, also where that was caused by what it takes back.
pub fn far_ends(world: &World, seq: u64) -> BTreeSet<u64> {
    let (mut ends, mut seen, mut left) = (BTreeSet::new(), BTreeSet::new(), vec![seq]);
    while let Some(seq) = left.pop() {
        if !seen.insert(seq) {
            continue;
        }
        let fact = &world.facts[seq as usize - 1];
        let is_end = matches!(fact.kind.as_str(), "workflow_defined" | "reverted");
        let causes = if is_end { &[][..] } else { &fact.causes[..] };
        if causes.is_empty() {
            ends.insert(seq);
        }
        left.extend(causes.iter().map(|cause| cause.seq));
    }
    ends
}

impl World {
    /// Returns an event as something that another goes back to.
    pub fn origin(&self, seq: u64) -> Origin {
        let fact = &self.facts[seq as usize - 1];
        let kind = match fact.kind.as_str() {
            "workflow_defined" => "definition_changed",
            "rerun_marked" | "rerun_cause_added" | "rerun_deferred" => match fact.said_by.as_deref() {
                Some("input") => "input_changed",
                Some("output") => "output_changed",
                _ => "rerun_marked",
            },
            kind => kind,
        };
        Origin { seq, event: fact.event.clone(), kind: kind.to_owned() }
    }
}

struct Roots<'a> {
    world: &'a World,
    stale: &'a Judgement,
    phase: &'a str,
    spot: &'a Spot,
    /// When the attempt began.
    then: View<'a>,
    now: View<'a>,
    wide: bool,
}

impl<'a> Roots<'a> {
    fn start(&self) -> u64 {
        self.spot.began.expect("a stale phase has an attempt")
    }

    fn of(&self, reason: &'a Reason) -> BTreeSet<u64> {
        let found = match reason {
            Reason::Manual => self.spot.persons.iter().copied().collect(),
            Reason::Version { .. } => {
                self.definitions(self.phase, |says| says.map(|says| says.version.clone()), |_| true)
            }
            Reason::Input => self.spot.told_of("input").last().copied().into_iter().collect(),
            Reason::Output => self.spot.told_of("output").last().copied().into_iter().collect(),
            Reason::NeedAdded(need) => self.edge(self.phase, need, true),
            Reason::NeedChanged(need) => self.changed(need),
            Reason::NeedStale(need) => {
                let above = self.now.reach(need).into_iter().filter(|above| self.stale.contains_key(*above));
                above.flat_map(|above| roots_of(self.world, self.stale, above, self.wide)).collect()
            }
        };
        // Where nothing else explains it, the attempt's own start does.
        if found.is_empty() { BTreeSet::from([self.start()]) } else { found }
    }

    /// Compares what the attempt found through a need with what is there now, completion by completion.
    fn changed(&self, need: &'a str) -> BTreeSet<u64> {
        let (had, has) = (self.then.basis(need), self.now.basis(need));
        let mut found = BTreeSet::new();
        for (name, token) in &had {
            match has.get(name) {
                Some(now) if token.is_as(now) => {}
                Some(_) => {
                    found.extend(self.answered(name));
                    if self.wide {
                        found.extend(self.aside(name, token.seq));
                    }
                }
                None if self.now.token(name).is_none() => {
                    found.extend(self.aside(name, token.seq));
                    if self.wide {
                        found.extend(self.hidden(need, name));
                    }
                }
                None => found.extend(self.hidden(need, name)),
            }
        }
        let new = has.keys().filter(|name| !had.contains_key(*name));
        found.extend(new.flat_map(|name| self.appeared(need, name)));
        found
    }

    fn ends(&self, seq: u64) -> BTreeSet<u64> {
        let mut ends = far_ends(self.world, seq);
        if self.wide {
            let causes = &self.world.facts[seq as usize - 1].causes;
            ends.extend(causes.iter().map(|cause| cause.seq).chain([seq]));
        }
        ends
    }

    /// Returns what the attempt behind a phase's completion answered.
    fn answered(&self, phase: &str) -> BTreeSet<u64> {
        self.ends(self.world.phases[phase].answering.expect("it completed"))
    }

    /// Returns what set a phase's completion aside: the last one or, wide, each since the one recorded.
    fn aside(&self, phase: &str, recorded: u64) -> BTreeSet<u64> {
        if !self.wide {
            let last = self.world.phases[phase].set_aside;
            return last.into_iter().flat_map(|seq| self.ends(seq)).collect();
        }
        let facts = (1..).zip(&self.world.facts).skip(recorded as usize);
        let moves = facts.filter(|(_, fact)| {
            fact.phase.as_deref() == Some(phase)
                && matches!(
                    fact.kind.as_str(),
                    "phase_started" | "phase_reset" | "phase_skipped" | "reverted"
                )
        });
        moves.flat_map(|(seq, _)| self.ends(seq)).collect()
    }

    /// Of what stands and was reached then, but is not now: returns what is in the way on each path of that time.
    fn hidden(&self, from: &'a str, name: &str) -> BTreeSet<u64> {
        if from == name {
            return BTreeSet::new();
        }
        if self.now.token(from).is_some() {
            return self.answered(from);
        }
        let ways = self.then.needs(from).iter().filter(|need| self.then.reach(need).contains(name));
        ways.flat_map(|need| match self.now.has_edge(from, need) {
            true => self.hidden(need, name),
            false => self.edge(from, need, false),
        })
        .collect()
    }

    /// Of what is reached now, but was not then: returns the completion's roots where it was looked for there, else the
    /// definitions that made the edges by which it is reached.
    fn appeared(&self, need: &'a str, name: &'a str) -> BTreeSet<u64> {
        let (clean, mut definitions) = self.walk(need, need, name);
        let is_younger = self.now.token(name).is_some_and(|token| token.seq > self.start());
        // What stood before, and was put back since, goes back to what put it back.
        let put_back = self.world.phases[name].put_back(self.start()).filter(|_| !is_younger);
        let explained = || match put_back {
            Some(seq) => self.ends(seq),
            None if is_younger => self.answered(name),
            None => BTreeSet::new(),
        };
        if clean && !self.wide && (is_younger || put_back.is_some()) {
            return explained();
        }
        if self.wide {
            definitions.extend(explained());
        }
        definitions
    }

    /// Says whether a path of then leads on to a completion, and returns the definitions that made the edges by which
    /// else it is reached.
    fn walk(&self, need: &'a str, from: &'a str, name: &str) -> (bool, BTreeSet<u64>) {
        if from == name {
            return (true, BTreeSet::new());
        }
        // What lies behind something that was recorded and is set aside adds nothing.
        if self.then.basis(need).contains_key(from) {
            return (false, BTreeSet::new());
        }
        let (mut clean, mut found) = (false, BTreeSet::new());
        for next in self.now.needs(from).iter().filter(|next| self.now.reach(next).contains(name)) {
            if self.then.has_edge(from, next) {
                let (is_clean, definitions) = self.walk(need, next, name);
                clean |= is_clean;
                found.extend(definitions);
            } else {
                found.extend(self.edge(from, next, true));
            }
        }
        (clean, found)
    }

    /// Returns the definition since the attempt began that last made an edge, or removed it.
    fn edge(&self, phase: &str, need: &str, made: bool) -> BTreeSet<u64> {
        let has = |says: Option<&Says>| says.is_some_and(|says| says.needs.iter().any(|one| one == need));
        self.definitions(phase, has, |has| *has == made)
    }

    /// Returns the definition since the attempt began that last made what definitions say of a phase what it is; wide,
    /// each that changed it or brought the phase back. Of a phase that is not there they say nothing.
    fn definitions<T: PartialEq>(
        &self,
        phase: &str,
        says: impl Fn(Option<&Says>) -> T,
        to: impl Fn(&T) -> bool,
    ) -> BTreeSet<u64> {
        let (mut had, mut there) = (says(None), true);
        let mut found = BTreeSet::new();
        let of_workflow = |name: &str| phase.split('/').next() == Some(name);
        for defined in self.world.defined.iter().filter(|defined| of_workflow(&defined.workflow)) {
            let Some(now) = defined.phases.get(phase) else {
                there = false;
                continue;
            };
            let has = says(Some(now));
            let since = defined.seq > self.start();
            if has != had && to(&has) {
                if !self.wide {
                    found.clear();
                }
                if since {
                    found.insert(defined.seq);
                }
            }
            if self.wide && since && (has != had || !there) {
                found.insert(defined.seq);
            }
            (had, there) = (has, true);
        }
        found
    }
}
