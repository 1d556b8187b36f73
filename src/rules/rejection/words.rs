//! What refusals say of lists and amounts.

use std::collections::BTreeSet;

use crate::model::{Reason, StateName};

/// Says in a few words which reasons there are but marks.
pub(super) fn other_reasons(reasons: &[Reason]) -> String {
    let needs: Vec<_> = reasons
        .iter()
        .filter_map(|reason| match reason {
            Reason::NeedAdded { need } | Reason::NeedChanged { need } | Reason::NeedStale { need } => {
                Some(need.to_string())
            }
            Reason::Manual | Reason::Version { .. } | Reason::Input | Reason::Output | Reason::Legacy => None,
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let is = |wanted: fn(&Reason) -> bool| reasons.iter().any(wanted);
    let mut parts = Vec::new();
    parts.extend(
        is(|reason| matches!(reason, Reason::Version { .. })).then(|| "its version changed".to_owned()),
    );
    parts.extend(is(|reason| *reason == Reason::Input).then(|| "its inputs changed".to_owned()));
    parts.extend(is(|reason| *reason == Reason::Output).then(|| "its outputs changed".to_owned()));
    parts.extend((!needs.is_empty()).then(|| format!("what it needs changed ({})", needs.join(", "))));
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) }
}

pub(super) fn or_none(currency: Option<&str>) -> String {
    currency.map_or_else(|| "none".to_owned(), |currency| format!("`{}`", crate::model::escape(currency)))
}

pub(super) fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn list_states(states: &[StateName]) -> String {
    states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(" or ")
}

/// How many of a long list are told; the others are counted.
const TOLD_MAX: usize = 10;

/// Returns a list of which only the first are told.
pub(super) fn list_some(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(TOLD_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    items.take(TOLD_MAX).chain(more).collect::<Vec<_>>().join(", ")
}
