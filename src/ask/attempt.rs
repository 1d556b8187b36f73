//! `exec`: how a phase stands before an attempt is started, and what became of one that was.

use super::{AskError, Cut, Question};
use crate::model::{Amount, CommandId, PhaseId, PhaseRef, Recorded, Seq};
use crate::rules::{Phase, Rejection};

/// What is there to know before an attempt is started?
#[derive(Debug, Clone)]
pub struct BeforeStart {
    /// The phase.
    pub phase: PhaseRef,
    /// The id of the command that is to start it, where the caller chose one: then it may be recorded already.
    pub id: Option<CommandId>,
}

/// What there is to know before an attempt is started.
#[derive(Debug, Clone)]
pub enum BeforeStartAnswer {
    /// Nothing is recorded under the id.
    New(Box<ToStart>),
    /// Something is.
    Known(Box<KnownStart>),
}

/// A phase that is to be started.
#[derive(Debug, Clone)]
pub struct ToStart {
    /// How it stands.
    pub phase: Phase,
    /// Whether it may cost no more than a limit, its own or its workflow's.
    pub is_limited: bool,
    /// The currency of its workflow.
    pub currency: Option<String>,
}

/// What is recorded under the id of a command that is to start an attempt.
#[derive(Debug, Clone)]
pub struct KnownStart {
    /// The first event of it.
    pub first: Recorded,
    /// The attempt that it started; none where it started none.
    pub attempt: Option<KnownAttempt>,
    /// How the phase stands that is to be started, or why that cannot be told.
    pub phase: Result<Phase, Rejection>,
}

/// An attempt that was started.
#[derive(Debug, Clone)]
pub struct KnownAttempt {
    /// The phase.
    pub phase: PhaseId,
    /// The number of the attempt.
    pub attempt: u32,
    /// The place of its start.
    pub start: Seq,
    /// What became of it.
    pub since: AttemptAnswer,
}

impl Question for BeforeStart {
    const SCHEMA: &'static str = "before-start/1";
    type View = BeforeStartAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<BeforeStartAnswer, AskError> {
        let known = self.id.map(|id| cut.find_command(id)).transpose()?.flatten();
        let table = cut.table_about(&self.phase)?;
        let phase = table.resolve(&self.phase);
        if let Some(seq) = known {
            let (first, attempt) = (cut.record(seq)?, started(seq, cut)?);
            return Ok(BeforeStartAnswer::Known(Box::new(KnownStart {
                first,
                attempt,
                phase: phase.cloned(),
            })));
        }
        let phase = phase?.clone();
        let workflow = table.workflows.get(&phase.id.workflow);
        let is_limited =
            phase.budget.is_limited() || workflow.is_some_and(|workflow| workflow.budget.is_limited());
        let currency = workflow.and_then(|workflow| workflow.currency.clone());
        Ok(BeforeStartAnswer::New(Box::new(ToStart { phase, is_limited, currency })))
    }
}

/// Finds the attempt that a command started, by the place of its first event.
fn started(first: Seq, cut: &Cut<'_>) -> Result<Option<KnownAttempt>, AskError> {
    let id = cut.record(first)?.command_id;
    let mut start = first;
    while cut.holds(start) {
        let record = cut.record(start)?;
        if record.command_id != id {
            break;
        }
        if let (Some(phase), Some(started)) = (record.subject.phase(), record.event.started()) {
            let (phase, attempt) = (phase.clone(), started.attempt);
            let since =
                Attempt { phase: phase.clone(), attempt, after: start, with_phase: false }.ask(cut)?;
            return Ok(Some(KnownAttempt { phase, attempt, start, since }));
        }
        start = start.plus(1);
    }
    Ok(None)
}

/// What became of an attempt since a place?
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The phase.
    pub phase: PhaseId,
    /// The number of the attempt.
    pub attempt: u32,
    /// The place: that of its start, or one up to which it is known what became of it.
    pub after: Seq,
    /// Whether to bring the phase as well, as it stands now.
    pub with_phase: bool,
}

/// What became of an attempt.
#[derive(Debug, Clone)]
pub struct AttemptAnswer {
    /// The last event that counts.
    pub through: Seq,
    /// The costs that were recorded on it while it was under way, and where; refunds are below zero.
    pub costs: Vec<(Seq, Amount)>,
    /// The event that ended it: its completion or its failure, a reset, or a definition that no longer has the phase.
    pub end: Option<Recorded>,
    /// The phase, where it was asked for and the definition in force has it.
    pub phase: Option<Phase>,
}

impl Question for Attempt {
    const SCHEMA: &'static str = "attempt/1";
    type View = AttemptAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<AttemptAnswer, AskError> {
        let through = cut.places().last();
        let phase = match self.with_phase {
            true => {
                let name = PhaseRef::from(self.phase.clone());
                cut.table_about(&name)?.resolve(&name).ok().cloned()
            }
            false => None,
        };
        let (mut costs, mut end, mut seq) = (Vec::new(), None, self.after);
        while seq < through && end.is_none() {
            seq = seq.plus(1);
            let record = cut.record(seq)?;
            if let Some(cost) = record.event.cost()
                && record.subject.phase() == Some(&self.phase)
            {
                costs.push((seq, cost.amount));
            }
            end = self.is_ended_by(&record).then_some(record);
        }
        Ok(AttemptAnswer { through, costs, end, phase })
    }
}

impl Attempt {
    fn is_ended_by(&self, record: &Recorded) -> bool {
        let (event, phase) = (&record.event, &self.phase);
        if let Some(defined) = event.definition() {
            let is_of_workflow = record.subject.workflow() == Some(&phase.workflow);
            return is_of_workflow && defined.retired.contains(&phase.phase);
        }
        let completed = event.completed().map(|completed| completed.attempt);
        let ended = completed.or_else(|| event.failed().map(|failed| failed.attempt));
        record.subject.phase() == Some(phase) && (ended == Some(self.attempt) || event.reset().is_some())
    }
}
