//! What an event rests on: it never takes effect before that, however early it is claimed to have.
//!
//! So whatever a cut through the axis of `at` holds, it holds all that is needed to fold it. What someone only thought
//! when an event was recorded (a derived judgement) rests on nothing.

use std::borrow::Cow;

use super::budget::Budget;
use super::draft::Draft;
use super::family::alerts;
use super::family::definition::DATED_BACK;
use super::happened::Happened;
use super::phase::{Phase, PhaseState};
use super::stale::Judge;
use super::table::Table;
use crate::model::{
    ApprovalDecided, Cause, Consumed, CostLimitSet, CostRecorded, Event, LookedThrough, PhaseId, PhaseName,
    Recorded, RerunWithdrawn, Seq, Subject, TagName, TagSet, Timestamp, Undone, WorkflowDefined,
    WorkflowName, WorkflowRetired,
};

/// An event that another one rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Its place.
    pub seq: Seq,
    /// When it took effect; none where the table does not tell.
    pub at: Option<Timestamp>,
}

impl From<Happened> for Rest {
    fn from(happened: Happened) -> Self {
        Rest { seq: happened.seq, at: Some(happened.at) }
    }
}

/// What is to be known of an event to tell what it rests on.
#[derive(Debug, Clone)]
pub struct Resting<'a> {
    event: &'a Event,
    subject: &'a Subject,
    causes: &'a [Cause],
    is_derived: bool,
    inferred: Option<Cow<'a, str>>,
}

impl<'a> Resting<'a> {
    /// Looks at an event that is not yet in the log, and at the repair that its command is.
    pub fn draft(draft: &'a Draft, inferred: Option<&'a str>) -> Self {
        Resting {
            event: &draft.event,
            subject: &draft.subject,
            causes: &draft.causes,
            is_derived: draft.rule.is_some(),
            inferred: inferred.map(Cow::Borrowed),
        }
    }

    /// Looks at an event of the log.
    pub fn recorded(record: &'a Recorded) -> Self {
        Resting {
            event: &record.event,
            subject: &record.subject,
            causes: &record.causes,
            is_derived: record.rule.is_some(),
            inferred: record.inferred.as_deref().map(Cow::Borrowed),
        }
    }
}

/// Returns what an event rests on. The table is that before it.
pub fn rests_on(table: &Table, of: &Resting<'_>) -> Vec<Rest> {
    let mut rests = Rests::new(table, of);
    match of.event {
        Event::WorkflowDefined(defined) => rests.definition(defined),
        Event::WorkflowRetired(retired) => rests.retirement(retired),
        Event::RerunMarked(_)
        | Event::RerunCauseAdded(_)
        | Event::RerunDeferred(_)
        | Event::RerunCleared(_)
            if of.is_derived => {}
        Event::PhaseStarted(started) => {
            rests.transition();
            rests.found_in(&started.consumed, &started.looked_through);
        }
        Event::PhaseAccepted(accepted) => {
            rests.transition();
            rests.found_in(&accepted.consumed, &accepted.looked_through);
        }
        Event::PhaseSkipped(skipped) => {
            rests.transition();
            rests.found.extend(skipped.behind.iter().map(|behind| Rest { seq: behind.seq, at: None }));
        }
        Event::PhaseCompleted(_)
        | Event::PhaseFailed(_)
        | Event::PhaseReset(_)
        | Event::RerunMarked(_)
        | Event::RerunCauseAdded(_)
        | Event::RerunDeferred(_)
        | Event::RerunCleared(_) => rests.transition(),
        Event::RerunWithdrawn(withdrawn) => {
            rests.transition();
            rests.taken_back(withdrawn);
        }
        Event::Reverted(reverted) => match reverted.what {
            Undone::Mark | Undone::Skip => rests.transition(),
            Undone::Note
            | Undone::Tag
            | Undone::Metadata
            | Undone::Limit
            | Undone::Cost
            | Undone::Definition
            | Undone::Decision => {
                rests.subject();
                rests.causes();
            }
        },
        Event::TagSet(TagSet { from: Some(_), name, .. }) => rests.tag(name),
        // What takes a tag back rests on what it takes back.
        Event::TagRemoved(removed) if !of.is_derived => rests.tag(&removed.name),
        Event::TagSet(_) | Event::TagRemoved(_) => rests.subject(),
        Event::CostRecorded(cost) => rests.cost(cost),
        Event::CostLimitSet(set) => rests.limit(set),
        Event::CostReserved(_) => rests.reservation(),
        Event::CostReleased(_) => {
            rests.subject();
            rests.causes();
        }
        Event::MetadataRecorded(_)
        | Event::NoteAdded(_)
        | Event::CostWarningRaised(_)
        | Event::CostLimitExceeded(_)
        | Event::ApprovalRequested(_)
        | Event::HistoryImported(_) => rests.subject(),
        Event::ApprovalGranted(decided) | Event::ApprovalRejected(decided) => {
            rests.subject();
            rests.request(decided);
        }
    }
    rests.found
}

struct Rests<'a> {
    table: &'a Table,
    of: &'a Resting<'a>,
    /// The phase that the event is about.
    phase: Option<&'a Phase>,
    found: Vec<Rest>,
}

impl<'a> Rests<'a> {
    fn new(table: &'a Table, of: &'a Resting<'a>) -> Self {
        let phase = of.subject.phase().and_then(|id| table.phases.get(id));
        Rests { table, of, phase, found: Vec::new() }
    }

    fn add(&mut self, rests: impl IntoIterator<Item = Happened>) {
        self.found.extend(rests.into_iter().map(Rest::from));
    }

    /// The definition that brought in what the event is about.
    fn subject(&mut self) {
        let whole = || self.table.workflows.get(self.of.subject.workflow()?);
        let brought_in = match self.of.subject {
            Subject::Phase(_) => self.phase.map(|phase| phase.brought_in),
            Subject::Workflow(_) => whole().map(|workflow| workflow.brought_in),
            Subject::Ledger => None,
        };
        self.add(brought_in);
    }

    fn causes(&mut self) {
        for cause in self.of.causes {
            let at = time_of(self.phase, cause.event.seq);
            self.found.push(Rest { seq: cause.event.seq, at });
        }
    }

    /// What moves a tag, or takes it away, rests on what set it.
    fn tag(&mut self, name: &TagName) {
        let set = self.table.tags.get(name).map(|tag| Rest { seq: tag.set, at: None });
        self.found.extend(set);
    }

    fn request(&mut self, decided: &ApprovalDecided) {
        let asked = self.table.approvals.get(&decided.request);
        self.add(asked.map(|asked| Happened { seq: asked.seq, at: asked.at }));
        let reopened = asked.and_then(|asked| asked.replaced.as_ref());
        self.add(reopened.map(|reopened| Happened { seq: reopened.by, at: reopened.at }));
    }

    /// What moves a phase rests on what moved it before, and on what caused it.
    fn transition(&mut self) {
        self.subject();
        self.causes();
        self.add(self.phase.and_then(|phase| phase.moved));
    }

    /// What a start builds on, also what it found through its needs; of what is too many to be recorded the table tells.
    fn found_in(&mut self, consumed: &[Consumed], looked_through: &[LookedThrough]) {
        self.built_on(consumed);
        for through in looked_through {
            self.add(self.table.named_by(&through.need));
            match through.many {
                None => self.built_on(&through.found),
                Some(_) => self.built_on(Judge::new(self.table).look(&through.need).basis.found()),
            }
        }
    }

    fn built_on(&mut self, found: &[Consumed]) {
        for found in found {
            let at = time_of(self.table.phases.get(&found.phase), found.seq);
            self.found.push(Rest { seq: found.seq, at });
            // In a cut without that, nothing is called so.
            self.add(self.table.named_by(&found.phase));
        }
    }

    /// Money is spent on a phase that is there; a refund gives back what was spent before; and what fails an attempt
    /// rests on its start.
    fn cost(&mut self, cost: &CostRecorded) {
        self.subject();
        let Some(phase) = self.phase else { return };
        let held = cost.reservation.and_then(|of| phase.budget.reservation(of.event));
        self.add(held.map(|held| Happened { seq: held.seq, at: held.at }));
        if cost.refund {
            self.add(phase.paid);
        }
        if let PhaseState::InProgress { attempt, .. } = &phase.state
            && alerts::would_fail(self.table, phase, cost.amount)
        {
            self.add([Happened { seq: attempt.seq, at: attempt.started_at }]);
            self.add(phase.moved);
        }
    }

    /// The limit of a period rests on the costs that it counts.
    fn limit(&mut self, set: &CostLimitSet) {
        self.subject();
        if set.period.is_some() && set.limit.is_some() {
            let budget = self.budget();
            self.add(budget.and_then(|budget| budget.last));
        }
    }

    /// A reservation rests on the last one of its workflow, beside which it is granted.
    fn reservation(&mut self) {
        self.subject();
        let workflow = self.of.subject.workflow().and_then(|name| self.table.workflows.get(name));
        let last = workflow.and_then(|workflow| workflow.budget.reserved.last());
        self.add(last.map(|last| Happened { seq: last.seq, at: last.at }));
    }

    fn budget(&self) -> Option<&'a Budget> {
        match self.of.subject {
            Subject::Phase(_) => self.phase.map(|phase| &phase.budget),
            Subject::Workflow(name) => self.table.workflows.get(name).map(|workflow| &workflow.budget),
            Subject::Ledger => None,
        }
    }

    /// A definition rests on the last one of any workflow, for it may need what is there; and on what moved the phases
    /// that it brings in or retires. One that is dated back changes nothing that is there.
    fn definition(&mut self, defined: &WorkflowDefined) {
        let latest = self.latest_definition();
        if self.of.inferred.as_deref() == Some(DATED_BACK) {
            let own = defined.definition.name();
            let needs = defined.definition.phases().iter().flat_map(|phase| &phase.needs);
            let is_apart = needs.into_iter().all(|need| need.within(own).workflow == *own);
            self.add(latest.filter(|_| !is_apart));
            return;
        }
        self.add(latest);
        let renamed = defined.renamed.iter().flat_map(|renamed| [&renamed.from, &renamed.to]);
        let phases = defined.added.iter().chain(&defined.retired).chain(renamed);
        self.moved(defined.definition.name(), phases);
    }

    /// So does a retirement, which needs what nobody else needs, and moves what it retires.
    fn retirement(&mut self, retired: &WorkflowRetired) {
        self.add(self.latest_definition());
        if let Some(workflow) = self.of.subject.workflow() {
            self.moved(workflow, retired.retired.iter());
        }
    }

    fn latest_definition(&self) -> Option<Happened> {
        let latest = self.table.workflows.values().map(|workflow| workflow.latest);
        latest.reduce(|one, other| one.later(Some(other)))
    }

    /// What moved some phases of a workflow last.
    fn moved<'p>(&mut self, workflow: &WorkflowName, phases: impl Iterator<Item = &'p PhaseName>) {
        let id = |name: &PhaseName| PhaseId::new(workflow.clone(), name.clone());
        let moved = |name| self.table.phases.get(&id(name)).and_then(|phase| phase.moved);
        let moved: Vec<_> = phases.filter_map(moved).collect();
        self.add(moved);
    }

    /// What takes marks back rests on each of them.
    fn taken_back(&mut self, withdrawn: &RerunWithdrawn) {
        let Some(phase) = self.phase else { return };
        let marks = phase.said().filter(|mark| mark.said() == Some(withdrawn.withdrawn));
        self.add(marks.map(|mark| Happened { seq: mark.seq, at: mark.at }));
    }
}

/// Finds when an event took effect that is, as a rule, about a phase.
fn time_of(phase: Option<&Phase>, seq: Seq) -> Option<Timestamp> {
    let phase = phase?;
    let state = &phase.state;
    let ended = state.completion().map(|of| Happened { seq: of.seq, at: of.ended_at });
    let started = state.attempt().map(|attempt| Happened { seq: attempt.seq, at: attempt.started_at });
    let vouched = state.attempt().and_then(|attempt| attempt.vouched.as_ref());
    let vouched = vouched.map(|vouched| Happened { seq: vouched.seq, at: vouched.at });
    let marks = state.marks().iter().map(|mark| Happened { seq: mark.seq, at: mark.at });
    let known = phase.moved.into_iter().chain(ended).chain(started).chain(vouched);
    let mut known = known.chain(marks);
    known.find(|known| known.seq == seq).map(|known| known.at)
}
