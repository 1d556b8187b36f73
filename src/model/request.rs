//! A command as a line of JSON: what `append` reads.
//!
//! ```json
//! {"do":"start","phase":"phase_2_analysis","id":"key:2025-10-29/2","expect":"state=PENDING"}
//! ```

mod approval;

use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::text::{escape, label};
use super::{
    Action, Actor, Again, Amount, CallerId, Command, CommandId, Digest, Expectation, Metadata, OutputFile,
    PhaseRef, Seq, TagName, Text, Timestamp, Verdict, Worker, WorkflowName, action,
};

/// A command as a caller writes it: what to record, and how to do so safely.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The caller's id, that makes sending it again safe.
    pub id: Option<CallerId>,
    /// What the caller expects to find.
    pub expect: Vec<Expectation>,
    /// When the caller claims it took effect.
    pub occurred_at: Option<Timestamp>,
    /// Who asks, where that is not the one who runs the program.
    pub by: Option<String>,
    /// What to record.
    pub action: Action,
}

/// Why a line is not a command.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or a field of the wrong form.
    #[error("{}", shown(source))]
    Json {
        /// What the parser said, with its place.
        #[from]
        source: serde_json::Error,
    },
    /// No such verb.
    #[error("unknown command `{found}`; the commands are {}", VERBS.join(", "))]
    Verb {
        /// What was found, escaped.
        found: String,
    },
    /// A field that is missing.
    #[error("`{verb}` needs `{field}`")]
    Missing {
        /// The verb.
        verb: String,
        /// The field.
        field: &'static str,
    },
    /// A field that the verb does not take.
    #[error("`{verb}` takes no `{field}`")]
    Surplus {
        /// The verb.
        verb: String,
        /// The field.
        field: &'static str,
    },
}

/// Returns what the parser said, without the place at its end: a request is one line of many.
fn shown(error: &serde_json::Error) -> String {
    let said = error.to_string();
    escape(said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said))
}

impl RequestError {
    /// Returns the column in the line, from 1, where it is known.
    pub fn column(&self) -> Option<usize> {
        match self {
            // Line 0 is that of an error which is not of the text, but of what it says.
            RequestError::Json { source } if source.line() == 0 => None,
            RequestError::Json { source } => Some(source.column().max(1)),
            RequestError::Verb { .. } | RequestError::Missing { .. } | RequestError::Surplus { .. } => None,
        }
    }
}

/// The verbs that a line may have.
pub const VERBS: &[&str] = &[
    "start",
    "complete",
    "fail",
    "skip",
    "rerun",
    "reset",
    "meta",
    "note",
    "tag",
    "cost",
    "cost_limit",
    "approval_request",
    "approval_grant",
    "approval_reject",
];

/// Every field that a line may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    r#do: String,
    id: Option<CallerId>,
    #[serde(default, deserialize_with = "read_expectations")]
    expect: Vec<Expectation>,
    occurred_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "read_label")]
    by: Option<String>,
    phase: Option<PhaseRef>,
    workflow: Option<WorkflowName>,
    all: Option<bool>,
    metadata: Option<Metadata>,
    reason: Option<Text>,
    error: Option<Text>,
    exit_code: Option<i32>,
    #[serde(default, deserialize_with = "read_label")]
    signal: Option<String>,
    stderr: Option<Text>,
    abandoned: Option<bool>,
    allow_unmet: Option<bool>,
    rerun: Option<bool>,
    take_over: Option<bool>,
    pid: Option<u32>,
    output: Option<Digest>,
    outputs: Option<Vec<OutputFile>>,
    inputs: Option<Vec<OutputFile>>,
    text: Option<Text>,
    name: Option<TagName>,
    seq: Option<Seq>,
    over_limit: Option<bool>,
    amount: Option<Amount>,
    #[serde(default, deserialize_with = "read_label")]
    currency: Option<String>,
    refund: Option<bool>,
    #[serde(default, deserialize_with = "read_label")]
    model: Option<String>,
    #[serde(default, deserialize_with = "read_label")]
    operation: Option<String>,
    /// The inner none is `null`: no limit.
    #[serde(default, deserialize_with = "read_given")]
    limit: Option<Option<Amount>>,
    estimate: Option<Amount>,
    items: Option<u64>,
    impact: Option<Text>,
    auto_approve_below: Option<Amount>,
    request: Option<CallerId>,
}

/// Reads a field that may be `null`, and tells that from one that is not there.
fn read_given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

fn read_label<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| label(&text).map_err(D::Error::custom)).transpose()
}

/// Reads one expectation, or several.
fn read_expectations<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Expectation>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "`expect` is neither a text nor a list of texts")]
    enum Expect {
        None(()),
        One(String),
        All(Vec<String>),
    }
    let texts = match Expect::deserialize(from)? {
        Expect::None(()) => Vec::new(),
        Expect::One(text) => vec![text],
        Expect::All(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

impl FromStr for Request {
    type Err = RequestError;

    /// Reads a command from its JSON.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: what was found and what was expected; unknown fields are refused.
    fn from_str(line: &str) -> Result<Self, RequestError> {
        if line.trim_start().starts_with('[') {
            // Not by the places of a list, which only the parser would know.
            serde_json::from_str::<std::collections::BTreeMap<String, serde::de::IgnoredAny>>(line)?;
        }
        let mut fields: Fields = serde_json::from_str(line)?;
        let id = fields.id.take();
        let occurred_at = fields.occurred_at.take();
        let by = fields.by.take();
        let expect = std::mem::take(&mut fields.expect);
        let verb = std::mem::take(&mut fields.r#do);
        let action = Taking { verb: &verb, fields: &mut fields }.action()?;
        fields.check_empty(&verb)?;
        Ok(Request { id, expect, occurred_at, by, action })
    }
}

impl Request {
    /// Makes the command: under the caller's id, or else under a fresh one.
    pub fn command(self, fresh: CommandId, by: Actor) -> Command {
        Command {
            id: self.id.map_or(fresh, |id| id.0),
            may_repeat: self.id.is_some(),
            by,
            occurred_at: self.occurred_at,
            expect: self.expect,
            inferred: None,
            fingerprints: None,
            action: self.action,
        }
    }
}

/// Takes the fields of a verb.
struct Taking<'a> {
    verb: &'a str,
    fields: &'a mut Fields,
}

impl Taking<'_> {
    fn action(&mut self) -> Result<Action, RequestError> {
        Ok(match self.verb {
            "start" => self.start()?,
            "complete" => Action::Complete(action::Complete {
                phase: self.phase()?,
                metadata: self.metadata(),
                output: self.fields.output.take(),
                outputs: self.fields.outputs.take().unwrap_or_default(),
            }),
            "fail" => Action::Fail(action::Fail {
                phase: self.phase()?,
                error: self.need("error", |fields| fields.error.take())?,
                exit_code: self.fields.exit_code.take(),
                signal: self.fields.signal.take(),
                stderr: self.fields.stderr.take(),
                abandoned: self.fields.abandoned.take().unwrap_or(false),
                metadata: self.metadata(),
            }),
            "skip" => Action::Skip(action::Skip {
                phase: self.phase()?,
                reason: self.reason()?,
                metadata: self.metadata(),
            }),
            "rerun" => Action::Rerun(action::Rerun { phase: self.phase()?, reason: self.reason()? }),
            "reset" if self.fields.all.take() == Some(true) => Action::ResetAll(action::ResetAll {
                workflow: self.fields.workflow.take(),
                reason: self.reason()?,
            }),
            "reset" => Action::Reset(action::Reset { phase: self.phase()?, reason: self.reason()? }),
            "meta" => Action::Meta(action::Meta {
                phase: self.phase()?,
                metadata: self.need("metadata", |fields| fields.metadata.take())?,
            }),
            "note" => Action::Note(action::Note {
                phase: self.fields.phase.take(),
                text: self.need("text", |fields| fields.text.take())?,
            }),
            "tag" => Action::Tag(action::Tag {
                name: self.need("name", |fields| fields.name.take())?,
                seq: self.fields.seq.take(),
            }),
            "cost" => Action::Cost(action::Cost {
                phase: self.phase()?,
                amount: self.need("amount", |fields| fields.amount.take())?,
                currency: self.fields.currency.take(),
                refund: self.fields.refund.take().unwrap_or(false),
                model: self.fields.model.take(),
                operation: self.fields.operation.take(),
                metadata: self.metadata(),
            }),
            "cost_limit" => self.cost_limit()?,
            "approval_request" => self.approval_request()?,
            "approval_grant" => self.approval_decide(Verdict::Granted)?,
            "approval_reject" => self.approval_decide(Verdict::Rejected)?,
            unknown => return Err(RequestError::Verb { found: escape(unknown) }),
        })
    }

    fn need<T>(
        &mut self,
        field: &'static str,
        take: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Result<T, RequestError> {
        take(self.fields).ok_or_else(|| RequestError::Missing { verb: self.verb.to_owned(), field })
    }

    fn phase(&mut self) -> Result<PhaseRef, RequestError> {
        self.need("phase", |fields| fields.phase.take())
    }

    fn reason(&mut self) -> Result<Text, RequestError> {
        self.need("reason", |fields| fields.reason.take())
    }

    fn metadata(&mut self) -> Metadata {
        self.fields.metadata.take().unwrap_or_default()
    }

    /// Takes a start; one reason serves for all that needs one.
    fn start(&mut self) -> Result<Action, RequestError> {
        let given = |field: &mut Option<bool>| field.take() == Some(true);
        let (rerun, take_over) = (given(&mut self.fields.rerun), given(&mut self.fields.take_over));
        let over_limit = given(&mut self.fields.over_limit);
        if rerun && take_over {
            return Err(RequestError::Surplus { verb: "start with `rerun`".to_owned(), field: "take_over" });
        }
        let reason = (rerun || take_over || over_limit).then(|| self.reason()).transpose()?;
        let again = match &reason {
            Some(reason) if rerun => Some(Again::Rerun(reason.clone())),
            Some(reason) if take_over => Some(Again::TakeOver(reason.clone())),
            _ => None,
        };
        Ok(Action::Start(action::Start {
            phase: self.phase()?,
            metadata: self.metadata(),
            inputs: self.fields.inputs.take().unwrap_or_default(),
            allow_unmet: self.fields.allow_unmet.take().unwrap_or(false),
            again,
            worker: self.fields.pid.take().map(Worker::Named),
            over_limit: reason.filter(|_| over_limit),
        }))
    }

    /// Takes a limit of a phase, or of the workflow that is named.
    fn cost_limit(&mut self) -> Result<Action, RequestError> {
        let phase = self.fields.phase.take();
        let workflow = if phase.is_none() { self.fields.workflow.take() } else { None };
        if phase.is_none() && workflow.is_none() {
            return Err(RequestError::Missing { verb: self.verb.to_owned(), field: "phase` or `workflow" });
        }
        Ok(Action::CostLimit(action::CostLimit {
            phase,
            workflow,
            limit: self.need("limit", |fields| fields.limit.take())?,
        }))
    }
}

impl Fields {
    /// Refuses what the verb did not take.
    fn check_empty(&self, verb: &str) -> Result<(), RequestError> {
        let left = [
            ("phase", self.phase.is_some()),
            ("workflow", self.workflow.is_some()),
            ("all", self.all.is_some()),
            ("metadata", self.metadata.is_some()),
            ("reason", self.reason.is_some()),
            ("error", self.error.is_some()),
            ("exit_code", self.exit_code.is_some()),
            ("signal", self.signal.is_some()),
            ("stderr", self.stderr.is_some()),
            ("abandoned", self.abandoned.is_some()),
            ("allow_unmet", self.allow_unmet.is_some()),
            ("rerun", self.rerun.is_some()),
            ("take_over", self.take_over.is_some()),
            ("pid", self.pid.is_some()),
            ("output", self.output.is_some()),
            ("outputs", self.outputs.is_some()),
            ("inputs", self.inputs.is_some()),
            ("text", self.text.is_some()),
            ("name", self.name.is_some()),
            ("seq", self.seq.is_some()),
            ("over_limit", self.over_limit.is_some()),
            ("amount", self.amount.is_some()),
            ("currency", self.currency.is_some()),
            ("refund", self.refund.is_some()),
            ("model", self.model.is_some()),
            ("operation", self.operation.is_some()),
            ("limit", self.limit.flatten().is_some()),
            ("estimate", self.estimate.is_some()),
            ("items", self.items.is_some()),
            ("impact", self.impact.is_some()),
            ("auto_approve_below", self.auto_approve_below.is_some()),
            ("request", self.request.is_some()),
        ];
        match left.into_iter().find(|(_, is_left)| *is_left) {
            None => Ok(()),
            Some((field, _)) => Err(RequestError::Surplus { verb: verb.to_owned(), field }),
        }
    }
}

#[cfg(test)]
mod tests;
