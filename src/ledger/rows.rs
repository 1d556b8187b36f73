//! The table as rows beside the log: a row a phase, so that a command reads and writes only what it touches.
//!
//! | key | value |
//! |---|---|
//! | `w/WORKFLOW` | [`Workflow`] |
//! | `p/WORKFLOW/PHASE` | [`Phase`] |
//! | `d/WORKFLOW/PHASE` | who needs the phase |
//! | `t/TAG` | [`Tag`] |
//! | `a/ID` | [`Approval`], by the id of its request |
//!
//! Values are JSON. Rows are a cache: those of another fold are not read, and one that cannot be read is
//! damage that `verify --rebuild` mends.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LedgerError;
use crate::model::{Digest, EventId, PhaseId, PhaseRef, TagName};
use crate::rules::{
    Approval, FOLD_VERSION, Phase, PhaseState, Reach, Row, Table, Tag, Touched, Workflow, disturbed,
};
use crate::store::{Head, RowChanges, Store, StoreError};

/// The most phases below others that are loaded one by one.
const ROWS_ONE_BY_ONE_MAX: usize = 2_000;

fn phase_key(id: &PhaseId) -> String {
    format!("p/{id}")
}

fn dependants_key(id: &PhaseId) -> String {
    format!("d/{id}")
}

fn approval_key(id: &EventId) -> String {
    format!("a/{id}")
}

fn read<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value)
        .map_err(|error| StoreError::Damaged { found: format!("the row `{key}` cannot be read: {error}") })
}

fn write(value: &impl Serialize) -> Option<Vec<u8>> {
    // As large as most rows are: a vector that grows is copied each time.
    let mut bytes = Vec::with_capacity(1 << 10);
    serde_json::to_writer(&mut bytes, value).expect("a row has string keys and finite numbers");
    bytes.shrink_to_fit();
    Some(bytes)
}

/// Returns the whole table from its rows; none when there are no rows of this fold.
pub(super) fn whole(store: &dyn Store, head: &Head) -> Result<Option<Table>, LedgerError> {
    if head.fold_version != Some(FOLD_VERSION) {
        return Ok(None);
    }
    let mut table = Table { head: head.seq, ..Table::default() };
    load_small(store, &mut table)?;
    for (key, value) in store.rows("p/")? {
        let phase: Phase = read(&key, &value)?;
        table.phases.insert(phase.id.clone(), phase);
    }
    for (key, value) in store.rows("d/")? {
        let id = key[2..].to_owned().try_into();
        let id: PhaseId =
            id.map_err(|_| StoreError::Damaged { found: format!("the row `{key}` is misnamed") })?;
        table.dependants.insert(id, read(&key, &value)?);
    }
    table.approvals = load_approvals(store, "")?;
    Ok(Some(table))
}

/// Loads the workflows and the tags, which every command needs.
fn load_small(store: &dyn Store, table: &mut Table) -> Result<(), LedgerError> {
    for (key, value) in store.rows("w/")? {
        let workflow: Workflow = read(&key, &value)?;
        table.workflows.insert(workflow.name.clone(), workflow);
    }
    table.tags = load_tags(store)?;
    Ok(())
}

/// Returns the tags at the head from their rows; none when there are no rows of this fold.
pub(super) fn tags(store: &dyn Store, head: &Head) -> Result<Option<BTreeMap<TagName, Tag>>, LedgerError> {
    (head.fold_version == Some(FOLD_VERSION)).then(|| load_tags(store)).transpose()
}

fn load_tags(store: &dyn Store) -> Result<BTreeMap<TagName, Tag>, LedgerError> {
    let mut tags = BTreeMap::new();
    for (key, value) in store.rows("t/")? {
        let tag: Tag = read(&key, &value)?;
        let name = TagName::new(&key[2..]);
        let name = name.map_err(|_| StoreError::Damaged { found: format!("the row `{key}` is misnamed") })?;
        tags.insert(name, tag);
    }
    Ok(tags)
}

/// Returns the requests whose ids start with a text, from their rows; none when there are no rows of this fold.
pub(super) fn approvals(
    store: &dyn Store,
    head: &Head,
    start: &str,
) -> Result<Option<BTreeMap<EventId, Approval>>, LedgerError> {
    (head.fold_version == Some(FOLD_VERSION)).then(|| load_approvals(store, start)).transpose()
}

fn load_approvals(store: &dyn Store, start: &str) -> Result<BTreeMap<EventId, Approval>, LedgerError> {
    let rows = store.rows(&format!("a/{start}"))?.into_iter();
    let approvals = rows.map(|(key, value)| {
        let approval: Approval = read(&key, &value)?;
        Ok((approval.request, approval))
    });
    approvals.collect()
}

/// Returns every row of a table.
pub(super) fn all(table: &Table) -> RowChanges {
    let workflows =
        table.workflows.values().map(|workflow| (format!("w/{}", workflow.name), write(workflow)));
    let phases = table.phases.values().map(|phase| (phase_key(&phase.id), write(phase)));
    let dependants = table.dependants.iter().map(|(id, below)| (dependants_key(id), write(below)));
    let tags = table.tags.iter().map(|(name, tag)| (format!("t/{name}"), write(tag)));
    let approvals = table.approvals.iter().map(|(id, approval)| (approval_key(id), write(approval)));
    let rows = workflows.chain(phases).chain(dependants).chain(tags).chain(approvals).collect();
    RowChanges { fold_version: FOLD_VERSION, replace: true, rows }
}

/// Which rows of a table changed since they were written.
#[derive(Debug, Default)]
pub(super) struct Changed {
    everything: bool,
    rows: HashSet<Row>,
}

impl Changed {
    /// Begins with every row, or with none.
    pub(super) fn new(everything: bool) -> Self {
        Changed { everything, rows: HashSet::new() }
    }

    /// Adds what an event touched.
    pub(super) fn add(&mut self, touched: Touched) {
        match touched {
            Touched::Everything => self.everything = true,
            Touched::Rows(rows) if !self.everything => self.rows.extend(rows),
            Touched::Rows(_) => {}
        }
    }

    /// Returns the rows as they are now.
    pub(super) fn rows(&self, table: &Table) -> RowChanges {
        if self.everything {
            return all(table);
        }
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable();
        let rows = rows.into_iter().map(|row| match row {
            Row::Workflow(name) => (format!("w/{name}"), table.workflows.get(name).and_then(write)),
            Row::Phase(id) => (phase_key(id), table.phases.get(id).and_then(write)),
            Row::Tag(name) => (format!("t/{name}"), table.tags.get(name).and_then(write)),
            Row::Approval(id) => (approval_key(id), table.approvals.get(id).and_then(write)),
        });
        RowChanges { fold_version: FOLD_VERSION, replace: false, rows: rows.collect() }
    }
}

/// Loads parts of a table as commands need them; what is loaded is never loaded again, for it may have
/// changed since.
#[derive(Debug)]
pub(super) struct Loader {
    everything: bool,
    dependants: HashSet<PhaseId>,
}

impl Loader {
    /// Makes the loader of a table that holds the workflows and tags, or all of it when there are no rows.
    pub(super) fn new(store: &dyn Store, head: &Head) -> Result<(Self, Table), LedgerError> {
        let everything = head.fold_version != Some(FOLD_VERSION);
        let loader = Loader { everything, dependants: HashSet::new() };
        if everything {
            return Ok((loader, super::replay::fold(store, head.seq)?.table));
        }
        let mut table = Table { head: head.seq, ..Table::default() };
        load_small(store, &mut table)?;
        Ok((loader, table))
    }

    /// Says whether the whole table is there.
    pub(super) fn has_everything(&self) -> bool {
        self.everything
    }

    /// Loads what an action on a phase needs.
    pub(super) fn load(
        &mut self,
        store: &dyn Store,
        table: &mut Table,
        (reach, name, output): (Reach, Option<&PhaseRef>, Option<Digest>),
    ) -> Result<(), LedgerError> {
        if self.everything {
            return Ok(());
        }
        if reach == Reach::Everything {
            return self.load_everything(store, table);
        }
        if let Reach::Approval(request) = reach {
            return self.approval(store, table, request);
        }
        let Some(name) = name else { return Ok(()) };
        for id in self.candidates(table, name) {
            self.phase(store, table, &id)?;
            match reach {
                Reach::NoPhase | Reach::Approval(_) | Reach::Phase | Reach::Everything => {}
                Reach::Needs => self.needs(store, table, &id)?,
                Reach::Below => {
                    self.needs(store, table, &id)?;
                    self.below(store, table, vec![id])?;
                }
                Reach::Completion => self.completion(store, table, &id, output)?,
            }
        }
        Ok(())
    }

    fn candidates(&self, table: &Table, name: &PhaseRef) -> Vec<PhaseId> {
        match &name.workflow {
            Some(workflow) => vec![name.within(workflow)],
            None => table.workflows.keys().map(|workflow| name.within(workflow)).collect(),
        }
    }

    /// Loads all rows, but keeps what is loaded already.
    fn load_everything(&mut self, store: &dyn Store, table: &mut Table) -> Result<(), LedgerError> {
        let head = Head { seq: table.head, ..store.head()? };
        if let Some(mut stored) = whole(store, &head)? {
            stored.phases.append(&mut table.phases);
            stored.workflows.append(&mut table.workflows);
            stored.tags.append(&mut table.tags);
            stored.approvals.append(&mut table.approvals);
            *table = stored;
        }
        self.everything = true;
        Ok(())
    }

    fn approval(&self, store: &dyn Store, table: &mut Table, request: EventId) -> Result<(), LedgerError> {
        let approval = match table.approvals.entry(request) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let key = approval_key(&request);
                let Some(value) = store.row(&key)? else { return Ok(()) };
                vacant.insert(read(&key, &value)?)
            }
        };
        match approval.phase.clone() {
            Some(phase) => self.phase(store, table, &phase),
            None => Ok(()),
        }
    }

    fn phase(&self, store: &dyn Store, table: &mut Table, id: &PhaseId) -> Result<(), LedgerError> {
        if !table.phases.contains_key(id) {
            let key = phase_key(id);
            if let Some(value) = store.row(&key)? {
                table.phases.insert(id.clone(), read(&key, &value)?);
            }
        }
        Ok(())
    }

    fn needs(&self, store: &dyn Store, table: &mut Table, id: &PhaseId) -> Result<(), LedgerError> {
        let needs = table.phases.get(id).map(|phase| phase.spec.needs.clone()).unwrap_or_default();
        needs.iter().try_for_each(|need| self.phase(store, table, need))
    }

    fn dependants(
        &mut self,
        store: &dyn Store,
        table: &mut Table,
        id: &PhaseId,
    ) -> Result<Vec<PhaseId>, LedgerError> {
        if self.dependants.insert(id.clone()) {
            let key = dependants_key(id);
            if let Some(value) = store.row(&key)? {
                table.dependants.insert(id.clone(), read(&key, &value)?);
            }
        }
        let below: Vec<_> = table.dependants_of(id).cloned().collect();
        below.iter().try_for_each(|id| self.phase(store, table, id))?;
        Ok(below)
    }

    /// Loads everything below some phases, and what each of those that might be cleared needs; where that is
    /// much, everything, which is quicker than row by row.
    fn below(
        &mut self,
        store: &dyn Store,
        table: &mut Table,
        mut walk: Vec<PhaseId>,
    ) -> Result<(), LedgerError> {
        let mut seen: HashSet<PhaseId> = walk.iter().cloned().collect();
        while let Some(id) = walk.pop() {
            if seen.len() > ROWS_ONE_BY_ONE_MAX {
                return self.load_everything(store, table);
            }
            if table.phases.get(&id).is_some_and(|phase| matches!(phase.state, PhaseState::NeedsRerun { .. }))
            {
                self.needs(store, table, &id)?;
            }
            for below in self.dependants(store, table, &id)? {
                if seen.insert(below.clone()) {
                    walk.push(below);
                }
            }
        }
        Ok(())
    }

    fn completion(
        &mut self,
        store: &dyn Store,
        table: &mut Table,
        id: &PhaseId,
        output: Option<Digest>,
    ) -> Result<(), LedgerError> {
        let mut seen = BTreeSet::new();
        let mut walk = vec![id.clone()];
        while let Some(at) = walk.pop() {
            self.needs(store, table, &at)?;
            let needs = table.phases.get(&at).map(|phase| phase.spec.needs.clone()).unwrap_or_default();
            let done = |need: &PhaseId| {
                table.phases.get(need).is_none_or(|phase| matches!(phase.state, PhaseState::Complete { .. }))
            };
            walk.extend(needs.into_iter().filter(|need| !done(need) && seen.insert(need.clone())));
        }
        self.dependants(store, table, id)?;
        let disturbed = disturbed(table, id, output);
        self.below(store, table, disturbed)
    }
}
