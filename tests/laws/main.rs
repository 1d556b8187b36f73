//! The laws, as properties of random ledgers: whatever graph, whatever was sent to it; and the library's readers of
//! selectors and workflow files.
//!
//! The oracle (`support/oracle.rs`, `derive.rs`, `permit.rs`) is a second implementation that knows the JSON
//! of the lines and DESIGN.md. `PROPTEST_CASES` sets the number of cases.

#[path = "../support/asking.rs"]
mod asking;
#[path = "../support/derive.rs"]
mod derive;
#[path = "../support/generate.rs"]
mod generate;
#[path = "../support/make.rs"]
mod make;
#[path = "../support/money.rs"]
mod money;
#[path = "../support/oracle.rs"]
mod oracle;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/permit.rs"]
mod permit;
#[path = "../support/play.rs"]
mod play;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;

mod approval;
mod costs;
mod forgeries;
mod metadata;
mod propagation;
mod replay;
mod restore;
mod retry;
mod scale;
mod selectors;
mod times;
mod touched;
mod workflow_file;
mod workflow_file_snapshots;
