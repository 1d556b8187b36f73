//! `append`: records commands from JSON lines, one answer a line.
//!
//! ```text
//!  file or pipe ──thread──▶ lines ──▶ batch: as many as have arrived ──▶ one commit ──▶ answers
//! ```
//!
//! The ledger is never held while waiting for input: it is opened when a line has arrived, and closed when no
//! other follows at once, or others have waited long enough.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use phaseledger::ledger::{Answer, Ledger, Session};
use phaseledger::model::{Request, RequestError};

use super::context::Context;
use super::error::Failure;
use super::writing::{AnswerView, command};
use super::{output, render};

/// The longest line, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// How many commands may become durable together, and how many lines may wait.
const COMMANDS_PER_BATCH: usize = 1024;

/// How long the ledger stays open for a line that follows at once.
const IDLE_MAX: Duration = Duration::from_millis(2);

/// How long the ledger may be kept from others.
const HOLD_MAX: Duration = Duration::from_millis(100);

/// Options of `append`.
#[derive(clap::Args)]
#[command(
    after_help = "A line is an object with `do` (start, complete, fail, skip, rerun, reset, meta, note, tag, \
    cost, cost_limit, approval_request, approval_grant, approval_reject), what the verb takes (`phase`, \
    `metadata`, `reason`, `error`, `text`, `name`, `amount`, `operation`, `estimate`, …), and `id`, `expect`, \
    `occurred_at`, `by`. Each line is answered by a line, once it would survive a power cut. The first line that is \
    refused ends the stream; the lines before it stand, unless `--atomic`."
)]
pub struct Args {
    /// The file, or `-` for standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// All of the lines, or none
    #[arg(long)]
    atomic: bool,
    /// Who asks, where a line does not say [env: PHASELEDGER_BY] [default: the user]
    #[arg(long, value_name = "NAME", value_parser = phaseledger::model::label)]
    by: Option<String>,
}

/// Records every line.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    context.place()?;
    let lines = read_lines(&args.file)?;
    let mut appender = Appender { args, context, lines, recorded: 0 };
    match args.atomic {
        true => appender.all_or_nothing()?,
        false => appender.stream()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A line with its number, or why there is none.
type Line = Result<(u64, String), Box<(u64, Failure)>>;

struct Appender<'a> {
    args: &'a Args,
    context: &'a Context,
    lines: Receiver<Line>,
    /// How many commands have been answered.
    recorded: usize,
}

impl Appender<'_> {
    /// Takes up lines as they arrive, until there are no more.
    fn stream(&mut self) -> Result<(), Failure> {
        while let Ok(first) = self.lines.recv() {
            let mut ledger = self.context.open().map_err(|failure| self.unwritten(failure))?;
            let opened = Instant::now();
            let mut next = Some(first);
            while let Some(line) = next {
                self.batch(&mut ledger, line)?;
                let may_hold = opened.elapsed() < HOLD_MAX;
                next = may_hold.then(|| self.lines.recv_timeout(IDLE_MAX).ok()).flatten();
            }
        }
        Ok(())
    }

    /// Makes a line and those that have arrived behind it durable together, and answers them.
    fn batch(&mut self, ledger: &mut Ledger, first: Line) -> Result<(), Failure> {
        let mut session = ledger.session()?;
        let mut answers = Vec::new();
        let mut refused = None;
        let mut next = Some(first);
        while let Some(line) = next {
            match self.stage(&mut session, line) {
                Ok(answer) => answers.push(answer),
                Err(refusal) => {
                    refused = Some(refusal);
                    break;
                }
            }
            let is_full = answers.len() == COMMANDS_PER_BATCH;
            next = if is_full { None } else { self.lines.try_recv().ok() };
        }
        session.commit().map_err(|error| self.unwritten(error.into()))?;
        self.answer(&answers)?;
        match refused {
            None => Ok(()),
            Some(refusal) => Err(self.refusal(*refusal)),
        }
    }

    /// Takes up every line, then makes all of them durable together.
    fn all_or_nothing(&mut self) -> Result<(), Failure> {
        let lines: Vec<Line> = self.lines.iter().collect();
        let mut ledger = self.context.open()?;
        let mut session = ledger.session()?;
        let mut answers = Vec::with_capacity(lines.len());
        for line in lines {
            match self.stage(&mut session, line) {
                Ok(answer) => answers.push(answer),
                Err(refusal) => return Err(self.refusal(*refusal)),
            }
        }
        session.commit().map_err(|error| self.unwritten(error.into()))?;
        self.answer(&answers)
    }

    fn stage(&self, session: &mut Session<'_>, line: Line) -> Result<Answer, Box<(u64, Failure)>> {
        let (number, text) = line?;
        let mut stage = || {
            let mut request: Request = text.parse()?;
            request.by = request.by.or_else(|| self.args.by.clone());
            let command = command(request, self.context, "append");
            Ok(session.stage(&command, self.context.now())?)
        };
        stage().map_err(|failure: Failure| Box::new((number, failure)))
    }

    fn answer(&mut self, answers: &[Answer]) -> Result<(), Failure> {
        self.recorded += answers.len();
        let mut out = output::stdout();
        let mut write = || -> io::Result<()> {
            for answer in answers {
                output::json_line(&mut out, &AnswerView::new(answer))?;
            }
            out.flush()
        };
        match write() {
            // What was asked for is recorded all the same where nobody reads the answers, as with `| head`.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let failure = Failure::from(error);
                let message = format!("{}; {}", failure.message, self.stands());
                Err(failure.reworded(message).detail("recorded", self.recorded))
            }
            _ => Ok(()),
        }
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

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let failure = Failure::new(2, "bad_command", error.to_string())
            .hint("a line is like {\"do\":\"start\",\"phase\":\"a\"}; see `phaseledger append --help`");
        match error.column() {
            Some(column) => failure.detail("column", column),
            None => failure,
        }
    }
}

/// Reads a file or a pipe in a thread of its own, a bounded number of lines ahead.
fn read_lines(path: &Path) -> Result<Receiver<Line>, Failure> {
    let source: Box<dyn Read + Send> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(|error| Failure::io("read", path, &error))?),
    };
    let (sender, lines) = sync_channel(COMMANDS_PER_BATCH);
    std::thread::spawn(move || send_lines(BufReader::with_capacity(1 << 16, source), &sender));
    Ok(lines)
}

/// Sends each line that is not empty; ends at the first that cannot be read, or once nobody listens.
fn send_lines(mut reader: impl BufRead, sender: &SyncSender<Line>) {
    for number in 1.. {
        let line = match read_line(&mut reader) {
            Ok(None) => return,
            Ok(Some(line)) if line.trim().is_empty() => continue,
            Ok(Some(line)) => Ok((number, line)),
            Err(failure) => Err(Box::new((number, failure))),
        };
        let ended = line.is_err();
        if sender.send(line).is_err() || ended {
            return;
        }
    }
}

fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let read = reader.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
    let read = read.map_err(|error| Failure::new(74, "io", format!("cannot read the commands: {error}")))?;
    if read as u64 > LINE_BYTES_MAX {
        let message = format!("the line has more than {LINE_BYTES_MAX} bytes");
        return Err(Failure::new(2, "too_large", message));
    }
    let line = String::from_utf8(line).map_err(|error| {
        let column = error.utf8_error().valid_up_to() + 1;
        let message = format!("byte {column} of the line is not UTF-8");
        Failure::new(2, "bad_command", message).detail("column", column)
    })?;
    Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}
