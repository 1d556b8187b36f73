//! What is neither a file nor a folder, by its name.

use std::fs::FileType;

/// Returns what it is, where it has no bytes of its own.
#[cfg(unix)]
pub(super) fn name(kind: &FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("a device")
    } else {
        None
    }
}

/// Returns what it is, where it has no bytes of its own.
#[cfg(not(unix))]
pub(super) fn name(_: &FileType) -> Option<&'static str> {
    None
}
