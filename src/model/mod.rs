//! The nouns: ids, times, workflows, commands, events and records.
//!
//! Plain data with checked constructors, so that a value that exists is a value that is right. What flows
//! in is text (command lines, files, lines of the log); what flows out are the types that [`crate::rules`],
//! [`crate::store`] and [`crate::query`] speak. Nothing here reads a clock, a disk or the environment (but
//! for the machine's zone, which chrono looks up for [`Zone::Local`]), and no rule about what may follow what
//! lives here.

pub mod action;
mod action_files;
mod actor;
mod amount;
mod approval;
mod asked;
mod bytes;
mod caller_id;
mod canonical;
mod cause;
mod claim;
mod command;
mod cost_action;
mod cost_event;
mod definition;
mod digest;
mod doubled;
mod event;
mod event_parts;
mod expectation;
mod files;
mod hold;
mod id;
mod metadata;
mod name;
mod nearest;
mod operation;
mod past;
mod pattern;
mod patterns;
mod period;
mod places;
mod policy;
mod process;
mod quoted;
mod record;
mod renamed;
mod request;
mod rerun_event;
mod retirement;
mod reverted;
mod scan;
mod schema;
mod selector;
mod staleness;
mod state;
mod tag;
mod text;
mod time;
mod workflow_file;

pub use action::{Action, Again};
pub use actor::Actor;
pub use amount::{
    AMOUNT_FRACTION_DIGITS_MAX, AMOUNT_WHOLE_DIGITS_MAX, Amount, AmountError, AmountFault, Money,
};
pub use approval::{
    ApprovalAnswer, ApprovalAsk, ApprovalDecided, ApprovalRequested, DecidedBy, Ground, Verdict,
};
pub use asked::{Asked, CommandDigest, Difference};
pub use bytes::{NotText, line_text, without_mark};
pub use caller_id::{CallerId, CallerIdError, CallerKey, KEY_BYTES_MAX, KeyError};
pub use cause::{Cause, CauseKind, Origin};
pub use claim::Claim;
pub use command::Command;
pub use cost_event::{
    CostLimitExceeded, CostLimitSet, CostRecorded, CostReleased, CostReserved, CostWarningRaised, OverLimit,
    Overspent, PeriodLimit, ReservationRef, Scope,
};
pub(crate) use definition::find_cycle;
pub use definition::{Definition, DefinitionError, PhaseDefinition};
pub use digest::{Algorithm, Digest};
pub use doubled::Doubled;
pub use event::{
    DefinitionChange, Event, Gap, HistoryImported, MetadataRecorded, NoteAdded, PhaseAccepted,
    PhaseCompleted, PhaseFailed, PhaseReset, PhaseSkipped, PhaseStarted, TagSet, WorkflowDefined,
};
pub use expectation::{Expectation, ExpectationError};
pub use files::{FoundByRole, FoundFiles, OutputFile, Unreadable, UnreadableFile};
pub use hold::{HOLD_DEFAULT, Hold, HoldError};
pub use id::{CommandId, EventId, EventRef, Seq, Span};
pub use metadata::{METADATA_BYTES_MAX, METADATA_DEPTH_MAX, Metadata, MetadataError};
pub use name::{NAME_BYTES_MAX, NameError, PhaseId, PhaseName, PhaseRef, TagName, WorkflowName};
pub(crate) use nearest::nearest;
pub use operation::{OperationName, OperationNameError};
pub use past::Past;
pub use pattern::{Declared, FileRole, Pattern, PatternError};
pub use patterns::{BadPattern, Patterns, Rule};
pub use period::{Clocks, Per, Period};
pub use places::Places;
pub use policy::{ApprovalPolicy, PolicyError, PolicyRule, PolicyTerms};
pub use process::{Process, Worker};
pub use record::{FORMAT_VERSION, LineError, LineFront, RecordReader, Recorded, Subject};
pub use renamed::Renamed;
pub use request::{Request, RequestError, VERBS};
pub use rerun_event::{Change, Comparison, RerunCleared, RerunReason, RerunWithdrawn};
pub use retirement::WorkflowRetired;
pub use reverted::{Reverted, TagRemoved, Undone};
pub use scan::Misread;
pub use schema::{ANSWER_SCHEMA, COMMAND_SCHEMA};
pub use selector::{
    IdPrefix, Likeness, Named, NamedZone, Range, SelectorError, TimeContext, When, WhenBase, Zone, ZoneError,
};
pub use staleness::{BASIS_LISTED_MAX, Consumed, LookedThrough, Many, Reason, Said};
pub use state::StateName;
pub use text::{
    LABEL_BYTES_MAX, TEXT_BYTES_MAX, Text, TextError, claim, escape, escape_json, escape_path, label,
};
pub use time::{Timestamp, TimestampError};
pub use workflow_file::{
    WORKFLOW_FILE_BYTES_MAX, WorkflowFileError, parse_recorded_workflow, parse_workflow,
    parse_workflow_bytes, point_at_name, workflow_to_json, workflow_to_toml,
};
