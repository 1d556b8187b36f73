//! Work on a stream that is done ahead of whoever takes its results in order: on other threads too, where there are any.
//!
//! ```text
//!   read ──piece──▶ [ piece │ piece │ piece ] ──results, in order──▶ take
//!                      └ each is worked on by whoever is free first: a helper, or the thread that takes
//! ```
//!
//! At most [`PIECES_AHEAD`] pieces are held, however long the stream is. Without helpers the thread that takes does all of
//! it, piece by piece, and so it does with the first pieces: most questions read no more, and start no thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};

/// How many pieces are held at most, beside the one whose results are being taken.
const PIECES_AHEAD: usize = 4;

/// How many pieces of some thousand lines are worked on before a thread is worth it.
pub(crate) const LINES_ALONE: usize = 8;

/// How many threads help at most: whoever takes is soon the slower one.
const HELPERS_MAX: usize = 3;

/// Reads a stream piece by piece until one is empty, the first ones without help, does `work` on each item, and takes the results in the order in which
/// the items were read.
///
/// # Errors
///
/// Those of `read` and `take`, the first in that order: where reading fails, what was read before is taken first.
pub(crate) fn each_in_order<In: Send, Out: Send, E>(
    alone: usize,
    mut read: impl FnMut() -> Result<Vec<In>, E>,
    work: impl Fn(In) -> Out + Sync,
    mut take: impl FnMut(Out) -> Result<(), E>,
) -> Result<(), E> {
    for _ in 0..alone {
        let items = read()?;
        if items.is_empty() {
            return Ok(());
        }
        items.into_iter().try_for_each(|item| take(work(item)))?;
    }
    let mut next = read();
    if !next.as_ref().is_ok_and(|items| !items.is_empty()) {
        return next.map(drop);
    }
    let desk = Desk::new();
    thread::scope(|scope| {
        let _closing = Closing(&desk);
        for _ in 0..helpers() {
            // Where a thread cannot be had, there are fewer.
            let _ = Builder::new().spawn_scoped(scope, || desk.help(&work));
        }
        loop {
            while desk.held() < PIECES_AHEAD
                && let Ok(items) = &mut next
                && !items.is_empty()
            {
                desk.put(std::mem::take(items));
                next = read();
            }
            match desk.next(&work) {
                Some(results) => results.into_iter().try_for_each(&mut take)?,
                None => return next.map(drop),
            }
        }
    })
}

/// Returns a piece of a stream, of so many items at most. Where one cannot be had those before it are the piece, and whoever
/// reads on is told.
///
/// # Errors
///
/// That of `next`, where it is the first.
pub(crate) fn piece_of<T, E>(
    items_max: usize,
    mut next: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Vec<T>, E> {
    let mut piece = Vec::new();
    while piece.len() < items_max {
        match next() {
            Ok(Some(item)) => piece.push(item),
            Err(error) if piece.is_empty() => return Err(error),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(piece)
}

/// Returns how many threads may run beside this one.
fn helpers() -> usize {
    thread::available_parallelism().map_or(0, |threads| (threads.get() - 1).min(HELPERS_MAX))
}

/// A piece of the stream.
enum Piece<In, Out> {
    Waiting(Vec<In>),
    InHand,
    Done(Vec<Out>),
}

/// Where pieces lie until their results are taken.
struct Desk<In, Out> {
    pieces: Mutex<Pieces<In, Out>>,
    changed: Condvar,
}

struct Pieces<In, Out> {
    /// The number of the first one held.
    first: usize,
    held: VecDeque<Piece<In, Out>>,
    /// Nothing more is to be worked on: all was taken, or taking failed, or a helper did.
    is_closed: bool,
}

impl<In, Out> Pieces<In, Out> {
    /// Takes the next piece into hand that nobody works on, with its number.
    fn pick(&mut self) -> Option<(usize, Vec<In>)> {
        let at = self.held.iter().position(|piece| matches!(piece, Piece::Waiting(_)))?;
        match std::mem::replace(&mut self.held[at], Piece::InHand) {
            Piece::Waiting(items) => Some((self.first + at, items)),
            Piece::InHand | Piece::Done(_) => None,
        }
    }
}

impl<In, Out> Desk<In, Out> {
    fn new() -> Self {
        let pieces = Pieces { first: 0, held: VecDeque::new(), is_closed: false };
        Desk { pieces: Mutex::new(pieces), changed: Condvar::new() }
    }

    /// No state is left half changed where a thread ends with the lock.
    fn lock(&self) -> MutexGuard<'_, Pieces<In, Out>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, pieces: MutexGuard<'a, Pieces<In, Out>>) -> MutexGuard<'a, Pieces<In, Out>> {
        self.changed.wait(pieces).unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> usize {
        self.lock().held.len()
    }

    fn put(&self, items: Vec<In>) {
        self.lock().held.push_back(Piece::Waiting(items));
        self.changed.notify_all();
    }

    /// Works on one piece after the other until no more come.
    fn help(&self, work: &impl Fn(In) -> Out) {
        // Whoever takes does not wait for a helper that came to grief.
        let _closing = Closing(self);
        let mut pieces = self.lock();
        while !pieces.is_closed {
            pieces = match pieces.pick() {
                Some(picked) => {
                    drop(pieces);
                    self.work_on(picked, work)
                }
                None => self.wait(pieces),
            };
        }
    }

    fn work_on(
        &self,
        (number, items): (usize, Vec<In>),
        work: &impl Fn(In) -> Out,
    ) -> MutexGuard<'_, Pieces<In, Out>> {
        let results = items.into_iter().map(work).collect();
        let mut pieces = self.lock();
        let at = number - pieces.first;
        pieces.held[at] = Piece::Done(results);
        self.changed.notify_all();
        pieces
    }

    /// Returns the results of the first piece, and works on others until they are there; none where no piece is held.
    fn next(&self, work: &impl Fn(In) -> Out) -> Option<Vec<Out>> {
        let mut pieces = self.lock();
        loop {
            if matches!(pieces.held.front()?, Piece::Done(_)) {
                pieces.first += 1;
                return match pieces.held.pop_front()? {
                    Piece::Done(results) => Some(results),
                    Piece::Waiting(_) | Piece::InHand => None,
                };
            }
            pieces = match pieces.pick() {
                Some(picked) => {
                    drop(pieces);
                    self.work_on(picked, work)
                }
                // The scope tells of a helper that came to grief.
                None if pieces.is_closed => return None,
                None => self.wait(pieces),
            };
        }
    }
}

/// Closes a desk where a thread leaves it, however it does.
struct Closing<'a, In, Out>(&'a Desk<In, Out>);

impl<In, Out> Drop for Closing<'_, In, Out> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the numbers below `count`, seven at a time, and fails behind them where it is to.
    fn numbers(count: usize, fails: bool) -> impl FnMut() -> Result<Vec<usize>, String> {
        let mut next = 0;
        move || {
            let piece: Vec<usize> = (next..count.min(next + 7)).collect();
            next += piece.len();
            if piece.is_empty() && fails { Err("read".to_owned()) } else { Ok(piece) }
        }
    }

    #[test]
    fn results_come_in_order_and_errors_where_they_belong() {
        for count in [0, 1, 7, 8, 14, 700, 7_001] {
            for fails in [false, true] {
                let mut taken = Vec::new();
                let ended = each_in_order(
                    count % 3,
                    numbers(count, fails),
                    |number| number * 2,
                    |double| {
                        taken.push(double);
                        Ok(())
                    },
                );
                assert_eq!(ended.is_err(), fails, "{count}");
                assert!(taken.into_iter().eq((0..count).map(|number| number * 2)), "{count}");
            }
            let mut taken = 0;
            let ended = each_in_order(
                2,
                numbers(count, true),
                |number| number,
                |number| {
                    taken += 1;
                    if number == 5_000 { Err("take".to_owned()) } else { Ok(()) }
                },
            );
            let (error, last) = if count > 5_000 { ("take", 5_001) } else { ("read", count) };
            assert_eq!((ended, taken), (Err(error.to_owned()), last), "{count}");
        }
    }

    #[test]
    fn a_piece_ends_where_no_more_can_be_had() {
        let piece = |items_max, answers: &[Result<Option<u8>, &'static str>]| {
            let mut answers = answers.iter().cloned();
            piece_of(items_max, || answers.next().expect("an answer"))
        };
        assert_eq!(piece(2, &[Ok(Some(1)), Ok(Some(2))]), Ok(vec![1, 2]));
        assert_eq!(piece(2, &[Ok(Some(1)), Ok(None)]), Ok(vec![1]));
        assert_eq!(piece(2, &[Ok(Some(1)), Err("no")]), Ok(vec![1]));
        assert_eq!(piece(2, &[Err("no")]), Err("no"));
    }

    #[test]
    #[should_panic(expected = "panicked")]
    fn a_helper_that_comes_to_grief_keeps_nobody_waiting() {
        let main = thread::current().id();
        let work = |number: usize| {
            assert!(number < 100 || thread::current().id() == main, "grief");
            number
        };
        // It takes its time, so that helpers have some.
        let take = |_| {
            thread::sleep(std::time::Duration::from_micros(100));
            Ok(())
        };
        each_in_order(0, numbers(10_000, false), work, take).expect("no error");
        // Without a helper none does.
        assert!(helpers() > 0, "panicked");
    }
}
