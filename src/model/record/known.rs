//! What lines that follow one another have in common, as a rule: names, who asked, ids and times. Each is made once, and what
//! is written the same way is the same.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::{Actor, PhaseName, Timestamp, WorkflowName};

/// How many names of phases are kept: a power of two.
const PHASES: usize = 64;

/// How many ids are kept: those of an event, of its command and of its causes are mostly the same.
const IDS: usize = 4;

/// What lines said that were read before.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    workflow: Option<(&'a str, WorkflowName)>,
    /// By what they are written with; none at all until there is a second line.
    phases: Vec<Option<(&'a str, PhaseName)>>,
    actor: Option<(&'a str, Arc<Actor>)>,
    time: Option<(&'a str, Timestamp)>,
    ids: [Option<(&'a str, Uuid)>; IDS],
    /// Which of the ids is the next to go.
    next_id: usize,
}

impl<'a> Known<'a> {
    /// Says that more lines come.
    pub(super) fn keep_phases(&mut self) {
        self.phases.resize(PHASES, None);
    }

    pub(super) fn workflow(&mut self, text: &'a str) -> Option<WorkflowName> {
        if let Some((_, name)) = self.workflow.as_ref().filter(|(known, _)| *known == text) {
            return Some(name.clone());
        }
        let name = WorkflowName::new(text).ok()?;
        self.workflow = Some((text, name.clone()));
        Some(name)
    }

    pub(super) fn phase(&mut self, text: &'a str) -> Option<PhaseName> {
        let Some(slot) = self.phases.get_mut(slot(text)) else { return PhaseName::new(text).ok() };
        if let Some((_, name)) = slot.as_ref().filter(|(known, _)| *known == text) {
            return Some(name.clone());
        }
        let name = PhaseName::new(text).ok()?;
        *slot = Some((text, name.clone()));
        Some(name)
    }

    /// Returns who asked, and what `rest` begins with that says so; none where that is not what was read last.
    pub(super) fn actor(&self, rest: &'a str) -> Option<(Arc<Actor>, &'a str)> {
        let (text, actor) = self.actor.as_ref()?;
        Some((Arc::clone(actor), rest.strip_prefix(text)?))
    }

    /// Keeps who asked, by the whole text that says so.
    pub(super) fn put_actor(&mut self, text: &'a str, actor: &Arc<Actor>) {
        self.actor = Some((text, Arc::clone(actor)));
    }

    pub(super) fn time(&mut self, text: &'a str) -> Option<Timestamp> {
        if let Some((_, time)) = self.time.filter(|(known, _)| *known == text) {
            return Some(time);
        }
        let time = text.parse().ok()?;
        self.time = Some((text, time));
        Some(time)
    }

    pub(super) fn id(&mut self, text: &'a str) -> Option<Uuid> {
        if let Some((_, id)) = self.ids.iter().flatten().find(|(known, _)| *known == text) {
            return Some(*id);
        }
        let id = Uuid::try_parse(text).ok()?;
        self.ids[self.next_id] = Some((text, id));
        self.next_id = (self.next_id + 1) % IDS;
        Some(id)
    }
}

/// Returns where a name is kept: names of one workflow mostly differ at their end.
fn slot(text: &str) -> usize {
    let weights = [1, 10, 7, 31];
    let end = text.bytes().rev().zip(weights).map(|(byte, weight)| usize::from(byte) * weight);
    (end.sum::<usize>() + text.len()) % PHASES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_told_of_what_is_written_the_same_and_of_nothing_else() {
        let names: Vec<String> = (0..500).map(|number| format!("p{number:02}")).collect();
        let ids: Vec<String> = (0..9).map(|number| Uuid::from_u128(number).to_string()).collect();
        let times = ["2025-01-01T00:00:00.000000Z", "2025-01-01T00:00:00.000001Z"];
        for is_many in [false, true] {
            let mut known = Known::default();
            if is_many {
                known.keep_phases();
            }
            for _ in 0..2 {
                for name in &names {
                    assert_eq!(known.phase(name).expect("a name").as_str(), name);
                    assert_eq!(known.workflow(name).expect("a name").as_str(), name);
                }
                for text in ids.iter().chain(&ids[..1]).flat_map(|id| [id, id]) {
                    assert_eq!(known.id(text).expect("an id").to_string(), *text);
                }
                for text in times {
                    assert_eq!(known.time(text).expect("a time").to_string(), text);
                }
            }
            assert_eq!((known.phase("a/b"), known.workflow(""), known.id("p00")), (None, None, None));
            let ana = Arc::new(Actor::new("ana", "build-3", "cli"));
            known.put_actor("{\"name\":\"ana\"}", &ana);
            assert_eq!(known.actor("{\"name\":\"ana\"},1"), Some((ana, ",1")));
            assert_eq!(known.actor("{\"name\":\"anna\"},1"), None);
        }
    }
}
