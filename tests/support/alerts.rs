//! What spending and limits force, worked out a second time: of each limit that an event may have taken spending over,
//! whether there is something to tell.

use serde_json::{Value, json};

use crate::oracle::{World, list, string, subject};

/// An event about a limit that must be there.
#[derive(Debug, Clone)]
pub struct Alert {
    kind: &'static str,
    /// The phase or the workflow.
    about: String,
    amounts: Vec<(&'static str, i128)>,
    causes: Vec<Because>,
}

/// What causes it, and as what.
#[derive(Debug, Clone)]
enum Because {
    Event(u64, &'static str),
    /// One of the other alerts, by its number.
    Alert(usize),
}

/// Returns what the events that a command asked for force. The world has those events in it already.
pub fn alerts(world: &World, given: &[Value]) -> Vec<Alert> {
    let mut alerts = Vec::new();
    given.iter().for_each(|line| alert(world, line, &mut alerts));
    alerts
}

fn alert(world: &World, line: &Value, alerts: &mut Vec<Alert>) {
    let seq = line["seq"].as_u64().expect("a number");
    let workflow = line["workflow"].as_str().unwrap_or_default().to_owned();
    let phase = subject(line);
    let (why, phases, whole) = match line["kind"].as_str() {
        Some("cost_recorded") => ("cost_recorded", phase.iter().cloned().collect(), true),
        Some("cost_limit_set") => {
            ("cost_limit_set", phase.iter().cloned().collect::<Vec<_>>(), phase.is_none())
        }
        Some("workflow_defined") => {
            let of_workflow = |name: &&String| name.split('/').next() == Some(&workflow);
            let phases = world.current().map(|(name, _)| name).filter(of_workflow).cloned();
            ("definition_changed", phases.collect(), true)
        }
        _ => return,
    };
    let purses = phases.iter().map(|name| (name, &world.phases[name].purse));
    let whole = whole.then(|| (&workflow, &world.purses[&workflow]));
    let mut exceeded = Vec::new();
    for (about, purse) in purses.chain(whole) {
        for (kind, amounts) in purse.untold() {
            if kind == "cost_limit_exceeded" {
                exceeded.push(Because::Alert(alerts.len()));
            }
            let causes = vec![Because::Event(seq, why)];
            alerts.push(Alert { kind, about: about.clone(), amounts, causes });
        }
    }
    let Some(about) = phase.filter(|_| why == "cost_recorded" && !exceeded.is_empty()) else { return };
    let spot = &world.phases[&about];
    if spot.state == "IN_PROGRESS" {
        exceeded.push(Because::Event(spot.started.expect("under way"), "phase_started"));
        alerts.push(Alert { kind: "phase_failed", about, amounts: Vec::new(), causes: exceeded });
    }
}

/// Says how events differ from the alerts that must be there.
pub fn differ(alerts: &[Alert], lines: &[&Value]) -> Option<String> {
    let place = |number: usize| lines.get(number).and_then(|line| line["seq"].as_u64());
    let wanted: Vec<Value> = alerts
        .iter()
        .map(|alert| {
            let cause = |because: &Because| match because {
                Because::Event(seq, kind) => json!([seq, kind]),
                Because::Alert(number) => json!([place(*number), "cost_limit_exceeded"]),
            };
            let causes: Vec<_> = alert.causes.iter().map(cause).collect();
            json!([alert.kind, alert.about, causes])
        })
        .collect();
    let found: Vec<Value> = lines
        .iter()
        .map(|line| {
            let about = subject(line).unwrap_or_else(|| string(&line["workflow"]));
            let causes: Vec<_> =
                list(&line["causes"]).iter().map(|cause| json!([cause["seq"], cause["kind"]])).collect();
            json!([line["kind"], about, causes])
        })
        .collect();
    let tells = alerts.iter().zip(lines).all(|(alert, line)| crate::money::tells(line, &alert.amounts));
    let same = wanted == found && tells;
    (!same).then(|| format!("expected {alerts:#?}\nfound {lines:#?}"))
}
