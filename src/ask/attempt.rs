//! `exec`: how a phase stands before an attempt is started, and what became of one that was.

use super::{AskError, Cut, Question};
use crate::model::{Amount, CommandId, PhaseId, PhaseName, PhaseRef, Recorded, Seq};
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
    /// Its events: at least one.
    pub events: Vec<Recorded>,
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
            let events = events_of(seq, cut)?;
            let (attempt, phase) = (started(&events, cut)?, phase.cloned());
            return Ok(BeforeStartAnswer::Known(Box::new(KnownStart { events, attempt, phase })));
        }
        let phase = phase?.clone();
        let workflow = table.workflows.get(&phase.id.workflow);
        let is_limited =
            phase.budget.is_limited() || workflow.is_some_and(|workflow| workflow.budget.is_limited());
        let currency = workflow.and_then(|workflow| workflow.currency.clone());
        Ok(BeforeStartAnswer::New(Box::new(ToStart { phase, is_limited, currency })))
    }
}

/// Reads the events of a command, by the place of its first one.
fn events_of(first: Seq, cut: &Cut<'_>) -> Result<Vec<Recorded>, AskError> {
    let mut events = vec![cut.record(first)?];
    let mut next = first.plus(1);
    while cut.holds(next) {
        let record = cut.record(next)?;
        if record.command_id != events[0].command_id {
            break;
        }
        events.push(record);
        next = next.plus(1);
    }
    Ok(events)
}

/// Finds the attempt that a command started, by its events.
fn started(events: &[Recorded], cut: &Cut<'_>) -> Result<Option<KnownAttempt>, AskError> {
    let start = events.iter().find_map(|record| {
        Some((record.seq, record.subject.phase()?.clone(), record.event.started()?.attempt))
    });
    let Some((start, phase, attempt)) = start else { return Ok(None) };
    let since = Attempt { phase, attempt, after: start, with_phase: false }.ask(cut)?;
    Ok(Some(KnownAttempt { phase: since.called.clone(), attempt, start, since }))
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
    /// What the phase is called.
    pub called: PhaseId,
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
        let (mut costs, mut end, mut seq) = (Vec::new(), None, self.after);
        let mut called = self.phase.clone();
        while seq < through && end.is_none() {
            seq = seq.plus(1);
            let record = cut.record(seq)?;
            if let Some(now) = renamed_by(&record, &called) {
                called.phase = now;
            }
            if let Some(cost) = record.event.cost()
                && record.subject.phase() == Some(&called)
            {
                costs.push((seq, cost.amount));
            }
            end = self.is_ended_by(&record, &called).then_some(record);
        }
        // What ended it may not be the last that became of its phase.
        let called = cut.table_of_names()?.called_now(&called, seq);
        let phase = match self.with_phase {
            true => {
                let name = PhaseRef::from(called.clone());
                cut.table_about(&name)?.resolve(&name).ok().cloned()
            }
            false => None,
        };
        Ok(AttemptAnswer { through, costs, called, end, phase })
    }
}

/// Returns what an event calls a phase from then on; none where it does not.
fn renamed_by(record: &Recorded, phase: &PhaseId) -> Option<PhaseName> {
    let defined = record.event.definition().filter(|_| record.subject.workflow() == Some(&phase.workflow))?;
    defined.renamed.iter().find(|renamed| renamed.from == phase.phase).map(|renamed| renamed.to.clone())
}

impl Attempt {
    fn is_ended_by(&self, record: &Recorded, phase: &PhaseId) -> bool {
        let event = &record.event;
        if event.retired().contains(&phase.phase) && record.subject.workflow() == Some(&phase.workflow) {
            return true;
        }
        let completed = event.completed().map(|completed| completed.attempt);
        let ended = completed.or_else(|| event.failed().map(|failed| failed.attempt));
        record.subject.phase() == Some(phase) && (ended == Some(self.attempt) || event.reset().is_some())
    }
}
