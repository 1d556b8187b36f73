//! One request for approval: what was asked, and how it was decided.

use serde::{Deserialize, Serialize};

use crate::model::{
    Actor, Amount, ApprovalDecided, ApprovalRequested, DecidedBy, EventId, Ground, PhaseId, PolicyRule,
    Recorded, Seq, Subject, Text, Timestamp, Verdict, WorkflowName,
};

/// One request, and how it was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Its event.
    pub request: EventId,
    /// Where that event is in the log.
    pub seq: Seq,
    /// When it took effect.
    pub at: Timestamp,
    /// Who asked.
    pub by: Actor,
    /// For which workflow.
    pub workflow: WorkflowName,
    /// For which of its phases; none for the workflow as a whole.
    pub phase: Option<PhaseId>,
    /// What was asked for.
    pub asked: ApprovalRequested,
    /// How it was decided; none while it waits for a person.
    pub decision: Option<Decision>,
    /// What taking back replaced last, where nobody decided since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<ReplacedDecision>,
}

/// How a request was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The event.
    pub event: EventId,
    /// Where it is in the log.
    pub seq: Seq,
    /// When it took effect.
    pub at: Timestamp,
    /// Who decided; for a policy, who asked.
    pub by: Actor,
    /// Yes or no.
    pub verdict: Verdict,
    /// What decided.
    pub decided_by: DecidedBy,
    /// Why.
    pub reason: Text,
    /// The rules of the policy that decided; none for a person.
    pub policy: Vec<Ground>,
    /// How long the request waited for a person, on the `at` axis.
    pub waited_seconds: Option<f64>,
}

/// What an event replaced of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplacedDecision {
    /// The place of the event.
    pub by: Seq,
    /// When it took effect.
    pub at: Timestamp,
    /// How the request was decided in front of it; none where it waited.
    pub was: Option<Decision>,
}

impl Approval {
    /// Reads a request out of its command's events, where they have one: it, and the policy's decision.
    pub fn of(events: &[Recorded]) -> Option<Approval> {
        let first = events.first()?;
        let mut approval = Approval::new(first, first.event.requested()?)?;
        for record in &events[1..] {
            if let Some((verdict, decided)) = record.event.decision() {
                approval.decision = Some(Decision::new(record, verdict, decided));
            }
        }
        Some(approval)
    }

    pub(super) fn new(record: &Recorded, asked: &ApprovalRequested) -> Option<Approval> {
        Some(Approval {
            request: record.id,
            seq: record.seq,
            at: record.at,
            by: Actor::clone(&record.by),
            workflow: record.subject.workflow()?.clone(),
            phase: record.subject.phase().cloned(),
            asked: asked.clone(),
            decision: None,
            replaced: None,
        })
    }

    pub(super) fn subject(&self) -> Subject {
        match &self.phase {
            Some(phase) => Subject::Phase(phase.clone()),
            None => Subject::Workflow(self.workflow.clone()),
        }
    }

    /// Returns the reason why the policy leaves it to a person, in words; none where the policy decided.
    pub fn open_question(&self) -> Option<String> {
        let asked = &self.asked;
        let grounds = &asked.needs_person;
        (!grounds.is_empty()).then(|| in_words(asked, grounds))
    }
}

impl Decision {
    pub(super) fn new(record: &Recorded, verdict: Verdict, decided: &ApprovalDecided) -> Self {
        Decision {
            event: record.id,
            seq: record.seq,
            at: record.at,
            by: Actor::clone(&record.by),
            verdict,
            decided_by: decided.decided_by,
            reason: decided.reason.clone(),
            policy: decided.policy.clone(),
            waited_seconds: decided.waited_seconds,
        }
    }
}

/// Says in words what some rules found.
pub(super) fn in_words(asked: &ApprovalRequested, grounds: &[Ground]) -> String {
    let ApprovalRequested { operation, estimate, items, .. } = asked;
    let words = |Ground { rule, threshold }: &Ground| {
        let limit = threshold.as_deref().unwrap_or_default();
        match rule {
            PolicyRule::RejectAbove | PolicyRule::RequireAbove => {
                format!("the estimate of {estimate} is above {limit} (`{rule}`)")
            }
            PolicyRule::Items => format!("{items} items are more than {limit} (`items`)"),
            PolicyRule::TwiceItems => format!("{items} items are more than {limit} (twice `items`)"),
            PolicyRule::HighImpact => format!("`{operation}` is listed as `{rule}`"),
            PolicyRule::AutoApproveBelow => {
                let below = limit.parse().is_ok_and(|limit: Amount| *estimate < limit);
                let is = if below { "is" } else { "is not" };
                format!("the estimate of {estimate} {is} below {limit} (`{rule}`)")
            }
        }
    };
    grounds.iter().map(words).collect::<Vec<_>>().join("; ")
}
