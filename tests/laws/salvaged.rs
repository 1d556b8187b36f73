//! What was salvaged with holes becomes a ledger: legal, the same each time, with every event that was read, and with the
//! phases where the events behind the holes have them stand.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use phaseledger::ledger::{
    RestoreError, SALVAGED_SCHEMA, SalvagedEnd, SalvagedOptions, Stretch, Taken, import_salvaged, restore,
};
use phaseledger::model::{
    Action, Actor, CommandId, PhaseId, Recorded, Request, Seq, StateName, Timestamp, action, parse_workflow,
};
use phaseledger::store::Frontier;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::generate::plans;
use crate::make::{command, time};
use crate::play::{Shared, cases, play};

/// Makes the file that `salvage` would write where these events are missing.
fn file_of(lines: &[String], missing: &[Stretch]) -> Vec<u8> {
    let is_there =
        |seq: u64| missing.iter().all(|hole| seq < hole.first.number() || hole.last.number() < seq);
    let (mut bytes, mut frontier) = (Vec::new(), Frontier::default());
    for (_, line) in (1..).zip(lines).filter(|(seq, _)| is_there(*seq)) {
        frontier.push(line.as_bytes());
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    let (schema, events) = (SALVAGED_SCHEMA.to_owned(), frontier.leaves());
    let end = SalvagedEnd {
        schema,
        events,
        missing: missing.to_vec(),
        differing: Vec::new(),
        root: frontier.root(),
    };
    bytes.extend(serde_json::to_vec(&end).expect("an end"));
    bytes.push(b'\n');
    bytes
}

/// Cuts holes, none beside another.
fn holes(cuts: &[(Index, u64)], events: u64) -> Vec<Stretch> {
    let mut holes: Vec<Stretch> = Vec::new();
    let mut cuts: Vec<_> =
        cuts.iter().map(|(at, length)| (at.index(events as usize) as u64 + 1, *length)).collect();
    cuts.sort_unstable();
    for (first, length) in cuts {
        let last = (first + length - 1).min(events);
        if holes.last().is_none_or(|hole| hole.last.number() + 1 < first) {
            holes.push(Stretch { first: Seq::new(first), last: Seq::new(last) });
        }
    }
    holes
}

fn take(file: &[u8]) -> Result<(Vec<u8>, Taken), RestoreError> {
    let by = Actor::new("ana", "laptop", "import");
    let options = SalvagedOptions { source: "salvaged.jsonl".to_owned(), define: None, by };
    let now: Timestamp = "2031-01-01T00:00:00Z".parse().expect("a time");
    import_salvaged(Cursor::new(file), &options, now, |_| {})
}

fn stands(shared: &Shared) -> BTreeMap<PhaseId, StateName> {
    let table = shared.ledger().table().expect("memory");
    table.phases.iter().map(|(id, phase)| (id.clone(), phase.state.name())).collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn what_was_salvaged_becomes_a_ledger(
        plan in plans(40),
        cuts in prop::collection::vec((any::<Index>(), 1..9u64), 1..4),
    ) {
        let old = Shared::default();
        play(&mut old.ledger(), &plan.sent());
        let lines = old.lines();
        let missing = holes(&cuts, lines.len() as u64);
        let file = file_of(&lines, &missing);
        // It is no export.
        let refused = restore(&mut Shared::default().ledger(), Cursor::new(&file), |_| {});
        assert!(matches!(refused, Err(RestoreError::Hole { .. })), "{refused:?}");

        let (export, taken) = take(&file).expect("it is taken in");
        assert_eq!(take(&file).expect("again").0, export, "the same each time");
        let new = Shared::default();
        restore(&mut new.ledger(), Cursor::new(&export), |_| {}).expect("an export");
        let verified = new.ledger().verify(false, |_| {}).expect("memory").expect("legal");
        assert!(verified.rows_match);

        let kept = missing[0].first.number() as usize - 1;
        assert_eq!(taken.kept, kept as u64);
        assert_eq!(&new.lines()[..kept], &lines[..kept], "what is before the holes is as it was");
        let new_lines = new.json(Seq::ZERO);
        let gaps: Vec<_> = new_lines.iter().filter_map(|line| line["data"].get("gap")).collect();
        let named: Vec<_> = missing.iter().map(|hole| serde_json::to_value(hole).expect("JSON")).collect();
        assert!(gaps.into_iter().eq(&named), "every hole is named, in its place");

        // Every command that was read is there under its id, or is kept as a note.
        let there: BTreeSet<String> = new_lines.iter().map(|line| line["id"].to_string()).collect();
        let is_there = |seq: u64| missing.iter().all(|hole| seq < hole.first.number() || hole.last.number() < seq);
        let read = old.json(Seq::ZERO);
        let read: Vec<_> = read.iter().filter(|line| is_there(line["seq"].as_u64().expect("a place"))).collect();
        let asked = read.iter().filter(|line| line.get("command_digest").is_some());
        let absent = asked.clone().filter(|line| !there.contains(&line["id"].to_string())).count() as u64;
        let notes = taken.inferred.get("kept_as_note").copied().unwrap_or(0);
        assert!(absent <= notes, "{absent} commands are gone, {notes} kept as notes: {taken:?}");
        for line in asked.filter(|line| there.contains(&line["id"].to_string())) {
            let same = new_lines.iter().find(|same| same["id"] == line["id"]).expect("it is there");
            for field in ["command_digest", "by"] {
                assert_eq!(same[field], line[field], "{field} of {line}");
            }
            // A mark is one more mark where what is missing would have kept the phase from being stale.
            let kind = |line: &Value| line["kind"].as_str().map(|kind| kind.replace("cause_added", "marked"));
            // A start of what was complete is a plain one, with its reason, where the phase is stale already.
            let is_plain = kind(line).as_deref() == Some("rerun_marked")
                && kind(same).as_deref() == Some("phase_started")
                && same["data"]["reason"] == line["data"]["reason"];
            assert!(is_plain || kind(same) == kind(line), "{same} was {line}");
            // What was known of its files still is.
            for files in ["inputs", "output", "outputs", "unreadable", "unreadable_more"] {
                let was = line["data"].get(files);
                assert!(is_plain || same["data"].get(files) == was, "{files} of {same} were {was:?}");
            }
            // What is inferred takes place in front of it, a microsecond each; and what it rests on here, and did not there,
            // may be claimed for a minute later than it was recorded.
            let at = |line: &Value| line["at"].as_str().expect("a time").parse::<Timestamp>().expect("a time").micros();
            // What claims an earlier time than it was recorded at is raised to what is in front of it.
            if line["at"] != line["recorded_at"] {
                continue;
            }
            let later = at(same) - at(line);
            assert!((0..=60_000_000 + new_lines.len() as i64).contains(&later), "{later} µs later: {line}");
        }

        // The phases stand where the last event behind the holes that moved them has them, but for those that are counted.
        let (mut moved, now) = (BTreeMap::new(), stands(&new));
        for line in &lines[kept.max(missing[0].last.number() as usize)..] {
            let record = Recorded::from_line(line).expect("a line");
            // What the new log calls otherwise from here on.
            let same = new_lines.iter().find(|same| same["id"] == record.id.to_string());
            for one in same.and_then(|same| same["data"]["renamed"].as_array()).into_iter().flatten() {
                let id = |end: &str| -> PhaseId {
                    let workflow = record.subject.workflow().expect("a definition is of one");
                    format!("{workflow}/{}", one[end].as_str().expect("a name")).try_into().expect("a full name")
                };
                if let Some(to) = moved.remove(&id("from")) {
                    moved.entry(id("to")).or_insert(to);
                }
            }
            if let (true, Some((_, to)), Some(phase)) =
                (is_there(record.seq.number()), record.transition, record.subject.phase())
            {
                moved.insert(phase.clone(), to);
            }
        }
        let differ = moved.iter().filter(|(phase, to)| now.get(*phase) != Some(to)).count() as u64;
        let counted = taken.inferred.get("state_differs").copied().unwrap_or(0);
        assert!(differ <= counted, "{differ} phases stand elsewhere: {taken:?}");
    }
}

/// What takes a mark back is the last event in front of a hole that has the clearing: what is read behind it is taken in all
/// the same, and what was written of it is an export.
#[test]
fn found_31_a_hole_behind_what_was_taken_back_makes_an_export_all_the_same() {
    let old = Shared::default();
    let mut ledger = old.ledger();
    let file = "[workflow]\nname = 'w'\n[[phase]]\nid = 'a'\n";
    let definition = Box::new(parse_workflow(file, "w.toml", None).expect("a workflow"));
    let lines = [
        r#"{"do":"start","phase":"a"}"#,
        r#"{"do":"complete","phase":"a"}"#,
        r#"{"do":"rerun","phase":"a","reason":"one"}"#,
        r#"{"do":"rerun","phase":"a","reason":"a slip","withdraw":true}"#,
        r#"{"do":"rerun","phase":"a","reason":"two"}"#,
    ];
    let lines = lines.map(|line| line.parse::<Request>().expect("a request").action);
    let actions = std::iter::once(Action::Define(action::Define { definition })).chain(lines);
    for (number, action) in (1..).zip(actions) {
        let id = CommandId::new(uuid::Uuid::from_u128(number));
        ledger.submit(&command(id, action), time(number as i64)).expect("it is legal");
    }
    let hole = Stretch { first: Seq::new(6), last: Seq::new(6) };
    let (export, _) = take(&file_of(&old.lines(), &[hole])).expect("it is taken in");
    let restored = restore(&mut Shared::default().ledger(), Cursor::new(&export), |_| {});
    assert!(restored.is_ok(), "{restored:?}");
}
