//! What a rerun would take: a forecast from each phase's own history, and from nothing else.
//!
//! ```text
//!   [Recorded] ──▶ History: what each completed attempt took and cost ──▶ Forecast of the phases asked for
//! ```
//!
//! A sample is an attempt that was completed: one that failed says nothing of how long it takes to get through.
//! What failed attempts before it cost was spent on getting through, so that counts to its cost. A phase without samples gets no forecast, and the sums say how many such phases they leave out.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::model::{Amount, CauseKind, EventId, PhaseId, Recorded};

/// What attempts took and cost, as far as the log tells.
#[derive(Debug, Default)]
pub struct History {
    /// The completed attempts of each phase.
    completed: BTreeMap<PhaseId, Vec<Run>>,
    /// The starts of the attempts that failed since the phase was completed last.
    failed: BTreeMap<PhaseId, Vec<EventId>>,
    /// What was spent in each attempt, by its start.
    spent: HashMap<EventId, Amount>,
    /// In which currency each phase's costs were recorded last.
    currencies: BTreeMap<PhaseId, String>,
}

/// A completed attempt.
#[derive(Debug)]
struct Run {
    /// Its start, and those of the attempts that failed since the completion before.
    starts: Vec<EventId>,
    /// How long it took, in seconds; none where that is not known.
    duration: Option<f64>,
}

impl History {
    /// Takes one more event into account.
    pub fn add(&mut self, record: &Recorded) {
        let start = record.causes.iter().find(|cause| cause.kind == CauseKind::PhaseStarted);
        let (Some(start), Some(phase)) = (start, record.subject.phase()) else { return };
        let event = &record.event;
        if let Some(completed) = event.completed() {
            let mut starts = self.failed.remove(phase).unwrap_or_default();
            starts.push(start.event.id);
            let run = Run { starts, duration: completed.duration_seconds };
            self.completed.entry(phase.clone()).or_default().push(run);
        } else if event.failed().is_some() {
            self.failed.entry(phase.clone()).or_default().push(start.event.id);
        } else if let Some(cost) = event.cost() {
            let spent = self.spent.entry(start.event.id).or_default();
            *spent = spent.plus(cost.amount).unwrap_or(*spent);
            if let Some(currency) = &cost.currency {
                self.currencies.insert(phase.clone(), currency.clone());
            }
        }
    }

    /// Forecasts what it takes to run each of these phases once more.
    pub fn forecast(&self, phases: impl IntoIterator<Item = PhaseId>) -> Forecast {
        let phases: Vec<_> = phases.into_iter().map(|phase| self.phase(phase)).collect();
        let durations = phases.iter().filter_map(|phase| phase.duration_seconds.as_ref());
        let duration_seconds = ExpectedDuration {
            phases: durations.clone().count(),
            sum_of_medians: durations.map(|samples| samples.median).sum(),
        };
        Forecast { duration_seconds, cost: expected_costs(&phases), phases }
    }

    fn phase(&self, phase: PhaseId) -> PhaseForecast {
        let runs = self.completed.get(&phase).map(Vec::as_slice).unwrap_or_default();
        let durations = runs.iter().filter_map(|run| run.duration).collect();
        let costs = runs.iter().filter_map(|run| {
            let spent = run.starts.iter().filter_map(|start| self.spent.get(start).copied());
            spent.reduce(|sum, more| sum.plus(more).unwrap_or(sum))
        });
        let costs = costs.collect();
        PhaseForecast {
            currency: self.currencies.get(&phase).cloned(),
            phase,
            duration_seconds: Samples::new(durations, f64::total_cmp, |a, b| a + (b - a) / 2.0),
            cost: Samples::new(costs, Amount::cmp, Amount::midway),
        }
    }
}

/// Adds up what phases cost, by currency.
fn expected_costs(phases: &[PhaseForecast]) -> Vec<ExpectedCost> {
    let mut costs: BTreeMap<&Option<String>, ExpectedCost> = BTreeMap::new();
    for phase in phases {
        let Some(samples) = &phase.cost else { continue };
        let cost = costs.entry(&phase.currency).or_insert_with(|| ExpectedCost {
            currency: phase.currency.clone(),
            phases: 0,
            sum_of_medians: Amount::ZERO,
        });
        cost.phases += 1;
        cost.sum_of_medians = cost.sum_of_medians.plus(samples.median).unwrap_or(cost.sum_of_medians);
    }
    costs.into_values().collect()
}

/// What it takes to run some phases once more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Phase by phase, in the order in which they were asked for.
    pub phases: Vec<PhaseForecast>,
    /// One after the other.
    pub duration_seconds: ExpectedDuration,
    /// Together, by currency; none where nothing was recorded of any of them.
    pub cost: Vec<ExpectedCost>,
}

/// How long several phases take, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ExpectedDuration {
    /// How many of the phases have a history to tell it from; the others are left out.
    pub phases: usize,
    /// The sum of their medians, in seconds.
    pub sum_of_medians: f64,
}

/// What several phases cost together, in one currency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectedCost {
    /// The currency; none where their workflows name none.
    pub currency: Option<String>,
    /// How many of the phases have a history to tell it from; the others are left out.
    pub phases: usize,
    /// The sum of their medians.
    pub sum_of_medians: Amount,
}

/// What it takes to run one phase once more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseForecast {
    /// The phase.
    #[serde(serialize_with = "full_name")]
    pub phase: PhaseId,
    /// How long; none where no attempt was completed in a known time.
    pub duration_seconds: Option<Samples<f64>>,
    /// In which currency its costs were recorded last.
    pub currency: Option<String>,
    /// How much; none where nothing was recorded of any completed attempt.
    pub cost: Option<Samples<Amount>>,
}

fn full_name<S: serde::Serializer>(phase: &PhaseId, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(phase)
}

/// What was seen, of one sample or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Samples<T> {
    /// How many.
    pub samples: usize,
    /// The middle one, or what is midway between the two in the middle.
    pub median: T,
    /// The least.
    pub min: T,
    /// The most.
    pub max: T,
}

impl<T: Copy> Samples<T> {
    fn new(
        mut seen: Vec<T>,
        order: impl FnMut(&T, &T) -> std::cmp::Ordering,
        midway: impl Fn(T, T) -> T,
    ) -> Option<Self> {
        seen.sort_by(order);
        let (min, max) = (*seen.first()?, *seen.last()?);
        let upper = seen[seen.len() / 2];
        let is_even = seen.len().is_multiple_of(2);
        let median = if is_even { midway(seen[seen.len() / 2 - 1], upper) } else { upper };
        Some(Samples { samples: seen.len(), median, min, max })
    }
}
