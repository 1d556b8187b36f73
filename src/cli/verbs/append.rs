//! `append`: records commands from JSON lines, one answer a line.
//!
//! ```text
//!  file or pipe ──thread──▶ lines ──▶ batch: as many as have arrived ──▶ one commit ──▶ answers ──thread──▶ stdout
//! ```
//!
//! The ledger is never held while waiting for input, or for whoever reads the answers: it is opened when a line has
//! arrived, and closed when no other follows at once, others have waited long enough, or too many answers wait.

mod answers;
mod arriving;

use std::cell::{RefCell, RefMut};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use phaseledger::ledger::{Answer, AnswerStatus, How, Ledger, Recorder, Unrecorded};
use phaseledger::model::{
    ANSWER_SCHEMA, Actor, COMMAND_SCHEMA, Command, Declared, FoundFiles, Timestamp, VERBS,
};

use self::answers::Answers;
use self::arriving::{Arriving, Line};
use crate::cli::host::context::{Context, Within};
use crate::cli::host::error::Failure;
use crate::cli::host::{files, output};
use crate::cli::ui::render;
use crate::cli::verbs::writing::{self, Edge, command_by};

/// How many commands may become durable together.
const COMMANDS_PER_BATCH: usize = 2048;

/// How long the ledger stays open for a line that follows at once.
const IDLE_MAX: Duration = Duration::from_millis(2);

/// How long the ledger may be kept from others.
const HOLD_MAX: Duration = Duration::from_millis(100);

/// From how many commands on it is told how fast they were recorded: who sends a few knows.
const TOLD_FROM: usize = 1000;

// Options of `append`.
#[derive(clap::Args)]
#[command(after_help = about_lines())]
pub struct Args {
    /// The file, or `-` for standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// All of the lines, or none
    #[arg(long)]
    atomic: bool,
    #[command(flatten)]
    within: Within,
    /// Who asks, where a line does not say [env: PHASELEDGER_BY] [default: the user]
    #[arg(long, value_name = "NAME", value_parser = phaseledger::model::claim)]
    by: Option<String>,
    /// Print the JSON Schema of a line that is read, or of one that is answered, and read nothing
    #[arg(
        long,
        value_enum,
        value_name = "OF",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "command",
        conflicts_with_all = ["file", "atomic", "by"]
    )]
    schema: Option<Schema>,
}

/// Says what a line is.
fn about_lines() -> String {
    let verbs = VERBS.join(", ");
    format!(
        "A line is an object with `do` ({verbs}), what the verb takes (`phase`, `metadata`, `reason`, `error`, \
        `inputs`, `outputs`, `text`, `name`, `amount`, `limit`, `operation`, `estimate`, `request`, …), and `id`, \
        `expect`, `occurred_at`, `by`: `--schema` has all of it. Each line is answered by a line, once it would \
        survive a power cut. The first line that is refused ends the stream; the lines before it stand, unless \
        `--atomic`."
    )
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Schema {
    Command,
    Answer,
}

/// Records every line.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let context = &context.within(&args.within);
    if let Some(schema) = args.schema {
        let text = match schema {
            Schema::Command => COMMAND_SCHEMA,
            Schema::Answer => ANSWER_SCHEMA,
        };
        output::stdout().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    context.home()?;
    let mut appender = Appender {
        args,
        context,
        lines: Arriving::read(&args.file, context)?,
        asker: None,
        answers: Answers::begin()?,
        recorded: 0,
        new: 0,
        started: None,
        elsewhen: (0, None),
    };
    let recorded = match args.atomic {
        true => appender.all_or_nothing(),
        false => appender.stream(),
    };
    let answered = appender.answers.end().map_err(|error| appender.unanswered(error));
    appender.tell_times();
    recorded.and(answered)?;
    appender.tell();
    Ok(ExitCode::SUCCESS)
}

struct Appender<'a> {
    args: &'a Args,
    context: &'a Context,
    lines: Arriving,
    /// Who asked last, by the name that the line gave: many lines have one.
    asker: Option<(Option<String>, Actor)>,
    answers: Answers,
    /// How many commands have been answered.
    recorded: usize,
    /// How many of them were not in the log before.
    new: usize,
    /// When the first line was there.
    started: Option<Instant>,
    /// How many took effect at another time than was claimed, or than it was; and the first of them.
    elsewhen: (usize, Option<Answer>),
}

impl Appender<'_> {
    /// Takes up lines as they arrive, until there are no more.
    fn stream(&mut self) -> Result<(), Failure> {
        let ledger = RefCell::new(None);
        let mut open = Open { context: self.context, ledger: &ledger, since: Instant::now() };
        while let Some(first) = self.lines.wait() {
            self.started.get_or_insert_with(Instant::now);
            let mut next = Some(first);
            while let Some(line) = next {
                self.batch(&mut open, line)?;
                let may_hold = open.since.elapsed() < HOLD_MAX;
                next = may_hold.then(|| self.lines.wait_at_most(IDLE_MAX)).flatten();
            }
            open.close();
        }
        Ok(())
    }

    /// Makes a line and those that have arrived behind it durable together, and answers them.
    fn batch(&mut self, open: &mut Open<'_>, first: Line) -> Result<(), Failure> {
        let (mut lines, mut commands, mut refused) = (Vec::new(), Vec::new(), None);
        let mut next = Some(first);
        while let Some(line) = next {
            match self.read(line) {
                Ok((line, command)) => {
                    lines.push(line);
                    commands.push(command);
                }
                Err(refusal) => {
                    refused = Some(refusal);
                    break;
                }
            }
            let is_full = commands.len() == COMMANDS_PER_BATCH;
            next = if is_full { None } else { self.lines.next_at_once() };
        }
        let mut done = 0;
        while done < commands.len() {
            match Ledger::record_all(open, &mut commands[done..], How::InOrder) {
                Ok(recording) => {
                    self.answer(&recording.answers, || open.close())?;
                    done += recording.answers.len();
                }
                Err(unrecorded) => {
                    self.answer(&unrecorded.answers, || open.close())?;
                    return Err(self.unrecorded(&lines[done..], unrecorded));
                }
            }
        }
        match refused {
            None => Ok(()),
            Some(refusal) => Err(self.refusal(*refusal)),
        }
    }

    /// Takes up every line, then makes all of them durable together.
    fn all_or_nothing(&mut self) -> Result<(), Failure> {
        let arrived: Vec<Line> = std::iter::from_fn(|| self.lines.wait()).collect();
        let (mut lines, mut commands) = (Vec::new(), Vec::with_capacity(arrived.len()));
        for line in arrived {
            let (line, command) = self.read(line).map_err(|refusal| self.refusal(*refusal))?;
            lines.push(line);
            commands.push(command);
        }
        self.started = Some(Instant::now());
        let mut edge = Edge {
            context: self.context,
            how: How::Together,
            before: &mut |_| Ok(()),
            unmatched: Vec::new(),
        };
        let recorded = Ledger::record_all(&mut edge, &mut commands, How::Together);
        let recording = recorded.map_err(|unrecorded| self.unrecorded(&lines, unrecorded))?;
        self.answer(&recording.answers, || {})
    }

    /// Says which line is to blame, where one is, and what became of those before it.
    fn unrecorded(&self, lines: &[u64], unrecorded: Unrecorded<Failure>) -> Failure {
        match unrecorded.command {
            Some(at) => self.refusal((lines[at], unrecorded.error)),
            None => self.unwritten(unrecorded.error),
        }
    }

    /// Makes the command that a line asks for.
    fn read(&mut self, line: Line) -> Result<(u64, Command), Box<(u64, Failure)>> {
        let (number, mut request) = line?;
        request.by = request.by.or_else(|| self.args.by.clone());
        let command = command_by(request, self.context, |name| self.asker(name));
        Ok((number, command.map_err(|failure| Box::new((number, failure)))?))
    }

    /// Returns who asks by a name, or by none.
    fn asker(&mut self, name: Option<&str>) -> Result<Actor, Failure> {
        if let Some((_, asker)) = self.asker.as_ref().filter(|(last, _)| last.as_deref() == name) {
            return Ok(asker.clone());
        }
        let asker = self.context.actor(name, "append")?;
        self.asker = Some((name.map(str::to_owned), asker.clone()));
        Ok(asker)
    }

    /// Answers; the ledger is let go where whoever reads is waited for.
    fn answer(&mut self, answers: &[Answer], let_go: impl FnOnce()) -> Result<(), Failure> {
        self.recorded += answers.len();
        self.new += answers.iter().filter(|answer| answer.status == AnswerStatus::Appended).count();
        for answer in answers.iter().filter(|answer| writing::is_elsewhen(answer)) {
            self.elsewhen.0 += 1;
            self.elsewhen.1.get_or_insert_with(|| answer.clone());
        }
        self.answers.tell(answers, let_go).map_err(|error| self.unanswered(error))
    }

    /// Says of answers that cannot be written what became of the commands.
    fn unanswered(&self, error: io::Error) -> Failure {
        let failure = Failure::from(error);
        let message = format!("{}; {}", failure.message, self.stands());
        failure.reworded(message).detail("recorded", self.recorded)
    }

    /// Says of the first command that took effect at another time than was claimed, or than it was, what the other verbs
    /// say of theirs, and how many more there were; the answers tell it of each.
    fn tell_times(&self) {
        let (count, Some(first)) = &self.elsewhen else { return };
        if self.context.json {
            return;
        }
        writing::tell_times(first, self.context);
        if *count > 1 {
            output::talk(format_args!(
                "so it is with {}: see their answers",
                render::count(*count - 1, "more command", "more commands")
            ));
        }
    }

    /// Tells how many commands there were, and how fast they were recorded. Programs that read errors as JSON
    /// are not told.
    fn tell(&self) {
        let Some(started) = self.started.filter(|_| self.recorded >= TOLD_FROM && !self.context.json) else {
            return;
        };
        let seconds = started.elapsed().as_secs_f64();
        let known = match self.recorded - self.new {
            0 => String::new(),
            known => format!(", {known} of them known already or without effect,"),
        };
        output::talk(format_args!(
            "{} commands recorded{known} in {seconds:.1} s: {:.0} a second",
            self.recorded,
            self.recorded as f64 / seconds
        ));
    }

    /// Says what became of the commands so far.
    fn stands(&self) -> String {
        match self.recorded {
            0 => "nothing was recorded".to_owned(),
            1 => "the command before it stands".to_owned(),
            count => format!("the {count} commands before it stand"),
        }
    }

    /// Says of a ledger that fails what became of the commands so far.
    fn unwritten(&self, failure: Failure) -> Failure {
        let stands = match self.recorded {
            0 => "no command was acknowledged".to_owned(),
            count => format!(
                "the first {} acknowledged and stand",
                render::count(count, "command is", "commands are")
            ),
        };
        let message = format!("{}; {stands}", failure.message);
        failure.reworded(message).detail("recorded", self.recorded)
    }

    /// Says which line was refused, and what became of those before it.
    fn refusal(&self, (line, failure): (u64, Failure)) -> Failure {
        let stands = self.stands();
        let place = match failure.column() {
            Some(column) => format!("line {line}, column {column}"),
            None => format!("line {line}"),
        };
        let message = format!("{place}: {}; {stands}", failure.message);
        failure.reworded(message).detail("line", line).detail("recorded", self.recorded)
    }
}

/// The ledger, open from one batch to the next.
struct Open<'a> {
    context: &'a Context,
    ledger: &'a RefCell<Option<Ledger>>,
    since: Instant,
}

impl Open<'_> {
    fn close(&mut self) {
        self.ledger.take();
    }
}

impl<'a> Recorder for Open<'a> {
    type Held = RefMut<'a, Ledger>;
    type Error = Failure;

    fn open(&mut self) -> Result<RefMut<'a, Ledger>, Failure> {
        if self.ledger.borrow().is_none() {
            self.ledger.replace(Some(self.context.open_to_record()?));
            self.since = Instant::now();
        }
        Ok(RefMut::map(self.ledger.borrow_mut(), |ledger| ledger.as_mut().expect("it was opened just now")))
    }

    fn now(&mut self) -> Result<Timestamp, Failure> {
        self.context.now()
    }

    fn fingerprint(&mut self, declared: &Declared) -> FoundFiles {
        self.close();
        files::declared(declared, self.context).0
    }

    fn wait(&mut self, tries: u32) {
        self.close();
        writing::wait(tries);
    }
}
