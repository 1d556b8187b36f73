//! The log outside its store: exported, restored, damaged, verified.

use std::io::Cursor;

use phaseledger::ledger::{EXPORT_SCHEMA, ExportEnd, Ledger, RestoreError, restore};
use phaseledger::model::{Recorded, Seq};
use phaseledger::store::{Batch, Cache, Entry, Log, Times};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::generate::plans;
use crate::play::{Shared, cases, play, submit};

proptest! {
    #![proptest_config(cases(48))]

    /// An export restores to the same bytes, onto nothing and onto any of its own prefixes; what is recorded
    /// after it is the same too.
    #[test]
    fn a_restored_ledger_is_the_same_ledger(plan in plans(25), cut in any::<Index>(), more in any::<Index>()) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let sent = plan.sent();
        let (first, rest) = sent.split_at(more.index(sent.len()));
        play(&mut ledger, first);
        let export = export(&ledger);
        let restored = Shared::default();
        let known = cut.index(first.len() + 1);
        play(&mut restored.ledger(), &first[..known]);
        let known = restored.lines().len() as u64;
        let answer = restore(&mut restored.ledger(), Cursor::new(&export), |_| {}).expect("an export");
        let head = ledger.head().expect("memory");
        assert_eq!((answer.events, answer.known, answer.root), (head.seq.number(), known, head.root));
        assert_eq!(restored.lines(), shared.lines());
        assert_eq!(&self::export(&restored.ledger()), &export);
        assert_eq!(restored.ledger().table().expect("rows"), ledger.table().expect("rows"));
        let verified = restored.ledger().verify(false, |_| {}).expect("memory").expect("whole");
        assert!(verified.rows_match);
        for sent in rest {
            let (here, there) = (submit(&mut ledger, sent), submit(&mut restored.ledger(), sent));
            assert_eq!(format!("{here:?}"), format!("{there:?}"));
        }
        assert_eq!(restored.lines(), shared.lines());
    }

    /// An export of which any one byte was changed, taken away or put in is refused, and nothing is written.
    #[test]
    fn a_damaged_export_is_refused(
        plan in plans(3),
        damage in prop::collection::vec((any::<Index>(), 1..=255u8, 0..4u8), 60),
    ) {
        let shared = Shared::default();
        play(&mut shared.ledger(), &plan.sent());
        let export = export(&shared.ledger());
        let known = Shared::default();
        play(&mut known.ledger(), &plan.sent()[..3]);
        let rows = known.all_rows();
        for (place, change, how) in damage {
            let mut bytes = export.clone();
            // Half of the damage is to the last line, which no root covers.
            let last = bytes.len() - place.index(160.min(bytes.len())) - 1;
            let place = if how < 2 { place.index(bytes.len()) } else { last };
            match how % 2 {
                0 if change % 8 == 0 => drop(bytes.remove(place)),
                0 if change % 8 == 1 => bytes.insert(place, b' '),
                0 if change % 8 == 2 => bytes[place] ^= 0x20,
                _ => bytes[place] ^= change,
            }
            if bytes == export || bytes == export[..export.len() - 1] {
                continue;
            }
            let answer = restore(&mut known.ledger(), Cursor::new(&bytes), |_| {});
            assert!(answer.is_err(), "byte {} of {} was changed: {:?}", place, export.len(),
                String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(200)..]));
            assert_eq!(&known.lines()[..], &shared.lines()[..known.lines().len()]);
            assert_eq!(known.all_rows(), rows.clone());
        }
    }

    /// An export that lacks lines, or has them in another order, is refused; so is another ledger's.
    #[test]
    fn an_export_of_something_else_is_refused(plan in plans(10), a in any::<Index>(), b in any::<Index>()) {
        let shared = Shared::default();
        play(&mut shared.ledger(), &plan.sent());
        let export = String::from_utf8(export(&shared.ledger())).expect("text");
        let lines: Vec<&str> = export.lines().collect();
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        let mut swapped = lines.clone();
        swapped.swap(a, b);
        let without: Vec<_> = lines.iter().enumerate().filter(|(at, _)| *at != a).map(|(_, line)| *line).collect();
        let mut twice = lines.clone();
        twice.insert(a, lines[b]);
        let restored = Shared::default();
        for damaged in [swapped, without, twice, lines[..a].to_vec()] {
            if damaged != lines {
                let text = damaged.join("\n") + "\n";
                assert!(restore(&mut restored.ledger(), Cursor::new(text), |_| {}).is_err());
                assert_eq!(restored.lines(), Vec::<String>::new());
            }
        }
        let other = Shared::default();
        crate::scale::note(&mut other.ledger(), 1);
        let refused = restore(&mut other.ledger(), Cursor::new(&export), |_| {});
        assert!(matches!(refused, Err(RestoreError::Different { .. })), "{:?}", refused);
        assert_eq!(other.lines().len(), 1);
    }

    /// A log verifies, rows and all; a line of it that is not as it was written is found, and so are rows that
    /// are not what the lines tell.
    #[test]
    fn a_damaged_log_is_found(
        plan in plans(15),
        damage in prop::collection::vec((any::<Index>(), any::<Index>(), 1..=127u8), 10),
    ) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        play(&mut ledger, &plan.sent());
        let verified = ledger.verify(false, |_| {}).expect("memory").expect("whole");
        assert!(verified.rows_match && !verified.rebuilt);
        assert_eq!(verified.seq, ledger.head().expect("memory").seq);
        let lines = shared.lines();
        let ids: std::collections::BTreeSet<_> =
            shared.json(Seq::ZERO).iter().map(|line| line["command_id"].to_string()).collect();
        assert_eq!(verified.commands, ids.len() as u64);
        for (line, place, change) in damage {
            let index = line.index(lines.len());
            let mut bytes = lines[index].clone().into_bytes();
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            let Ok(damaged) = String::from_utf8(bytes) else { continue };
            shared.read_instead(Some((index, damaged)));
            assert!(ledger.verify(false, |_| {}).expect("memory").is_err());
        }
        shared.read_instead(None);
        let rows = shared.all_rows();
        shared.store().forget_cache().expect("memory");
        assert!(ledger.verify(true, |_| {}).expect("memory").expect("whole").rebuilt);
        assert_eq!(shared.all_rows(), rows);
    }
}

/// Writes the export of a ledger.
pub fn export(ledger: &Ledger) -> Vec<u8> {
    let head = ledger.head().expect("memory");
    let lines = ledger.lines(Seq::ZERO, usize::MAX).expect("memory");
    let schema = EXPORT_SCHEMA.to_owned();
    let end = ExportEnd { schema, events: head.seq.number(), root: head.root };
    let end = serde_json::to_string(&end).expect("an end");
    lines.into_iter().chain([end]).flat_map(|line| (line + "\n").into_bytes()).collect()
}

/// A log whose root was computed over a false line does not verify when the line contradicts another.
#[test]
fn a_false_root_of_causes_is_found() {
    let shared = Shared::default();
    crate::scale::run_chain(&mut shared.ledger(), 2);
    for tampered in [false, true] {
        let mut forged = Shared::default();
        let mut batch = Batch::default();
        for line in shared.lines() {
            let mut record = Recorded::from_line(&line).expect("a line");
            if tampered && !record.causes.is_empty() {
                record.correlation_id = record.id;
            }
            let times = Times { at: record.at, recorded_at: record.recorded_at };
            batch.entries.push(Entry { command_id: record.command_id, times, line: record.to_line() });
        }
        forged.append(&Shared::default().head().expect("memory"), &batch).expect("memory");
        let verified = forged.ledger().verify(false, |_| {}).expect("memory");
        assert_eq!(verified.is_err(), tampered, "{verified:?}");
    }
}
