//! What happened: one type a kind, in the past tense, each with the data that its fact needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Consumed;
use super::cost_event::{
    CostLimitExceeded, CostLimitSet, CostRecorded, CostReleased, CostReserved, CostWarningRaised, OverLimit,
};
use super::definition::Definition;
use super::files::is_none_more;
use super::renamed::Renamed;
use super::rerun_event::{Change, RerunCleared, RerunReason, RerunWithdrawn};
use super::retirement::WorkflowRetired;
use super::reverted::{Reverted, TagRemoved};
use super::{
    ApprovalDecided, ApprovalRequested, Digest, LookedThrough, Metadata, Origin, OutputFile, PhaseId,
    PhaseName, Process, Reason, Seq, TagName, Text, UnreadableFile,
};

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($payload:ty) = $kind:literal,)*) => {
        /// What happened, with the data of its kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[$doc])* $variant($payload),)*
        }

        impl Event {
            /// The kinds of all events, as they are written.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Returns the kind, as it is written.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Event::$variant(_) => $kind,)*
                }
            }

            /// Writes the data as JSON text.
            pub(crate) fn write_data(&self, out: &mut Vec<u8>) {
                match self {
                    $(Event::$variant(payload) => serde_json::to_writer(out, payload),)*
                }
                .expect("event data has string keys and finite numbers")
            }

            /// Reads the data of a kind; `None` for a kind that this version does not know.
            pub(crate) fn from_data(kind: &str, data: &str) -> Option<serde_json::Result<Event>> {
                match kind {
                    $($kind => Some(serde_json::from_str(data).map(Event::$variant)),)*
                    _ => None,
                }
            }
        }
    };
}

events! {
    /// A workflow was defined, or defined anew.
    WorkflowDefined(Box<WorkflowDefined>) = "workflow_defined",
    /// A workflow is no longer in force; its history stays.
    WorkflowRetired(WorkflowRetired) = "workflow_retired",
    /// An attempt began.
    PhaseStarted(Box<PhaseStarted>) = "phase_started",
    /// The attempt ended well.
    PhaseCompleted(PhaseCompleted) = "phase_completed",
    /// The attempt ended badly.
    PhaseFailed(PhaseFailed) = "phase_failed",
    /// Somebody vouches for what is there: it stands, built on what is above it now.
    PhaseAccepted(Box<PhaseAccepted>) = "phase_accepted",
    /// The phase will not run; those who need it may go on.
    PhaseSkipped(PhaseSkipped) = "phase_skipped",
    /// The phase is as if it had not run; without a phase, the whole workflow is.
    PhaseReset(PhaseReset) = "phase_reset",
    /// A complete phase must run again.
    RerunMarked(RerunReason) = "rerun_marked",
    /// A phase that must run again has one more cause to.
    RerunCauseAdded(RerunReason) = "rerun_cause_added",
    /// A phase under way must run again once this attempt ends.
    RerunDeferred(RerunReason) = "rerun_deferred",
    /// A reason of its own no longer holds for a phase: a person took marks back, or a scan saw the files of then again.
    RerunWithdrawn(RerunWithdrawn) = "rerun_withdrawn",
    /// What the phase was built on turned out to be unchanged: it stands as it was.
    RerunCleared(RerunCleared) = "rerun_cleared",
    /// Metadata was attached.
    MetadataRecorded(MetadataRecorded) = "metadata_recorded",
    /// A note was made.
    NoteAdded(NoteAdded) = "note_added",
    /// A place in the log got a name.
    TagSet(TagSet) = "tag_set",
    /// It lost the name.
    TagRemoved(TagRemoved) = "tag_removed",
    /// Money was spent on a phase, or given back.
    CostRecorded(CostRecorded) = "cost_recorded",
    /// What a phase, or a workflow, may cost was set, raised, lowered or lifted.
    CostLimitSet(CostLimitSet) = "cost_limit_set",
    /// What was spent reached the part of a limit at which it warns.
    CostWarningRaised(CostWarningRaised) = "cost_warning_raised",
    /// What was spent went over a limit.
    CostLimitExceeded(CostLimitExceeded) = "cost_limit_exceeded",
    /// An amount is held for a phase.
    CostReserved(CostReserved) = "cost_reserved",
    /// It is no longer.
    CostReleased(CostReleased) = "cost_released",
    /// Someone asked leave for something.
    ApprovalRequested(Box<ApprovalRequested>) = "approval_requested",
    /// It was granted.
    ApprovalGranted(ApprovalDecided) = "approval_granted",
    /// It was rejected.
    ApprovalRejected(ApprovalDecided) = "approval_rejected",
    /// What someone asked for is taken back.
    Reverted(Box<Reverted>) = "reverted",
    /// A history written by others was taken in.
    HistoryImported(HistoryImported) = "history_imported",
}

macro_rules! from_payload {
    ($($payload:ident)*) => {
        $(impl From<$payload> for Event {
            fn from(payload: $payload) -> Event {
                Event::$payload(payload.into())
            }
        })*
    };
}

// What several kinds have as their data says which of them it is to be: `RerunReason`, `ApprovalDecided`.
from_payload! {
    WorkflowDefined WorkflowRetired PhaseStarted PhaseCompleted PhaseFailed PhaseAccepted PhaseSkipped PhaseReset
    RerunWithdrawn RerunCleared MetadataRecorded NoteAdded TagSet TagRemoved CostRecorded CostLimitSet CostWarningRaised
    CostLimitExceeded CostReserved CostReleased ApprovalRequested Reverted HistoryImported
}

impl RerunReason {
    /// Returns the event that says it of a complete phase.
    pub fn marked(self) -> Event {
        Event::RerunMarked(self)
    }

    /// Returns the event that says it of a phase that must run again already.
    pub fn cause_added(self) -> Event {
        Event::RerunCauseAdded(self)
    }

    /// Returns the event that says it of a phase under way.
    pub fn deferred(self) -> Event {
        Event::RerunDeferred(self)
    }
}

/// The data of `workflow_defined`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowDefined {
    /// The whole definition.
    pub definition: Definition,
    /// Phases that were not there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<PhaseName>,
    /// Phases that are no longer there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<PhaseName>,
    /// Phases whose completed work the new definition outdates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<DefinitionChange>,
    /// Phases that have another name from now on: neither added nor retired. Of a definition that is dated back, what each
    /// of its phases was ever called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<Renamed>,
}

/// What a definition changed about one phase that outdates its completed work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionChange {
    /// The phase.
    pub phase: PhaseName,
    /// The new needs and the changed version.
    pub changes: Vec<Change>,
}

/// The data of `phase_started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseStarted {
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// The completion, outdated or not, or the skip of each needed phase that this attempt builds on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumed: Vec<Consumed>,
    /// For each other need, what was found through it: none of these stands by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_through: Vec<LookedThrough>,
    /// The version that the definition in force has for the phase; none for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it must run again although it has just begun: what is above it is stale already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Whether every need was met.
    pub dependencies_met: bool,
    /// The needs that were not met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<PhaseId>,
    /// Why it was started although more was spent than a limit allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<OverLimit>,
    /// Why a person had it run again, where nothing had to be marked for that; none where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// The declared inputs as they were before the start; none where nothing was declared or known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<OutputFile>>,
    /// The declared inputs that could not be told, the first of them, where there were such: then `inputs` is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableFile>,
    /// How many more of them there were.
    #[serde(default, skip_serializing_if = "is_none_more")]
    pub unreadable_more: u64,
    /// What the caller attached; it replaces what earlier attempts had.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The process that does the work; none where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

/// The data of `phase_completed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseCompleted {
    /// Which attempt ended.
    pub attempt: u32,
    /// How long it took, on the `at` axis; none where its start or its end is inferred.
    #[serde(deserialize_with = "Option::deserialize")]
    pub duration_seconds: Option<f64>,
    /// One digest for all that the phase put out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Digest>,
    /// The files that the digest was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputFile>,
    /// The declared outputs that could not be told, the first of them, where there were such: then there is no digest, and
    /// none of their files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableFile>,
    /// How many more of them there were.
    #[serde(default, skip_serializing_if = "is_none_more")]
    pub unreadable_more: u64,
    /// The processes that `exec` found to run on: it had started them for the attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<Process>,
    /// What the caller attached; it is merged into what the start attached.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The data of `phase_failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseFailed {
    /// Which attempt ended.
    pub attempt: u32,
    /// How long it took, on the `at` axis; none where its start or its end is inferred.
    #[serde(deserialize_with = "Option::deserialize")]
    pub duration_seconds: Option<f64>,
    /// What went wrong.
    pub error: Text,
    /// The exit code of the process that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended the process, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The end of what the process wrote to its standard error, at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<Text>,
    /// Whether nobody saw the attempt end: another one took over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abandoned: bool,
    /// The processes that `exec` found to run on: it had started them for the attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<Process>,
    /// What the caller attached; it is merged into what the start attached.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The data of `phase_accepted`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseAccepted {
    /// Which attempt is vouched for.
    pub attempt: u32,
    /// Why.
    pub reason: Text,
    /// The completion, or the skip, of each needed phase that it counts as built on from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumed: Vec<Consumed>,
    /// For each other need, what was found through it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_through: Vec<LookedThrough>,
    /// The version that the definition in force has for the phase; none for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The declared inputs as they are; none where nothing was declared or known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<OutputFile>>,
    /// One digest for all that is there of what the phase puts out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Digest>,
    /// The files that the digest was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputFile>,
    /// The declared inputs and outputs that could not be told, the first of them, where there were such: then there are no
    /// inputs, or no digest and no outputs, whichever they are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableFile>,
    /// How many more of them there were.
    #[serde(default, skip_serializing_if = "is_none_more")]
    pub unreadable_more: u64,
}

/// The data of `phase_skipped`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseSkipped {
    /// Why.
    pub reason: Text,
    /// What an attempt in its place would have answered: the roots of why the phase was to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Origin>,
    /// What the caller attached; it is merged into what is there.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The data of `phase_reset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseReset {
    /// Why.
    pub reason: Text,
}

/// The data of `metadata_recorded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetadataRecorded {
    /// What was attached; it is merged into what is there.
    pub metadata: Metadata,
    /// The keys that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// The data of `note_added`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteAdded {
    /// The note.
    pub text: Text,
}

/// The data of `tag_set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSet {
    /// The name.
    pub name: TagName,
    /// The place it names; the last event that sets a name counts.
    pub seq: Seq,
    /// The place that it named before, where someone moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seq>,
}

/// The data of `history_imported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryImported {
    /// The name of the file.
    pub source: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many lines were taken in.
    pub lines: u64,
    /// How many events were inferred, by the kind of repair.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inferred: BTreeMap<String, u64>,
    /// The events that are missing before those that follow, by their places in the log that was salvaged; none for a
    /// history without a hole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

/// Events that are missing: their first and their last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first.
    pub first: Seq,
    /// The last.
    pub last: Seq,
}
