//! What a rerun would take: the history that tells it.

use super::{AskError, Cut, Question};
use crate::ledger::{Answer, AnswerStatus};
use crate::model::{PhaseId, PhaseName, Recorded, Subject};
use crate::query::{self, History};

/// What would it take to run these phases once more?
#[derive(Debug, Clone)]
pub struct Forecast {
    /// The phases, in the order in which they are told of.
    pub phases: Vec<PhaseId>,
    /// What is called otherwise in what is asked about: the name in the log, and that one.
    pub renamed: Vec<(PhaseId, PhaseId)>,
}

impl Forecast {
    /// Asks for what a previewed command sets off; none where it makes no phase run again.
    pub fn of(answer: &Answer) -> Option<Self> {
        let again = answer.events.iter().filter(|record| record.event.outdated().is_some());
        let phases: Vec<_> = again.filter_map(|record| record.subject.phase().cloned()).collect();
        let defined = answer.events.iter().filter_map(|record| record.event.definition());
        let renamed = defined.flat_map(|defined| {
            let id = |name: &PhaseName| PhaseId::new(defined.definition.name().clone(), name.clone());
            defined.renamed.iter().map(move |renamed| (id(&renamed.from), id(&renamed.to)))
        });
        let renamed = renamed.collect();
        (answer.status == AnswerStatus::Preview && !phases.is_empty()).then_some(Forecast { phases, renamed })
    }
}

impl Question for Forecast {
    const SCHEMA: &'static str = "forecast/1";
    type View = query::Forecast;

    fn ask(&self, cut: &Cut<'_>) -> Result<query::Forecast, AskError> {
        let mut history = History::default();
        let names = cut.table_of_names()?;
        cut.each(cut.places(), |record| {
            let subject = names.subject_now(&record);
            let renamed = self.renamed.iter().find(|(from, _)| subject.phase() == Some(from));
            let subject = renamed.map_or(subject, |(_, to)| Subject::Phase(to.clone()));
            history.add(&Recorded { subject, ..record });
            Ok(())
        })?;
        Ok(history.forecast(self.phases.iter().cloned()))
    }
}
