//! The visit that judges anew what is below a change.
//!
//! Whatever changes about a phase (it starts, ends, is skipped, reset or marked, its definition changes) starts a visit
//! of what is below it, in topological order, ties by name. Each phase is judged by [`super::stale`]; one whose
//! judgement changed gets one event, with every cause that led to it. The visit passes through what is looked through
//! (PENDING, FAILED, under way), and ends at what stands or must run again as before.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

use super::attempt::Completion;
use super::draft::Draft;
use super::mark::Mark;
use super::phase::{Phase, PhaseState};
use super::reason::reasons_in_words;
use super::stale::{Go, Judge, consumed};
use super::table::Table;
use crate::model::{
    Cause, CauseKind, Change, CommandId, Comparison, Event, EventId, EventRef, PhaseId, Reason, Recorded,
    RerunCleared, RerunReason, Seq, StateName, Subject, Text,
};

/// The rule by which phases are judged.
pub(super) const STALE_RULE: &str = "stale/1";

/// One batch of derived events in the making.
pub(super) struct Wave<'a> {
    pub(super) table: &'a Table,
    pub(super) drafts: Vec<Draft>,
    command: CommandId,
    /// The events of the command that are there already.
    given: usize,
    head: Seq,
    roots: HashMap<EventId, EventId>,
    incoming: BTreeMap<PhaseId, Vec<Cause>>,
    /// Phases whose own event starts the visit, with what they pass on.
    sources: BTreeMap<PhaseId, Cause>,
    judge: Judge<'a>,
}

impl<'a> Wave<'a> {
    pub(super) fn new(table: &'a Table, first: &Recorded, events: &[Recorded]) -> Self {
        Wave {
            table,
            drafts: Vec::new(),
            command: first.command_id,
            given: events.len(),
            head: table.head,
            roots: events.iter().map(|record| (record.id, record.correlation_id)).collect(),
            incoming: BTreeMap::new(),
            sources: BTreeMap::new(),
            judge: Judge::new(table),
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

    /// Lets a visit start at a phase of which a definition says something else than before.
    pub(super) fn seed_definition(&mut self, id: &PhaseId, record: &Recorded) {
        let cause = Cause::new(record.event_ref(), CauseKind::DefinitionChanged);
        self.incoming.entry(id.clone()).or_default().push(cause);
    }

    /// Visits the sources and the seeds, and what is below them.
    pub(super) fn visit(&mut self) {
        if !self.is_any_changed() {
            return;
        }
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
            let own = self.sources.remove(id);
            if own.is_none() && incoming_here.is_empty() {
                continue;
            }
            let outgoing = self.visit_one(id, own, incoming_here);
            for &below in &region.below[number] {
                for cause in &outgoing {
                    let edge = Some((id.clone(), region.ids[below].clone()));
                    incoming[below].push(Cause { kind: from_above(cause.kind), edge, ..cause.clone() });
                }
            }
        }
    }

    /// Says whether the judgement of any phase changes that the visit comes to. As long as none does nothing is noted, so each
    /// is judged the same in whatever order they are looked at, and the order of all that is below need not be known.
    fn is_any_changed(&self) -> bool {
        let is_start = |id: &PhaseId| self.sources.contains_key(id) || self.incoming.contains_key(id);
        let mut open: Vec<&PhaseId> = self.sources.keys().chain(self.incoming.keys()).collect();
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            let Some(phase) = self.table.phases.get(id).filter(|_| seen.insert(id)) else { continue };
            if phase.is_stale() != self.judge.holds(phase) {
                return true;
            }
            let is_passed = match &phase.state {
                PhaseState::Complete { .. } | PhaseState::NeedsRerun { .. } => self.sources.contains_key(id),
                PhaseState::Pending { .. } | PhaseState::Failed { .. } | PhaseState::InProgress { .. } => {
                    true
                }
            };
            if is_passed && (is_start(id) || phase.passes()) {
                open.extend(self.table.dependants_of(id));
            }
        }
        false
    }

    /// Judges one phase anew, and returns what it passes on.
    fn visit_one(&mut self, id: &PhaseId, own: Option<Cause>, incoming: Vec<Cause>) -> Vec<Cause> {
        let Some(phase) = self.table.phases.get(id) else { return Vec::new() };
        let (was, is) = (phase.is_stale(), self.judge.holds(phase));
        if was == is {
            return match (own, &phase.state) {
                (Some(own), _) => vec![own],
                (None, PhaseState::Complete { .. } | PhaseState::NeedsRerun { .. }) => Vec::new(),
                (
                    None,
                    PhaseState::Pending { .. } | PhaseState::Failed { .. } | PhaseState::InProgress { .. },
                ) => incoming,
            };
        }
        self.judge.note(phase, is);
        match is {
            true => vec![self.mark(phase, own, incoming)],
            false => vec![self.clear(phase, own, incoming)],
        }
    }

    /// Says of a phase that it must run again, now or once its attempt has ended.
    fn mark(&mut self, phase: &'a Phase, own: Option<Cause>, incoming: Vec<Cause>) -> Cause {
        let reasons = self.judge.reasons(phase);
        let mut causes = incoming;
        if let (true, PhaseState::Complete { completion }, Some(own)) = (causes.is_empty(), &phase.state, own)
        {
            causes = self.outdating(phase, completion, own);
        }
        let reason = reasons_in_words(&self.judge, phase, &reasons);
        let why = RerunReason { reason, changes: changes(&reasons), reasons };
        let now = phase.state.name();
        let (event, to) = match now {
            StateName::InProgress => (why.deferred(), now),
            StateName::Pending | StateName::Complete | StateName::Failed | StateName::NeedsRerun => {
                (why.marked(), StateName::NeedsRerun)
            }
        };
        Cause::new(self.draft(phase, event, (now, to), STALE_RULE, causes), CauseKind::UpstreamRerun)
    }

    /// Returns why an attempt that has just completed must be repeated: what was said of it while it ran, or else what is
    /// said of what is stale above it.
    fn outdating(&mut self, phase: &Phase, completion: &Completion, own: Cause) -> Vec<Cause> {
        let during = completion.outdated_by.iter().filter(|mark| mark.event != completion.attempt.event);
        let mut causes: Vec<_> = during.map(|mark| (mark, None)).collect();
        if causes.is_empty() {
            causes = stale_above(self.table, phase);
        }
        self.roots.extend(causes.iter().map(|(mark, _)| (mark.event, mark.root)));
        let causes: Vec<_> = causes.into_iter().map(|(mark, edge)| outdating(mark, edge)).collect();
        match causes.is_empty() {
            true => vec![Cause { kind: CauseKind::SameCommand, ..own }],
            false => causes,
        }
    }

    /// Says of a phase that it stands after all.
    fn clear(&mut self, phase: &Phase, own: Option<Cause>, incoming: Vec<Cause>) -> Cause {
        let causes = match incoming.is_empty() {
            true => own.into_iter().collect(),
            false => incoming,
        };
        let is_itself = |kind| matches!(kind, CauseKind::DefinitionChanged | CauseKind::RerunWithdrawn);
        let unchanged = |cause: Cause| match is_itself(cause.kind) {
            true => cause,
            false => Cause { kind: CauseKind::UpstreamUnchanged, ..cause },
        };
        let causes = causes.into_iter().map(unchanged).collect();
        let now = phase.state.name();
        let to = if now == StateName::NeedsRerun { StateName::Complete } else { now };
        let compared = compared(self.table, phase);
        let cleared = RerunCleared { reason: Some(still_stands(phase, &compared)), compared };
        Cause::new(self.draft(phase, cleared, (now, to), STALE_RULE, causes), CauseKind::UpstreamUnchanged)
    }
}

/// Returns what a cause is to the phases below the one that passes it on.
fn from_above(kind: CauseKind) -> CauseKind {
    match kind {
        CauseKind::DefinitionChanged
        | CauseKind::InputChanged
        | CauseKind::OutputChanged
        | CauseKind::PhaseAccepted
        | CauseKind::PhaseStarted => CauseKind::UpstreamRerun,
        CauseKind::PhaseSkipped | CauseKind::PhaseReset => CauseKind::UpstreamReset,
        CauseKind::RerunWithdrawn => CauseKind::UpstreamUnchanged,
        kind => kind,
    }
}

/// Returns what a definition changed, of the reasons that hold.
fn changes(reasons: &[Reason]) -> Vec<Change> {
    let change = |reason: &Reason| match reason {
        Reason::Version { before, after } => {
            Some(Change { what: "version".to_owned(), before: before.clone(), after: after.clone() })
        }
        Reason::NeedAdded { need } => {
            Some(Change { what: "needs".to_owned(), before: None, after: Some(need.to_string()) })
        }
        Reason::Manual
        | Reason::Input
        | Reason::Output
        | Reason::NeedChanged { .. }
        | Reason::NeedStale { .. }
        | Reason::Legacy => None,
    };
    reasons.iter().filter_map(change).collect()
}

/// Returns what ran again since an attempt began, and put out the same as it found.
fn compared(table: &Table, phase: &Phase) -> Vec<Comparison> {
    let Some(attempt) = phase.state.attempt() else { return Vec::new() };
    let one = |need: &PhaseId| {
        let before = attempt.consumed.iter().find(|consumed| consumed.phase == *need)?;
        let now = consumed(table.phases.get(need)?)?;
        let (consumed, found) = (before.output?, now.output?);
        let is_again = before.event != now.event && consumed == found;
        is_again.then(|| Comparison { phase: need.clone(), consumed, found, event: now.event, seq: now.seq })
    };
    phase.spec.needs.iter().filter_map(one).collect()
}

/// Says in words why a phase stands after all.
fn still_stands(phase: &Phase, compared: &[Comparison]) -> Text {
    let name = |id: &PhaseId| id.beside(&phase.id.workflow);
    let again =
        compared.iter().map(|one| format!("{} put out the same again in e{}", name(&one.phase), one.seq));
    let again: Vec<_> = again.collect();
    let since = match &phase.state {
        PhaseState::NeedsRerun { completion, .. } => completion.seq,
        state => state.attempt().map_or(phase.last_seq, |attempt| attempt.seq),
    };
    let text = match again.is_empty() {
        true => format!("what it is built on still stands as of e{since}"),
        false => again.join("; "),
    };
    Text::cut(&text).expect("a text that is not empty")
}

/// Turns a mark above, or one of the attempt itself, into the cause of the mark at its end.
fn outdating(mark: &Mark, edge: Option<(PhaseId, PhaseId)>) -> Cause {
    let kind = match edge {
        Some(_) => CauseKind::UpstreamRerun,
        // Nobody defers by asking but a scan.
        None => mark.kind.unwrap_or(CauseKind::InputChanged),
    };
    Cause { event: EventRef { seq: mark.seq, id: mark.event }, kind, edge }
}

/// Returns the latest mark of each phase above that is stale, with the edge by which it is above.
fn stale_above<'a>(table: &'a Table, phase: &'a Phase) -> Vec<(&'a Mark, Option<(PhaseId, PhaseId)>)> {
    let mut found = Vec::new();
    let (judge, mut seen) = (Judge::new(table), HashSet::new());
    for need in &phase.spec.needs {
        judge.walk(need, |above| {
            if !above.is_stale() {
                return Go::On;
            }
            // What is stale since it began was so because of what is above it.
            let start = above.state.attempt().map(|attempt| attempt.event);
            let Some(mark) = above.state.marks().iter().rfind(|mark| Some(mark.event) != start) else {
                return Go::On;
            };
            if seen.insert(&above.id) {
                found.push((mark, Some((need.clone(), phase.id.clone()))));
            }
            Go::Past
        });
    }
    found
}

/// Some phases and everything below them that may stand on them, numbered: names are long, and looked up over and over.
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
            let is_start = below.len() < starts.len();
            let passes = is_start || table.phases.get(*id).is_some_and(|phase| phase.passes());
            let links = table.dependants_of(id).filter(|_| passes).map(|id| {
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
