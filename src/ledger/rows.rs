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

use super::{LedgerError, replay};
use crate::model::{Digest, EventId, PhaseId, PhaseRef, TagName};
use crate::rules::{
    Approval, FOLD_VERSION, Phase, PhaseState, Reach, Row, Table, Tag, Touched, Workflow, disturbed,
};
use crate::store::{Cache, Head, RowChanges, Store, StoreError};

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

/// The rows of one head. Where others have appended since, they are gone: [`StoreError::Moved`].
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    cache: &'a dyn Cache,
    of: &'a Head,
}

impl<'a> Kept<'a> {
    pub(super) fn new(cache: &'a dyn Cache, of: &'a Head) -> Self {
        Kept { cache, of }
    }

    /// Says whether they are of this fold.
    fn can_be_read(self) -> bool {
        self.of.fold_version == Some(FOLD_VERSION)
    }

    fn row(self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.cache.row(self.of, key)
    }

    fn rows(self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.cache.rows(self.of, prefix)
    }

    /// Reads something of them; none where they are of another fold, or of another head by now.
    fn try_read<T>(self, read: impl FnOnce(Self) -> Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match self.can_be_read().then(|| read(self)).transpose() {
            Err(StoreError::Moved) => Ok(None),
            read => read,
        }
    }
}

/// Returns the whole table of a head from its rows; none when there are none that can be read.
pub(super) fn whole(kept: Kept<'_>) -> Result<Option<Table>, StoreError> {
    kept.try_read(load_whole)
}

fn load_whole(kept: Kept<'_>) -> Result<Table, StoreError> {
    let mut table = load_small(kept)?;
    for (key, value) in kept.rows("p/")? {
        let phase: Phase = read(&key, &value)?;
        table.phases.insert(phase.id.clone(), phase);
    }
    for (key, value) in kept.rows("d/")? {
        let id = key[2..].to_owned().try_into();
        let id: PhaseId =
            id.map_err(|_| StoreError::Damaged { found: format!("the row `{key}` is misnamed") })?;
        table.dependants.insert(id, read(&key, &value)?);
    }
    table.approvals = load_approvals(kept, "")?;
    Ok(table)
}

/// Loads a table that has the workflows and the tags, which every command needs, and nothing else.
fn load_small(kept: Kept<'_>) -> Result<Table, StoreError> {
    let mut table = Table { head: kept.of.seq, ..Table::default() };
    for (key, value) in kept.rows("w/")? {
        let workflow: Workflow = read(&key, &value)?;
        table.workflows.insert(workflow.name.clone(), workflow);
    }
    table.tags = load_tags(kept)?;
    Ok(table)
}

/// Returns the table of a head with its workflows and tags alone; none when there are no rows that can be read.
pub(super) fn small(kept: Kept<'_>) -> Result<Option<Table>, StoreError> {
    kept.try_read(load_small)
}

fn load_tags(kept: Kept<'_>) -> Result<BTreeMap<TagName, Tag>, StoreError> {
    let mut tags = BTreeMap::new();
    for (key, value) in kept.rows("t/")? {
        let tag: Tag = read(&key, &value)?;
        let name = TagName::new(&key[2..]);
        let name = name.map_err(|_| StoreError::Damaged { found: format!("the row `{key}` is misnamed") })?;
        tags.insert(name, tag);
    }
    Ok(tags)
}

/// Returns the requests whose ids start with a text, from their rows; none when there are none that can be read.
pub(super) fn approvals(
    kept: Kept<'_>,
    start: &str,
) -> Result<Option<BTreeMap<EventId, Approval>>, StoreError> {
    kept.try_read(|kept| load_approvals(kept, start))
}

fn load_approvals(kept: Kept<'_>, start: &str) -> Result<BTreeMap<EventId, Approval>, StoreError> {
    let rows = kept.rows(&format!("a/{start}"))?.into_iter();
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
    /// Makes the loader of a head's table that holds the workflows and tags, or all of it when there are no rows.
    pub(super) fn new(store: &dyn Store, head: &Head) -> Result<(Self, Table), LedgerError> {
        let small = Kept::new(store, head).try_read(load_small)?;
        let loader = Loader { everything: small.is_none(), dependants: HashSet::new() };
        match small {
            Some(table) => Ok((loader, table)),
            None => Ok((loader, replay::fold(store, head.seq)?.table)),
        }
    }

    /// Says whether the whole table is there.
    pub(super) fn has_everything(&self) -> bool {
        self.everything
    }

    /// Loads what an action on a phase needs of a head's table: from its rows, or, where others have appended since,
    /// from the log.
    pub(super) fn load(
        &mut self,
        store: &dyn Store,
        head: &Head,
        table: &mut Table,
        wanted: (Reach, Option<&PhaseRef>, Option<Digest>),
    ) -> Result<(), LedgerError> {
        if self.everything {
            return Ok(());
        }
        match self.load_rows(Kept::new(store, head), table, wanted) {
            Err(StoreError::Moved) => {
                self.add_all(table, replay::fold(store, head.seq)?.table);
                Ok(())
            }
            loaded => Ok(loaded?),
        }
    }

    fn load_rows(
        &mut self,
        kept: Kept<'_>,
        table: &mut Table,
        (reach, name, output): (Reach, Option<&PhaseRef>, Option<Digest>),
    ) -> Result<(), StoreError> {
        if reach == Reach::Everything {
            return self.load_everything(kept, table);
        }
        if let Reach::Approval(request) = reach {
            return self.approval(kept, table, request);
        }
        let Some(name) = name else { return Ok(()) };
        for id in self.candidates(table, name) {
            self.phase(kept, table, &id)?;
            match reach {
                Reach::NoPhase | Reach::Approval(_) | Reach::Phase | Reach::Everything => {}
                Reach::Needs => self.needs(kept, table, &id)?,
                Reach::Below => {
                    self.needs(kept, table, &id)?;
                    self.below(kept, table, vec![id])?;
                }
                Reach::Completion => self.completion(kept, table, &id, output)?,
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
    fn load_everything(&mut self, kept: Kept<'_>, table: &mut Table) -> Result<(), StoreError> {
        self.add_all(table, load_whole(kept)?);
        Ok(())
    }

    /// Adds the whole table as it is kept to what is loaded, which may have changed since.
    fn add_all(&mut self, table: &mut Table, mut whole: Table) {
        whole.head = table.head;
        whole.phases.append(&mut table.phases);
        whole.workflows.append(&mut table.workflows);
        whole.tags.append(&mut table.tags);
        whole.approvals.append(&mut table.approvals);
        *table = whole;
        self.everything = true;
    }

    fn approval(&self, kept: Kept<'_>, table: &mut Table, request: EventId) -> Result<(), StoreError> {
        let approval = match table.approvals.entry(request) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let key = approval_key(&request);
                let Some(value) = kept.row(&key)? else { return Ok(()) };
                vacant.insert(read(&key, &value)?)
            }
        };
        match approval.phase.clone() {
            Some(phase) => self.phase(kept, table, &phase),
            None => Ok(()),
        }
    }

    fn phase(&self, kept: Kept<'_>, table: &mut Table, id: &PhaseId) -> Result<(), StoreError> {
        if !table.phases.contains_key(id) {
            let key = phase_key(id);
            if let Some(value) = kept.row(&key)? {
                table.phases.insert(id.clone(), read(&key, &value)?);
            }
        }
        Ok(())
    }

    fn needs(&self, kept: Kept<'_>, table: &mut Table, id: &PhaseId) -> Result<(), StoreError> {
        let needs = table.phases.get(id).map(|phase| phase.spec.needs.clone()).unwrap_or_default();
        needs.iter().try_for_each(|need| self.phase(kept, table, need))
    }

    fn dependants(
        &mut self,
        kept: Kept<'_>,
        table: &mut Table,
        id: &PhaseId,
    ) -> Result<Vec<PhaseId>, StoreError> {
        if self.dependants.insert(id.clone()) {
            let key = dependants_key(id);
            if let Some(value) = kept.row(&key)? {
                table.dependants.insert(id.clone(), read(&key, &value)?);
            }
        }
        let below: Vec<_> = table.dependants_of(id).cloned().collect();
        below.iter().try_for_each(|id| self.phase(kept, table, id))?;
        Ok(below)
    }

    /// Loads everything below some phases, and what each of those that might be cleared needs; where that is
    /// much, everything, which is quicker than row by row.
    fn below(&mut self, kept: Kept<'_>, table: &mut Table, mut walk: Vec<PhaseId>) -> Result<(), StoreError> {
        let mut seen: HashSet<PhaseId> = walk.iter().cloned().collect();
        while let Some(id) = walk.pop() {
            if seen.len() > ROWS_ONE_BY_ONE_MAX {
                return self.load_everything(kept, table);
            }
            if table.phases.get(&id).is_some_and(|phase| matches!(phase.state, PhaseState::NeedsRerun { .. }))
            {
                self.needs(kept, table, &id)?;
            }
            for below in self.dependants(kept, table, &id)? {
                if seen.insert(below.clone()) {
                    walk.push(below);
                }
            }
        }
        Ok(())
    }

    fn completion(
        &mut self,
        kept: Kept<'_>,
        table: &mut Table,
        id: &PhaseId,
        output: Option<Digest>,
    ) -> Result<(), StoreError> {
        let mut seen = BTreeSet::new();
        let mut walk = vec![id.clone()];
        while let Some(at) = walk.pop() {
            self.needs(kept, table, &at)?;
            let needs = table.phases.get(&at).map(|phase| phase.spec.needs.clone()).unwrap_or_default();
            let done = |need: &PhaseId| {
                table.phases.get(need).is_none_or(|phase| matches!(phase.state, PhaseState::Complete { .. }))
            };
            walk.extend(needs.into_iter().filter(|need| !done(need) && seen.insert(need.clone())));
        }
        self.dependants(kept, table, id)?;
        let disturbed = disturbed(table, id, output);
        self.below(kept, table, disturbed)
    }
}
