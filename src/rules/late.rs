//! Folding a cut from which events are missing that stand in front of others in the log: they took effect later.
//!
//! What moves a phase from one base state (pending, running, completed, failed) to another rests on what moved it
//! before, so it is there and the fold of it is as strict as any. What differs is what was *judged* when an event was
//! recorded: whether a completed phase had to run again, what was spent, which limit held. A judgement that does not fit
//! is passed over; an event that someone asked for applies all the same.

use std::borrow::Cow;

use super::attempt::{Attempt, Completion};
use super::evolve::{Impossible, evolve};
use super::mark::Mark;
use super::phase::{Phase, PhaseState};
use super::reason::reasons_in_words;
use super::stale::{Judge, judge_all};
use super::table::Table;
use crate::model::{CauseKind, CostLimitSet, Reason, Recorded, StateName, Subject};

/// Folds one more event of a cut into its table, whatever is missing between the two.
///
/// # Errors
///
/// [`Impossible`] for what cannot follow in any cut; the table is no longer to be used then.
pub fn evolve_late(table: &mut Table, record: &Recorded) -> Result<(), Impossible> {
    if record.event.cleared().is_some()
        && let Some(phase) = record.subject.phase().and_then(|id| table.phases.get_mut(id))
        && phase.said().any(Mark::is_own)
    {
        lift(phase);
    } else if !is_passed_over(table, record) {
        table.head = record.seq.minus(1);
        let fitted = fitted(table, record);
        evolve(table, &fitted)?;
    }
    table.head = record.seq;
    Ok(())
}

/// Says whether an event is a judgement that does not fit what is there.
fn is_passed_over(table: &Table, record: &Recorded) -> bool {
    let event = &record.event;
    let is_judged = event.cleared().is_some() || (event.rerun().is_some() && record.rule.is_some());
    let is_about_budget = event.warning().is_some() || event.exceeded().is_some();
    if !is_judged && !is_about_budget {
        return false;
    }
    let mut trial = alone(table, record);
    trial.head = record.seq.minus(1);
    evolve(&mut trial, record).is_err()
}

/// Judges the phases of a cut's table by what stands in it alone: which is COMPLETE and which NEEDS_RERUN, and which
/// attempt must be repeated. What was said of a phase stays where that is how it is judged.
pub fn judge_cut(table: &mut Table) {
    let (judge, stale) = judge_all(table);
    let phases = table.phases.values().filter(|phase| !phase.retired);
    let otherwise = phases.filter(|phase| phase.is_stale() != stale.contains_key(&phase.id));
    let verdicts = otherwise.map(|phase| {
        let reasons = stale.get(&phase.id);
        let mark = reasons.zip(phase.state.attempt());
        (phase.id.clone(), mark.map(|(reasons, attempt)| unsaid(&judge, phase, reasons, attempt)))
    });
    for (id, mark) in verdicts.collect::<Vec<_>>() {
        if let Some(phase) = table.phases.get_mut(&id) {
            judge_as(phase, mark.is_some(), mark.into_iter().collect());
        }
    }
}

/// Returns the mark of a phase that no event said must run again: it goes by the attempt's start, as one that is stale from
/// its first moment does.
fn unsaid(judge: &Judge<'_>, phase: &Phase, reasons: &[Reason], attempt: &Attempt) -> Mark {
    let (event, seq, root, at) = match &attempt.vouched {
        Some(vouched) => (vouched.event, vouched.seq, vouched.root, vouched.at),
        None => (attempt.event, attempt.seq, attempt.root, attempt.started_at),
    };
    Mark {
        event,
        seq,
        root,
        at,
        reason: reasons_in_words(judge, phase, reasons),
        kind: Some(CauseKind::UpstreamRerun),
        changes: None,
        outputs: false,
        legacy: false,
    }
}

/// Takes back what rules said of a phase that somebody, or a scan, says must run again.
fn lift(phase: &mut Phase) {
    match &mut phase.state {
        PhaseState::InProgress { outdated_by: marks, .. } | PhaseState::NeedsRerun { marks, .. } => {
            if marks.iter().any(Mark::is_own) {
                marks.retain(Mark::is_own);
            }
        }
        PhaseState::Pending { .. } | PhaseState::Complete { .. } | PhaseState::Failed { .. } => {}
    }
}

fn phase<'a>(table: &'a Table, record: &Recorded) -> Option<&'a Phase> {
    table.phases.get(record.subject.phase()?).filter(|phase| !phase.retired)
}

/// Returns what a judgement is folded into: its phase and its workflow, and nothing else.
fn alone(table: &Table, record: &Recorded) -> Table {
    let phases = phase(table, record).map(|phase| (phase.id.clone(), phase.clone()));
    let workflow = record.subject.workflow().and_then(|name| table.workflows.get(name));
    Table {
        phases: phases.into_iter().collect(),
        workflows: workflow.map(|workflow| (workflow.name.clone(), workflow.clone())).into_iter().collect(),
        ..Table::default()
    }
}

/// Returns an event as it would have been recorded where the table is what it is; the phase is brought to the judgement
/// that the event found, where it is in the same base state.
fn fitted<'a>(table: &mut Table, record: &'a Recorded) -> Cow<'a, Recorded> {
    if let Some(set) = record.event.limit_set() {
        let budget = match &record.subject {
            Subject::Phase(id) => table.phases.get(id).map(|phase| &phase.budget),
            Subject::Workflow(name) => table.workflows.get(name).map(|workflow| &workflow.budget),
            Subject::Ledger => None,
        };
        let before = budget.map(|budget| match &set.period {
            None => budget.limit,
            Some(period) => budget.of_periods(period.per).map(|before| before.limit),
        });
        let set = CostLimitSet { before: before.unwrap_or(set.before), ..set.clone() };
        return Cow::Owned(Recorded { event: set.into(), ..record.clone() });
    }
    let Some(phase) = record.subject.phase().and_then(|id| table.phases.get_mut(id)) else {
        return Cow::Borrowed(record);
    };
    let (found, from) = (phase.state.name(), record.transition.map(|(from, _)| from));
    let is_completed = |state: StateName| matches!(state, StateName::Complete | StateName::NeedsRerun);
    let is_judged_otherwise =
        is_completed(found) && from.is_some_and(|from| from != found && is_completed(from));
    if let (Some(why), true) = (record.event.rerun(), is_judged_otherwise) {
        // One more mark of a phase that is marked, or the first one of a phase that is not.
        let why = why.clone();
        let event = if found == StateName::Complete { why.marked() } else { why.cause_added() };
        let transition = Some((found, StateName::NeedsRerun));
        return Cow::Owned(Recorded { event, transition, ..record.clone() });
    }
    if is_judged_otherwise {
        judge_as(phase, from == Some(StateName::NeedsRerun), Vec::new());
    }
    strip(phase, record)
}

/// Brings a phase with a completion that stands, or with an attempt under way, to a judgement.
fn judge_as(phase: &mut Phase, is_stale: bool, marks: Vec<Mark>) {
    let state = std::mem::replace(&mut phase.state, PhaseState::NOT_RUN);
    phase.state = match state {
        PhaseState::InProgress { attempt, .. } => PhaseState::InProgress { attempt, outdated_by: marks },
        PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => match is_stale {
            true => PhaseState::NeedsRerun { completion, marks },
            false => {
                PhaseState::Complete { completion: Completion { outdated_by: Vec::new(), ..completion } }
            }
        },
        PhaseState::Pending { .. } | PhaseState::Failed { .. } => state,
    }
}

/// Attaches an event's metadata already where that is too much together, which in the order of the log it was not;
/// returns the event without it then.
fn strip<'a>(phase: &mut Phase, record: &'a Recorded) -> Cow<'a, Recorded> {
    let (mut merged, mut stripped) = (phase.metadata.clone(), record.event.clone());
    let Some(metadata) = stripped.merged().map(std::mem::take) else { return Cow::Borrowed(record) };
    if metadata.is_empty() || merged.merge(&metadata).is_ok() {
        return Cow::Borrowed(record);
    }
    phase.metadata = merged;
    Cow::Owned(Recorded { event: stripped, ..record.clone() })
}
