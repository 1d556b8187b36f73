//! Zones of the IANA time zone database.
//!
//! ```text
//!  edge: the name, and the bytes of the machine's own file ─▶ NamedZone (checked once) ─▶ offset_at, instants
//! ```
//!
//! Nothing is opened here. The crate `tz-rs` reads the format (TZif, RFC 9636) and is named in this file alone.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Datelike, FixedOffset, MappedLocalTime, NaiveDateTime, Timelike, Utc};
use tz::datetime::FoundDateTimeKind;
use tz::{DateTime as Found, TimeZone};

/// A zone of the IANA time zone database.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedZone {
    name: String,
    clocks: TimeZone,
    /// The rule for all times after the last change, as the file ends with it.
    rule: Option<String>,
}

/// The zones that were read. A zone is as small as a number wherever it goes, so each is kept as long as the program
/// runs: there are some 600 of them.
static KNOWN: Mutex<Vec<&'static NamedZone>> = Mutex::new(Vec::new());

/// The last second of the year 9999, and the first one of the year 1.
const ENDS: [i64; 2] = [253_402_300_799, -62_135_596_800];

impl NamedZone {
    /// Takes up a zone by its name and the bytes of its file, or says why not.
    pub(super) fn read(name: &str, tzif: &[u8]) -> Result<&'static NamedZone, String> {
        let clocks = TimeZone::from_tz_data(tzif).map_err(|error| error.to_string())?;
        if !clocks.as_ref().leap_seconds().is_empty() {
            return Err("it counts leap seconds".to_owned());
        }
        if ENDS.iter().any(|second| clocks.find_local_time_type(*second).is_err()) {
            return Err("it does not tell the clocks of the years to come".to_owned());
        }
        let zone = NamedZone { name: name.to_owned(), clocks, rule: last_line(tzif) };
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.iter().find(|known| ***known == zone) {
            return Ok(same);
        }
        let kept: &'static NamedZone = Box::leak(Box::new(zone));
        known.push(kept);
        Ok(kept)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the rule for all times after the last change that the file has, as POSIX writes it.
    pub(in crate::model) fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Returns what the clocks are set to at a second, and at each later change that the file has, in order.
    pub(in crate::model) fn changes_since(&self, second: i64) -> Vec<(i64, i32)> {
        let offset_at = |second| self.clocks.find_local_time_type(second).map(|kind| kind.ut_offset());
        let later = self.clocks.as_ref().transitions().iter().map(|change| change.unix_leap_time());
        let seconds = std::iter::once(second).chain(later.filter(|at| *at > second));
        seconds.filter_map(|at| Some((at, offset_at(at).ok()?))).collect()
    }

    /// Returns how far the clocks are from UTC at an instant.
    pub(super) fn offset_at(&self, time: DateTime<Utc>) -> FixedOffset {
        let kind = self.clocks.find_local_time_type(time.timestamp());
        offset(kind.expect("the clocks of all years were found when it was read").ut_offset())
    }

    /// Returns the instants at which the clocks show something.
    pub(super) fn instants(&self, shown: NaiveDateTime) -> MappedLocalTime<DateTime<FixedOffset>> {
        let two = |part: u32| u8::try_from(part).expect("a part of a date or a time of day");
        let found = Found::find(
            shown.year(),
            two(shown.month()),
            two(shown.day()),
            two(shown.hour()),
            two(shown.minute()),
            two(shown.second()),
            0,
            self.clocks.as_ref(),
        );
        let mut found: Vec<i32> = found
            .into_iter()
            .flat_map(tz::datetime::FoundDateTimeList::into_inner)
            .filter_map(|found| match found {
                FoundDateTimeKind::Normal(time) => Some(time.local_time_type().ut_offset()),
                FoundDateTimeKind::Skipped { .. } => None,
            })
            .collect();
        // The further east, the earlier the clocks show it.
        found.sort_unstable();
        let instant = |seconds: i32| shown.and_local_timezone(offset(seconds)).single();
        let first = found.last().copied().and_then(instant);
        match (first, found.first().copied().filter(|_| found.len() > 1).and_then(instant)) {
            (None, _) => MappedLocalTime::None,
            (Some(only), None) => MappedLocalTime::Single(only),
            (Some(first), Some(last)) => MappedLocalTime::Ambiguous(first, last),
        }
    }
}

/// Returns the text between the last two ends of lines.
fn last_line(tzif: &[u8]) -> Option<String> {
    let line = tzif.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok().map(str::to_owned)
}

fn offset(seconds: i32) -> FixedOffset {
    FixedOffset::east_opt(seconds).expect("the database knows no zone a day from UTC")
}
