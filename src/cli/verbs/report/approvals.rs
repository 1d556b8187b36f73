//! The report's section on approvals: what waits for a person first, then every request in its order.

use phaseledger::query::{ApprovalStatus, ApprovalSummary, ApprovalView, WorkflowReport};

use super::style::{Style, heading, start};
use super::syntax::{Align, code, folded, table, text};
use crate::cli::ui::render;

const COLUMNS: [(&str, Align); 9] = [
    ("Request", Align::Right),
    ("Status", Align::Left),
    ("Operation", Align::Left),
    ("Estimate", Align::Right),
    ("Items", Align::Right),
    ("For", Align::Left),
    ("Asked", Align::Left),
    ("Decided", Align::Left),
    ("Why", Align::Left),
];

/// Writes the section; nothing where nobody asked for anything.
pub fn push(document: &mut String, workflow: &WorkflowReport<'_>, level: usize, style: &Style<'_>) {
    let approvals = &workflow.approvals;
    if approvals.is_empty() {
        return;
    }
    let ApprovalSummary { pending, granted, rejected, .. } = ApprovalSummary::new(approvals);
    document.push_str(&heading(level, "Approvals"));
    let waits = if pending == 1 { "waits" } else { "wait" };
    document
        .push_str(&format!("{pending} {waits} for a person, {granted} granted, {rejected} rejected.\n\n"));
    let rows: Vec<_> = approvals.iter().map(|approval| row(approval, style)).collect();
    let part = table(&COLUMNS, &rows);
    document.push_str(&folded(rows.len(), &render::count(rows.len(), "request", "requests"), &part));
}

fn row(approval: &ApprovalView<'_>, style: &Style<'_>) -> Vec<String> {
    let status = match approval.status {
        ApprovalStatus::Pending => "**PENDING**".to_owned(),
        status @ (ApprovalStatus::Granted
        | ApprovalStatus::Rejected
        | ApprovalStatus::AutoGranted
        | ApprovalStatus::AutoRejected) => status.to_string(),
    };
    let decision = approval.decision.as_ref();
    let decided = decision.map_or_else(String::new, |decision| {
        let by = decision.by.map_or_else(|| "the policy".to_owned(), code);
        format!("{}, {by}, event {}", style.time(Some(decision.at)), decision.seq)
    });
    let why = match decision {
        Some(decision) => decision.reason.as_str(),
        None => approval.needs_person_because.as_deref().unwrap_or_default(),
    };
    vec![
        approval.seq.to_string(),
        status,
        code(approval.operation.as_str()),
        text(&approval.estimate.of(approval.currency).to_string()),
        approval.items.to_string(),
        approval.phase_id().map_or_else(|| "the workflow".to_owned(), |id| style.phase(&id)),
        format!("{}, {}", style.time(Some(approval.requested_at)), code(approval.requested_by)),
        decided,
        text(&start(why)),
    ]
}
