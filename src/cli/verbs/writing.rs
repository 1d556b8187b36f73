//! What every verb that records has in common: its options, the way into the ledger, and the answer.

mod command;
mod view;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use phaseledger::ask::{self, RedefinedAnswer};
use phaseledger::ledger::{Answer, AnswerStatus, How, Ledger, Recorder};
use phaseledger::model::{
    Action, CallerId, Command, Declared, Expectation, FoundFiles, Metadata, MetadataError, Recorded, Request,
    Timestamp,
};
use phaseledger::query::Forecast;
use phaseledger::rules::Phase;
use uuid::Uuid;

use crate::cli::host::context::Context;
use crate::cli::host::error::Failure;
use crate::cli::host::{files, output};
use crate::cli::ui::{
    forecast,
    render::{self, Naming},
};
use crate::cli::verbs::asking;
pub use command::{command, command_by};
pub use view::{AnswerView, DerivedView, UnmatchedView, status_name};

// The options of every verb that records.
#[derive(clap::Args)]
#[command(next_help_heading = "Recording")]
#[group(skip)]
pub struct Args {
    /// A UUID, or `key:` and a text of your own: recording it again is safe and changes nothing
    #[arg(long, value_name = "ID")]
    id: Option<CallerId>,
    /// Refuse unless this holds: `seq:N` (nothing happened to it after N), `state=A,B`, `attempt=N`
    #[arg(long, value_name = "WHAT")]
    expect: Vec<Expectation>,
    /// When it took effect, where that is not now: a time such as `2025-10-29T18:27:01Z` or `10 minutes ago`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    occurred_at: Option<String>,
    /// Who asks [env: PHASELEDGER_BY] [default: the user]
    #[arg(long, value_name = "NAME", value_parser = phaseledger::model::claim)]
    by: Option<String>,
    /// Tell what it would record, and record nothing
    #[arg(long)]
    dry_run: bool,
}

// Metadata as a caller gives it.
#[derive(clap::Args)]
#[group(skip)]
pub struct MetaArgs {
    /// Attach metadata; a value that is JSON is kept as JSON, any other as text
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// Attach a JSON object
    #[arg(long, value_name = "JSON", value_parser = object)]
    metadata: Option<Metadata>,
}

fn object(text: &str) -> Result<Metadata, String> {
    let read: Result<Metadata, MetadataError> = text.parse();
    read.map_err(|error| match error {
        MetadataError::NotJson(error) => format!("{error}; expected a JSON object like {{\"books\": 3}}"),
        error => error.to_string(),
    })
}

/// Reads `key=value`; the value comes out as JSON text.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    if key.is_empty() {
        return Err("the key is empty; expected KEY=VALUE".to_owned());
    }
    let is_json = serde_json::from_str::<&serde_json::value::RawValue>(value).is_ok();
    let json = if is_json { value.to_owned() } else { serde_json::Value::from(value).to_string() };
    Ok((key.to_owned(), json))
}

impl MetaArgs {
    /// Puts the metadata together.
    pub fn metadata(&self) -> Result<Metadata, Failure> {
        let mut metadata = self.metadata.clone().unwrap_or_default();
        insert_all(&mut metadata, &self.meta)?;
        Ok(metadata)
    }
}

/// Puts pairs of keys and JSON texts into metadata that has none of those keys yet.
pub fn insert_all(metadata: &mut Metadata, pairs: &[(String, String)]) -> Result<(), Failure> {
    for (key, value) in pairs {
        if metadata.value(key).is_some() {
            return Err(Failure::doubled_key(key));
        }
        metadata.insert(key, value).map_err(|error| Failure::metadata(key, &error))?;
    }
    Ok(())
}

impl Args {
    /// Says whether any of the options is given.
    pub fn is_given(&self) -> bool {
        let Args { id, expect, occurred_at, by, dry_run } = self;
        id.is_some() || !expect.is_empty() || occurred_at.is_some() || by.is_some() || *dry_run
    }

    /// Makes the options of a command that takes effect now and expects nothing.
    pub fn of(by: Option<String>) -> Self {
        Args { id: None, expect: Vec::new(), occurred_at: None, by, dry_run: false }
    }

    /// Refuses all of them, for an option by which a verb records nothing.
    pub fn refuse_any(&self, option: &str) -> Result<(), Failure> {
        match self.is_given() {
            true => {
                Err(Failure::misuse(format!("`{option}` records nothing: it takes no options of recording")))
            }
            false => Ok(()),
        }
    }

    /// Returns the caller's id, where there is one.
    pub fn id(&self) -> Option<&CallerId> {
        self.id.as_ref()
    }

    /// Says whether the ledger has a command of the id that is given.
    pub fn is_recorded(&self, context: &Context) -> bool {
        let question = self.id.as_ref().map(|id| ask::RecordedUnder { id: id.command() });
        let first = question.and_then(|question| asking::ask_head(&question, "looking for it", context).ok());
        first.flatten().is_some()
    }

    /// Returns who asks, where that is said.
    pub fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }
}

/// Records an action, and answers.
pub fn record(args: Args, action: Action, context: &Context) -> Result<ExitCode, Failure> {
    record_unless(args, action, context, None)
}

/// What may refuse an action by the phase that it is about.
pub type Refuse = fn(&Phase) -> Result<(), Failure>;

/// Records an action, and answers; unless it is recorded already, it may be refused first.
pub fn record_unless(
    args: Args,
    action: Action,
    context: &Context,
    refuse: Option<Refuse>,
) -> Result<ExitCode, Failure> {
    let verb = action.verb();
    let (answer, unmatched) = submit_unless(args, action, context, refuse)?;
    let question = ask::Forecast::of(&answer);
    let history = |question| asking::ask_head(&question, "reading the history", context);
    let forecast = question.map(history).transpose()?;
    let beside = Beside { forecast: forecast.as_ref(), unmatched: &unmatched, redefined: None };
    answered(&answer, tell_with(&answer, &beside, verb, context))?;
    Ok(ExitCode::SUCCESS)
}

/// Records an action, or finds out what it would record.
pub fn submit(args: Args, action: Action, context: &Context) -> Result<Answer, Failure> {
    submit_unless(args, action, context, None).map(|(answer, _)| answer)
}

fn submit_unless(
    args: Args,
    action: Action,
    context: &Context,
    refuse: Option<Refuse>,
) -> Result<(Answer, Vec<UnmatchedView>), Failure> {
    let occurred_at = args.occurred_at.as_deref().map(|text| context.claim(text)).transpose()?;
    let request = Request { id: args.id, expect: args.expect, occurred_at, by: args.by, action };
    let mut command = command(request, context, "cli")?;
    send_unless(&mut command, args.dry_run, context, refuse)
}

/// Says of an answer that could not be told what it would have told.
pub fn answered<T>(answer: &Answer, told: Result<T, Failure>) -> Result<T, Failure> {
    told.map_err(|failure| match answer.status {
        AnswerStatus::Appended => failure.hint(format!("it is recorded all the same, as e{}", answer.seq)),
        AnswerStatus::Duplicate | AnswerStatus::Unchanged | AnswerStatus::Preview => failure,
    })
}

/// Records a command, or tells what it would record. The files that its phase declares are fingerprinted
/// first, while nobody holds the ledger, and only once it is known that the command is not refused.
pub fn send(command: &mut Command, dry_run: bool, context: &Context) -> Result<Answer, Failure> {
    send_unless(command, dry_run, context, None).map(|(answer, _)| answer)
}

fn send_unless(
    command: &mut Command,
    dry_run: bool,
    context: &Context,
    mut refuse: Option<Refuse>,
) -> Result<(Answer, Vec<UnmatchedView>), Failure> {
    let unless = command.may_repeat.then_some(command.id);
    let question = command.action.phase().map(|phase| ask::Standing { phase: phase.clone(), unless });
    let how = if dry_run { How::Preview } else { How::Together };
    let mut edge = Edge {
        context,
        how,
        before: &mut |ledger| match (refuse.take(), &question) {
            (Some(refuse), Some(question)) => {
                ask::held(ledger, question)?.map_or(Ok(()), |phase| refuse(&phase))
            }
            _ => Ok(()),
        },
        unmatched: Vec::new(),
    };
    let recorded = Ledger::record_all(&mut edge, std::slice::from_mut(command), how);
    let answers = recorded.map_err(|unrecorded| unrecorded.error)?.answers;
    Ok((answers.into_iter().next().expect("an answer to each command"), edge.unmatched))
}

/// What recording takes from this machine.
pub struct Edge<'a> {
    pub context: &'a Context,
    /// How much is recorded: where it is nothing, the ledger is only asked.
    pub how: How,
    /// Asks the ledger before anything is staged, by [`ask::held`], and may refuse.
    pub before: &'a mut dyn FnMut(&mut Ledger) -> Result<(), Failure>,
    /// The declared patterns that selected nothing when files were last looked at.
    pub unmatched: Vec<UnmatchedView>,
}

impl Recorder for Edge<'_> {
    type Held = Box<Ledger>;
    type Error = Failure;

    fn open(&mut self) -> Result<Box<Ledger>, Failure> {
        let opened =
            if self.how == How::Preview { self.context.open() } else { self.context.open_to_record() };
        opened.map(Box::new)
    }

    fn now(&mut self) -> Result<Timestamp, Failure> {
        self.context.now()
    }

    fn fingerprint(&mut self, declared: &Declared) -> FoundFiles {
        let (found, unmatched) = files::declared(declared, self.context);
        UnmatchedView::replace(&mut self.unmatched, declared, unmatched);
        found
    }

    fn wait(&mut self, tries: u32) {
        wait(tries);
    }

    fn before(&mut self, ledger: &mut Ledger) -> Result<(), Failure> {
        (self.before)(ledger)
    }
}

/// The longest wait before the second try to record; it doubles with each.
const WAIT_MS_MAX: u64 = 10;

/// Waits a random time, longer the more tries there were.
pub fn wait(tries: u32) {
    let (_, random) = Uuid::now_v7().as_u64_pair();
    let most = WAIT_MS_MAX << tries.saturating_sub(1).min(6);
    std::thread::sleep(Duration::from_millis(random % most));
}

/// Tells what came of a command: a line, and a line for each event that it forced.
pub fn tell(answer: &Answer, verb: &str, context: &Context) -> Result<(), Failure> {
    tell_with(answer, &Beside::default(), verb, context)
}

/// What is told beside what came of a command.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// What it would set off.
    pub forecast: Option<&'a Forecast>,
    /// The patterns of files that select nothing.
    pub unmatched: &'a [UnmatchedView],
    /// What a definition changes, and that in lines.
    pub redefined: Option<(&'a RedefinedAnswer, &'a [String])>,
}

/// Tells what came of a command, and what else there is to tell.
pub fn tell_with(answer: &Answer, beside: &Beside<'_>, verb: &str, context: &Context) -> Result<(), Failure> {
    let mut out = BufWriter::new(output::stdout());
    if context.json {
        output::json_line(&mut out, &AnswerView::new(answer).with(beside))?;
        out.flush()?;
        return Ok(());
    }
    match (answer.status, answer.events.first()) {
        (AnswerStatus::Duplicate, _) => {
            writeln!(out, "duplicate: recorded as e{} already, nothing changed", answer.seq)?;
            derived(&mut out, answer)?;
        }
        (AnswerStatus::Unchanged, _) | (_, None) => writeln!(out, "unchanged: {verb} changes nothing")?,
        (status, Some(first)) => {
            let name = match status {
                AnswerStatus::Preview => "would append",
                _ => "appended",
            };
            writeln!(out, "{name} e{} {}", first.seq, line(first))?;
            for line in beside.redefined.map_or(&[][..], |(_, lines)| lines) {
                writeln!(out, "  {line}")?;
            }
            derived(&mut out, answer)?;
        }
    }
    if let Some(forecast) = beside.forecast {
        forecast::tell(&mut out, forecast)?;
    }
    out.flush()?;
    tell_times(answer, context);
    Ok(())
}

/// Tells the events that a command forced, a line for each.
fn derived(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let derived = answer.events.iter().skip(1);
    derived.into_iter().try_for_each(|record| writeln!(out, "  ↳ e{} {}", record.seq, line(record)))
}

/// Says whether there is something that [`tell_times`] tells.
pub fn is_elsewhen(answer: &Answer) -> bool {
    if answer.status == AnswerStatus::Duplicate {
        return false;
    }
    answer.raised.is_some() || answer.events.first().is_some_and(|first| first.clock.is_some())
}

/// Says of a command that it took effect at another time than was claimed, or than it is; and of a clock that it is
/// behind. Nothing where neither is so.
pub fn tell_times(answer: &Answer, context: &Context) {
    let Some(first) = answer.events.first().filter(|_| is_elsewhen(answer)) else { return };
    let time = |at| render::time(at, context.zone, true);
    if let Some(clock) = first.clock {
        output::talk(format_args!(
            "the clock shows {}, but the last event was recorded at {}: e{} keeps both",
            time(clock),
            time(first.recorded_at),
            first.seq
        ));
    }
    if let Some(rest) = answer.raised {
        let instead = match first.occurred_at {
            Some(claimed) => format!("not at {} as claimed", time(claimed)),
            None => "which is later than now".to_owned(),
        };
        output::talk(format_args!(
            "e{} took effect at {}, {instead}: it rests on e{}",
            first.seq,
            time(rest.at),
            rest.seq
        ));
    }
}

/// Returns what happened to what, in a line.
pub fn line(record: &Recorded) -> String {
    let subject = render::subject(&record.subject, Naming::Bare);
    format!("{} {subject}  {}", record.event.kind(), render::summary(record)).trim_end().to_owned()
}
