//! The laws, as properties of random ledgers: whatever graph, whatever was sent to it; and the library's readers of
//! selectors and workflow files.
//!
//! The oracle (`support/oracle.rs`, `defined.rs`, `judge.rs`, `roots.rs`, `derive.rs`, `alerts.rs`, `started.rs`,
//! `permit.rs`, `undone.rs`, `cut.rs`) is a second implementation that knows the JSON of the lines and DESIGN.md. `PROPTEST_CASES` sets the number of cases.

#[path = "../support/alerts.rs"]
mod alerts;
#[path = "../support/asking.rs"]
mod asking;
#[path = "../support/cut.rs"]
mod cut;
#[path = "../support/defined.rs"]
mod defined;
#[path = "../support/derive.rs"]
mod derive;
#[path = "../support/exported.rs"]
mod exported;
#[path = "../support/generate.rs"]
mod generate;
#[path = "../support/judge.rs"]
mod judge;
#[path = "../support/make.rs"]
mod make;
#[path = "../support/money.rs"]
mod money;
#[path = "../support/numbers.rs"]
mod numbers;
#[path = "../support/oracle.rs"]
mod oracle;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/permit.rs"]
mod permit;
#[path = "../support/play.rs"]
mod play;
#[path = "../support/roots.rs"]
mod roots;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;
#[path = "../support/started.rs"]
mod started;
#[path = "../support/undone.rs"]
mod undone;
#[path = "../support/zones.rs"]
mod zones;

mod approval;
mod asked_about;
mod back;
mod costs;
mod crowded;
mod cuts;
mod definitions;
mod examples;
mod forgeries;
mod fuzzed;
mod growth;
mod identity;
mod metadata;
mod names;
mod periods;
mod propagation;
mod renames;
mod replay;
mod restore;
mod retry;
mod reverts;

mod salvaged;
mod scale;
mod selectors;
mod stale;
mod times;
mod touched;
mod workflow_file;
mod workflow_file_snapshots;
