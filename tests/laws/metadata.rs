//! The bound of a phase's metadata, which grows over several commands: each verb that merges some refuses what is too
//! much, and nothing is recorded. Events that took it over the bound could not be followed, and that would be damage.

use phaseledger::ledger::{Answer, AnswerStatus, Ledger, LedgerError};
use phaseledger::model::{
    Action, CommandId, Definition, METADATA_BYTES_MAX, Metadata, PhaseName, PhaseRef, Request, WorkflowName,
    action,
};
use uuid::Uuid;

use phaseledger::rules::Rejection;

use crate::make::{command, phase, time};
use crate::play::Shared;

const PHASES: [&str; 2] = ["pending", "running"];

/// The verbs that merge metadata into what is there, and the phase that each is legal for.
const VERBS: [&str; 5] = [
    r#"{"do":"meta","phase":"pending","metadata":METADATA}"#,
    r#"{"do":"meta","phase":"running","metadata":METADATA}"#,
    r#"{"do":"skip","phase":"pending","reason":"no","metadata":METADATA}"#,
    r#"{"do":"complete","phase":"running","metadata":METADATA}"#,
    r#"{"do":"fail","phase":"running","error":"no","metadata":METADATA}"#,
];

/// Bytes that are there already.
const KNOWN: usize = 200_000;

/// Returns a JSON object that counts as so many bytes: its key, its text, and the six that stand around them.
fn json(key: &str, bytes: usize) -> String {
    format!("{{\"{key}\":\"{}\"}}", "x".repeat(bytes - key.len() - 6))
}

fn action(line: &str, metadata: &str) -> Action {
    line.replace("METADATA", metadata).parse::<Request>().expect("a request").action
}

fn id(number: u128) -> CommandId {
    CommandId::new(Uuid::from_u128(number))
}

/// A ledger whose two phases have metadata, not far from the bound.
fn filled() -> (Shared, Ledger) {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let define = |name: &str| phase(PhaseName::new(name).expect("a name"), Vec::new(), 1);
    let name = WorkflowName::new("w").expect("a name");
    let definition = Definition::new(name, PHASES.map(define).into()).expect("no cycle");
    let lines = [
        Action::Define(action::Define { definition: Box::new(definition) }),
        action(r#"{"do":"meta","phase":"pending","metadata":METADATA}"#, &json("known", KNOWN)),
        action(r#"{"do":"start","phase":"running","metadata":METADATA}"#, &json("known", KNOWN)),
    ];
    for (number, action) in (1..).zip(lines) {
        ledger.submit(&command(id(number), action), time(number as i64)).expect("it is legal");
    }
    (shared, ledger)
}

/// Returns how large the metadata was that was refused.
fn refused(answer: Result<Answer, LedgerError>) -> usize {
    match answer.map(|answer| answer.status) {
        Err(LedgerError::Rejected(Rejection::MetadataTooLarge { bytes, .. })) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn found_40_every_verb_keeps_to_the_bound_of_metadata() {
    for verb in VERBS {
        let (shared, mut ledger) = filled();
        let before = (shared.lines(), shared.all_rows());
        let left = METADATA_BYTES_MAX - KNOWN;
        let over = command(id(10), action(verb, &json("more", left + 1)));
        assert_eq!(refused(ledger.preview(&over, time(10))), METADATA_BYTES_MAX + 1, "{verb}");
        assert_eq!(refused(ledger.submit(&over, time(10))), METADATA_BYTES_MAX + 1, "{verb}");
        assert_eq!((shared.lines(), shared.all_rows()), before, "{verb}: a refusal recorded something");
        // It is taken where it takes the place of what is there, or fits beside it.
        for metadata in [json("known", KNOWN + 1), json("more", left)] {
            let fits = ledger.preview(&command(id(11), action(verb, &metadata)), time(11)).expect("it fits");
            assert_eq!(fits.status, AnswerStatus::Preview, "{verb}");
        }
        let exact = command(id(12), action(verb, &json("more", left)));
        ledger.submit(&exact, time(12)).expect("it is at the bound");
        whole(&ledger, &shared);
        // Not a byte more, by whoever comes next.
        let phase = if verb.contains("pending") { "pending" } else { "running" };
        let line = format!(r#"{{"do":"meta","phase":"{phase}","metadata":METADATA}}"#);
        let last = command(id(13), action(&line, r#"{"a":1}"#));
        assert_eq!(refused(ledger.submit(&last, time(13))), METADATA_BYTES_MAX + 6, "{verb}");
        whole(&ledger, &shared);
    }
}

/// In a batch, what is staged counts; what was refused does not.
#[test]
fn found_40_what_is_staged_counts_towards_the_bound() {
    for verb in VERBS {
        let (shared, mut ledger) = filled();
        let mut session = ledger.session().expect("memory");
        let phase = if verb.contains("pending") { "pending" } else { "running" };
        let meta = format!(r#"{{"do":"meta","phase":"{phase}","metadata":METADATA}}"#);
        let left = METADATA_BYTES_MAX - KNOWN;
        let staged = action(&meta, &json("half", 30_000));
        session.stage(&command(id(20), staged), time(20)).expect("it fits");
        let over = command(id(21), action(verb, &json("more", left - 30_000 + 1)));
        assert_eq!(refused(session.stage(&over, time(21))), METADATA_BYTES_MAX + 1, "{verb}");
        let exact = command(id(22), action(verb, &json("more", left - 30_000)));
        session.stage(&exact, time(22)).expect("it is at the bound");
        session.commit().expect("memory");
        whole(&ledger, &shared);
    }
}

/// A start begins anew with metadata.
#[test]
fn found_40_a_start_takes_no_heed_of_what_is_there() {
    let (shared, mut ledger) = filled();
    let start =
        action(r#"{"do":"start","phase":"pending","metadata":METADATA}"#, &json("other", METADATA_BYTES_MAX));
    ledger.submit(&command(id(30), start), time(30)).expect("it is at the bound");
    let table = ledger.table().expect("rows");
    let name: PhaseRef = "pending".parse().expect("a name");
    let metadata: &Metadata = &table.resolve(&name).expect("a phase").metadata;
    assert_eq!(metadata.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["other"]);
    whole(&ledger, &shared);
}

/// Checks that every line can be followed, and leads to the rows.
fn whole(ledger: &Ledger, shared: &Shared) {
    let head = ledger.head().expect("memory").seq;
    assert!(ledger.table_at(head).expect("it can be followed") == ledger.table().expect("rows"));
    assert!(shared.ledger().verify(false, |_| {}).expect("memory").expect("whole").rows_match);
}
