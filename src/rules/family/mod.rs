//! The families: for one thing that commands and events are about, what a verb turns into (functions in the
//! imperative, called by `decide`), and what its events add up to (in the past tense, called by `evolve`).

pub(super) mod accepted;
pub(super) mod alerts;
pub(super) mod approval;
pub(super) mod attempt;
pub(super) mod costs;
pub(super) mod definition;
pub(super) mod files;
pub(super) mod notes;
pub(super) mod rerun;
pub(super) mod reservations;
pub(super) mod reset;
pub(super) mod retirement;
pub(super) mod started;
