//! THE reader: events at any places, forward, backward or by leaps, and parts of the log a piece at a time.

use std::collections::VecDeque;

use super::AskError;
use crate::ledger::{
    BUNDLES_TOGETHER, Bundle, LINES_ALONE, Ledger, LedgerError, Unpacked, each_in_order, piece_of,
};
use crate::model::{Places, Recorded, Seq};
use crate::query::Proven;

/// How many lines are read at first, and at most, around a place.
const LINES_MIN: u64 = 16;
const LINES_MAX: u64 = 1024;

/// How many bundles are read while the ledger is open: some 16,000 lines.
const BUNDLES_AN_OPENING: usize = 64;

/// How many parts that went by are looked at first: causes are mostly near what they led to.
const PIECES_NEAR: usize = 8;

/// Reads lines at places that mostly follow one another, either way: a part of the log at a time, larger ones while
/// the places are near one another.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The place before the lines at hand.
    after: Seq,
    lines: Vec<String>,
    count: u64,
    /// What was read last by others, the last one first.
    near: Near,
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

    /// Keeps lines that went by, for those who ask for one of them.
    pub(super) fn keep(&mut self, piece: Piece) {
        self.near.keep(piece);
    }

    /// Returns the line at a place, which is at most `head`.
    pub(super) fn line(&mut self, seq: Seq, head: Seq, ledger: &Ledger) -> Result<&str, AskError> {
        if let Some(at) = self.near.holder(seq) {
            return Ok(self.near.0[at].line(seq).unwrap_or_default());
        }
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

/// The pieces that went by last, the last one first.
#[derive(Debug, Default)]
struct Near(VecDeque<Piece>);

impl Near {
    fn keep(&mut self, piece: Piece) {
        self.0.truncate(PIECES_NEAR - 1);
        self.0.push_front(piece);
    }

    /// Returns which one has the line at a place.
    fn holder(&self, seq: Seq) -> Option<usize> {
        self.0.iter().position(|piece| piece.line(seq).is_some())
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

/// Lines that are kept together.
#[derive(Debug)]
pub struct Piece {
    first: Seq,
    lines: Unpacked,
}

impl Piece {
    fn unpack((first, bundle): (Seq, Bundle)) -> Result<Self, AskError> {
        let lines = bundle.unpack().map_err(LedgerError::from)?;
        Ok(Piece { first, lines })
    }

    /// Returns those that are at some places, in order.
    pub fn at<'a>(&'a self, places: &'a Places) -> impl Iterator<Item = (Seq, &'a str)> {
        let lines = (self.first.number()..).map(Seq::new).zip(self.lines.iter());
        lines.filter(|(seq, _)| places.holds(*seq))
    }

    /// Returns how many lines there are.
    pub(super) fn count(&self) -> u64 {
        self.lines.count() as u64
    }

    fn line(&self, seq: Seq) -> Option<&str> {
        let before = seq.number().checked_sub(self.first.number())?;
        self.lines.line(usize::try_from(before).ok()?)
    }
}

/// Events that may be longer than memory. The first piece is read; the others are when they are taken.
#[derive(Debug)]
pub struct Lines {
    places: Places,
    /// The place up to which they are read.
    read: Seq,
    first: Option<Piece>,
}

impl Lines {
    pub(super) fn begin(ledger: &Ledger, places: Places) -> Result<Self, AskError> {
        let mut read = Seq::ZERO;
        let first = next_bundle(ledger, &places, &mut read)?.map(Piece::unpack).transpose()?;
        Ok(Lines { first, read, places })
    }

    /// Returns which events these are.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Takes each line. The ledger is opened anew for each further piece and let go before its lines are taken; what was
    /// appended meanwhile is not of the piece.
    ///
    /// # Errors
    ///
    /// Those of `open` and `take`, and an [`AskError`] for a log that cannot be read.
    pub fn each<E: From<AskError>>(
        self,
        open: impl FnMut() -> Result<Ledger, E>,
        mut take: impl FnMut(Seq, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let places = self.places.clone();
        let each = |piece: Piece, ()| piece.at(&places).try_for_each(|(seq, line)| take(seq, line));
        self.each_piece(open, |_| (), each)
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
        let places = self.places.clone();
        let read = |piece: &Piece| piece.at(&places).map(|(seq, line)| decode(seq, line)).collect::<Vec<_>>();
        self.each_piece(open, read, |_, records| records.into_iter().try_for_each(|record| take(record?)))
    }

    /// Takes lines that are kept together, and what `work` makes of them, as [`Lines::each`] takes the lines: both are to pass
    /// over those that are not at these places. Some are worked on ahead, on other threads where there are any.
    ///
    /// # Errors
    ///
    /// As [`Lines::each`].
    pub fn each_piece<T: Send, E: From<AskError>>(
        self,
        mut open: impl FnMut() -> Result<Ledger, E>,
        work: impl Fn(&Piece) -> T + Sync,
        mut take: impl FnMut(Piece, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let Lines { places, mut read, first } = self;
        if let Some(piece) = first {
            let worked = work(&piece);
            take(piece, worked)?;
        }
        let mut bundles = Vec::new().into_iter();
        let next = || {
            if bundles.len() == 0 && places.next_after(read).is_some() {
                let ledger = open()?;
                bundles =
                    piece_of(BUNDLES_AN_OPENING, || next_bundle(&ledger, &places, &mut read))?.into_iter();
            }
            Ok(bundles.next())
        };
        each_piece(next, work, take)
    }
}

/// Takes lines that are kept together and what `work` makes of them, ahead where there are other threads.
pub(super) fn each_piece<T: Send, E: From<AskError>>(
    mut next: impl FnMut() -> Result<Option<(Seq, Bundle)>, E>,
    work: impl Fn(&Piece) -> T + Sync,
    mut take: impl FnMut(Piece, T) -> Result<(), E>,
) -> Result<(), E> {
    let read = || piece_of(BUNDLES_TOGETHER, &mut next);
    let work = |bundle| {
        let piece = Piece::unpack(bundle)?;
        let worked = work(&piece);
        Ok((piece, worked))
    };
    each_in_order(LINES_ALONE, read, work, |worked: Result<_, AskError>| {
        let (piece, worked) = worked?;
        take(piece, worked)
    })
}

/// Returns the lines from the next of some places on that are kept together, with that place; none where there is none.
pub(super) fn next_bundle(
    ledger: &Ledger,
    places: &Places,
    read: &mut Seq,
) -> Result<Option<(Seq, Bundle)>, AskError> {
    let Some(next) = places.next_after(*read) else { return Ok(None) };
    // What lies between places that are near one another is read as well, and left out.
    let after = next.minus(1);
    let limit = (places.last().number() - after.number()).min(LINES_MAX);
    let bundle = ledger.bundle(after, usize::try_from(limit).unwrap_or(usize::MAX))?;
    if bundle.count() == 0 {
        let found = format!("the log ends at {after}, expected {}", places.last());
        return Err(AskError::Damaged { found });
    }
    *read = after.plus(bundle.count() as u64);
    Ok(Some((next, bundle)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;

    #[test]
    fn what_went_by_last_is_at_hand() {
        let piece = |first: u64| {
            let lines = vec![format!("line {first}"), format!("line {}", first + 1)];
            Piece { first: Seq::new(first), lines: Unpacked::from(lines) }
        };
        let mut near = Near::default();
        let told = |near: &Near, seq: u64| {
            let at = near.holder(Seq::new(seq))?;
            near.0[at].line(Seq::new(seq)).map(str::to_owned)
        };
        let line = |seq: u64| Some(format!("line {seq}"));
        near.keep(piece(5));
        assert_eq!([4, 5, 6, 7].map(|seq| told(&near, seq)), [None, line(5), line(6), None]);
        (1..PIECES_NEAR as u64).for_each(|count| near.keep(piece(10 * count)));
        assert_eq!([5, 11].map(|seq| told(&near, seq)), [line(5), line(11)]);
        near.keep(piece(100));
        assert_eq!([5, 11, 100].map(|seq| told(&near, seq)), [None, line(11), line(100)]);
    }

    #[test]
    fn a_piece_tells_the_lines_at_places() {
        let lines = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let piece = Piece { first: Seq::new(7), lines: Unpacked::from(lines) };
        let mut places = Places::up_to(Seq::new(7));
        places.add(Span { after: Seq::new(8), through: Seq::new(20) });
        let told = piece.at(&places).map(|(seq, line)| (seq.number(), line));
        assert_eq!(told.collect::<Vec<_>>(), [(7, "a"), (9, "c"), (10, "d")]);
    }
}
