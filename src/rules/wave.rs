//! The visit that carries a rerun downstream.
//!
//! Whatever changes under a phase (a mark, a reset, a changed definition, a completion that it did not
//! consume) starts a visit of everything below, in topological order, ties by name. A phase that is
//! COMPLETE is marked, one that is IN_PROGRESS is deferred, one that NEEDS_RERUN gets one more cause; the
//! visit passes through those that are PENDING or FAILED, for what lies below them was built on what has
//! now changed. Each phase is visited once, so a diamond gives one event with every cause in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

use super::draft::Draft;
use super::phase::{Mark, Phase, PhaseState};
use super::table::Table;
use crate::model::{
    Cause, CauseKind, Change, CommandId, Digest, Event, EventId, EventRef, PhaseId, Recorded, RerunReason,
    Seq, StateName, Subject, Text,
};

/// One batch of derived events in the making.
pub(super) struct Wave<'a> {
    pub(super) table: &'a Table,
    pub(super) drafts: Vec<Draft>,
    /// Phases that this wave has marked or deferred: not settled, whatever the table says.
    pub(super) unsettled: HashSet<PhaseId>,
    command: CommandId,
    /// The events of the command that are there already.
    given: usize,
    head: Seq,
    roots: HashMap<EventId, EventId>,
    incoming: BTreeMap<PhaseId, Vec<Cause>>,
    /// Phases whose own event starts the visit, with what they pass on.
    sources: BTreeMap<PhaseId, Cause>,
    changes: BTreeMap<PhaseId, Vec<Change>>,
}

impl<'a> Wave<'a> {
    pub(super) fn new(table: &'a Table, first: &Recorded, events: &[Recorded]) -> Self {
        Wave {
            table,
            drafts: Vec::new(),
            unsettled: HashSet::new(),
            command: first.command_id,
            given: events.len(),
            head: table.head,
            roots: events.iter().map(|record| (record.id, record.correlation_id)).collect(),
            incoming: BTreeMap::new(),
            sources: BTreeMap::new(),
            changes: BTreeMap::new(),
        }
    }

    /// Adds a derived event about a phase. Its root is that of its first cause.
    pub(super) fn draft(
        &mut self,
        phase: &Phase,
        event: impl Into<Event>,
        transition: (StateName, StateName),
        rule: &'static str,
        causes: Vec<Cause>,
    ) -> EventRef {
        self.draft_about(Subject::Phase(phase.id.clone()), event, Some(transition), rule, causes)
    }

    /// As [`Wave::draft`], about anything.
    pub(super) fn draft_about(
        &mut self,
        subject: Subject,
        event: impl Into<Event>,
        transition: Option<(StateName, StateName)>,
        rule: &'static str,
        causes: Vec<Cause>,
    ) -> EventRef {
        let id = self.command.event(self.given + self.drafts.len());
        let seq = self.head.plus(self.drafts.len() as u64 + 1);
        let first = causes.first().map(|cause| cause.event.id);
        let root = first.and_then(|event| self.roots.get(&event).copied().or(Some(event))).unwrap_or(id);
        self.roots.insert(id, root);
        let event = event.into();
        self.drafts.push(Draft { id, event, subject, transition, rule: Some(rule), root, causes });
        EventRef { seq, id }
    }

    /// Lets a visit start below the phase that an event is about; nothing where it is about none.
    pub(super) fn source(&mut self, record: &Recorded, kind: CauseKind) {
        let Some(id) = record.subject.phase() else { return };
        self.sources.insert(id.clone(), Cause::new(record.event_ref(), kind));
    }

    fn seed(&mut self, id: &PhaseId, cause: Cause) {
        self.incoming.entry(id.clone()).or_default().push(cause);
    }

    pub(super) fn seed_definition(&mut self, id: &PhaseId, record: &Recorded, changes: &[Change]) {
        self.seed(id, Cause::new(record.event_ref(), CauseKind::DefinitionChanged));
        self.changes.insert(id.clone(), changes.to_vec());
    }

    /// Takes up a completion: it must be repeated when something above changed while it ran, or still waits
    /// for its rerun; otherwise those below that did not consume it must be.
    pub(super) fn complete(&mut self, record: &Recorded) {
        let Some(id) = record.subject.phase() else { return };
        let Some(phase) = self.table.phases.get(id) else { return };
        let PhaseState::Complete { completion } = &phase.state else { return };
        let mut outdated: Vec<_> = completion.outdated_by.iter().map(|mark| (mark, None)).collect();
        if outdated.is_empty() {
            outdated = stale_above(self.table, phase);
        }
        self.roots.extend(outdated.iter().map(|(mark, _)| (mark.event, mark.root)));
        let causes: Vec<_> = outdated.into_iter().map(|(mark, edge)| outdating(mark, edge)).collect();
        if !causes.is_empty() {
            let reason = told(&completion.outdated_by).unwrap_or_else(|| reason(phase, &causes, &[]));
            let event =
                self.mark(phase, (StateName::Complete, StateName::NeedsRerun), causes, (reason, Vec::new()));
            self.sources.insert(id.clone(), event);
            return;
        }
        for below in not_consumed(self.table, id, completion.output) {
            let kind = CauseKind::UpstreamCompleted;
            let edge = Some((id.clone(), below.clone()));
            self.seed(&below, Cause { event: record.event_ref(), kind, edge });
        }
    }

    /// Visits everything below the sources and seeds.
    pub(super) fn visit(&mut self) {
        let starts: BTreeSet<PhaseId> = self.sources.keys().chain(self.incoming.keys()).cloned().collect();
        let region = Region::below(self.table, &starts);
        let mut incoming: Vec<Vec<Cause>> = vec![Vec::new(); region.ids.len()];
        for (number, start) in starts.iter().enumerate() {
            incoming[number] = self.incoming.remove(start).unwrap_or_default();
        }
        for number in region.order() {
            let id = region.ids[number];
            let mut incoming_here = std::mem::take(&mut incoming[number]);
            if incoming_here.len() > 1 {
                let mut seen = HashSet::new();
                incoming_here.retain(|cause| seen.insert(cause.event.id));
            }
            let outgoing = match self.sources.remove(id) {
                Some(own) => vec![own],
                None if incoming_here.is_empty() => continue,
                None => self.pass(id, incoming_here),
            };
            for &below in &region.below[number] {
                for cause in &outgoing {
                    let kind = match cause.kind {
                        CauseKind::DefinitionChanged | CauseKind::InputChanged => CauseKind::UpstreamRerun,
                        kind => kind,
                    };
                    let edge = Some((id.clone(), region.ids[below].clone()));
                    incoming[below].push(Cause { kind, edge, ..cause.clone() });
                }
            }
        }
    }

    /// Visits one phase, and returns what it passes on.
    fn pass(&mut self, id: &PhaseId, incoming: Vec<Cause>) -> Vec<Cause> {
        let Some(phase) = self.table.phases.get(id) else { return Vec::new() };
        let now = phase.state.name();
        let to = match now {
            StateName::Pending | StateName::Failed => return incoming,
            StateName::Complete => StateName::NeedsRerun,
            StateName::InProgress | StateName::NeedsRerun => now,
        };
        let changes = self.changes.remove(id).unwrap_or_default();
        let reason = reason(phase, &incoming, &changes);
        vec![self.mark(phase, (now, to), incoming, (reason, changes))]
    }

    fn mark(
        &mut self,
        phase: &Phase,
        transition: (StateName, StateName),
        causes: Vec<Cause>,
        (reason, changes): (Text, Vec<Change>),
    ) -> Cause {
        let why = RerunReason { reason, changes };
        let event = match transition {
            (StateName::Complete, _) => why.marked(),
            (StateName::InProgress, _) => why.deferred(),
            (StateName::Pending | StateName::Failed | StateName::NeedsRerun, _) => why.cause_added(),
        };
        self.unsettled.insert(phase.id.clone());
        Cause::new(self.draft(phase, event, transition, "rerun/1", causes), CauseKind::UpstreamRerun)
    }
}

/// Turns a mark above, or the deferral of the attempt itself, into the cause of the mark at its end.
fn outdating(mark: &Mark, edge: Option<(PhaseId, PhaseId)>) -> Cause {
    let kind = match edge {
        Some(_) => CauseKind::UpstreamRerun,
        // Nobody defers by asking but a scan.
        None => mark.kind.unwrap_or(CauseKind::InputChanged),
    };
    Cause { event: EventRef { seq: mark.seq, id: mark.event }, kind, edge }
}

/// Returns the latest mark of each phase above that must itself be repeated, with the edge by which it is.
pub(super) fn stale_above<'a>(
    table: &'a Table,
    phase: &'a Phase,
) -> Vec<(&'a Mark, Option<(PhaseId, PhaseId)>)> {
    let above = walk_above(table, phase).into_iter();
    above.filter_map(|(above, edge)| Some((above.state.marks().last()?, Some(edge)))).collect()
}

/// Walks up from a phase through what is not COMPLETE: what is COMPLETE has nothing outdated above it.
/// Each phase comes with the edge into `phase` by which it is above.
fn walk_above<'a>(table: &'a Table, phase: &'a Phase) -> Vec<(&'a Phase, (PhaseId, PhaseId))> {
    let mut seen = BTreeSet::new();
    let mut walk: Vec<_> =
        phase.spec.needs.iter().rev().map(|need| (need, (need.clone(), phase.id.clone()))).collect();
    let mut above = Vec::new();
    while let Some((id, edge)) = walk.pop() {
        let Some(need) = table.phases.get(id) else { continue };
        if !seen.insert(id) || need.state.name() == StateName::Complete {
            continue;
        }
        walk.extend(need.spec.needs.iter().rev().map(|id| (id, edge.clone())));
        above.push((need, edge));
    }
    above
}

/// Returns those that need a phase and stand, or are about to, on an older completion of it than the last.
pub(super) fn not_consumed(table: &Table, id: &PhaseId, output: Option<Digest>) -> Vec<PhaseId> {
    let stands_on_older = |below: &&PhaseId| {
        let attempt = match table.phases.get(*below).map(|phase| &phase.state) {
            Some(PhaseState::Complete { completion }) => &completion.attempt,
            Some(PhaseState::InProgress { attempt, outdated_by }) if outdated_by.is_empty() => attempt,
            Some(
                PhaseState::InProgress { .. }
                | PhaseState::Pending { .. }
                | PhaseState::Failed { .. }
                | PhaseState::NeedsRerun { .. },
            )
            | None => return false,
        };
        output.is_none() || attempt.consumed_output(id) != output
    };
    table.dependants_of(id).filter(stands_on_older).cloned().collect()
}

/// Some phases and everything below them, numbered: names are long, and looked up over and over.
struct Region<'a> {
    /// The phases, those it starts with first.
    ids: Vec<&'a PhaseId>,
    /// The numbers of those who need a phase, in the order of their names.
    below: Vec<Vec<usize>>,
}

impl<'a> Region<'a> {
    fn below(table: &'a Table, starts: &'a BTreeSet<PhaseId>) -> Self {
        let mut ids: Vec<&PhaseId> = starts.iter().collect();
        let mut numbers: HashMap<&PhaseId, usize> = ids.iter().copied().zip(0..).collect();
        let mut below = Vec::new();
        while let Some(id) = ids.get(below.len()) {
            let links = table.dependants_of(id).map(|id| {
                *numbers.entry(id).or_insert_with(|| {
                    ids.push(id);
                    ids.len() - 1
                })
            });
            below.push(links.collect());
        }
        Region { ids, below }
    }

    /// Returns the numbers in topological order, ties by name.
    fn order(&self) -> Vec<usize> {
        let mut by_name: Vec<usize> = (0..self.ids.len()).collect();
        by_name.sort_unstable_by_key(|&number| self.ids[number]);
        let mut ranks = vec![0; by_name.len()];
        by_name.iter().enumerate().for_each(|(rank, &number)| ranks[number] = rank);
        let mut above = vec![0_usize; by_name.len()];
        self.below.iter().flatten().for_each(|&number| above[number] += 1);
        let free = ranks.iter().zip(&above).filter(|(_, count)| **count == 0);
        let mut ready: BinaryHeap<Reverse<usize>> = free.map(|(rank, _)| Reverse(*rank)).collect();
        let mut order = Vec::with_capacity(by_name.len());
        while let Some(Reverse(rank)) = ready.pop() {
            let number = by_name[rank];
            for &below in &self.below[number] {
                above[below] -= 1;
                if above[below] == 0 {
                    ready.push(Reverse(ranks[below]));
                }
            }
            order.push(number);
        }
        order
    }
}

/// Repeats what the deferrals of an attempt said; none when there were none.
fn told(outdated_by: &[Mark]) -> Option<Text> {
    let mut reasons: Vec<&str> = outdated_by.iter().map(|mark| mark.reason.as_str()).collect();
    reasons.dedup();
    Text::cut(&reasons.join("; "))
}

/// Says in words why a phase must run again.
fn reason(phase: &Phase, causes: &[Cause], changes: &[Change]) -> Text {
    let mut parts: Vec<String> = changes.iter().map(describe).collect();
    for (kind, one, many) in [
        (CauseKind::UpstreamRerun, "Upstream phase requires rerun", "Upstream phases require rerun"),
        (CauseKind::UpstreamReset, "Upstream phase was reset", "Upstream phases were reset"),
        (CauseKind::UpstreamCompleted, "Upstream phase completed anew", "Upstream phases completed anew"),
    ] {
        let mut names: Vec<String> = causes
            .iter()
            .filter(|cause| cause.kind == kind)
            .filter_map(|cause| cause.edge.as_ref())
            .map(|(above, _)| name_beside(above, phase))
            .collect();
        names.dedup();
        let head = if names.len() == 1 { one } else { many };
        match names.len() {
            0 => {}
            1..=8 => parts.push(format!("{head}: {}", names.join(", "))),
            count => parts.push(format!("{head}: {} and {} more", names[..8].join(", "), count - 8)),
        }
    }
    Text::cut(&parts.join("; ")).expect("a phase is reached by an edge or a change")
}

fn describe(change: &Change) -> String {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    match (&change.before, &change.after) {
        (None, Some(after)) if change.what == "needs" => format!("Definition changed: needs {after}"),
        (before, after) => {
            format!("Definition changed: {} {} → {}", change.what, or_none(before), or_none(after))
        }
    }
}

/// Names a phase as seen from another: the bare name within one workflow.
fn name_beside(id: &PhaseId, beside: &Phase) -> String {
    if id.workflow == beside.id.workflow { id.phase.to_string() } else { id.to_string() }
}
