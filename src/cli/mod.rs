//! The command line: an edge. It reads the clock, the environment and the arguments, calls the library, and
//! renders what comes back; this file only dispatches.
//!
//! ```text
//!  verbs ──▶ ui ──▶ host      a verb asks the library, ui words and draws the answer, host is the machine
//! ```

mod host;
mod ui;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use host::context::{self, Context};
use host::error::Failure;
use ui::usage;
use verbs::Verb;

/// Records every transition of a workflow's phases as an immutable event, and answers, as of any moment, why
/// a phase must run again.
#[derive(Parser)]
#[command(name = "phaseledger", version, max_term_width = 100, propagate_version = false)]
#[command(after_help = "Exit codes: 0 done, or recorded already; 1 the answer is no; 2 usage; 3 conflict; \
    4 not found; 5 damage; 6 refused by the rules; 74 input or output; 75 lock timeout, or an approval that nobody \
    has decided yet.")]
struct Cli {
    #[command(flatten)]
    context: context::Args,
    #[command(subcommand)]
    verb: Verb,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match usage::parse::<Cli>(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => return usage::answer(error),
    };
    let wants_json = cli.context.json();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => failure.exit(wants_json),
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let context = Context::new(cli.context)?;
    cli.verb.run(&context)
}
