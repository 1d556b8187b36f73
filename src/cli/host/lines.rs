//! Lines that a caller gives: of commands, and of plans.

use std::io::{BufRead, Read};

use phaseledger::model::{line_text, without_mark};

use crate::cli::host::error::Failure;

/// What lines are of.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    /// What they are called.
    pub what: &'static str,
    /// The longest line, in bytes.
    pub bytes_max: u64,
    /// What is said of a line that is no text.
    pub refused: fn(String) -> Failure,
}

impl Lines {
    /// Reads the line with this number, without its end; none at the end of the file. The byte order mark that a file
    /// may begin with is left out, and CRLF ends a line as LF does.
    pub fn read(&self, reader: &mut impl BufRead, number: u64) -> Result<Option<String>, Failure> {
        let mut line = Vec::new();
        let read = reader.take(self.bytes_max + 1).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::stream(&format!("read {}", self.what), &error))?;
        if read as u64 > self.bytes_max {
            return Err(Failure::too_large(format!("the line has more than {} bytes", self.bytes_max)));
        }
        let text = line_text(&line)
            .map_err(|(column, fault)| (self.refused)(fault.to_string()).detail("column", column))?;
        let text = if number == 1 { without_mark(text) } else { text };
        Ok((read > 0).then(|| text.trim_end_matches(['\n', '\r']).to_owned()))
    }
}
