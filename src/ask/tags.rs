//! `tag --list`: the names of places.

use serde::Serialize;

use super::{AskError, Cut, Question};
use crate::model::{Actor, Seq, TagName, Timestamp};

/// Which tags are there?
#[derive(Debug, Clone, Copy)]
pub struct Tags;

/// The tags, in the order of their places.
#[derive(Debug, Clone, Serialize)]
pub struct TagsAnswer {
    /// Each of them.
    pub tags: Vec<TagView>,
}

/// A tag: which place it names, and who said so when.
#[derive(Debug, Clone, Serialize)]
pub struct TagView {
    /// The name.
    pub name: TagName,
    /// The place.
    pub seq: Seq,
    /// The place of the event that set it last.
    pub set_seq: Seq,
    /// When that took effect.
    pub set_at: Timestamp,
    /// Who asked for it.
    pub by: Actor,
}

impl Question for Tags {
    const SCHEMA: &'static str = "tags/1";
    type View = TagsAnswer;

    fn ask(&self, cut: &Cut<'_>) -> Result<TagsAnswer, AskError> {
        let mut tags = Vec::new();
        for (name, tag) in &cut.table_of_names()?.tags {
            let set = cut.record(tag.set)?;
            tags.push(TagView {
                name: name.clone(),
                seq: tag.seq,
                set_seq: tag.set,
                set_at: set.at,
                by: Actor::clone(&set.by),
            });
        }
        tags.sort_by(|one, other| (one.seq, &one.name).cmp(&(other.seq, &other.name)));
        Ok(TagsAnswer { tags })
    }
}
