//! THE reader: events at any places, forward, backward or by leaps, and parts of the log a piece at a time.

use super::AskError;
use crate::ledger::{LINES_ALONE, Ledger, LedgerError, each_in_order};
use crate::model::{Places, Recorded, Seq};
use crate::query::Proven;

/// How many lines are read at first, and at most, around a place.
const LINES_MIN: u64 = 16;
const LINES_MAX: u64 = 1024;

/// How many lines a piece has, unless they take up more bytes than may be held.
const PIECE_LINES: u64 = 16_384;
const PIECE_BYTES_MAX: usize = 4 << 20;

/// Reads lines at places that mostly follow one another, either way: a part of the log at a time, larger ones while
/// the places are near one another.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The place before the lines at hand.
    after: Seq,
    lines: Vec<String>,
    count: u64,
}

impl Reader {
    /// Returns the event at a place, which is at most `head`.
    pub(super) fn event(&mut self, seq: Seq, head: Seq, ledger: &Ledger) -> Result<Proven, AskError> {
        let line = self.line(seq, head, ledger)?;
        Ok(Proven::from_line(line).map_err(|source| LedgerError::Line { seq, source })?)
    }

    /// Returns the event at a place, which is at most `head`, without its proof.
    pub(super) fn record(&mut self, seq: Seq, head: Seq, ledger: &Ledger) -> Result<Recorded, AskError> {
        decode(seq, self.line(seq, head, ledger)?)
    }

    /// Returns the line at a place, which is at most `head`.
    pub(super) fn line(&mut self, seq: Seq, head: Seq, ledger: &Ledger) -> Result<&str, AskError> {
        if self.index(seq).is_none() {
            let end = self.after.number() + self.lines.len() as u64;
            let reach = self.count.max(LINES_MIN);
            let is_next = seq.number() > end && seq.number() - end <= reach && !self.lines.is_empty();
            let is_before = seq <= self.after && self.after.number() - seq.number() < reach;
            // A leap is for one line; whoever goes on step by step is read ahead of, either way.
            let count = if is_next || is_before { (self.count * 2).clamp(LINES_MIN, LINES_MAX) } else { 1 };
            let after = if is_before { seq.minus(count) } else { seq.minus(1) };
            let last = if is_before { seq } else { after.plus(count).min(head) };
            let limit = last.number().saturating_sub(after.number());
            self.lines = ledger.lines(after, usize::try_from(limit).unwrap_or(usize::MAX))?;
            (self.after, self.count) = (after, count);
        }
        let missing =
            || AskError::Damaged { found: format!("there is no event {seq}, expected one up to {head}") };
        self.index(seq).and_then(|at| self.lines.get(at)).map(String::as_str).ok_or_else(missing)
    }

    fn index(&self, seq: Seq) -> Option<usize> {
        let at = usize::try_from(seq.number().checked_sub(self.after.number() + 1)?).ok()?;
        (at < self.lines.len()).then_some(at)
    }
}

/// Reads the event of a line that was taken as [`Lines::each`] hands it on.
///
/// # Errors
///
/// [`LedgerError::Line`] for a line that is no event.
pub fn decode(seq: Seq, line: &str) -> Result<Recorded, AskError> {
    Ok(Recorded::from_line(line).map_err(|source| LedgerError::Line { seq, source })?)
}

/// Events that may be longer than memory. The first piece is read; the others are when they are taken.
#[derive(Debug)]
pub struct Lines {
    places: Places,
    /// The place up to which they are read.
    read: Seq,
    first: Vec<(Seq, String)>,
}

impl Lines {
    pub(super) fn begin(ledger: &Ledger, places: Places) -> Result<Self, AskError> {
        let mut read = Seq::ZERO;
        Ok(Lines { first: piece(ledger, &places, &mut read)?, read, places })
    }

    /// Returns which events these are.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Takes each line. The ledger is opened anew for each further piece and let go before its lines are taken; what was
    /// appended meanwhile is not of the part.
    ///
    /// # Errors
    ///
    /// Those of `open` and `take`, and an [`AskError`] for a log that cannot be read.
    pub fn each<E: From<AskError>>(
        self,
        mut open: impl FnMut() -> Result<Ledger, E>,
        mut take: impl FnMut(Seq, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let Lines { places, mut read, first: mut lines } = self;
        loop {
            for (seq, line) in &lines {
                take(*seq, line)?;
            }
            if places.next_after(read).is_none() {
                return Ok(());
            }
            // One piece at a time.
            lines.clear();
            lines = piece(&open()?, &places, &mut read)?;
        }
    }

    /// Takes each event, as [`Lines::each`] takes the lines.
    ///
    /// # Errors
    ///
    /// As [`Lines::each`]; a line that is no event is one.
    pub fn each_event<E: From<AskError>>(
        self,
        open: impl FnMut() -> Result<Ledger, E>,
        mut take: impl FnMut(Recorded) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_worked(open, |seq, line| decode(seq, &line), |record| take(record?))
    }

    /// Takes what `work` makes of each line, as [`Lines::each`] takes the lines. Some lines are worked on ahead, on other
    /// threads where there are any.
    ///
    /// # Errors
    ///
    /// As [`Lines::each`].
    pub fn each_worked<T: Send, E: From<AskError>>(
        self,
        mut open: impl FnMut() -> Result<Ledger, E>,
        work: impl Fn(Seq, String) -> T + Sync,
        take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let Lines { places, mut read, first } = self;
        let mut lines = first.into_iter();
        let next = || {
            if lines.len() == 0 && places.next_after(read).is_some() {
                lines = piece(&open()?, &places, &mut read)?.into_iter();
            }
            Ok(lines.by_ref().take(LINES_MAX as usize).collect())
        };
        each_in_order(LINES_ALONE, next, |(seq, line)| work(seq, line), take)
    }
}

/// Reads the lines before one that cannot be read; fails as it did where there are none.
fn before(ledger: &Ledger, after: Seq, limit: u64, error: LedgerError) -> Result<Vec<String>, LedgerError> {
    let read = (0..limit).map_while(|count| ledger.lines(after.plus(count), 1).ok());
    let lines: Vec<String> = read.flatten().collect();
    if lines.is_empty() { Err(error) } else { Ok(lines) }
}

/// Reads the lines of the next of some places, as many as may be held at a time; at least one where there is one.
fn piece(ledger: &Ledger, places: &Places, read: &mut Seq) -> Result<Vec<(Seq, String)>, AskError> {
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while let Some(next) = places.next_after(*read)
        && (piece.len() as u64) < PIECE_LINES
        && bytes < PIECE_BYTES_MAX
    {
        // What lies between places that are near one another is read as well, and left out.
        let after = next.minus(1);
        let limit = (places.last().number() - after.number()).min(LINES_MAX);
        let lines = ledger.lines(after, usize::try_from(limit).unwrap_or(usize::MAX));
        let lines = match lines.or_else(|error| before(ledger, after, limit, error)) {
            // What is there is handed on before what is not is told: whoever comes back for more is told.
            Err(_) if !piece.is_empty() => break,
            lines => lines?,
        };
        if lines.is_empty() {
            let found = format!("the log ends at {after}, expected {}", places.last());
            return Err(AskError::Damaged { found });
        }
        *read = after.plus(lines.len() as u64);
        for (seq, line) in (next.number()..).map(Seq::new).zip(lines) {
            if places.holds(seq) {
                bytes += line.len();
                piece.push((seq, line));
            }
        }
    }
    Ok(piece)
}
