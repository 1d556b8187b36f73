//! The variables of the environment that more than one file knows.

/// The workflow of bare names that several have.
pub const WORKFLOW: &str = "PHASELEDGER_WORKFLOW";
