//! What is appended: batches of lines and rows, each a function of a seed and of the place it starts at.

use std::collections::BTreeMap;

use chrono::{TimeDelta, TimeZone, Utc};
use phaseledger::model::{CommandId, Digest, Seq, Timestamp};
use phaseledger::store::{Batch, Entry, Frontier, RowChanges, Times};

use super::random::Random;
use crate::numbers::setting;

const FOLD_VERSION: u32 = 1;
/// How many neighbouring lines are long at once, where some are.
const BULK: u64 = 12;

/// All that an appender writes, now or later.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// What it is a function of.
    pub seed: u64,
}

impl Script {
    /// Returns the batch that follows the line at a place.
    pub fn batch(self, after: u64) -> Batch {
        let places = after + 1..=after + self.length(after);
        let times = self.times(after + 1);
        let command_id = self.command(after);
        let entry = |place| Entry { command_id, times, line: self.line(place) };
        Batch { entries: places.map(entry).collect(), rows: self.rows(after) }
    }

    /// Returns how many lines the batch has: mostly one to three, now and then hundreds.
    fn length(self, after: u64) -> u64 {
        let mut random = Random::of(&[self.seed, after, 1]);
        match random.below(100) {
            0..80 => 1 + random.below(3),
            80..96 => 4 + random.below(40),
            _ => 150 + random.below(250),
        }
    }

    /// Returns a line: mostly a few hundred bytes, now and then many thousand that no codec makes small. With
    /// `PHASELEDGER_POWER_BULK`, in hundredths, some neighbours are all that long, so that one sealing writes
    /// several of a database's segments.
    pub fn line(self, place: u64) -> String {
        let mut random = Random::of(&[self.seed, place, 2]);
        let bulky = Random::of(&[self.seed, place / BULK, 7]).chance(setting("PHASELEDGER_POWER_BULK", 0));
        let length = match random.below(1_000) {
            _ if bulky => 100_000 + random.below(150_000),
            0..900 => 20 + random.below(400),
            900..996 => 1_000 + random.below(4_000),
            996..999 => 20_000 + random.below(50_000),
            _ => 150_000 + random.below(150_000),
        };
        let mut line = format!("{{\"seq\":{place},\"text\":\"");
        while (line.len() as u64) < length {
            line.push_str(&format!("{:016x}", random.next()));
        }
        line.push_str("\"}");
        line
    }

    /// Returns the id of the command that follows a place.
    pub fn command(self, after: u64) -> CommandId {
        let mut random = Random::of(&[self.seed, after, 3]);
        let bits = (u128::from(random.next()) << 64) | u128::from(random.next());
        CommandId::new(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
    }

    /// Returns the times of the batch that starts at a place; they rise with the places.
    pub fn times(self, place: u64) -> Times {
        let start = Utc.with_ymd_and_hms(2025, 10, 29, 0, 0, 0).single().expect("a time");
        let time = start + TimeDelta::milliseconds(i64::try_from(place).expect("a small place"));
        let time = Timestamp::new(time).expect("a year of four digits");
        Times { at: time, recorded_at: time }
    }

    /// Returns the rows that change with the batch.
    fn rows(self, after: u64) -> RowChanges {
        let mut random = Random::of(&[self.seed, after, 4]);
        let mut change = || {
            let key = format!("phase/{}", random.below(40));
            let value = (!random.chance(10)).then(|| vec![random.next() as u8; random.below(300) as usize]);
            (key, value)
        };
        let rows = BTreeMap::from_iter([change(), change()]).into_iter().collect();
        let replace = Random::of(&[self.seed, after, 5]).chance(1);
        RowChanges { fold_version: FOLD_VERSION, replace, rows }
    }

    /// Says how often the appender closes the ledger before the batch and opens it again, as commands do; those
    /// that only ask leave nothing behind.
    pub fn reopens(self, after: u64) -> u64 {
        let mut random = Random::of(&[self.seed, after, 6]);
        match random.chance(12) {
            true => 1 + random.below(3),
            false => 0,
        }
    }
}

/// What a ledger holds at the end of some batch.
#[derive(Debug, Clone)]
pub struct Boundary {
    /// The place before the batch; zero for the empty ledger.
    pub after: u64,
    /// The root over the lines up to the batch's end.
    pub root: Digest,
    /// The table's rows.
    pub rows: BTreeMap<String, Vec<u8>>,
}

/// What must be there: the script, played in memory.
#[derive(Debug)]
pub struct Oracle {
    /// What is played.
    pub script: Script,
    lines: Vec<String>,
    frontier: Frontier,
    boundaries: BTreeMap<u64, Boundary>,
}

impl Oracle {
    /// Makes the oracle of a script, played beyond a place: see [`Oracle::play_beyond`].
    pub fn new(script: Script, place: u64) -> Self {
        let frontier = Frontier::default();
        let empty = Boundary { after: 0, root: frontier.root(), rows: BTreeMap::new() };
        let boundaries = BTreeMap::from([(0, empty)]);
        let mut oracle = Oracle { script, lines: Vec::new(), frontier, boundaries };
        oracle.play_beyond(place);
        oracle
    }

    /// Plays on to the third boundary beyond a place: after an acknowledged batch there may be the one that
    /// was under way, then the one that the check appends, then the one that might have followed it.
    pub fn play_beyond(&mut self, place: u64) {
        while self.boundaries.range(place + 1..).count() < 3 {
            let after = self.lines.len() as u64;
            let batch = self.script.batch(after);
            for entry in batch.entries {
                self.frontier.push(entry.line.as_bytes());
                self.lines.push(entry.line);
            }
            let mut rows = self.boundaries[&after].rows.clone();
            if batch.rows.replace {
                rows.clear();
            }
            for (key, value) in batch.rows.rows {
                match value {
                    Some(value) => rows.insert(key, value),
                    None => rows.remove(&key),
                };
            }
            let boundary = Boundary { after, root: self.frontier.root(), rows };
            self.boundaries.insert(self.lines.len() as u64, boundary);
        }
    }

    /// Returns what a ledger holds that ends at a place; none where no batch ends.
    pub fn boundary(&self, place: u64) -> Option<&Boundary> {
        self.boundaries.get(&place)
    }

    /// Returns the end of the batch that follows a place.
    pub fn next_boundary(&self, place: u64) -> u64 {
        let mut later = self.boundaries.range(place + 1..);
        *later.next().expect("played beyond the place").0
    }

    /// Returns the lines after a place up to and including another.
    pub fn lines(&self, after: u64, through: u64) -> &[String] {
        &self.lines[after as usize..through as usize]
    }
}

/// Turns a number into a place of the log.
pub fn seq(place: u64) -> Seq {
    Seq::new(place)
}
