//! The laws, as properties of random ledgers: whatever graph, whatever was sent to it.
//!
//! The oracle (`support/oracle.rs`, `derive.rs`, `permit.rs`) is a second implementation that knows the JSON
//! of the lines and DESIGN.md. `PROPTEST_CASES` sets the number of cases.

#[path = "support/asking.rs"]
mod asking;
#[path = "support/derive.rs"]
mod derive;
#[path = "support/generate.rs"]
mod generate;
#[path = "support/make.rs"]
mod make;
#[path = "support/money.rs"]
mod money;
#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/permit.rs"]
mod permit;
#[path = "support/play.rs"]
mod play;

#[path = "laws/approval.rs"]
mod approval;
#[path = "laws/costs.rs"]
mod costs;
#[path = "laws/propagation.rs"]
mod propagation;
#[path = "laws/replay.rs"]
mod replay;
#[path = "laws/restore.rs"]
mod restore;
#[path = "laws/retry.rs"]
mod retry;
#[path = "laws/scale.rs"]
mod scale;
#[path = "laws/touched.rs"]
mod touched;
