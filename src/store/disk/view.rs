//! A log as it is at one head: what is read of it is of that head, whoever appends meanwhile.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::Block;
use super::cover::Cover;
use super::damaged;
use super::mention::Mentions;
use super::segment::{Hash, Segment, SegmentName};
use super::state::State;
use crate::model::{CommandId, Places, Seq, Span};
use crate::store::{
    Bundle, Entry, Frontier, SPAN_EVENTS, Sought, StoreError, TimeSpan, Times, Unpacked, Until, each_in_order,
};

pub(super) const SEGMENTS: &str = "segments";
/// How often the segments are looked for anew when others exchange them.
pub(super) const LOOKS_MAX: u32 = 3;
/// Up to so many lines are taken of the block at hand, or of one that is then.
const FEW_LINES: usize = 64;
/// How many segments are checked before a thread is worth it.
const SEGMENTS_ALONE: usize = 4;
/// From how many commands on all filters are read to look for them together.
const MANY_COMMANDS: usize = 64;

/// A log at a head.
#[derive(Debug)]
pub(super) struct View {
    folder: PathBuf,
    /// Where the log stands.
    pub(super) state: State,
    /// The events that are in no segment, or not in one alone: those of the journal.
    pub(super) entries: Vec<Entry>,
    segments: RefCell<Vec<SegmentName>>,
    open: RefCell<HashMap<Seq, Arc<Segment>>>,
    recent: RefCell<Option<Recent>>,
}

/// The block that was read last: a stream that is sent again asks for one command after the other, and for its events.
#[derive(Debug)]
struct Recent {
    segment: Arc<Segment>,
    at: usize,
    block: Block,
    lines: Option<Unpacked>,
}

impl View {
    pub(super) fn new(dir: &Path, state: State, entries: Vec<Entry>, segments: Vec<SegmentName>) -> Self {
        View {
            folder: dir.join(SEGMENTS),
            state,
            entries,
            segments: RefCell::new(segments),
            open: RefCell::default(),
            recent: RefCell::default(),
        }
    }

    /// Returns the last place that is read of segments.
    pub(super) fn archived(&self) -> Seq {
        self.state.seq().minus(self.entries.len() as u64)
    }

    /// Returns the segments.
    pub(super) fn segments(&self) -> Vec<SegmentName> {
        self.segments.borrow().clone()
    }

    /// Goes on by events that are in the journal.
    pub(super) fn add(&mut self, state: State, entries: &[Entry]) {
        self.state = state;
        self.entries.extend_from_slice(entries);
    }

    /// Goes on with other segments and events.
    pub(super) fn go_on(&mut self, state: State, entries: Vec<Entry>, segments: Vec<SegmentName>) {
        self.state = state;
        self.entries = entries;
        self.open.get_mut().retain(|first, segment| {
            segments.iter().any(|name| name.first == *first && name.last == segment.after.seq())
        });
        *self.segments.get_mut() = segments;
        self.recent.get_mut().take();
    }

    /// Returns the segment that an event is in.
    pub(super) fn segment(&self, place: Seq) -> Result<Arc<Segment>, StoreError> {
        for _ in 0..LOOKS_MAX {
            let name = self.name(place)?;
            if let Some(segment) =
                self.open.borrow().get(&name.first).filter(|it| it.after.seq() == name.last)
            {
                return Ok(Arc::clone(segment));
            }
            match Segment::open(&self.folder, &name) {
                Ok(segment) => {
                    let segment = Arc::new(segment);
                    self.open.borrow_mut().insert(name.first, Arc::clone(&segment));
                    return Ok(segment);
                }
                // Merged into another one since.
                Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    self.look_again()?
                }
                Err(error) => return Err(error),
            }
        }
        Err(damaged(format!("the segment of event {place} is missing")))
    }

    fn name(&self, place: Seq) -> Result<SegmentName, StoreError> {
        let segments = self.segments.borrow();
        let at = segments.partition_point(|name| name.last < place);
        let name = segments.get(at).filter(|name| name.first <= place);
        name.copied().ok_or_else(|| damaged(format!("no segment holds event {place}")))
    }

    fn look_again(&self) -> Result<(), StoreError> {
        let names = SegmentName::list(&self.folder)?;
        // Later ones are of no concern here.
        let archived = self.archived();
        let names: Vec<_> = names.into_iter().filter(|name| name.first <= archived).collect();
        *self.segments.borrow_mut() = Cover::of(&names, archived)?.segments;
        Ok(())
    }

    /// Returns the lines after a place, at most `limit`.
    pub(super) fn read(&self, after: Seq, limit: usize) -> Result<Vec<String>, StoreError> {
        let (mut lines, archived) = (Vec::new(), self.archived());
        let mut next = after.min(self.state.seq()).plus(1);
        while next <= archived && lines.len() < limit {
            let segment = self.segment(next)?;
            let at = segment.block_of(next);
            let (first, last) = segment.places(at);
            let last = last.min(archived);
            let skip = usize::try_from(next.number() - first.number()).unwrap_or(usize::MAX);
            let wanted = usize::try_from(last.number() - next.number() + 1).unwrap_or(usize::MAX);
            let wanted = wanted.min(limit - lines.len());
            if limit <= FEW_LINES {
                lines.extend(self.lines_at_hand(segment, at, skip..skip + wanted)?);
            } else {
                lines.extend(segment.lines(at)?.iter().skip(skip).take(wanted).map(str::to_owned));
            }
            next = last.plus(1);
        }
        if next > archived {
            let skip = usize::try_from(next.number() - archived.number() - 1).unwrap_or(usize::MAX);
            let rest = self.entries.iter().skip(skip).take(limit - lines.len());
            lines.extend(rest.map(|entry| entry.line.clone()));
        }
        Ok(lines)
    }

    /// Returns the lines after a place that are kept together, at most `limit`.
    pub(super) fn bundle(&self, after: Seq, limit: usize) -> Result<Bundle, StoreError> {
        let (next, archived) = (after.min(self.state.seq()).plus(1), self.archived());
        if next > archived || limit == 0 {
            let lines = self.read(after, limit)?;
            return Ok(Bundle::new(lines.len(), || Ok(Unpacked::from(lines))));
        }
        let segment = self.segment(next)?;
        let at = segment.block_of(next);
        let (first, last) = segment.places(at);
        let count = |from: Seq, to: Seq| usize::try_from(to.number() - from.number()).unwrap_or(usize::MAX);
        let start = count(first, next);
        let end = start + limit.min(count(next, last.min(archived).plus(1)));
        Ok(Bundle::new(end - start, move || Ok(segment.lines(at)?.part(start..end))))
    }

    /// Returns the place of a command's first event.
    pub(super) fn find(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        let archived = self.archived();
        let at = self.entries.iter().position(|entry| entry.command_id == command);
        let mut found = at.map(|at| archived.plus(at as u64 + 1));
        if found.is_none()
            && let Some(place) = self.find_near(command)?
        {
            return Ok(Some(place));
        }
        let mut end = archived;
        // One that begins right behind a segment may begin in it.
        while end > Seq::ZERO && found.is_none_or(|place| place == end.plus(1)) {
            let segment = self.segment(end)?;
            let before = segment.before.seq();
            match segment.find(command)?.filter(|(_, place)| *place <= archived) {
                Some((at, place)) => {
                    self.hold(segment, at)?;
                    found = Some(place);
                }
                None if found.is_some() => break,
                None => {}
            }
            end = before;
        }
        Ok(found)
    }

    /// Says of many commands which of them may be there. A few are not worth it: it reads all filters.
    pub(super) fn may_hold(&self, commands: &[CommandId]) -> Vec<bool> {
        if commands.len() < MANY_COMMANDS {
            return vec![true; commands.len()];
        }
        let recent: HashSet<CommandId> = self.entries.iter().map(|entry| entry.command_id).collect();
        let mut may_be: Vec<bool> = commands.iter().map(|command| recent.contains(command)).collect();
        let hashes: Vec<Hash> = commands.iter().map(|command| Hash::of(*command)).collect();
        let mut segments = self.segments().into_iter();
        let noted = segments.try_for_each(|name| self.segment(name.first)?.note(&hashes, &mut may_be));
        match noted {
            Ok(()) => may_be,
            // Whoever looks for one of them alone is told what is wrong.
            Err(_) => vec![true; commands.len()],
        }
    }

    fn hold(&self, segment: Arc<Segment>, at: usize) -> Result<(), StoreError> {
        let block = segment.block(at)?;
        *self.recent.borrow_mut() = Some(Recent { segment, at, block, lines: None });
        Ok(())
    }

    /// Looks for a command in the block at hand and in the one behind it. None says nothing.
    fn find_near(&self, command: CommandId) -> Result<Option<Seq>, StoreError> {
        let next = match &*self.recent.borrow() {
            None => return Ok(None),
            Some(recent) => match recent.place(command) {
                Some(place) => return Ok(Some(place)),
                None => {
                    let last = recent.block.commands.last().map(|(id, _)| *id);
                    (Arc::clone(&recent.segment), recent.at + 1, last)
                }
            },
        };
        let (segment, at, last) = next;
        if at >= segment.count() {
            return Ok(None);
        }
        let first = segment.places(at).0;
        self.hold(segment, at)?;
        let recent = self.recent.borrow();
        let Some(recent) = recent.as_ref() else { return Ok(None) };
        // What the block begins with begins there where the one before it ends with another command.
        let begins = recent.block.find(command) == Some(0) && last.is_some_and(|last| last != command);
        Ok(recent.place(command).or(begins.then_some(first)))
    }

    /// Returns some lines of a block, which is at hand from then on: the next ones that are asked for are mostly in it too.
    fn lines_at_hand(
        &self,
        segment: Arc<Segment>,
        at: usize,
        lines: Range<usize>,
    ) -> Result<Vec<String>, StoreError> {
        let is_it = |recent: &Recent| recent.at == at && Arc::ptr_eq(&recent.segment, &segment);
        if !self.recent.borrow().as_ref().is_some_and(is_it) {
            self.hold(Arc::clone(&segment), at)?;
        }
        let mut recent = self.recent.borrow_mut();
        let Some(recent) = recent.as_mut() else { return Ok(Vec::new()) };
        let unpacked = match &recent.lines {
            Some(unpacked) => unpacked,
            None => recent.lines.insert(recent.block.lines().ok_or_else(|| segment.bad_block(at))?),
        };
        Ok(lines.map_while(|at| unpacked.line(at).map(str::to_owned)).collect())
    }

    /// Returns the last place that was recorded before the cut.
    pub(super) fn seek(&self, until: Until) -> Result<Seq, StoreError> {
        if self.state.times.is_none_or(|times| until.includes(times.recorded_at)) {
            return Ok(self.state.seq());
        }
        let count = self.entries.partition_point(|entry| until.includes(entry.times.recorded_at));
        let archived = self.archived();
        if count > 0 || archived == Seq::ZERO {
            return Ok(archived.plus(count as u64));
        }
        let segments = self.segments();
        let (mut low, mut high) = (0, segments.len());
        while low < high {
            let middle = low.midpoint(high);
            let ends = self.segment(segments[middle].last.min(archived))?.after.times;
            match ends.is_some_and(|times| until.includes(times.recorded_at)) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        match segments.get(low) {
            Some(name) => Ok(self.segment(name.first)?.seek(until)?.min(archived)),
            None => Ok(archived),
        }
    }

    /// Returns between which times events took effect: as the segments say it of their blocks, and of those in the
    /// journal some at a time.
    pub(super) fn spans(&self) -> Result<Vec<TimeSpan>, StoreError> {
        let (mut spans, archived) = (Vec::new(), self.archived());
        let mut end = Seq::ZERO;
        while end < archived {
            let segment = self.segment(end.plus(1))?;
            segment.spans(archived, &mut spans)?;
            end = segment.after.seq().min(archived);
        }
        for entries in self.entries.chunks(SPAN_EVENTS) {
            let times: Vec<Times> = entries.iter().map(|entry| entry.times).collect();
            let running = spans.last().map(|span: &TimeSpan| span.running);
            let span = TimeSpan::of(end.plus(1), &times, running);
            end = end.plus(entries.len() as u64);
            spans.extend(span);
        }
        Ok(spans)
    }

    /// Returns places of a span, among which all events are that are looked for: whole blocks of the segments, and those of
    /// the journal.
    pub(super) fn places_of(&self, sought: Sought<'_>, within: Span) -> Result<Places, StoreError> {
        let (mut found, archived) = (Places::default(), self.archived());
        let mut end = within.after;
        while end < archived.min(within.through) {
            let segment = self.segment(end.plus(1))?;
            let blocks = segment.blocks_of(sought)?;
            let blocks = blocks.unwrap_or_else(|| (0..segment.count()).collect());
            for (first, last) in blocks.into_iter().map(|at| segment.places(at)) {
                found.add(Span { after: first.minus(1), through: last });
            }
            end = segment.after.seq();
        }
        let first = archived.number() + 1;
        for (entry, number) in self.entries.iter().zip(first..) {
            if Mentions::of(&entry.line).is_some_and(|mentions| mentions.fits(sought)) {
                found.add(Span { after: Seq::new(number - 1), through: Seq::new(number) });
            }
        }
        let mut all = Places::default();
        all.add(Span { through: within.through.min(self.state.seq()), ..within });
        Ok(found.and(&all))
    }

    /// Reads every segment, and checks that each follows on the one before.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.each_segment(Segment::check, |()| {})
    }

    /// As [`View::check`], but for the lines of segments. Returns what those are to add up to that end with each segment.
    pub(super) fn check_beside(&self) -> Result<Vec<Frontier>, StoreError> {
        let (archived, mut ends) = (self.archived(), Vec::new());
        let check = |segment: &Segment| match segment.after.seq() <= archived {
            true => segment.check_beside().map(|()| Some(segment.after.frontier.clone())),
            // Whoever reads the lines up to the head does not see its end.
            false => segment.check().map(|()| None),
        };
        self.each_segment(check, |end| ends.extend(end))?;
        Ok(ends)
    }

    /// Takes what comes of a check of each segment, on other threads where there are any, if each follows on the one before.
    fn each_segment<T: Send>(
        &self,
        check: impl Fn(&Segment) -> Result<T, StoreError> + Sync,
        mut take: impl FnMut(T),
    ) -> Result<(), StoreError> {
        let (mut end, archived) = (State::default(), self.archived());
        let next = || {
            if end.seq() >= archived {
                return Ok(Vec::new());
            }
            let segment = self.segment(end.seq().plus(1))?;
            let before = std::mem::replace(&mut end, segment.after.clone());
            Ok(vec![(segment, before)])
        };
        let check = |(segment, before): (Arc<Segment>, State)| match segment.before == before {
            true => check(&segment),
            false => {
                let next = before.seq().plus(1);
                Err(damaged(format!("the events from {next} on do not follow on those before")))
            }
        };
        each_in_order(SEGMENTS_ALONE, next, check, |checked| checked.map(&mut take))
    }
}

impl Recent {
    /// Returns the place of a command's first event, unless the block before this one may have events of it too.
    fn place(&self, command: CommandId) -> Option<Seq> {
        let before = self.block.find(command).filter(|before| *before > 0)?;
        Some(self.segment.places(self.at).0.plus(before))
    }
}
