//! Taking back: what a person asked for by mistake, as commands and events tell of it.

use serde::{Deserialize, Serialize};

use super::rerun_event::RerunReason;
use super::{EventId, Seq, TagName, Text};

/// The data of `reverted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reverted {
    /// The event that is taken back: the first one of its command.
    pub event: EventId,
    /// Its place.
    pub seq: Seq,
    /// Why.
    pub reason: Text,
    /// What it was about.
    pub what: Undone,
    /// Whether that is there again: what is taken back had itself taken it away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// The marks that are gone, or there again, by the places of their events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Seq>,
    /// Why the phase must run again all the same, where marks are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still: Option<RerunReason>,
}

/// What can be taken back. Of what is not in the table itself (a note), that it was is all there is to say; of others the
/// next event of the same command says what holds from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// That a phase must run again, because someone said so.
    Mark,
    /// A note.
    Note,
    /// The name of a place.
    Tag,
    /// Metadata of a phase.
    Metadata,
    /// What a phase, or a workflow, may cost.
    Limit,
    /// Money spent, or given back.
    Cost,
    /// The definition of a workflow.
    Definition,
    /// That a phase is done without.
    Skip,
    /// What a person decided on a request.
    Decision,
}

/// The data of `tag_removed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRemoved {
    /// The name.
    pub name: TagName,
    /// The place that it named.
    pub seq: Seq,
    /// Why someone took it away, where they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}
