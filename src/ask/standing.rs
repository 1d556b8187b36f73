//! How a phase stands that something is about to be done to.

use super::{AskError, Cut, Question};
use crate::model::{CommandId, PhaseRef};
use crate::rules::Phase;

/// How does a phase stand that something is about to be done to? There is no answer where that is recorded already.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The phase.
    pub phase: PhaseRef,
    /// The id of what is to be done, where it may be recorded already.
    pub unless: Option<CommandId>,
}

impl Question for Standing {
    const SCHEMA: &'static str = "standing/1";
    type View = Option<Phase>;

    fn ask(&self, cut: &Cut<'_>) -> Result<Option<Phase>, AskError> {
        if let Some(id) = self.unless
            && cut.find_command(id)?.is_some()
        {
            return Ok(None);
        }
        Ok(Some(cut.table_about(&self.phase)?.resolve(&self.phase)?.clone()))
    }
}
