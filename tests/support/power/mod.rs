//! A power cut, and what it leaves: the harness.
//!
//! ```text
//!  script ──lines, batches──▶ appender, a process of its own ──▶ a ledger, and a file of acknowledgements
//!    │                            │ strace
//!    │                            ▼
//!    │                         trace: every write, sync, truncate, rename … in the order of the calls
//!    │                            ▼
//!    │                         disk: what has surely reached it, and what may have
//!    │                            │ cut at some call
//!    │                            ▼
//!    │                         image: one state that the cut may leave, torn and reordered
//!    ▼                            ▼
//!  oracle ──what must be there──▶ check: open, read, compare, append, open again
//! ```
//!
//! The script is a function of a seed, so both ends know every line without telling each other. Nothing
//! here knows how the store lays out its files: the calls are all that is looked at.

pub mod appender;
pub mod calls;
pub mod check;
pub mod cuts;
pub mod disk;
pub mod file;
pub mod image;
pub mod program;
pub mod random;
pub mod script;
pub mod trace;

use std::path::Path;

/// Makes a directory that goes away with the value: in memory where there is such a place, since the model
/// and not the device decides what a cut leaves, and a sync of memory costs nothing.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).expect("a directory for the test")
}
