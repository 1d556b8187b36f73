//! The verbs, pure: what a command turns into, what an event forces, what the events add up to.
//!
//! ```text
//!  Command ──decide──▶ [Draft] ──stamp──▶ [Recorded] ──evolve──▶ Table
//!                                             │                   │
//!                                             └────propagate◀─────┘
//!                                                     │
//!                                                     ▼ [Draft] ──stamp──▶ …
//! ```
//!
//! Each of the three is one match that hands the data of a verb or an event to its family: a family is a file
//! that has, in the imperative, what a verb turns into and, in the past tense, what its event adds up to, and it
//! tells no events apart. Below the families are what they share: the table, drafts, and the visit of a rerun.
//!
//! `decide` may refuse, `propagate` only derives, `evolve` never decides: replay applies stored events and
//! nothing else. Values come in and values go out; there is no clock, no disk and no randomness here.

mod approval;
mod attempt;
mod basis;
mod budget;
mod decide;
mod draft;
mod evolve;
mod expect;
mod family;
mod happened;
mod late;
mod mark;
mod names;
mod no_room;
mod period_budget;
mod phase;
mod propagate;
mod reach;
mod reason;
mod rejection;
mod renames;
mod renaming;
mod rests;
mod revert;
mod spec;
mod stale;
mod standing;
mod table;
mod touched;
mod undoing;
mod wave;

pub use approval::{Approval, Decision, ReplacedDecision};
pub use attempt::{Attempt, Completion, Failure, Skip};
pub use basis::Basis;
pub use budget::{Budget, Reservation};
pub use decide::decide;
pub use draft::{Draft, Moment, Stamp, moment};
pub use evolve::{Impossible, evolve};
pub use expect::check_expectations;
pub use family::alerts::COST_LIMIT_RULE;
pub use family::definition::DATED_BACK;
pub use happened::Happened;
pub use late::{evolve_late, judge_cut};
pub use mark::Mark;
pub use names::check_new_names;
pub use no_room::{NoRoom, ReservationRejection};
pub use period_budget::{Limited, PeriodBudget};
pub use phase::{Phase, PhaseState, Replaced, Stood, Was};
pub use propagate::{is_forced, propagate};
pub use reach::{Reach, reach};
pub use rejection::{ApprovalRejection, Rejection, RevertRejection};
pub use renames::Names;
pub use renaming::Renaming;
pub use rests::{Rest, Resting, rests_on};
pub use spec::{Lineage, PhaseSpec};
pub use stale::{Rerun, Step, judge, reruns, trail};
pub use standing::{Standing, WARNING_PERCENT};
pub use table::{Defined, FOLD_VERSION, Table, Tag, Workflow};
pub use touched::{Row, Touched};
