//! The questions: records and table in, a view out that a person is shown or a program is sent.
//!
//! Everything here is pure: no clock, no disk, no randomness. What must be read from the log while a question
//! is being answered is asked of the caller. Nothing here draws: that is for the edges.

mod diagram;
mod graph;
mod report;

pub use diagram::{dot, mermaid};
pub use graph::{Graph, GraphEdge, GraphNode, graph};
pub use report::{
    EventReport, Evidence, MarkReport, PhaseReport, References, Report, RetiredReport, SkipReport, Summary,
    WorkflowReport, references, report,
};
