//! The two axes of time: what a claim is raised to, and which cuts are prefixes; `cuts.rs` has those that are not.
//!
//! The oracle here reads the lines as JSON, every time from the first one on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use phaseledger::ledger::{Until, restore};
use phaseledger::model::{Places, Recorded, Seq, Span};
use phaseledger::rules::{Phase, PhaseState};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::generate::{Sent, plans};
use crate::make::time;
use crate::oracle::said_by;
use crate::play::{Shared, cases, play};

/// Claims that many commands took effect earlier, some by a little, some before all others.
pub fn claimed(sent: Vec<Sent>, salts: &[u8]) -> Vec<Sent> {
    let salts = salts.iter().cycle();
    let claim = |(mut sent, salt): (Sent, &u8)| {
        let back = [0, 1, 500_000, 3_000_000, 40_000_000, 90_000_000_000][usize::from(*salt) % 6];
        if salt % 3 == 0 {
            sent.command.occurred_at = Some(time(sent.now.micros() - back).into());
        }
        sent
    };
    sent.into_iter().zip(salts).map(claim).collect()
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

fn seq(line: &Value) -> u64 {
    line["seq"].as_u64().expect("a place")
}

fn subject(line: &Value) -> Option<String> {
    line.get("phase").map(|_| format!("{}/{}", text(line, "workflow"), text(line, "phase")))
}

fn names(line: &Value, list: &str) -> Vec<String> {
    let names = line["data"][list].as_array().into_iter().flatten();
    names.map(|name| format!("{}/{}", text(line, "workflow"), name.as_str().expect("a name"))).collect()
}

const JUDGED: [&str; 4] = ["rerun_marked", "rerun_cause_added", "rerun_deferred", "rerun_cleared"];
const MOVING: [&str; 6] =
    ["phase_started", "phase_completed", "phase_accepted", "phase_failed", "phase_skipped", "phase_reset"];

/// Returns the last line before an event that moved a phase: DESIGN section 3, "the phase's own last transition".
fn transition(before: &[Value], phase: &str) -> Option<u64> {
    let moves = |line: &&Value| {
        let own = !line["derived"].as_bool().expect("told")
            && (line["from"] != line["to"] || line["data"]["what"] == "skip");
        subject(line).as_deref() == Some(phase) && (MOVING.contains(&text(line, "kind")) || own)
    };
    before.iter().rev().find(moves).map(seq)
}

/// Returns the last definition that has a phase which the one before it had not, or had by another name.
fn brought_in(before: &[Value], phase: &str) -> Option<u64> {
    let brings = |line: &&Value| names(line, "added").iter().chain(&renamed(line)).any(|name| name == phase);
    before.iter().rev().find(brings).map(seq)
}

/// Returns the names that a definition exchanges.
fn renamed(line: &Value) -> Vec<String> {
    let both =
        |one: &Value| ["from", "to"].map(|end| format!("{}/{}", text(line, "workflow"), text(one, end)));
    line["data"]["renamed"].as_array().into_iter().flatten().flat_map(both).collect()
}

/// Returns lines as they would be, had every phase always been called what it is behind them.
fn as_named(lines: &[Value]) -> Vec<Value> {
    let mut named = Vec::new();
    lines.iter().for_each(|line| push_named(&mut named, line));
    named
}

/// Adds a line to such as they would be, had every phase always been called what it is behind them.
pub fn push_named(named: &mut Vec<Value>, line: &Value) {
    for pair in renamed(line).chunks(2) {
        let bare = |name: &str| name.split('/').nth(1).expect("a phase").to_owned();
        let (from, to) = (bare(&pair[0]), bare(&pair[1]));
        let swap = |name: &mut Value| match name.as_str() {
            Some(known) if known == from => *name = to.clone().into(),
            Some(known) if known == to => *name = from.clone().into(),
            _ => {}
        };
        for before in named.iter_mut().filter(|before| before["workflow"] == line["workflow"]) {
            before.get_mut("phase").into_iter().for_each(swap);
            let Some(data) = before.get_mut("data").filter(|data| data.get("definition").is_some()) else {
                continue;
            };
            let items = |list: &mut Value| list.as_array_mut().map(std::mem::take).unwrap_or_default();
            for list in ["added", "retired"] {
                let mut names = data.get_mut(list).map(items).unwrap_or_default();
                names.iter_mut().for_each(swap);
                data[list] = names.into();
            }
            for one in data.get_mut("renamed").and_then(Value::as_array_mut).into_iter().flatten() {
                ["from", "to"].into_iter().for_each(|end| swap(&mut one[end]));
            }
            let phases = data["definition"]["phases"].as_array_mut().into_iter().flatten();
            phases.for_each(|phase| swap(&mut phase["id"]));
        }
    }
    named.push(line.clone());
}

/// Returns what persons, or scans, said of a phase since it started, and did not take back.
fn said(before: &[Value], phase: &str, who: &str) -> BTreeSet<u64> {
    let mut said = BTreeSet::new();
    for line in before.iter().filter(|line| subject(line).as_deref() == Some(phase)) {
        let data = &line["data"];
        let marks = data["marks"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        match text(line, "kind") {
            "phase_started" => said.clear(),
            "rerun_withdrawn" if text(data, "withdrawn") == who => said.clear(),
            "reverted" if who == "manual" && data["again"] == true => said.extend(marks),
            "reverted" if who == "manual" => marks.for_each(|mark| {
                said.remove(&mark);
            }),
            kind if JUDGED.contains(&kind) && said_by(line) == Some(who) => {
                said.insert(seq(line));
            }
            _ => {}
        }
    }
    said
}

/// Returns the places that an event rests on.
fn rests(before: &[Value], line: &Value) -> BTreeSet<u64> {
    let (kind, derived) = (text(line, "kind"), line["derived"].as_bool().expect("told"));
    let mut on = BTreeSet::new();
    if derived && JUDGED.contains(&kind) {
        return on;
    }
    if matches!(kind, "workflow_defined" | "workflow_retired") {
        let is_one = |line: &&Value| matches!(text(line, "kind"), "workflow_defined" | "workflow_retired");
        let definitions = before.iter().filter(is_one);
        on.extend(definitions.max_by_key(|line| text(line, "at")).map(seq));
        let gone = names(line, "added").into_iter().chain(names(line, "retired")).chain(renamed(line));
        on.extend(gone.filter_map(|phase| transition(before, &phase)));
        return on;
    }
    let whole = |line: &&Value| text(line, "kind") == "workflow_defined";
    let Some(phase) = subject(line) else {
        let of = |first: &&Value| {
            text(first, "workflow") == text(line, "workflow") && line.get("workflow").is_some()
        };
        let own: Vec<_> = before.iter().filter(of).collect();
        let retired = own.iter().rposition(|line| text(line, "kind") == "workflow_retired");
        let mut since = own.iter().skip(retired.map_or(0, |at| at + 1)).copied();
        // A request may be decided though its workflow is not in force.
        let first = since.find(whole).or_else(|| own.iter().take(retired?).rev().copied().find(whole));
        on.extend(first.map(seq));
        on.extend(line["data"]["request_seq"].as_u64());
        on.extend(line["data"]["seq"].as_u64().filter(|_| kind == "reverted"));
        if line["data"]["from"].is_u64() || kind == "tag_removed" && !derived {
            let sets = |set: &&Value| {
                text(set, "kind") == "tag_set" && text(&set["data"], "name") == text(&line["data"], "name")
            };
            on.extend(before.iter().rev().find(sets).map(seq));
        }
        return on;
    };
    on.extend(brought_in(before, &phase));
    let causes = || line["causes"].as_array().into_iter().flatten().map(seq).collect::<Vec<_>>();
    match kind {
        "note_added"
        | "metadata_recorded"
        | "cost_limit_set"
        | "cost_warning_raised"
        | "cost_limit_exceeded"
        | "approval_requested" => {}
        "approval_granted" | "approval_rejected" => on.extend(causes()),
        "reverted" if !["mark", "skip"].contains(&text(&line["data"], "what")) => on.extend(causes()),
        "cost_recorded" => {
            let paid = |cost: &&Value| {
                let is_cost = text(cost, "kind") == kind && cost["data"]["refund"] != true;
                is_cost && subject(cost).as_deref() == Some(&phase)
            };
            if line["data"]["refund"] == true {
                on.extend(before.iter().filter(paid).max_by_key(|cost| text(cost, "at")).map(seq));
            }
        }
        _ => {
            on.extend(causes());
            on.extend(transition(before, &phase));
            let list = |of: &'_ Value| of.as_array().cloned().unwrap_or_default();
            let data = &line["data"];
            let through = list(&data["looked_through"]);
            let found = through.iter().flat_map(|through| list(&through["found"]));
            let built_on = list(&data["consumed"]).into_iter().chain(found).chain(list(&data["behind"]));
            let named = built_on.clone().chain(through.iter().map(|one| json!({"phase": one["need"]})));
            let named = named.filter_map(|one| one["phase"].as_str().map(str::to_owned));
            let names_it =
                |name: String| before.iter().rev().find(|line| renamed(line).contains(&name)).map(seq);
            on.extend(named.filter_map(names_it));
            on.extend(built_on.map(|one| seq(&one)));
            if kind == "rerun_withdrawn" {
                on.extend(said(before, &phase, text(data, "withdrawn")));
            }
        }
    }
    on
}

proptest! {
    #![proptest_config(cases(48))]

    /// Everything of a command takes effect at one instant: the latest of its claim and of what each event rests on.
    #[test]
    fn a_claim_is_raised_only_by_what_it_rests_on(plan in plans(25), salts in prop::collection::vec(any::<u8>(), 1..40)) {
        let shared = Shared::default();
        let sent = claimed(plan.sent(), &salts);
        let answers = play(&mut shared.ledger(), &sent);
        let lines = shared.json(Seq::ZERO);
        let (mut claims, mut raised) = (0, 0);
        for (sent, answer) in sent.iter().zip(answers) {
            let Some(first) = answer.ok().and_then(|answer| answer.events.first().cloned()) else { continue };
            let start = first.seq.number() as usize - 1;
            let batch: Vec<_> =
                (start..lines.len()).take_while(|at| lines[*at]["command_id"] == lines[start]["command_id"]).collect();
            let on = batch.iter().flat_map(|at| rests(&as_named(&lines[..*at]), &lines[*at]));
            let on = on.filter(|on| *on <= start as u64).map(|on| text(&lines[on as usize - 1], "at"));
            let claim = sent.command.claimed().map(|claim| claim.to_string());
            let own = claim.clone().or(lines[start]["clock"].as_str().map(str::to_owned));
            let own = own.unwrap_or_else(|| text(&lines[start], "recorded_at").to_owned());
            let expected = on.max().filter(|on| *on > own.as_str()).unwrap_or(&own);
            for at in &batch {
                assert_eq!(text(&lines[*at], "at"), expected, "{}", lines[*at]);
                let kept = claim.as_deref().filter(|claim| *claim != expected);
                assert_eq!(lines[*at]["occurred_at"].as_str(), kept);
            }
            claims += usize::from(claim.is_some());
            raised += usize::from(claim.is_some_and(|claim| claim != *expected));
        }
        println!("{raised} of {claims} claims were raised");
    }

    /// Without late events as of an instant is the prefix that it was.
    #[test]
    fn without_late_events_a_cut_is_a_prefix(plan in plans(15)) {
        let shared = Shared::default();
        let mut ledger = shared.ledger();
        let mut sent = plan.sent();
        let mut clock = 0;
        for sent in &mut sent {
            clock = sent.now.micros().max(clock);
            sent.now = time(clock);
            sent.command.occurred_at = None;
        }
        play(&mut ledger, &sent);
        let head = ledger.head().expect("memory").seq;
        let records: Vec<_> = ledger.records(Seq::ZERO, head).map(|record| record.expect("a line")).collect();
        for (at, record) in records.iter().enumerate() {
            let end = at + records[at..].iter().take_while(|next| next.at <= record.at).count();
            let places = ledger.took_effect(Until::Through(record.at), head).expect("memory");
            assert_eq!(places, Places::up_to(Seq::new(end as u64)));
            let table = ledger.table_at(Seq::new(end as u64)).expect("lines");
            assert_eq!(ledger.table_of_places(&places).expect("lines"), table);
        }
    }
}

/// What the first release wrote.
const EXPORT: &str = include_str!("../fixtures/commands-0.1.0/export.jsonl");

/// It is read, and is written again byte for byte.
#[test]
fn lines_of_the_first_form_stay_as_they_are() {
    let mut count = 0;
    for line in EXPORT.lines().filter(|line| line.starts_with("{\"v\":")) {
        let record = Recorded::from_line(line).expect("an event of the first release");
        assert_eq!((record.version, record.to_line().as_str()), (1, line));
        count += 1;
    }
    assert!(count > 100, "{count} lines");
    assert!(Places::default().hull() == Span { after: Seq::ZERO, through: Seq::ZERO });
}

/// Where a phase stood for the first release: what its own last event said, word for word.
#[derive(Debug, Clone, Default, PartialEq)]
struct Stood {
    state: String,
    attempt: u64,
    began: Option<String>,
    ended: Option<(String, Option<f64>)>,
    marks: usize,
}

impl Stood {
    fn tell(&mut self, line: &Value) {
        let kind = text(line, "kind");
        if let Some(to) = line["to"].as_str() {
            to.clone_into(&mut self.state);
        }
        match kind {
            "phase_started" => {
                let attempt = line["data"]["attempt"].as_u64().expect("a number");
                *self = Stood { attempt, began: Some(text(line, "at").to_owned()), ..self.clone() };
                (self.ended, self.marks) = (None, 0);
            }
            "phase_completed" | "phase_failed" => {
                self.ended = Some((text(line, "at").to_owned(), line["data"]["duration_seconds"].as_f64()));
                self.marks = 0;
            }
            "phase_skipped" | "phase_reset" => (self.began, self.ended, self.marks) = (None, None, 0),
            "rerun_marked" | "rerun_cause_added" | "rerun_deferred" => self.marks += 1,
            "rerun_cleared" => self.marks = 0,
            _ => {}
        }
    }

    fn of(phase: &Phase) -> Stood {
        let ended = match &phase.state {
            PhaseState::Complete { completion } | PhaseState::NeedsRerun { completion, .. } => {
                Some((completion.ended_at.to_string(), completion.duration_seconds))
            }
            PhaseState::Failed { failure } => Some((failure.ended_at.to_string(), failure.duration_seconds)),
            PhaseState::Pending { .. } | PhaseState::InProgress { .. } => None,
        };
        let began = phase.state.attempt().map(|attempt| attempt.started_at.to_string());
        let state = phase.state.name().as_str().to_owned();
        Stood { state, attempt: phase.attempt.into(), began, ended, marks: phase.state.marks().len() }
    }
}

/// At every place a ledger of the first release stands as it did; and none of its events took effect late, so every instant
/// is a place.
#[test]
fn a_ledger_of_the_first_release_answers_as_before_at_every_place() {
    let shared = Shared::default();
    let mut ledger = shared.ledger();
    restore(&mut ledger, Cursor::new(EXPORT), |_| {}).expect("an export");
    let (lines, head) = (shared.json(Seq::ZERO), ledger.head().expect("memory").seq);
    let mut stood: BTreeMap<String, Stood> = BTreeMap::new();
    for (line, place) in lines.iter().zip(1..) {
        // It let a phase that came back begin anew.
        for name in names(line, "added") {
            let phase = stood.entry(name).or_default();
            *phase = Stood { state: "PENDING".to_owned(), attempt: phase.attempt, ..Stood::default() };
        }
        if let Some(phase) = subject(line).and_then(|name| stood.get_mut(&name)) {
            phase.tell(line);
        }
        let table = ledger.table_at(Seq::new(place)).expect("lines");
        let found = table.phases.values().map(|phase| (phase.id.to_string(), Stood::of(phase)));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), stood, "at e{place}");
        let instant = text(line, "at").parse().expect("a time");
        let places = ledger.took_effect(Until::Through(instant), head).expect("memory");
        assert!(places.late().is_empty() && places.prefix() >= Seq::new(place), "{places:?} at e{place}");
    }
}
