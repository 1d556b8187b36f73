//! What was spent adds up at every prefix, and no limit is crossed without its event, nor told without being
//! crossed. Both are worked out from the JSON of the lines alone, each time from the first one on.

use std::collections::{BTreeMap, BTreeSet};

use phaseledger::model::{Amount, Seq};
use phaseledger::query::{CostGrouping, CostScan};
use proptest::prelude::*;
use serde_json::Value;

use crate::generate::plans;
use crate::money::{amount, units};
use crate::oracle::{full, list, string, subject};
use crate::play::{Shared, cases, play};
use crate::times::push_named;

proptest! {
    #![proptest_config(cases(48))]

    /// The totals of every prefix, by phase, workflow and model, are the sums of its lines.
    #[test]
    fn totals_are_sums_at_every_prefix(plan in plans(25)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        play(&mut ledger, &plan.sent());
        let lines = shared.json(Seq::ZERO);
        let (mut scan, mut grouping) = (CostScan::new(3), CostGrouping::default());
        let mut named = Vec::new();
        for place in 0..=lines.len() {
            lines[..place].last().into_iter().for_each(|line| push_named(&mut named, line));
            let table = ledger.table_at(Seq::new(place as u64)).expect("lines");
            if let Some(record) = ledger.event(table.head).expect("lines") {
                scan.look_at(&record).expect("small");
                let key = record.subject.phase().map(ToString::to_string);
                grouping.put(&record, key).expect("small");
            }
            let costs: Vec<&Value> = named.iter().filter(|line: &&Value| line["kind"] == "cost_recorded").collect();
            let sum = |is_meant: &dyn Fn(&Value) -> bool| -> i128 {
                let meant = costs.iter().filter(|line| is_meant(line));
                meant.map(|line| amount(&line["data"]["amount"]).expect("an amount")).sum()
            };
            for (id, phase) in &table.phases {
                let spent = sum(&|line| subject(line).as_deref() == Some(&id.to_string()));
                assert_eq!(shown(phase.budget.spent), spent, "{}", id);
            }
            for (name, workflow) in &table.workflows {
                assert_eq!(shown(workflow.budget.spent), sum(&|line| line["workflow"] == name.as_str()));
                let view = scan.view(&table, workflow);
                for model in &view.models {
                    let of_model = |line: &Value| {
                        line["workflow"] == name.as_str() && line["data"]["model"].as_str() == model.model.as_deref()
                    };
                    assert_eq!(shown(model.spent), sum(&of_model));
                }
                assert_eq!(view.models.iter().map(|model| shown(model.spent)).sum::<i128>(), shown(view.budget.spent));
                assert_eq!(view.last.len() as u64, view.budget.records.min(3));
            }
        }
        let groups = grouping.groups(false).expect("small");
        for group in &groups.groups {
            let of_phase = lines.iter().filter(|line| line["kind"] == "cost_recorded" && subject(line) == group.key);
            let spent: i128 = of_phase.map(|line| amount(&line["data"]["amount"]).expect("an amount")).sum();
            assert_eq!(shown(group.spent), spent);
        }
    }

    /// Where a command takes what was spent over a limit, or to the part at which it warns, it says so once;
    /// and nothing is said that is not so. Where a record does it to the attempt under way, that fails.
    #[test]
    fn no_crossing_without_its_event_and_no_event_without_its_crossing(plan in plans(60)) {
        let shared = Shared::default();
        play(&mut shared.ledger(), &plan.sent());
        let lines = shared.json(Seq::ZERO);
        let (mut start, mut named) = (0, Vec::new());
        while start < lines.len() {
            let id = &lines[start]["command_id"];
            let end = start + lines[start..].iter().take_while(|line| line["command_id"] == *id).count();
            lines[start..end].iter().for_each(|line| push_named(&mut named, line));
            let (before, after) = (levels(&named[..start]), levels(&named[..end]));
            let mut wanted = BTreeSet::new();
            for (name, &(after, limit)) in &after {
                let before = before.get(name).map_or(0, |(level, _)| *level);
                if before < 1 && after >= 1 && limit > 0 {
                    wanted.insert((name.clone(), "cost_warning_raised".to_owned()));
                }
                if before < 2 && after == 2 {
                    wanted.insert((name.clone(), "cost_limit_exceeded".to_owned()));
                }
            }
            let told = lines[start..end].iter().filter(|line| {
                matches!(line["kind"].as_str(), Some("cost_warning_raised" | "cost_limit_exceeded"))
            });
            let told: Vec<_> = told.map(|line| (about(line), string(&line["kind"]))).collect();
            assert_eq!(told.len(), told.iter().collect::<BTreeSet<_>>().len(), "once");
            let crossed = told.iter().any(|(_, kind)| kind == "cost_limit_exceeded");
            assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), wanted, "{:#?}", &lines[start..end]);
            let given = &lines[start];
            if given["kind"] == "cost_recorded" {
                let fails = crossed && under_way(&named[..start], &about(given));
                let failed = lines[start..end].iter().any(|line| line["kind"] == "phase_failed");
                assert_eq!(failed, fails);
            }
            start = end;
        }
    }
}

fn shown(amount: Amount) -> i128 {
    units(&amount.to_string())
}

/// Returns what a line is about: a phase by its full name, or a workflow.
fn about(line: &Value) -> String {
    subject(line).unwrap_or_else(|| string(&line["workflow"]))
}

/// Says whether the last event that moved a phase started it.
fn under_way(lines: &[Value], phase: &str) -> bool {
    let moves = lines.iter().rev().filter(|line| subject(line).as_deref() == Some(phase));
    let mut states = moves.filter_map(|line| line["to"].as_str());
    states.next() == Some("IN_PROGRESS") && !dropped_since(lines, phase)
}

/// Says whether a definition dropped the phase after it was started last.
fn dropped_since(lines: &[Value], phase: &str) -> bool {
    let is_start = |line: &Value| line["kind"] == "phase_started" && subject(line).as_deref() == Some(phase);
    let start = lines.iter().rposition(is_start).unwrap_or(0);
    lines[start..].iter().any(|line| {
        let names = list(&line["data"]["retired"]).iter();
        names
            .map(|name| full(line["workflow"].as_str().unwrap_or_default(), &string(name)))
            .any(|name| name == phase)
    })
}

/// Returns, for each phase and workflow that has a limit after some lines, how what was spent stands to it, and the
/// limit: 2 over it, 1 at 80 % or more.
fn levels(lines: &[Value]) -> BTreeMap<String, (u8, i128)> {
    let mut limits: BTreeMap<String, Option<i128>> = BTreeMap::new();
    let mut defined: BTreeMap<String, Option<i128>> = BTreeMap::new();
    let mut spent: BTreeMap<String, i128> = BTreeMap::new();
    for line in lines {
        match line["kind"].as_str() {
            Some("workflow_defined") => {
                let definition = &line["data"]["definition"];
                let workflow = string(&definition["name"]);
                let phases = list(&definition["phases"]);
                let named = phases.iter().map(|phase| (full(&workflow, &string(&phase["id"])), phase));
                let mut says: BTreeMap<_, _> =
                    named.map(|(name, phase)| (name, &phase["cost_limit"])).collect();
                says.insert(workflow.clone(), &definition["cost_limit"]);
                let of_workflow = |name: &String| name.split('/').next() == Some(workflow.as_str());
                // What the definition before did not have is new, whatever it says.
                defined.retain(|name, _| !of_workflow(name) || says.contains_key(name));
                for (name, limit) in says {
                    if defined.insert(name.clone(), amount(limit)) != Some(amount(limit)) {
                        limits.insert(name, amount(limit));
                    }
                }
            }
            Some("workflow_retired") => {
                // Its own limit stays as it is.
                let of_workflow = |name: &str| name.split('/').next() == line["workflow"].as_str();
                defined.retain(|name, _| !of_workflow(name) || !name.contains('/'));
            }
            Some("cost_limit_set") => {
                limits.insert(about(line), amount(&line["data"]["limit"]));
            }
            Some("cost_recorded") => {
                let more = amount(&line["data"]["amount"]).expect("an amount");
                *spent.entry(about(line)).or_default() += more;
                *spent.entry(string(&line["workflow"])).or_default() += more;
            }
            _ => {}
        }
    }
    let limits = limits.into_iter().filter_map(|(name, limit)| Some((name, limit?)));
    let level = |(name, limit): (String, i128)| {
        let spent = spent.get(&name).copied().unwrap_or(0);
        let level = if spent > limit { 2 } else { u8::from(limit > 0 && spent * 5 >= limit * 4) };
        (name, (level, limit))
    };
    limits.map(level).collect()
}
