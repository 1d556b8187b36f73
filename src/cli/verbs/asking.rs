//! What every verb that asks has in common: as of when, and which place that is.

use std::io::{BufWriter, Write};

use phaseledger::ledger::Ledger;
use phaseledger::model::{Range, Seq, Timestamp, When, WhenBase};
use phaseledger::rules::Table;
use phaseledger::store::{Axis, Until};
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output;
use crate::cli::ui::render;

/// The options of every verb that asks.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "As of")]
#[group(skip)]
pub struct Args {
    /// The ledger as it was then, that moment included: `head`, `#N`, `#N~K`, `id:PREFIX`, `tag:NAME`, or a
    /// time such as `2025-10-29`, `2025-10-29 18:27`, `yesterday 14:00`, `2 hours ago`
    #[arg(long, value_name = "WHEN", group = "as-of", allow_hyphen_values = true)]
    at: Option<String>,
    /// The ledger as it was just before
    #[arg(long, value_name = "WHEN", group = "as-of", allow_hyphen_values = true)]
    before: Option<String>,
    /// The ledger as it was known then: by when events were recorded, not by when they took effect
    #[arg(long, value_name = "WHEN", group = "as-of", allow_hyphen_values = true)]
    known_at: Option<String>,
}

/// The place that an answer is as of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AsOf {
    /// The place; zero before the first event.
    pub seq: Seq,
    /// When its event took effect.
    pub at: Option<Timestamp>,
    /// When its event was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// A ledger cut to a prefix of its log, ready to be asked.
pub struct Asked {
    /// The ledger.
    pub ledger: Ledger,
    /// Where it is cut.
    pub as_of: AsOf,
    /// Whether that is its head.
    pub is_head: bool,
}

impl Args {
    /// Opens the ledger and finds the place that is meant.
    pub fn open(&self, context: &Context) -> Result<Asked, Failure> {
        let ledger = context.open()?;
        let head = ledger.head()?;
        let parse = |text: &String| -> Result<When, Failure> { Ok(When::parse(text, &context.time()?)?) };
        let seq = if let Some(text) = &self.before {
            resolve(&ledger, &parse(text)?, Cut::Before)?
        } else if let Some(text) = &self.known_at {
            resolve(&ledger, &parse(text)?, Cut::KnownAt)?
        } else if let Some(text) = &self.at {
            resolve(&ledger, &parse(text)?, Cut::At)?
        } else {
            head.seq
        };
        let as_of = as_of(&ledger, seq)?;
        Ok(Asked { ledger, as_of, is_head: seq == head.seq })
    }
}

impl AsOf {
    /// Writes an answer in JSON: its schema, the place that it is as of, then the view's own fields.
    pub fn answer(&self, schema: &'static str, view: &impl Serialize) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Answer<'a, V> {
            schema: &'static str,
            as_of: AsOf,
            #[serde(flatten)]
            view: &'a V,
        }
        let mut out = BufWriter::new(output::stdout());
        output::json_line(&mut out, &Answer { schema, as_of: *self, view })?;
        Ok(out.flush()?)
    }
}

impl Asked {
    /// Lets the ledger go, so that nobody waits for it while a person reads, and returns the place.
    pub fn close(self) -> AsOf {
        self.as_of
    }

    /// Returns the table as of the place.
    pub fn table(&mut self) -> Result<Table, Failure> {
        Ok(match self.is_head {
            true => self.ledger.table()?,
            false => self.ledger.table_kept_at(self.as_of.seq)?,
        })
    }

    /// Tells a person which place the answer is as of.
    pub fn talk(&self, context: &Context) {
        if context.json {
            return;
        }
        match self.as_of.at {
            None => output::talk(format_args!("as of #0: before the first event")),
            Some(at) => {
                let at = render::time(at, context.zone, true);
                let head = if self.is_head { " (head)" } else { "" };
                output::talk(format_args!("as of #{}{head}, {at}", self.as_of.seq));
            }
        }
    }
}

/// How a selector cuts the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// What is meant is included; times are when events took effect.
    At,
    /// What is meant is left out.
    Before,
    /// What is meant is included; times are when events were recorded.
    KnownAt,
}

/// Finds the place that a selector means.
pub fn resolve(ledger: &Ledger, when: &When, cut: Cut) -> Result<Seq, Failure> {
    let head = ledger.head()?.seq;
    let seq = match &when.base {
        WhenBase::Head => head,
        WhenBase::Seq(seq) if *seq > head => {
            let message = format!("there is no event {seq}; the log ends at {head}");
            return Err(Failure::not_found(message).hint("`phaseledger log` lists the events"));
        }
        WhenBase::Seq(seq) => *seq,
        WhenBase::Tag(name) => match ledger.tags()?.get(name) {
            Some(tag) => tag.seq,
            None => {
                return Err(Failure::not_found(format!("there is no tag `{name}`"))
                    .hint("`phaseledger log --kind tag_set` lists the tags"));
            }
        },
        WhenBase::Id(prefix) => find_id(ledger, prefix, head)?,
        WhenBase::Time(time) => {
            let (axis, until) = match cut {
                Cut::At => (Axis::At, Until::Through(*time)),
                Cut::Before => (Axis::At, Until::Before(*time)),
                Cut::KnownAt => (Axis::RecordedAt, Until::Through(*time)),
            };
            return Ok(ledger.seek(axis, until)?.minus(when.back));
        }
    };
    let seq = seq.minus(when.back);
    Ok(if cut == Cut::Before { seq.minus(1) } else { seq })
}

/// Finds the one event whose id has a prefix, by reading the log.
fn find_id(ledger: &Ledger, prefix: &phaseledger::model::IdPrefix, head: Seq) -> Result<Seq, Failure> {
    let mut found = Vec::new();
    for record in ledger.records(Seq::ZERO, head) {
        let record = record?;
        if prefix.matches(record.id) {
            found.push(record);
        }
    }
    match found.as_slice() {
        [only] => Ok(only.seq),
        [] => Err(Failure::not_found(format!("no event has an id that starts with `{prefix}`"))
            .hint("`phaseledger log --json` lists the events with their ids")),
        several => {
            let ids: Vec<_> = several.iter().take(10).map(|record| record.id.to_string()).collect();
            let hint = several
                .iter()
                .take(10)
                .map(|record| format!("\n  #{} {} {}", record.seq, record.id, record.event.kind()));
            Err(Failure::new(
                2,
                "ambiguous_id",
                format!("{} events have an id that starts with `{prefix}`", several.len()),
            )
            .hint(format!("give more of it:{}", hint.collect::<String>()))
            .detail("candidates", ids))
        }
    }
}

/// Returns the times of a place.
pub fn as_of(ledger: &Ledger, seq: Seq) -> Result<AsOf, Failure> {
    let record = ledger.event(seq)?;
    let times = record.map(|record| (record.at, record.recorded_at));
    Ok(AsOf { seq, at: times.map(|times| times.0), recorded_at: times.map(|times| times.1) })
}

/// Finds the place that a text means.
pub fn place(text: &str, context: &Context) -> Result<Seq, Failure> {
    let when = When::parse(text, &context.time()?)?;
    resolve(&context.open()?, &when, Cut::At)
}

/// Reads a range.
pub fn parse_range(text: &str, context: &Context) -> Result<Range, Failure> {
    Ok(Range::parse(text, &context.time()?)?)
}

/// Finds the events that a range means: after the first place, up to and including the second, and never
/// beyond `through`.
pub fn range(ledger: &Ledger, range: &Range, through: Seq) -> Result<(Seq, Seq), Failure> {
    let end = |when: &Option<When>| when.as_ref().map(|when| resolve(ledger, when, Cut::At)).transpose();
    let after = end(&range.after)?.unwrap_or(Seq::ZERO);
    let last = end(&range.through)?.unwrap_or(through).min(through);
    if after > last && range.through.is_some() {
        return Err(Failure::misuse(format!("the range runs backwards: from #{after} to #{last}"))
            .hint("put the earlier place first"));
    }
    Ok((after.min(last), last))
}
