//! Approvals: what a policy decides, and that nothing decides twice.

use phaseledger::ledger::{Ledger, LedgerError};
use phaseledger::model::{
    Action, ApprovalAsk, Command, CommandId, Definition, Event, EventId, OperationName, PhaseName, Recorded,
    Seq, Subject, Verdict, WorkflowName, action,
};
use phaseledger::rules::{Approval, ApprovalRejection, Rejection, Table, evolve};
use uuid::Uuid;

use crate::asking::{ESTIMATES, ITEMS, OPERATIONS, OWN, POLICIES, decide, policy, verdict};
use crate::make::{command, phase, time};
use crate::play::Shared;

fn id(number: u128) -> CommandId {
    CommandId::new(Uuid::from_u128(number + 1))
}

fn define(ledger: &mut Ledger, which: u8, phases: &[&str]) {
    let phases = phases.iter().map(|id| phase(PhaseName::new(id).expect("a name"), Vec::new(), 1));
    let definition = Definition::new(WorkflowName::new("w").expect("a name"), phases.collect());
    let definition = Box::new(definition.expect("no cycle").approved_by(policy(which)));
    let define = command(id(900_000 + u128::from(which)), Action::Define(action::Define { definition }));
    ledger.submit(&define, time(0)).expect("legal");
}

fn asks() -> Vec<ApprovalAsk> {
    let mut asks = Vec::new();
    for (estimate, items) in ESTIMATES.iter().flat_map(|one| ITEMS.iter().map(move |items| (one, *items))) {
        for (operation, own) in OPERATIONS.iter().flat_map(|one| OWN.iter().map(move |own| (one, *own))) {
            asks.push(ApprovalAsk {
                workflow: None,
                phase: None,
                operation: OperationName::new(operation).expect("a name"),
                estimate: estimate.parse().expect("an amount"),
                items,
                impact: None,
                auto_approve_below: own.map(|own| own.parse().expect("an amount")),
                metadata: Default::default(),
            });
        }
    }
    asks
}

/// Every policy decides on every request as the table says, at once or not at all; and says by which rules.
#[test]
fn a_policy_decides_as_its_table_says() {
    for which in 0..POLICIES {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        define(&mut ledger, which, &["a"]);
        let terms = shared.json(Seq::ZERO)[0]["data"]["definition"]["approval"].clone();
        let mut session = ledger.session().expect("memory");
        for (number, ask) in asks().into_iter().enumerate() {
            let expected = verdict(&terms, &ask);
            let told = format!("{terms} on {ask:?}");
            let asked = command(id(number as u128), Action::ApprovalRequest(Box::new(ask)));
            let answer = session.stage(&asked, time(1)).expect("legal");
            let found: Vec<_> = answer.events[1..].iter().map(|record| record.event.kind()).collect();
            assert_eq!(found, Vec::from_iter(expected), "{told}");
            let approval = Approval::of(&answer.events).expect("a request");
            assert_eq!(session.table().approvals.get(&approval.request), Some(&approval));
            assert_eq!(approval.asked.needs_person.is_empty(), approval.decision.is_some(), "{told}");
            if let Some(decision) = &approval.decision {
                assert!(!decision.policy.is_empty() && decision.waited_seconds.is_none(), "{told}");
            }
        }
    }
}

/// A request that waits, for the phase `a` of a workflow of which definitions say what they like.
fn waiting(ledger: &mut Ledger) -> EventId {
    define(ledger, 0, &["a", "b"]);
    let mut ask =
        asks().into_iter().find(|ask| ask.estimate.to_string() == "5.01" && ask.items == 1).expect("one");
    ask.phase = Some("a".parse().expect("a name"));
    let asked = command(id(1), Action::ApprovalRequest(Box::new(ask)));
    let answer = ledger.submit(&asked, time(1)).expect("legal");
    assert_eq!(answer.events.len(), 1, "it waits");
    answer.events[0].id
}

fn by_bob(number: u128, request: EventId, grants: bool) -> Command {
    let mut command = command(id(number), decide(&[request], 0, grants));
    command.by.name = "bob".to_owned();
    command
}

/// Neither a reset nor a definition that drops the phase ends a request, and the policy in force when it is
/// decided says who may.
#[test]
fn a_request_outlives_its_phase() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let request = waiting(&mut ledger);
    let own = command(id(2), decide(&[request], 0, true));
    let refused = ledger.submit(&own, time(2)).expect_err("her own");
    assert!(
        matches!(refused, LedgerError::Rejected(Rejection::Approval(ApprovalRejection::SelfApproval { .. }))),
        "{refused}"
    );
    define(&mut ledger, 1, &["b"]);
    let answer = ledger.submit(&own, time(5_000_001)).expect("the new definition allows it");
    let Event::ApprovalGranted(decided) = &answer.events[0].event else { panic!("{:?}", answer.events) };
    assert_eq!(decided.waited_seconds, Some(5.0));
    let table = ledger.table().expect("rows");
    assert_eq!(ledger.table_at(table.head).expect("lines"), table);
    assert_eq!(table.approvals[&request].decision.as_ref().map(|one| one.verdict), Some(Verdict::Granted));
    let verified = ledger.verify(false, |_| {}).expect("memory").expect("whole");
    assert!(verified.rows_match);
}

/// What is decided is decided: by a rule that refuses, and by a fold that takes no second decision, none about
/// what nobody asked, and none about something else.
#[test]
fn nothing_is_decided_twice() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let request = waiting(&mut ledger);
    ledger.submit(&by_bob(3, request, false), time(2)).expect("legal");
    for grants in [false, true] {
        let refused = ledger.submit(&by_bob(4, request, grants), time(3)).expect_err("decided");
        assert!(
            matches!(
                refused,
                LedgerError::Rejected(Rejection::Approval(ApprovalRejection::AlreadyDecided { .. }))
            ),
            "{refused}"
        );
    }
    let refused =
        ledger.submit(&by_bob(5, EventId::new(Uuid::from_u128(7)), true), time(3)).expect_err("unknown");
    assert!(
        matches!(
            refused,
            LedgerError::Rejected(Rejection::Approval(ApprovalRejection::UnknownApproval { .. }))
        ),
        "{refused}"
    );

    let records: Vec<Recorded> =
        shared.lines().iter().map(|line| Recorded::from_line(line).expect("a line")).collect();
    let mut table = Table::default();
    for record in &records[..2] {
        evolve(&mut table, record).expect("follows");
    }
    let decision = records[2].clone();
    let elsewhere = Subject::Workflow(WorkflowName::new("w").expect("a name"));
    let about_else = Recorded { subject: elsewhere, ..decision.clone() };
    assert!(evolve(&mut table.clone(), &about_else).is_err(), "about something else");
    let mut unasked = table.clone();
    unasked.approvals.clear();
    assert!(evolve(&mut unasked, &decision).is_err(), "about what nobody asked");
    evolve(&mut table, &decision).expect("follows");
    let again = Recorded { seq: decision.seq.plus(1), ..decision };
    assert!(evolve(&mut table, &again).is_err(), "a second decision");
}
