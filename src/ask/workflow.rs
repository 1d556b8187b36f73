//! Which workflow is meant where none is named.

use super::{AskError, Cut, Question};
use crate::model::WorkflowName;

/// Which is the only workflow? Refused where there is none, or several.
#[derive(Debug, Clone, Copy)]
pub struct OnlyWorkflow;

impl Question for OnlyWorkflow {
    const SCHEMA: &'static str = "only-workflow/1";
    type View = WorkflowName;

    fn ask(&self, cut: &Cut<'_>) -> Result<WorkflowName, AskError> {
        Ok(cut.workflow(None)?.name)
    }
}
