//! Why a phase must run again, in words.

use super::mark::Mark;
use super::phase::{Phase, PhaseState};
use super::stale::Judge;
use crate::model::{PhaseId, PhaseRef, Reason, Said, Text};

/// How many phases a reason names.
const NAMED_MAX: usize = 8;

/// What became of a need, as the head of a sentence about one, or about several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Rerun,
    Completed,
    Reset,
    Skipped,
    Again,
}

impl Head {
    const ALL: [Head; 5] = [Head::Rerun, Head::Completed, Head::Reset, Head::Skipped, Head::Again];

    fn words(self, is_one: bool) -> &'static str {
        match (self, is_one) {
            (Head::Rerun, true) => "Upstream phase requires rerun",
            (Head::Rerun, false) => "Upstream phases require rerun",
            (Head::Completed, true) => "Upstream phase completed anew",
            (Head::Completed, false) => "Upstream phases completed anew",
            (Head::Reset, true) => "Upstream phase was reset",
            (Head::Reset, false) => "Upstream phases were reset",
            (Head::Skipped, true) => "Upstream phase was skipped",
            (Head::Skipped, false) => "Upstream phases were skipped",
            (Head::Again, true) => "Upstream phase runs again",
            (Head::Again, false) => "Upstream phases run again",
        }
    }
}

/// Says every reason in words. `changed` tells what became of a need that changed, and the name to call it by; none for
/// one that is told by another reason.
pub(super) fn in_words(
    phase: &Phase,
    reasons: &[Reason],
    changed: impl Fn(&PhaseRef) -> Option<(Head, String)>,
) -> Text {
    let mut parts: Vec<String> = Vec::new();
    let mut named: Vec<(Head, String)> = Vec::new();
    let said = |is_said: fn(&Mark) -> bool| {
        let said: Vec<_> = phase.said().filter(|mark| is_said(mark)).collect();
        said.into_iter().map(|mark| mark.reason.as_str().to_owned())
    };
    for reason in reasons {
        match reason {
            Reason::Manual => parts.extend(said(|mark| mark.said() == Some(Said::Manual))),
            Reason::Input => parts.extend(said(|mark| mark.said() == Some(Said::Input)).next_back()),
            Reason::Output => parts.extend(said(|mark| mark.said() == Some(Said::Output)).next_back()),
            Reason::Legacy => parts.extend(said(|mark| mark.legacy)),
            Reason::Version { before, after } => {
                let or_none = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
                parts.push(format!("Definition changed: version {} → {}", or_none(before), or_none(after)));
            }
            Reason::NeedAdded { need } => parts.push(format!("Definition changed: needs {need}")),
            Reason::NeedStale { need } => named.push((Head::Rerun, need.to_string())),
            Reason::NeedChanged { need } => named.extend(changed(need)),
        }
    }
    for head in Head::ALL {
        let mut names: Vec<&str> =
            named.iter().filter(|(of, _)| *of == head).map(|(_, name)| name.as_str()).collect();
        names.dedup();
        let words = head.words(names.len() == 1);
        match names.len() {
            0 => {}
            1..=NAMED_MAX => parts.push(format!("{words}: {}", names.join(", "))),
            count => parts.push(format!(
                "{words}: {} and {} more",
                names[..NAMED_MAX].join(", "),
                count - NAMED_MAX
            )),
        }
    }
    parts.dedup();
    Text::cut(&parts.join("; ")).unwrap_or_else(|| Text::cut("What it was built on changed").expect("a text"))
}

/// Says every reason that holds for a phase of a table in words.
pub(super) fn reasons_in_words(judge: &Judge<'_>, phase: &Phase, reasons: &[Reason]) -> Text {
    let is_told = |need: &PhaseRef| reasons.contains(&Reason::NeedStale { need: need.clone() });
    in_words(phase, reasons, |need| match is_told(need) {
        true => None,
        false => became(judge, phase, &need.within(&phase.id.workflow)),
    })
}

/// Tells what became of a need that changed: of itself, or of what is found through it.
fn became(judge: &Judge<'_>, phase: &Phase, need: &PhaseId) -> Option<(Head, String)> {
    let then = phase.state.attempt()?.basis(need)?;
    let now = judge.look(need).basis;
    let beside = |id: &PhaseId| id.beside(&phase.id.workflow).to_string();
    let found = now.found().iter().find(|now| {
        let before = then.of_phase(&now.phase);
        before.is_none_or(|before| before.event != now.event)
    });
    let gone = then.found().iter().find(|then| now.of_phase(&then.phase).is_none());
    let (head, id) = match (gone.and_then(|gone| judge.table.phases.get(&gone.phase)), found) {
        (Some(gone), _) if gone.standing().is_none() => (set_aside(gone), &gone.id),
        (_, Some(found)) => (Head::Completed, &found.phase),
        (Some(gone), None) => (Head::Again, &gone.id),
        (None, None) => (Head::Completed, need),
    };
    let through = if id == need { String::new() } else { format!(" (through {})", beside(need)) };
    Some((head, format!("{}{through}", beside(id))))
}

fn set_aside(phase: &Phase) -> Head {
    match &phase.state {
        PhaseState::Pending { skipped: Some(_) } => Head::Skipped,
        PhaseState::Pending { skipped: None } => Head::Reset,
        PhaseState::InProgress { .. }
        | PhaseState::Failed { .. }
        | PhaseState::Complete { .. }
        | PhaseState::NeedsRerun { .. } => Head::Again,
    }
}
