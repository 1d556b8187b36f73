//! How an answer to `why` is drawn: a tree from where the phase stands to the roots.
//!
//! ```text
//! phase_3_synthesis is ↻ NEEDS_RERUN
//! └─ e10 phase_3_synthesis was marked for rerun by rule stale/1 at …: Upstream phase requires rerun: …
//!    └─ e9 phase_2_analysis was marked for rerun by ana at …: New books  ← root
//! ```
//!
//! Each event is shown once; where another way leads to it, its place is named. A long way without branches
//! is shown without indenting it, its middle left out; what would be indented too far is taken up below.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::Style;
use phaseledger::model::{Seq, StateName, Zone, escape};
use phaseledger::query::{ChainEvent, Waiting, Why};

use crate::cli::ui::events::{evidence, sentence};
use crate::cli::ui::render::{self, Naming};

/// The longest way without branches that is drawn indented.
const STEPS_INDENTED: usize = 6;
/// A longer one is shown whole up to this, and beyond it only at both ends.
const STEPS_SHOWN: usize = 16;
const STEPS_AT_END: usize = 5;
/// How deep a drawing is indented at most.
const LEVELS_MAX: usize = 16;
/// How many events are drawn, and how many roots and needs are listed, unless all are asked for.
const EVENTS_SHOWN: usize = 200;
const LISTED: usize = 20;

/// An answer to be drawn.
pub struct Drawing<'a> {
    /// The answer.
    pub why: &'a Why,
    /// The zone of times.
    pub zone: Zone,
    /// Whether bare names will do.
    pub naming: Naming,
    /// Whether to leave nothing out.
    pub full: bool,
}

/// A place where the drawing goes on.
struct Branch {
    seq: Seq,
    /// What stands before its lines: what is still open on the left.
    left: String,
    level: usize,
    is_last: bool,
}

/// What is drawn already, and what is put off.
struct Progress<'a> {
    events: BTreeMap<Seq, &'a ChainEvent>,
    drawn: BTreeSet<Seq>,
    branches: Vec<Branch>,
    put_off: Vec<Seq>,
    elided: usize,
}

impl Drawing<'_> {
    /// Draws the answer.
    pub fn draw(&self, out: &mut impl Write) -> io::Result<()> {
        let why = self.why;
        let skipped = if why.skipped { ", skipped" } else { "" };
        let name = render::phase(&why.phase, self.naming);
        let never = if self.has_not_run() { ", for it has not run" } else { "" };
        writeln!(out, "{name} is {}{skipped}{never}", render::state(why.state))?;
        let events = why.chain.iter().map(|event| (event.proven.record.seq, event)).collect();
        let mut progress =
            Progress { events, drawn: BTreeSet::new(), branches: Vec::new(), put_off: Vec::new(), elided: 0 };
        progress.branch(&why.because, "", 0);
        loop {
            while let Some(branch) = progress.branches.pop() {
                if !self.full && progress.drawn.len() - progress.elided >= EVENTS_SHOWN {
                    return self.cut_short(&progress, out);
                }
                self.branch(branch, &mut progress, out)?;
            }
            let Some(seq) = progress.put_off.pop() else { break };
            writeln!(out, "e{seq}, taken up from above")?;
            progress.branch(&progress.events[&seq].back.clone(), "", 0);
        }
        self.waits_for(out)
    }

    /// Says whether the phase is PENDING since its definition: neither reset nor skipped.
    fn has_not_run(&self) -> bool {
        let first = self.why.chain.first().map(|event| &event.proven.record.event);
        self.why.state == StateName::Pending && first.is_some_and(|event| event.definition().is_some())
    }

    /// Draws one event, and the way on from it as far as there are no branches.
    fn branch(&self, branch: Branch, progress: &mut Progress<'_>, out: &mut impl Write) -> io::Result<()> {
        let Branch { seq, left, level, is_last } = branch;
        let corner = if is_last { "└─ " } else { "├─ " };
        if !progress.drawn.insert(seq) {
            return writeln!(out, "{left}{corner}(see e{seq})");
        }
        let Some(&first) = progress.events.get(&seq) else { return Ok(()) };
        let below = format!("{left}{}", if is_last { "   " } else { "│  " });
        self.event(first, &format!("{left}{corner}"), &below, out)?;
        let way = progress.way(first);
        let mut end = first;
        if way.len() > STEPS_INDENTED {
            end = way[way.len() - 1];
            self.steps(&way, &below, progress, out)?;
        }
        let causes = end.back.clone();
        if level + 1 >= LEVELS_MAX && !causes.is_empty() {
            writeln!(out, "{below}⋯ goes on below, at e{}", end.proven.record.seq)?;
            progress.put_off.push(end.proven.record.seq);
            return Ok(());
        }
        progress.branch(&causes, &below, level + 1);
        Ok(())
    }

    /// Draws a long way without branches, one step below the other.
    fn steps(
        &self,
        way: &[&ChainEvent],
        left: &str,
        progress: &mut Progress<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        progress.drawn.extend(way.iter().map(|event| event.proven.record.seq));
        let is_cut = !self.full && way.len() > STEPS_SHOWN;
        let (head, tail) = if is_cut {
            (&way[..STEPS_AT_END], &way[way.len() - STEPS_AT_END..])
        } else {
            (way, &way[way.len()..])
        };
        let (corner, below) = (format!("{left}↑ "), format!("{left}  "));
        for event in head {
            self.event(event, &corner, &below, out)?;
        }
        if is_cut {
            let more = way.len() - 2 * STEPS_AT_END;
            progress.elided += more;
            writeln!(out, "{left}⋮ …({more} more, each caused by the next; `--full` shows them)…")?;
        }
        for event in tail {
            self.event(event, &corner, &below, out)?;
        }
        Ok(())
    }

    /// Draws one event and its evidence.
    fn event(&self, event: &ChainEvent, corner: &str, below: &str, out: &mut impl Write) -> io::Result<()> {
        let bold = Style::new().bold();
        let root = if event.is_root() { format!("  {bold}← root{bold:#}") } else { String::new() };
        let sentence = sentence(event, self.zone, self.naming);
        writeln!(out, "{corner}e{} {sentence}{root}", event.proven.record.seq)?;
        let open = if event.is_root() { "  " } else { "│ " };
        for line in evidence(event, self.naming) {
            writeln!(out, "{below}{open}  {line}")?;
        }
        Ok(())
    }

    /// Says how much more there is, and where it leads.
    fn cut_short(&self, progress: &Progress<'_>, out: &mut impl Write) -> io::Result<()> {
        let more = progress.events.len() - progress.drawn.len();
        writeln!(out, "⋮ …({more} more; `--full` shows them)…")?;
        let roots: Vec<_> = self.why.roots().collect();
        writeln!(out, "the roots:")?;
        for root in roots.iter().take(LISTED) {
            self.event(root, "  ", "  ", out)?;
        }
        if roots.len() > LISTED {
            writeln!(out, "  and {} more", roots.len() - LISTED)?;
        }
        self.waits_for(out)
    }

    /// Lists what a PENDING phase waits for.
    fn waits_for(&self, out: &mut impl Write) -> io::Result<()> {
        let waits_for = &self.why.waits_for;
        if waits_for.is_empty() {
            return match (self.why.state, self.why.skipped) {
                (StateName::Pending, false) => writeln!(out, "it waits for nothing: it may start"),
                _ => Ok(()),
            };
        }
        writeln!(out, "it waits for:")?;
        let shown = if self.full { waits_for.len() } else { LISTED };
        for waiting in waits_for.iter().take(shown) {
            let Waiting { workflow, phase, state, seq, reason } = waiting;
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {}", escape(reason)));
            let workflow = match self.naming {
                Naming::Bare => String::new(),
                Naming::Full => format!("{workflow}/"),
            };
            writeln!(out, "  {workflow}{phase}, which is {} since e{seq}{reason}", render::state(*state))?;
        }
        if waits_for.len() > shown {
            writeln!(out, "  and {} more", waits_for.len() - shown)?;
        }
        Ok(())
    }
}

impl<'a> Progress<'a> {
    /// Puts some events next, the first one first.
    fn branch(&mut self, events: &[Seq], left: &str, level: usize) {
        let last = events.len().saturating_sub(1);
        let branches = events.iter().enumerate().rev();
        self.branches.extend(branches.map(|(at, &seq)| Branch {
            seq,
            left: left.to_owned(),
            level,
            is_last: at == last,
        }));
    }

    /// Returns the steps that follow an event as long as there is just one, and it is not drawn yet.
    fn way(&self, first: &'a ChainEvent) -> Vec<&'a ChainEvent> {
        let mut way = Vec::new();
        let mut event = first;
        while let [only] = event.back[..] {
            match self.events.get(&only) {
                Some(next) if !self.drawn.contains(&only) => event = next,
                _ => break,
            }
            way.push(event);
        }
        way
    }
}
