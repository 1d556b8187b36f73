//! Labels with what belongs to them, aligned: one thing in full.

use std::io::{self, Write};

use anstyle::Style;

/// Labels with what belongs to them.
#[derive(Debug, Default)]
pub struct Sheet {
    rows: Vec<(&'static str, Vec<String>)>,
}

impl Sheet {
    /// Adds a line under a label.
    pub fn line(&mut self, label: &'static str, line: impl Into<String>) {
        self.lines(label, vec![line.into()]);
    }

    /// Adds lines under a label; none for no lines.
    pub fn lines(&mut self, label: &'static str, lines: Vec<String>) {
        if !lines.is_empty() {
            self.rows.push((label, lines));
        }
    }

    /// Writes the labels and lines.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let width = self.rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        let dim = Style::new().dimmed();
        for (label, lines) in &self.rows {
            for (index, line) in lines.iter().enumerate() {
                let label = if index == 0 { label } else { "" };
                writeln!(out, "  {dim}{label:width$}{dim:#}  {line}")?;
            }
        }
        Ok(())
    }
}
