//! What a workflow is: its phases, what each needs, and what each may cost.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Amount, ApprovalPolicy, Digest, Metadata, PhaseName, PhaseRef, WorkflowName};

/// A workflow's definition: checked, so that no id stands twice, every need within the workflow is one of
/// its phases, and nothing needs itself by any way round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct Definition {
    unchecked: Unchecked,
}

/// A definition before it is checked, and as it is written in an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unchecked {
    name: WorkflowName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost_limit: Option<Amount>,
    #[serde(default, skip_serializing_if = "ApprovalPolicy::is_default")]
    approval: ApprovalPolicy,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    source: Metadata,
    phases: Vec<PhaseDefinition>,
}

/// What one phase is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseDefinition {
    /// Its name.
    pub id: PhaseName,
    /// What must be complete or skipped before it starts; bare names are of the same workflow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<PhaseRef>,
    /// The most it may cost, in the workflow's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_limit: Option<Amount>,
    /// Its version: a changed one outdates what it completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Globs of the files it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Globs of the files it writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it was called before: the history of that phase is its own. It says nothing more once that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<PhaseName>,
}

impl Definition {
    /// Makes a definition of phases, with no limits and no description.
    ///
    /// # Errors
    ///
    /// As [`Definition`] says: a duplicate id, an unknown need, or a cycle.
    pub fn new(name: WorkflowName, phases: Vec<PhaseDefinition>) -> Result<Self, DefinitionError> {
        let unchecked = Unchecked {
            name,
            description: None,
            currency: None,
            cost_limit: None,
            approval: ApprovalPolicy::default(),
            source: Metadata::default(),
            phases,
        };
        unchecked.try_into()
    }

    /// Adds what a definition may say of the workflow as a whole.
    pub fn described(
        mut self,
        description: Option<String>,
        currency: Option<String>,
        cost_limit: Option<Amount>,
        source: Metadata,
    ) -> Self {
        self.unchecked.description = description;
        self.unchecked.currency = currency;
        self.unchecked.cost_limit = cost_limit;
        self.unchecked.source = source;
        self
    }

    /// Adds when approvals are decided without a person.
    pub fn approved_by(mut self, policy: ApprovalPolicy) -> Self {
        self.unchecked.approval = policy;
        self
    }

    /// Returns the workflow's name.
    pub fn name(&self) -> &WorkflowName {
        &self.unchecked.name
    }

    /// Returns what the workflow is for.
    pub fn description(&self) -> Option<&str> {
        self.unchecked.description.as_deref()
    }

    /// Returns the currency of all its amounts.
    pub fn currency(&self) -> Option<&str> {
        self.unchecked.currency.as_deref()
    }

    /// Returns the most that all its phases together may cost.
    pub fn cost_limit(&self) -> Option<Amount> {
        self.unchecked.cost_limit
    }

    /// Returns where it comes from, as whoever wrote it says.
    pub fn source(&self) -> &Metadata {
        &self.unchecked.source
    }

    /// Returns when approvals are decided without a person.
    pub fn approval(&self) -> &ApprovalPolicy {
        &self.unchecked.approval
    }

    /// Returns the digest by which definitions are told apart. What a phase was called before does not count: it says nothing
    /// more once that is so.
    pub fn digest(&self) -> Digest {
        let json = match self.phases().iter().any(|phase| phase.renamed_from.is_some()) {
            true => serde_json::to_vec(&self.without_renames()),
            false => serde_json::to_vec(self),
        };
        Digest::sha256(&json.expect("a definition has string keys and no floats"))
    }

    /// Returns the phases, in the file's order.
    pub fn phases(&self) -> &[PhaseDefinition] {
        &self.unchecked.phases
    }
}

impl From<Definition> for Unchecked {
    fn from(definition: Definition) -> Unchecked {
        definition.unchecked
    }
}

impl TryFrom<Unchecked> for Definition {
    type Error = DefinitionError;

    fn try_from(unchecked: Unchecked) -> Result<Self, DefinitionError> {
        let mut index = BTreeMap::new();
        for (at, phase) in unchecked.phases.iter().enumerate() {
            if index.insert(&phase.id, at).is_some() {
                return Err(DefinitionError::Duplicate { phase: phase.id.clone() });
            }
        }
        check_renames(&unchecked.phases, |name| index.contains_key(name))?;
        let local = |need: &PhaseRef| need.workflow.as_ref().is_none_or(|w| *w == unchecked.name);
        let mut needs: Vec<Vec<usize>> = Vec::with_capacity(unchecked.phases.len());
        for phase in &unchecked.phases {
            let mut seen = BTreeSet::new();
            let mut found = Vec::new();
            for need in phase.needs.iter().filter(|need| local(need)) {
                match index.get(&need.phase) {
                    Some(&at) => found.push(at),
                    None => {
                        return Err(DefinitionError::UnknownNeed {
                            phase: phase.id.clone(),
                            need: need.clone(),
                        });
                    }
                }
            }
            if let Some(twice) = phase.needs.iter().find(|need| !seen.insert(need.within(&unchecked.name))) {
                return Err(DefinitionError::DuplicateNeed { phase: phase.id.clone(), need: twice.clone() });
            }
            needs.push(found);
        }
        if let Some(cycle) = find_cycle(&needs) {
            let path = cycle.into_iter().map(|at| unchecked.phases[at].id.clone()).collect();
            return Err(DefinitionError::Cycle { path });
        }
        Ok(Definition { unchecked })
    }
}

/// Checks that no two phases were the same one before, and that what a phase was called is no phase any more.
fn check_renames(
    phases: &[PhaseDefinition],
    is_there: impl Fn(&PhaseName) -> bool,
) -> Result<(), DefinitionError> {
    let mut seen = BTreeMap::new();
    for phase in phases {
        let Some(from) = &phase.renamed_from else { continue };
        let (phase, from) = (phase.id.clone(), from.clone());
        if phase == from {
            return Err(DefinitionError::RenamedItself { phase });
        }
        if is_there(&from) {
            return Err(DefinitionError::RenamedAndThere { phase, from });
        }
        if let Some(first) = seen.insert(from.clone(), phase.clone()) {
            return Err(DefinitionError::RenamedTwice { from, first, second: phase });
        }
    }
    Ok(())
}

/// Returns a way round, its first node again at its end, where there is one. `edges[a]` lists what `a`
/// points at. Iterative: real graphs are tens of thousands deep.
pub(crate) fn find_cycle(edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::No; edges.len()];
    for start in 0..edges.len() {
        if seen[start] != Seen::No {
            continue;
        }
        let mut path = vec![(start, 0)];
        seen[start] = Seen::OnPath;
        while let Some((node, next)) = path.last_mut() {
            let Some(&to) = edges[*node].get(*next) else {
                seen[*node] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match seen[to] {
                Seen::Done => {}
                Seen::No => {
                    seen[to] = Seen::OnPath;
                    path.push((to, 0));
                }
                Seen::OnPath => {
                    let from = path.iter().position(|&(node, _)| node == to).expect("on the path");
                    let round = path[from..].iter().map(|&(node, _)| node).chain([to]);
                    return Some(round.collect());
                }
            }
        }
    }
    None
}

/// Why a definition was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// An id that stands twice.
    #[error("phase `{phase}` is defined twice")]
    Duplicate {
        /// The id.
        phase: PhaseName,
    },
    /// A need that is no phase of the workflow.
    #[error("phase `{phase}` needs `{need}`, which is not defined")]
    UnknownNeed {
        /// Who needs it.
        phase: PhaseName,
        /// What it needs.
        need: PhaseRef,
    },
    /// A need that stands twice.
    #[error("phase `{phase}` needs `{need}` twice")]
    DuplicateNeed {
        /// Who needs it.
        phase: PhaseName,
        /// What it needs.
        need: PhaseRef,
    },
    /// A phase that is said to have been called as it is.
    #[error("phase `{phase}` is renamed from itself")]
    RenamedItself {
        /// The phase.
        phase: PhaseName,
    },
    /// What a phase is said to have been called is another phase.
    #[error("phase `{phase}` is renamed from `{from}`, which is still a phase")]
    RenamedAndThere {
        /// The phase.
        phase: PhaseName,
        /// What it was called.
        from: PhaseName,
    },
    /// Two phases that are said to have been the same one.
    #[error("phases `{first}` and `{second}` are both renamed from `{from}`")]
    RenamedTwice {
        /// What both were called.
        from: PhaseName,
        /// The one.
        first: PhaseName,
        /// The other.
        second: PhaseName,
    },
    /// Phases that need one another.
    #[error("the needs form a cycle: {}", show_path(path))]
    Cycle {
        /// The way round: each phase needs the next; the first one again at the end.
        path: Vec<PhaseName>,
    },
}

fn show_path(path: &[PhaseName]) -> String {
    let names: Vec<_> = path.iter().map(PhaseName::as_str).collect();
    match names.len() {
        0..=12 => names.join(" → "),
        length => format!(
            "{} → … ({} more) … → {}",
            names[..6].join(" → "),
            length - 12,
            names[length - 6..].join(" → ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(id: &str, needs: &[&str]) -> PhaseDefinition {
        PhaseDefinition {
            id: PhaseName::new(id).expect("a name"),
            needs: needs.iter().map(|need| need.parse().expect("a phase")).collect(),
            cost_limit: None,
            version: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            description: None,
            renamed_from: None,
        }
    }

    fn define(phases: Vec<PhaseDefinition>) -> Result<Definition, DefinitionError> {
        Definition::new(WorkflowName::new("w").expect("a name"), phases)
    }

    #[test]
    fn a_cycle_is_named_as_its_path() {
        let error = define(vec![phase("a", &["c"]), phase("b", &["a"]), phase("c", &["b"])]);
        assert_eq!(error.expect_err("a cycle").to_string(), "the needs form a cycle: a → c → b → a");
        let error = define(vec![phase("a", &["w/a"])]).expect_err("a cycle");
        assert_eq!(error.to_string(), "the needs form a cycle: a → a");
    }

    #[test]
    fn a_deep_chain_does_not_recurse() {
        let mut phases = vec![phase("p0", &[])];
        phases.extend((1..100_000).map(|n| phase(&format!("p{n}"), &[&format!("p{}", n - 1)])));
        assert!(define(phases).is_ok());
    }

    #[test]
    fn unknown_and_duplicate_ids_are_refused() {
        assert!(matches!(
            define(vec![phase("a", &[]), phase("a", &[])]),
            Err(DefinitionError::Duplicate { .. })
        ));
        assert!(matches!(define(vec![phase("a", &["b"])]), Err(DefinitionError::UnknownNeed { .. })));
        assert!(matches!(
            define(vec![phase("b", &[]), phase("a", &["b", "w/b"])]),
            Err(DefinitionError::DuplicateNeed { .. })
        ));
        assert!(define(vec![phase("a", &["elsewhere/b"])]).is_ok(), "the ledger checks what is elsewhere");
    }
}
