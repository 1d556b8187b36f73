//! Staleness: whether what a phase has, or is about to have, still stands. It is a function of the table, of nothing
//! else, so the same state is always judged the same.
//!
//! ```text
//!   basis ──▶ reasons ──▶ roots
//!   what is found in the needs of a phase   why it differs from what was found when its attempt began   since when
//! ```
//!
//! A phase with a completion that stands, or with an attempt under way, is stale while a [`Reason`] holds. What is
//! PENDING, skipped, FAILED or under way is looked through: what was found in it is what is found in its own needs.

mod judge;
mod met;
mod reasons;
mod reruns;
mod roots;

pub(super) use judge::{Go, Judge, consumed};
pub use reasons::judge;
pub(super) use reasons::judge_all;
pub use reruns::{Rerun, reruns};
pub(super) use roots::roots;
pub use roots::{Step, trail};

#[cfg(doc)]
use crate::model::Reason;
