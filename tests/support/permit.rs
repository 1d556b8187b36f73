//! Which commands the table of transitions allows, and what each turns into before anything is derived.

use phaseledger::model::{Action, Again, Command, Definition, FileRole, PhaseRef, Verdict, action};
use serde_json::{Value, json};

use crate::asking;
use crate::judge::unmet;
use crate::money::units;
use crate::oracle::{Spot, World, full};

/// Returns the kind, phase, `from` and `to` of each event; none when the command must be refused. Says
/// nothing of definitions.
pub fn permit(world: &World, action: &Action) -> Option<Vec<Value>> {
    let phase = match action.phase() {
        Some(name) => Some(resolve(world, name)?),
        None => None,
    };
    let Some((name, spot)) = phase else { return permit_at_large(world, action) };
    let from = spot.state.as_str();
    let in_state = |states: &[&str]| states.contains(&from).then_some(());
    let event = |kind: &str, from: &str, to: &str| json!([kind, name, from, to]);
    let still = |kind: &str| Some(vec![json!([kind, name, null, null])]);
    Some(match action {
        Action::Start(action::Start { allow_unmet, again, over_limit, .. }) => {
            if over_limit.is_none() && is_over(world, name) {
                return None;
            }
            if !allow_unmet && !unmet(world, name).is_empty() {
                return None;
            }
            match again {
                None => {
                    in_state(&["PENDING", "NEEDS_RERUN", "FAILED"])?;
                    vec![event("phase_started", from, "IN_PROGRESS")]
                }
                Some(Again::Rerun(_)) if from == "COMPLETE" => vec![
                    event("rerun_marked", from, "NEEDS_RERUN"),
                    event("phase_started", "NEEDS_RERUN", "IN_PROGRESS"),
                ],
                Some(Again::Rerun(_)) => {
                    (from != "IN_PROGRESS").then_some(())?;
                    vec![event("phase_started", from, "IN_PROGRESS")]
                }
                Some(Again::TakeOver(_)) => {
                    in_state(&["IN_PROGRESS"])?;
                    vec![
                        event("phase_failed", from, "FAILED"),
                        event("phase_started", "FAILED", "IN_PROGRESS"),
                    ]
                }
            }
        }
        Action::Complete(_) => {
            in_state(&["IN_PROGRESS"])?;
            vec![event("phase_completed", from, "COMPLETE")]
        }
        Action::Fail(_) => {
            in_state(&["IN_PROGRESS"])?;
            vec![event("phase_failed", from, "FAILED")]
        }
        Action::Accept(_) => {
            in_state(&["NEEDS_RERUN", "FAILED"])?;
            let now = world.now();
            let is_stale = |need: &String| now.reach(need).iter().any(|above| world.phases[*above].stale);
            (!spot.needs.iter().any(is_stale)).then_some(())?;
            vec![event("phase_accepted", from, "COMPLETE")]
        }
        Action::Skip(_) => {
            in_state(&["PENDING", "FAILED", "NEEDS_RERUN"])?;
            vec![event("phase_skipped", from, "PENDING")]
        }
        Action::Rerun(action::Rerun { withdraw: true, .. }) => {
            in_state(&["NEEDS_RERUN"])?;
            (!spot.persons.is_empty()).then_some(())?;
            vec![event("rerun_withdrawn", from, from)]
        }
        Action::Rerun(_) => {
            in_state(&["COMPLETE", "NEEDS_RERUN"])?;
            let kind = if spot.stale { "rerun_cause_added" } else { "rerun_marked" };
            vec![event(kind, from, "NEEDS_RERUN")]
        }
        Action::FilesChanged(action::FilesChanged { role, changes, .. }) => {
            let changes = serde_json::to_value(changes).expect("texts");
            let is_input = *role == FileRole::Inputs;
            match from {
                _ if changes == spot.told(if is_input { "input" } else { "output" }) => Vec::new(),
                "IN_PROGRESS" | "NEEDS_RERUN" if changes == json!([]) => {
                    vec![event("rerun_withdrawn", from, from)]
                }
                "COMPLETE" => vec![event("rerun_marked", from, "NEEDS_RERUN")],
                "IN_PROGRESS" if is_input => vec![event("rerun_deferred", from, from)],
                "NEEDS_RERUN" => vec![event("rerun_cause_added", from, from)],
                _ => Vec::new(),
            }
        }
        Action::Reset(_) => vec![event("phase_reset", from, "PENDING")],
        Action::Cost(action::Cost { amount, currency, refund, .. }) => {
            let amount = units(&amount.to_string());
            let own = if name.starts_with("x/") { Some("USD") } else { None };
            let fits = currency.is_none() || currency.as_deref() == own;
            let may = fits && *refund == (amount < 0) && spot.purse.spent + amount >= 0;
            return if may { still("cost_recorded") } else { None };
        }
        Action::CostLimit(action::CostLimit { limit, .. }) => {
            // A limit is one of a currency.
            let may = limit.is_none_or(|limit| units(&limit.to_string()) >= 0 && name.starts_with("x/"));
            return if may { still("cost_limit_set") } else { None };
        }
        Action::Meta(_) => return still("metadata_recorded"),
        Action::Note(_) => return still("note_added"),
        other => panic!("`{}` is about no phase", other.verb()),
    })
}

/// As [`permit`], for what is about no phase.
fn permit_at_large(world: &World, action: &Action) -> Option<Vec<Value>> {
    match action {
        Action::Retire(action::Retire { workflow, .. }) => {
            let may = world.is_in_force(workflow.as_str()) && may_retire(world, workflow.as_str());
            may.then(|| vec![json!(["workflow_retired", null, null, null])])
        }
        Action::Note(_) => Some(vec![json!(["note_added", null, null, null])]),
        Action::Tag(action::Tag { name, seq, force }) => {
            let (place, is_at) = (seq.map_or(world.head, |seq| seq.number()), world.tags.get(name.as_str()));
            match is_at {
                _ if place > world.head => None,
                Some(at) if *at == place => Some(Vec::new()),
                Some(_) if !force => None,
                _ => Some(vec![json!(["tag_set", null, null, null])]),
            }
        }
        Action::Untag(action::Untag { name, .. }) => {
            let is_there = world.tags.contains_key(name.as_str());
            is_there.then(|| vec![json!(["tag_removed", null, null, null])])
        }
        Action::ResetAll(action::ResetAll { workflow, .. }) => {
            let workflow = workflow.as_ref().expect("plans name it").as_str();
            world.is_in_force(workflow).then_some(())?;
            let of_workflow = |name: &str| name.split('/').next() == Some(workflow);
            let phases = world.current().filter(|(name, _)| of_workflow(name));
            let mut resets: Vec<_> =
                phases.map(|(name, spot)| json!(["phase_reset", name, spot.state, "PENDING"])).collect();
            resets.insert(0, json!(["phase_reset", null, null, null]));
            Some(resets)
        }
        Action::CostLimit(action::CostLimit { limit, workflow, .. }) => {
            let is_in_force = world.is_in_force(workflow.as_ref().expect("plans name it").as_str());
            let is_of_currency = workflow.as_ref().is_some_and(|name| name.as_str() == "x");
            let may =
                is_in_force && limit.is_none_or(|limit| units(&limit.to_string()) >= 0 && is_of_currency);
            may.then(|| vec![json!(["cost_limit_set", null, null, null])])
        }
        other => panic!("nothing is said of `{}`", other.verb()),
    }
}

/// Says whether more was spent than a phase, or its workflow, may cost.
pub fn is_over(world: &World, phase: &str) -> bool {
    let workflow = phase.split('/').next().unwrap_or_default();
    world.phases[phase].purse.level() == 2 || world.purses[workflow].level() == 2
}

/// Says whether a definition fits the other workflows: it needs what they have, and drops nothing that they
/// need. (Plans have no cycles.)
pub fn may_define(world: &World, definition: &Definition, renamed: &[(String, String)]) -> bool {
    let workflow = definition.name().as_str();
    let own = |name: &str| name.split('/').next() == Some(workflow);
    let kept = |name: &str| definition.phases().iter().any(|phase| full(workflow, phase.id.as_str()) == name);
    let there = |name: &str| world.current().any(|(found, _)| found == name);
    let needs = definition.phases().iter().flat_map(|phase| &phase.needs);
    let needs_what_is_there = needs
        .map(|need| full(workflow, &need.to_string()))
        .all(|need| own(&need) || there(&world.meant(need)));
    let elsewhere = world.current().filter(|(name, _)| !own(name));
    let needed = elsewhere.flat_map(|(_, spot)| &spot.needs).filter(|need| own(need));
    let now = |need: &String| renamed.iter().find(|(from, _)| from == need).map(|(_, to)| to.clone());
    needs_what_is_there && needed.into_iter().all(|need| kept(&now(need).unwrap_or_else(|| need.clone())))
}

/// Says whether a workflow may retire: nobody else needs its phases.
pub fn may_retire(world: &World, workflow: &str) -> bool {
    let own = |name: &str| name.split('/').next() == Some(workflow);
    let elsewhere = world.current().filter(|(name, _)| !own(name));
    !elsewhere.flat_map(|(_, spot)| &spot.needs).any(|need| own(need))
}

/// As [`permit`], for what is about an approval; without the states, which it leaves alone.
pub fn permit_approval(world: &World, command: &Command) -> Option<Vec<Value>> {
    let (kinds, subject) = match &command.action {
        Action::ApprovalRequest(ask) => {
            let phase = match &ask.phase {
                Some(phase) => Some(resolve(world, phase)?.0.clone()),
                None => None,
            };
            let of_phase = phase.as_deref().and_then(|phase| phase.split('/').next());
            let workflow =
                of_phase.or(ask.workflow.as_ref().map(|name| name.as_str())).expect("plans name it");
            world.is_in_force(workflow).then_some(())?;
            let verdict = asking::verdict(&world.policies[workflow], ask);
            (std::iter::once("approval_requested").chain(verdict).collect(), phase)
        }
        Action::ApprovalDecide(answer) => {
            let request = world.requests.get(&answer.request.to_string())?;
            let own =
                world.policies[&request.workflow]["self_approval"] == true || request.by != command.by.name;
            let kind = match answer.verdict {
                Verdict::Granted if !own => return None,
                Verdict::Granted => "approval_granted",
                Verdict::Rejected => "approval_rejected",
            };
            if request.decision.is_some() {
                return None;
            }
            (vec![kind], request.phase.clone())
        }
        other => panic!("`{}` is about no approval", other.verb()),
    };
    Some(kinds.into_iter().map(|kind| json!([kind, subject])).collect())
}

fn resolve<'a>(world: &'a World, name: &PhaseRef) -> Option<(&'a String, &'a Spot)> {
    let wanted = name.to_string();
    let is_it = |full: &str| full == wanted || full.split('/').nth(1) == Some(&wanted);
    let mut found = world.current().filter(|(full, _)| is_it(full));
    let only = found.next()?;
    found.next().is_none().then_some(only)
}
