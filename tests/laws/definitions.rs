//! Definitions: what is printed reads as the very same, what is said to change is what changes, and what retires comes back.

use std::collections::{BTreeMap, BTreeSet};

use phaseledger::ledger::AnswerStatus;
use phaseledger::model::{
    Action, Definition, Renamed, Seq, WorkflowName, action, parse_workflow, workflow_to_json,
    workflow_to_toml,
};
use phaseledger::query::{DefinitionChanges, DefinitionEdit};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::generate::plans;
use crate::make::text;
use crate::oracle::{full, list, string};
use crate::play::{Shared, cases, play};
use crate::reverts::{one_more, revert, says};

/// Texts of what is hard to write: quotes, backslashes, ends of lines, what acts on a terminal, what is not ASCII.
fn hard_text() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        '"', '\'', '\\', '\n', '\r', '\t', '\u{8}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{202e}',
        '\u{feff}', '\u{2028}', '#', '=', '[', ']', '{', ',', ' ', 'a', 'é', '日', '🦀', '\u{301}',
    ]);
    let character = prop_oneof![4 => hard, 1 => any::<char>().prop_filter("no file has one", |c| *c != '\0')];
    prop::collection::vec(character, 1..24).prop_map(|characters| characters.into_iter().collect())
}

fn money() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(vec!["0", "1.00", "1", "20.5", "100000.000001"]))
}

/// Phases that need none but those before them, each with what may be said of it; as JSON.
fn phases() -> impl Strategy<Value = Vec<Value>> {
    let texts =
        || prop::collection::vec(prop::sample::select(vec!["a/*", "b/**", "é \"x\".csv", "c'd"]), 0..3);
    let phase = (
        any::<bool>(),
        any::<u8>(),
        money(),
        prop::option::of(hard_text()),
        texts(),
        texts(),
        prop::option::of(hard_text()),
    );
    prop::collection::vec(phase, 1..6).prop_map(|phases| {
        let ids = ["a", "b\"c", "d e", "ü", "f.g", "h"];
        let phase = |(at, (is_there, needs, limit, version, inputs, outputs, description))| {
            let (at, is_there): (usize, bool) = (at, is_there);
            let mut needs: Vec<_> =
                (0..at).filter(|need| needs >> need & 1 == 1).map(|need| ids[need].to_owned()).collect();
            needs.extend(is_there.then(|| "else where/\"x".to_owned()));
            let limit: Option<&str> = limit;
            let said = [
                ("needs", json!(needs)),
                ("cost_limit", json!(limit)),
                ("version", json!(version)),
                ("inputs", json!(inputs)),
                ("outputs", json!(outputs)),
                ("description", json!(description)),
            ];
            let said = said.into_iter().filter(|(_, value)| !value.is_null() && *value != json!([]));
            let id = ("id", json!(ids[at]));
            Value::Object(said.chain([id]).map(|(key, value)| (key.to_owned(), value)).collect())
        };
        phases.into_iter().enumerate().map(phase).collect()
    })
}

/// Definitions, by way of the file that says them; those that no file may say are passed over.
fn definitions() -> impl Strategy<Value = Definition> {
    let approval = prop::option::of(prop::sample::select(vec![
        json!({"items": 5, "self_approval": true}),
        json!({"require_above": "20.0", "high_impact": ["drop \"x\"", "delete"]}),
    ]));
    let head = (prop::option::of(hard_text()), prop::option::of(Just("USD")), money(), approval);
    (phases(), head).prop_filter_map(
        "no file may say it",
        |(phases, (description, currency, limit, approval))| {
            let said = [
                ("name", json!("w \"1\"")),
                ("description", json!(description)),
                ("currency", json!(currency)),
                ("cost_limit", json!(limit)),
                ("approval", json!(approval)),
            ];
            let said = said.into_iter().filter(|(_, value)| !value.is_null());
            let workflow: Value = Value::Object(said.map(|(key, value)| (key.to_owned(), value)).collect());
            parse_workflow(&json!({"workflow": workflow, "phase": phases}).to_string(), "w.json", None).ok()
        },
    )
}

proptest! {
    #![proptest_config(cases(2_000))]

    /// What is printed is read as the definition that it was, in either form, and no character of it acts on a terminal.
    #[test]
    fn found_30_what_is_printed_reads_as_the_very_same(definition in definitions()) {
        let toml = workflow_to_toml(&definition).expect("it has no source");
        let read = parse_workflow(&toml, "else.toml", None);
        prop_assert_eq!(read.as_ref().map(Definition::digest).ok(), Some(definition.digest()), "{}\n{:?}", toml, read.err());
        let acts = |c: char| c != '\n' && c.is_control() || ['\u{202e}', '\u{feff}', '\u{2028}'].contains(&c);
        prop_assert!(!toml.contains(acts), "{toml:?}");
        let json = workflow_to_json(&definition);
        let read = parse_workflow(&json, "else.json", None).expect("it is a workflow file");
        prop_assert_eq!(read.digest(), definition.digest(), "{}", json);
    }

    /// What is said to change turns what the one definition says into what the other one says, and is no more than that.
    #[test]
    fn found_30_what_is_said_to_change_is_what_changes(before in definitions(), after in definitions()) {
        for (before, after) in [(&before, &after), (&before, &before)] {
            // What is no longer there is called what is new, as far as both reach; or nothing is.
            let ids = |of: &Definition| of.phases().iter().map(|phase| phase.id.clone()).collect::<Vec<_>>();
            let (were, are) = (ids(before), ids(after));
            let gone = were.iter().filter(|id| !are.contains(id));
            let new = are.iter().filter(|id| !were.contains(id));
            let pairs = gone.zip(new).map(|(from, to)| Renamed { from: from.clone(), to: to.clone() });
            for renamed in [pairs.collect(), Vec::new()] {
                let changes = DefinitionChanges::between(Some(before), after, &renamed);
                let (said, wanted) = (Said::of(before), Said::of(after));
                prop_assert_eq!(said.changed(&changes, &wanted), wanted.clone(), "{:#?}", changes);
                let name = before.name().as_str();
                let names = renamed.iter().map(|one| (full(name, one.from.as_str()), full(name, one.to.as_str())));
                let said = names.fold(said, |said, (from, to)| said.renamed(&from, &to));
                prop_assert_eq!(changes.edits.len(), renamed.len() + said.differences(&wanted), "{:#?}", changes);
            }
            let unchanged = DefinitionChanges::between(Some(before), after, &[]);
            prop_assert_eq!(unchanged.edits.is_empty(), before.digest() == after.digest());
        }
    }
}

/// What a definition says, as its JSON has it.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    phases: Vec<String>,
    needs: BTreeMap<String, Vec<String>>,
    /// By the phase, or none for the workflow, and the key.
    fields: BTreeMap<(String, String), Value>,
}

impl Said {
    fn of(definition: &Definition) -> Said {
        let json = serde_json::to_value(definition).expect("a definition");
        let name = string(&json["name"]);
        let mut said = Said { phases: Vec::new(), needs: BTreeMap::new(), fields: BTreeMap::new() };
        for (key, value) in json.as_object().expect("an object") {
            match key.as_str() {
                "name" | "phases" => {}
                "approval" => {
                    said.fields.extend(
                        value.as_object().expect("terms").iter().map(|(term, value)| {
                            ((String::new(), format!("approval.{term}")), value.clone())
                        }),
                    )
                }
                _ => drop(said.fields.insert((String::new(), key.clone()), value.clone())),
            }
        }
        for phase in list(&json["phases"]) {
            let id = full(&name, &string(&phase["id"]));
            said.needs.insert(
                id.clone(),
                list(&phase["needs"]).iter().map(|need| full(&name, &string(need))).collect(),
            );
            let fields = phase.as_object().expect("an object").iter();
            let fields = fields.filter(|(key, _)| !["id", "needs"].contains(&key.as_str()));
            said.fields.extend(fields.map(|(key, value)| ((id.clone(), key.clone()), value.clone())));
            said.phases.push(id);
        }
        said
    }

    /// Has all of it speak of a phase by another name.
    fn renamed(mut self, from: &str, to: &str) -> Said {
        let rename = |name: &mut String| {
            if name == from {
                to.clone_into(name);
            }
        };
        self.phases.iter_mut().for_each(rename);
        self.needs = std::mem::take(&mut self.needs)
            .into_iter()
            .map(|(mut of, mut needs)| {
                rename(&mut of);
                needs.iter_mut().for_each(rename);
                (of, needs)
            })
            .collect();
        self.fields = std::mem::take(&mut self.fields)
            .into_iter()
            .map(|((mut of, key), value)| {
                rename(&mut of);
                ((of, key), value)
            })
            .collect();
        self
    }

    /// Does what is said to change; the order, of which changes say only that it is another, is taken from what is wanted.
    fn changed(&self, changes: &DefinitionChanges, wanted: &Said) -> Said {
        let mut said = self.clone();
        for edit in &changes.edits {
            if let DefinitionEdit::PhaseRenamed { phase, from } = edit {
                said = said.renamed(&full(phase.workflow.as_str(), from.as_str()), &phase.to_string());
            }
        }
        for edit in &changes.edits {
            match edit {
                DefinitionEdit::PhaseRenamed { .. } => {}
                DefinitionEdit::PhaseAdded { phase } => {
                    said.phases.push(phase.to_string());
                    said.needs.insert(phase.to_string(), Vec::new());
                    // A new phase comes with all that is said of it.
                    let own = wanted.fields.iter().filter(|((of, _), _)| *of == phase.to_string());
                    said.fields.extend(own.map(|(key, value)| (key.clone(), value.clone())));
                }
                DefinitionEdit::PhaseRetired { phase } => {
                    said.phases.retain(|known| *known != phase.to_string());
                    said.fields.retain(|(of, _), _| *of != phase.to_string());
                }
                DefinitionEdit::NeedAdded { phase, need } => {
                    said.needs.get_mut(&phase.to_string()).expect("a phase").push(need.to_string());
                }
                DefinitionEdit::NeedRemoved { phase, need } => {
                    said.needs
                        .get_mut(&phase.to_string())
                        .expect("a phase")
                        .retain(|known| *known != need.to_string());
                }
                DefinitionEdit::Said { phase, what, before, after } => {
                    let key = (phase.as_ref().map(ToString::to_string).unwrap_or_default(), what.clone());
                    let was = said.fields.remove(&key).unwrap_or_default();
                    assert_eq!(was, *before, "`before` is what was said of {key:?}");
                    said.fields.extend((!after.is_null()).then(|| (key, after.clone())));
                }
                DefinitionEdit::Reordered { .. } => {}
            }
        }
        said.needs.retain(|phase, needs| said.phases.contains(phase) || !needs.is_empty());
        let place = |phases: &[String], one: &String| phases.iter().position(|known| known == one);
        said.phases.sort_by_key(|phase| place(&wanted.phases, phase));
        said.needs.iter_mut().for_each(|(phase, needs)| {
            needs.sort_by_key(|need| wanted.needs.get(phase).and_then(|wanted| place(wanted, need)));
        });
        said
    }

    /// Counts the differences: phases, edges, keys of what is in both, and what stands in another order.
    fn differences(&self, other: &Said) -> usize {
        let edges = |said: &Said| -> BTreeSet<(String, String)> {
            said.needs
                .iter()
                .flat_map(|(of, needs)| needs.iter().map(move |need| (of.clone(), need.clone())))
                .collect()
        };
        let phases = |said: &Said| said.phases.iter().cloned().collect::<BTreeSet<_>>();
        let (was, is) = (phases(self), phases(other));
        let both: BTreeSet<_> = was.intersection(&is).cloned().collect();
        let keys: BTreeSet<_> = self.fields.keys().chain(other.fields.keys()).collect();
        let is_otherwise = |key: &&&(String, String)| {
            (key.0.is_empty() || both.contains(&key.0)) && self.fields.get(key) != other.fields.get(key)
        };
        let order = |said: &Said| {
            said.phases.iter().filter(|phase| both.contains(*phase)).cloned().collect::<Vec<_>>()
        };
        let needs_of = |said: &Said, phase: &String, of: &Said| -> Vec<String> {
            said.needs[phase].iter().filter(|need| of.needs[phase].contains(need)).cloned().collect()
        };
        was.symmetric_difference(&is).count()
            + edges(self).symmetric_difference(&edges(other)).count()
            + keys.iter().filter(is_otherwise).count()
            + usize::from(order(self) != order(other))
            + both.iter().filter(|phase| needs_of(self, phase, other) != needs_of(other, phase, self)).count()
    }
}

proptest! {
    #![proptest_config(cases(300))]

    /// Whatever has happened, a workflow that is retired and defined again as it was, or whose retirement is taken back, is
    /// what it was; and while it is retired nothing of it is in force.
    #[test]
    fn found_29_what_was_retired_comes_back_as_it_was(plan in plans(8), by_revert in any::<bool>()) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let sent = plan.sent();
        play(&mut ledger, &sent);
        let now = sent.last().expect("definitions").now;
        let mut number = 0;
        for name in ["x", "y", "z"] {
            let name = WorkflowName::new(name).expect("a name");
            let before = ledger.table().expect("rows");
            let Ok(workflow) = before.workflow(Some(&name)) else { continue };
            let definition = ledger.event(workflow.defined).expect("memory").expect("there");
            let definition = definition.event.definition().expect("a definition").definition.clone();
            let retire = action::Retire { workflow: name.clone(), reason: text("done with") };
            number += 1;
            let Ok(answer) = one_more(&mut ledger, number, Action::Retire(retire), now) else { continue };
            prop_assert_eq!(answer.events.len(), 1, "nothing follows");
            let between = ledger.table().expect("rows");
            prop_assert!(between.workflow(Some(&name)).is_err());
            prop_assert!(between.in_force().all(|known| known.name != name));
            prop_assert!(between.current().iter().all(|phase| phase.id.workflow != name));
            prop_assert_eq!(between.current().len() + answer.events[0].event.retired().len(), before.current().len());
            let again = match by_revert {
                true => revert(answer.events[0].id),
                false => Action::Define(action::Define { definition: Box::new(definition) }),
            };
            number += 1;
            let answer = one_more(&mut ledger, number, again, now).expect("nothing is in its way");
            prop_assert_eq!(answer.status, AnswerStatus::Appended);
            let after = ledger.table().expect("rows");
            prop_assert_eq!(says(&after, false), says(&before, false));
        }
        let verified = ledger.verify(false, |_| {}).expect("memory");
        prop_assert!(verified.is_ok(), "{:?}", verified);
        prop_assert!(shared.json(Seq::ZERO).len() >= number as usize);
    }
}
