//! Retirement: a workflow that is no longer in force, as commands and events tell of it.

use serde::{Deserialize, Serialize};

use super::{PhaseName, Text, WorkflowName};

/// Retires a workflow: it and its phases are no longer in force, and their history stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retire {
    /// Which.
    pub workflow: WorkflowName,
    /// Why.
    pub reason: Text,
}

/// The data of `workflow_retired`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowRetired {
    /// Why.
    pub reason: Text,
    /// The phases that were in force, all of which retire, in the order of the definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<PhaseName>,
}
