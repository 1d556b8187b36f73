//! The contract of a store, held against every store; what only a store on disk can get wrong; and what is left after a
//! power cut.

#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/power/mod.rs"]
mod harness;
#[path = "../support/numbers.rs"]
mod numbers;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/skip.rs"]
mod skip;

mod caches;
mod contract;
mod damage;
mod disk;
mod failing;
mod meanwhile;
mod model;
mod power;
mod program;
mod record;
mod salvage;
mod tapped;
