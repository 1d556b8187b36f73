//! Compression with zstd, by contexts that a thread makes once: making one costs more than most blocks.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

use crate::store::StoreError;

const LEVEL: i32 = 3;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses some bytes.
pub(super) fn compress(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let compressed = COMPRESSOR.with_borrow_mut(|zstd| {
        made(zstd, || Compressor::new(LEVEL)).and_then(|compressor| compressor.compress(bytes))
    });
    compressed.map_err(|source| StoreError::Io { action: "compress", path: "memory".to_owned(), source })
}

/// Returns the bytes that were compressed, at most so many; none where these are not what compressing leaves.
pub(super) fn decompress(bytes: &[u8], length_max: usize) -> Option<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|zstd| {
        let decompressor = made(zstd, Decompressor::new).ok()?;
        decompressor.decompress(bytes, length_max).ok()
    })
}

/// Returns what is made at the first call.
fn made<T>(kept: &mut Option<T>, make: impl FnOnce() -> io::Result<T>) -> io::Result<&mut T> {
    Ok(match kept {
        Some(made) => made,
        None => kept.insert(make()?),
    })
}
