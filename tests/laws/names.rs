//! Names: what a new one may not look like, and that one name is one however it is typed.

use std::collections::BTreeSet;

use phaseledger::ask;
use phaseledger::ledger::{AnswerStatus, Ledger, LedgerError};
use phaseledger::model::{Action, action};
use phaseledger::model::{
    Actor, ApprovalPolicy, Likeness, Named, PhaseName, PhaseRef, PolicyTerms, Range, Request, Seq, TagName,
    TimeContext, When, WhenBase, WorkflowName, parse_workflow,
};
use phaseledger::rules::Rejection;
use phaseledger::store::{Batch, Entry, Log as _, Times};
use proptest::prelude::*;
use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use crate::make::{command, time};
use crate::play::{Shared, cases};

/// Names of phases, composed; each is another text when its characters are taken apart.
const COMPOSED: [&str; 4] = ["\u{e9}t\u{e9}", "\u{c5}ngstr\u{f6}m", "\u{d55c}\u{ad6d}", "a\u{301}\u{323}b"];

fn context() -> TimeContext {
    TimeContext { now: "2026-02-28T23:59:59Z".parse().expect("a time"), zone: "UTC".parse().expect("a zone") }
}

/// A ledger to which commands are sent, one after the other.
struct Sent {
    shared: Shared,
    ledger: Ledger,
    count: u128,
}

impl Sent {
    fn to(shared: Shared) -> Self {
        Sent { ledger: shared.ledger(), count: shared.lines().len() as u128, shared }
    }

    fn send(&mut self, action: Action) -> Result<AnswerStatus, LedgerError> {
        self.count += 1;
        let id =
            format!("key:{}", self.count).parse::<phaseledger::model::CallerId>().expect("a key").command();
        let answer = self.ledger.submit(&command(id, action), time(self.count as i64));
        answer.map(|answer| answer.status)
    }

    fn line(&mut self, line: &serde_json::Value) -> Result<AnswerStatus, LedgerError> {
        self.send(line.to_string().parse::<Request>().expect("a line").action)
    }

    fn define(&mut self, workflow: &str, phases: &[String]) -> Result<AnswerStatus, LedgerError> {
        let phases: String = phases.iter().map(|phase| format!("[[phase]]\nid = '{phase}'\n")).collect();
        let file = format!("[workflow]\nname = '{workflow}'\n{phases}");
        let definition = Box::new(parse_workflow(&file, "w.toml", None).expect("a workflow"));
        self.send(Action::Define(action::Define { definition }))
    }
}

/// Text that has what the grammar has, and what it has not.
fn any_name() -> impl Strategy<Value = String> {
    let words = [
        "e",
        "#",
        "5",
        "12",
        "07",
        "head",
        "HEAD",
        "~",
        "~1",
        "..",
        ".",
        "-",
        "--",
        "\"",
        "\\",
        "id:",
        "key:",
        "tag:",
        "seq:",
        "@",
        " ",
        "ago",
        "hours",
        "yesterday",
        "2025-01-01",
        "14:00",
        "1h",
        "monday",
        "last",
        "now",
        "list",
        "delete",
        "a",
        "rel",
        "é",
        "Z",
        "+02",
        "_",
        "0842784281275832",
    ];
    let made =
        prop::collection::vec(prop::sample::select(words.to_vec()), 1..5).prop_map(|parts| parts.concat());
    prop_oneof![3 => made, 1 => "\\PC{1,12}", 1 => r##"[ae5~."#: -]{1,6}"##]
}

/// Says by the rules of the page alone, and not by the grammar, whether `tag:NAME` would be taken apart.
fn is_taken_apart(name: &str) -> bool {
    name.contains('~') || name.contains("..") || name.starts_with('"') || name.ends_with('.')
}

/// Someone of few names, users and machines, so that they often meet.
fn any_actor() -> impl Strategy<Value = Actor> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    (
        word(&["ana", "bob", "ci", " ana ", "agent"]),
        word(&["ana", "ci", "uid:7", ""]),
        word(&["here", "there"]),
    )
        .prop_map(|(name, user, host)| {
            let actor = Actor::new(name, host, "test");
            if user.is_empty() { actor } else { actor.of_user(user) }
        })
}

/// All that someone may be called by whoever is on the same machine: two who share one of these are one.
fn called(actor: &Actor) -> BTreeSet<String> {
    let name = actor.name.trim().to_owned();
    actor.user.clone().into_iter().chain([name]).collect()
}

proptest! {
    #![proptest_config(cases(512))]

    /// Whoever may not grant is one of two who share a name, on one machine also that of the user; two who share nothing but
    /// a user, and are called otherwise, are two, unless the definition says that users differ.
    #[test]
    fn found_25_who_is_the_same_is_told_by_name_and_by_user(
        one in any_actor(), other in any_actor(), own in any::<bool>(), distinct in any::<bool>(),
    ) {
        let terms = PolicyTerms { self_approval: Some(own), distinct_users: Some(distinct), ..PolicyTerms::default() };
        let policy = ApprovalPolicy::new(terms).expect("in order");
        let shared: BTreeSet<String> = called(&one).intersection(&called(&other)).cloned().collect();
        let name = |actor: &Actor| actor.name.trim().to_owned();
        let by_name = name(&one) == name(&other);
        let is_of_either = shared.contains(&name(&one)) || shared.contains(&name(&other));
        let by_user = one.host == other.host && (is_of_either || distinct && !shared.is_empty());
        prop_assert_eq!(policy.keeps_from(&one, &other), !own && (by_name || by_user), "{} {}", one, other);
        prop_assert_eq!(policy.keeps_from(&one, &other), policy.keeps_from(&other, &one), "whoever asked first");
    }

    /// A tag that is set is found by `tag:NAME`, alone, counted from, and at both ends of a range; one that would not be is
    /// refused, and the name that is said instead does.
    #[test]
    fn found_32_a_new_tag_is_found_by_its_name(given in any_name()) {
        let Ok(name) = TagName::new(&given) else { return Ok(()) };
        let mut sent = Sent::to(Shared::default());
        sent.line(&json!({"do": "note", "text": "one"})).expect("a note");
        sent.line(&json!({"do": "note", "text": "two"})).expect("a note");
        let tag = |name: &str| json!({"do": "tag", "name": name, "seq": 2});
        match sent.line(&tag(&given)) {
            Ok(status) => {
                prop_assert_eq!(status, AnswerStatus::Appended);
                prop_assert!(!is_taken_apart(&given), "{given:?} would not be found");
                for (text, seq) in [(format!("tag:{given}"), 2), (format!("tag:{given}~1"), 1)] {
                    let when = When::parse(&text, &context()).expect("a place");
                    prop_assert_eq!(ask::held(&mut sent.ledger, &ask::Place { when }).expect("it is there"), Seq::new(seq));
                }
                let range = Range::parse(&format!("tag:{given}..tag:{given}"), &context()).expect("a range");
                let is_it = |when: &When| matches!(&when.base, WhenBase::Tag(tag) if *tag == name);
                prop_assert!(range.after.as_ref().is_some_and(is_it) && range.through.as_ref().is_some_and(is_it));
            }
            Err(LedgerError::Rejected(Rejection::UnfitName { of: Named::Tag, looks, .. })) => {
                prop_assert!(looks != Likeness::Unfindable || is_taken_apart(&given), "{given:?}");
                let instead = Named::Tag.instead(&given);
                prop_assert_eq!(sent.line(&tag(&instead)).expect("what is said instead does"), AnswerStatus::Appended);
            }
            Err(other) => panic!("{given:?}: {other}"),
        }
    }

    /// What the grammar of selectors takes is no new name, of anything; and what is said instead is one.
    #[test]
    fn found_32_what_a_selector_may_be_is_no_new_name(given in any_name()) {
        let is_selector = When::parse(&given, &context()).is_ok() || Range::parse(&given, &context()).is_ok();
        let is_long = given.trim_start_matches(['e', 'E']).len() > 12
            && given.trim_start_matches(['e', 'E']).bytes().all(|byte| byte.is_ascii_digit());
        for of in [Named::Workflow, Named::Phase, Named::Tag] {
            let looks = of.likeness(&given);
            let is_long = is_long || of == Named::Workflow && given == "monday";
            prop_assert!(!is_selector || is_long || looks.is_some(), "{given:?}");
            prop_assert!(!given.starts_with('-') || looks == Some(Likeness::Option), "{given:?}");
            let instead = of.instead(&given);
            prop_assert!(of.likeness(&instead).is_none() && PhaseName::new(&instead).is_ok(), "{instead:?}");
        }
    }

    /// The same commands, each name typed in any way, come to the same lines as in one way: but for what was claimed, which
    /// is kept as it was sent.
    #[test]
    fn found_32_one_name_is_one_however_it_is_typed(
        steps in prop::collection::vec((0_usize..4, 0_usize..6, any::<bool>()), 1..24),
        spelled in prop::collection::vec(any::<bool>(), 32),
    ) {
        let apart = |name: &str| name.nfd().collect::<String>();
        let (mut one, mut other) = (Sent::to(Shared::default()), Sent::to(Shared::default()));
        let names: Vec<String> = COMPOSED.iter().map(|name| name.nfc().collect()).collect();
        one.define("w\u{e9}", &names).expect("legal");
        let typed = |at: usize, name: &str| if spelled[at % spelled.len()] { apart(name) } else { name.to_owned() };
        let phases: Vec<String> = names.iter().enumerate().map(|(at, name)| typed(at, name)).collect();
        other.define(&typed(7, "w\u{e9}"), &phases).expect("legal");
        for (at, (phase, what, bare)) in steps.into_iter().enumerate() {
            let line = |name: &str, workflow: &str| {
                let phase = if bare { name.to_owned() } else { format!("{workflow}/{name}") };
                match what {
                    0 => json!({"do": "start", "phase": phase, "allow_unmet": true}),
                    1 => json!({"do": "complete", "phase": phase}),
                    2 => json!({"do": "rerun", "phase": phase, "reason": "r"}),
                    3 => json!({"do": "reset", "phase": phase, "reason": "r"}),
                    4 => json!({"do": "tag", "name": name, "seq": at % 3, "force": bare}),
                    _ => json!({"do": "untag", "name": name}),
                }
            };
            let answers = [
                one.line(&line(&names[phase], "w\u{e9}")).ok(),
                other.line(&line(&typed(at, &names[phase]), &typed(at + 1, "w\u{e9}"))).ok(),
            ];
            prop_assert_eq!(answers[0], answers[1]);
        }
        prop_assert_eq!(without_digests(&one.shared), without_digests(&other.shared));
        prop_assert_eq!(one.ledger.table().expect("rows"), other.ledger.table().expect("rows"));
    }
}

/// The lines, but for the digests of what was sent.
fn without_digests(shared: &Shared) -> Vec<serde_json::Value> {
    let mut lines = shared.json(Seq::ZERO);
    for line in &mut lines {
        line.as_object_mut().expect("an event").remove("command_digest");
    }
    lines
}

/// Makes a ledger of the lines of another one, with one text for another wherever it stands: as no edition would write it
/// that has the rules about names.
fn rewritten(shared: &Shared, from: &str, to: &str) -> Shared {
    let times = Times { at: time(0), recorded_at: time(0) };
    let entry = |line: String| {
        let id = serde_json::from_str::<serde_json::Value>(&line).expect("JSON")["command_id"].clone();
        Entry { command_id: serde_json::from_value(id).expect("an id"), times, line: line.replace(from, to) }
    };
    let batch = Batch { entries: shared.lines().into_iter().map(entry).collect(), ..Batch::default() };
    let mut store = Shared::default();
    let head = store.head().expect("memory");
    store.append(&head, &batch).expect("memory");
    store
}

/// What is in a log keeps its name, and is found by it however it is typed: also where the rows tell of part of the table.
#[test]
fn found_32_a_name_of_an_old_log_is_found_however_it_is_typed() {
    let (apart, composed) = ("e\u{301}te\u{301}", "\u{e9}t\u{e9}");
    let mut sent = Sent::to(Shared::default());
    sent.define("w", &["XX".to_owned(), "b".to_owned()]).expect("legal");
    sent.line(&json!({"do": "start", "phase": "XX"})).expect("legal");
    sent.line(&json!({"do": "tag", "name": "XX", "seq": 1})).expect("legal");
    let mut old = Sent::to(rewritten(&sent.shared, "XX", apart));
    // The rows are written by the first command, which needs all of it.
    old.line(&json!({"do": "complete", "phase": composed})).expect("it is found");
    old.line(&json!({"do": "rerun", "phase": format!("w/{composed}"), "reason": "r"})).expect("it is found");
    old.line(&json!({"do": "start", "phase": apart})).expect("it is found");
    let table = old.ledger.table().expect("rows");
    let phases: Vec<_> = table.phases.keys().map(ToString::to_string).collect();
    assert_eq!(phases, ["w/b".to_owned(), format!("w/{apart}")], "it keeps its name");
    let name = |text: &str| text.parse::<PhaseRef>().expect("a name");
    for typed in [apart, composed] {
        let standing = ask::Standing { phase: name(typed), unless: None };
        let phase = ask::held(&mut old.ledger, &standing).expect("found").expect("not recorded yet");
        assert_eq!(phase.attempt, 2);
        let when = When::parse(&format!("tag:{typed}"), &context()).expect("a place");
        assert_eq!(ask::held(&mut old.ledger, &ask::Place { when }).expect("found"), Seq::new(1));
    }
    // The definition says the same in either way, and a tag moves and goes by either.
    let same = old.define("w", &[composed.to_owned(), "b".to_owned()]).expect("legal");
    assert_eq!(same, AnswerStatus::Unchanged);
    old.line(&json!({"do": "tag", "name": composed, "seq": 2, "force": true})).expect("it moves");
    assert_eq!(old.ledger.table().expect("rows").tags.len(), 1, "it is one tag");
    old.line(&json!({"do": "untag", "name": composed})).expect("it goes");
    assert!(old.ledger.table().expect("rows").tags.is_empty());
}

/// What looks like something else and is in a log may stay: it can be defined again, used, moved and taken away.
#[test]
fn found_32_a_name_of_an_old_log_may_look_like_anything() {
    let mut sent = Sent::to(Shared::default());
    sent.define("XX", &["XX".to_owned(), "b".to_owned()]).expect("legal");
    sent.line(&json!({"do": "tag", "name": "XX", "seq": 1})).expect("legal");
    for unfit in ["e5", "head", "2025-01-01", "list", "rel~1", "-x", "a..b"] {
        let mut old = Sent::to(rewritten(&sent.shared, "XX", unfit));
        let phases = |more: &str| [unfit, "b", more].map(str::to_owned);
        old.define(unfit, &phases("c")).expect("what is there may be defined again");
        old.line(&json!({"do": "start", "phase": unfit})).expect("and used");
        let refused = old.define(unfit, &phases("e7")).expect_err("a new one may not");
        assert!(
            matches!(&refused, LedgerError::Rejected(Rejection::UnfitName { name, .. }) if name == "e7"),
            "{refused}"
        );
        old.line(&json!({"do": "tag", "name": unfit, "seq": 2, "force": true})).expect("moved");
        old.line(&json!({"do": "untag", "name": unfit})).expect("taken away");
        let gone = old.line(&json!({"do": "tag", "name": unfit, "seq": 1})).expect_err("it is a new one now");
        assert!(matches!(gone, LedgerError::Rejected(Rejection::UnfitName { .. })), "{gone}");
    }
}

/// A bare name that several workflows have is that of the preferred one, and no other answer changes by it.
#[test]
fn found_29_a_preferred_workflow_settles_what_is_open_and_nothing_else() {
    let mut sent = Sent::to(Shared::default());
    sent.define("w", &["both".to_owned(), "own".to_owned()]).expect("legal");
    sent.define("v", &["both".to_owned(), "other".to_owned()]).expect("legal");
    let resolved = |ledger: &Ledger, name: &str| {
        let table = ledger.table().expect("rows");
        let phase = table.resolve(&name.parse().expect("a name")).map(|phase| phase.id.to_string());
        phase.map_err(|refused| refused.to_string())
    };
    let with = |name: Option<&str>| {
        sent.shared.ledger().preferring(name.map(|name| WorkflowName::new(name).expect("a name")))
    };
    assert!(resolved(&with(None), "both").is_err());
    for preferred in ["w", "v"] {
        let ledger = with(Some(preferred));
        assert_eq!(resolved(&ledger, "both"), Ok(format!("{preferred}/both")));
        assert_eq!(resolved(&ledger, "own"), Ok("w/own".to_owned()), "a name of one alone is that");
        assert_eq!(resolved(&ledger, "other"), Ok("v/other".to_owned()));
        assert_eq!(resolved(&ledger, "w/both"), Ok("w/both".to_owned()), "a full name is of more weight");
    }
    let unknown = with(Some("nowhere"));
    assert_eq!(resolved(&unknown, "own"), Ok("w/own".to_owned()), "it is not needed");
    let refused = resolved(&unknown, "both").expect_err("it is needed");
    assert!(
        refused.contains("`v/both`, `w/both`") && refused.contains("`nowhere`, is none of them"),
        "{refused}"
    );
    // What is recorded goes there too, and a whole workflow is that one.
    let mut ledger = with(Some("v"));
    let start = r#"{"do":"start","phase":"both"}"#.parse::<Request>().expect("a line").action;
    let id = "key:start".parse::<phaseledger::model::CallerId>().expect("a key").command();
    let answer = ledger.submit(&command(id, start), time(9)).expect("legal");
    assert_eq!(answer.events[0].subject.phase().expect("a phase").to_string(), "v/both");
    let reset = r#"{"do":"reset","all":true,"reason":"r"}"#.parse::<Request>().expect("a line").action;
    let id = "key:reset".parse::<phaseledger::model::CallerId>().expect("a key").command();
    let answer = ledger.submit(&command(id, reset), time(10)).expect("legal");
    assert!(answer.events.iter().all(|record| record.subject.workflow().expect("one").as_str() == "v"));
}
