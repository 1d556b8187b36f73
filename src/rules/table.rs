//! The phase table: where everything stands after some prefix of the log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::budget::Budget;
use super::happened::Happened;
use super::phase::Phase;
use super::rejection::Rejection;
use super::renaming::Renaming;
use crate::model::{
    Amount, ApprovalPolicy, Digest, EventId, EventRef, OverLimit, Overspent, PhaseId, PhaseRef, Recorded,
    Scope, Seq, TagName, Text, Timestamp, WorkflowName,
};

/// The version of the fold: rows and snapshots that another one made are discarded.
pub const FOLD_VERSION: u32 = 6;

/// Everything that the log adds up to. A table may be partial: it then holds the phases that a command needs
/// (see [`super::reach`]) and no others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The place of the last event folded in.
    pub head: Seq,
    /// The workflows, by name.
    pub workflows: BTreeMap<WorkflowName, Workflow>,
    /// The phases, retired ones included.
    pub phases: BTreeMap<PhaseId, Phase>,
    /// Who needs a phase; a phase that nobody needs may be absent.
    pub dependants: BTreeMap<PhaseId, BTreeSet<PhaseId>>,
    /// The tags, by name.
    pub tags: BTreeMap<TagName, Tag>,
    /// What was ever taken back, by its event, with the last event that did: see [`Table::taken_back`]. A partial table has
    /// none.
    #[serde(default)]
    pub reverted: BTreeMap<EventId, EventRef>,
    /// What leave was asked for, decided or not, by the request's event. A partial table has those that its
    /// commands decide, or have made.
    pub approvals: BTreeMap<EventId, Approval>,
    /// The workflow that whoever asks means where several have a phase of a bare name, or where there are several. No event
    /// says so: it is no part of what the log adds up to.
    #[serde(skip)]
    pub preferred: Option<WorkflowName>,
}

/// One workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name.
    pub name: WorkflowName,
    /// What it is for.
    pub description: Option<String>,
    /// The currency of all its amounts.
    pub currency: Option<String>,
    /// The most that all its phases together may cost, as its definition says; [`Budget::limit`] is in force.
    pub cost_limit: Option<Amount>,
    /// What all its phases together cost so far, retired ones included.
    #[serde(default, skip_serializing_if = "Budget::is_empty")]
    pub budget: Budget,
    /// When approvals are decided without a person.
    #[serde(default, skip_serializing_if = "ApprovalPolicy::is_default")]
    pub approval: ApprovalPolicy,
    /// The digest of the definition in force.
    pub definition: Digest,
    /// The place of the event that defined it last.
    pub defined: Seq,
    /// All events that defined or retired it.
    pub definitions: Vec<Defined>,
    /// The event that retired it, so that it is not in force; none while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<EventRef>,
    /// What of its phases was renamed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<Renaming>,
    /// The event that brought it in, first or once more, or dated that back.
    pub brought_in: Happened,
    /// The definition of it, or the retirement, that took effect last.
    pub latest: Happened,
}

/// An event that defined a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defined {
    /// The event.
    #[serde(flatten)]
    pub event: EventRef,
    /// The root of its causes; none where it is one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<EventId>,
}

impl Defined {
    /// Takes what counts of a definition.
    pub(super) fn of(record: &Recorded) -> Self {
        Defined { event: record.event_ref(), root: root(record) }
    }
}

impl Workflow {
    /// Returns the last event in front of a place that defined or retired it.
    pub fn defined_before(&self, seq: Seq) -> Option<Defined> {
        self.definitions.iter().rev().find(|defined| defined.event.seq < seq).copied()
    }

    /// Returns the definition of it at a place; none where there is another event.
    pub(super) fn definition_at(&self, seq: Seq) -> Option<Defined> {
        let at = self.definitions.binary_search_by_key(&seq, |defined| defined.event.seq).ok()?;
        self.definitions.get(at).copied()
    }
}

/// Returns the root of an event's causes; none where it is one itself.
pub(super) fn root(record: &Recorded) -> Option<EventId> {
    (record.correlation_id != record.id).then_some(record.correlation_id)
}

/// A name for a place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The place.
    pub seq: Seq,
    /// The place of the event that set it.
    pub set: Seq,
}

impl Table {
    /// Returns a phase that the definitions in force have. A bare name that several workflows have is that of the preferred
    /// one, where that is one of them.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownPhase`], [`Rejection::RenamedPhase`] for what a phase was called, or
    /// [`Rejection::AmbiguousPhase`] when several workflows have a phase of the bare name.
    pub fn resolve(&self, name: &PhaseRef) -> Result<&Phase, Rejection> {
        let found = self.candidates(name);
        let [id] = self.preferred_of(name, found)?;
        self.phases.get(&id).ok_or_else(|| self.unknown(name))
    }

    /// Says of a name that no phase has it, and which one had it.
    fn unknown(&self, name: &PhaseRef) -> Rejection {
        let phase = name.clone();
        match self.renamed(name) {
            Some((now, since)) => Rejection::RenamedPhase { phase, now, since },
            None => Rejection::UnknownPhase { phase },
        }
    }

    /// Returns the one of several phases that a name means.
    ///
    /// # Errors
    ///
    /// As [`Table::resolve`].
    pub fn preferred_of(&self, name: &PhaseRef, found: Vec<PhaseId>) -> Result<[PhaseId; 1], Rejection> {
        let found = match <[PhaseId; 1]>::try_from(found) {
            Ok(only) => return Ok(only),
            Err(found) if found.is_empty() => return Err(self.unknown(name)),
            Err(found) => found,
        };
        let preferred = self.preferred.as_ref().filter(|_| name.workflow.is_none());
        let own = preferred.and_then(|own| found.iter().find(|id| id.workflow.is_same(own)));
        let ambiguous = || Rejection::AmbiguousPhase {
            phase: name.clone(),
            candidates: found.clone(),
            preferred: preferred.cloned(),
        };
        own.map(|id| [id.clone()]).ok_or_else(ambiguous)
    }

    /// Returns the full names that a name may stand for and that the table has, in order: those that are written as it is,
    /// or else those that are the same name.
    fn candidates(&self, name: &PhaseRef) -> Vec<PhaseId> {
        let exact = self.exact(name);
        if !exact.is_empty() {
            return exact;
        }
        let phases = self.phases.values().filter(|phase| !phase.retired && name.means(&phase.id));
        phases.map(|phase| phase.id.clone()).collect()
    }

    fn exact(&self, name: &PhaseRef) -> Vec<PhaseId> {
        let workflows: Vec<_> = match &name.workflow {
            Some(workflow) => vec![workflow],
            None => self.workflows.keys().collect(),
        };
        let ids = workflows.into_iter().map(|workflow| PhaseId::new(workflow.clone(), name.phase.clone()));
        ids.filter(|id| self.phases.get(id).is_some_and(|phase| !phase.retired)).collect()
    }

    /// Returns the workflows that are in force, by name.
    pub fn in_force(&self) -> impl Iterator<Item = &Workflow> {
        self.workflows.values().filter(|workflow| workflow.retired.is_none())
    }

    /// Returns the workflow of a name that is in force, or the preferred one, or the only one that is.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownWorkflow`], [`Rejection::RetiredWorkflow`], or [`Rejection::WorkflowNeeded`] when there is
    /// none or several to choose from.
    pub fn workflow(&self, name: Option<&WorkflowName>) -> Result<&Workflow, Rejection> {
        if let Some(name) = name.or(self.preferred.as_ref()) {
            let workflow = self.known_workflow(name)?;
            return match workflow.retired {
                None => Ok(workflow),
                Some(by) => Err(Rejection::RetiredWorkflow { workflow: name.clone(), by }),
            };
        }
        let mut workflows = self.in_force();
        match (workflows.next(), workflows.next()) {
            (Some(only), None) => Ok(only),
            (None, _) | (Some(_), Some(_)) => Err(Rejection::WorkflowNeeded {
                candidates: self.in_force().map(|workflow| workflow.name.clone()).collect(),
            }),
        }
    }

    /// Returns the workflow of a name, in force or retired.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownWorkflow`].
    pub fn known_workflow(&self, name: &WorkflowName) -> Result<&Workflow, Rejection> {
        let same = || self.workflows.values().find(|workflow| workflow.name.is_same(name));
        let unknown = || Rejection::UnknownWorkflow { workflow: name.clone() };
        self.workflows.get(name).or_else(same).ok_or_else(unknown)
    }

    /// Returns the name of a workflow, in force or retired, as it is in the log; none for none.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownWorkflow`].
    pub fn known_workflow_named(
        &self,
        name: Option<&WorkflowName>,
    ) -> Result<Option<WorkflowName>, Rejection> {
        name.map(|name| Ok(self.known_workflow(name)?.name.clone())).transpose()
    }

    /// Returns the name of a workflow that is in force as it is in the log; none for none.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownWorkflow`], [`Rejection::RetiredWorkflow`].
    pub fn workflow_named(&self, name: Option<&WorkflowName>) -> Result<Option<WorkflowName>, Rejection> {
        name.map(|name| Ok(self.workflow(Some(name))?.name.clone())).transpose()
    }

    /// Returns a tag, and its name as it is in the log.
    pub fn tag(&self, name: &TagName) -> Option<(&TagName, &Tag)> {
        self.tags.get_key_value(name).or_else(|| self.tags.iter().find(|(known, _)| known.is_same(name)))
    }

    /// Returns the phases that the definitions in force have, by workflow and then in the file's order.
    pub fn current(&self) -> Vec<&Phase> {
        let mut phases: Vec<_> = self.phases.values().filter(|phase| !phase.retired).collect();
        phases.sort_by(|a, b| (&a.id.workflow, a.spec.position).cmp(&(&b.id.workflow, b.spec.position)));
        phases
    }

    /// Returns by which event another one is taken back; none where it stands, which it does again where that event is taken
    /// back itself.
    pub fn taken_back(&self, event: EventId) -> Option<EventRef> {
        let by = *self.reverted.get(&event)?;
        let (mut last, mut stands) = (by, true);
        while let Some(next) = self.reverted.get(&last.id) {
            (last, stands) = (*next, !stands);
        }
        stands.then_some(by)
    }

    /// Returns who needs a phase, in order.
    pub fn dependants_of(&self, id: &PhaseId) -> impl Iterator<Item = &PhaseId> {
        self.dependants.get(id).into_iter().flatten()
    }

    /// Says why a phase is started although it, or its workflow, is over a limit that holds at an instant; none when
    /// neither is.
    ///
    /// # Errors
    ///
    /// [`Rejection::OverLimit`] without a reason.
    pub(super) fn over_limit(
        &self,
        phase: &Phase,
        reason: Option<&Text>,
        at: Option<Timestamp>,
    ) -> Result<Option<OverLimit>, Rejection> {
        let workflow = self.workflows.get(&phase.id.workflow);
        let budgets = [(Scope::Phase, Some(&phase.budget)), (Scope::Workflow, workflow.map(|of| &of.budget))];
        let of_all = budgets.into_iter().flat_map(|(scope, budget)| {
            let limits = budget.map(|budget| budget.limits_at(at)).unwrap_or_default();
            limits.into_iter().map(move |of| (scope, of))
        });
        let exceeded = of_all.filter(|(_, of)| of.excess().is_some());
        let limits: Vec<_> = exceeded
            .map(|(scope, of)| Overspent { scope, limit: of.limit, spent: of.spent, period: of.period })
            .collect();
        if limits.is_empty() {
            return Ok(None);
        }
        match reason {
            Some(reason) => Ok(Some(OverLimit { reason: reason.clone(), limits })),
            None => Err(Rejection::OverLimit {
                phase: phase.id.clone(),
                limits,
                currency: workflow.and_then(|workflow| workflow.currency.clone()),
            }),
        }
    }

    /// Says whether more was spent than the phase, or its workflow, may cost, in all or in a period that an instant is in: a
    /// start of it then would be refused.
    pub fn is_over_limit(&self, phase: &Phase, at: Option<Timestamp>) -> bool {
        self.over_limit(phase, None, at).is_err()
    }
}
