//! The clocks of a zone, told so that whoever reads them again needs no database of zones.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::rule::ClockRule;
use crate::model::{Timestamp, Zone, ZoneError};

/// What the clocks of a zone show, from some instant on.
///
/// An event that says when a period begins must mean the same for ever, on any machine: so it has the rule by which
/// the clocks change, as the zone's file had it when it was recorded, and the changes to come that no rule tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Clocks {
    /// What the zone is called.
    zone: String,
    written: String,
    rule: ClockRule,
    /// What the clocks are set to before the rule holds, in order; the rule holds from the last one on.
    changes: Vec<ClockChange>,
}

/// How far clocks are from UTC from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    at: Timestamp,
    offset_seconds: i32,
}

/// How clocks are written.
#[derive(Serialize, Deserialize)]
struct Written {
    zone: String,
    rule: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ClockChange>,
}

/// How long before an instant the clocks are told: a period that holds it may have begun then.
const BACK: TimeDelta = TimeDelta::days(40);

impl Clocks {
    /// Tells the clocks of a zone for all periods that hold an instant, or come after it.
    ///
    /// # Errors
    ///
    /// Refuses the zone of one machine, [`Zone::is_local`], and a zone of which no rule tells the years to
    /// come.
    pub fn of(zone: Zone, since: Timestamp) -> Result<Clocks, ZoneError> {
        let (written, changes) = match zone {
            Zone::Fixed(offset) => (fixed(offset.local_minus_utc()), Vec::new()),
            Zone::Named(named) => {
                let rule = named.rule().ok_or_else(|| unread(zone, "no rule tells its clocks"))?;
                let since = since.utc().checked_sub_signed(BACK).unwrap_or_else(|| since.utc());
                (rule.to_owned(), named.changes_since(since.timestamp()))
            }
            _ => return Err(unread(zone, "it is that of one machine")),
        };
        let rule = ClockRule::read(&written).ok_or_else(|| unread(zone, "its rule is none"))?;
        // What the rule tells as well need not be told twice.
        let tells = |(at, offset): &(i64, i32)| rule.offset_at(*at) == *offset;
        let before = changes.iter().zip(changes.iter().skip(1));
        let between = before.map(|((_, offset), (next, _))| (next - 1, *offset));
        let is_told = changes.iter().all(tells) && between.into_iter().all(|it| tells(&it));
        let changes = changes.iter().filter(|_| !is_told).filter_map(|(at, offset_seconds)| {
            let at = Timestamp::new(chrono::DateTime::from_timestamp(*at, 0)?).ok()?;
            Some(ClockChange { at, offset_seconds: *offset_seconds })
        });
        Ok(Clocks { zone: zone.to_string(), changes: changes.collect(), written, rule })
    }

    /// Returns what the zone is called.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Returns how far the clocks are from UTC at an instant, both in seconds.
    pub(super) fn offset_at(&self, instant: i64) -> i32 {
        let number = self.changes.partition_point(|change| change.at.utc().timestamp() <= instant);
        match (self.changes.get(number), number.checked_sub(1)) {
            (None, _) => self.rule.offset_at(instant),
            (Some(_), Some(last)) => self.changes[last].offset_seconds,
            (Some(first), None) => first.offset_seconds,
        }
    }
}

fn unread(zone: Zone, why: &str) -> ZoneError {
    ZoneError::Unread { shown: zone.to_string(), why: why.to_owned() }
}

/// Writes the rule of clocks that never change.
fn fixed(offset: i32) -> String {
    if offset == 0 {
        return "UTC0".to_owned();
    }
    let (east, west) = if offset > 0 { ('+', "-") } else { ('-', "") };
    let (hours, minutes, seconds) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    let seconds = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    format!("<{east}{hours:02}{minutes:02}>{west}{hours:02}:{minutes:02}{seconds}")
}

impl TryFrom<Written> for Clocks {
    type Error = String;

    fn try_from(Written { zone, rule: written, changes }: Written) -> Result<Self, String> {
        let rule = ClockRule::read(&written)
            .ok_or_else(|| format!("`{}` is no rule of clocks", crate::model::escape(&written)))?;
        let is_sorted = changes.windows(2).all(|pair| pair[0].at < pair[1].at);
        let is_near = changes.iter().all(|change| change.offset_seconds.abs() < 24 * 60 * 60);
        match is_sorted && is_near && crate::model::label(&zone).is_ok() {
            true => Ok(Clocks { zone, written, rule, changes }),
            false => Err("the changes of the clocks are not in order".to_owned()),
        }
    }
}

impl From<Clocks> for Written {
    fn from(clocks: Clocks) -> Written {
        Written { zone: clocks.zone, rule: clocks.written, changes: clocks.changes }
    }
}
