//! Others write between any two calls: what is read is one table, and what is recorded is recorded once.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use phaseledger::ask::{self, AskError, Moment};
use phaseledger::ledger::{
    AnswerStatus, EXPORT_SCHEMA, ExportEnd, HistoryOptions, Ledger, LedgerError, RestoreError,
    import_history, restore,
};
use phaseledger::model::{Actor, Seq, When, WhenBase, parse_workflow};
use phaseledger::rules::Table;
use phaseledger::store::StoreError;

use crate::numbers::Numbers;
use crate::tapped::{Call, Other, Shared, Turn, chain, command, now, without_rows};

/// Opens a ledger in which somebody else records before every call, but for the first one to the head.
fn busy(shared: &Shared) -> Ledger {
    let mut other = Other::of(shared);
    shared.tapped(move |_| {
        other.write();
        Turn::Goes
    })
}

/// Opens a ledger in which somebody else records before so many appends.
fn contended(shared: &Shared, mut times: u32) -> (Ledger, Arc<AtomicU32>) {
    let mut other = Other::of(shared);
    let appends = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&appends);
    let ledger = shared.tapped(move |call| {
        if call == Call::Append {
            counted.fetch_add(1, Ordering::Relaxed);
            if times > 0 {
                times -= 1;
                other.write();
            }
        }
        Turn::Goes
    });
    (ledger, appends)
}

fn folded(shared: &Shared, seq: Seq) -> Table {
    shared.calm().table_at(seq).expect("memory")
}

#[test]
fn what_is_read_is_of_the_head_that_was_read() {
    let shared = chain();
    let ledger = busy(&shared);
    for round in 0..20 {
        shared.heads();
        let table = ledger.table().expect("a table");
        let read = &shared.heads()[0];
        assert!(table == folded(&shared, read.seq), "round {round}: at {}, {read:?}", table.head);
        let head = ledger.head().expect("a head");
        assert!(ledger.table_of(&head).expect("a table") == folded(&shared, head.seq), "round {round}");
        let small = ledger.small_table_of(&head).expect("tags");
        assert!(small.tags == folded(&shared, head.seq).tags, "round {round}");
        let approvals = ledger.approvals_of(&head, "").expect("approvals");
        assert!(approvals == folded(&shared, head.seq).approvals, "round {round}");
        let head = ledger.head().expect("a head");
        assert_eq!(ledger.root_at(head.seq).expect("a root"), head.root, "round {round}");
        assert!(ledger.table_at(head.seq).expect("a table") == folded(&shared, head.seq));
        assert_eq!(ledger.records(Seq::ZERO, head.seq).count() as u64, head.seq.number());
    }
    assert!(shared.lines().len() > 200, "somebody else was busy");
}

#[test]
fn what_is_answered_is_of_the_head_that_was_cut() {
    let shared = chain();
    let open = || Ok::<_, AskError>(busy(&shared));
    let question = ask::Status::default();
    for _ in 0..20 {
        let later = When { base: WhenBase::Time("2099-01-01T00:00:00Z".parse().expect("a time")), back: 0 };
        for moment in [Moment::HEAD, Moment::at(When::HEAD), Moment::known_at(later)] {
            let answered = ask::answer(open, &moment, &question).expect("it is opened");
            let table = answered.view.expect("an answer").table;
            assert!(*table == folded(&shared, answered.as_of.seq), "{moment:?}: {:?}", answered.as_of);
            assert!(answered.is_head, "{moment:?}: of its own head");
        }
    }
}

#[test]
fn rows_that_are_exchanged_while_they_are_read_are_not_mixed() {
    // Between two certain calls only, so that the rows before and after are read.
    for nth in 0..12 {
        let shared = chain();
        let mut other = Other::of(&shared);
        let mut call = 0;
        let ledger = shared.tapped(move |_| {
            call += 1;
            if call == nth + 1 {
                other.write();
            }
            Turn::Goes
        });
        let table = ledger.table().expect("a table");
        assert!(table == folded(&shared, shared.heads()[0].seq), "before call {nth}");
    }
}

#[test]
fn verify_never_takes_what_others_write_for_damage() {
    let shared = chain();
    let mut ledger = busy(&shared);
    for _ in 0..5 {
        let verified = ledger.verify(false, |_| {}).expect("memory").expect("nothing is damaged");
        assert!(verified.rows_match);
    }
    let busy = ledger.verify(true, |_| {}).expect_err("somebody is always first");
    assert!(matches!(busy, LedgerError::Busy { tries: 8 }), "{busy}");
    for times in 0..8 {
        let (mut ledger, appends) = contended(&shared, times);
        let verified = ledger.verify(true, |_| {}).expect("memory").expect("nothing is damaged");
        assert!(verified.rebuilt && verified.rows_match);
        assert_eq!(appends.load(Ordering::Relaxed), times + 1);
        let mut calm = shared.calm();
        let head = calm.head().expect("a head");
        assert!(head.fold_version.is_some(), "rows are there again");
        assert!(calm.verify(false, |_| {}).expect("memory").expect("nothing is damaged").rows_match);
    }
}

#[test]
fn a_command_is_staged_again_when_others_are_first() {
    for times in 0..8 {
        let shared = chain();
        let (mut ledger, appends) = contended(&shared, times);
        let answer = ledger
            .submit(&command("mine", r#"{"do":"start","phase":"d","rerun":true,"reason":"x"}"#), now(50));
        let answer = answer.unwrap_or_else(|error| panic!("others were first {times} times: {error}"));
        assert_eq!(answer.status, AnswerStatus::Appended);
        assert_eq!(appends.load(Ordering::Relaxed), times + 1);
        let record = shared.calm().event(answer.seq).expect("memory").expect("it is there");
        assert_eq!(record, answer.events[0]);
        assert!(shared.calm().verify(false, |_| {}).expect("memory").expect("no damage").rows_match);
    }
    let shared = chain();
    let (mut ledger, appends) = contended(&shared, 8);
    let before = shared.lines().len();
    let error =
        ledger.submit(&command("mine", r#"{"do":"note","text":"x"}"#), now(50)).expect_err("too often");
    assert!(matches!(error, LedgerError::Busy { tries: 8 }), "{error}");
    assert_eq!(appends.load(Ordering::Relaxed), 8);
    assert!(shared.lines()[before..].iter().all(|line| !line.contains("\"text\":\"x\"")));
}

#[test]
fn a_session_of_an_older_head_writes_nothing() {
    let shared = chain();
    let mut ledger = shared.calm();
    let mut session = ledger.session().expect("memory");
    session.stage(&command("one", r#"{"do":"note","text":"x"}"#), now(50)).expect("it is legal");
    Other::of(&shared).write();
    // What it has not loaded yet it reads as it was.
    let staged = session.stage(&command("two", r#"{"do":"start","phase":"c"}"#), now(50));
    assert_eq!(staged.expect("b is complete as yet").status, AnswerStatus::Appended);
    let before = shared.lines();
    let error = session.commit().expect_err("somebody else was first");
    assert!(matches!(error, LedgerError::Store(StoreError::Moved)), "{error}");
    assert_eq!(shared.lines(), before);
}

#[test]
fn a_preview_is_that_of_the_head_that_was_read() {
    let shared = chain();
    let mut ledger = busy(&shared);
    for (number, line) in [
        r#"{"do":"rerun","phase":"b","reason":"x"}"#,
        r#"{"do":"reset","phase":"a","reason":"x"}"#,
        r#"{"do":"cost","phase":"c","amount":"0.5"}"#,
        r#"{"do":"skip","phase":"c","reason":"x"}"#,
    ]
    .iter()
    .cycle()
    .take(24)
    .enumerate()
    {
        let command = command(&format!("mine {number}"), line);
        let found = ledger.preview(&command, now(50));
        let Ok(found) = found else { continue };
        let Some(first) = found.events.first() else { continue };
        let prefix = shared.lines()[..first.seq.number() as usize - 1].to_vec();
        let expected = Ledger::new(Box::new(without_rows(&prefix)))
            .preview(&command, now(50))
            .expect("it is legal there");
        assert_eq!(found, expected);
    }
}

/// In two batches: others are first before either of them.
#[test]
fn a_history_is_taken_in_once_whoever_is_first() {
    let line = |number: usize| {
        let event = ["start", "complete", "needs_rerun"][number % 3];
        format!("{{\"at\":\"2023-11-14T22:13:20Z\",\"phase\":\"e\",\"event\":\"{event}\"}}\n")
    };
    let history: String = (0..4200).map(line).collect();
    let definition =
        parse_workflow("[workflow]\nname = 'h'\n[[phase]]\nid = 'e'\n", "h.toml", None).expect("a workflow");
    let options = HistoryOptions {
        source: "history.jsonl".to_owned(),
        workflow: definition.name().clone(),
        define: Some(definition),
        repair: false,
        allow_unmet: false,
        before: None,
        zone: phaseledger::model::Zone::utc(),
        by: Actor::new("ana", "here", "test"),
    };
    let import =
        |ledger: &mut Ledger| import_history(ledger, || Ok(history.as_bytes()), &options, now(5000), |_| {});
    let calm = chain();
    let expected = import(&mut calm.calm()).expect("it is legal");
    for first in [&[1][..], &[2, 3]] {
        let shared = chain();
        let mut other = Other::of(&shared);
        let mut appends = 0;
        let mut ledger = shared.tapped(move |call| {
            appends += i32::from(call == Call::Append);
            if call == Call::Append && first.contains(&appends) {
                other.write();
            }
            Turn::Goes
        });
        let mut imported = import(&mut ledger).expect("it is legal");
        assert_eq!(imported.head, shared.calm().head().expect("memory").seq, "{first:?}");
        imported.head = expected.head;
        assert_eq!(imported, expected, "others were first at {first:?}");
        assert_eq!(shared.lines().len(), calm.lines().len() + others(&shared), "{first:?}");
        assert!(shared.calm().verify(false, |_| {}).expect("memory").expect("no damage").rows_match);
    }
}

/// Says how many events somebody else recorded: all that are not of the set-up or the history.
fn others(shared: &Shared) -> usize {
    let set_up = chain().lines();
    let lines = shared.lines();
    lines[set_up.len()..].iter().filter(|line| !line.contains("\"workflow\":\"h\"")).count()
}

#[test]
fn an_export_is_restored_once_whoever_is_first() {
    let lines = chain().lines();
    let head = chain().calm().head().expect("a head");
    let end = ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events: head.seq.number(), root: head.root };
    let end = serde_json::to_string(&end).expect("JSON");
    let file = lines.iter().chain([&end]).map(|line| format!("{line}\n")).collect::<String>();
    for is_same in [true, false] {
        let shared = Shared::default();
        let (mut other, text) = (shared.calm(), file.clone());
        let mut is_first = true;
        let mut ledger = shared.tapped(move |call| {
            if call == Call::Append && std::mem::take(&mut is_first) {
                match is_same {
                    true => drop(restore(&mut other, Cursor::new(&text), |_| {}).expect("it is empty")),
                    false => drop(
                        other.submit(&command("x", r#"{"do":"note","text":"x"}"#), now(0)).expect("a note"),
                    ),
                }
            }
            Turn::Goes
        });
        let restored = restore(&mut ledger, Cursor::new(&file), |_| {});
        match restored {
            Ok(restored) => assert!(is_same && restored.root == head.root && shared.lines() == lines),
            Err(RestoreError::Different { .. }) => assert!(!is_same && shared.lines().len() == 1),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Somebody else records now and then, before whichever call.
#[test]
fn whoever_sends_a_script_ends_where_nobody_else_was() {
    for seed in 0..60 {
        let shared = chain();
        let mut other = Other::of(&shared);
        let mut numbers = Numbers(seed);
        let mut left = 7;
        let mut ledger = shared.tapped(move |_| {
            if left > 0 && numbers.below(5) == 0 {
                left -= 1;
                other.write();
            }
            Turn::Goes
        });
        for number in 0..12 {
            let line = [
                r#"{"do":"note","text":"mine"}"#,
                r#"{"do":"meta","phase":"c","metadata":{"n":1}}"#,
                r#"{"do":"cost","phase":"d","amount":"1"}"#,
            ][number % 3];
            let command = command(&format!("mine {number}"), line);
            let answer =
                ledger.submit(&command, now(50)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let found = shared.calm().find(command.id).expect("memory");
            assert_eq!(found, Some(answer.seq), "seed {seed}");
            let again = ledger.submit(&command, now(50)).expect("a retry is never refused");
            assert_eq!((again.status, again.seq), (AnswerStatus::Duplicate, answer.seq), "seed {seed}");
        }
        let mut calm = shared.calm();
        let verified = calm.verify(false, |_| {}).expect("memory").expect("nothing is damaged");
        assert!(verified.rows_match, "seed {seed}");
        assert!(calm.table().expect("a table") == folded(&shared, verified.seq), "seed {seed}");
    }
}
