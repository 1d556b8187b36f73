//! Notes: what people and programs put on record beside the phases' states.

use crate::model::{EventId, MetadataRecorded, NoteAdded, Recorded, Subject, TagSet, action};
use crate::rules::draft::{Draft, root};
use crate::rules::rejection::Rejection;
use crate::rules::table::{Table, Tag};
use crate::rules::touched::{Changing, about_else, misplaced};

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
    let recorded = MetadataRecorded { metadata: asked.metadata.clone() };
    Ok(root(id, Subject::Phase(phase.id.clone()), recorded))
}

/// Decides on a name for a place, which must be there.
pub(in crate::rules) fn tag(table: &Table, id: EventId, asked: &action::Tag) -> Result<Draft, Rejection> {
    let (name, seq) = (asked.name.clone(), asked.seq.unwrap_or(table.head));
    if seq > table.head {
        return Err(Rejection::NoSuchPlace { tag: name, seq, head: table.head });
    }
    Ok(root(id, Subject::Ledger, TagSet { name, seq }))
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
    table.apply(record, |phase| phase.merge(&recorded.metadata))
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
    table.put_tag(&tag.name, Tag { seq: tag.seq, set: record.seq });
    Ok(())
}

/// Applies that a history was taken in, which is about no phase.
pub(in crate::rules) fn imported(table: &mut Changing<'_>, record: &Recorded) -> Result<(), String> {
    match &record.subject {
        Subject::Workflow(_) | Subject::Ledger => Ok(()),
        Subject::Phase(_) => table.apply(record, |_| Err(misplaced(record))),
    }
}
