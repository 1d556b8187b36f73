//! The contract of a store, held against every store.

#[path = "store/contract.rs"]
mod contract;
