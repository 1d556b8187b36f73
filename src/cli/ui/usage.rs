//! What is told of a wrong use of the command line: clap's own words, in which what the caller gave cannot
//! deceive, nor drown the rest.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use phaseledger::model::escape;

use crate::cli::host::error::{Failure, Kind};

/// How many characters of a value are repeated.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// The kinds of what clap repeats of the command line.
const REPEATED: &[ContextKind] = &[
    ContextKind::InvalidArg,
    ContextKind::InvalidSubcommand,
    ContextKind::InvalidValue,
    ContextKind::SuggestedCommand,
    ContextKind::TrailingArg,
];

/// Reads the command line. No option is a digit, so what begins with `-` and a digit is a value, of which clap knows no
/// more than numbers: `-90m..` is taken where `-- -90m..` would be.
///
/// # Errors
///
/// Why the command line as it was given cannot be taken.
pub fn parse<P: clap::Parser>(given: Vec<OsString>) -> Result<P, clap::Error> {
    let refused = match P::try_parse_from(&given) {
        Err(refused) if refused.kind() == ErrorKind::UnknownArgument => refused,
        read => return read,
    };
    let is_value = |argument: &OsString| {
        let bytes = argument.as_encoded_bytes();
        bytes.starts_with(b"-") && bytes.get(1).is_some_and(u8::is_ascii_digit)
    };
    if given.iter().any(|argument| argument == "--") {
        return Err(refused);
    }
    let values = given.iter().enumerate().filter(|(_, argument)| is_value(argument));
    let moved = values.map(|(at, value)| {
        let others =
            given.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other.clone());
        P::try_parse_from(others.chain([OsString::from("--"), value.clone()]))
    });
    moved.flatten().next().ok_or(refused)
}

/// Tells why the command line cannot be taken, or the help that it asks for.
pub fn answer(mut error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => Failure::from(error).exit(false),
        };
    }
    for &kind in REPEATED {
        if let Some(ContextValue::String(given)) = error.get(kind)
            && let Some(shown) = shown(given)
        {
            error.insert(kind, ContextValue::String(shown));
        }
    }
    let text = error.render().to_string();
    // Nothing was parsed, so that what follows `--` cannot be told from an option; it hardly matters here.
    if std::env::args_os().any(|argument| argument == "--json") {
        return failure(&text).exit(true);
    }
    let deceives = |given: OsString| {
        let given = given.to_string_lossy();
        escape(&given) != given
    };
    // Where nobody listens, there is nobody to tell. clap's colours cannot be told from those of a caller.
    let _ = match std::env::args_os().any(deceives) {
        true => writeln!(std::io::stderr(), "{}", text.lines().map(escape).collect::<Vec<_>>().join("\n")),
        false => error.print(),
    };
    ExitCode::from(Kind::Usage.exit())
}

/// Returns what a value is shown as, where that is not itself.
fn shown(given: &str) -> Option<String> {
    let end = given.char_indices().nth(SHOWN_CHARACTERS_MAX).map(|(end, _)| end);
    let start = escape(&given[..end.unwrap_or(given.len())]);
    let shown = if end.is_some() { format!("{start}…") } else { start };
    (shown != given).then_some(shown)
}

/// Makes one object of clap's paragraphs: what is wrong, tips, the usage, where to look further.
fn failure(text: &str) -> Failure {
    let mut paragraphs = text.split("\n\n").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = paragraphs.next().unwrap_or_default();
    let usage = paragraphs.find(|text| text.starts_with("Usage:")).map(|text| format!("{text}; "));
    Failure::misuse(message.trim_start_matches("error: "))
        .hint(format!("{}see `phaseledger help`, or `phaseledger help VERB`", usage.unwrap_or_default()))
}
