//! One line of a history: what it says, and the commands that it becomes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{
    Action, Amount, Doubled, Metadata, PhaseRef, StateName, Text, TimeContext, Timestamp, WorkflowName,
    action, escape,
};

/// Why a line is none of a history: what was found, and its column, in bytes from 1, where that is known.
pub(super) struct Refused {
    pub(super) column: Option<usize>,
    pub(super) found: String,
}

impl From<String> for Refused {
    fn from(found: String) -> Self {
        Refused { column: None, found }
    }
}

/// What a line is read against: the workflow of its phase, and what its time is told from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Against<'a> {
    pub(super) workflow: &'a WorkflowName,
    pub(super) times: &'a TimeContext,
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HistoryEvent {
    Start,
    Complete,
    Fail,
    Skip,
    Cached,
    NeedsRerun,
    Cost,
}

/// A line of a history. What it says beyond the known keys is kept as metadata.
#[derive(Debug)]
pub(super) struct HistoryLine {
    pub(super) at: Timestamp,
    pub(super) phase: PhaseRef,
    event: HistoryEvent,
    reason: Option<Text>,
    /// What was spent, of a line that tells a cost.
    cost: Option<Spent>,
    metadata: Metadata,
}

/// What a cost tells beside when and on which phase.
#[derive(Debug, Deserialize)]
struct Spent {
    amount: Amount,
    currency: Option<String>,
    model: Option<String>,
    operation: Option<String>,
}

/// The fields of [`Spent`].
const SPENT: [&str; 4] = ["amount", "currency", "model", "operation"];

pub(super) fn parse_line(text: &str, against: Against<'_>) -> Result<HistoryLine, Refused> {
    if let Some(doubled) = Doubled::find(text) {
        return Err(Refused { column: Some(doubled.at + 1), found: doubled.to_string() });
    }
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|error| {
        let found = format!("not a JSON object: {}", escape(said(&error.to_string())));
        Refused { column: Some(error.column().max(1)), found }
    })?;
    let mut take = |key: &str| fields.remove(key);
    let (at, phase, event) = (take("at"), take("phase"), take("event"));
    let reason = take("reason").or_else(|| take("error"));
    let field = |key: &str, value: Option<&RawValue>| {
        value
            .map(|value| value.get().to_owned())
            .ok_or_else(|| format!("no `{key}`; a line has `at`, `phase` and `event`"))
    };
    // Where the parser stopped is a place within the value.
    let wrong =
        |key: &str, error: serde_json::Error| format!("`{key}`: {}", escape(said(&error.to_string())));
    let at: String = serde_json::from_str(&field("at", at)?).map_err(|error| wrong("at", error))?;
    let at = against.times.time(&at).map_err(|error| format!("`at`: {error}"))?;
    let phase: PhaseRef =
        serde_json::from_str(&field("phase", phase)?).map_err(|error| wrong("phase", error))?;
    let event = serde_json::from_str(&field("event", event)?).map_err(|error| wrong("event", error))?;
    let reason: Option<String> = reason
        .map(|reason| serde_json::from_str(reason.get()))
        .transpose()
        .map_err(|error| wrong("reason", error))?;
    let reason = reason.and_then(|reason| Text::cut(&reason));
    let cost = if event == HistoryEvent::Cost { Some(spent(&mut fields)?) } else { None };
    let mut metadata = Metadata::default();
    for (key, value) in fields {
        metadata.insert(&key, value.get()).map_err(|error| format!("`{}`: {error}", escape(&key)))?;
    }
    Ok(HistoryLine { at, phase: phase.within(against.workflow).into(), event, reason, cost, metadata })
}

/// Takes what a cost tells out of the fields of its line.
fn spent(fields: &mut BTreeMap<String, &RawValue>) -> Result<Spent, String> {
    let own: BTreeMap<&str, &RawValue> =
        SPENT.iter().filter_map(|key| Some((*key, fields.remove(*key)?))).collect();
    if !own.contains_key("amount") {
        return Err("no `amount`; a cost has one, below zero for a refund".to_owned());
    }
    let text = serde_json::to_string(&own).expect("what was read is written");
    serde_json::from_str(&text).map_err(|error| format!("the cost: {}", escape(said(&error.to_string()))))
}

/// Returns what the parser said, without the place at its end.
fn said(error: &str) -> &str {
    error.rsplit_once(" at line ").map_or(error, |(said, _)| said)
}

/// Returns when a line says that something happened, and nothing else of it.
pub(super) fn time_of(text: &str, times: &TimeContext) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct At<'a> {
        #[serde(borrow)]
        at: std::borrow::Cow<'a, str>,
    }
    let At { at } = serde_json::from_str(text).ok()?;
    times.time(&at).ok()
}

/// A command that a line becomes, or that makes it legal, with the repair that it is.
pub(super) type Step = (Action, Option<&'static str>);

/// The repair that keeps what cannot be made legal.
pub(super) const KEPT_AS_NOTE: &str = "kept_as_note";

impl HistoryLine {
    /// Plans the commands that the line becomes, given where its phase stands. With `repair`, the fewest in
    /// front of it that make it legal.
    pub(super) fn plan(&self, state: StateName, repair: bool, allow_unmet: bool) -> Vec<Step> {
        if !repair {
            return self.own(allow_unmet);
        }
        if let Some(note) = self.note(state) {
            return vec![note];
        }
        let mut steps = self.repairs(state);
        steps.extend(self.own(true));
        steps
    }

    /// The commands that the line asks for.
    fn own(&self, allow_unmet: bool) -> Vec<Step> {
        let metadata = || self.metadata.clone();
        let actions = match self.event {
            HistoryEvent::Start => vec![self.start(metadata(), allow_unmet)],
            HistoryEvent::Complete => vec![self.complete(metadata())],
            HistoryEvent::Fail => vec![self.fail(self.because("failed"), false, metadata())],
            HistoryEvent::Skip => {
                let reason = self.because("skipped");
                vec![Action::Skip(action::Skip { phase: self.phase.clone(), reason, metadata: metadata() })]
            }
            HistoryEvent::Cached => {
                let mut cached = metadata();
                // Metadata at its limit goes without the mark.
                let _ = cached.insert("cached", "true");
                vec![self.start(cached, allow_unmet), self.complete(Metadata::default())]
            }
            HistoryEvent::Cost => self.cost.iter().map(|cost| self.spend(cost)).collect(),
            HistoryEvent::NeedsRerun => {
                vec![Action::Rerun(action::Rerun {
                    phase: self.phase.clone(),
                    reason: self.because("needs a rerun"),
                    withdraw: false,
                })]
            }
        };
        actions.into_iter().map(|action| (action, None)).collect()
    }

    /// The fewest commands after which the line is legal.
    fn repairs(&self, state: StateName) -> Vec<Step> {
        let (begins, ends) = match self.event {
            HistoryEvent::Start | HistoryEvent::Cached => (true, false),
            HistoryEvent::Complete | HistoryEvent::Fail => (false, true),
            HistoryEvent::Skip | HistoryEvent::NeedsRerun | HistoryEvent::Cost => (false, false),
        };
        let mut steps: Vec<Step> = Vec::new();
        if state == StateName::Complete && (begins || ends) {
            let reason = self.because("The history has it run again");
            steps.push((
                Action::Rerun(action::Rerun { phase: self.phase.clone(), reason, withdraw: false }),
                Some("missing_mark"),
            ));
        }
        if state == StateName::InProgress && begins {
            let error = self.because("The history has another attempt start");
            steps.push((self.fail(error, true, Metadata::default()), Some("abandoned_attempt")));
        }
        if state != StateName::InProgress && ends {
            steps.push((self.start(Metadata::default(), true), Some("missing_start")));
        }
        steps
    }

    /// The note that keeps a line which no commands in front of it would make legal.
    fn note(&self, state: StateName) -> Option<Step> {
        let word = match (self.event, state) {
            (HistoryEvent::NeedsRerun, StateName::Complete) => return None,
            (HistoryEvent::NeedsRerun, _) => "needs a rerun",
            (HistoryEvent::Skip, StateName::Complete | StateName::InProgress) => "is skipped",
            _ => return None,
        };
        let reason = self.because("no reason given");
        let text =
            format!("The history says that it {word}, which {state} does not allow: {}", reason.as_str());
        let text = Text::cut(&text).expect("not empty");
        Some((Action::Note(action::Note { phase: Some(self.phase.clone()), text }), Some(KEPT_AS_NOTE)))
    }

    fn because(&self, otherwise: &str) -> Text {
        self.reason.clone().or_else(|| Text::cut(otherwise)).expect("not empty")
    }

    fn start(&self, metadata: Metadata, allow_unmet: bool) -> Action {
        Action::Start(action::Start {
            phase: self.phase.clone(),
            metadata,
            allow_unmet,
            again: None,
            over_limit: None,
            inputs: Vec::new(),
            worker: None,
        })
    }

    fn spend(&self, cost: &Spent) -> Action {
        Action::Cost(action::Cost {
            phase: self.phase.clone(),
            amount: cost.amount,
            currency: cost.currency.clone(),
            refund: cost.amount.is_negative(),
            model: cost.model.clone(),
            operation: cost.operation.clone(),
            metadata: self.metadata.clone(),
            reservation: None,
        })
    }

    fn complete(&self, metadata: Metadata) -> Action {
        Action::Complete(action::Complete {
            phase: self.phase.clone(),
            metadata,
            output: None,
            outputs: Vec::new(),
        })
    }

    fn fail(&self, error: Text, abandoned: bool, metadata: Metadata) -> Action {
        Action::Fail(action::Fail {
            phase: self.phase.clone(),
            error,
            exit_code: None,
            signal: None,
            stderr: None,
            abandoned,
            metadata,
        })
    }
}
