//! The rows beside the log, in pages of neighbours: one of sled's values a row would be some ten times slower.
//!
//! A page holds the rows from its fence on, up to the next page's fence. Rows before the first fence belong
//! to the page with the empty fence. A row larger than a page has one of its own.
//!
//! ```text
//!  0 │ (length 4, key, length 4, value) a row           written with a few rows
//!  1 │ length 4 │ the same, compressed by zstd           as it was written before these were counted
//!  2 │ length 4 │ rows 4 │ the same, compressed by zstd  written with many rows, and so larger
//! ```

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};
use std::path::Path;

use super::bytes::{Reader, Writer};
use super::snapshot::{ROWS_AT_ONCE, SnapshotWriter};
use super::tail::{Changes, Pair, ROW, Tail};
use super::{codec, damaged, io_error};
use crate::store::StoreError;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_COUNTED: u8 = 2;
/// A page is full when its rows reach this many bytes.
const PAGE_BYTES: usize = 2 << 10;
/// The same for a page that is compressed.
const PAGE_BYTES_ZSTD: usize = 16 << 10;
/// More rows than these are written compressed: they fill the log otherwise, and rarely change again one by
/// one before they change together.
const PLAIN_ROWS_MAX: usize = 256;

type Rows = BTreeMap<String, Vec<u8>>;
type RowChange = (String, Option<Vec<u8>>);

/// Returns a row.
pub(super) fn row(tail: &Tail, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    match page_of(tail, key)? {
        Some((_, page)) => find(&page, key),
        None => Ok(None),
    }
}

/// Returns the rows whose key has a prefix, in order.
pub(super) fn rows(tail: &Tail, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut found = rows_after(tail, prefix, None)?;
    while let Some((last, _)) = found.last() {
        let more = rows_after(tail, prefix, Some(last))?;
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    Ok(found)
}

/// Returns rows whose key has a prefix and comes after one, in order: at least one where there is any.
pub(super) fn rows_after(
    tail: &Tail,
    prefix: &str,
    after: Option<&str>,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut found = Vec::new();
    let mut page = match page_of(tail, after.unwrap_or_default().max(prefix))? {
        Some(page) => Some(page),
        None => unpacked(tail.first((Included(&[ROW]), Excluded(&[ROW + 1])))?)?,
    };
    while let Some((fence, rows)) = page {
        let is_behind = fence[1..] > *prefix.as_bytes() && !fence[1..].starts_with(prefix.as_bytes());
        if is_behind || found.len() >= ROWS_AT_ONCE {
            break;
        }
        let is_meant = |(key, _): &(String, Vec<u8>)| {
            key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
        };
        found.extend(decode(&rows)?.into_iter().filter(is_meant));
        page = unpacked(tail.first((Excluded(&fence), Excluded(&[ROW + 1])))?)?;
    }
    Ok(found)
}

/// Adds all rows to a snapshot, page by page: what is compressed stays as it is.
pub(super) fn copy(tail: &Tail, to: &mut SnapshotWriter) -> Result<(), StoreError> {
    let (mut first, mut plain) = (String::new(), Vec::new());
    let mut page = tail.first((Included(&[ROW]), Excluded(&[ROW + 1])))?;
    while let Some((fence, packed)) = page {
        let key = std::str::from_utf8(&fence[1..]).map_err(|_| no_page())?;
        match packed.split_first() {
            Some((&PLAIN, rows)) => {
                if plain.is_empty() {
                    key.clone_into(&mut first);
                }
                plain.extend_from_slice(rows);
                if plain.len() >= PAGE_BYTES_ZSTD {
                    put_plain(to, &first, &mut plain)?;
                }
            }
            _ => {
                put_plain(to, &first, &mut plain)?;
                let (length, rows, zstd) = read_zstd(&packed).ok_or_else(no_page)?;
                let count = || codec::decompress(zstd, length).map(|page| Pairs { page: &page }.count());
                let rows = rows.or_else(count).ok_or_else(no_page)?;
                to.put_compressed(key, rows, length, zstd)?;
            }
        }
        page = tail.first((Excluded(&fence), Excluded(&[ROW + 1])))?;
    }
    put_plain(to, &first, &mut plain)
}

fn put_plain(to: &mut SnapshotWriter, first: &str, plain: &mut Vec<u8>) -> Result<(), StoreError> {
    if !plain.is_empty() {
        let rows = Pairs { page: plain }.count();
        to.put(first, rows, plain)?;
        plain.clear();
    }
    Ok(())
}

/// Says whether there are any rows.
pub(super) fn are_there(tail: &Tail) -> Result<bool, StoreError> {
    Ok(tail.first_key((Included(&[ROW]), Excluded(&[ROW + 1])))?.is_some())
}

/// Forgets all rows.
pub(super) fn forget(changes: &mut Changes, tail: &Tail) -> Result<(), StoreError> {
    for key in tail.keys((Included(&[ROW]), Excluded(&[ROW + 1])))? {
        changes.forget(key);
    }
    Ok(())
}

/// Writes a table where there is none.
pub(super) fn put_all(changes: &mut Changes, rows: &[RowChange]) -> Result<(), StoreError> {
    let mut table = Rows::new();
    for (key, value) in rows {
        change(&mut table, key, value.as_ref());
    }
    Packer::new(rows.len())?.put_pages(changes, fence_key(""), &[], &table)
}

/// Changes rows of the table that is there.
pub(super) fn put(changes: &mut Changes, tail: &Tail, rows: &[RowChange]) -> Result<(), StoreError> {
    let mut packer = Packer::new(rows.len())?;
    // Of several changes to a row the last one counts.
    let wanted: BTreeMap<&str, Option<&Vec<u8>>> =
        rows.iter().map(|(key, value)| (key.as_str(), value.as_ref())).collect();
    let mut wanted = wanted.into_iter().peekable();
    while let Some((key, _)) = wanted.peek() {
        let (fence, old) = match page_of(tail, key)? {
            Some(page) => page,
            None => (fence_key(""), Vec::new()),
        };
        let next = tail.first_key((Excluded(&fence), Excluded(&[ROW + 1])))?;
        let mut table = decode(&old)?;
        while let Some((key, value)) =
            wanted.next_if(|(key, _)| next.as_ref().is_none_or(|next| *key.as_bytes() < next[1..]))
        {
            change(&mut table, key, value);
        }
        packer.put_pages(changes, fence, &old, &table)?;
    }
    Ok(())
}

fn change(table: &mut Rows, key: &str, value: Option<&Vec<u8>>) {
    match value {
        Some(value) => table.insert(key.to_owned(), value.clone()),
        None => table.remove(key),
    };
}

/// Writes pages, compressed or not.
struct Packer {
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

impl Packer {
    fn new(rows: usize) -> Result<Self, StoreError> {
        let zstd = (rows > PLAIN_ROWS_MAX).then(|| zstd::bulk::Compressor::new(1)).transpose();
        Ok(Packer { zstd: zstd.map_err(io_error("compress", Path::new("memory")))? })
    }

    /// Writes the rows from a fence on in place of the page that is there.
    fn put_pages(
        &mut self,
        changes: &mut Changes,
        fence: Vec<u8>,
        old: &[u8],
        table: &Rows,
    ) -> Result<(), StoreError> {
        let full = if self.zstd.is_some() { PAGE_BYTES_ZSTD } else { PAGE_BYTES };
        let (mut fence, mut page, mut first) = (fence, Writer::default(), true);
        for (key, value) in table {
            let bytes = 8 + key.len() + value.len();
            if page.len() > 0 && page.len() + bytes > full {
                let page = std::mem::take(&mut page).finish();
                let fence = std::mem::replace(&mut fence, fence_key(key));
                if !(first && page == old) {
                    changes.put(fence, self.pack(&page)?);
                }
                first = false;
            }
            page.u32(key.len());
            page.bytes(key.as_bytes());
            page.u32(value.len());
            page.bytes(value);
        }
        let page = page.finish();
        match page.is_empty() {
            true => changes.forget(fence),
            false if first && page == old => {}
            false => changes.put(fence, self.pack(&page)?),
        }
        Ok(())
    }

    fn pack(&mut self, page: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut packed = Writer::default();
        match &mut self.zstd {
            None => {
                packed.u8(PLAIN);
                packed.bytes(page);
            }
            Some(zstd) => {
                packed.u8(ZSTD_COUNTED);
                packed.u32(page.len());
                packed.u32(Pairs { page }.count());
                packed.bytes(&zstd.compress(page).map_err(io_error("compress", Path::new("memory")))?);
            }
        }
        Ok(packed.finish())
    }
}

fn unpacked(found: Option<Pair>) -> Result<Option<Pair>, StoreError> {
    let Some((fence, mut packed)) = found else { return Ok(None) };
    if packed.first() == Some(&PLAIN) {
        packed.remove(0);
        return Ok(Some((fence, packed)));
    }
    let page = read_zstd(&packed).and_then(|(length, _, zstd)| codec::decompress(zstd, length));
    Ok(Some((fence, page.ok_or_else(no_page)?)))
}

/// Reads a page that is compressed: the length of its rows, how many they are where that is told, and what they are
/// compressed to.
fn read_zstd(packed: &[u8]) -> Option<(usize, Option<usize>, &[u8])> {
    let mut reader = Reader::new(packed);
    let (kind, length) = (reader.u8()?, reader.u32()? as usize);
    let rows = match kind {
        ZSTD => None,
        ZSTD_COUNTED => Some(reader.u32()? as usize),
        _ => return None,
    };
    Some((length, rows, reader.rest()))
}

fn no_page() -> StoreError {
    damaged("a page of rows is not one that this version writes".to_owned())
}

/// Returns the page that a row is in or would be in.
fn page_of(tail: &Tail, key: &str) -> Result<Option<Pair>, StoreError> {
    unpacked(tail.last((Included(&[ROW]), Included(&fence_key(key))))?)
}

fn decode(page: &[u8]) -> Result<Rows, StoreError> {
    let row = |(key, value): (&[u8], &[u8])| match String::from_utf8(key.to_vec()) {
        Ok(key) => Ok((key, value.to_vec())),
        Err(_) => Err(damaged("a row's key is not UTF-8".to_owned())),
    };
    Pairs { page }.map(|pair| pair.and_then(row)).collect()
}

/// Finds one row of a page, without copying the others.
fn find(page: &[u8], wanted: &str) -> Result<Option<Vec<u8>>, StoreError> {
    for pair in (Pairs { page }) {
        let (key, value) = pair?;
        if key == wanted.as_bytes() {
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
    fn pair(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let mut reader = Reader::new(self.page);
        let length = reader.u32()? as usize;
        let key = reader.take(length)?;
        let length = reader.u32()? as usize;
        let value = reader.take(length)?;
        self.page = reader.rest();
        Some((key, value))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), StoreError>;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_each_version_writes_it() {
        let mut table = Rows::new();
        table.insert("a".to_owned(), b"one".to_vec());
        table.insert("b".to_owned(), vec![7; 100]);
        let mut page = Writer::default();
        for (key, value) in &table {
            page.u32(key.len());
            page.bytes(key.as_bytes());
            page.u32(value.len());
            page.bytes(value);
        }
        let page = page.finish();
        let mut packer = Packer::new(PLAIN_ROWS_MAX + 1).expect("zstd");
        let counted = packer.pack(&page).expect("zstd");
        assert_eq!(read_zstd(&counted).map(|(length, rows, _)| (length, rows)), Some((page.len(), Some(2))));
        let mut before = Writer::default();
        before.u8(ZSTD);
        before.u32(page.len());
        before.bytes(&codec::compress(&page).expect("zstd"));
        let plain = Packer::new(1).and_then(|mut packer| packer.pack(&page)).expect("no zstd");
        for packed in [plain, counted, before.finish()] {
            let unpacked = unpacked(Some((fence_key(""), packed))).expect("a page").expect("a page").1;
            assert_eq!(decode(&unpacked).expect("rows"), table);
        }
        assert!(unpacked(Some((fence_key(""), vec![9, 0, 0, 0, 0]))).is_err());
    }
}
