//! The rows beside the log, in pages of neighbours: one of sled's values a row would be some ten times slower.
//!
//! A page holds the rows from its fence on, up to the next page's fence. Rows before the first fence belong
//! to the page with the empty fence. A row larger than a page has one of its own.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};

use super::bytes::{Reader, Writer};
use super::damaged;
use super::database::{Changes, Database, Pair};
use crate::store::StoreError;

const ROW: u8 = b'r';
/// A page is full when its rows reach this many bytes.
const PAGE_BYTES: usize = 4 << 10;

type Rows = BTreeMap<String, Vec<u8>>;
type RowChange = (String, Option<Vec<u8>>);

/// Returns a row.
pub(super) fn row(database: &Database, recent: &Recent, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    if let Some(found) = recent.find(key)? {
        return Ok(found);
    }
    match page_of(database, key)? {
        Some(pair) => {
            let found = find(&pair.1, key);
            recent.keep(pair);
            found
        }
        None => Ok(None),
    }
}

/// Pages that were read lately: a rerun reads many neighbours, one by one.
#[derive(Debug, Default)]
pub(super) struct Recent {
    pages: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Recent {
    const PAGES_MAX: usize = 64;

    /// Forgets the pages: some may have changed.
    pub(super) fn clear(&mut self) {
        self.pages.get_mut().clear();
    }

    fn keep(&self, (fence, page): Pair) {
        let mut pages = self.pages.borrow_mut();
        if pages.len() >= Self::PAGES_MAX {
            pages.clear();
        }
        if page.len() <= 2 * PAGE_BYTES {
            pages.insert(fence, page);
        }
    }

    /// Finds a row, or that it is not there; none when it is in no page that was read lately.
    fn find(&self, wanted: &str) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        let pages = self.pages.borrow();
        let Some((_, page)) = pages.range(..=fence_key(wanted)).next_back() else { return Ok(None) };
        for pair in (Pairs { page }) {
            let (key, value) = pair?;
            match key.cmp(wanted) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(Some(value.to_vec()))),
                Ordering::Greater => return Ok(Some(None)),
            }
        }
        // What follows the last row of the page may be in the next page.
        Ok(None)
    }
}

/// Returns the rows whose key has a prefix, in order.
pub(super) fn rows(database: &Database, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut found = Vec::new();
    let mut page = match page_of(database, prefix)? {
        Some(page) => Some(page),
        None => database.first((Included(&[ROW]), Excluded(&[ROW + 1])))?,
    };
    while let Some((fence, rows)) = page {
        if fence[1..] > *prefix.as_bytes() && !fence[1..].starts_with(prefix.as_bytes()) {
            break;
        }
        found.extend(decode(&rows)?.into_iter().filter(|(key, _)| key.starts_with(prefix)));
        page = database.first((Excluded(&fence), Excluded(&[ROW + 1])))?;
    }
    Ok(found)
}

/// Forgets all rows.
pub(super) fn forget(changes: &mut Changes, database: &Database) -> Result<(), StoreError> {
    for key in database.keys((Included(&[ROW]), Excluded(&[ROW + 1])))? {
        changes.forget(key);
    }
    Ok(())
}

/// Writes a table where there is none.
pub(super) fn put_all(changes: &mut Changes, rows: &[RowChange]) {
    let mut table = Rows::new();
    for (key, value) in rows {
        change(&mut table, key, value.as_ref());
    }
    put_pages(changes, fence_key(""), &[], &table);
}

/// Changes rows of the table that is there.
pub(super) fn put(changes: &mut Changes, database: &Database, rows: &[RowChange]) -> Result<(), StoreError> {
    // Of several changes to a row the last one counts.
    let wanted: BTreeMap<&str, Option<&Vec<u8>>> =
        rows.iter().map(|(key, value)| (key.as_str(), value.as_ref())).collect();
    let mut wanted = wanted.into_iter().peekable();
    while let Some((key, _)) = wanted.peek() {
        let (fence, old) = match page_of(database, key)? {
            Some(page) => page,
            None => (fence_key(""), Vec::new()),
        };
        let next = database.first_key((Excluded(&fence), Excluded(&[ROW + 1])))?;
        let mut table = decode(&old)?;
        while let Some((key, value)) =
            wanted.next_if(|(key, _)| next.as_ref().is_none_or(|next| *key.as_bytes() < next[1..]))
        {
            change(&mut table, key, value);
        }
        put_pages(changes, fence, &old, &table);
    }
    Ok(())
}

fn change(table: &mut Rows, key: &str, value: Option<&Vec<u8>>) {
    match value {
        Some(value) => table.insert(key.to_owned(), value.clone()),
        None => table.remove(key),
    };
}

/// Writes the rows from a fence on in place of the page that is there.
fn put_pages(changes: &mut Changes, fence: Vec<u8>, old: &[u8], table: &Rows) {
    let mut put = |fence: Vec<u8>, page: Writer, first: bool| {
        let page = page.finish();
        if !(first && page == old) {
            changes.put(fence, page);
        }
    };
    let (mut fence, mut page, mut first) = (fence, Writer::default(), true);
    for (key, value) in table {
        let bytes = 8 + key.len() + value.len();
        if page.len() > 0 && page.len() + bytes > PAGE_BYTES {
            put(std::mem::replace(&mut fence, fence_key(key)), std::mem::take(&mut page), first);
            first = false;
        }
        page.u32(key.len());
        page.bytes(key.as_bytes());
        page.u32(value.len());
        page.bytes(value);
    }
    match page.len() {
        0 => changes.forget(fence),
        _ => put(fence, page, first),
    }
}

/// Returns the page that a row is in or would be in.
fn page_of(database: &Database, key: &str) -> Result<Option<Pair>, StoreError> {
    database.last((Included(&[ROW]), Included(&fence_key(key))))
}

fn decode(page: &[u8]) -> Result<Rows, StoreError> {
    Pairs { page }.map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_vec()))).collect()
}

/// Finds one row of a page, without copying the others.
fn find(page: &[u8], wanted: &str) -> Result<Option<Vec<u8>>, StoreError> {
    for pair in (Pairs { page }) {
        let (key, value) = pair?;
        if key == wanted {
            return Ok(Some(value.to_vec()));
        }
    }
    Ok(None)
}

/// The rows of a page, in order.
struct Pairs<'a> {
    page: &'a [u8],
}

impl<'a> Pairs<'a> {
    fn pair(&mut self) -> Option<(&'a str, &'a [u8])> {
        let mut reader = Reader::new(self.page);
        let length = reader.u32()? as usize;
        let key = std::str::from_utf8(reader.take(length)?).ok()?;
        let length = reader.u32()? as usize;
        let value = reader.take(length)?;
        self.page = reader.rest();
        Some((key, value))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a str, &'a [u8]), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() {
            return None;
        }
        let pair = self.pair().ok_or_else(|| damaged("a page of rows ends too early".to_owned()));
        if pair.is_err() {
            self.page = &[];
        }
        Some(pair)
    }
}

fn fence_key(fence: &str) -> Vec<u8> {
    [&[ROW], fence.as_bytes()].concat()
}
