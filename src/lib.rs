//! An event-sourced ledger of workflow phases.

pub mod ledger;
pub mod model;
pub mod query;
pub mod rules;
pub mod store;
