//! Questions, pure: a table and records in, a view out that a person or a program can be shown.
//!
//! ```text
//!  Table, [Recorded] ──▶ question ──▶ View ──(cli: render)──▶ text | JSON
//! ```
//!
//! Nothing here reads a log, a clock or the command line: whoever asks brings what an answer is made of.

mod approvals;
mod brief;
mod changes;
mod cost_groups;
mod cost_plan;
mod costs;
mod diagram;
mod figures;
mod forecast;
mod graph;
mod inputs;
mod limits;
mod log;
mod named;
mod next;
mod order;
mod redefined;
mod renames;
mod replay;
mod report;
mod show;
mod status;
mod why;
mod words;

pub use approvals::{ApprovalFilter, ApprovalStatus, ApprovalSummary, ApprovalView, Approvals};
pub use brief::EventBrief;
pub use changes::{DefinitionChanges, DefinitionEdit};
pub use cost_groups::{CostGroup, CostGrouping, CostGroups, CostRoot, CostTotal};
pub use cost_plan::{CostPlan, LimitCheck, PlanError, PlannedTotal, Projection, Remaining, check_estimate};
pub use costs::{
    BudgetView, CostScan, ModelCosts, PeriodView, PhaseCosts, ReservationView, SumTooLarge, Transaction,
    WorkflowCosts,
};
pub use diagram::{dot, mermaid};
pub use figures::{duration, one_line};
pub use forecast::{ExpectedCost, ExpectedDuration, Forecast, History, PhaseForecast, Samples};
pub use graph::{Graph, GraphEdge, GraphNode, graph};
pub use inputs::{Finding, changed_inputs, changed_outputs};
pub use limits::LimitReached;
pub use log::LogFilter;
pub use named::phase_named;
pub use next::{Next, next};
pub use order::topological;
pub use redefined::{Clash, Drift, LeftBehind, clashes, drift, left_behind};
pub use renames::{NotRenamed, not_renamed};
pub use replay::{Counts, Replay};
pub use report::{
    EventReport, Evidence, MarkReport, OpenReruns, PhaseReport, ProgressSummary, References, Report,
    RetiredReport, RootReport, SkipReport, WorkflowReport, references, report,
};
pub use show::{
    AcceptedView, AttemptView, Effects, EventView, Linked, NoteView, Outcome, PhaseHistory, PhaseView,
    RenamedView, Spec,
};
pub use status::{PhaseStatus, ProcessState, Status, StatusFilter, Summary, WorkflowSummary, status};
pub use why::{ChainEvent, LedBy, Proven, Waiting, Why, why};
pub use words::{Words, words};
