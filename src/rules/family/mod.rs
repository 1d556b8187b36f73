//! The families: what a command about one thing turns into, and what the events about it add up to.

pub(super) mod approval;
pub(super) mod attempt;
pub(super) mod costs;
pub(super) mod definition;
pub(super) mod files;
pub(super) mod notes;
pub(super) mod rerun;
pub(super) mod reset;
