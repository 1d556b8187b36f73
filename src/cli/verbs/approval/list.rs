//! `approval list`: what leave was asked for, and how it was decided.

use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use phaseledger::ask;
use phaseledger::model::{PhaseRef, WorkflowName, escape};
use phaseledger::query::{ApprovalStatus, ApprovalSummary, ApprovalView};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::columns::Column;
use crate::cli::ui::render::{self, Naming};
use crate::cli::verbs::{asking, status};

// Options of `approval list`.
#[derive(clap::Args)]
#[command(
    after_help = "In JSON (`approvals/1`): `summary`, how many of those listed stand where, and `approvals`, in the \
    order of the requests. `status` is PENDING, or GRANTED or REJECTED by a person, or AUTO_GRANTED or AUTO_REJECTED by \
    the policy; `decision` says who, when and why; `needs_person` and `policy` hold the rules that had a say."
)]
pub struct Args {
    /// Only those that nobody has decided yet
    #[arg(long, conflicts_with = "decided")]
    pending: bool,
    /// Only those that are decided
    #[arg(long)]
    decided: bool,
    /// Only those for this workflow and its phases
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    /// Only those for this phase: `phase`, or `workflow/phase`
    #[arg(long)]
    phase: Option<PhaseRef>,
    #[command(flatten)]
    asking: asking::Args,
}

const COLUMNS: &[Column] = &[
    Column { header: "request", yields: 0 },
    Column { header: "status", yields: 0 },
    Column { header: "operation", yields: 0 },
    Column { header: "estimate", yields: 0 },
    Column { header: "items", yields: 2 },
    Column { header: "for", yields: 3 },
    Column { header: "asked by", yields: 1 },
    Column { header: "at", yields: 4 },
    Column { header: "decided by", yields: 1 },
    Column { header: "note", yields: 0 },
];

/// Lists requests.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let question = ask::Approvals {
        workflow: args.workflow.clone(),
        phase: args.phase.clone(),
        decided: (args.pending || args.decided).then_some(args.decided),
    };
    let answered = args.asking.ask(&question, context)?;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(ExitCode::SUCCESS);
    }
    let approvals = answered.view.list();
    let naming = Naming::among(answered.view.table.workflows.len());
    let row = |approval: &ApprovalView<'_>| row(approval, naming, context);
    let rows: Vec<_> = approvals.approvals.iter().map(row).collect();
    let mut out = output::stdout();
    status::show(&mut out, COLUMNS, &rows)?;
    let gap = if rows.is_empty() { "" } else { "\n" };
    writeln!(out, "{gap}{}", summary(&approvals.summary))?;
    Ok(ExitCode::SUCCESS)
}

fn row(approval: &ApprovalView<'_>, naming: Naming, context: &Context) -> Vec<String> {
    let style = style(approval.status);
    let decision = approval.decision.as_ref();
    let subject = match approval.phase_id() {
        Some(id) => render::phase(&id, naming),
        None => approval.workflow.to_string(),
    };
    let note = match decision {
        Some(decision) => render::one_line(decision.reason.as_str()),
        None => escape(approval.needs_person_because.as_deref().unwrap_or_default()),
    };
    vec![
        format!("e{}", approval.seq),
        format!("{style}{}{style:#}", approval.status),
        escape(approval.operation.as_str()),
        approval.estimate.of(approval.currency).to_string(),
        approval.items.to_string(),
        subject,
        escape(approval.requested_by),
        render::time(approval.requested_at, context.zone, false),
        decision.map_or_else(String::new, |decision| decision.by.map_or("policy".to_owned(), escape)),
        status::fit(&note),
    ]
}

const fn style(status: ApprovalStatus) -> Style {
    match status {
        ApprovalStatus::Pending => AnsiColor::Yellow.on_default(),
        ApprovalStatus::Granted | ApprovalStatus::AutoGranted => AnsiColor::Green.on_default(),
        ApprovalStatus::Rejected | ApprovalStatus::AutoRejected => AnsiColor::Red.on_default(),
    }
}

fn summary(summary: &ApprovalSummary) -> String {
    let ApprovalSummary { pending, granted, rejected, total } = *summary;
    if total == 0 {
        return "no requests".to_owned();
    }
    let counts = [(pending, "pending"), (granted, "granted"), (rejected, "rejected")];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("{}: {}", render::count(total, "request", "requests"), counts.join(", "))
}
