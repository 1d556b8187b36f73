//! What a start, and a skip in its place, must say, worked out a second time: what it builds on, why it must run again
//! although it has just begun, and what it answers.

use phaseledger::model::Digest;
use serde_json::{Value, json};

use crate::judge::{Basis, View, judge, unmet};
use crate::oracle::{Origin, Token, World, list, subject};
use crate::permit::is_over;
use crate::roots::answered;

/// How many completions a start lists for a need.
const LISTED_MAX: usize = 64;

/// Checks what a start says. `before` is the world before its command, `world` has all that the command asked for.
pub fn check_start(before: &World, world: &World, line: &Value) {
    let (data, phase) = (&line["data"], subject(line).expect("a phase"));
    let (consumed, looked_through) = builds_on(before.now(), &phase);
    assert_eq!(data["consumed"].as_array().cloned().unwrap_or_default(), consumed, "{line:#}");
    assert_eq!(data["looked_through"].as_array().cloned().unwrap_or_default(), looked_through, "{line:#}");
    let unmet = unmet(before, &phase);
    assert_eq!(data["dependencies_met"], unmet.is_empty());
    assert_eq!(list(&data["unmet"]), unmet.into_iter().map(Value::from).collect::<Vec<_>>());
    assert_eq!(data.get("over_limit").is_some(), is_over(before, &phase));
    let version = Some(before.phases[&phase].version.clone()).filter(|version| !version.is_null());
    assert_eq!(data.get("version"), version.as_ref(), "{line:#}");
    let judged = judge(world);
    let reasons = judged.get(&phase).into_iter().flatten();
    let workflow = phase.split('/').next().unwrap_or_default();
    let reasons: Vec<_> = reasons.map(|reason| reason.json(workflow)).collect();
    assert_eq!(list(&data["reasons"]), reasons, "a start says why it is stale already: {line:#}");
    check_causes(before, line, &phase);
}

/// Checks that an acceptance builds on what is there, and answers what a start in its place would have answered.
pub fn check_acceptance(before: &World, line: &Value) {
    let (data, phase) = (&line["data"], subject(line).expect("a phase"));
    let (consumed, looked_through) = builds_on(before.now(), &phase);
    assert_eq!(list(&data["consumed"]), consumed, "{line:#}");
    assert_eq!(list(&data["looked_through"]), looked_through, "{line:#}");
    let version = Some(before.phases[&phase].version.clone()).filter(|version| !version.is_null());
    assert_eq!(data.get("version"), version.as_ref(), "{line:#}");
    check_causes(before, line, &phase);
}

/// A start of what the same command marked, or failed, is caused by that; any other by what it answers.
fn check_causes(before: &World, line: &Value, phase: &str) {
    let causes: Vec<_> = list(&line["causes"]).iter().map(told).collect();
    assert!(list(&line["causes"]).iter().all(|cause| cause.get("edge").is_none()), "{line:#}");
    if line["rule"] == "start_again/1" {
        let kind = if line["from"] == "FAILED" { "same_command" } else { "rerun_marked" };
        assert_eq!(causes, [json!([before.head + 1, kind])], "{line:#}");
    } else {
        assert_eq!(causes, origins(&answered(before, phase)), "{line:#}");
    }
}

/// Checks that a skip keeps what a start in its place would have answered.
pub fn check_skip(before: &World, line: &Value) {
    let phase = subject(line).expect("a phase");
    let behind: Vec<_> = list(&line["data"]["behind"]).iter().map(told).collect();
    assert_eq!(behind, origins(&answered(before, &phase)), "{line:#}");
    assert!(list(&line["causes"]).is_empty(), "a skip is a root: {line:#}");
}

fn told(one: &Value) -> Value {
    json!([one["seq"], one["kind"]])
}

fn origins(origins: &[Origin]) -> Vec<Value> {
    origins.iter().map(|origin| json!([origin.seq, origin.kind])).collect()
}

/// Returns what a start says of the needs that stand or are skipped, and of those that are looked through.
pub fn builds_on(view: View<'_>, phase: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut consumed, mut looked_through) = (Vec::new(), Vec::new());
    for need in view.needs(phase) {
        let spot = &view.world.phases[need];
        if let Some(token) = view.token(need) {
            consumed.push(completion(need, token));
            continue;
        }
        if spot.skipped {
            let seq = spot.moved.expect("it was skipped");
            let event = &view.world.facts[seq as usize - 1].event;
            consumed.push(json!({"phase": need, "event": event, "seq": seq}));
        }
        looked_through.push(through(need, &view.basis(need)));
    }
    (consumed, looked_through)
}

fn completion(phase: &str, token: &Token) -> Value {
    let mut one = json!({"phase": phase, "event": token.event, "seq": token.seq});
    if let Some(output) = &token.output {
        one["output"] = json!(output);
    }
    one
}

fn through(need: &str, basis: &Basis<'_>) -> Value {
    let mut one = json!({"need": need});
    if basis.len() > LISTED_MAX {
        let line = |(name, token): (&&str, &&Token)| {
            format!("{name} {}\n", token.output.as_ref().unwrap_or(&token.event))
        };
        let digest = Digest::sha256(basis.iter().map(line).collect::<String>().as_bytes());
        one["many"] = json!({"count": basis.len(), "digest": digest.to_string()});
    } else if !basis.is_empty() {
        let found: Vec<_> = basis.iter().map(|(name, token)| completion(name, token)).collect();
        one["found"] = json!(found);
    }
    one
}
