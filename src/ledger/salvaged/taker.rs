//! Commands recorded once more, behind holes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::SalvagedOptions;
use super::bridge;
use crate::ledger::export::{SalvagedEnd, Stretch};
use crate::ledger::identity::Once;
use crate::ledger::told::{action_of, found_of, left_behind};
use crate::ledger::{LedgerError, Session};
use crate::model::{
    Action, Actor, CallerId, Command, CommandId, Digest, FoundByRole, Gap, HistoryImported, PhaseId,
    PhaseName, PhaseRef, Recorded, Renamed, Seq, StateName, Text, Timestamp, WorkflowDefined,
    action as verbs,
};

/// The repair that brings a phase to where the salvaged log has it stand.
const LOST_IN_HOLE: &str = "lost_in_hole";
/// The repair that keeps what cannot be made legal.
const KEPT_AS_NOTE: &str = "kept_as_note";
/// An attempt that has another number than it had.
const RENUMBERED: &str = "attempt_renumbered";
/// A phase that could not be brought to where the salvaged log has it stand in the end.
const STATE_DIFFERS: &str = "state_differs";

/// Records commands once more, behind holes.
pub(super) struct Taker<'a> {
    session: Session<'a>,
    options: &'a SalvagedOptions,
    now: Timestamp,
    /// The root over the file's lines: its name among files.
    file: Digest,
    /// The holes that are still to come, the last one first, each with the number of lines behind it.
    holes: Vec<(Stretch, u64)>,
    /// How many lines are behind any of them.
    lines: u64,
    events: u64,
    inferred: BTreeMap<String, u64>,
    /// The command whose lines are being read.
    command: Vec<Recorded>,
    /// Where events of the salvaged log are that have another place now.
    places: HashMap<Seq, Seq>,
    /// The last place that is the same in both.
    kept: Seq,
    /// Where the salvaged log last has each phase stand, in front of the holes where nothing behind them says it.
    stands: BTreeMap<PhaseId, StateName>,
    /// Of which of them something behind the holes says it.
    said: BTreeSet<PhaseId>,
    ids: u64,
}

impl<'a> Taker<'a> {
    /// Goes on behind the lines that are kept; `behind` has how many lines are behind each hole.
    pub(super) fn new(
        session: Session<'a>,
        options: &'a SalvagedOptions,
        (end, behind, stands): (&SalvagedEnd, Vec<u64>, BTreeMap<PhaseId, StateName>),
        kept: u64,
        now: Timestamp,
    ) -> Self {
        let lines = behind.iter().sum();
        let holes = end.missing.iter().copied().zip(behind).rev().collect();
        Taker {
            session,
            options,
            now,
            file: end.root,
            holes,
            lines,
            events: 0,
            inferred: BTreeMap::new(),
            command: Vec::new(),
            places: HashMap::new(),
            kept: Seq::new(kept),
            stands,
            said: BTreeSet::new(),
            ids: 0,
        }
    }

    /// Takes the next line behind the first hole.
    pub(super) fn line(&mut self, record: Recorded) -> Result<(), LedgerError> {
        let is_next = self
            .command
            .last()
            .is_some_and(|last| last.command_id == record.command_id && last.seq.plus(1) == record.seq);
        if !is_next {
            self.end_command()?;
        }
        while let Some((hole, lines)) = self.holes.pop_if(|(hole, _)| hole.last < record.seq) {
            self.hole(hole, lines, Some(&record))?;
        }
        self.command.push(record);
        Ok(())
    }

    /// Ends with what is left, and returns how many events were recorded, and what was inferred.
    pub(super) fn finish(mut self) -> Result<(u64, BTreeMap<String, u64>), LedgerError> {
        self.end_command()?;
        while let Some((hole, lines)) = self.holes.pop() {
            self.hole(hole, lines, None)?;
        }
        // What followed from what is missing may have moved phases that nothing was said of behind it.
        let stands = self.needed_first()?;
        for (phase, state) in &stands {
            self.bring(phase, *state, None)?;
        }
        for (phase, state) in stands {
            let now = self.state(&phase)?;
            // One that is retired stands where it stood.
            let retired = || self.session.table().phases.get(&phase).map(|phase| phase.state.name());
            if now.or_else(retired) != Some(state) {
                *self.inferred.entry(STATE_DIFFERS.to_owned()).or_default() += 1;
            }
        }
        if self.events > 0 && !self.inferred.is_empty() {
            let history = self.history(self.lines, None);
            self.note_import(history, self.now)?;
        }
        self.session.commit()?;
        Ok((self.events, self.inferred))
    }

    /// Returns where each phase is to stand, what is needed before what needs it: what is done to a phase moves those below.
    fn needed_first(&mut self) -> Result<Vec<(PhaseId, StateName)>, LedgerError> {
        let mut left = std::mem::take(&mut self.stands);
        for phase in left.keys() {
            // So that the table has it.
            self.state(phase)?;
        }
        let phases = &self.session.table().phases;
        let mut sorted = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let waits = |id: &PhaseId| {
                phases
                    .get(id)
                    .is_some_and(|phase| phase.spec.needs.iter().any(|need| left.contains_key(need)))
            };
            let next: Vec<PhaseId> = left.keys().filter(|id| !waits(id)).cloned().collect();
            // No definition has a circle; whatever this is, it ends.
            let next = if next.is_empty() { left.keys().cloned().collect() } else { next };
            sorted.extend(next.into_iter().filter_map(|id| left.remove_entry(&id)));
        }
        Ok(sorted)
    }

    fn history(&self, lines: u64, gap: Option<Gap>) -> HistoryImported {
        let inferred = if gap.is_none() { self.inferred.clone() } else { BTreeMap::new() };
        HistoryImported { source: self.options.source.clone(), digest: self.file, lines, inferred, gap }
    }

    /// Puts on record that events are missing.
    fn hole(&mut self, hole: Stretch, lines: u64, next: Option<&Recorded>) -> Result<(), LedgerError> {
        let history = self.history(lines, Some(Gap { first: hole.first, last: hole.last }));
        let before = self.session.last_recorded_at();
        let now = before.or(next.map(|next| next.recorded_at)).unwrap_or(self.now);
        self.note_import(history, now)?;
        // It is put in force once, behind the first hole.
        if let Some(definition) = self.options.define.clone().filter(|_| self.ids == 1) {
            let define = Action::Define(verbs::Define { definition: Box::new(definition) });
            self.infer(define, None)?;
        }
        Ok(())
    }

    fn note_import(&mut self, history: HistoryImported, now: Timestamp) -> Result<(), LedgerError> {
        let action = Action::NoteImport(verbs::NoteImport { workflow: None, history });
        let command = self.own(action, None, None);
        self.stage(&command, None, now).map(drop)
    }

    fn end_command(&mut self) -> Result<(), LedgerError> {
        let events = std::mem::take(&mut self.command);
        let Some(first) = events.first() else { return Ok(()) };
        let moves: Vec<_> = events.iter().filter_map(moved).collect();
        let mut seen = Vec::new();
        for (phase, from, _) in &moves {
            if !seen.contains(&phase) {
                seen.push(phase);
                self.bring(phase, *from, began(first))?;
            }
        }
        self.meet(&events)?;
        let is_whole = first.command_digest.is_some() && self.session.find(first.command_id)?.is_none();
        if is_whole {
            self.record(&events)?;
        }
        for (phase, _, to) in moves {
            self.bring(phase, to, None)?;
            self.stands.insert(phase.clone(), to);
            self.said.insert(phase.clone());
        }
        Ok(())
    }

    /// Brings what an attempt built on to where it stood, where all that it needs was met.
    fn meet(&mut self, events: &[Recorded]) -> Result<(), LedgerError> {
        for started in
            events.iter().filter_map(|event| event.event.started()).filter(|it| it.dependencies_met)
        {
            for need in &started.consumed {
                let name = need.phase.clone().into();
                let is_met = match self.session.phase(&name) {
                    Ok(phase) => phase.state.satisfies(),
                    Err(LedgerError::Rejected(_)) => true,
                    Err(error) => return Err(error),
                };
                if !is_met {
                    self.bring(&need.phase, StateName::Complete, None)?;
                }
            }
        }
        Ok(())
    }

    /// Records a command once more.
    fn record(&mut self, events: &[Recorded]) -> Result<(), LedgerError> {
        let first = &events[0];
        let (kept, places) = (self.kept, &self.places);
        let place = |old: Seq| if old <= kept { Some(old) } else { places.get(&old).copied() };
        // Nobody sent what only rules derive, and a place that is missing has no name.
        let Some(mut action) = action_of(events, place) else { return self.keep(first, "it is derived") };
        if let Action::Start(start) = &mut action {
            // What was legal once stays so: what its needs and limits were is not asked again.
            start.allow_unmet = true;
            let otherwise = || Text::cut("it was started in the log that was salvaged").expect("not empty");
            start.over_limit.get_or_insert_with(otherwise);
        }
        let command = Command {
            id: first.command_id,
            key: None,
            may_repeat: false,
            by: Actor::clone(&first.by),
            occurred_at: Some(first.at.into()),
            expect: Vec::new(),
            inferred: None,
            fingerprints: found_of(events),
            left_behind: left_behind(&first.event),
            past: None,
            action,
        };
        let now = first.recorded_at.max(first.at);
        match self.stage(&command, Once::of(events).as_ref(), now) {
            Ok(found) if found.is_empty() => self.keep(first, "it changes nothing"),
            Ok(found) => {
                self.compare(events, &found);
                Ok(())
            }
            Err(LedgerError::Rejected(rejection)) => self.keep(first, &rejection.to_string()),
            Err(error) => Err(error),
        }
    }

    /// Notes where events are now, and which attempts have another number.
    fn compare(&mut self, events: &[Recorded], found: &[Recorded]) {
        for event in events {
            let Some(same) = found.iter().find(|found| found.id == event.id) else { continue };
            self.places.insert(event.seq, same.seq);
            if let Some(defined) = same.event.definition() {
                self.rename(defined);
            }
            if event.event.attempt() != same.event.attempt() && event.event.started().is_some() {
                *self.inferred.entry(RENUMBERED.to_owned()).or_default() += 1;
            }
        }
    }

    /// Has what stands where go by the names that a definition gives.
    fn rename(&mut self, defined: &WorkflowDefined) {
        let id = |name: &PhaseName| PhaseId::new(defined.definition.name().clone(), name.clone());
        for Renamed { from, to } in &defined.renamed {
            let (from, to) = (id(from), id(to));
            let (state, is_said) = (self.stands.remove(&from), self.said.remove(&from));
            // Where the rename itself was in a hole, what is behind that speaks by the new name already.
            if let Some(state) = state.filter(|_| !self.said.contains(&to)) {
                self.stands.insert(to.clone(), state);
                self.said.extend(is_said.then_some(to));
            }
        }
    }

    /// Keeps as a note what cannot follow.
    fn keep(&mut self, event: &Recorded, why: &str) -> Result<(), LedgerError> {
        let phase = event.subject.phase().cloned();
        let phase = match &phase {
            Some(id) => self.state(id)?.map(|_| PhaseRef::from(id.clone())),
            None => None,
        };
        let text = format!(
            "The log that was salvaged has `{}` at e{}, which cannot follow here, for {why}: {}",
            event.event.kind(),
            event.seq,
            event.to_line()
        );
        let text = Text::cut(&text).expect("not empty");
        let command = self.own(Action::Note(verbs::Note { phase, text }), Some(KEPT_AS_NOTE), Some(event.at));
        let now = event.recorded_at.max(event.at);
        self.stage(&Command { by: Actor::clone(&event.by), ..command }, None, now)?;
        *self.inferred.entry(KEPT_AS_NOTE.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Brings a phase to a state, as far as the rules allow. `began` is when an attempt began that is missing.
    fn bring(&mut self, id: &PhaseId, to: StateName, began: Option<Timestamp>) -> Result<(), LedgerError> {
        let Some(from) = self.state(id)? else { return Ok(()) };
        for action in bridge::steps(&id.clone().into(), from, to) {
            if !self.infer(action, began)? {
                break;
            }
        }
        Ok(())
    }

    /// Records what is inferred, right behind what is there. Says whether the rules allow it.
    fn infer(&mut self, action: Action, began: Option<Timestamp>) -> Result<bool, LedgerError> {
        let claimed = began.filter(|_| matches!(action, Action::Start(_)));
        let command = self.own(action, Some(LOST_IN_HOLE), claimed);
        let now = self.session.last_recorded_at().max(claimed).unwrap_or(self.now);
        match self.stage(&command, None, now) {
            Ok(_) => {
                *self.inferred.entry(LOST_IN_HOLE.to_owned()).or_default() += 1;
                Ok(true)
            }
            Err(LedgerError::Rejected(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns where a phase stands; none where no definition has it.
    fn state(&mut self, id: &PhaseId) -> Result<Option<StateName>, LedgerError> {
        match self.session.state(&id.clone().into()) {
            Ok(state) => Ok(Some(state)),
            Err(LedgerError::Rejected(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a command that nobody sent. Its id is the same whenever the same file is taken in.
    fn own(&mut self, action: Action, inferred: Option<&'static str>, at: Option<Timestamp>) -> Command {
        self.ids += 1;
        let key = format!("key:salvaged {} {}", self.file, self.ids);
        let id: CommandId = key.parse::<CallerId>().expect("a key that is not empty").command();
        Command {
            id,
            key: None,
            may_repeat: false,
            by: self.options.by.clone(),
            occurred_at: at.map(Into::into),
            expect: Vec::new(),
            inferred,
            fingerprints: FoundByRole::default(),
            left_behind: Vec::new(),
            past: None,
            action,
        }
    }

    fn stage(
        &mut self,
        command: &Command,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<Vec<Recorded>, LedgerError> {
        let answer = self.session.stage_as(command, once, now)?;
        self.events += answer.events.len() as u64;
        Ok(answer.events)
    }
}

/// Returns which phase an event moved, from where to where.
fn moved(record: &Recorded) -> Option<(&PhaseId, StateName, StateName)> {
    let (from, to) = record.transition?;
    Some((record.subject.phase()?, from, to))
}

/// Returns when the attempt began that an event ended.
fn began(record: &Recorded) -> Option<Timestamp> {
    let completed = record.event.completed().map(|of| of.duration_seconds);
    let seconds = completed.or(record.event.failed().map(|of| of.duration_seconds))??;
    let micros = chrono::TimeDelta::microseconds((seconds * 1e6) as i64);
    Timestamp::new(record.at.utc().checked_sub_signed(micros)?).ok()
}
