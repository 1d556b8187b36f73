//! What a line tells that its event is looked for by.

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::{LineFront, Seq};
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
        Self::usual(line).or_else(|| serde_json::from_str(line).ok())
    }

    /// Reads a line as this version writes it, and of it no more than the fields in question. None says nothing.
    fn usual(line: &'a str) -> Option<Self> {
        let LineFront { kind, workflow, phase, rest, .. } = LineFront::of(line)?;
        // Events that nothing caused may have data of the name: what is listed besides does not matter.
        let causes = match rest.split_once(",\"causes\":") {
            None => Vec::new(),
            Some((_, causes)) => {
                serde_json::Deserializer::from_str(causes).into_iter::<Vec<Named>>().next()?.ok()?
            }
        };
        let [workflow, phase] = [workflow, phase].map(|name| name.map(Cow::Borrowed));
        Some(Mentions { kind: Some(Cow::Borrowed(kind)), workflow, phase, causes })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_tells_is_told_by_its_beginning_where_that_is_usual() {
        let front = r#"{"v":2,"seq":7,"id":"i","command_id":"c""#;
        let causes = r#""causes":[{"event":"x","seq":3,"kind":"k"},{"event":"y","seq":5}]"#;
        for (rest, is_usual) in [
            (format!(r#","kind":"k","workflow":"w é","phase":"a b","at":"t",{causes}}}"#), true),
            (
                format!(
                    r#","kind":"k","workflow":"w","at":"t","by":{{"name":"\"{{"}},{causes},"data":{{}}}}"#
                ),
                true,
            ),
            (r#","kind":"note_added","at":"t","data":{"text":"","phase":"a"}}"#.to_owned(), true),
            (r#","kind":"k","workflow":"w\"","phase":"a"}"#.to_owned(), false),
            (r#","kind":"k","workflow":"w","phase":"a\u0062"}"#.to_owned(), false),
            (r#","by":"\"","kind":"k","workflow":"w","phase":"a"}"#.to_owned(), false),
        ] {
            let line = format!("{front}{rest}");
            let usual = Mentions::usual(&line);
            assert_eq!(usual.is_some(), is_usual, "{line}");
            let told = |mentions: &Mentions<'_>| {
                let kind = mentions.kind.as_deref().map(str::to_owned);
                (kind, mentions.phase(), mentions.causes().collect::<Vec<_>>())
            };
            let whole: Mentions<'_> = serde_json::from_str(&line).expect("JSON");
            assert_eq!(Mentions::of(&line).as_ref().map(told), Some(told(&whole)), "{line}");
        }
        for other in [r#"{"v":1,"seq":7,"kind":"k"}"#, r#"{"v":2,"seq":7,"kind":"k"#, ""] {
            assert!(Mentions::usual(other).is_none(), "{other}");
        }
    }
}
