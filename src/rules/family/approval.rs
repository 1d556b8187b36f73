//! Approvals: what a policy decides at once, what a person may decide, and where each request stands.
//!
//! ```text
//!   ApprovalAsk ──decide──▶ approval_requested ──judge──▶ approval_granted | approval_rejected   (approval_policy/1)
//!                                   │
//!                                   └── waits ──ApprovalAnswer──▶ approval_granted | approval_rejected
//! ```
//!
//! The order of the policy's rules is in `docs/decisions/0011-approval-order.md`. Nothing but a decision ends a
//! request: neither a reset nor a new definition does.

use crate::model::{
    Actor, Amount, ApprovalAnswer, ApprovalAsk, ApprovalDecided, ApprovalPolicy, ApprovalRequested, Cause,
    CauseKind, CommandId, DecidedBy, EventId, EventRef, Ground, PolicyRule, Recorded, Seq, Subject, Text,
    Timestamp, Undone, Verdict,
};
use crate::rules::approval::{Approval, Decision, ReplacedDecision, in_words};
use crate::rules::draft::{Draft, root};
use crate::rules::happened::seconds;
use crate::rules::rejection::{ApprovalRejection, Rejection, RevertRejection};
use crate::rules::table::Table;
use crate::rules::touched::Changing;
use crate::rules::undoing::{Undoing, passed};

/// The rule by which a policy decides.
const RULE: &str = "approval_policy/1";

/// What a policy makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Judged {
    /// It decides.
    Decided(Verdict, Vec<Ground>),
    /// It leaves the decision to a person.
    Person(Vec<Ground>),
}

/// Judges a request. The first of these that applies decides: too much is rejected; what always needs a person
/// waits for one; what is cheap is granted; the rest waits.
fn judge(policy: &ApprovalPolicy, ask: &ApprovalAsk) -> Judged {
    let ground = |rule, threshold: Option<String>| Ground { rule, threshold };
    let above = |rule, threshold: Amount| {
        (ask.estimate > threshold).then(|| ground(rule, Some(threshold.to_string())))
    };
    let more = |rule, items: u64| (ask.items > items).then(|| ground(rule, Some(items.to_string())));
    let listed = policy.is_high_impact(&ask.operation).then(|| ground(PolicyRule::HighImpact, None));

    let too_much = [
        above(PolicyRule::RejectAbove, policy.reject_above()),
        more(PolicyRule::TwiceItems, policy.items_max()),
    ];
    let too_much: Vec<_> = too_much.into_iter().flatten().collect();
    if !too_much.is_empty() {
        return Judged::Decided(Verdict::Rejected, too_much);
    }
    let weighty = [
        listed,
        above(PolicyRule::RequireAbove, policy.require_above()),
        more(PolicyRule::Items, policy.items()),
    ];
    let weighty: Vec<_> = weighty.into_iter().flatten().collect();
    if !weighty.is_empty() {
        return Judged::Person(weighty);
    }
    let below = ask.auto_approve_below.unwrap_or_else(|| policy.auto_approve_below());
    let cheap = vec![ground(PolicyRule::AutoApproveBelow, Some(below.to_string()))];
    match ask.estimate < below {
        true => Judged::Decided(Verdict::Granted, cheap),
        false => Judged::Person(cheap),
    }
}

/// Decides on a request: it is recorded, with the policy's decision where there is one.
pub(in crate::rules) fn request(
    table: &Table,
    command: CommandId,
    ask: &ApprovalAsk,
) -> Result<Vec<Draft>, Rejection> {
    let (subject, workflow) = match &ask.phase {
        Some(phase) => {
            let id = &table.resolve(phase)?.id;
            (Subject::Phase(id.clone()), table.workflow(Some(&id.workflow))?)
        }
        None => {
            let workflow = table.workflow(ask.workflow.as_ref())?;
            (Subject::Workflow(workflow.name.clone()), workflow)
        }
    };
    let amounts = [("estimate", Some(ask.estimate)), ("auto_approve_below", ask.auto_approve_below)];
    for (what, amount) in amounts {
        if let Some(amount) = amount.filter(|amount| amount.is_negative()) {
            return Err(ApprovalRejection::NegativeAmount { what, amount }.into());
        }
    }
    let judged = judge(&workflow.approval, ask);
    let asked = ApprovalRequested {
        operation: ask.operation.clone(),
        estimate: ask.estimate,
        currency: workflow.currency.clone(),
        items: ask.items,
        impact: ask.impact.clone(),
        auto_approve_below: ask.auto_approve_below,
        needs_person: match &judged {
            Judged::Person(grounds) => grounds.clone(),
            Judged::Decided(..) => Vec::new(),
        },
        metadata: ask.metadata.clone(),
    };
    let decided = match judged {
        Judged::Person(_) => None,
        Judged::Decided(verdict, policy) => {
            let words = in_words(&asked, &policy);
            Some((verdict, policy, Text::cut(&words).expect("a rule found something")))
        }
    };
    let request = root(command.event(0), subject, asked);
    let decision = decided.map(|(verdict, policy, reason)| {
        let decided = ApprovalDecided {
            request: request.id,
            request_seq: table.head.plus(1),
            decided_by: DecidedBy::Policy,
            reason,
            policy,
            waited_seconds: None,
        };
        let decision = decision(command.event(1), request.subject.clone(), verdict, decided);
        Draft { rule: Some(RULE), ..decision }
    });
    Ok(std::iter::once(request).chain(decision).collect())
}

/// Decides on a person's decision.
pub(in crate::rules) fn answer(
    table: &Table,
    id: EventId,
    answer: &ApprovalAnswer,
    by: &Actor,
    at: Timestamp,
) -> Result<Draft, Rejection> {
    let Some(approval) = table.approvals.get(&answer.request) else {
        return Err(ApprovalRejection::UnknownApproval { request: answer.request }.into());
    };
    let request = EventRef { seq: approval.seq, id: approval.request };
    if let Some(decision) = &approval.decision {
        let decision = Box::new(decision.clone());
        return Err(ApprovalRejection::AlreadyDecided { request, decision }.into());
    }
    let policy = &table.known_workflow(&approval.workflow)?.approval;
    if answer.verdict == Verdict::Granted && policy.keeps_from(by, &approval.by) {
        let (by, asked) = (Box::new(by.clone()), Box::new(approval.by.clone()));
        return Err(ApprovalRejection::SelfApproval { request, by, asked }.into());
    }
    let decided = ApprovalDecided {
        request: approval.request,
        request_seq: approval.seq,
        decided_by: DecidedBy::Person,
        reason: answer.reason.clone(),
        policy: Vec::new(),
        waited_seconds: Some(seconds(at.since(approval.at))),
    };
    Ok(decision(id, approval.subject(), answer.verdict, decided))
}

/// Decides that a request which a person decided on waits again.
pub(in crate::rules) fn reopen(
    table: &Table,
    target: &Recorded,
    request: EventId,
) -> Result<Undoing, Rejection> {
    let decided =
        table.approvals.get(&request).and_then(|approval| Some((approval, approval.decision.as_ref()?)));
    match decided {
        Some((approval, decision)) if decision.event == target.id => used(table, approval, target)?,
        Some((_, decision)) => return Err(passed(target, Some(decision.seq))),
        None => return Err(passed(target, None)),
    }
    Ok(Undoing::of(Undone::Decision))
}

/// Decides that a decision holds again, or no longer, as before something was taken back.
pub(in crate::rules) fn reopen_of(table: &Table, target: &Recorded) -> Result<Undoing, Rejection> {
    let mut approvals = table.approvals.values();
    let replaced_by =
        |approval: &&Approval| approval.replaced.as_ref().is_some_and(|replaced| replaced.by == target.seq);
    let approval = approvals.find(replaced_by).ok_or_else(|| passed(target, None))?;
    if approval.decision.is_some() {
        used(table, approval, target)?;
    }
    Ok(Undoing::of(Undone::Decision))
}

/// Refuses where something was done since leave was given for it.
fn used(table: &Table, approval: &Approval, target: &Recorded) -> Result<(), Rejection> {
    let is_granted = approval.decision.as_ref().is_some_and(|decision| decision.verdict == Verdict::Granted);
    if !is_granted {
        return Ok(());
    }
    let phases = table.phases.values().filter(|phase| match &approval.phase {
        Some(id) => phase.id == *id,
        None => phase.id.workflow == approval.workflow,
    });
    let began = phases.flat_map(|phase| {
        let attempt = phase.state.attempt().map(|attempt| attempt.seq);
        let done = attempt.into_iter().chain(phase.paid.map(|paid| paid.seq));
        done.filter(|seq| *seq > target.seq).map(|seq| (seq, phase.id.clone()))
    });
    let by: Vec<_> = began.collect();
    match by.is_empty() {
        true => Ok(()),
        false => Err(RevertRejection::RestedOn { seq: target.seq, kind: target.event.kind(), by }.into()),
    }
}

/// The event of a decision: it is caused by the request, which is its root.
fn decision(id: EventId, subject: Subject, verdict: Verdict, decided: ApprovalDecided) -> Draft {
    let request = EventRef { seq: decided.request_seq, id: decided.request };
    let cause = Cause::new(request, CauseKind::ApprovalRequested);
    Draft { root: request.id, causes: vec![cause], ..root(id, subject, decided.event(verdict)) }
}

/// Applies a request.
pub(in crate::rules) fn requested(
    table: &mut Changing<'_>,
    record: &Recorded,
    asked: &ApprovalRequested,
) -> Result<(), String> {
    let approval = Approval::new(record, asked)
        .filter(|approval| table.table().workflows.contains_key(&approval.workflow))
        .ok_or_else(|| "it is about no workflow".to_owned())?;
    match table.put_approval(approval) {
        None => table.pass(record),
        Some(_) => Err(format!("the request {} is there already", record.id)),
    }
}

/// Applies a decision.
pub(in crate::rules) fn decided(
    table: &mut Changing<'_>,
    record: &Recorded,
    verdict: Verdict,
    decided: &ApprovalDecided,
) -> Result<(), String> {
    let request = decided.request;
    let approval = table.approval(request).ok_or_else(|| format!("there is no request {request}"))?;
    if let Some(before) = &approval.decision {
        return Err(format!("the request {request} was decided by event {}", before.seq));
    }
    if approval.seq != decided.request_seq || approval.subject() != record.subject {
        return Err(format!("the request {request} is event {}, about something else", approval.seq));
    }
    approval.decision = Some(Decision::new(record, verdict, decided));
    approval.replaced = None;
    table.pass_retired(record)
}

/// Applies that a decision is taken back, or holds again. `replaced_by` is what is taken back.
pub(in crate::rules) fn reopened(
    table: &mut Changing<'_>,
    record: &Recorded,
    replaced_by: Seq,
) -> Result<(), String> {
    let is_about = |approval: &&Approval| {
        let decision = approval.decision.as_ref().map(|decision| decision.seq);
        let replaced = approval.replaced.as_ref().map(|replaced| replaced.by);
        [decision, replaced].contains(&Some(replaced_by)) && approval.subject() == record.subject
    };
    let request = table.table().approvals.values().find(is_about).map(|approval| approval.request);
    let approval = request.and_then(|request| table.approval(request));
    let approval = approval.ok_or_else(|| format!("event {replaced_by} is no decision that stands"))?;
    let was = match approval.replaced.take() {
        Some(replaced) if replaced.by == replaced_by => {
            std::mem::replace(&mut approval.decision, replaced.was)
        }
        Some(_) | None => approval.decision.take(),
    };
    approval.replaced = Some(ReplacedDecision { by: record.seq, at: record.at, was });
    table.pass_retired(record)
}
