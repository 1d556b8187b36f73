//! What a definition changes: every phase and every need that it adds or takes away, and all else that it says otherwise.
//!
//! Two definitions in, a list out: whoever compares definitions, of now or of any two moments, asks here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::{Definition, PhaseDefinition, PhaseId, PhaseName, Renamed};

/// One thing that a definition changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum DefinitionEdit {
    /// A phase is new.
    PhaseAdded {
        /// The phase.
        phase: PhaseId,
    },
    /// A phase is no longer there.
    PhaseRetired {
        /// The phase.
        phase: PhaseId,
    },
    /// A phase has another name.
    PhaseRenamed {
        /// The phase.
        phase: PhaseId,
        /// What it was called.
        from: PhaseName,
    },
    /// A phase has one need more.
    NeedAdded {
        /// The phase.
        phase: PhaseId,
        /// What it needs.
        need: PhaseId,
    },
    /// A phase has one need less.
    NeedRemoved {
        /// The phase.
        phase: PhaseId,
        /// What it needed.
        need: PhaseId,
    },
    /// Something else that is said of a phase, or of the workflow as a whole.
    Said {
        /// The phase; none for the workflow.
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<PhaseId>,
        /// What: a key of the workflow file, one of a table in it with a point between.
        what: String,
        /// What it was; null where nothing was said.
        before: Value,
        /// What it is; null where nothing is.
        after: Value,
    },
    /// The same phases, or the same needs of one, stand in another order.
    Reordered {
        /// The phase whose needs do; none for the phases themselves.
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<PhaseId>,
    },
}

/// All that a definition changes, in the order of the file: the workflow as a whole, each phase with what is new of it, what
/// is no longer there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefinitionChanges {
    /// The changes: none where both definitions are the same.
    pub edits: Vec<DefinitionEdit>,
}

impl Serialize for DefinitionChanges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.edits.serialize(serializer)
    }
}

impl DefinitionChanges {
    /// Compares a definition with the one before, of whose phases some have another name now; with none, where the workflow was
    /// not in force.
    pub fn between(before: Option<&Definition>, after: &Definition, renamed: &[Renamed]) -> Self {
        Self::of(before, Some(after), renamed)
    }

    /// Returns what changes where a workflow is no longer in force: all of it goes.
    pub fn retiring(before: &Definition) -> Self {
        Self::of(Some(before), None, &[])
    }

    fn of(before: Option<&Definition>, after: Option<&Definition>, renamed: &[Renamed]) -> Self {
        let mut comparing = Comparing { before, after, renamed, edits: Vec::new() };
        comparing.workflow();
        let known: BTreeMap<_, _> = phases(before).map(|phase| (now(renamed, &phase.id), phase)).collect();
        for phase in phases(after) {
            comparing.phase(known.get(&phase.id).copied(), phase);
        }
        let kept: BTreeSet<_> = phases(after).map(|phase| &phase.id).collect();
        for phase in phases(before).filter(|phase| !kept.contains(now(renamed, &phase.id))) {
            let id = comparing.id(&phase.id);
            comparing.edits.push(DefinitionEdit::PhaseRetired { phase: id.clone() });
            let needs = comparing.needed(phase).into_iter();
            let removed = needs.map(|need| DefinitionEdit::NeedRemoved { phase: id.clone(), need });
            comparing.edits.extend(removed);
        }
        let order = |of, other: &BTreeSet<_>| -> Vec<_> {
            phases(of).map(|phase| &phase.id).filter(|id| other.contains(id)).collect()
        };
        let were = known.into_keys().collect();
        let before = phases(before).map(|phase| now(renamed, &phase.id)).filter(|id| kept.contains(id));
        if before.collect::<Vec<_>>() != order(after, &were) {
            comparing.edits.push(DefinitionEdit::Reordered { phase: None });
        }
        DefinitionChanges { edits: comparing.edits }
    }

    /// Returns the phases that are new.
    pub fn added(&self) -> impl Iterator<Item = &PhaseId> {
        self.edits.iter().filter_map(|edit| match edit {
            DefinitionEdit::PhaseAdded { phase } => Some(phase),
            _ => None,
        })
    }

    /// Returns the phases that are no longer there.
    pub fn retired(&self) -> impl Iterator<Item = &PhaseId> {
        self.edits.iter().filter_map(|edit| match edit {
            DefinitionEdit::PhaseRetired { phase } => Some(phase),
            _ => None,
        })
    }
}

fn phases(definition: Option<&Definition>) -> impl Iterator<Item = &PhaseDefinition> {
    definition.into_iter().flat_map(Definition::phases)
}

/// Returns what a phase of before is called.
fn now<'a>(renamed: &'a [Renamed], phase: &'a PhaseName) -> &'a PhaseName {
    renamed.iter().find(|renamed| renamed.from == *phase).map_or(phase, |renamed| &renamed.to)
}

struct Comparing<'a> {
    before: Option<&'a Definition>,
    after: Option<&'a Definition>,
    renamed: &'a [Renamed],
    edits: Vec<DefinitionEdit>,
}

impl Comparing<'_> {
    fn id(&self, phase: &PhaseName) -> PhaseId {
        let definition = self.after.or(self.before).expect("one of the two is there");
        PhaseId::new(definition.name().clone(), phase.clone())
    }

    fn needs(&self, phase: &PhaseDefinition) -> Vec<PhaseId> {
        let workflow = self.id(&phase.id).workflow;
        phase.needs.iter().map(|need| need.within(&workflow)).collect()
    }

    /// Returns what a phase needed, by what that is called.
    fn needed(&self, phase: &PhaseDefinition) -> Vec<PhaseId> {
        let own = self.id(&phase.id).workflow;
        let needs = self.needs(phase).into_iter().map(|need| match need.workflow == own {
            true => PhaseId::new(own.clone(), now(self.renamed, &need.phase).clone()),
            false => need,
        });
        needs.collect()
    }

    fn workflow(&mut self) {
        // What is said of a workflow that was not, or is no longer, in force goes without saying.
        if let (Some(before), Some(after)) = (self.before, self.after) {
            self.said(None, &whole(before), &whole(after));
        }
    }

    fn phase(&mut self, before: Option<&PhaseDefinition>, after: &PhaseDefinition) {
        let id = self.id(&after.id);
        let (had, has) = (before.map(|before| self.needed(before)).unwrap_or_default(), self.needs(after));
        let is_new = before.is_none();
        self.edits.extend(is_new.then(|| DefinitionEdit::PhaseAdded { phase: id.clone() }));
        let from = self.renamed.iter().find(|renamed| renamed.to == after.id).map(|renamed| &renamed.from);
        self.edits
            .extend(from.map(|from| DefinitionEdit::PhaseRenamed { phase: id.clone(), from: from.clone() }));
        let added = has.iter().filter(|need| !had.contains(need)).cloned();
        let added = added.map(|need| DefinitionEdit::NeedAdded { phase: id.clone(), need });
        let removed = had.iter().filter(|need| !has.contains(need)).cloned();
        let removed = removed.map(|need| DefinitionEdit::NeedRemoved { phase: id.clone(), need });
        self.edits.extend(added.chain(removed));
        let Some(before) = before else { return };
        let left_out = ["id", "needs", "renamed_from"];
        self.said(Some(&id), &fields("", before, &left_out), &fields("", after, &left_out));
        let kept = |of: &[PhaseId], other: &[PhaseId]| -> Vec<PhaseId> {
            of.iter().filter(|need| other.contains(need)).cloned().collect()
        };
        if kept(&had, &has) != kept(&has, &had) {
            self.edits.push(DefinitionEdit::Reordered { phase: Some(id) });
        }
    }

    fn said(
        &mut self,
        phase: Option<&PhaseId>,
        before: &BTreeMap<String, Value>,
        after: &BTreeMap<String, Value>,
    ) {
        for what in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let of = |said: &BTreeMap<String, Value>| said.get(what).cloned().unwrap_or_default();
            let (before, after) = (of(before), of(after));
            if before != after {
                let (phase, what) = (phase.cloned(), what.clone());
                self.edits.push(DefinitionEdit::Said { phase, what, before, after });
            }
        }
    }
}

/// Returns what is said of a workflow as a whole, key by key.
fn whole(definition: &Definition) -> BTreeMap<String, Value> {
    let text = |text: &str| Value::String(text.to_owned());
    let of = [
        ("description", definition.description().map(text)),
        ("currency", definition.currency().map(text)),
        ("cost_limit", definition.cost_limit().map(|limit| Value::String(limit.to_string()))),
    ];
    let of = of.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    // A source says what it likes, numbers included that no value here can hold: it is told as it is written.
    let source = definition.source().iter().map(|(key, value)| (format!("source.{key}"), text(value)));
    of.chain(fields("approval.", definition.approval(), &[])).chain(source).collect()
}

/// Returns what is said, key by key, as it is written; but for some.
fn fields(prefix: &str, said: &impl Serialize, left_out: &[&str]) -> BTreeMap<String, Value> {
    let said = serde_json::to_value(said).expect("what is said has string keys and no floats");
    let Value::Object(fields) = said else { return BTreeMap::new() };
    let told = fields.into_iter().filter(|(key, _)| !left_out.contains(&key.as_str()));
    told.map(|(key, value)| (format!("{prefix}{key}"), value)).collect()
}
