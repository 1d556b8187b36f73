//! The questions: records and table in, a view out that a person is shown or a program is sent.
//!
//! Everything here is pure: no clock, no disk, no randomness. What must be read from the log while a question
//! is being answered is asked of the caller.

mod diagram;
mod graph;
mod replay;
mod why;

pub use diagram::{dot, mermaid};
pub use graph::{Graph, GraphEdge, GraphNode, graph};
pub use replay::{Counts, Replay};
pub use why::{ChainEvent, LedBy, Proven, Waiting, Why, why};
