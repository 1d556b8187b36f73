//! What every verb that asks has in common: as of when, and which place that is.

use std::io::{BufWriter, Write};

use phaseledger::ask::{self, Answered, CommandedEvent, Moment, Question, Stood};
use phaseledger::model::{CallerId, Range, Seq, TimeContext, When, WhenBase};
use serde::Serialize;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::output::{self, Progress};
use crate::cli::ui::render;

// The options of every verb that asks.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "As of")]
#[group(skip)]
pub struct Args {
    /// The ledger as it was then, that moment included: `head`, `eN`, `eN~K`, `id:PREFIX`, `key:TEXT`,
    /// `tag:NAME`, or a time such as `2025-10-29`, `2025-10-29 18:27`, `yesterday 14:00`, `2 hours ago`, `90m`; an event comes with all that
    /// its command recorded. A time takes in what had taken effect by then, also where it was recorded later
    #[arg(long, value_name = "WHEN", group = "as-of", allow_hyphen_values = true)]
    at: Option<String>,
    /// The ledger as it was just before
    #[arg(long, value_name = "WHEN", group = "as-of", allow_hyphen_values = true)]
    before: Option<String>,
    /// The ledger as it was known then: by when events were recorded, not by when they took effect; with `--at` or
    /// `--before`, how things stood at that time as far as it was known at this one
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    known_at: Option<String>,
}

impl Args {
    /// Says whether it is asked as of some other moment than now.
    pub fn is_given(&self) -> bool {
        self.at.is_some() || self.before.is_some() || self.known_at.is_some()
    }

    /// Returns as of when is asked.
    fn moment(&self, context: &Context) -> Result<Moment, Failure> {
        let parse = |text: &String| -> Result<When, Failure> { Ok(When::parse(text, &context.time()?)?) };
        let stood = match (&self.before, &self.at) {
            (Some(text), _) => Stood::Before(parse(text)?),
            (None, Some(text)) => Stood::At(parse(text)?),
            (None, None) => Stood::Now,
        };
        let now = context.now().ok();
        Ok(Moment { stood, known_at: self.known_at.as_ref().map(parse).transpose()?, now })
    }

    /// Refuses all of them, for a verb that asks by one of its options alone.
    pub fn refuse_any(&self, option: &str) -> Result<(), Failure> {
        match self.is_given() {
            true => {
                Err(Failure::misuse(format!("`--at`, `--before` and `--known-at` go with `{option}` alone")))
            }
            false => Ok(()),
        }
    }

    /// Asks, and tells a person which place the answer is as of. Nothing is held once it returns.
    pub fn ask<Q: Question>(&self, question: &Q, context: &Context) -> Result<Answered<Q::View>, Failure> {
        let answered = ask::answer(|| context.open(), &self.moment(context)?, question)?;
        told(answered, context)
    }

    /// Asks, as [`Args::ask`], and shows how far it is while much of the log is read.
    pub fn ask_long<Q: Question>(
        &self,
        question: &Q,
        doing: &'static str,
        context: &Context,
    ) -> Result<Answered<Q::View>, Failure> {
        told(watched(&self.moment(context)?, question, doing, context)?, context)
    }

    /// Asks, as [`Args::ask_long`], and leaves it to the caller to tell the place.
    pub fn ask_untold<Q: Question>(
        &self,
        question: &Q,
        doing: &'static str,
        context: &Context,
    ) -> Result<Answered<Q::View>, Failure> {
        Ok(watched(&self.moment(context)?, question, doing, context)?.transpose()?)
    }
}

/// Asks as of the head, and returns the answer alone. Nothing is held once it returns.
pub fn ask_head<Q: Question>(
    question: &Q,
    doing: &'static str,
    context: &Context,
) -> Result<Q::View, Failure> {
    Ok(watched(&Moment::HEAD, question, doing, context)?.view?)
}

/// As of when a command that records is to be read: what it says of places and times.
#[derive(Debug)]
pub struct Then {
    moment: Moment,
    /// What its times are read by.
    times: TimeContext,
    /// The last event of then, where that is not the last one there is.
    head: Option<Seq>,
}

impl Then {
    /// Now; or, where it is recorded already under its id, just before that: so it says the same whenever it is sent again.
    pub fn of(id: Option<&CallerId>, context: &Context) -> Result<Then, Failure> {
        let now = Then { moment: Moment::HEAD, times: context.time()?, head: None };
        let Some(id) = id else { return Ok(now) };
        let question = ask::RecordedUnder { id: id.command() };
        let Some(first) = ask_head(&question, "looking for the command", context)? else { return Ok(now) };
        let head = first.seq.minus(1);
        let moment = Moment::known_at(When { base: WhenBase::Seq(head), back: 0 });
        let times = TimeContext { now: first.recorded_at, ..now.times };
        Ok(Then { moment, times, head: Some(head) })
    }

    /// Reads a selector of one place.
    pub fn when(&self, text: &str) -> Result<When, Failure> {
        let when = When::parse(text, &self.times)?;
        Ok(match (&when.base, self.head) {
            (WhenBase::Head, Some(head)) => When { base: WhenBase::Seq(head), ..when },
            _ => when,
        })
    }

    /// Finds the event that a selector of one place means.
    pub fn commanded(
        &self,
        given: &str,
        doing: &'static str,
        context: &Context,
    ) -> Result<CommandedEvent, Failure> {
        self.ask(&ask::Commanded { when: self.when(given)? }, doing, context)
    }

    /// Asks as of then, and returns the answer alone, as [`ask_head`].
    pub fn ask<Q: Question>(
        &self,
        question: &Q,
        doing: &'static str,
        context: &Context,
    ) -> Result<Q::View, Failure> {
        Ok(watched(&self.moment, question, doing, context)?.view?)
    }
}

/// Asks, and shows how far it is while much of the log is read.
fn watched<Q: Question>(
    moment: &Moment,
    question: &Q,
    doing: &'static str,
    context: &Context,
) -> Result<Answered<Result<Q::View, ask::AskError>>, Failure> {
    // A place that is looked for by reading the log has another length than what is then asked.
    let mut progress: Option<(u64, Progress)> = None;
    let mut watch = |done, total| {
        let under_way = progress.take().filter(|(of, _)| *of == total);
        progress.insert(under_way.unwrap_or_else(|| (total, Progress::new(doing, total)))).1.at(done);
    };
    ask::answer_watched(|| context.open(), moment, question, &mut watch)
}

/// Tells a person which place an answer is as of, also where the question is refused there.
fn told<V>(answered: Answered<Result<V, ask::AskError>>, context: &Context) -> Result<Answered<V>, Failure> {
    tell_as_of(&answered.as_of, answered.is_head, context);
    Ok(answered.transpose()?)
}

/// Tells a person which place an answer is as of.
pub fn tell_as_of(as_of: &ask::AsOf, is_head: bool, context: &Context) {
    if context.json {
        return;
    }
    match as_of.at {
        None if as_of.late.is_empty() => output::talk(format_args!("as of e0: before the first event")),
        None => output::talk(format_args!("as of {as_of}")),
        Some(at) => {
            let at = render::time(at, context.zone, true);
            let head = if is_head { " (head)" } else { "" };
            output::talk(format_args!("as of {as_of}{head}, {at}"));
        }
    }
}

/// Writes an answer in JSON.
pub fn write_json<V: Serialize>(answered: &Answered<V>) -> Result<(), Failure> {
    let mut out = BufWriter::new(output::stdout());
    output::json_line(&mut out, answered)?;
    Ok(out.flush()?)
}

/// Reads a range.
pub fn parse_range(text: &str, context: &Context) -> Result<Range, Failure> {
    Ok(Range::parse(text, &context.time()?)?)
}
