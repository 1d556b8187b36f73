//! Where answers go: data on stdout, talk on stderr, colour only on a terminal.

use std::io::{self, IsTerminal, Write};

use phaseledger::model::escape_json;
use serde::Serialize;

/// Standard output: colours are taken out where it is no terminal, or NO_COLOR is set.
pub fn stdout() -> anstream::AutoStream<io::StdoutLock<'static>> {
    anstream::AutoStream::auto(io::stdout().lock())
}

/// Standard output for lines of the log: byte for byte, but for a terminal, which would act on some. What takes out
/// colours takes out U+007F too, which JSON may hold as it is.
pub fn raw_stdout() -> Box<dyn Write> {
    let out = io::stdout().lock();
    match out.is_terminal() {
        true => Box::new(ForTerminal { out, begun: Vec::new() }),
        false => Box::new(out),
    }
}

/// Lines of JSON on their way to a terminal.
struct ForTerminal<W: Write> {
    out: W,
    /// The line that is not whole yet.
    begun: Vec<u8>,
}

impl<W: Write> Write for ForTerminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        if let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') {
            let rest = self.begun.split_off(end + 1);
            let lines = std::mem::replace(&mut self.begun, rest);
            self.out.write_all(escape_json(&String::from_utf8_lossy(&lines)).as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes one JSON value as a line, to where answers go or to a file.
pub fn json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write_line(out, value, io::stdout().is_terminal())
}

/// Writes JSON values as lines, as [`json_line`] does each of them: whether there is a terminal is asked once.
pub fn json_lines(out: &mut impl Write, values: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
    let is_terminal = io::stdout().is_terminal();
    values.into_iter().try_for_each(|value| write_line(out, &value, is_terminal))
}

/// Writes lines of JSON to standard output, as [`stdout`] does. Where there are printable ASCII characters alone there are
/// no colours to take out, and they are not looked for one by one.
pub fn write_json(lines: &[u8]) -> io::Result<()> {
    let is_plain = |byte: &u8| matches!(byte, b'\n' | b' '..=b'~');
    if lines.iter().all(is_plain) {
        let mut out = io::stdout().lock();
        return out.write_all(lines).and_then(|()| out.flush());
    }
    let mut out = stdout();
    out.write_all(lines).and_then(|()| out.flush())
}

/// Writes one JSON value as a line to standard error.
pub fn json_talk(value: &impl Serialize) -> io::Result<()> {
    write_line(&mut anstream::stderr(), value, io::stderr().is_terminal())
}

fn write_line(out: &mut impl Write, value: &impl Serialize, is_terminal: bool) -> io::Result<()> {
    let line = serde_json::to_string(value)?;
    let line = match is_terminal {
        true => escape_json(&line).into_owned(),
        // Or else what takes out colours would take it out.
        false if line.contains('\u{7f}') => line.replace('\u{7f}', "\\u007f"),
        false => line,
    };
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")
}

/// Writes one line.
pub fn say(line: std::fmt::Arguments<'_>) -> io::Result<()> {
    let mut out = stdout();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Tells the person who watches something that is not the answer.
pub fn talk(message: std::fmt::Arguments<'_>) {
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// Returns how wide the terminal is; none where stdout is no terminal, so that nothing is ever cut for a
/// program.
pub fn terminal_width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

/// A bar on stderr for work that takes longer than a second; nothing where stderr is no terminal.
pub struct Progress {
    bar: indicatif::ProgressBar,
    started: std::time::Instant,
    doing: &'static str,
}

impl Progress {
    /// Begins work on `total` things; zero where the total is not known.
    pub fn new(doing: &'static str, total: u64) -> Self {
        let bar = indicatif::ProgressBar::hidden();
        bar.set_length(total);
        Progress { bar, started: std::time::Instant::now(), doing }
    }

    /// Says how many things are done.
    pub fn at(&mut self, done: u64) {
        if self.bar.is_hidden() && self.started.elapsed().as_secs() >= 1 && io::stderr().is_terminal() {
            let template = match self.bar.length() {
                Some(1..) => "{msg} {wide_bar} {human_pos}/{human_len} events, {eta} left",
                _ => "{msg} {spinner} {human_pos} events, {elapsed}",
            };
            let style = indicatif::ProgressStyle::with_template(template).expect("the template is right");
            self.bar.set_style(style);
            self.bar.set_message(self.doing);
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
