//! What is asked about a phase is answered from a few rows, as it would be from all of them.

use phaseledger::ask::{self, AskError, Moment, Question, Show, ShowPhase, Status, Why};
use phaseledger::ledger::Ledger;
use phaseledger::model::{
    Action, Actor, Command, CommandId, PhaseRef, Places, Request, Seq, Timestamp, When, WhenBase, action,
    parse_workflow,
};
use phaseledger::query::StatusFilter;
use phaseledger::rules::FOLD_VERSION;
use phaseledger::store::{Cache, Frontier, Log, Snapshot};
use proptest::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::generate::plans;
use crate::play::{Shared, cases, play};

/// Returns an answer as JSON, or why there is none.
fn answer<Q: Question<View: Serialize>>(shared: &Shared, question: &Q) -> String {
    let answered = ask::now(|| Ok::<_, AskError>(shared.ledger()), question);
    let told = answered.map(|view| serde_json::to_string(&view).expect("JSON"));
    told.unwrap_or_else(|error| format!("{error:?}"))
}

/// Returns an answer as of a place, with which events it is as of.
fn answer_at<Q: Question<View: Serialize>>(shared: &Shared, at: Seq, question: &Q) -> String {
    let moment = Moment::at(When { base: WhenBase::Seq(at), back: 0 });
    let answered = ask::answer(|| Ok::<_, AskError>(shared.ledger()), &moment, question);
    let answered = answered.expect("a place of the log").transpose();
    let told = answered.map(|answered| serde_json::to_string(&answered).expect("JSON"));
    told.unwrap_or_else(|error| format!("{error:?}"))
}

/// Returns the table of a store's head as a snapshot.
fn snapshot(shared: &Shared) -> Snapshot {
    let (head, mut frontier) = (shared.head().expect("memory"), Frontier::default());
    shared.lines().iter().for_each(|line| frontier.push(line.as_bytes()));
    Snapshot { seq: head.seq, frontier, fold_version: FOLD_VERSION, rows: shared.all_rows() }
}

/// Makes the command of a line.
fn command(line: &str) -> Command {
    let request: Request = line.parse().expect("a command");
    request.command(CommandId::new(Uuid::now_v7()), Actor::new("ana", "build-3", "library"))
}

/// Makes the command that puts a workflow in force.
fn define(text: &str) -> Command {
    let definition = Box::new(parse_workflow(text, "workflow.toml", None).expect("a workflow"));
    let action = Action::Define(action::Define { definition });
    Command { action, ..command(r#"{"do":"note","text":"stands for the definition"}"#) }
}

/// Returns the time so many seconds after the first command.
fn now(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_735_689_600 + seconds) * 1_000_000).expect("a time")
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_few_rows_tell_of_a_phase_what_all_of_them_do(plan in plans(7)) {
        let shared = Shared::default();
        play(&mut shared.ledger(), &plan.sent());
        let mut folded = shared.fork();
        folded.forget_cache().expect("memory");
        let table = Ledger::new(Box::new(folded.clone())).table().expect("memory");
        let names = table.phases.keys().map(|id| PhaseRef::from(id.clone()));
        let bare = table.phases.keys().map(|id| PhaseRef { workflow: None, phase: id.phase.clone() });
        for name in names.chain(bare) {
            let show = |otherwise, last| Show::Phase(ShowPhase { name: name.clone(), otherwise, last });
            let filter = StatusFilter { phases: vec![name.clone()], ..StatusFilter::default() };
            let status = Status { filter };
            let why = Why { phase: name.clone() };
            prop_assert_eq!(answer(&shared, &why), answer(&folded, &why));
            prop_assert_eq!(answer(&shared, &status), answer(&folded, &status));
            for last in [None, Some(1)] {
                prop_assert_eq!(answer(&shared, &show(None, last)), answer(&folded, &show(None, last)));
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn a_few_rows_tell_of_a_phase_in_the_past_what_all_of_them_do(plan in plans(7), cut in any::<[prop::sample::Index; 3]>()) {
        let shared = Shared::default();
        let mut snapshots = Vec::new();
        for sent in plan.sent() {
            play(&mut shared.ledger(), &[sent]);
            snapshots.push(snapshot(&shared));
        }
        let mut folded = shared.fork();
        folded.forget_cache().expect("memory");
        let [kept, asked, other] = cut.map(|cut| cut.index(snapshots.len()));
        let mut partial = folded.fork();
        partial.keep_snapshot(&snapshots[kept]).expect("memory");
        for at in [asked, other, kept, snapshots.len() - 1].map(|at| snapshots[at].seq) {
            let table = folded.ledger().table_at(at).expect("memory");
            let names = table.phases.keys().map(|id| PhaseRef::from(id.clone()));
            let bare = table.phases.keys().map(|id| PhaseRef { workflow: None, phase: id.phase.clone() });
            for name in names.chain(bare) {
                let show = Show::Phase(ShowPhase { name: name.clone(), otherwise: None, last: None });
                let filter = StatusFilter { phases: vec![name.clone()], ..StatusFilter::default() };
                let (status, why) = (Status { filter }, Why { phase: name.clone() });
                prop_assert_eq!(answer_at(&partial, at, &why), answer_at(&folded, at, &why));
                prop_assert_eq!(answer_at(&partial, at, &status), answer_at(&folded, at, &status));
                prop_assert_eq!(answer_at(&partial, at, &show), answer_at(&folded, at, &show));
                // All that is told of a phase is there, but for whether anything was built on what is behind it; of who
                // needs it where that stands.
                let found = partial.ledger().table_above_at(&Places::up_to(at), std::slice::from_ref(&name));
                let Some(found) = found.expect("memory") else { continue };
                let asked = table.phases.keys().filter(|id| name.means(id));
                let below: Vec<_> = asked.flat_map(|id| table.dependants_of(id)).collect();
                let found_all: Vec<_> = found.phases.keys().cloned().collect();
                for (id, phase) in found.phases {
                    let whole = &table.phases[&id];
                    prop_assert_eq!(phase.state.name(), whole.state.name());
                    let looked_through = whole.looked_through;
                    let is_same = phaseledger::rules::Phase { looked_through, ..phase } == *whole;
                    prop_assert!(is_same || below.contains(&&id), "{id} as of {at}");
                }
                prop_assert!(below.iter().all(|id| found_all.contains(*id)));
            }
        }
    }
}

#[test]
fn of_the_past_no_more_is_read_than_what_is_above_a_phase() {
    let mut shared = Shared::default();
    let mut ledger = shared.ledger();
    let workflow = "[workflow]\nname = \"w\"\ncurrency = \"USD\"\n[[phase]]\nid = \"a\"\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n[[phase]]\nid = \"c\"\n";
    ledger.submit(&define(workflow), now(0)).expect("a definition");
    let kept = snapshot(&shared);
    shared.keep_snapshot(&kept).expect("memory");
    for (at, line) in [
        r#"{"do":"start","phase":"a"}"#,
        r#"{"do":"start","phase":"c"}"#,
        r#"{"do":"cost","phase":"c","amount":"2","operation":"x"}"#,
        r#"{"do":"complete","phase":"a"}"#,
        r#"{"do":"start","phase":"b"}"#,
    ]
    .into_iter()
    .enumerate()
    {
        ledger.submit(&command(line), now(at as i64 + 1)).expect("a legal command");
    }
    let places = Places::up_to(shared.head().expect("memory").seq);
    let name: PhaseRef = "w/b".parse().expect("a name");
    let found = shared.ledger().table_above_at(&places, std::slice::from_ref(&name)).expect("memory");
    let (found, whole) = (found.expect("a part"), shared.ledger().table().expect("memory"));
    let names: Vec<_> = found.phases.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["w/a", "w/b"]);
    assert_eq!(found.workflows, whole.workflows, "what others spend counts");
    ledger.submit(&define(&workflow.replace("\"c\"", "\"d\"")), now(9)).expect("a definition");
    let places = Places::up_to(shared.head().expect("memory").seq);
    let found = shared.ledger().table_above_at(&places, &[name]).expect("memory");
    assert_eq!(found, None, "a definition may reach any phase");
}
