//! Notes: what people and programs put on record beside the phases' states.

use crate::model::{
    Event, EventId, Metadata, MetadataRecorded, NoteAdded, Origin, Past, Recorded, Seq, Subject, TagName,
    TagRemoved, TagSet, Undone, action,
};
use crate::rules::draft::{Draft, root};
use crate::rules::phase::{Phase, PhaseState, Replaced, Was};
use crate::rules::rejection::Rejection;
use crate::rules::table::{Table, Tag};
use crate::rules::touched::{Changing, about_else, misplaced};
use crate::rules::undoing::{Undoing, passed, subject};

/// Decides on a note.
pub(in crate::rules) fn note(table: &Table, id: EventId, asked: &action::Note) -> Result<Draft, Rejection> {
    let subject = match &asked.phase {
        Some(phase) => Subject::Phase(table.resolve(phase)?.id.clone()),
        None => Subject::Ledger,
    };
    Ok(root(id, subject, NoteAdded { text: asked.text.clone() }))
}

/// Decides on metadata for a phase.
pub(in crate::rules) fn attach(table: &Table, id: EventId, asked: &action::Meta) -> Result<Draft, Rejection> {
    let phase = table.resolve(&asked.phase)?;
    phase.check_merge(&asked.metadata)?;
    let recorded = MetadataRecorded { metadata: asked.metadata.clone(), removed: Vec::new() };
    Ok(root(id, Subject::Phase(phase.id.clone()), recorded))
}

/// Decides on a name for a place, which must be there. A name that is set moves only where that is asked for, and one that
/// is set there already turns into nothing.
pub(in crate::rules) fn tag(
    table: &Table,
    id: EventId,
    asked: &action::Tag,
) -> Result<Vec<Draft>, Rejection> {
    let known = table.tag(&asked.name);
    let name = known.map_or_else(|| asked.name.composed(), |(name, _)| name.clone());
    let seq = asked.seq.unwrap_or(table.head);
    if seq > table.head {
        return Err(Rejection::NoSuchPlace { tag: name, seq, head: table.head });
    }
    let from = known.map(|(_, tag)| tag.seq);
    match from {
        Some(there) if there == seq => Ok(Vec::new()),
        Some(there) if !asked.force => Err(Rejection::TagThere { tag: name, seq: there, asked: seq }),
        Some(_) | None => Ok(vec![root(id, Subject::Ledger, TagSet { name, seq, from })]),
    }
}

/// Decides that a place is to lose a name.
pub(in crate::rules) fn untag(table: &Table, id: EventId, asked: &action::Untag) -> Result<Draft, Rejection> {
    let unknown = || Rejection::UnknownTag { tag: asked.name.clone() };
    let (name, tag) = table.tag(&asked.name).ok_or_else(unknown)?;
    let removed = TagRemoved { name: name.clone(), seq: tag.seq, reason: asked.reason.clone() };
    Ok(root(id, Subject::Ledger, removed))
}

/// Decides on the note that a history was taken in.
pub(in crate::rules) fn import(
    table: &Table,
    id: EventId,
    asked: &action::NoteImport,
) -> Result<Draft, Rejection> {
    let subject = match &asked.workflow {
        Some(name) => Subject::Workflow(table.workflow(Some(name))?.name.clone()),
        None => Subject::Ledger,
    };
    Ok(root(id, subject, asked.history.clone()))
}

/// Applies a note, on a phase or on the ledger.
pub(in crate::rules) fn noted(table: &mut Changing<'_>, record: &Recorded) -> Result<(), String> {
    match &record.subject {
        Subject::Phase(_) | Subject::Ledger => table.pass(record),
        Subject::Workflow(_) => Err(about_else(record)),
    }
}

/// Applies metadata.
pub(in crate::rules) fn attached(
    table: &mut Changing<'_>,
    record: &Recorded,
    recorded: &MetadataRecorded,
) -> Result<(), String> {
    table.apply(record, |phase| {
        recorded.removed.iter().for_each(|key| phase.metadata.remove(key));
        phase.merge(&recorded.metadata)
    })
}

/// Decides that a name is that of the place which it was of before, or of none.
pub(in crate::rules) fn tag_back(
    table: &Table,
    past: &Past,
    target: &Recorded,
    (name, left): (&TagName, Option<Seq>),
) -> Result<Undoing, Rejection> {
    let now = table.tags.get(name);
    if now.map(|tag| tag.seq) != left {
        return Err(passed(target, now.map(|tag| tag.set)));
    }
    let (name, what) = (name.clone(), Undone::Tag);
    match (past.tag, now) {
        (Some(seq), _) => Ok(Undoing::effect(what, target, TagSet { name, seq, from: None })),
        (None, Some(tag)) => {
            Ok(Undoing::effect(what, target, TagRemoved { name, seq: tag.seq, reason: None }))
        }
        (None, None) => Err(passed(target, None)),
    }
}

/// Decides that what was attached is as it was before, as far as it is still there.
pub(in crate::rules) fn detach(
    table: &Table,
    past: &Past,
    target: &Recorded,
    attached: &MetadataRecorded,
) -> Result<Undoing, Rejection> {
    let phase = subject(table, target)?;
    // What a start attaches takes the place of all that was there, and a reset leaves nothing.
    let begun = begun(&phase.state, phase.reset, &phase.replaced);
    if begun.is_some_and(|begun| begun > target.seq) {
        return Err(passed(target, begun));
    }
    let effect = without(phase, past, (&attached.metadata, &attached.removed));
    let effect = effect.ok_or_else(|| passed(target, None))?;
    Ok(Undoing::with(Undone::Metadata, Some(effect)))
}

/// Returns the last start, or reset, of a phase: of one that is skipped, the last one in front of that.
fn begun(state: &PhaseState, reset: Option<Origin>, replaced: &[Replaced]) -> Option<Seq> {
    let before = replaced.iter().filter_map(|replaced| match &replaced.was {
        Was::Stood(stood) => begun(&stood.state, stood.reset, &stood.replaced),
        Was::Marks(_) => None,
    });
    let own = state.attempt().map(|attempt| attempt.seq).max(reset.map(|reset| reset.seq));
    before.max().max(own)
}

/// Returns what takes out of a phase's metadata what was attached to it, and puts back what was there before and what was
/// taken out; none where none of it is as it was left.
pub(super) fn without(
    phase: &Phase,
    past: &Past,
    (attached, removed): (&Metadata, &[String]),
) -> Option<(Subject, Event)> {
    let mut undone = MetadataRecorded { metadata: Metadata::default(), removed: Vec::new() };
    let left = attached.iter().map(|(key, value)| (key, Some(value)));
    let left = left.chain(removed.iter().map(|key| (key.as_str(), None)));
    for (key, left) in left.filter(|(key, left)| phase.metadata.value(key) == *left) {
        match past.metadata.value(key) {
            before if before == left => {}
            Some(before) => undone.metadata.put_back(key, before).expect("it was attached before"),
            None => undone.removed.push(key.to_owned()),
        }
    }
    let is_empty = undone.metadata.is_empty() && undone.removed.is_empty();
    (!is_empty).then(|| (Subject::Phase(phase.id.clone()), undone.into()))
}

/// Applies the name of a place before it.
pub(in crate::rules) fn tagged(
    table: &mut Changing<'_>,
    record: &Recorded,
    tag: &TagSet,
) -> Result<(), String> {
    if tag.seq >= record.seq {
        return Err(about_else(record));
    }
    if let Some(from) = tag.from {
        check_place(&tag.name, table.table().tags.get(&tag.name), from)?;
    }
    table.put_tag(&tag.name, Tag { seq: tag.seq, set: record.seq });
    Ok(())
}

/// Applies that a place lost a name.
pub(in crate::rules) fn untagged(
    table: &mut Changing<'_>,
    record: &Recorded,
    tag: &TagRemoved,
) -> Result<(), String> {
    let was = table.take_tag(&tag.name).filter(|_| record.subject == Subject::Ledger);
    check_place(&tag.name, was.as_ref(), tag.seq)
}

/// Checks that a name is that of a place.
fn check_place(name: &TagName, tag: Option<&Tag>, seq: Seq) -> Result<(), String> {
    match tag {
        Some(tag) if tag.seq == seq => Ok(()),
        Some(tag) => Err(format!("the tag `{name}` names event {}, expected {seq}", tag.seq)),
        None => Err(format!("there is no tag `{name}`")),
    }
}

/// Applies that a history was taken in, which is about no phase.
pub(in crate::rules) fn imported(table: &mut Changing<'_>, record: &Recorded) -> Result<(), String> {
    match &record.subject {
        Subject::Workflow(_) | Subject::Ledger => Ok(()),
        Subject::Phase(_) => table.apply(record, |_| Err(misplaced(record))),
    }
}
