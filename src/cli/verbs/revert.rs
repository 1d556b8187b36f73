//! `revert`: what was asked for by mistake is taken back, and nothing is deleted.

use std::process::ExitCode;

use phaseledger::ask::CommandedEvent;
use phaseledger::model::{Action, CallerId, EventId, Text, When, action};
use phaseledger::rules::{Rejection, RevertRejection};

use super::{asking, writing};
use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;

// Options of `revert`.
#[derive(clap::Args)]
#[command(
    after_help = "What takes something back is an event of its own, caused by what it takes back: both stay in the log. \
    The mark of a `rerun` goes; a note is struck out; a tag, metadata and a cost limit are what they were; a cost is \
    refunded, a refund is spent after all; the definition of before is in force; a skip is lifted; what a person decided \
    on a request, it waits for again; what `rerun --withdraw` took back is there again. A `revert` may be reverted.\n\n\
    A command is taken back as a whole, and what rules derived of it goes as the rules say. Refused (6) is what others \
    rest on, with the list: a definition with attempts of the phases that it brought in, leave that was used; what \
    cannot be taken back, with the verb that helps: a start, an end, a reset; and what is no longer so anyway."
)]
pub struct RevertArgs {
    /// The command, by its first event: `e12`, `id:PREFIX`, or the id or `key:TEXT` that it was sent under; `head` is the last
    /// one
    #[arg(value_name = "EVENT")]
    event: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = super::record::text)]
    reason: Text,
    #[command(flatten)]
    writing: writing::Args,
}

/// Takes a command back.
pub fn run(args: RevertArgs, context: &Context) -> Result<ExitCode, Failure> {
    let event = event(&args, context)?;
    writing::record(args.writing, Action::Revert(action::Revert { event, reason: args.reason }), context)
}

/// Finds the first event of the command that is meant.
fn event(args: &RevertArgs, context: &Context) -> Result<EventId, Failure> {
    let given = args.event.as_str();
    if let Ok(id) = given.parse::<CallerId>() {
        return Ok(id.event());
    }
    let then = asking::Then::of(args.writing.id(), context)?;
    let is_head = When::parse(given, &context.time()?)? == When::HEAD;
    let found = then.commanded(given, "looking for the event", context)?;
    let CommandedEvent { seq, kind, first, first_seq: of } = found;
    // The head is the end of the last command, whatever that derived.
    match seq == of || is_head {
        true => Ok(first),
        false => Err(Rejection::from(RevertRejection::Derived { seq, kind, of }).into()),
    }
}
