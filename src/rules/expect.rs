//! What a caller expects to find, compared with what is there.

use super::rejection::Rejection;
use super::table::Table;
use crate::model::{Command, Expectation};

/// Compares what the caller expects with what is there.
///
/// # Errors
///
/// [`Rejection::Conflict`] for the first expectation that does not hold, or the refusal of a phase that
/// cannot be told.
pub fn check_expectations(table: &Table, command: &Command) -> Result<(), Rejection> {
    let phase = command.action.phase().map(|phase| table.resolve(phase)).transpose()?;
    for expected in &command.expect {
        let found = match (expected, phase) {
            (Expectation::Seq(seq), _) if *seq > table.head => {
                Some(format!("a log that ends at {}", table.head))
            }
            (Expectation::Seq(seq), Some(phase)) => {
                (phase.last_seq > *seq).then(|| format!("event {} about `{}`", phase.last_seq, phase.id))
            }
            (Expectation::Seq(seq), None) => {
                (table.head > *seq).then(|| format!("a log that ends at {}", table.head))
            }
            (Expectation::State(states), Some(phase)) => {
                (!states.contains(&phase.state.name())).then(|| format!("state={}", phase.state.name()))
            }
            (Expectation::Attempt(attempt), Some(phase)) => {
                (phase.attempt != *attempt).then(|| format!("attempt={}", phase.attempt))
            }
            (Expectation::State(_) | Expectation::Attempt(_), None) => {
                Some(format!("a `{}` that is about no phase", command.action.verb()))
            }
        };
        if let Some(found) = found {
            return Err(Rejection::Conflict { expected: expected.clone(), found });
        }
    }
    Ok(())
}
