//! Which request is meant: by its place, its id, or the start of its id.

use phaseledger::ledger::Ledger;
use phaseledger::model::{Event, EventId, IdPrefix, Seq};
use phaseledger::rules::{Approval, ApprovalRejection};

use crate::cli::host::error::Failure;

/// How many candidates an ambiguous id lists.
const CANDIDATES_MAX: usize = 10;

/// How many digits an id has before its first dash.
const START_DIGITS: usize = 8;

const EXPECTED: &str = "give the request's id or the start of it, four digits at least, or its place as `seq:12`; \
                        `phaseledger approval list` lists the requests";

/// Finds a request by what a caller calls it.
pub fn find(given: &str, ledger: &Ledger) -> Result<Approval, Failure> {
    let place = given.strip_prefix('#').or_else(|| given.strip_prefix("seq:"));
    if let Some(number) = place {
        let refused = || Failure::misuse(format!("`{given}` is no place")).hint(EXPECTED);
        return at(Seq::new(number.parse().map_err(|_| refused())?), ledger);
    }
    let prefix: IdPrefix = given.strip_prefix("id:").unwrap_or(given).parse().map_err(|error| {
        Failure::misuse(format!("`{given}` is not the id of a request: {error}")).hint(EXPECTED)
    })?;
    if let Some(request) = prefix.whole() {
        return known(request, ledger);
    }
    let start: String = prefix.to_string().chars().take(START_DIGITS).collect();
    let found: Vec<_> = ledger.approvals(&start)?.into_values().collect();
    let mut found: Vec<_> = found.into_iter().filter(|approval| prefix.matches(approval.request)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => {
            let message = format!("no approval request has an id that starts with `{prefix}`");
            Err(Failure::new(4, "unknown_approval", message).hint(EXPECTED))
        }
        (Some(last), false) => {
            found.push(last);
            Err(ambiguous(&prefix, found))
        }
    }
}

/// Finds a request by its whole id.
pub fn known(request: EventId, ledger: &Ledger) -> Result<Approval, Failure> {
    let found = ledger.approvals(&request.to_string())?.remove(&request);
    found.ok_or_else(|| Failure::from(&ApprovalRejection::UnknownApproval { request }))
}

/// Finds the request that an event makes, or decides on.
fn at(seq: Seq, ledger: &Ledger) -> Result<Approval, Failure> {
    let Some(record) = ledger.event(seq)? else {
        return Err(Failure::not_found(format!("there is no event {seq}")).hint(EXPECTED));
    };
    match &record.event {
        Event::ApprovalRequested(_) => known(record.id, ledger),
        Event::ApprovalGranted(decided) | Event::ApprovalRejected(decided) => known(decided.request, ledger),
        other => {
            let message = format!("event {seq} is a `{}`, not an `approval_requested`", other.kind());
            Err(Failure::new(4, "unknown_approval", message).hint(EXPECTED))
        }
    }
}

fn ambiguous(prefix: &IdPrefix, mut found: Vec<Approval>) -> Failure {
    found.sort_by_key(|approval| approval.seq);
    let count = found.len();
    found.truncate(CANDIDATES_MAX);
    let line = |approval: &Approval| {
        format!("\n  seq:{} {} {}", approval.seq, approval.request, approval.asked.operation)
    };
    let ids: Vec<_> = found.iter().map(|approval| approval.request.to_string()).collect();
    let message = format!("{count} approval requests have an id that starts with `{prefix}`");
    Failure::new(2, "ambiguous_id", message)
        .hint(format!("give its place, or more of it:{}", found.iter().map(line).collect::<String>()))
        .detail("candidates", ids)
}
