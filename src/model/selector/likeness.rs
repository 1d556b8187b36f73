//! What a name looks like that the grammar of selectors would take for something else.

use chrono::Weekday;

use super::{Range, TimeContext, When, WhenBase, Zone};
use crate::model::{NAME_BYTES_MAX, PhaseName};

/// What is given a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A workflow.
    Workflow,
    /// A phase.
    Phase,
    /// A place in the log.
    Tag,
}

/// What a name looks like that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// A place in the log.
    Place,
    /// The events between two places.
    Range,
    /// A time.
    Time,
    /// An option of the command line.
    Option,
    /// What someone types who wants something done with tags.
    Word,
    /// It is a tag that `tag:NAME` does not find.
    Unfindable,
}

/// From what number on nobody means a place: one more than twelve digits write.
const EVENTS_MAX: u64 = 1_000_000_000_000;

/// What begins a selector, whatever follows it.
const PREFIXES: [&str; 5] = ["id:", "key:", "tag:", "seq:", "#"];

/// What people type behind `tag` who want something else than a tag of that name.
const TAG_WORDS: [&str; 14] = [
    "add", "create", "del", "delete", "help", "list", "ls", "move", "mv", "remove", "rename", "rm", "set",
    "show",
];

impl Named {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Named::Workflow => "workflow",
            Named::Phase => "phase",
            Named::Tag => "tag",
        }
    }

    /// Says what a name looks like that is given for the first time; none where it can be nothing else. The grammar itself
    /// is asked: what it would take is no name.
    pub fn likeness(self, name: &str) -> Option<Likeness> {
        // One file defines a workflow for each day of the week, and no selector stands where its name does.
        if self == Named::Workflow && name.parse::<Weekday>().is_ok() {
            return None;
        }
        let tag = (self == Named::Tag).then(|| unlike_tag(name)).flatten();
        selected(name).or(tag)
    }

    /// Returns a name that would do instead.
    pub fn instead(self, name: &str) -> String {
        let plain: String = name.replace("..", "-").chars().filter_map(plain).collect();
        let plain = plain.trim_start_matches(['-', '_', '.']).trim_end_matches(['.', ' ', '-', '_']);
        let mut end = plain.len().min(NAME_BYTES_MAX - 16);
        while !plain.is_char_boundary(end) {
            end -= 1;
        }
        let plain = &plain[..end];
        let prefixed = format!("{}_{plain}", self.as_str());
        let fits = |name: &String| self.likeness(name).is_none() && PhaseName::new(name).is_ok();
        let found = [plain.to_owned(), prefixed].into_iter().find(fits);
        found.unwrap_or_else(|| format!("my_{}", self.as_str()))
    }
}

/// Returns a character as a name has it that is nothing else; none to leave it out.
fn plain(character: char) -> Option<char> {
    match character {
        '~' | ':' | '/' => Some('-'),
        '"' | '#' | '@' | '\\' => None,
        space if space.is_whitespace() => Some('_'),
        other => Some(other),
    }
}

impl Likeness {
    /// Returns the words for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Likeness::Place => "a place in the log",
            Likeness::Range => "a range of events",
            Likeness::Time => "a time",
            Likeness::Option => "an option",
            Likeness::Word => "something to be done with tags",
            Likeness::Unfindable => "something else behind `tag:`, which would not find it",
        }
    }
}

/// Returns what times are read by: a name means the same to everybody, so any present will do.
fn context() -> TimeContext {
    let now = "2025-10-29T18:27:01Z".parse().expect("a time");
    TimeContext { now, zone: Zone::utc() }
}

/// Says what the grammar of selectors would take a text for.
fn selected(text: &str) -> Option<Likeness> {
    if text.starts_with('-') {
        return Some(Likeness::Option);
    }
    let begins =
        |prefix: &&str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if text.contains("..") {
        return Some(Likeness::Range);
    }
    let back = text.rsplit_once('~').map(|(_, back)| back);
    let is_counted =
        back.is_some_and(|back| !back.is_empty() && back.bytes().all(|byte| byte.is_ascii_digit()));
    if is_counted || PREFIXES.iter().any(begins) {
        return Some(Likeness::Place);
    }
    match When::parse(text, &context()).ok()?.base {
        WhenBase::Time(_) => Some(Likeness::Time),
        // The start of a hash may be all digits; no log has so many events.
        WhenBase::Seq(seq) if seq.number() >= EVENTS_MAX && !text.starts_with('#') => None,
        WhenBase::Head | WhenBase::Seq(_) | WhenBase::Id(_) | WhenBase::Key(_) | WhenBase::Tag(_) => {
            Some(Likeness::Place)
        }
    }
}

/// Says why a text is no name for a tag: wherever a selector may stand, `tag:NAME` is to mean it.
fn unlike_tag(name: &str) -> Option<Likeness> {
    if TAG_WORDS.iter().any(|word| name.eq_ignore_ascii_case(word)) {
        return Some(Likeness::Word);
    }
    let context = context();
    let is_it = |when: &When, back| {
        matches!(&when.base, WhenBase::Tag(tag) if tag.as_str() == name) && when.back == back
    };
    let alone = When::parse(&format!("tag:{name}"), &context).is_ok_and(|when| is_it(&when, 0));
    let counted = When::parse(&format!("tag:{name}~1"), &context).is_ok_and(|when| is_it(&when, 1));
    let range = Range::parse(&format!("tag:{name}..tag:{name}"), &context).is_ok_and(|range| {
        range.after.is_some_and(|when| is_it(&when, 0)) && range.through.is_some_and(|when| is_it(&when, 0))
    });
    (!(alone && counted && range)).then_some(Likeness::Unfindable)
}
