//! Opening what was left, and looking for what must be there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use phaseledger::model::Seq;
use phaseledger::store::{Appended, Cache, DiskStore, Head, Log, StoreError, Until};

use super::appender::{LOCK_TIMEOUT, Said};
use super::script::{Oracle, seq};

const READ_AT_ONCE: usize = 700;

/// Opens the ledger and compares it with the script; then appends the next batch and looks again. Returns
/// where its log ended.
pub fn check(ledger: &Path, oracle: &Oracle, said: Said) -> Result<u64, String> {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let mut store = open(ledger, said)?;
        let end = compare(&store, oracle, said, 0)?;
        extend(&mut store, oracle, end)?;
        drop(store);
        let store = DiskStore::open(ledger, LOCK_TIMEOUT).map_err(|error| told("the second open", &error))?;
        let next = oracle.next_boundary(end);
        compare(&store, oracle, Said { acknowledged: Some(next), seen: Some(next) }, end)?;
        Ok(end)
    }));
    checked.unwrap_or_else(|cause| Err(format!("a panic: {}", panic_text(cause.as_ref()))))
}

/// Opens the ledger. One that was never acknowledged may be missing, but then it can be made.
fn open(ledger: &Path, said: Said) -> Result<DiskStore, String> {
    match DiskStore::open(ledger, LOCK_TIMEOUT) {
        Err(StoreError::Missing { .. }) if said.acknowledged.is_none() => {
            DiskStore::create(ledger).map_err(|error| told("a second creation", &error))
        }
        opened => opened.map_err(|error| told("the open", &error)),
    }
}

/// Compares all that the ledger says with the script, its lines after a place. The log ends where a batch
/// does: at or after the last acknowledged one, and no later than the one that was under way.
pub fn compare(store: &DiskStore, oracle: &Oracle, said: Said, after: u64) -> Result<u64, String> {
    let head = store.head().map_err(|error| told("the head", &error))?;
    let end = head.seq.number();
    let least = said.acknowledged.unwrap_or(0);
    let most = said.seen.map_or(0, |seen| oracle.next_boundary(seen));
    if !(least..=most).contains(&end) {
        return Err(format!("the log ends at {end}; {least} was acknowledged, {most} the most it may hold"));
    }
    let boundary = oracle.boundary(end).ok_or_else(|| format!("the log ends at {end}, inside a batch"))?;
    if head.root != boundary.root {
        return Err(format!("the head at {end} has root {}; expected {}", head.root, boundary.root));
    }
    compare_lines(store, oracle, after, end)?;
    compare_rows(store, oracle, &head)?;
    compare_places(store, oracle, end, boundary.after)?;
    Ok(end)
}

fn compare_lines(store: &DiskStore, oracle: &Oracle, after: u64, end: u64) -> Result<(), String> {
    let mut at = after;
    while at < end {
        let lines = store.read(seq(at), READ_AT_ONCE).map_err(|error| told("a read", &error))?;
        let expected = oracle.lines(at, (at + READ_AT_ONCE as u64).min(end));
        if let Some(index) = (0..expected.len()).find(|index| lines.get(*index) != expected.get(*index)) {
            let found = lines.get(index).map_or("nothing", |_| "another line");
            return Err(format!("{found} at {}, of {end}", at + index as u64 + 1));
        }
        if lines.len() != expected.len() {
            return Err(format!("{} lines after {at}; expected {}", lines.len(), expected.len()));
        }
        at += expected.len() as u64;
    }
    Ok(())
}

/// Compares the rows. They are a cache and may be gone, but the head then says so.
fn compare_rows(store: &DiskStore, oracle: &Oracle, head: &Head) -> Result<(), String> {
    if head.fold_version.is_none() {
        return Ok(());
    }
    let rows = store.rows(head, "").map_err(|error| told("the rows", &error))?;
    let boundary = oracle.boundary(head.seq.number()).expect("compared before");
    let expected: Vec<_> = boundary.rows.clone().into_iter().collect();
    if rows != expected {
        return Err(format!("{} rows at {}; expected {} others", rows.len(), head.seq, expected.len()));
    }
    Ok(())
}

/// Looks the last batch up by its command and by its time.
fn compare_places(store: &DiskStore, oracle: &Oracle, end: u64, after: u64) -> Result<(), String> {
    if end == 0 {
        return Ok(());
    }
    for (place, expected) in [(after, Some(seq(after + 1))), (end, None)] {
        let found = store.find(oracle.script.command(place)).map_err(|error| told("a look-up", &error))?;
        if found != expected {
            return Err(format!("the command after {place} is at {found:?}; expected {expected:?}"));
        }
    }
    let time = oracle.script.times(after + 1).recorded_at;
    for (until, expected) in [(Until::Through(time), seq(end)), (Until::Before(time), seq(after))] {
        let found = store.seek(until).map_err(|error| told("a seek", &error))?;
        if found != expected {
            return Err(format!("{until:?} is at {found}; expected {expected}"));
        }
    }
    Ok(())
}

/// Appends the batch that follows.
fn extend(store: &mut DiskStore, oracle: &Oracle, end: u64) -> Result<(), String> {
    let batch = oracle.script.batch(end);
    let expected = Seq::new(oracle.next_boundary(end));
    let head = store.head().map_err(|error| told("the head", &error))?;
    match store.append(&Head { seq: seq(end), ..head }, &batch).map_err(|error| told("an append", &error))? {
        Appended::Done(head) if head.seq == expected => Ok(()),
        other => Err(format!("an append after {end} gave {other:?}")),
    }
}

fn told(what: &str, error: &StoreError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{what} fails: {error}{source}")
}

/// Returns what a panic said.
pub fn panic_text(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a text".to_owned())
}
