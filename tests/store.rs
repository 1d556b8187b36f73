//! The contract of a store, held against every store; and what only a store on disk can get wrong.

#[path = "store/contract.rs"]
mod contract;
#[path = "store/damage.rs"]
mod damage;
#[path = "store/disk.rs"]
mod disk;
#[path = "store/failing.rs"]
mod failing;
#[path = "support/folder.rs"]
mod folder;
#[path = "store/meanwhile.rs"]
mod meanwhile;
#[path = "store/model.rs"]
mod model;
#[path = "support/numbers.rs"]
mod numbers;
#[path = "store/record.rs"]
mod record;
#[path = "store/tapped.rs"]
mod tapped;
