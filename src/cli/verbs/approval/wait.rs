//! `approval wait`: blocks until somebody has decided. The ledger is held only to look.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use phaseledger::rules::Approval;

use super::{DecisionView, ask, exit, find, tell};
use crate::cli::host::context::{Context, patience};
use crate::cli::host::error::{Failure, Kind};
use crate::cli::host::output;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(500);

// Options of `approval wait`.
#[derive(clap::Args)]
#[command(
    after_help = "Exits with 0 when it is granted, 1 when it is rejected, 75 when the time is up; the request then stays. In \
    JSON: `decision` (granted, rejected or pending) and `approval`, as in `approval list`; when the time is up, stderr has an error whose `code` is `undecided`."
)]
pub struct Args {
    /// The request: its id or the start of it, four digits at least, or its place, `eN`
    #[arg(value_name = "ID")]
    request: String,
    /// How long to wait, such as `30m` [default: as long as it takes]
    #[arg(long, value_name = "DURATION", value_parser = patience)]
    timeout: Option<Duration>,
}

/// Waits, and tells what came of it.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let approval = find::find(&args.request, context)?;
    let approval = until_decided(approval, args.timeout, context)?;
    match context.json {
        true => output::json_line(&mut output::stdout(), &DecisionView::new(&approval))?,
        false => tell(&approval)?,
    }
    Ok(exit(&approval, context))
}

/// Looks now and then, until the request is decided or the time is up.
pub fn until_decided(
    mut approval: Approval,
    timeout: Option<Duration>,
    context: &Context,
) -> Result<Approval, Failure> {
    let started = Instant::now();
    let left = || timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
    if approval.decision.is_none() && !context.json {
        ask::tell_who_may(&approval, context)?;
        let time = timeout.map_or_else(String::new, |timeout| {
            format!(" for up to {}", humantime::format_duration(timeout))
        });
        if left() != Some(Duration::ZERO) {
            output::talk(format_args!("waiting{time}; to stop waiting changes nothing"));
        }
    }
    while approval.decision.is_none() && left() != Some(Duration::ZERO) {
        sleep(left().map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY)));
        approval = match find::known(approval.request, context) {
            Ok(found) => found,
            // Others are at work; there is time to look again.
            Err(failure) if failure.kind == Kind::LockTimeout && left() != Some(Duration::ZERO) => approval,
            Err(failure) => return Err(failure),
        };
    }
    Ok(approval)
}
