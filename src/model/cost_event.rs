//! What events about costs say.

use serde::{Deserialize, Serialize};

use super::{Amount, Clocks, EventId, Metadata, Per, Period, Seq, Text, Timestamp};

/// Why a phase was started although more was spent than a limit allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverLimit {
    /// Why, in the caller's words.
    pub reason: Text,
    /// The limits that were exceeded: the phase's, the workflow's, or both.
    pub limits: Vec<Overspent>,
}

/// A limit that was exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overspent {
    /// Whose limit it is.
    pub scope: Scope,
    /// The limit.
    pub limit: Amount,
    /// What was spent, in all or in the period.
    pub spent: Amount,
    /// The period that it is a limit of; none where it is one in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
}

/// Whose limit it is: each counts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The phase's.
    Phase,
    /// That of the workflow, for all its phases together.
    Workflow,
}

impl Scope {
    /// Returns the name, as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Phase => "phase",
            Scope::Workflow => "workflow",
        }
    }
}

/// The data of `cost_recorded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostRecorded {
    /// How much: negative for a refund.
    pub amount: Amount,
    /// In which currency; none where the workflow names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Whether money was given back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refund: bool,
    /// The model that was paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What was done for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The attempt that it was spent in: the one under way, or else the last one; none for a phase that is
    /// PENDING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The reservation that it ends, where that is still held; none where it was spent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationRef>,
    /// When what is taken back took effect: it counts for the periods of then. None for what counts for those of its own
    /// time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_at: Option<Timestamp>,
    /// What the caller attached to the cost; the phase's metadata stay as they are.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The data of `cost_limit_set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLimitSet {
    /// The most that it may cost from now on; none for no limit.
    pub limit: Option<Amount>,
    /// What it was.
    pub before: Option<Amount>,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Of which periods it is the limit; none where it is one in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Box<PeriodLimit>>,
}

/// Of which periods a limit is, from the one in which it was set on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodLimit {
    /// How long they are.
    pub per: Per,
    /// The clocks by which they begin.
    pub clocks: Clocks,
    /// When the first of them begins: the one in which the limit was set.
    pub from: Timestamp,
    /// What was spent in that one already: refunds taken off, so that it may be below zero.
    pub spent: Amount,
    /// The clocks of the limit before, where they were others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks_before: Option<Clocks>,
}

/// The data of `cost_warning_raised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostWarningRaised {
    /// The limit.
    pub limit: Amount,
    /// What was spent, in all or in the period.
    pub spent: Amount,
    /// The part of the limit at which it warns, in hundredths.
    pub threshold_percent: u8,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The period that it is a limit of; none where it is one in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Box<Period>>,
}

/// The data of `cost_limit_exceeded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLimitExceeded {
    /// The limit.
    pub limit: Amount,
    /// What was spent, in all or in the period.
    pub spent: Amount,
    /// By how much that is over the limit.
    pub over: Amount,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The period that it is a limit of; none where it is one in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Box<Period>>,
}

/// A reservation, by the event that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationRef {
    /// The event.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
}

/// The data of `cost_reserved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostReserved {
    /// How much is held.
    pub amount: Amount,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// When it is no longer held, whatever happens.
    pub until: Timestamp,
    /// The model that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

/// The data of `cost_released`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostReleased {
    /// What is no longer held.
    pub reservation: ReservationRef,
    /// How much that was.
    pub amount: Amount,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}
