//! Bytes that nobody wrote, read as an export: what a fuzzer calls, and what replays its corpus.

use std::io::Cursor;

use phaseledger::ledger::{EXPORT_SCHEMA, ExportEnd, Ledger, restore};
use phaseledger::model::{Digest, Seq};
use phaseledger::store::{Frontier, MemoryStore};

/// Takes bytes in as they are, and again with the last line that their lines should have. Panics where the reader does, or
/// where what was taken in is not what comes out, byte for byte. Returns how often they were accepted.
pub fn check(bytes: &[u8]) -> usize {
    let mended = std::str::from_utf8(bytes).ok().map(mend);
    let accepted = mended.iter().filter(|text| is_accepted(text.as_bytes())).count();
    accepted + usize::from(is_accepted(bytes))
}

/// Ends lines with what says how many they are and what they add up to.
fn mend(text: &str) -> String {
    let mut frontier = Frontier::default();
    let mut mended = String::new();
    for line in text.lines().filter(|line| !line.starts_with("{\"schema\"")) {
        frontier.push(line.as_bytes());
        mended += line;
        mended.push('\n');
    }
    mended + &end(frontier.leaves(), frontier.root())
}

fn end(events: u64, root: Digest) -> String {
    let end = ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events, root };
    serde_json::to_string(&end).expect("an end has string keys and no floats") + "\n"
}

fn is_accepted(bytes: &[u8]) -> bool {
    let mut ledger = Ledger::new(Box::new(MemoryStore::new()));
    let Ok(restored) = restore(&mut ledger, Cursor::new(bytes), |_| {}) else {
        assert_eq!(ledger.head().expect("memory").seq, Seq::ZERO, "what is refused writes nothing");
        return false;
    };
    let exported = export(&ledger);
    // The last line end may be missing.
    assert!(
        exported.strip_suffix(b"\n") == Some(bytes.strip_suffix(b"\n").unwrap_or(bytes)),
        "byte for byte"
    );
    let verified = ledger.verify(false, |_| {}).expect("memory").expect("what was taken in is whole");
    assert!(verified.rows_match && verified.seq.number() == restored.events);
    let again = restore(&mut ledger, Cursor::new(&exported), |_| {}).expect("it is known");
    assert_eq!((again.events, again.known, again.root), (restored.events, restored.events, restored.root));
    true
}

fn export(ledger: &Ledger) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    for line in ledger.lines(Seq::ZERO, usize::MAX).expect("memory") {
        text.extend(line.as_bytes());
        text.push(b'\n');
    }
    let head = ledger.head().expect("memory");
    text.extend(end(head.seq.number(), head.root).as_bytes());
    text
}
