//! Which request is meant: by its place, its key, its id, or the start of its id.

use phaseledger::ask::ApprovalNamed;
use phaseledger::model::{CallerId, EventId, Seq};
use phaseledger::rules::Approval;

use crate::cli::host::context::Context;
use crate::cli::host::error::{APPROVAL_EXPECTED, Failure};
use crate::cli::verbs::asking;

/// What whoever waits for an answer is told of it.
const DOING: &str = "looking for the request";

/// Finds a request by what a caller calls it.
pub fn find(given: &str, context: &Context) -> Result<Approval, Failure> {
    asking::ask_head(&parse(given)?, DOING, context)
}

/// Finds the request that a decision is on, as of when that is to be read.
pub fn find_then(given: &str, then: &asking::Then, context: &Context) -> Result<Approval, Failure> {
    then.ask(&parse(given)?, DOING, context)
}

/// Finds a request by its whole id.
pub fn known(request: EventId, context: &Context) -> Result<Approval, Failure> {
    asking::ask_head(&ApprovalNamed::Whole(request), DOING, context)
}

fn parse(given: &str) -> Result<ApprovalNamed, Failure> {
    let marked = given.strip_prefix('#').or_else(|| given.strip_prefix("seq:"));
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // An id may begin with an `e` too; digits alone after it are a place.
    if let Some(number) = marked.or_else(|| given.strip_prefix('e').filter(is_number)) {
        let refused = |_| Failure::misuse(format!("`{given}` is no place")).hint(APPROVAL_EXPECTED);
        return Ok(ApprovalNamed::At(Seq::new(number.parse().map_err(refused)?)));
    }
    let given = given.strip_prefix("id:").unwrap_or(given);
    if given.starts_with("key:") {
        let id: CallerId = given.parse().map_err(|error| {
            Failure::misuse(format!("`{given}` is not the key of a request: {error}")).hint(APPROVAL_EXPECTED)
        })?;
        return Ok(ApprovalNamed::Whole(id.event()));
    }
    let prefix = given.parse().map_err(|error| {
        Failure::misuse(format!("`{given}` is not the id of a request: {error}")).hint(APPROVAL_EXPECTED)
    })?;
    Ok(ApprovalNamed::Id(prefix))
}
