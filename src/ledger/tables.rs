//! The table at a head: all of it, or the part that a question is about.

use std::collections::BTreeMap;

use super::loader::Loader;
use super::rows::{self, Kept};
use super::{Head, Ledger, LedgerError, past_table};
use crate::model::{EventId, PhaseRef, Places};
use crate::rules::{Approval, Reach, Table};

impl Ledger {
    /// Returns the table at the head.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn table(&self) -> Result<Table, LedgerError> {
        self.table_of(&self.store.head()?)
    }

    /// Returns the table at a head that was read: that very one, whoever has appended since.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn table_of(&self, head: &Head) -> Result<Table, LedgerError> {
        match rows::whole(self.kept(head))? {
            Some(table) => Ok(self.told(table)),
            None => self.table_at(head.seq),
        }
    }

    /// Tells a table which workflow is preferred.
    pub(super) fn told(&self, table: Table) -> Table {
        Table { preferred: self.preferred.clone(), ..table }
    }

    /// Returns the table at a head that was read, with its workflows and its tags: the rest may be missing.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn small_table_of(&self, head: &Head) -> Result<Table, LedgerError> {
        match rows::small(self.kept(head))? {
            Some(table) => Ok(self.told(table)),
            None => self.table_at(head.seq),
        }
    }

    /// Returns the table at a head that was read, with the phases that a name may mean, its workflows and its tags: the
    /// rest may be missing.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn table_about(&self, head: &Head, phase: &PhaseRef) -> Result<Table, LedgerError> {
        let store = self.store.as_ref();
        let (mut loader, mut table) = Loader::new(store, head)?;
        loader.load(store, head, &mut table, (Reach::NoPhase, None))?;
        loader.load(store, head, &mut table, (Reach::Phase, Some(phase)))?;
        Ok(self.told(table))
    }

    /// Returns the table at a head that was read, with the phases that some names may mean, all that is above them, what needs
    /// them, the requests for approval, its workflows and its tags: the rest may be missing.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn table_above(&self, head: &Head, phases: &[PhaseRef]) -> Result<Table, LedgerError> {
        let store = self.store.as_ref();
        let (mut loader, mut table) = Loader::new(store, head)?;
        loader.load(store, head, &mut table, (Reach::NoPhase, None))?;
        for phase in phases {
            loader.load(store, head, &mut table, (Reach::Above, Some(phase)))?;
        }
        if !loader.has_everything() {
            table.approvals = self.approvals_of(head, "")?;
        }
        Ok(self.told(table))
    }

    /// As [`Ledger::table_above`], of the events at some places: a cut. None where that is not quicker than all of it.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn table_above_at(&self, places: &Places, phases: &[PhaseRef]) -> Result<Option<Table>, LedgerError> {
        if *places != Places::up_to(places.prefix()) {
            return Ok(None);
        }
        let table = past_table::above(self.store.as_ref(), places.prefix(), phases)?;
        Ok(table.map(|table| self.told(table)))
    }

    /// Returns the requests for approval whose ids start with some of a UUID's text, up to its first dash, as
    /// they stand at a head that was read.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] for a machine or a log that fails.
    pub fn approvals_of(&self, head: &Head, start: &str) -> Result<BTreeMap<EventId, Approval>, LedgerError> {
        match rows::approvals(self.kept(head), start)? {
            Some(approvals) => Ok(approvals),
            None => {
                let mut all = self.table_at(head.seq)?.approvals;
                all.retain(|id, _| id.to_string().starts_with(start));
                Ok(all)
            }
        }
    }

    pub(super) fn kept<'a>(&'a self, head: &'a Head) -> Kept<'a> {
        Kept::new(self.store.as_ref(), head)
    }
}
