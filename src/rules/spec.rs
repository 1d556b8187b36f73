//! What the definition in force says of a phase, and how that came to be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Amount, PhaseDefinition, PhaseId, Seq, WorkflowName};

/// How the definition of a phase came to be: the places of the events that made it what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The definition that had it first.
    pub added: Seq,
    /// The one that gave it its version.
    pub version: Seq,
    /// The ones that made or removed a need, in turn, where that is not as it was at first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edges: BTreeMap<PhaseId, Vec<Seq>>,
}

impl Lineage {
    /// Goes on with what another definition says.
    pub(super) fn go_on(&mut self, before: &PhaseSpec, after: &PhaseSpec, place: Seq) {
        if before.version != after.version {
            self.version = place;
        }
        let (had, has): (BTreeSet<_>, BTreeSet<_>) =
            (before.needs.iter().collect(), after.needs.iter().collect());
        for need in had.symmetric_difference(&has) {
            self.edges.entry((*need).clone()).or_default().push(place);
        }
    }

    /// Says whether it was the definition at a place that last changed something.
    pub(super) fn is_made_by(&self, place: Seq) -> bool {
        let made = [self.added, self.version].into_iter();
        made.chain(self.edges.values().filter_map(|changes| changes.last().copied())).any(|seq| seq == place)
    }
}

/// What the definition in force says of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSpec {
    /// Its place in the file, from 0.
    pub position: u32,
    /// The phases that must be complete or skipped before it starts.
    pub needs: Vec<PhaseId>,
    /// The most it may cost; that of its [budget](super::Budget::limit) is in force.
    pub cost_limit: Option<Amount>,
    /// Its version.
    pub version: Option<String>,
    /// Globs of the files it reads.
    pub inputs: Vec<String>,
    /// Globs of the files it writes.
    pub outputs: Vec<String>,
    /// What it does.
    pub description: Option<String>,
}

impl PhaseSpec {
    /// Takes a phase out of its workflow's definition.
    pub fn new(workflow: &WorkflowName, position: usize, phase: &PhaseDefinition) -> Self {
        PhaseSpec {
            position: u32::try_from(position).unwrap_or(u32::MAX),
            needs: phase.needs.iter().map(|need| need.within(workflow)).collect(),
            cost_limit: phase.cost_limit,
            version: phase.version.clone(),
            inputs: phase.inputs.clone(),
            outputs: phase.outputs.clone(),
            description: phase.description.clone(),
        }
    }
}
