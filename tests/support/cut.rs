//! What a cut adds up to, a second time: facts alone move phases, and what must run again is asked of every phase in the end.
//!
//! It knows nothing but the JSON of the lines that the cut holds, whatever is missing between them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::oracle::{full, list, said_by, string, subject};

/// The phases of a cut, by their full names.
#[derive(Debug, Default)]
pub struct Cut {
    pub phases: BTreeMap<String, Stand>,
    /// Where phases stood in front of a skip, or in front of what took one back, by the ids of these events.
    stood: BTreeMap<String, Stand>,
    /// The ids of the events that are held, by their places.
    ids: BTreeMap<u64, String>,
    /// What phases were called, with what they are called.
    aliases: Vec<(String, String)>,
}

/// Where a phase stands, whatever anybody thought of it.
#[derive(Debug, Clone, Default)]
pub struct Stand {
    pub base: Base,
    pub retired: bool,
    pub attempts: u64,
    needs: Vec<String>,
    version: Value,
    /// What the last start said.
    began: Value,
    /// The completion of the last attempt.
    token: Token,
    /// Who said since that attempt began that it must run again, and did not take it back; by which events.
    said: BTreeMap<String, BTreeSet<String>>,
}

/// The four base states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Base {
    #[default]
    Pending,
    Running,
    Completed,
    Failed,
}

/// A completion: its event, and its output's digest.
type Token = (String, Option<String>);

/// What is found in a need, by the names of phases.
type Found = BTreeMap<String, Token>;

impl Cut {
    /// Folds the lines of a cut, in the order of the log.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a Value>) -> Cut {
        let mut cut = Cut::default();
        lines.into_iter().for_each(|line| cut.apply(line));
        cut
    }

    fn apply(&mut self, line: &Value) {
        let (kind, data, id) = (string(&line["kind"]), &line["data"], string(&line["id"]));
        self.ids.insert(line["seq"].as_u64().expect("a place"), id.clone());
        if kind == "workflow_defined" {
            self.rename(data);
            return self.define(&data["definition"]);
        }
        if kind == "workflow_retired" {
            return self.retire(&string(&line["workflow"]));
        }
        let Some(phase) = subject(line).and_then(|name| self.phases.get_mut(&name)) else { return };
        if kind == "phase_skipped" || (kind == "reverted" && data["what"] == "skip") {
            self.stood.insert(id.clone(), phase.clone());
        }
        match kind.as_str() {
            "phase_started" => {
                (phase.base, phase.began) = (Base::Running, data.clone());
                phase.said.clear();
                phase.attempts += 1;
            }
            "phase_completed" => {
                phase.base = Base::Completed;
                phase.token = (string(&line["id"]), data["output"].as_str().map(str::to_owned));
            }
            "phase_accepted" => {
                let output = data["output"].as_str().map(str::to_owned);
                let is_same = phase.base == Base::Completed && output.is_some() && phase.token.1 == output;
                if !is_same {
                    phase.token = (string(&line["id"]), output);
                }
                (phase.base, phase.began) = (Base::Completed, data.clone());
                phase.said.clear();
            }
            "phase_failed" => phase.base = Base::Failed,
            "phase_skipped" | "phase_reset" => phase.base = Base::Pending,
            "rerun_marked" | "rerun_cause_added" | "rerun_deferred" => {
                if let Some(who) = said_by(line) {
                    phase.said.entry(who.to_owned()).or_default().insert(id);
                }
            }
            "rerun_withdrawn" => {
                phase.said.remove(&string(&data["withdrawn"]));
            }
            "reverted" if data["what"] == "mark" => {
                let marks = list(&data["marks"]).iter().map(|seq| &self.ids[&seq.as_u64().expect("a place")]);
                let said = phase.said.entry("manual".to_owned()).or_default();
                for mark in marks {
                    if data["again"] == true {
                        said.insert(mark.clone())
                    } else {
                        said.remove(mark)
                    };
                }
            }
            "reverted" if data["what"] == "skip" => {
                let stood = self.stood[&string(&data["event"])].clone();
                (phase.base, phase.began, phase.token, phase.said) =
                    (stood.base, stood.began, stood.token, stood.said);
            }
            _ => {}
        }
    }

    fn define(&mut self, definition: &Value) {
        let workflow = string(&definition["name"]);
        self.retire(&workflow);
        for says in list(&definition["phases"]) {
            let needs = list(&says["needs"]).iter().map(|need| full(&workflow, &string(need)));
            let needs: Vec<String> = needs.map(|need| self.meant(&workflow, need)).collect();
            let phase = self.phases.entry(full(&workflow, &string(&says["id"]))).or_default();
            phase.needs.clear();
            for need in needs {
                if !phase.needs.contains(&need) {
                    phase.needs.push(need);
                }
            }
            (phase.retired, phase.version) = (false, says["version"].clone());
        }
    }

    fn retire(&mut self, workflow: &str) {
        let own = self.phases.iter_mut().filter(|(name, _)| name.split('/').next() == Some(workflow));
        own.for_each(|(_, phase)| phase.retired = true);
    }

    /// Has all that is kept of phases speak of them by what a definition calls them.
    fn rename(&mut self, data: &Value) {
        let workflow = string(&data["definition"]["name"]);
        for one in list(&data["renamed"]) {
            let names = [&one["from"], &one["to"]].map(|name| full(&workflow, &string(name)));
            let [from, to] = &names;
            let swap = |name: &str| -> String {
                let at = names.iter().position(|one| one == name);
                at.map_or_else(|| name.to_owned(), |at| names[1 - at].clone())
            };
            let phases = std::mem::take(&mut self.phases).into_iter();
            self.phases = phases.map(|(name, phase)| (swap(&name), phase.renamed(swap))).collect();
            let stood = std::mem::take(&mut self.stood).into_iter();
            self.stood = stood.map(|(event, phase)| (event, phase.renamed(swap))).collect();
            self.aliases.iter_mut().for_each(|(_, now)| *now = swap(now));
            self.aliases.push((from.clone(), to.clone()));
        }
    }

    fn meant(&self, workflow: &str, need: String) -> String {
        let is_there = |name: &String| self.phases.get(name).is_some_and(|phase| !phase.retired);
        if need.split('/').next() == Some(workflow) || is_there(&need) {
            return need;
        }
        let last = self.aliases.iter().rev().find(|(from, _)| *from == need).map(|(_, now)| now.clone());
        last.filter(is_there).unwrap_or(need)
    }

    /// Returns the reasons that hold for each phase that is stale, as events tell them.
    pub fn judge(&self) -> BTreeMap<String, Vec<Value>> {
        let mut judged = BTreeMap::new();
        for name in self.phases.keys() {
            self.judge_one(name, &mut judged);
        }
        judged.retain(|_, reasons: &mut Vec<Value>| !reasons.is_empty());
        judged
    }

    fn judge_one(&self, name: &str, judged: &mut BTreeMap<String, Vec<Value>>) {
        let phase = &self.phases[name];
        if judged.contains_key(name) {
            return;
        }
        let mut reasons = Vec::new();
        if !phase.retired && matches!(phase.base, Base::Running | Base::Completed) {
            // No definitions that stand together have a cycle.
            phase
                .needs
                .iter()
                .for_each(|need| self.reach(need).iter().for_each(|above| self.judge_one(above, judged)));
            reasons = self.reasons(name, judged);
        }
        judged.insert(name.to_owned(), reasons);
    }

    fn reasons(&self, name: &str, judged: &BTreeMap<String, Vec<Value>>) -> Vec<Value> {
        let phase = &self.phases[name];
        let workflow = name.split('/').next().expect("a workflow");
        let about = |reason: &str, need: &str| {
            let bare = need.strip_prefix(workflow).and_then(|rest| rest.strip_prefix('/'));
            json!({"reason": reason, "need": bare.unwrap_or(need)})
        };
        let mut reasons = Vec::new();
        let says = |who: &str| {
            phase.said.get(who).is_some_and(|said| !said.is_empty()).then(|| json!({"reason": who}))
        };
        reasons.extend(says("manual"));
        if phase.began["version"] != phase.version {
            let (before, after) = (&phase.began["version"], &phase.version);
            reasons.push(json!({"reason": "version", "before": before, "after": after}));
        }
        reasons.extend(says("input"));
        reasons.extend(says("output"));
        let then = |need: &str| recorded(&phase.began, need);
        let added = phase.needs.iter().filter(|need| then(need).is_none());
        reasons.extend(added.map(|need| about("need_added", need)));
        let differs = |need: &&String| then(need).is_some_and(|then| !is_same(&then, &self.found(need)));
        reasons.extend(phase.needs.iter().filter(differs).map(|need| about("need_changed", need)));
        let is_stale = |above: &String| judged.get(above).is_some_and(|reasons| !reasons.is_empty());
        let stale = phase.needs.iter().filter(|need| self.reach(need).iter().any(is_stale));
        reasons.extend(stale.map(|need| about("need_stale", need)));
        reasons
    }

    /// Returns a need, and as long as no completion stands what that needs.
    fn reach(&self, need: &str) -> BTreeSet<String> {
        let (mut seen, mut left) = (BTreeSet::new(), vec![need.to_owned()]);
        while let Some(name) = left.pop() {
            let Some(phase) = self.phases.get(&name).filter(|phase| !phase.retired) else { continue };
            if seen.insert(name) && phase.base != Base::Completed {
                left.extend(phase.needs.iter().cloned());
            }
        }
        seen
    }

    fn found(&self, need: &str) -> Found {
        let stands = |name: String| {
            let phase = &self.phases[&name];
            (phase.base == Base::Completed).then(|| (name, phase.token.clone()))
        };
        self.reach(need).into_iter().filter_map(stands).collect()
    }
}

impl Stand {
    /// Returns it with other names for what it needs and was built on.
    fn renamed(mut self, swap: impl Fn(&str) -> String) -> Stand {
        fn visit(value: &mut Value, swap: &impl Fn(&str) -> String) {
            match value {
                Value::Array(items) => items.iter_mut().for_each(|item| visit(item, swap)),
                Value::Object(fields) => {
                    for (key, value) in fields {
                        match value {
                            Value::String(name) if key == "phase" || key == "need" => *name = swap(name),
                            value if key != "metadata" => visit(value, swap),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        self.needs.iter_mut().for_each(|need| *need = swap(need));
        visit(&mut self.began, &swap);
        self
    }
}

/// Returns what a start says that it found in a need; none where it had no such need.
fn recorded(began: &Value, need: &str) -> Option<Found> {
    let one = |found: &Value| {
        (string(&found["phase"]), (string(&found["event"]), found["output"].as_str().map(str::to_owned)))
    };
    let through = list(&began["looked_through"]).iter().find(|through| through["need"] == need);
    if let Some(through) = through {
        assert!(through.get("many").is_none(), "no ledger here is as large");
        return Some(list(&through["found"]).iter().map(one).collect());
    }
    let consumed = list(&began["consumed"]).iter().find(|consumed| consumed["phase"] == need)?;
    Some([one(consumed)].into())
}

fn is_same(one: &Found, other: &Found) -> bool {
    let are = |(a, b): (&Token, &Token)| match (&a.1, &b.1) {
        (Some(a), Some(b)) => a == b,
        _ => a.0 == b.0,
    };
    one.keys().eq(other.keys()) && one.values().zip(other.values()).all(are)
}
