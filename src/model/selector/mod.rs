//! Selectors: how people name a place in the log, or the events between two places.
//!
//! ```text
//! WHEN  = (head | eN | N | #N | seq:N | id:PREFIX | key:TEXT | tag:NAME | TIME) [~K]     ~K: K events before
//! RANGE = [WHEN] .. [WHEN]           after a place, from a time on .. up to and including a place, before a time
//!
//!  text + TimeContext ─parse▶ When | Range ─(ledger: which place is that?)▶ Seq
//! ```
//!
//! Words are read in any case, the names of tags and the texts of keys as they are. The forms of TIME are those of
//! [`TimeContext`]'s module: a time is settled here, against a present and a zone that the caller gives, so a
//! [`When`] means the same whenever it is resolved. Which place that is, only a ledger can say.

mod context;
mod day;
mod error;
mod likeness;
mod named;
mod prefix;
mod relative;
mod time;
mod zone;

use std::fmt;

pub use context::TimeContext;
pub use error::SelectorError;
pub use likeness::{Likeness, Named};
pub use named::NamedZone;
pub use prefix::IdPrefix;
pub use zone::{Zone, ZoneError};

use super::scan::{Misread, Scan};
use super::{CallerKey, Seq, TagName, Timestamp};

const EXPECTED: &str = "`head`, `eN`, `id:PREFIX`, `key:TEXT`, `tag:NAME` or a time";
const END: &str = "the end, or `~` and a number";
const EXAMPLE: &str = "2 hours ago";
const RANGE: &str = "e12..head";

/// A place in the log, and with it the prefix of the log that ends there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct When {
    /// The place that is counted from.
    pub base: WhenBase,
    /// How many events before it; [`Seq::ZERO`] is meant where there are fewer ([`Seq::minus`]).
    pub back: u64,
}

/// What names a place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WhenBase {
    /// The last event.
    Head,
    /// A place by its number; zero is the place before the first event.
    Seq(Seq),
    /// The one event whose id starts so.
    Id(IdPrefix),
    /// The first event of the command that was sent under a key.
    Key(CallerKey),
    /// The place that a tag marks.
    Tag(TagName),
    /// The last event up to and including an instant. On which axis, and whether the instant itself is
    /// left out, the flag says that the selector was given to.
    Time(Timestamp),
}

/// The events between two ends. A place excludes itself on the left and includes itself on the right: what follows
/// e5, up to e9. A time includes itself on the left and excludes itself on the right: `2025-10-29..2025-10-30` is that
/// day. An open end is the start of the log, or its head.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Range {
    /// Where the range starts: after a place, or at a time; none for the start of the log.
    pub after: Option<When>,
    /// Where it ends: at a place, or before a time; none for the head.
    pub through: Option<When>,
}

impl When {
    /// The last event.
    pub const HEAD: When = When { base: WhenBase::Head, back: 0 };

    /// Reads a selector of one place, all of it.
    ///
    /// # Errors
    ///
    /// Refuses whatever the grammar does not have: what follows a selector, white space at either end, a date
    /// that could be another, and a relative time that has not come.
    pub fn parse(text: &str, context: &TimeContext) -> Result<Self, SelectorError> {
        let mut scan = Scan::new(text, EXAMPLE);
        let when = When::read(&mut scan, context)?;
        if scan.rest().trim_start_matches(' ').starts_with("..") {
            return Err(scan.misread("the end: one place is asked for, not a range").into());
        }
        scan.finish(END)?;
        Ok(when)
    }

    fn read(scan: &mut Scan<'_>, context: &TimeContext) -> Result<Self, SelectorError> {
        let base = WhenBase::read(scan, context)?;
        let back = if scan.eat("~") { scan.number()? } else { 0 };
        Ok(When { base, back })
    }
}

impl WhenBase {
    fn read(scan: &mut Scan<'_>, context: &TimeContext) -> Result<Self, SelectorError> {
        let mut word = *scan;
        if word.word() == "head" {
            *scan = word;
            scan.example = "head~1";
            Ok(WhenBase::Head)
        } else if begins_place(scan) {
            scan.example = "e12";
            Ok(WhenBase::Seq(Seq::new(scan.number()?)))
        } else if scan.eat("id:key:") || scan.eat("key:") {
            scan.example = "key:2025-10-29/ingest";
            let start = *scan;
            let key = CallerKey::new(&name(scan, "key")?);
            Ok(WhenBase::Key(
                key.ok_or_else(|| start.misread("the text of a key, as `--id key:TEXT` has it"))?,
            ))
        } else if scan.eat("id:") {
            scan.example = "id:0199f3c1";
            Ok(WhenBase::Id(IdPrefix::read(scan)?))
        } else if scan.eat("tag:") {
            scan.example = "tag:release";
            Ok(WhenBase::Tag(TagName::new(&name(scan, "tag's name")?).map_err(SelectorError::Tag)?))
        } else {
            Ok(WhenBase::Time(time::read(scan, context)?))
        }
    }
}

/// Reads what a place's number stands behind, and says whether there is a number. Digits alone are a place where
/// nothing follows that would make them a time.
fn begins_place(scan: &mut Scan<'_>) -> bool {
    let number_follows = |scan: &Scan<'_>| scan.peek().is_some_and(|next| next.is_ascii_digit());
    let mut ahead = *scan;
    if scan.eat("#") || scan.eat("seq:") {
        return true;
    }
    if ahead.eat("e") && number_follows(&ahead) {
        *scan = ahead;
        return true;
    }
    let mut ahead = *scan;
    let rest = if ahead.digits().is_empty() { return false } else { ahead.rest() };
    rest.is_empty() || rest.starts_with('~') || rest.trim_start_matches(' ').starts_with("..")
}

/// Reads the name of a tag, or the text of a key: up to `~`, `..` or the end, or within quotes, where `\` stands before
/// a quote or another `\`.
fn name(scan: &mut Scan<'_>, what: &str) -> Result<String, Misread> {
    if !scan.eat("\"") {
        let rest = scan.rest();
        let end = rest.find('~').into_iter().chain(rest.find("..")).min().unwrap_or(rest.len());
        let name =
            if rest[end..].starts_with("..") { rest[..end].trim_end_matches(' ') } else { &rest[..end] };
        scan.eat(name);
        return Ok(name.to_owned());
    }
    let mut name = String::new();
    loop {
        match scan.character() {
            Some('"') => return Ok(name),
            Some('\\') => name.extend(scan.character()),
            Some(character) => name.push(character),
            None => return Err(scan.misread(format!("`\"` after the {what}"))),
        }
    }
}

impl Range {
    /// Every event.
    pub const ALL: Range = Range { after: None, through: None };

    /// Reads a selector of a range, all of it; spaces around the `..` are accepted.
    ///
    /// A single place is refused: some would read `e5` as what follows it, some as what leads to it, and some
    /// as that event alone.
    ///
    /// # Errors
    ///
    /// As [`When::parse`].
    pub fn parse(text: &str, context: &TimeContext) -> Result<Self, SelectorError> {
        const DOTS: &str = "`..`: `WHEN..` is what follows a place, `..WHEN` what leads to it";
        let mut scan = Scan::new(text, RANGE);
        let mut after = None;
        if !scan.rest().starts_with("..") {
            after = Some(When::read(&mut scan, context)?);
            scan.spaces();
        }
        scan.example = RANGE;
        scan.require("..", DOTS)?;
        if scan.rest().is_empty() {
            return Ok(Range { after, through: None });
        }
        scan.spaces();
        let through = Some(When::read(&mut scan, context)?);
        scan.finish(END)?;
        Ok(Range { after, through })
    }
}

/// Writes the canonical form: parsed in any context, it is the same selector.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            WhenBase::Head => f.write_str("head"),
            WhenBase::Seq(seq) => write!(f, "e{seq}"),
            WhenBase::Id(prefix) => write!(f, "id:{prefix}"),
            WhenBase::Key(key) => write_name(f, "key", key.as_str()),
            WhenBase::Tag(name) => write_name(f, "tag", name.as_str()),
            WhenBase::Time(time) => write!(f, "{time}"),
        }?;
        if self.back > 0 { write!(f, "~{}", self.back) } else { Ok(()) }
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, what: &str, name: &str) -> fmt::Result {
    let is_plain =
        !name.contains('~') && !name.contains("..") && !name.starts_with('"') && !name.ends_with(['.', ' ']);
    if is_plain {
        return write!(f, "{what}:{name}");
    }
    write!(f, "{what}:\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes the canonical form, as [`When`] does.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(after) = &self.after {
            write!(f, "{after}")?;
        }
        f.write_str("..")?;
        if let Some(through) = &self.through {
            write!(f, "{through}")?;
        }
        Ok(())
    }
}
