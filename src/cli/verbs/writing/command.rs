//! Requests become commands: what only this machine can tell is added.

use phaseledger::model::{Action, Actor, Command, Request};

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{process, zones};

/// Makes a command of what a caller asks.
pub fn command(request: Request, context: &Context, via: &str) -> Result<Command, Failure> {
    command_by(request, context, |name| context.actor(name, via))
}

/// As [`command`], where who asks is told by the name that the request gives, or by none.
pub fn command_by(
    mut request: Request,
    context: &Context,
    asker: impl FnOnce(Option<&str>) -> Result<Actor, Failure>,
) -> Result<Command, Failure> {
    process::look_up(&mut request.action);
    look_up_clocks(&mut request, context)?;
    let by = asker(request.by.as_deref())?;
    let fresh = match &request.id {
        Some(id) => id.command(),
        None => context.new_id()?,
    };
    Ok(request.command(fresh, by))
}

/// Takes what a zone's clocks are into a limit of periods: where no zone is named, of that of times.
fn look_up_clocks(request: &mut Request, context: &Context) -> Result<(), Failure> {
    let Action::CostLimit(limit) = &mut request.action else { return Ok(()) };
    if limit.per.is_none() || limit.limit.is_none() {
        return Ok(());
    }
    let since = match &request.occurred_at {
        Some(claim) => claim.at,
        None => context.now()?,
    };
    let zone = limit.tz.as_deref().map_or(Ok(context.zone), zones::read);
    let clocks = zone.and_then(|zone| zones::clocks(zone, since));
    limit.clocks = Some(clocks.map_err(|error| Failure::misuse(format!("`tz`: {error}")))?);
    Ok(())
}
