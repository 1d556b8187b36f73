//! `cost project`: whether planned operations fit the limits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ask::{self, CostProjectAnswer};
use phaseledger::model::{Amount, PhaseRef, escape};
use phaseledger::query::{CostPlan, PlanError, Projection};
use phaseledger::rules::Table;
use serde::Deserialize;

use super::{answer, show_limits};
use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::lines::Lines;
use crate::cli::host::output;
use crate::cli::ui::render;
use crate::cli::verbs::asking;

/// The lines of a plan.
const LINES: Lines = Lines { what: "the plan", bytes_max: 64 * 1024, refused: Failure::bad_plan };

/// How often an operation may be planned.
const COUNT_MAX: u64 = 1_000_000_000_000;

// Options of `cost project`.
#[derive(clap::Args)]
#[command(after_help = "The file has a JSON object a line, such as \
    {\"phase\":\"a\",\"amount\":\"0.10\",\"count\":50,\"operation\":\"analyse\",\"model\":\"m\"}: `phase` and `amount` must be \
    there, `count` is 1 where it is not, the others are notes of your own; empty lines are passed over. Exits with 0 \
    where all of it fits the limits of its phases and workflows, with 1 where it does not. In JSON \
    (`cost-project/1`): `fits`, `operations`, `total`, `limits`.")]
pub struct Args {
    /// The file, or `-` for standard input
    file: PathBuf,
    #[command(flatten)]
    within: Within,
    #[command(flatten)]
    asking: asking::Args,
}

/// A line of a plan.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    phase: PhaseRef,
    amount: Amount,
    #[serde(default = "once")]
    count: u64,
    #[serde(default, rename = "operation")]
    _operation: Option<String>,
    #[serde(default, rename = "model")]
    _model: Option<String>,
}

const fn once() -> u64 {
    1
}

/// Tells whether a plan fits.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    let source: Box<dyn Read> = match args.file == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(&args.file).map_err(|error| Failure::io("read", &args.file, &error))?),
    };
    let answered = args.asking.ask(&ask::CostProject, context)?;
    let project = |limits: CostProjectAnswer| -> Result<Projection, Failure> {
        Ok(read(BufReader::new(source), &limits.table)?.project(&limits.table, limits.at)?)
    };
    let answered = answered.map(project).transpose()?;
    let projection = &answered.view;
    if context.json {
        asking::write_json(&answered)?;
        return Ok(answer(projection.fits));
    }
    let mut out = output::stdout();
    if projection.operations == 0 {
        writeln!(out, "nothing is planned")?;
        return Ok(answer(true));
    }
    let operations = usize::try_from(projection.operations).unwrap_or(usize::MAX);
    let total: Vec<_> = projection.total.iter().map(|it| it.planned.of(&it.currency).to_string()).collect();
    let verdict = if projection.fits { "fits" } else { "does not fit" };
    let operations = render::count(operations, "operation", "operations");
    writeln!(out, "{operations} for {} in all: {verdict}", total.join(" and "))?;
    show_limits(&mut out, &projection.limits)?;
    Ok(answer(projection.fits))
}

/// Reads a plan, line by line.
fn read(mut reader: impl BufRead, table: &Table) -> Result<CostPlan, Failure> {
    let mut plan = CostPlan::default();
    for number in 1_u64.. {
        let refused = |failure: Failure| {
            let place = match failure.column() {
                Some(column) => format!("line {number}, column {column}"),
                None => format!("line {number}"),
            };
            let message = format!("{place}: {}", failure.message);
            failure.reworded(message).detail("line", number)
        };
        let Some(line) = LINES.read(&mut reader, number).map_err(refused)? else { break };
        if !line.trim().is_empty() {
            take(&mut plan, table, &line).map_err(refused)?;
        }
    }
    Ok(plan)
}

/// Takes one line of a plan.
fn take(plan: &mut CostPlan, table: &Table, line: &str) -> Result<(), Failure> {
    if line.trim_start().starts_with('[') {
        return Err(Failure::bad_plan("it is a list; expected an object on each line".to_owned()));
    }
    let operation: Operation = serde_json::from_str(line).map_err(|error| {
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
        Failure::bad_plan(escape(said)).detail("column", error.column().max(1))
    })?;
    if operation.amount.is_negative() {
        return Err(Failure::bad_plan(format!("`amount` is {}; expected 0 or more", operation.amount)));
    }
    if operation.count > COUNT_MAX {
        return Err(Failure::bad_plan(format!(
            "`count` is {}; expected at most {COUNT_MAX}",
            operation.count
        )));
    }
    plan.plan(table, &operation.phase, (operation.amount, operation.count)).map_err(|error| match error {
        PlanError::Phase(refused) => refused.into(),
        PlanError::Sum(error) => error.into(),
    })
}
