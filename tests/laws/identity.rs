//! What makes two commands the same: random commands in random spellings, compared by which meanings were drawn.

use std::collections::BTreeSet;
use std::io::Cursor;

use phaseledger::ledger::{AnswerStatus, EXPORT_SCHEMA, ExportEnd, Ledger, LedgerError, restore};
use phaseledger::model::{
    Action, Actor, CallerId, Command, CommandId, Request, Seq, TimeContext, Timestamp, Zone, action,
    parse_workflow,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::make::time;
use crate::play::{Shared, cases};

/// A field, and what may be said in it: each meaning with its spellings, as JSON; an empty one leaves the field out.
type Field = (&'static str, &'static [&'static [&'static str]]);

const WHEN: Field = (
    "occurred_at",
    &[
        &["", "null", r#""now""#, r#""NOW""#],
        &[r#""10 minutes ago""#, r#""10  Minutes ago""#],
        &[r#""20 minutes ago""#],
        &[
            r#""2020-01-01T00:00:00Z""#,
            r#""2020-01-01T02:00:00+02:00""#,
            r#""2020-01-01 00:00""#,
            r#""@1577836800""#,
        ],
        &[r#""2020-01-01T00:00:00.000001Z""#],
    ],
);
const N: Field = ("metadata.n", &[&[""], &["1.50", "1.5", "15e-1"], &["1.51"], &[r#""1.5""#], &["null"]]);
const O: Field = (
    "metadata.o",
    &[
        &[""],
        &[r#"{"a":[1,2.0],"b":"é"}"#, r#"{ "b" : "\u00e9", "a" : [1e0, 2] }"#],
        &[r#"{"a":[2,1],"b":"é"}"#],
    ],
);
const REASON: Field = ("reason", &[&[r#""r""#, r#""\u0072""#], &[r#""R""#], &[r#""r ""#]]);
const AMOUNT: [&[&str]; 3] = [&[r#""1.10""#, "1.1", r#""11e-1""#, "0.11e1"], &["1.11"], &["0", r#""0.00""#]];
const DIGEST: &str = r#""sha256:abababababababababababababababababababababababababababababababab""#;
const FILES: &str =
    r#"[{"path":"x","digest":"sha256:abababababababababababababababababababababababababababababababab"}]"#;
const SAME_FILES: &str = r#"[{"digest":"sha256:abababababababababababababababababababababababababababababababab","path":"\u0078"}]"#;
const NO: &[&str] = &["", "false"];

/// Verbs, each with its fields. Every phase is named in both ways, and each verb is legal on both of its phases.
const VERBS: &[(&str, &[Field])] = &[
    (
        "note",
        &[
            WHEN,
            ("text", &[&[r#""x""#, r#""\u0078""#], &[r#""y""#]]),
            ("phase", &[&["", "null"], &[r#""a""#, r#""w/a""#]]),
        ],
    ),
    ("meta", &[WHEN, N, O, ("phase", &[&[r#""a""#, r#""w/a""#], &[r#""b""#, r#""w/b""#]])]),
    (
        "start",
        &[
            WHEN,
            N,
            O,
            ("phase", &[&[r#""a""#, r#""w/a""#], &[r#""b""#, r#""w/b""#]]),
            ("allow_unmet", &[NO, &["true"]]),
            ("inputs", &[&["", "[]"], &[FILES, SAME_FILES]]),
        ],
    ),
    (
        "start",
        &[N, REASON, ("rerun", &[&["true"]]), ("phase", &[&[r#""d""#, r#""w/d""#], &[r#""a""#, r#""w/a""#]])],
    ),
    (
        "start",
        &[
            REASON,
            ("over_limit", &[&["true"]]),
            ("phase", &[&[r#""a""#, r#""w/a""#], &[r#""b""#, r#""w/b""#]]),
        ],
    ),
    (
        "complete",
        &[
            WHEN,
            N,
            ("phase", &[&[r#""r""#, r#""w/r""#], &[r#""s""#, r#""w/s""#]]),
            ("output", &[&["", "null"], &[DIGEST]]),
            ("outputs", &[&["", "[]"], &[FILES, SAME_FILES]]),
        ],
    ),
    (
        "fail",
        &[
            WHEN,
            O,
            ("phase", &[&[r#""r""#, r#""w/r""#], &[r#""s""#, r#""w/s""#]]),
            ("error", &[&[r#""e""#], &[r#""E""#]]),
            ("exit_code", &[&["", "null"], &["1"], &["-1"]]),
            ("signal", &[&["", "null"], &[r#""SIGKILL""#]]),
            ("abandoned", &[NO, &["true"]]),
        ],
    ),
    ("skip", &[WHEN, N, REASON, ("phase", &[&[r#""a""#, r#""w/a""#], &[r#""b""#, r#""w/b""#]])]),
    ("rerun", &[WHEN, REASON, ("phase", &[&[r#""d""#, r#""w/d""#], &[r#""e""#, r#""w/e""#]])]),
    ("reset", &[WHEN, REASON, ("phase", &[&[r#""d""#, r#""w/d""#], &[r#""r""#, r#""w/r""#]])]),
    ("reset", &[WHEN, REASON, ("all", &[&["true"]]), ("workflow", &[&["", "null", r#""w""#]])]),
    (
        "cost",
        &[
            WHEN,
            N,
            ("phase", &[&[r#""a""#, r#""w/a""#], &[r#""d""#, r#""w/d""#]]),
            ("amount", &AMOUNT),
            ("currency", &[&["", "null", r#""USD""#]]),
            ("model", &[&["", "null"], &[r#""m""#]]),
            ("refund", &[NO]),
        ],
    ),
    (
        "cost_limit",
        &[WHEN, ("phase", &[&[r#""a""#, r#""w/a""#], &[r#""d""#, r#""w/d""#]]), ("limit", &AMOUNT)],
    ),
    ("cost_limit", &[("workflow", &[&[r#""w""#]]), ("limit", &AMOUNT)]),
    // The place of the head is that of what is there before.
    (
        "tag",
        &[WHEN, ("name", &[&[r#""t""#], &[r#""u""#]]), ("seq", &[&["", "null", "HEAD"], &["1"], &["2"]])],
    ),
    (
        "approval_request",
        &[
            WHEN,
            O,
            ("operation", &[&[r#""x""#], &[r#""y""#]]),
            ("estimate", &AMOUNT),
            ("items", &[&["1"], &["2"]]),
            ("workflow", &[&["", "null", r#""w""#]]),
            ("impact", &[&["", "null"], &[r#""i""#]]),
        ],
    ),
    (
        "approval_request",
        &[
            ("operation", &[&[r#""x""#]]),
            ("estimate", &AMOUNT),
            ("items", &[&["1"]]),
            ("phase", &[&[r#""a""#, r#""w/a""#], &[r#""d""#, r#""w/d""#]]),
        ],
    ),
];

/// A ledger in which every verb is legal: `a` and `b` have not run, `d` and `e` have, `r` and `s` are under way.
fn ledger() -> Shared {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    let phases: String =
        ["a", "b", "d", "e", "r", "s"].map(|id| format!("[[phase]]\nid = '{id}'\n")).concat();
    define(&mut ledger, 1, &format!("[workflow]\nname = 'w'\ncurrency = 'USD'\n{phases}"));
    for (number, (verb, phase)) in (2..).zip([
        ("start", "d"),
        ("complete", "d"),
        ("start", "e"),
        ("complete", "e"),
        ("start", "r"),
        ("start", "s"),
    ]) {
        let line = format!(r#"{{"do":"{verb}","phase":"{phase}","id":"key:{number}"}}"#);
        ledger.submit(&command(&line, at(number)), at(number)).expect("it is legal");
    }
    shared
}

fn define(ledger: &mut Ledger, number: i64, file: &str) {
    let definition = Box::new(parse_workflow(file, "w.toml", None).expect("a workflow"));
    let id: CallerId = format!("key:define {number}").parse().expect("a key");
    let define = Command::new(id, ana(), Action::Define(action::Define { definition }));
    ledger.submit(&define, at(number)).expect("it is legal");
}

fn ana() -> Actor {
    Actor::new("ana", "here", "test")
}

fn at(hours: i64) -> Timestamp {
    time(1_760_000_000_000_000 + hours * 3_600_000_000)
}

fn command(line: &str, now: Timestamp) -> Command {
    let request = Request::read(line, &TimeContext { now, zone: Zone::utc() }).expect(line);
    request.command(CommandId::new(uuid::Uuid::from_u128(1)), ana())
}

/// Writes a line: of each field the meaning that is drawn, in a spelling of its own, and the fields in any order.
fn line((verb, fields): &(&str, &[Field]), meant: &[usize], spelled: &[Index], head: u64) -> String {
    let (mut parts, mut metadata) =
        (vec![format!(r#""do":"{verb}""#), r#""id":"key:it""#.to_owned()], Vec::new());
    for ((name, meanings), (meant, spelled)) in fields.iter().zip(meant.iter().zip(spelled)) {
        let spelling = spelled.get(meanings[*meant]).replace("HEAD", &head.to_string());
        match (spelling.is_empty(), name.strip_prefix("metadata.")) {
            (true, _) => {}
            (false, Some(key)) => metadata.push(format!("\"{key}\":{spelling}")),
            (false, None) => parts.push(format!("\"{name}\":{spelling}")),
        }
    }
    let turn = spelled.last().map_or(0, |last| last.index(7));
    if metadata.len() > 1 {
        metadata.rotate_left(turn % 2);
    }
    if !metadata.is_empty() || *verb == "meta" {
        parts.push(format!("\"metadata\":{{{}}}", metadata.join(" , ")));
    }
    let count = parts.len();
    parts.rotate_left(turn % count);
    format!("{{{}}}", parts.join(","))
}

/// Draws a meaning of each field.
fn draw(fields: &[Field], indexes: &[Index]) -> Vec<usize> {
    fields.iter().zip(indexes).map(|((_, meanings), index)| index.index(meanings.len())).collect()
}

/// Returns another ledger that has been restored from an export of this one.
fn restored(shared: &Shared) -> Shared {
    let head = shared.ledger().head().expect("memory");
    let end = ExportEnd { schema: EXPORT_SCHEMA.to_owned(), events: head.seq.number(), root: head.root };
    let end = serde_json::to_string(&end).expect("an end");
    let text = format!("{}\n{end}\n", shared.lines().join("\n"));
    let other = Shared::default();
    restore(&mut other.ledger(), Cursor::new(text), |_| {}).expect("an export");
    other
}

fn indexes() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 8)
}

proptest! {
    #![proptest_config(cases(128))]

    /// Whatever is sent again in another spelling, at another moment, where its name means another phase too, is a duplicate,
    /// has the events that were recorded, and changes nothing; whatever means something else is a conflict that names exactly
    /// the fields that mean something else. So it is of what an export brought, too.
    #[test]
    fn the_same_is_a_duplicate_and_anything_else_is_named(
        which in any::<Index>(),
        (drawn, other) in (indexes(), indexes()),
        (first, second, third) in (indexes(), indexes(), indexes()),
        elsewhere in any::<bool>(),
    ) {
        let verb = which.get(VERBS);
        let shared = ledger();
        let head = shared.lines().len() as u64;
        let meant = draw(verb.1, &drawn);
        let sent = line(verb, &meant, &first, head);
        let recorded = shared.ledger().submit(&command(&sent, at(20)), at(20)).expect(&sent);
        prop_assume!(recorded.status == AnswerStatus::Appended);
        // Names that are alone are no longer so.
        let phases: String = ["a", "b", "d", "r"].map(|id| format!("[[phase]]\nid = '{id}'\n")).concat();
        define(&mut shared.ledger(), 21, &format!("[workflow]\nname = 'v'\n{phases}"));
        let shared = if elsewhere { restored(&shared) } else { shared };
        let before = (shared.lines(), shared.all_rows());
        let now = at(30);

        let retry = line(verb, &meant, &second, head);
        let answer = shared.ledger().submit(&command(&retry, now), now);
        let answer = answer.unwrap_or_else(|error| panic!("{sent}\n{retry}\n{error}"));
        prop_assert_eq!(answer.status, AnswerStatus::Duplicate);
        prop_assert_eq!((answer.seq, &answer.events), (recorded.seq, &recorded.events));

        let means = draw(verb.1, &other);
        let given = line(verb, &means, &third, head);
        let names = verb.1.iter().map(|(name, _)| *name);
        let differing = names.zip(meant.iter().zip(&means)).filter(|(_, (one, other))| one != other);
        let differing: BTreeSet<String> = differing.map(|(name, _)| name.to_owned()).collect();
        match shared.ledger().submit(&command(&given, now), now) {
            Ok(answer) => {
                prop_assert!(differing.is_empty(), "{} is the same as {}", given, sent);
                prop_assert_eq!(answer.status, AnswerStatus::Duplicate);
            }
            Err(LedgerError::IdConflict { seq, conflict, .. }) => {
                let named: BTreeSet<String> = conflict.fields.iter().map(|field| field.name()).collect();
                prop_assert_eq!((seq, named), (recorded.seq, differing), "{}\n{}", sent, given);
                for field in &conflict.fields {
                    prop_assert_ne!(&field.recorded, &field.given, "{}", field.name());
                }
            }
            Err(error) => panic!("{sent}\n{given}\n{error}"),
        }
        prop_assert_eq!((shared.lines(), shared.all_rows()), before);
        let verified = shared.ledger().verify(false, |_| {}).expect("memory");
        prop_assert_eq!(verified.err().map(|error| error.to_string()), None);
    }

    /// What a caller puts together in the library is what a line says.
    #[test]
    fn every_way_in_asks_for_the_same(which in any::<Index>(), drawn in indexes(), (first, second) in (indexes(), indexes())) {
        let verb = which.get(VERBS);
        let meant = draw(verb.1, &drawn);
        let sent = command(&line(verb, &meant, &first, 7), at(1));
        let built = Command {
            occurred_at: sent.occurred_at.clone(),
            ..Command::new("key:it".parse().expect("a key"), Actor::new("eve", "there", "library"), sent.action.clone())
        };
        prop_assert_eq!((built.id, &built.key, built.asked()), (sent.id, &sent.key, sent.asked()));
        let again = command(&line(verb, &meant, &second, 7), at(9));
        // Its name, and what it leaves out, are said as they were then.
        let (then, now) = (sent.asked(), again.asked());
        let (said, says) = (then.clone().resolved(&now), now.resolved(&then));
        let left_out = |name: &str| ["workflow", "currency", "seq"].contains(&name);
        let differ = said.differences(&says);
        prop_assert!(
            differ.iter().all(|field| field.field == "phase" || left_out(&field.field)),
            "{differ:?}"
        );
    }
}

/// The digest is what anyone can work out with a hash: it stays.
#[test]
fn the_digest_stays_what_it_is() {
    let line = r#"{"do":"cost","phase":"w/a","amount":1.10,"metadata":{"b":1.0,"a":"é"},"occurred_at":"1 hour ago"}"#;
    let asked = command(line, at(1)).asked();
    let object =
        r#"{"amount":"1.1","do":"cost","metadata":{"a":"é","b":1},"occurred_at":"1 hour ago","phase":"w/a"}"#;
    assert_eq!(asked.digest(), phaseledger::model::Digest::sha256(object.as_bytes()));
    let shared = ledger();
    shared
        .ledger()
        .submit(&command(&line.replace("1 hour", "2 hours"), at(20)), at(20))
        .expect("it is legal");
    let last = shared.json(Seq::new(shared.lines().len() as u64 - 1)).remove(0);
    assert!(last["command_digest"].as_str().is_some_and(|digest| digest.starts_with("v2:sha256:")), "{last}");
    assert_eq!(last["asked"], serde_json::json!({"occurred_at": "2 hours ago"}));
}
