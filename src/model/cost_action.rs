//! What commands about costs record, in the imperative: a part of [`action`](super::action), whose rules about fields hold.

use serde::{Deserialize, Serialize};

use super::text::read_label;
use super::{Amount, Clocks, EventId, Hold, Metadata, Per, PhaseRef, Text, WorkflowName};

/// Records what was spent, or given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// On which phase.
    pub phase: PhaseRef,
    /// How much: negative for a refund.
    pub amount: Amount,
    /// In which currency, which must be the workflow's; none for that.
    #[serde(default, deserialize_with = "read_label")]
    pub currency: Option<String>,
    /// Whether money was given back.
    #[serde(default)]
    pub refund: bool,
    /// The model that was paid for.
    #[serde(default, deserialize_with = "read_label")]
    pub model: Option<String>,
    /// What was done for it.
    #[serde(default, deserialize_with = "read_label")]
    pub operation: Option<String>,
    /// Is attached to the cost.
    #[serde(default)]
    pub metadata: Metadata,
    /// The event that made the reservation which it ends.
    // Left out where there is none, so that the digest of a cost is what it was before there were reservations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<EventId>,
}

/// Sets the most that a phase, or a workflow, may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostLimit {
    /// Which phase; none for the workflow as a whole.
    pub phase: Option<PhaseRef>,
    /// Without a phase: which workflow; none where the ledger has but one.
    pub workflow: Option<WorkflowName>,
    /// The most it may cost: zero or more; none for no limit.
    // Other than what may be left out: null says that there is no limit.
    #[serde(deserialize_with = "Option::deserialize")]
    pub limit: Option<Amount>,
    /// Why.
    // This and what follows is left out where it is not said, so that the digest of a limit is what it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Of a day, a week or a month; none for one in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// The zone by whose clocks these begin, by its name; none for the caller's, which is UTC where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    /// Those clocks. The name is what the caller supplied: what it means a database of zones said, which is kept up to date.
    #[serde(skip)]
    pub clocks: Option<Clocks>,
    /// Whether it was recorded by the first release, which took a limit without a currency.
    #[serde(skip)]
    pub was_recorded: bool,
}

/// Holds an amount, where it fits the limits of a phase and of its workflow beside what others hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostReserve {
    /// For which phase.
    pub phase: PhaseRef,
    /// How much: more than zero.
    pub amount: Amount,
    /// For how long at most; none for [`HOLD_DEFAULT`](super::HOLD_DEFAULT).
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The model that it is for.
    #[serde(default, deserialize_with = "read_label")]
    pub model: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "read_label")]
    pub operation: Option<String>,
}

/// Ends a reservation of which nothing was spent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostRelease {
    /// The event that made it.
    pub reservation: EventId,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}
