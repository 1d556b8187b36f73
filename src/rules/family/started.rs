//! What the start of an attempt adds up to: what it was built on, what it goes back to, and whether it was stale at once.

use crate::model::{CauseKind, EventRef, LookedThrough, Origin, PhaseStarted, Recorded, Subject};
use crate::rules::attempt::Attempt;
use crate::rules::mark::Mark;
use crate::rules::phase::{Phase, PhaseState};
use crate::rules::reason::in_words;
use crate::rules::stale::{Go, Judge, roots};
use crate::rules::table::Table;
use crate::rules::touched::{Changing, misplaced};

/// Applies the start of an attempt.
pub(in crate::rules) fn started(
    table: &mut Changing<'_>,
    record: &Recorded,
    started: &PhaseStarted,
) -> Result<(), String> {
    let looked_through = found_through(table.table(), record, started);
    let causes = causes(table.table(), record);
    note_looked_through(table, &looked_through);
    table.apply(record, |phase| {
        match phase.state {
            PhaseState::Pending { .. } | PhaseState::Failed { .. } | PhaseState::NeedsRerun { .. } => {}
            PhaseState::InProgress { .. } | PhaseState::Complete { .. } => return Err(misplaced(record)),
        }
        if started.attempt != phase.attempt + 1 {
            return Err(format!("it starts attempt {}, expected {}", started.attempt, phase.attempt + 1));
        }
        phase.attempt = started.attempt;
        phase.left_behind.clear();
        phase.metadata = started.metadata.clone();
        let attempt = Attempt {
            event: record.id,
            seq: record.seq,
            root: record.correlation_id,
            started_at: record.at,
            inferred: !record.is_dated(),
            origins: origins(phase, record, causes),
            version: if record.version == 1 { phase.spec.version.clone() } else { started.version.clone() },
            consumed: started.consumed.clone(),
            looked_through,
            unmet: started.unmet.clone(),
            process: started.process.clone().map(Box::new),
            vouched: None,
        };
        phase.set_aside(&attempt.origins);
        let stale = (!started.reasons.is_empty()).then(|| stale_at_start(phase, record, started));
        phase.state = PhaseState::InProgress { attempt, outdated_by: stale.into_iter().collect() };
        Ok(())
    })
}

/// Returns what a start found through its needs. The first release did not record it: the table then tells.
fn found_through(table: &Table, record: &Recorded, started: &PhaseStarted) -> Vec<LookedThrough> {
    let phase = record.subject.phase().and_then(|id| table.phases.get(id));
    match phase {
        Some(phase) if record.version == 1 => Judge::new(table).looked_through(phase),
        Some(_) | None => started.looked_through.clone(),
    }
}

/// Notes of what an attempt looks through that something is built on what is behind it.
pub(super) fn note_looked_through(table: &mut Changing<'_>, through: &[LookedThrough]) {
    let mut new = Vec::new();
    for through in through {
        Judge::new(table.table()).walk(&through.need, |phase| {
            if phase.standing().is_none() && !phase.looked_through {
                new.push(phase.id.clone());
            }
            Go::On
        });
    }
    for id in new {
        if let Some(phase) = table.phase(&id) {
            phase.looked_through = true;
        }
    }
}

/// Returns the causes of an event, each with its root. The table is that in front of it.
pub(super) fn causes(table: &Table, record: &Recorded) -> Vec<Origin> {
    let causes = record.causes.iter().map(|cause| Origin::new(cause.event, cause.kind));
    rooted(table, &record.subject, causes)
}

/// Says of what took something back what it goes back to itself: causes do not.
pub(super) fn rooted(table: &Table, about: &Subject, causes: impl Iterator<Item = Origin>) -> Vec<Origin> {
    let defined = |cause: &Origin| {
        let mut workflows = table.workflows.values();
        workflows.find_map(|workflow| workflow.definition_at(cause.seq))?.root
    };
    let returned = |cause: &Origin| {
        let roots = roots(table, table.phases.get(about.phase()?)?);
        roots.iter().find(|root| root.event == cause.event)?.root
    };
    let root = |cause: &Origin| {
        let defined = (cause.kind == CauseKind::DefinitionChanged).then(|| defined(cause));
        defined.or_else(|| (cause.kind == CauseKind::Reverted).then(|| returned(cause))).flatten()
    };
    causes.map(|cause| Origin { root: cause.root.or_else(|| root(&cause)), ..cause }).collect()
}

/// Returns the roots of what a start answers by its causes; itself where it answers nothing.
pub(super) fn origins(phase: &Phase, record: &Recorded, causes: Vec<Origin>) -> Vec<Origin> {
    let mut origins = far_ends(&phase.state, causes.into_iter());
    if origins.is_empty() {
        origins.push(Origin::new(record.event_ref(), CauseKind::PhaseStarted));
    }
    origins
}

/// Returns what the causes of a start, or of a skip, of a phase go back to, in the order of the log: a failure to what its
/// attempt answered, a skip to itself and to what lay behind it.
pub(super) fn far_ends(state: &PhaseState, causes: impl Iterator<Item = Origin>) -> Vec<Origin> {
    let mut origins = Vec::new();
    for cause in causes {
        match state {
            PhaseState::Failed { failure } if failure.event == cause.event => {
                origins.extend(&failure.attempt.origins);
            }
            PhaseState::Pending { skipped: Some(skip) } if skip.event == cause.event => {
                let skipped = EventRef { seq: skip.seq, id: skip.event };
                origins.push(Origin::new(skipped, CauseKind::PhaseSkipped));
                origins.extend(&skip.origins);
            }
            // It stands for what is behind it.
            PhaseState::Pending { skipped: Some(skip) }
                if skip.behind.iter().any(|behind| behind.event == cause.event) => {}
            state => {
                let mark = state.marks().iter().find(|mark| mark.event == cause.event);
                origins.push(mark.map_or(cause, Mark::origin));
            }
        }
    }
    // One with its root stands for one without.
    origins.sort_by_key(|origin| (origin.seq, origin.root.is_none()));
    origins.dedup_by_key(|origin| origin.seq);
    origins
}

/// Returns the mark of an attempt that is stale from its first moment.
fn stale_at_start(phase: &Phase, record: &Recorded, started: &PhaseStarted) -> Mark {
    Mark {
        event: record.id,
        seq: record.seq,
        root: record.correlation_id,
        at: record.at,
        reason: in_words(phase, &started.reasons, |_| None),
        kind: Some(CauseKind::UpstreamRerun),
        changes: None,
        outputs: false,
        legacy: false,
    }
}
