//! `report`: where everything stands, with the evidence, as a document.

mod approvals;
mod costs;
mod events;
mod markdown;
mod phases;
mod style;
mod syntax;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use phaseledger::ask;
use phaseledger::model::WorkflowName;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{files, output, paths};
use crate::cli::verbs::asking;

// Options of `report`.
#[derive(clap::Args)]
#[command(
    after_help = "The same prefix of the log gives the same bytes: on every machine, at every time, and \
    from a restored export. `export` of the same prefix ends with the root that the report names."
)]
pub struct Args {
    /// Report on one workflow [default: all]
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
    /// How to write it [default: markdown, or json with `--json`]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to a file, whole or not at all [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    asking: asking::Args,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// GitHub-flavoured Markdown
    Markdown,
    /// One JSON object, of schema `report/1`
    Json,
}

/// Reports.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let format = match (args.format, context.json) {
        (Some(Format::Markdown), true) => {
            return Err(Failure::misuse("`--json` and `--format markdown` exclude each other"));
        }
        (Some(format), _) => format,
        (None, true) => Format::Json,
        (None, false) => Format::Markdown,
    };
    let output = args.output.as_deref().map(files::Target::new).transpose()?;
    let question = ask::Report { workflow: args.workflow.clone() };
    let answered = args.asking.ask_untold(&question, "reading the costs", context)?;
    asking::tell_as_of(&answered.as_of, answered.is_head, context);
    let write = |mut out: &mut dyn Write| -> Result<(), Failure> {
        match format {
            Format::Markdown => {
                let report = answered.view.report()?;
                out.write_all(markdown::write(&report, &answered.as_of, context.zone).as_bytes())?;
            }
            Format::Json => output::json_line(&mut out, &answered)?,
        }
        Ok(())
    };
    match output {
        None => {
            let mut out = output::stdout();
            write(&mut out)?;
            out.flush()?;
        }
        Some(target) => {
            files::write_whole(&target, |out| write(out))?;
            if !context.json {
                output::talk(format_args!("wrote `{}`", paths::shown(target.path())));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
