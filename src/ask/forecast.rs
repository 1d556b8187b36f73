//! What a rerun would take: the history that tells it.

use super::{AskError, Cut, Question};
use crate::ledger::{Answer, AnswerStatus};
use crate::model::PhaseId;
use crate::query::{self, History};

/// What would it take to run these phases once more?
#[derive(Debug, Clone)]
pub struct Forecast {
    /// The phases, in the order in which they are told of.
    pub phases: Vec<PhaseId>,
}

impl Forecast {
    /// Asks for what a previewed command sets off; none where it makes no phase run again.
    pub fn of(answer: &Answer) -> Option<Self> {
        let again = answer.events.iter().filter(|record| record.event.outdated().is_some());
        let phases: Vec<_> = again.filter_map(|record| record.subject.phase().cloned()).collect();
        (answer.status == AnswerStatus::Preview && !phases.is_empty()).then_some(Forecast { phases })
    }
}

impl Question for Forecast {
    const SCHEMA: &'static str = "forecast/1";
    type View = query::Forecast;

    fn ask(&self, cut: &Cut<'_>) -> Result<query::Forecast, AskError> {
        let mut history = History::default();
        cut.each(cut.places(), |record| {
            history.add(&record);
            Ok(())
        })?;
        Ok(history.forecast(self.phases.iter().cloned()))
    }
}
