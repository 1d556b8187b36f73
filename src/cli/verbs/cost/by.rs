//! `cost by`: what was spent by phase, model, operation, root cause or day, over any part of the log.

use std::io::Write;
use std::process::ExitCode;

use phaseledger::ask::{self, CostKey};
use phaseledger::model::{WorkflowName, Zone, escape};
use phaseledger::query::{CostGroup, CostGroups, CostRoot};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::columns::Column;
use crate::cli::ui::render;
use crate::cli::verbs::{asking, status};

// Options of `cost by`.
#[derive(clap::Args)]
#[command(after_help = "RANGE is `WHEN..WHEN`, as for `log`: `e5..e9` is what follows e5, up to e9, and \
    `2025-10-29..2025-10-30` is that day. A day is one of the `--tz` zone, by when the cost took effect.\n\n\
    A cost belongs to the attempt it was spent in, and that attempt to the event at the far end of its causes: the \
    edit, the mark or the reset that made it run again, or for a first run its own start. So `root-cause` tells what \
    an edit cost. What was spent outside any attempt has none.\n\n\
    In JSON (`cost-by/1`): `by`, `range`, `total` by currency, and `groups`, each with `key`, `spent`, `records`, and \
    for root causes `root`.")]
pub struct Args {
    /// What costs are grouped by
    #[arg(value_enum)]
    by: By,
    /// Which part of the log [default: all of it]
    range: Option<String>,
    /// Only costs of this workflow
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    #[command(flatten)]
    asking: asking::Args,
}

/// What costs are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// The phase it was spent on
    Phase,
    /// The model that was paid for
    Model,
    /// What was done for it
    Operation,
    /// The event that made it be spent
    RootCause,
    /// The day
    Day,
}

impl By {
    fn key(self) -> CostKey {
        match self {
            By::Phase => CostKey::Phase,
            By::Model => CostKey::Model,
            By::Operation => CostKey::Operation,
            By::RootCause => CostKey::RootCause,
            By::Day => CostKey::Day,
        }
    }
}

const COLUMNS: &[Column] = &[
    Column { header: "spent", yields: 0 },
    Column { header: "records", yields: 1 },
    Column { header: "phases", yields: 2 },
    Column { header: "events", yields: 3 },
    Column { header: "on", yields: 0 },
];

/// Tells what was spent.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let range = args.range.as_deref().map(|text| asking::parse_range(text, context)).transpose()?;
    let is_ranged = range.is_some();
    let question =
        ask::CostsBy { by: args.by.key(), range, workflow: args.workflow.clone(), zone: context.zone };
    let answered = args.asking.ask_long(&question, "reading the costs", context)?;
    let range = answered.view.range;
    if is_ranged && !range.is_empty() && !context.json {
        output::talk(format_args!("the range is e{} to e{}", range.after.plus(1), range.through));
    }
    match context.json {
        true => asking::write_json(&answered)?,
        false => tell(args.by, &answered.view.groups, context.zone)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(by: By, groups: &CostGroups, zone: Zone) -> Result<(), Failure> {
    let mut out = output::stdout();
    if groups.groups.is_empty() {
        writeln!(out, "nothing was spent")?;
        return Ok(());
    }
    let row = |group: &CostGroup| {
        let on = match (&group.root, &group.key) {
            (Some(root), _) => cause(root, zone),
            (None, Some(key)) => escape(key),
            (None, None) => match by {
                By::Model => "no model".to_owned(),
                By::Operation => "no operation".to_owned(),
                By::RootCause => "outside any attempt".to_owned(),
                By::Phase | By::Day => String::new(),
            },
        };
        let events = match group.first_seq == group.last_seq {
            true => format!("e{}", group.first_seq),
            false => format!("e{} to e{}", group.first_seq, group.last_seq),
        };
        let phases = if by == By::Phase { String::new() } else { group.phases.to_string() };
        vec![group.spent.of(&group.currency).to_string(), group.records.to_string(), phases, events, on]
    };
    status::show(&mut out, COLUMNS, &groups.groups.iter().map(row).collect::<Vec<_>>())?;
    writeln!(out)?;
    for total in &groups.total {
        let records =
            render::count(usize::try_from(total.records).unwrap_or(usize::MAX), "record", "records");
        writeln!(out, "{} in all, {records}", total.spent.of(&total.currency))?;
    }
    Ok(())
}

/// Says which event it is that costs go back to: what, who, when and why.
fn cause(root: &CostRoot, zone: Zone) -> String {
    let phase = root.phase.as_ref().map_or_else(String::new, ToString::to_string);
    let workflow = root.workflow.as_ref().map_or_else(String::new, ToString::to_string);
    let what = match (root.kind, root.attempt) {
        ("phase_started", Some(1)) => format!("first run of {phase}"),
        ("phase_started", Some(attempt)) => format!("run {attempt} of {phase}, started anew"),
        ("phase_failed", Some(attempt)) => format!("giving up run {attempt} of {phase}"),
        ("phase_completed", Some(attempt)) => format!("completion of {phase}, run {attempt}"),
        ("rerun_marked", _) => format!("rerun of {phase}"),
        ("phase_reset", _) if root.phase.is_some() => format!("reset of {phase}"),
        ("phase_reset", _) => format!("reset of all of {workflow}"),
        ("workflow_defined", _) => format!("definition of {workflow}"),
        (kind, _) => format!("{} of {phase}", kind.replace('_', " ")),
    };
    let why = root.reason.as_deref().map_or_else(String::new, |why| format!(": {}", render::one_line(why)));
    let at = render::time(root.at, zone, false);
    format!("e{} {what}, by {} at {at}{why}", root.seq, escape(&root.by))
}
