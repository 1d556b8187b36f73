//! What a command reaches, loaded from the rows of a head's table as it is needed.

use std::collections::HashSet;
use std::collections::btree_map::Entry;

use super::rows::{
    Kept, approval_key, dependants_key, load_small, load_whole, phase_key, read, workflow_key,
};
use super::{LedgerError, replay};
use crate::model::{EventId, PhaseId, PhaseRef, WorkflowName};
use crate::rules::{Phase, Reach, Table};
use crate::store::{Head, Store, StoreError};

/// The most phases below others that are loaded one by one.
const ROWS_ONE_BY_ONE_MAX: usize = 2_000;

/// From how many walks on all that is connected with a phase is loaded at once: the next ones find it there.
const WALKS_ONE_BY_ONE_MAX: usize = 64;

/// The most phases that are loaded because they are connected with one.
const CONNECTED_MAX: usize = 512;

/// What phases above others are loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum How {
    /// To judge: as far as that counts.
    Judged,
    /// To tell what is stale below goes back to: that, and all that is above what looked through its needs.
    Told,
    /// All of it.
    Whole,
}

/// Loads parts of a table as commands need them; what is loaded is never loaded again, for it may have
/// changed since.
#[derive(Debug)]
pub(super) struct Loader {
    everything: bool,
    /// Whether all of it is loaded where that is quicker than row by row; else it fails instead.
    may_load_all: bool,
    /// Whether all workflows and tags are there.
    names: bool,
    dependants: HashSet<PhaseId>,
    /// Phases of which all that is connected with them is there, however it is judged.
    connected: HashSet<PhaseId>,
    /// How often what is around a phase was looked for.
    walks: usize,
    /// Whether more is connected with some phase than is loaded for that.
    is_vast: bool,
}

impl Loader {
    /// Makes the loader of a head's table: of nothing at first, or of all of it when there are no rows.
    pub(super) fn new(store: &dyn Store, head: &Head) -> Result<(Self, Table), LedgerError> {
        let kept = Kept::new(store, head);
        // Whether they can be read shows by any of them.
        match kept.try_read(|kept| kept.row("w/"))? {
            Some(_) => Ok((Loader::of(false, true), Table { head: head.seq, ..Table::default() })),
            None => Ok((Loader::of(true, true), replay::fold(store, head.seq)?.table)),
        }
    }

    /// Makes the loader of a part of a table: where that is most of it, [`Loader::load_rows`] fails with
    /// [`StoreError::Moved`].
    pub(super) fn of_part() -> Self {
        Loader::of(false, false)
    }

    fn of(everything: bool, may_load_all: bool) -> Self {
        Loader {
            everything,
            may_load_all,
            names: everything,
            dependants: HashSet::new(),
            connected: HashSet::new(),
            walks: 0,
            is_vast: false,
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
        wanted: (Reach, Option<&PhaseRef>),
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

    /// Loads what an action, or a question, on a phase needs.
    pub(super) fn load_rows(
        &mut self,
        kept: Kept<'_>,
        table: &mut Table,
        (reach, name): (Reach, Option<&PhaseRef>),
    ) -> Result<(), StoreError> {
        if reach == Reach::Everything {
            return self.load_everything(kept, table);
        }
        if let Reach::Approval(request) = reach {
            return self.approval(kept, table, request);
        }
        let Some(name) = name else { return self.names(kept, table) };
        if let Some(id) = self.named(kept, table, name)? {
            return self.reach(kept, table, id, reach);
        }
        self.names(kept, table)?;
        let mut ids = self.candidates(table, name);
        let is_ascii = |name: &PhaseRef| {
            let workflow = name.workflow.as_ref().is_none_or(|workflow| workflow.as_str().is_ascii());
            workflow && name.phase.as_str().is_ascii()
        };
        if !is_ascii(name) {
            ids.extend(self.candidates(table, &name.composed()));
            ids.iter().try_for_each(|id| self.phase(kept, table, id))?;
            if !ids.iter().any(|id| table.phases.contains_key(id)) {
                // It may be in the log with its characters composed in any way.
                return self.load_everything(kept, table);
            }
        }
        for id in ids {
            self.phase(kept, table, &id)?;
            self.reach(kept, table, id, reach)?;
        }
        Ok(())
    }

    /// Loads what is reached from a phase that is there.
    fn reach(
        &mut self,
        kept: Kept<'_>,
        table: &mut Table,
        id: PhaseId,
        reach: Reach,
    ) -> Result<(), StoreError> {
        match reach {
            Reach::NoPhase | Reach::Approval(_) | Reach::Phase | Reach::Everything => Ok(()),
            Reach::Above => self.all_above(kept, table, id),
            Reach::Around => self.around(kept, table, id),
        }
    }

    /// Loads the phase that is called so in full, and its workflow: no other name counts where there is one. None where
    /// there is none, or where it is retired: then all names do.
    fn named(
        &self,
        kept: Kept<'_>,
        table: &mut Table,
        name: &PhaseRef,
    ) -> Result<Option<PhaseId>, StoreError> {
        let Some(workflow) = &name.workflow else { return Ok(None) };
        let id = PhaseId::new(workflow.clone(), name.phase.clone());
        self.phase(kept, table, &id)?;
        let is_meant = table.phases.get(&id).is_some_and(|phase| !phase.retired);
        Ok(is_meant.then_some(id))
    }

    /// Loads all workflows and tags.
    fn names(&mut self, kept: Kept<'_>, table: &mut Table) -> Result<(), StoreError> {
        if !self.names {
            let mut small = load_small(kept)?;
            // What is loaded may have changed since.
            small.workflows.append(&mut table.workflows);
            (table.workflows, table.tags) = (small.workflows, small.tags);
            self.names = true;
        }
        Ok(())
    }

    fn candidates(&self, table: &Table, name: &PhaseRef) -> Vec<PhaseId> {
        match &name.workflow {
            Some(workflow) => {
                let same = table.workflows.keys().filter(|known| known.is_same(workflow));
                same.map(|known| PhaseId::new(known.clone(), name.phase.clone())).collect()
            }
            None => table.workflows.keys().map(|workflow| name.within(workflow)).collect(),
        }
    }

    /// Loads all rows, but keeps what is loaded already.
    fn load_everything(&mut self, kept: Kept<'_>, table: &mut Table) -> Result<(), StoreError> {
        if !self.may_load_all {
            return Err(StoreError::Moved);
        }
        self.add_all(table, load_whole(kept)?);
        Ok(())
    }

    /// Adds the whole table as it is kept to what is loaded, which may have changed since.
    fn add_all(&mut self, table: &mut Table, mut whole: Table) {
        whole.head = table.head;
        whole.preferred = table.preferred.take();
        whole.phases.append(&mut table.phases);
        whole.workflows.append(&mut table.workflows);
        whole.tags.append(&mut table.tags);
        whole.approvals.append(&mut table.approvals);
        whole.reverted.append(&mut table.reverted);
        *table = whole;
        (self.everything, self.names) = (true, true);
    }

    fn approval(&mut self, kept: Kept<'_>, table: &mut Table, request: EventId) -> Result<(), StoreError> {
        self.names(kept, table)?;
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

    /// Loads a phase, and its workflow.
    pub(super) fn phase(&self, kept: Kept<'_>, table: &mut Table, id: &PhaseId) -> Result<(), StoreError> {
        if !table.phases.contains_key(id) {
            let key = phase_key(id);
            if let Some(value) = kept.row(&key)? {
                table.phases.insert(id.clone(), read(&key, &value)?);
                self.workflow(kept, table, &id.workflow)?;
            }
        }
        Ok(())
    }

    fn workflow(&self, kept: Kept<'_>, table: &mut Table, name: &WorkflowName) -> Result<(), StoreError> {
        if !self.names && !table.workflows.contains_key(name) {
            let key = workflow_key(name);
            if let Some(value) = kept.row(&key)? {
                table.workflows.insert(name.clone(), read(&key, &value)?);
            }
        }
        Ok(())
    }

    fn dependants(
        &mut self,
        kept: Kept<'_>,
        table: &mut Table,
        id: &PhaseId,
    ) -> Result<Vec<PhaseId>, StoreError> {
        let below = self.names_of_dependants(kept, table, id)?;
        below.iter().try_for_each(|id| self.phase(kept, table, id))?;
        Ok(below)
    }

    fn names_of_dependants(
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
        Ok(table.dependants_of(id).cloned().collect())
    }

    /// Says whether all that is connected with a phase is there, after so many walks loads it: what is judged, and how, may
    /// change with each command, but not beyond that.
    fn is_connected(&mut self, kept: Kept<'_>, table: &mut Table, id: &PhaseId) -> Result<bool, StoreError> {
        if self.connected.contains(id) {
            return Ok(true);
        }
        self.walks += 1;
        if self.walks <= WALKS_ONE_BY_ONE_MAX || self.is_vast {
            return Ok(false);
        }
        let (mut found, mut walk) = (HashSet::from([id.clone()]), vec![id.clone()]);
        while let Some(at) = walk.pop() {
            self.phase(kept, table, &at)?;
            let below = self.names_of_dependants(kept, table, &at)?;
            let above = table.phases.get(&at).into_iter().flat_map(Phase::above).cloned();
            walk.extend(above.chain(below).filter(|next| found.insert(next.clone())));
            if found.len() > CONNECTED_MAX {
                self.is_vast = true;
                return Ok(false);
            }
        }
        self.connected.extend(found);
        Ok(true)
    }

    /// Loads what is below a phase and may be judged anew, and what each of these is judged by; where that is much,
    /// everything, which is quicker than row by row.
    fn around(&mut self, kept: Kept<'_>, table: &mut Table, id: PhaseId) -> Result<(), StoreError> {
        if self.is_connected(kept, table, &id)? {
            return Ok(());
        }
        let (mut above, mut below) = (HashSet::new(), HashSet::from([id.clone()]));
        if table.phases.get(&id).is_some_and(Phase::is_stale) {
            self.above(kept, table, vec![(id.clone(), How::Told)], &mut above)?;
        }
        let mut walk = vec![id.clone()];
        while let Some(at) = walk.pop() {
            let phase = table.phases.get(&at);
            let goes_below = at == id || phase.is_some_and(Phase::passes);
            let needed =
                phase.into_iter().flat_map(Phase::above).map(|need| (need.clone(), How::Judged)).collect();
            self.above(kept, table, needed, &mut above)?;
            if above.len() + below.len() > ROWS_ONE_BY_ONE_MAX {
                return self.load_everything(kept, table);
            }
            if goes_below {
                let dependants = self.dependants(kept, table, &at)?;
                walk.extend(dependants.into_iter().filter(|next| below.insert(next.clone())));
            }
        }
        Ok(())
    }

    /// Loads all that is above a phase, and what needs it; where that is much, everything.
    fn all_above(&mut self, kept: Kept<'_>, table: &mut Table, id: PhaseId) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        self.above(kept, table, vec![(id.clone(), How::Whole)], &mut seen)?;
        if seen.len() > ROWS_ONE_BY_ONE_MAX {
            return self.load_everything(kept, table);
        }
        self.dependants(kept, table, &id).map(drop)
    }

    /// Loads some phases, and what is above them.
    fn above(
        &self,
        kept: Kept<'_>,
        table: &mut Table,
        mut walk: Vec<(PhaseId, How)>,
        seen: &mut HashSet<(PhaseId, How)>,
    ) -> Result<(), StoreError> {
        while let Some((id, how)) = walk.pop() {
            if seen.len() > ROWS_ONE_BY_ONE_MAX || !seen.insert((id.clone(), how)) {
                continue;
            }
            self.phase(kept, table, &id)?;
            let Some(phase) = table.phases.get(&id) else { continue };
            let how = if how == How::Told && phase.is_told_by_the_graph_of_then() { How::Whole } else { how };
            let above = if how == How::Whole { phase.above() } else { phase.above_through() };
            walk.extend(above.into_iter().map(|need| (need.clone(), how)));
        }
        Ok(())
    }
}
