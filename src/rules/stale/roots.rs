//! Since when a phase is stale: the reasons that hold, followed back to the events that made them so.
//!
//! | reason | goes back to |
//! |---|---|
//! | own | the mark, the definition, the scan |
//! | a need that is stale | its own roots |
//! | a completion that differs | what its attempt answered |
//! | one that no longer stands | what set it aside; what lies behind it adds nothing |
//! | one hidden behind a nearer one | what that one's attempt answered |
//! | one that the graph no longer, or only now, leads to | the definition that made or removed the edge |
//!
//! Where nothing else explains a reason, the attempt's own start does: it was claimed for a time when more was there than
//! it recorded.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::judge::Judge;
use crate::model::{CauseKind, Consumed, EventRef, Origin, PhaseId, PhaseRef, Reason, Said, Seq};
use crate::rules::attempt::{Attempt, Completion};
use crate::rules::basis::{Basis, are_same};
use crate::rules::mark::Mark;
use crate::rules::phase::Phase;
use crate::rules::table::{Defined, Table};

/// One step back from why a phase is stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The place of the event that said so; none where no event of the phases on the way did.
    pub from: Option<Seq>,
    /// The place of the event that it goes back to.
    pub to: Seq,
    /// Why.
    pub kind: CauseKind,
    /// The edge by which it came.
    pub edge: Option<(PhaseId, PhaseId)>,
}

/// What a reason goes back to.
pub(super) enum Found<'a> {
    Origin(Origin),
    /// What the attempt of a completion answered, by the need in which it is found.
    Completion(&'a Completion, PhaseId),
}

impl Found<'_> {
    /// Returns the step to it from the event that said that a phase is stale.
    fn step(&self, from: Option<Seq>, edge: Option<(PhaseId, PhaseId)>, stale: &Phase) -> Step {
        match self {
            Found::Origin(origin) => Step { from, to: origin.seq, kind: origin.kind, edge },
            Found::Completion(completion, need) => {
                let edge = Some((need.clone(), stale.id.clone()));
                Step { from, to: completion.seq, kind: CauseKind::UpstreamCompleted, edge }
            }
        }
    }

    pub(super) fn origins(&self) -> &[Origin] {
        match self {
            Found::Origin(origin) => std::slice::from_ref(origin),
            Found::Completion(completion, _) => &completion.attempt.origins,
        }
    }
}

/// Returns the roots of why a phase is stale, in the order of the log; none where it is not. The table has what is above
/// it as far as that is stale or has no completion that stands.
pub(in crate::rules) fn roots(table: &Table, phase: &Phase) -> Vec<Origin> {
    let mut judge = Judge::new(table);
    let mut origins = BTreeSet::new();
    // What is above comes first: what is known of it says what is found through it.
    for stale in Above::of(table, phase).phases.into_iter().rev() {
        for found in back(&mut judge, stale) {
            origins.extend(found.origins());
        }
    }
    origins.into_iter().collect()
}

/// Returns the steps from why a phase is stale back to the completions, marks, scans, resets and definitions that make it
/// so, as things stand: those that only count no longer, whatever was recorded of them, are not among them.
pub fn trail(table: &Table, phase: &Phase) -> Vec<Step> {
    let mut judge = Judge::new(table);
    let Above { phases, ways } = Above::of(table, phase);
    let mut backs: Vec<_> = phases.iter().rev().map(|stale| back(&mut judge, stale)).collect();
    backs.reverse();
    let derived: Vec<_> = phases.iter().map(|stale| derived(stale)).collect();
    // From where the steps of a phase go on: the event that said that it is stale, or else where they came from.
    let mut said = derived.clone();
    let mut is_known = vec![false; phases.len()];
    for way in &ways {
        if !std::mem::replace(&mut is_known[way.above], true) {
            said[way.above] = derived[way.above].or(said[way.below]);
        }
    }
    let mut steps = Vec::new();
    let mut lead = |from: Option<Seq>, edge: Option<(PhaseId, PhaseId)>, to: usize| match derived[to] {
        Some(to) => steps.push(Step { from, to, kind: CauseKind::UpstreamRerun, edge }),
        None => steps.extend(backs[to].iter().map(|found| found.step(from, edge.clone(), phases[to]))),
    };
    lead(None, None, 0);
    for way in &ways {
        let edge = (way.need.clone(), phases[way.below].id.clone());
        lead(said[way.below], Some(edge), way.above);
    }
    for (at, from) in derived.iter().enumerate().filter(|(_, from)| from.is_some()) {
        steps.extend(backs[at].iter().map(|found| found.step(*from, None, phases[at])));
    }
    steps.retain(|step| step.from != Some(step.to));
    steps
}

/// Returns the place of the last event that a rule derived about a stale phase.
fn derived(phase: &Phase) -> Option<Seq> {
    phase.state.marks().iter().rfind(|mark| !mark.is_own()).map(|mark| mark.seq)
}

/// A stale phase and those above it that are stale too, each behind one that is below it, with the ways between them.
struct Above<'a> {
    phases: Vec<&'a Phase>,
    ways: Vec<Way<'a>>,
}

/// That a phase is stale because another one is: the need by which that is above.
struct Way<'a> {
    below: usize,
    need: &'a PhaseId,
    above: usize,
}

impl<'a> Above<'a> {
    fn of(table: &'a Table, phase: &'a Phase) -> Self {
        let judge = Judge::new(table);
        let mut numbers = HashMap::from([(&phase.id, 0)]);
        let (mut phases, mut ways) = (vec![phase], Vec::new());
        let mut below = 0;
        while let Some(&stale) = phases.get(below) {
            judge.stale_above(stale, |need, above| {
                let number = *numbers.entry(&above.id).or_insert_with(|| {
                    phases.push(above);
                    phases.len() - 1
                });
                ways.push(Way { below, need, above: number });
            });
            below += 1;
        }
        Above { phases, ways }
    }
}

/// Goes back from the reasons of a phase that lie in itself, or in what it finds in its needs.
pub(super) fn back<'a>(judge: &mut Judge<'a>, phase: &'a Phase) -> Vec<Found<'a>> {
    let Some(attempt) = phase.state.attempt().filter(|_| phase.is_stale()) else { return Vec::new() };
    let mut found = Vec::new();
    let holding = judge.reasons(phase);
    if holding.is_empty() {
        // The first release said so, and it is no longer explained.
        found.extend(phase.state.marks().last().map(|mark| Found::Origin(mark.origin())));
    }
    for reason in holding.iter().filter(|reason| !matches!(reason, Reason::NeedStale { .. })) {
        let back = Back { judge, phase, attempt }.of(reason);
        match back.is_empty() {
            true => found.push(Found::Origin(attempt.start())),
            false => found.extend(back),
        }
    }
    found
}

fn need_of<'a>(phase: &'a Phase, need: &PhaseId) -> Option<&'a PhaseId> {
    phase.spec.needs.iter().find(|id| *id == need)
}

/// Follows the reasons of one phase back.
struct Back<'a, 'b> {
    judge: &'b Judge<'a>,
    phase: &'a Phase,
    attempt: &'a Attempt,
}

impl<'a> Back<'a, '_> {
    fn of(&self, reason: &Reason) -> Vec<Found<'a>> {
        let phase = self.phase;
        let within = |need: &PhaseRef| need.within(&phase.id.workflow);
        let own = |by: Said| phase.said().filter(move |mark| mark.said() == Some(by));
        let origins: Vec<Origin> = match reason {
            Reason::Manual => own(Said::Manual).map(Mark::origin).collect(),
            // A scan says all that differs: the last one stands for those before.
            Reason::Input => own(Said::Input).last().map(Mark::origin).into_iter().collect(),
            Reason::Output => own(Said::Output).last().map(Mark::origin).into_iter().collect(),
            Reason::Legacy => {
                phase.state.marks().iter().filter(|mark| mark.legacy).map(Mark::origin).collect()
            }
            Reason::Version { .. } => self.definition(phase, phase.lineage.version).into_iter().collect(),
            Reason::NeedAdded { need } => self.edge(phase, &within(need)).into_iter().collect(),
            Reason::NeedChanged { need } => {
                return need_of(phase, &within(need)).map(|need| self.changed(need)).unwrap_or_default();
            }
            Reason::NeedStale { .. } => Vec::new(),
        };
        origins.into_iter().map(Found::Origin).collect()
    }

    /// Returns the definition at a place, where it came since the attempt began.
    fn definition(&self, of: &Phase, place: Seq) -> Option<Origin> {
        let workflow = self.judge.table.workflows.get(&of.id.workflow)?;
        let Defined { event, root } = workflow.definition_at(place)?;
        let origin = Origin { root, ..Origin::new(event, CauseKind::DefinitionChanged) };
        (place > self.attempt.since()).then_some(origin)
    }

    /// Returns the definition that last made, or removed, an edge, where it came since the attempt began.
    fn edge(&self, of: &Phase, need: &PhaseId) -> Option<Origin> {
        let last = of.lineage.edges.get(need).and_then(|changes| changes.last());
        self.definition(of, last.copied().unwrap_or(of.lineage.added))
    }

    /// Goes back from what was found in a need, and what is found there now, entry by entry.
    fn changed(&self, need: &'a PhaseId) -> Vec<Found<'a>> {
        let Some(then) = self.attempt.basis(need) else { return Vec::new() };
        let now = self.judge.look(need).basis;
        if then.is_cut() {
            let since = now.found().iter().filter(|found| found.seq > self.attempt.since());
            return since.filter_map(|found| self.answered(&found.phase, need)).collect();
        }
        let phases: BTreeSet<&PhaseId> =
            then.found().iter().chain(now.found()).map(|found| &found.phase).collect();
        let one = |id: &&PhaseId| match (then.of_phase(id), now.of_phase(id)) {
            (Some(before), Some(after)) if are_same(before, after) => Vec::new(),
            (Some(_), Some(_)) => self.answered(id, need).into_iter().collect(),
            (Some(_), None) => match self.judge.table.phases.get(*id) {
                Some(phase) if phase.state.completion().is_none() => {
                    phase.aside.iter().copied().map(Found::Origin).collect()
                }
                Some(_) | None => self.hidden(need, id, &then),
            },
            (None, Some(found)) => self.appeared(need, found, &then),
            (None, None) => Vec::new(),
        };
        phases.iter().flat_map(one).collect()
    }

    /// Returns the last completion of a phase, for what its attempt answered.
    fn answered(&self, id: &PhaseId, need: &PhaseId) -> Option<Found<'a>> {
        let completion = self.judge.table.phases.get(id)?.standing()?;
        Some(Found::Completion(completion, need.clone()))
    }

    /// Goes back from a completion that stands and was found, but no longer is: what is in the way on the ways of then.
    fn hidden(&self, need: &PhaseId, sought: &PhaseId, then: &Basis) -> Vec<Found<'a>> {
        let edges_then = |id: &PhaseId| -> Vec<&'a PhaseId> {
            let is_looked_through = then.of_phase(id).is_none();
            let phase = self.judge.table.phases.get(id).filter(|_| is_looked_through);
            phase.map(|phase| phase.needs_at(self.attempt.since()).into_iter().collect()).unwrap_or_default()
        };
        let leads = leading(need, sought, edges_then);
        let (mut found, mut seen, mut open) = (Vec::new(), HashSet::new(), vec![need]);
        while let Some(id) = open.pop() {
            let Some(phase) = self.judge.table.phases.get(id).filter(|_| id != sought && seen.insert(id))
            else {
                continue;
            };
            if phase.standing().is_some() {
                found.extend(self.answered(id, need));
                continue;
            }
            for next in edges_then(id).into_iter().filter(|next| leads.contains(next)) {
                match phase.spec.needs.contains(next) && !phase.retired {
                    true => open.push(next),
                    false => found.extend(self.edge(phase, next).map(Found::Origin)),
                }
            }
        }
        found
    }

    /// Goes back from a completion that was not found and now is.
    fn appeared(&self, need: &PhaseId, sought: &Consumed, then: &Basis) -> Vec<Found<'a>> {
        let edges_now = |id: &PhaseId| -> Vec<&'a PhaseId> {
            let phase = self.judge.table.phases.get(id).filter(|phase| phase.standing().is_none());
            phase.map(|phase| phase.spec.needs.iter().collect()).unwrap_or_default()
        };
        let leads = leading(need, &sought.phase, edges_now);
        let (mut found, mut was_there, mut seen, mut open) = (Vec::new(), false, HashSet::new(), vec![need]);
        while let Some(id) = open.pop() {
            if *id == sought.phase {
                was_there = true;
                continue;
            }
            // What was found there was set aside, which says it all.
            if then.of_phase(id).is_some() || !seen.insert(id) {
                continue;
            }
            let Some(phase) = self.judge.table.phases.get(id) else { continue };
            let had = phase.needs_at(self.attempt.since());
            for next in edges_now(id).into_iter().filter(|next| leads.contains(next)) {
                match had.contains(next) {
                    true => open.push(next),
                    false => found.extend(self.edge(phase, next).map(Found::Origin)),
                }
            }
        }
        // A way of then leads to it, and it had not completed: its completion is what differs.
        match was_there && sought.seq > self.attempt.since() {
            true => self.answered(&sought.phase, need).into_iter().collect(),
            // Or it is there again, for what set it aside is taken back.
            false if was_there => {
                let returned = self.judge.table.phases.get(&sought.phase).and_then(|phase| phase.returned);
                let returned = returned.filter(|returned| returned.seq > self.attempt.since());
                found.into_iter().chain(returned.map(Found::Origin)).collect()
            }
            false => found,
        }
    }
}

/// Returns the phases from which the edges lead to the one that is sought, of those to which they lead from a need.
fn leading<'a>(
    need: &PhaseId,
    sought: &PhaseId,
    edges: impl Fn(&PhaseId) -> Vec<&'a PhaseId>,
) -> HashSet<PhaseId> {
    let mut back: BTreeMap<PhaseId, Vec<PhaseId>> = BTreeMap::new();
    let (mut seen, mut open) = (HashSet::from([need.clone()]), vec![need.clone()]);
    while let Some(id) = open.pop() {
        for next in edges(&id) {
            back.entry(next.clone()).or_default().push(id.clone());
            if seen.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    let (mut leads, mut open) = (HashSet::from([sought.clone()]), vec![sought.clone()]);
    while let Some(id) = open.pop() {
        for before in back.get(&id).into_iter().flatten() {
            if leads.insert(before.clone()) {
                open.push(before.clone());
            }
        }
    }
    leads
}

impl Attempt {
    /// Returns its start, or who vouched for it since, as what is left where nothing else explains.
    fn start(&self) -> Origin {
        if let Some(vouched) = &self.vouched {
            let event = EventRef { seq: vouched.seq, id: vouched.event };
            return Origin::new(event, CauseKind::PhaseAccepted);
        }
        Origin::new(EventRef { seq: self.seq, id: self.event }, CauseKind::PhaseStarted)
    }
}
