//! The table while an event is folded in, and which of its rows that changes.
//!
//! [`Changing`] alone hands rows out to be changed, and what it handed out is what changed: no family has to say
//! so, and none can forget to.

use super::approval::Approval;
use super::budget::Budget;
use super::happened::{Happened, is_transition};
use super::phase::Phase;
use super::table::{Table, Tag, Workflow};
use crate::model::{EventId, EventRef, PhaseId, Recorded, Seq, Subject, TagName, WorkflowName};

/// A part of the table that is kept by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// A workflow.
    Workflow(WorkflowName),
    /// A phase.
    Phase(PhaseId),
    /// A tag.
    Tag(TagName),
    /// A request for approval, by its event.
    Approval(EventId),
    /// That something was taken back, by its event.
    Reverted(EventId),
}

/// Which rows of the table an event may have changed: never fewer than it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These; who needs a phase is as it was.
    Rows(Vec<Row>),
    /// Any of them: a definition changes what it likes.
    Everything,
}

/// A table that an event is folded into.
pub(super) struct Changing<'a> {
    table: &'a mut Table,
    touched: Touched,
}

impl<'a> Changing<'a> {
    pub(super) fn new(table: &'a mut Table) -> Self {
        Changing { table, touched: Touched::Rows(Vec::new()) }
    }

    /// Ends the change with the event at a place, and returns what it touched.
    pub(super) fn end(self, head: Seq) -> Touched {
        self.table.head = head;
        self.touched
    }

    fn touch(&mut self, row: Row) {
        match &mut self.touched {
            Touched::Rows(rows) if !rows.contains(&row) => rows.push(row),
            Touched::Rows(_) | Touched::Everything => {}
        }
    }

    /// Shows the table as it is.
    pub(super) fn table(&self) -> &Table {
        self.table
    }

    /// Hands out the whole table.
    pub(super) fn everything(&mut self) -> &mut Table {
        self.touched = Touched::Everything;
        self.table
    }

    /// Hands out a workflow.
    pub(super) fn workflow(&mut self, name: &WorkflowName) -> Option<&mut Workflow> {
        self.touch(Row::Workflow(name.clone()));
        self.table.workflows.get_mut(name)
    }

    /// Hands out a phase, retired ones included.
    pub(super) fn phase(&mut self, id: &PhaseId) -> Option<&mut Phase> {
        self.touch(Row::Phase(id.clone()));
        self.table.phases.get_mut(id)
    }

    /// Hands out the budget of a phase that is not retired, or of a workflow.
    pub(super) fn budget(&mut self, of: &Subject) -> Option<&mut Budget> {
        match of {
            Subject::Phase(id) => {
                self.phase(id).filter(|phase| !phase.retired).map(|phase| &mut phase.budget)
            }
            Subject::Workflow(name) => self.workflow(name).map(|workflow| &mut workflow.budget),
            Subject::Ledger => None,
        }
    }

    /// Hands out a request for approval.
    pub(super) fn approval(&mut self, request: EventId) -> Option<&mut Approval> {
        self.touch(Row::Approval(request));
        self.table.approvals.get_mut(&request)
    }

    /// Puts a request for approval in, and returns the one that was there.
    pub(super) fn put_approval(&mut self, approval: Approval) -> Option<Approval> {
        self.touch(Row::Approval(approval.request));
        self.table.approvals.insert(approval.request, approval)
    }

    /// Puts a tag in, or moves it.
    pub(super) fn put_tag(&mut self, name: &TagName, tag: Tag) {
        self.touch(Row::Tag(name.clone()));
        self.table.tags.insert(name.clone(), tag);
    }

    /// Takes a tag out, and returns it.
    pub(super) fn take_tag(&mut self, name: &TagName) -> Option<Tag> {
        self.touch(Row::Tag(name.clone()));
        self.table.tags.remove(name)
    }

    /// Puts in that an event is taken back.
    pub(super) fn put_reverted(&mut self, event: EventId, by: EventRef) {
        self.touch(Row::Reverted(event));
        self.table.reverted.insert(event, by);
    }

    /// Applies an event to the phase that it is about, which a definition in force has: from the state that it
    /// says the phase was in to the one that it says it leads to.
    pub(super) fn apply(
        &mut self,
        record: &Recorded,
        change: impl FnOnce(&mut Phase) -> Result<(), String>,
    ) -> Result<(), String> {
        self.apply_to(record, |phase| !phase.retired, change)
    }

    /// As [`Changing::apply`], for an event that leaves its phase as it stands; one that is about no phase does
    /// nothing.
    pub(super) fn pass(&mut self, record: &Recorded) -> Result<(), String> {
        match &record.subject {
            Subject::Phase(_) => self.apply(record, |_| Ok(())),
            Subject::Workflow(_) | Subject::Ledger => Ok(()),
        }
    }

    /// As [`Changing::pass`], for an event that outlives the definition which had the phase.
    pub(super) fn pass_retired(&mut self, record: &Recorded) -> Result<(), String> {
        match &record.subject {
            Subject::Phase(_) => self.apply_to(record, |_| true, |_| Ok(())),
            Subject::Workflow(_) | Subject::Ledger => Ok(()),
        }
    }

    fn apply_to(
        &mut self,
        record: &Recorded,
        may_be: impl FnOnce(&Phase) -> bool,
        change: impl FnOnce(&mut Phase) -> Result<(), String>,
    ) -> Result<(), String> {
        let Subject::Phase(id) = &record.subject else { return Err(about_else(record)) };
        let phase = self.phase(id).filter(|phase| may_be(phase));
        let phase = phase.ok_or_else(|| format!("there is no phase `{id}`"))?;
        let found = phase.state.name();
        let (from, to) = record.transition.unwrap_or((found, found));
        if found != from {
            return Err(format!("`{id}` is {found}, expected {from}"));
        }
        change(phase)?;
        if phase.state.name() != to {
            return Err(format!("`{}` does not lead to {to}", record.event.kind()));
        }
        phase.has_history = true;
        phase.last_seq = record.seq;
        phase.updated_at = record.at;
        if is_transition(record) {
            phase.moved = Some(Happened::of(record));
        }
        Ok(())
    }
}

/// Says that an event is about something that events of its kind are never about.
pub(super) fn about_else(record: &Recorded) -> String {
    format!("`{}` cannot be about that", record.event.kind())
}

/// Says that an event is about a phase that is not as events of its kind find it.
pub(super) fn misplaced(record: &Recorded) -> String {
    format!("a `{}` does not fit the phase's state", record.event.kind())
}
