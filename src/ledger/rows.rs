//! The table as rows beside the log: a row a phase, so that a command reads and writes only what it touches.
//!
//! | key | value |
//! |---|---|
//! | `w/WORKFLOW` | [`Workflow`] |
//! | `p/WORKFLOW/PHASE` | [`Phase`] |
//! | `d/WORKFLOW/PHASE` | who needs the phase |
//! | `t/TAG` | [`Tag`] |
//! | `a/ID` | [`Approval`], by the id of its request |
//! | `r/ID` | by which event the event of that id was taken back |
//!
//! Values are JSON. Rows are a cache: those of another fold are not read, and one that cannot be read is
//! damage that `verify --rebuild` mends.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::model::{EventId, PhaseId, Seq, TagName, WorkflowName};
use crate::rules::{Approval, FOLD_VERSION, Phase, Row, Table, Tag, Touched, Workflow};
use crate::store::{Cache, Head, LINES_ALONE, PastRows, RowChanges, StoreError, each_in_order};

pub(super) fn phase_key(id: &PhaseId) -> String {
    format!("p/{id}")
}

pub(super) fn workflow_key(name: &WorkflowName) -> String {
    format!("w/{name}")
}

pub(super) fn dependants_key(id: &PhaseId) -> String {
    format!("d/{id}")
}

pub(super) fn approval_key(id: &EventId) -> String {
    format!("a/{id}")
}

pub(super) fn read<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, StoreError> {
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

/// The rows of one table. Where they are those of a head and others have appended since, they are gone:
/// [`StoreError::Moved`].
#[derive(Clone, Copy)]
pub(super) enum Kept<'a> {
    /// The table of a head.
    Head { cache: &'a dyn Cache, of: &'a Head },
    /// The table at a place in the past.
    Past(&'a dyn PastRows),
}

impl<'a> Kept<'a> {
    pub(super) fn new(cache: &'a dyn Cache, of: &'a Head) -> Self {
        Kept::Head { cache, of }
    }

    /// Returns the place that the table is at.
    fn place(self) -> Seq {
        match self {
            Kept::Head { of, .. } => of.seq,
            Kept::Past(rows) => rows.seq(),
        }
    }

    /// Says whether they are of this fold.
    pub(super) fn can_be_read(self) -> bool {
        let fold_version = match self {
            Kept::Head { of, .. } => of.fold_version,
            Kept::Past(rows) => Some(rows.fold_version()),
        };
        fold_version == Some(FOLD_VERSION)
    }

    pub(super) fn row(self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Kept::Head { cache, of } => cache.row(of, key),
            Kept::Past(rows) => rows.row(key),
        }
    }

    fn rows(self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        match self {
            Kept::Head { cache, of } => cache.rows(of, prefix),
            Kept::Past(rows) => rows.rows(prefix),
        }
    }

    fn rows_after(self, prefix: &str, after: Option<&str>) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        match self {
            Kept::Head { cache, of } => cache.rows_after(of, prefix, after),
            Kept::Past(rows) => Ok(after_key(rows.rows(prefix)?, after)),
        }
    }

    /// Reads something of them; none where they are of another fold, or of another head by now.
    pub(super) fn try_read<T>(
        self,
        read: impl FnOnce(Self) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match self.can_be_read().then(|| read(self)).transpose() {
            Err(StoreError::Moved) => Ok(None),
            read => read,
        }
    }
}

/// Returns the rows whose key comes after one.
fn after_key(mut rows: Vec<(String, Vec<u8>)>, after: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let start = rows.partition_point(|(key, _)| after.is_some_and(|after| key.as_str() <= after));
    rows.split_off(start)
}

/// Returns the whole table of a head from its rows; none when there are none that can be read.
pub(super) fn whole(kept: Kept<'_>) -> Result<Option<Table>, StoreError> {
    kept.try_read(load_whole)
}

pub(super) fn load_whole(kept: Kept<'_>) -> Result<Table, StoreError> {
    let small = load_small(kept)?;
    put_together(small, |prefix| Source::Kept { kept, prefix, after: None })
}

/// How many rows are read at a time.
const PIECE_ROWS: usize = 1024;

/// The rows whose keys have a prefix, taken in order, some at a time: a table of many phases is not held twice.
enum Source<'a> {
    /// They are all at hand.
    Held(std::vec::IntoIter<(String, Vec<u8>)>),
    /// They are read as they are taken: those after a key come next.
    Kept { kept: Kept<'a>, prefix: &'static str, after: Option<String> },
}

impl Source<'_> {
    /// Takes the next ones; none at the end.
    fn next(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        match self {
            Source::Held(rows) => Ok(rows.take(PIECE_ROWS).collect()),
            Source::Kept { kept, prefix, after } => {
                let rows = kept.rows_after(prefix, after.as_deref())?;
                if let Some((last, _)) = rows.last() {
                    *after = Some(last.clone());
                }
                Ok(rows)
            }
        }
    }
}

/// Returns the table at a place that all these rows are of, in the order of their keys. Each row goes once it is read.
pub(super) fn table(seq: Seq, mut rows: Vec<(String, Vec<u8>)>) -> Result<Table, StoreError> {
    let mut of = |prefix: &'static str| -> Vec<(String, Vec<u8>)> {
        let start = rows.partition_point(|(key, _)| key.as_str() < prefix);
        let count = rows[start..].partition_point(|(key, _)| key.starts_with(prefix));
        rows.drain(start..start + count).collect()
    };
    let small = small_table(seq, of("w/").iter(), of("t/").iter())?;
    put_together(small, |prefix| Source::Held(of(prefix).into_iter()))
}

/// Adds all the other rows to a table that has its workflows and tags.
fn put_together<'a>(
    mut table: Table,
    mut of: impl FnMut(&'static str) -> Source<'a>,
) -> Result<Table, StoreError> {
    table.phases = each(of("p/"), |key, value| {
        let phase: Phase = read(key, value)?;
        Ok((phase.id.clone(), phase))
    })?;
    table.dependants = each(of("d/"), |key, value| {
        let id: Result<PhaseId, _> = key[2..].parse();
        let id = id.map_err(|_| StoreError::Damaged { found: format!("the row `{key}` is misnamed") })?;
        Ok((id, read(key, value)?))
    })?;
    table.approvals = each(of("a/"), |key, value| {
        let approval: Approval = read(key, value)?;
        Ok((approval.request, approval))
    })?;
    table.reverted = each(of("r/"), |key, value| {
        let id: Result<Uuid, _> = key[2..].parse();
        let id = id.map_err(|_| StoreError::Damaged { found: format!("the row `{key}` is misnamed") })?;
        Ok((EventId::new(id), read(key, value)?))
    })?;
    Ok(table)
}

/// Reads rows, on several threads where they are many. What is in order is put together at once, without room to spare.
fn each<K: Ord + Send, V: Send>(
    mut rows: Source<'_>,
    read: impl Fn(&str, &[u8]) -> Result<(K, V), StoreError> + Sync,
) -> Result<BTreeMap<K, V>, StoreError> {
    let mut all = Vec::new();
    each_in_order(
        LINES_ALONE,
        || rows.next(),
        |(key, value): (String, Vec<u8>)| read(&key, &value),
        |row| {
            all.push(row?);
            Ok(())
        },
    )?;
    Ok(all.into_iter().collect())
}

/// Loads a table that has the workflows and the tags, which every command needs, and nothing else.
pub(super) fn load_small(kept: Kept<'_>) -> Result<Table, StoreError> {
    let (workflows, tags) = (kept.rows("w/")?, kept.rows("t/")?);
    small_table(kept.place(), workflows.iter(), tags.iter())
}

/// Makes the table at a place that has these rows of workflows and of tags.
fn small_table<'a>(
    seq: Seq,
    workflows: impl Iterator<Item = &'a (String, Vec<u8>)>,
    tags: impl Iterator<Item = &'a (String, Vec<u8>)>,
) -> Result<Table, StoreError> {
    let mut table = Table { head: seq, ..Table::default() };
    for (key, value) in workflows {
        let workflow: Workflow = read(key, value)?;
        table.workflows.insert(workflow.name.clone(), workflow);
    }
    for (key, value) in tags {
        let tag: Tag = read(key, value)?;
        let name = TagName::new(&key[2..]);
        let name = name.map_err(|_| StoreError::Damaged { found: format!("the row `{key}` is misnamed") })?;
        table.tags.insert(name, tag);
    }
    Ok(table)
}

/// Returns the table of a head with its workflows and tags alone; none when there are no rows that can be read.
pub(super) fn small(kept: Kept<'_>) -> Result<Option<Table>, StoreError> {
    kept.try_read(load_small)
}

/// Returns the requests whose ids start with a text, from their rows; none when there are none that can be read.
pub(super) fn approvals(
    kept: Kept<'_>,
    start: &str,
) -> Result<Option<BTreeMap<EventId, Approval>>, StoreError> {
    kept.try_read(|kept| load_approvals(kept, start))
}

pub(super) fn load_approvals(kept: Kept<'_>, start: &str) -> Result<BTreeMap<EventId, Approval>, StoreError> {
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
    let phases = each_written(table.phases.values(), |phase| (phase_key(&phase.id), write(phase)));
    let dependants = table.dependants.iter().map(|(id, below)| (dependants_key(id), write(below)));
    let tags = table.tags.iter().map(|(name, tag)| (format!("t/{name}"), write(tag)));
    let approvals = table.approvals.iter().map(|(id, approval)| (approval_key(id), write(approval)));
    let reverted = table.reverted.iter().map(|(id, by)| (format!("r/{id}"), write(by)));
    let rows =
        workflows.chain(phases).chain(dependants).chain(tags).chain(approvals).chain(reverted).collect();
    RowChanges { fold_version: FOLD_VERSION, replace: true, rows }
}

/// Writes rows, on several threads where they are many.
fn each_written<T: Send>(
    mut of: impl Iterator<Item = T>,
    write: impl Fn(T) -> (String, Option<Vec<u8>>) + Sync,
) -> Vec<(String, Option<Vec<u8>>)> {
    let mut rows = Vec::with_capacity(of.size_hint().0);
    let written = each_in_order(
        LINES_ALONE,
        || Ok::<_, Infallible>(of.by_ref().take(PIECE_ROWS).collect()),
        write,
        |row| {
            rows.push(row);
            Ok(())
        },
    );
    match written {
        Ok(()) => rows,
        Err(never) => match never {},
    }
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
        let rows = each_written(rows.into_iter(), |row| match row {
            Row::Workflow(name) => (format!("w/{name}"), table.workflows.get(name).and_then(write)),
            Row::Phase(id) => (phase_key(id), table.phases.get(id).and_then(write)),
            Row::Tag(name) => (format!("t/{name}"), table.tags.get(name).and_then(write)),
            Row::Reverted(id) => (format!("r/{id}"), table.reverted.get(id).and_then(write)),
            Row::Approval(id) => (approval_key(id), table.approvals.get(id).and_then(write)),
        });
        RowChanges { fold_version: FOLD_VERSION, replace: false, rows }
    }
}
