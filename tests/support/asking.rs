//! Approvals: random requests and decisions, policies, and what a policy must make of a request, read off the
//! table in docs/decisions/0011-approval-order.md in whole cents.

use phaseledger::model::{
    Action, Amount, ApprovalAnswer, ApprovalAsk, ApprovalPolicy, EventId, OperationName, PhaseRef,
    PolicyTerms, Verdict, WorkflowName,
};
use serde_json::Value;

use crate::make::{metadata, text};

/// Estimates at and beside every threshold of every policy.
pub const ESTIMATES: [&str; 12] =
    ["0", "0.01", "4.99", "5", "5.00", "5.01", "19.99", "20.00", "20.01", "50", "50.01", "1000000"];

/// Numbers of items at and beside every threshold.
pub const ITEMS: [u64; 8] = [0, 1, 2, 3, 10, 11, 20, 21];

/// Operations, of which some policies list the second.
pub const OPERATIONS: [&str; 2] = ["tidy", "delete_plan"];

/// Thresholds that a request brings along.
pub const OWN: [Option<&str>; 4] = [None, Some("0"), Some("5.01"), Some("1000")];

/// How many different policies there are.
pub const POLICIES: u8 = 4;

fn amount(text: &str) -> Amount {
    text.parse().expect("an amount")
}

/// Returns one of a few policies; the first one says nothing.
pub fn policy(which: u8) -> ApprovalPolicy {
    let delete = OperationName::new(OPERATIONS[1]).expect("a name");
    let terms = match which % POLICIES {
        0 => PolicyTerms::default(),
        1 => PolicyTerms { self_approval: Some(true), high_impact: vec![delete], ..PolicyTerms::default() },
        2 => PolicyTerms {
            auto_approve_below: Some(amount("0")),
            require_above: Some(amount("5.00")),
            items: Some(1),
            reject_above: Some(amount("20.00")),
            self_approval: Some(false),
            distinct_users: Some(true),
            high_impact: Vec::new(),
        },
        _ => {
            PolicyTerms { auto_approve_below: Some(amount("20")), items: Some(10), ..PolicyTerms::default() }
        }
    };
    ApprovalPolicy::new(terms).expect("in order")
}

/// Returns a request.
pub fn ask(
    workflow: Option<WorkflowName>,
    phase: Option<PhaseRef>,
    estimate: u8,
    items: u8,
    own: u8,
) -> Action {
    Action::ApprovalRequest(Box::new(ApprovalAsk {
        workflow,
        phase,
        operation: OperationName::new(OPERATIONS[usize::from(estimate) % 5 / 4]).expect("a name"),
        estimate: amount(ESTIMATES[usize::from(estimate) % ESTIMATES.len()]),
        items: ITEMS[usize::from(items) % ITEMS.len()],
        impact: (items > 2).then(|| text("it hurts")),
        auto_approve_below: OWN[usize::from(own) % OWN.len()].map(amount),
        metadata: metadata("ask", own),
    }))
}

/// Returns a decision on one of some requests, or on one that nobody made.
pub fn decide(asked: &[EventId], which: u8, grants: bool) -> Action {
    let request = match asked {
        [] => EventId::new(uuid::Uuid::from_u128(1)),
        asked => asked[usize::from(which) % asked.len()],
    };
    let verdict = if grants { Verdict::Granted } else { Verdict::Rejected };
    Action::ApprovalDecide(ApprovalAnswer { request, verdict, reason: text("so be it") })
}

/// Returns the kind of the event by which a policy, as a definition writes it, must decide on a request; none
/// where a person must.
pub fn verdict(policy: &Value, ask: &ApprovalAsk) -> Option<&'static str> {
    let threshold = |key: &str, default| policy[key].as_str().map_or(default, cents);
    let (estimate, own) = (cents(&ask.estimate.to_string()), ask.auto_approve_below);
    let auto = own.map_or_else(|| threshold("auto_approve_below", 500), |own| cents(&own.to_string()));
    let items = policy["items"].as_u64().unwrap_or(10);
    let listed = policy["high_impact"].as_array().into_iter().flatten();
    let table = [
        (estimate > threshold("reject_above", 5000), Some("approval_rejected")),
        (ask.items > 2 * items, Some("approval_rejected")),
        (listed.into_iter().any(|name| name == ask.operation.as_str()), None),
        (estimate > threshold("require_above", 2000), None),
        (ask.items > items, None),
        (estimate < auto, Some("approval_granted")),
    ];
    table.into_iter().find(|(applies, _)| *applies).and_then(|(_, kind)| kind)
}

fn cents(amount: &str) -> u64 {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let fraction: u64 = format!("{fraction:0<2}").parse().expect("two digits");
    whole.parse::<u64>().expect("digits") * 100 + fraction
}
