//! What a command's events force, worked out a second time: every phase is judged anew, wherever it is, and each whose
//! judgement is not what events say of it gets one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::judge::judge;
use crate::oracle::{World, full, list, string, subject};

/// A derived event that must be there.
#[derive(Debug, Clone)]
pub struct Expected {
    pub kind: &'static str,
    pub phase: String,
    pub from: &'static str,
    pub to: &'static str,
    pub reasons: Vec<Value>,
}

/// Derives what the events of one command force. The world has those events in it already, `moves` are those of them
/// that are about phases and definitions.
pub fn derive(world: &World, moves: &[&Value]) -> Vec<Expected> {
    let judged = judge(world);
    let is_changed = |name: &String| world.phases[name].stale != judged.contains_key(name);
    let seeds = moves.iter().flat_map(|line| match subject(line) {
        Some(phase) => BTreeSet::from([phase]),
        None => match line["kind"].as_str() {
            Some("workflow_defined") => world.redefined(line["seq"].as_u64().expect("a number")),
            _ => BTreeSet::new(),
        },
    });
    let below = world.below(&seeds.collect());
    let elsewhere = world.current().find(|(name, _)| is_changed(name) && !below.contains(*name));
    assert_eq!(elsewhere.map(|(name, _)| name), None, "what is judged otherwise is below what changed");
    let changed = world.order_of(below).into_iter().filter(is_changed);
    changed
        .map(|phase| {
            let reasons = judged.get(&phase);
            let (kind, from, to) = match (world.phases[&phase].state.as_str(), reasons.is_some()) {
                ("COMPLETE", true) => ("rerun_marked", "COMPLETE", "NEEDS_RERUN"),
                ("NEEDS_RERUN", false) => ("rerun_cleared", "NEEDS_RERUN", "COMPLETE"),
                ("IN_PROGRESS", true) => ("rerun_deferred", "IN_PROGRESS", "IN_PROGRESS"),
                ("IN_PROGRESS", false) => ("rerun_cleared", "IN_PROGRESS", "IN_PROGRESS"),
                (state, _) => panic!("`{phase}`, which is {state}, is never stale"),
            };
            let workflow = phase.split('/').next().unwrap_or_default();
            let reasons = reasons.into_iter().flatten().map(|reason| reason.json(workflow)).collect();
            Expected { kind, phase, from, to, reasons }
        })
        .collect()
}

/// Says how an event differs from what it must be; of its causes nothing.
pub fn differs(world: &World, expected: &Expected, line: &Value) -> Option<String> {
    let Expected { kind, phase, from, to, reasons } = expected;
    let wanted = json!([kind, phase, from, to, reasons, "stale/1", true]);
    let data = &line["data"];
    let found = json!([
        line["kind"],
        subject(line),
        line["from"],
        line["to"],
        list(&data["reasons"]),
        line["rule"],
        line["derived"],
    ]);
    let says = data["reason"].as_str().is_some_and(|reason| !reason.is_empty());
    let compares = *kind != "rerun_cleared" || compared(world, phase, list(&data["compared"]));
    let same = wanted == found && says && compares;
    (!same).then(|| format!("expected {expected:#?}\nfound {line:#}"))
}

/// Says whether a clearing compares each need that ran again and put out the same, in order; and nothing that did not.
fn compared(world: &World, phase: &str, compared: &[Value]) -> bool {
    let spot = &world.phases[phase];
    let (then, now) = (world.then(spot), world.now());
    // What ran again, and whether it is the need itself.
    let mut ways: Vec<(bool, Value)> = Vec::new();
    for need in &spot.needs {
        let (had, has) = (then.basis(need), now.basis(need));
        for (name, token) in has {
            let again = had.get(name).filter(|had| had.seq != token.seq && token.is_as(had));
            if let Some(had) = again {
                let one = json!([name, had.output, token.output, token.event, token.seq]);
                ways.push((name == need, one));
            }
        }
    }
    let of_needs: Vec<_> = ways.iter().filter(|(is_need, _)| *is_need).map(|(_, one)| one.clone()).collect();
    let workflow = phase.split('/').next().unwrap_or_default();
    let found = compared.iter().map(|one| {
        let name = full(workflow, &string(&one["phase"]));
        json!([name, one["consumed"], one["found"], one["event"], one["seq"]])
    });
    let found: Vec<_> = found.collect();
    let is_need = |one: &&Value| spot.needs.iter().any(|need| *need == one[0]);
    let found_of_needs: Vec<_> = found.iter().filter(is_need).cloned().collect();
    found_of_needs == of_needs && found.iter().all(|one| ways.iter().any(|(_, way)| way == one))
}

/// Says what is wrong with the causes of a derived event, if anything is: each is earlier; those of its own batch, which
/// begins after the world `before`, are about the phase, a definition, or a phase that one of its needs is found through
/// or in, before or after; and the first one names the edge by which it came, unless it is about the phase itself.
pub fn miscaused(before: &World, world: &World, line: &Value) -> Option<String> {
    let phase = subject(line).expect("a phase");
    let needs = |of: &World| of.phases.get(&phase).map_or(Vec::new(), |spot| spot.needs.clone());
    let mut near = BTreeSet::from([phase.clone()]);
    for of in [before, world] {
        for need in of.phases.get(&phase).into_iter().flat_map(|spot| &spot.needs) {
            let is_there = of.phases.get(need).is_some_and(|spot| !spot.retired);
            near.extend(of.now().reach(need).into_iter().filter(|_| is_there).map(str::to_owned));
        }
    }
    let wrong = |what: &str| Some(format!("{what}: {line:#}"));
    let causes = list(&line["causes"]);
    for (number, cause) in causes.iter().enumerate() {
        let seq = cause["seq"].as_u64().expect("a number");
        if line["seq"].as_u64() <= Some(seq) {
            return wrong("a cause comes first");
        }
        let fact = &world.facts[seq as usize - 1];
        let is_own = fact.kind == "workflow_defined" || fact.phase.as_ref() == Some(&phase);
        let is_near = is_own || fact.phase.as_ref().is_some_and(|about| near.contains(about));
        if seq > before.head && !is_near {
            return wrong("a cause in the batch is near");
        }
        let workflow = string(&line["workflow"]);
        let edge = cause.get("edge").map(|edge| [0, 1].map(|end| full(&workflow, &string(&edge[end]))));
        let leads_here = |[from, to]: &[String; 2]| {
            *to == phase && [before, world].into_iter().any(|of| needs(of).contains(from))
        };
        if !edge.as_ref().map_or(number > 0 || is_own, leads_here) {
            return wrong("the first cause comes by an edge into the phase, and no edge is another");
        }
    }
    if causes.is_empty() { wrong("a derived event has a cause") } else { None }
}
