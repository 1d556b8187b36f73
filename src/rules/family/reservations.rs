//! Reservations: an amount that is held for a phase, so that what several are about to spend fits together.
//!
//! ```text
//!   cost check --reserve ─▶ cost_reserved ─┬─ cost record --reservation ─▶ cost_recorded, which ends it
//!     (fits beside what others hold)       ├─ cost release ─────────────▶ cost_released
//!                                          └─ its time is over: no event
//! ```
//!
//! Each counts for the limits of its phase and of its workflow: in all, and of the periods of the instant that is asked
//! about. It is granted by the table at the head, under the lock, so two that do not fit together are never both granted.

use crate::model::{
    Cause, CauseKind, Command, CostReleased, CostReserved, EventId, HOLD_DEFAULT, Recorded, ReservationRef,
    Scope, Subject, Timestamp, action,
};
use crate::rules::budget::{Budget, Reservation};
use crate::rules::draft::{Draft, root};
use crate::rules::no_room::{NoRoom, ReservationRejection};
use crate::rules::phase::Phase;
use crate::rules::rejection::Rejection;
use crate::rules::table::Table;
use crate::rules::touched::Changing;

/// Decides on a reservation that takes effect at `at`.
pub(in crate::rules) fn reserve(
    table: &Table,
    id: EventId,
    asked: &action::CostReserve,
    at: Timestamp,
) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    let workflow = table.workflow(Some(&phase.id.workflow))?;
    let amount = asked.amount;
    if !amount.is_positive() {
        return Err(ReservationRejection::NotPositive { amount }.into());
    }
    let budgets = [(Scope::Phase, &phase.budget), (Scope::Workflow, &workflow.budget)];
    let short = budgets.map(|(scope, budget)| no_room(scope, budget, asked, at));
    let [own, shared] = short;
    let limits: Vec<_> = own?.into_iter().chain(shared?).collect();
    if !limits.is_empty() {
        let (phase, currency) = (phase.id.clone(), workflow.currency.clone());
        return Err(ReservationRejection::DoesNotFit { phase, amount, limits, currency }.into());
    }
    let hold = asked.hold.unwrap_or(HOLD_DEFAULT);
    let until = Timestamp::new(at.utc() + hold.delta()).map_err(|_| Rejection::NoLaterTime { last: at })?;
    let reserved = CostReserved {
        amount,
        currency: workflow.currency.clone(),
        until,
        model: asked.model.clone(),
        operation: asked.operation.clone(),
    };
    Ok(root(id, Subject::Phase(phase.id.clone()), reserved))
}

/// Returns the limits that an amount does not fit beside what was spent and what others hold.
fn no_room(
    scope: Scope,
    budget: &Budget,
    asked: &action::CostReserve,
    at: Timestamp,
) -> Result<Vec<NoRoom>, Rejection> {
    let too_large = || ReservationRejection::SumTooLarge { amount: asked.amount };
    let reserved = budget.held_at(Some(at)).ok_or_else(too_large)?;
    let mut short = Vec::new();
    for of in budget.limits_at(Some(at)) {
        let taken = of.spent.plus(reserved).ok_or_else(too_large)?;
        let after = taken.plus(asked.amount).ok_or_else(too_large)?;
        if after > of.limit {
            let (limit, spent, period) = (of.limit, of.spent, of.period);
            short.push(NoRoom { scope, limit, spent, reserved, period });
        }
    }
    // Without a limit the sum must be one that can be written all the same.
    reserved.plus(asked.amount).ok_or_else(too_large)?;
    Ok(short)
}

/// Decides that a reservation ends of which nothing was spent.
pub(in crate::rules) fn release(
    table: &Table,
    command: &Command,
    asked: &action::CostRelease,
    at: Timestamp,
) -> Result<Draft, Rejection> {
    let event = asked.reservation;
    let made = made(command).ok_or(ReservationRejection::Unknown { event })?;
    let holder = table.phases.values().find_map(|phase| Some((phase, phase.budget.reservation(event)?)));
    let Some((phase, held)) = holder else {
        return Err(ReservationRejection::Ended { seq: made.seq }.into());
    };
    if !held.is_open(Some(at)) {
        return Err(ReservationRejection::Over { seq: held.seq, until: held.until }.into());
    }
    let currency = table.workflow(Some(&phase.id.workflow))?.currency.clone();
    let (reservation, amount, reason) = (held.named(), held.amount, asked.reason.clone());
    let released = CostReleased { reservation, amount, currency, reason };
    Ok(Draft {
        root: made.correlation_id,
        causes: vec![Cause::new(made.event_ref(), CauseKind::CostReserved)],
        ..root(command.id.event(0), Subject::Phase(phase.id.clone()), released)
    })
}

/// Returns the reservation that a cost of a phase ends, by its event; none where it has ended already, by another cost, by
/// hand or by time: what was spent is a fact all the same.
pub(super) fn named(
    phase: &Phase,
    event: EventId,
    command: &Command,
) -> Result<Option<ReservationRef>, Rejection> {
    let made = made(command).ok_or(ReservationRejection::Unknown { event })?;
    match (phase.budget.reservation(event), made.subject.phase()) {
        (Some(held), _) => Ok(Some(held.named())),
        (None, Some(of)) if *of != phase.id => {
            let (of, seq) = (of.clone(), made.seq);
            Err(ReservationRejection::Elsewhere { seq, of, phase: phase.id.clone() }.into())
        }
        (None, _) => Ok(None),
    }
}

/// Returns the event that made the reservation which a command names, as the log has it.
fn made(command: &Command) -> Option<&Recorded> {
    let made = command.past.as_deref()?.events.first()?;
    made.event.reserved().map(|_| made)
}

/// Applies a reservation to the budgets of its phase and its workflow.
pub(in crate::rules) fn reserved(
    table: &mut Changing<'_>,
    record: &Recorded,
    held: &CostReserved,
) -> Result<(), String> {
    let CostReserved { amount, until, .. } = *held;
    let reservation = Reservation { event: record.id, seq: record.seq, amount, at: record.at, until };
    let is_held = both(table, record, |budget| {
        budget.hold(reservation);
        budget.held_at(None).is_some()
    });
    if !is_held {
        return Err(format!("{amount} cannot be held"));
    }
    table.pass(record)
}

/// Applies that a reservation is no longer held.
pub(in crate::rules) fn released(
    table: &mut Changing<'_>,
    record: &Recorded,
    released: &CostReleased,
) -> Result<(), String> {
    let event = released.reservation.event;
    match both(table, record, |budget| budget.release(event)) {
        true => table.pass(record),
        false => Err(format!("nothing is held by {event}")),
    }
}

/// Changes the budgets of an event's phase and of its workflow. Says whether both could be.
fn both(table: &mut Changing<'_>, record: &Recorded, mut change: impl FnMut(&mut Budget) -> bool) -> bool {
    let Some(id) = record.subject.phase() else { return false };
    let whole = Subject::Workflow(id.workflow.clone());
    let own = table.budget(&record.subject).is_some_and(&mut change);
    own && table.budget(&whole).is_some_and(&mut change)
}
