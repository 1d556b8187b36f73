//! Which needs are met.

use super::judge::Judge;
use crate::model::PhaseId;
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::table::Table;

impl Table {
    /// Returns the needs of a phase that are not met: neither COMPLETE, nor skipped while nothing that is found through
    /// them is stale.
    pub fn unmet(&self, phase: &Phase) -> Vec<PhaseId> {
        let met = |need: &&PhaseId| match self.phases.get(*need).map(|need| &need.state) {
            Some(PhaseState::Complete { .. }) => true,
            Some(PhaseState::Pending { skipped: Some(_) }) => !Judge::new(self).look(need).is_stale,
            Some(
                PhaseState::Pending { skipped: None }
                | PhaseState::InProgress { .. }
                | PhaseState::Failed { .. }
                | PhaseState::NeedsRerun { .. },
            )
            | None => false,
        };
        phase.spec.needs.iter().filter(|need| !met(need)).cloned().collect()
    }
}
