//! Exports and logs that do not end where they say, or are no text.

use std::io::{BufReader, Cursor, Error, Read, Seek, SeekFrom};

use phaseledger::ledger::{RestoreError, Restored, restore};
use phaseledger::model::Seq;
use phaseledger::store::Log as _;
use serde_json::json;

use super::log::Log;
use crate::play::Shared;

/// The checks that this file has forgeries for.
pub const CHECKS: &[&str] = &[
    "follow: it ends at {seq} with root {root}, expected {} with root {}",
    "checked: the root at event {} is {}, expected {}",
    "check: {events} events with root {root}, expected {} with root {}",
    "next_line: something after the line that ends an export",
    "end: the file ends without its last line, `{{\"schema\":\"{EXPORT_SCHEMA}\",…}}`",
    "next_line: the line is longer than {bytes_max} bytes",
    "next_line: byte {column}: {found}",
    "RestoreError: the export cannot be read",
    "RestoreError: the ledger's events are not those of the file: up to event {events} their root is {found}, \
        expected {expected}",
];

/// Takes an export in, which is refused: nothing is written.
fn refused(export: impl Into<Vec<u8>>) -> String {
    let shared = Shared::default();
    let answer = restore(&mut shared.ledger(), Cursor::new(export.into()), |_| {});
    assert_eq!(shared.lines(), Vec::<String>::new());
    answer.expect_err("a forgery").to_string()
}

#[test]
fn found_42_an_export_that_is_not_whole_is_refused() {
    let whole = Log::recorded().export();
    let (lines, end) = whole.trim_end().rsplit_once('\n').expect("an end");
    let lines = format!("{lines}\n");
    let events = lines.lines().count();
    let other_end = Log::recorded().add("note_added", "", json!({"text": "x"})).export();
    let root = |text: &str| text.split("sha256:").last().expect("a root")[..64].to_owned();
    let cases = [
        (format!("{lines}{}\n", end.replace("21", "20")), "21 events with root"),
        (format!("{lines}{}\n", end.replace(&root(end), &root(&other_end))), "21 events with root"),
        (format!("{whole}\n"), "line 23: something after the line that ends an export"),
        (format!("{whole}{end}\n"), "line 23: something after the line that ends an export"),
        (lines.clone(), "line 22: the file ends without its last line"),
        (String::new(), "line 1: the file ends without its last line"),
        (format!("{lines}{}\n", end.replace("export/1", "export/2")), "line 22: event 22 cannot be read"),
        (format!("{lines}{}\n", end.replace(":21", ": 21")), "line 22: event 22 cannot be read"),
        (format!("{lines}{}\n", end.replace("{", "{\"more\":1,")), "line 22: event 22 cannot be read"),
    ];
    assert_eq!(events, 21);
    for (forged, says) in cases {
        assert!(forged != whole && refused(forged.clone()).contains(says), "{says}: {}", refused(forged));
    }
    let mut bytes = whole.clone().into_bytes();
    bytes[2] = 0xff;
    assert!(refused(bytes).starts_with("line 1: byte 3: the byte 0xff is not UTF-8"));
    let long = format!("{{\"text\":\"{}\"}}\n{whole}", "x".repeat(64 << 20));
    assert_eq!(refused(long), "line 1: the line is longer than 67108864 bytes");
}

/// A file that fails in the middle of it.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(Error::other("the test says so")),
            bytes => Ok(bytes),
        }
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn found_42_an_export_that_cannot_be_read_is_no_shorter_one() {
    let shared = Shared::default();
    let file = BufReader::new(Failing(Cursor::new(Log::recorded().export().into_bytes())));
    let answer = restore(&mut shared.ledger(), file, |_| {});
    assert!(matches!(answer, Err(RestoreError::Read(_))), "{answer:?}");
    assert_eq!(answer.expect_err("a forgery").to_string(), "the export cannot be read");
    assert_eq!(shared.lines(), Vec::<String>::new());
}

/// A ledger takes an export of which it has the first events in, knows an older one of its own, and takes no other, be it as
/// long, longer or shorter.
#[test]
fn found_42_an_export_of_another_history_is_refused() {
    let known = Log::recorded();
    let more = |texts: &[&str]| {
        let mut log = Log::recorded();
        for text in texts {
            log.add("note_added", "", json!({"text": text}));
        }
        log
    };
    let takes = |ledger: &Log, export: &Log| {
        let shared = ledger.store();
        let before = shared.lines();
        let answer = restore(&mut shared.ledger(), Cursor::new(export.export()), |_| {});
        if answer.is_err() {
            assert_eq!(shared.lines(), before);
        }
        answer
    };
    let root = more(&["a"]).store().head().expect("memory").root;
    assert_eq!(takes(&known, &more(&["a"])).expect("it goes on"), Restored { events: 22, known: 21, root });
    // An older one is known.
    let older = takes(&more(&["a", "b"]), &known).expect("it is known");
    assert_eq!((older.events, older.known), (21, 21));
    for (ledger, export) in [
        (more(&["a"]), more(&["b"])),
        (more(&["a"]), more(&["b", "c"])),
        (more(&["a", "b"]), more(&["b"])),
        (more(&["a", "b"]), more(&["b", "a"])),
    ] {
        let answer = takes(&ledger, &export).expect_err("another history").to_string();
        assert!(answer.starts_with("the ledger's events are not those of the file: up to event"), "{answer}");
    }
}

/// Another line than the root was made of, which by itself is as good.
#[test]
fn found_42_a_line_that_the_root_is_not_of_is_told() {
    let shared = Log::recorded().store();
    let head = shared.head().expect("memory");
    let line = shared.lines()[19].replace("two", "too");
    assert_ne!(line, shared.lines()[19]);
    shared.read_instead(Some((19, line)));
    let verified = shared.ledger().verify(true, |_| {}).expect("memory").expect_err("a forgery").to_string();
    assert!(verified.starts_with("the log is not as it was written: it ends at 21 with root"), "{verified}");
    let folded = shared.ledger().table_at(head.seq).expect_err("a forgery").to_string();
    assert!(folded.starts_with("the ledger is damaged: the root at event 21 is"), "{folded}");
    // What is before the end has no root to be told by.
    shared.ledger().table_at(Seq::new(20)).expect("a table");
}
