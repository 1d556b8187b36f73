//! What a line tells that its event is looked for by.

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::Seq;
use crate::store::Sought;

/// What a line tells of its event. Nothing else of it is read.
#[derive(Debug, Deserialize)]
pub(super) struct Mentions<'a> {
    #[serde(borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    workflow: Option<Cow<'a, str>>,
    #[serde(borrow)]
    phase: Option<Cow<'a, str>>,
    #[serde(default)]
    causes: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    seq: Seq,
}

impl<'a> Mentions<'a> {
    /// Reads a line; none for one that is no event.
    pub(super) fn of(line: &'a str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Returns the full name of the phase that it is about.
    pub(super) fn phase(&self) -> Option<String> {
        Some(format!("{}/{}", self.workflow.as_ref()?, self.phase.as_ref()?))
    }

    /// Returns the places of its causes.
    pub(super) fn causes(&self) -> impl Iterator<Item = Seq> {
        self.causes.iter().map(|cause| cause.seq)
    }

    /// Says whether that is what is looked for.
    pub(super) fn fits(&self, sought: Sought<'_>) -> bool {
        match sought {
            Sought::Phase(name) => self.phase().is_some_and(|phase| phase == name),
            Sought::Kind(kind) => self.kind.as_deref() == Some(kind),
            Sought::CausedBy(place) => self.causes().any(|cause| cause == place),
        }
    }
}
