//! Vouching: somebody says that what is there of a phase will do, as what is above it stands now.

use super::attempt::{answers, consume, is_stated};
use super::started::{causes, note_looked_through, origins};
use crate::model::{Command, PhaseAccepted, PhaseId, Recorded, StateName, action};
use crate::rules::attempt::{Attempt, Completion, Vouched};
use crate::rules::draft::{Draft, moving};
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::rejection::Rejection;
use crate::rules::stale::Judge;
use crate::rules::table::Table;
use crate::rules::touched::{Changing, misplaced};

const ACCEPTABLE: &[StateName] = &[StateName::NeedsRerun, StateName::Failed];

/// Decides on vouching for what is there, which is caused by what it answers. `command` tells what that is.
pub(in crate::rules) fn accept(
    table: &Table,
    command: &Command,
    asked: &action::Accept,
) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    phase.check_state("accept", ACCEPTABLE)?;
    let judge = Judge::new(table);
    let stale = stale_above(&judge, phase);
    if !stale.is_empty() {
        return Err(Rejection::StaleAbove { phase: phase.id.clone(), stale });
    }
    let (output, outputs) = command.outputs();
    let unreadable = command.unreadable();
    let accepted = PhaseAccepted {
        attempt: phase.attempt,
        reason: asked.reason.clone(),
        consumed: phase.spec.needs.iter().filter_map(|need| consume(table.phases.get(need)?)).collect(),
        looked_through: judge.looked_through(phase),
        version: phase.spec.version.clone(),
        inputs: command.inputs().map(<[_]>::to_vec),
        output,
        outputs: outputs.to_vec(),
        unreadable: unreadable.files,
        unreadable_more: unreadable.more,
    };
    let first = command.id.event(0);
    let (causes, root) = answers(table, phase);
    let draft = moving(phase, first, accepted, StateName::Complete);
    Ok(Draft { causes, root: root.unwrap_or(first), ..draft })
}

/// Returns the nearest stale phases above one, by their names.
fn stale_above(judge: &Judge<'_>, phase: &Phase) -> Vec<PhaseId> {
    let mut stale = Vec::new();
    judge.stale_above(phase, |_, above| stale.push(above.id.clone()));
    stale.sort();
    stale.dedup();
    stale
}

/// Applies that somebody vouches for what is there. Where that is what the completion put out, it stays the very one.
pub(in crate::rules) fn accepted(
    table: &mut Changing<'_>,
    record: &Recorded,
    accepted: &PhaseAccepted,
) -> Result<(), String> {
    let causes = causes(table.table(), record);
    note_looked_through(table, &accepted.looked_through);
    table.apply(record, |phase| {
        if accepted.attempt != phase.attempt {
            return Err(format!("it vouches for attempt {}, expected {}", accepted.attempt, phase.attempt));
        }
        phase.go_on();
        let origins = origins(phase, record, causes);
        let (attempt, took, before) = match std::mem::replace(&mut phase.state, PhaseState::NOT_RUN) {
            PhaseState::NeedsRerun { completion, .. } => {
                (completion.attempt.clone(), completion.duration_seconds, Some(completion))
            }
            PhaseState::Failed { failure } => (failure.attempt, failure.duration_seconds, None),
            PhaseState::Pending { .. } | PhaseState::InProgress { .. } | PhaseState::Complete { .. } => {
                return Err(misplaced(record));
            }
        };
        let attempt = Attempt {
            version: accepted.version.clone(),
            consumed: accepted.consumed.clone(),
            looked_through: accepted.looked_through.clone(),
            vouched: Some(Box::new(Vouched {
                event: record.id,
                seq: record.seq,
                root: record.correlation_id,
                at: record.at,
            })),
            ..attempt
        };
        let is_same = |before: &Completion| before.output.is_some() && before.output == accepted.output;
        let completion = match before.filter(is_same) {
            Some(before) => Completion { attempt, outdated_by: Vec::new(), ..before },
            None => Completion {
                attempt: Attempt { origins, ..attempt },
                event: record.id,
                seq: record.seq,
                ended_at: record.at,
                duration_seconds: took,
                output: accepted.output,
                stated: is_stated(phase, record, &accepted.outputs),
                outdated_by: Vec::new(),
            },
        };
        phase.state = PhaseState::Complete { completion };
        Ok(())
    })
}
