//! Sets of places in the log.

use super::{Seq, Span};

/// A set of places, as the spans that it is made of: in order, apart from one another, none of them empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(Vec<Span>);

impl Places {
    /// Makes the set of all places up to one.
    pub fn up_to(seq: Seq) -> Self {
        let mut places = Places::default();
        places.add(Span { after: Seq::ZERO, through: seq });
        places
    }

    /// Adds a span that is not before what is there.
    pub fn add(&mut self, span: Span) {
        match self.0.last_mut() {
            _ if span.is_empty() => {}
            Some(last) if last.through >= span.after => last.through = last.through.max(span.through),
            Some(_) | None => self.0.push(span),
        }
    }

    /// Returns the spans.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Says whether a place is one of them.
    pub fn holds(&self, seq: Seq) -> bool {
        let at = self.0.partition_point(|span| span.through < seq);
        self.0.get(at).is_some_and(|span| span.after < seq)
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|span| span.events()).sum()
    }

    /// Returns the last one; [`Seq::ZERO`] where there are none.
    pub fn last(&self) -> Seq {
        self.0.last().map_or(Seq::ZERO, |span| span.through)
    }

    /// Returns the smallest span that has all of them.
    pub fn hull(&self) -> Span {
        Span { after: self.0.first().map_or(Seq::ZERO, |span| span.after), through: self.last() }
    }

    /// Returns the place up to which every one is there.
    pub fn prefix(&self) -> Seq {
        self.0.first().filter(|span| span.after == Seq::ZERO).map_or(Seq::ZERO, |span| span.through)
    }

    /// Returns those that are there although one before them is not.
    pub fn late(&self) -> Places {
        self.without(&Places::up_to(self.prefix()))
    }

    /// Returns each of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Seq> {
        self.0.iter().flat_map(|span| (span.after.number() + 1..=span.through.number()).map(Seq::new))
    }

    /// Returns the first one behind a place.
    pub fn next_after(&self, seq: Seq) -> Option<Seq> {
        let at = self.0.partition_point(|span| span.through <= seq);
        Some(self.0.get(at)?.after.max(seq).plus(1))
    }

    /// Returns those that are in another set too.
    pub fn and(&self, other: &Places) -> Places {
        let (mut both, mut one, mut two) = (Places::default(), 0, 0);
        while let (Some(a), Some(b)) = (self.0.get(one), other.0.get(two)) {
            let span = Span { after: a.after.max(b.after), through: a.through.min(b.through) };
            both.add(span);
            if a.through <= b.through { one += 1 } else { two += 1 }
        }
        both
    }

    /// Returns those that are in one of two sets, or in both.
    pub fn or(&self, other: &Places) -> Places {
        let mut spans = [&self.0[..], &other.0].concat();
        spans.sort_unstable_by_key(|span| span.after);
        let mut either = Places::default();
        spans.into_iter().for_each(|span| either.add(span));
        either
    }

    /// Returns those that are not in another set.
    pub fn without(&self, other: &Places) -> Places {
        let mut rest = Places::default();
        let mut taken = other.0.iter().peekable();
        for span in &self.0 {
            let mut after = span.after;
            while taken.next_if(|gap| gap.through <= after).is_some() {}
            for gap in taken.clone().take_while(|gap| gap.after < span.through) {
                rest.add(Span { after, through: gap.after.max(after) });
                after = after.max(gap.through);
            }
            rest.add(Span { after, through: span.through.max(after) });
        }
        rest
    }

    /// Returns all but the last ones, so many.
    pub fn without_last(&self, mut count: u64) -> Places {
        let mut spans = self.0.clone();
        while let Some(last) = spans.last_mut().filter(|_| count > 0) {
            let events = last.events();
            if events > count {
                last.through = last.through.minus(count);
                break;
            }
            count -= events;
            spans.pop();
        }
        Places(spans)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn places(numbers: impl IntoIterator<Item = u64>) -> Places {
        let mut places = Places::default();
        for number in numbers {
            places.add(Span { after: Seq::new(number - 1), through: Seq::new(number) });
        }
        places
    }

    /// What the sets say is what sets of numbers say.
    #[test]
    fn they_are_sets() {
        let of = |bits: u64| (1..=6).filter(move |number| bits >> (number - 1) & 1 == 1);
        for (one, two) in (0..64).flat_map(|one| (0..64).map(move |two| (one, two))) {
            let (a, b) = (places(of(one)), places(of(two)));
            let (set, other): (BTreeSet<_>, BTreeSet<_>) = (of(one).collect(), of(two).collect());
            assert_eq!(a.and(&b), places(set.intersection(&other).copied()), "{one:b} and {two:b}");
            assert_eq!(a.or(&b), places(set.union(&other).copied()), "{one:b} or {two:b}");
            assert_eq!(a.without(&b), places(set.difference(&other).copied()), "{one:b} without {two:b}");
            assert_eq!(a.count(), set.len() as u64);
            assert_eq!(a.iter().map(Seq::number).collect::<BTreeSet<_>>(), set);
            assert!((1..=7).all(|number| a.holds(Seq::new(number)) == set.contains(&number)));
            let behind = |seq: u64| set.iter().copied().find(|number| *number > seq).map(Seq::new);
            assert!((0..=7).all(|seq| a.next_after(Seq::new(seq)) == behind(seq)));
            let last = two % 8;
            let left = set.iter().copied().take(set.len().saturating_sub(last as usize));
            assert_eq!(a.without_last(last), places(left), "{one:b} without the last {last}");
            let prefix = (1..).take_while(|number| set.contains(number)).count() as u64;
            assert_eq!(a.prefix(), Seq::new(prefix));
            assert_eq!(a.late(), places(set.iter().copied().filter(|number| *number > prefix)));
        }
    }
}
