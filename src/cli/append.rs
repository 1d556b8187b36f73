//! `append`: records commands from JSON lines, one answer a line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use phaseledger::ledger::{Answer, Session};
use phaseledger::model::{Command, Request, RequestError, escape};

use super::context::Context;
use super::error::Failure;
use super::output;
use super::writing::{AnswerView, command};

/// The longest line, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// How many commands may become durable together.
const COMMANDS_PER_BATCH: usize = 1024;

/// Options of `append`.
#[derive(clap::Args)]
#[command(
    after_help = "A line is an object with `do` (start, complete, fail, skip, rerun, reset, meta, note, tag), \
    what the verb takes (`phase`, `metadata`, `reason`, `error`, `text`, `name`, …), and `id`, `expect`, \
    `occurred_at`, `by`. Each line is answered by a line. The first line that is refused stops the stream: the \
    lines before it stand, unless `--atomic`."
)]
pub struct Args {
    /// The file, or `-` for standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// All of the lines, or none
    #[arg(long)]
    atomic: bool,
    /// Who asks, where a line does not say [env: PHASELEDGER_BY] [default: the user]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Records every line.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut lines = Lines::open(&args.file)?;
    let mut out = output::stdout();
    let mut ledger = context.open()?;
    let mut session = ledger.session()?;
    let mut batch = Vec::new();
    let mut durable = 0;
    loop {
        let next = lines
            .next()
            .and_then(|line| line.map(|line| stage(&mut session, &line, args, context)).transpose());
        let refused = match next {
            Ok(Some(answer)) => {
                batch.push(answer);
                let is_full = batch.len() == COMMANDS_PER_BATCH || lines.would_block();
                if args.atomic || !is_full {
                    continue;
                }
                None
            }
            Ok(None) => None,
            Err(failure) => Some(failure),
        };
        let ended = refused.is_some() || lines.ended;
        if refused.is_none() || !args.atomic {
            session.commit()?;
            durable += batch.len();
            for answer in batch.drain(..) {
                output::json_line(&mut out, &AnswerView::new(&answer))?;
            }
            out.flush()?;
        }
        match refused {
            Some(failure) => return Err(place(failure, lines.number, durable, args.atomic)),
            None if ended => return Ok(ExitCode::SUCCESS),
            None => {}
        }
    }
}

fn stage(session: &mut Session<'_>, line: &str, args: &Args, context: &Context) -> Result<Answer, Failure> {
    let mut request: Request = line.parse()?;
    request.by = request.by.or_else(|| args.by.clone());
    let command: Command = command(request, context, "append");
    Ok(session.stage(&command, context.now())?)
}

/// Says which line was refused, and what became of those before it.
fn place(failure: Failure, line: u64, durable: usize, atomic: bool) -> Failure {
    let stands = match (atomic, durable) {
        (true, _) | (false, 0) => "nothing was recorded".to_owned(),
        (false, 1) => "the command before it stands".to_owned(),
        (false, count) => format!("the {count} commands before it stand"),
    };
    let message = format!("line {line}: {}; {stands}", failure.message);
    failure.reworded(message).detail("line", line).detail("recorded", durable)
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

/// Lines of a file or of a pipe, one after the other.
struct Lines {
    reader: BufReader<Box<dyn Read>>,
    number: u64,
    ended: bool,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Failure> {
        let source: Box<dyn Read> = match path == Path::new("-") {
            true => Box::new(io::stdin().lock()),
            false => Box::new(File::open(path).map_err(|error| Failure::io("read", path, &error))?),
        };
        Ok(Lines { reader: BufReader::with_capacity(1 << 16, source), number: 0, ended: false })
    }

    /// Returns the next line that is not empty; none at the end.
    fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
            let read =
                read.map_err(|error| Failure::new(74, "io", format!("cannot read the commands: {error}")))?;
            if read == 0 {
                self.ended = true;
                return Ok(None);
            }
            self.number += 1;
            if read as u64 > LINE_BYTES_MAX {
                return Err(Failure::new(
                    2,
                    "too_large",
                    format!("the line has more than {LINE_BYTES_MAX} bytes"),
                ));
            }
            let line = String::from_utf8(line).map_err(|error| {
                let at = error.utf8_error().valid_up_to() + 1;
                let start = String::from_utf8_lossy(&error.as_bytes()[..at.min(40) - 1]).into_owned();
                Failure::new(2, "bad_command", format!("byte {at} is not UTF-8, after `{}`", escape(&start)))
            })?;
            if !line.trim().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// Says whether no further whole line has arrived yet, so that those that have should be answered.
    fn would_block(&self) -> bool {
        !self.reader.buffer().contains(&b'\n')
    }
}
