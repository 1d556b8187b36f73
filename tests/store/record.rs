//! The one loop that records: what it takes from outside, and how often.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use phaseledger::ledger::{AnswerStatus, How, Ledger, LedgerError, Recorder, Recording, Unrecorded};
use phaseledger::model::{
    Action, Command, Declared, Digest, Event, FileRole, FoundFiles, OutputFile, Timestamp, Unreadable,
    UnreadableFile, action, parse_workflow,
};
use phaseledger::store::StoreError;

use crate::tapped::{Call, Other, Shared, Turn, chain, command, now};

/// Records on a ledger, and counts what it is asked for.
struct Mine<'a> {
    ledger: &'a Mutex<Ledger>,
    /// What is found of declared files.
    files: &'a mut dyn FnMut(&Declared) -> FoundFiles,
    opened: u32,
    opens_max: u32,
    read: Vec<Declared>,
    waits: Vec<u32>,
}

impl Mine<'_> {
    fn check_free(&self) {
        assert!(self.ledger.try_lock().is_ok(), "nothing is held meanwhile");
    }
}

impl<'a> Recorder for Mine<'a> {
    type Held = MutexGuard<'a, Ledger>;
    type Error = LedgerError;

    fn open(&mut self) -> Result<Self::Held, LedgerError> {
        if self.opened == self.opens_max {
            return Err(StoreError::Missing { path: "gone".to_owned() }.into());
        }
        self.opened += 1;
        Ok(self.ledger.try_lock().expect("it was let go of"))
    }

    fn now(&mut self) -> Result<Timestamp, LedgerError> {
        Ok(now(60 + u64::from(self.opened)))
    }

    fn fingerprint(&mut self, declared: &Declared) -> FoundFiles {
        self.check_free();
        self.read.push(declared.clone());
        (self.files)(declared)
    }

    fn wait(&mut self, tries: u32) {
        self.check_free();
        self.waits.push(tries);
    }
}

/// What a recorder was asked for.
struct Asked {
    read: Vec<Declared>,
    waits: Vec<u32>,
}

type Recorded = Result<Recording, Unrecorded<LedgerError>>;

fn record_with(
    ledger: Ledger,
    commands: &mut [Command],
    how: How,
    files: &mut dyn FnMut(&Declared) -> FoundFiles,
) -> (Recorded, Asked) {
    let ledger = Mutex::new(ledger);
    let (read, waits) = (Vec::new(), Vec::new());
    let mut mine = Mine { ledger: &ledger, files, opened: 0, opens_max: u32::MAX, read, waits };
    let recorded = Ledger::record_all(&mut mine, commands, how);
    (recorded, Asked { read: mine.read, waits: mine.waits })
}

/// Records commands of which no phase declares files.
fn record(ledger: Ledger, commands: &mut [Command], how: How) -> (Recorded, Vec<u32>) {
    let mut files = |declared: &Declared| panic!("no phase declares files: {declared:?}");
    let (recorded, asked) = record_with(ledger, commands, how, &mut files);
    (recorded, asked.waits)
}

fn file(path: &str, content: &str) -> OutputFile {
    OutputFile { path: path.to_owned(), digest: Digest::sha256(content.as_bytes()) }
}

/// Defines phases that declare files, and that all but the first need the one before.
fn define(ledger: &mut Ledger, id: &str, phases: &[(&str, &str)]) {
    let mut text = "[workflow]\nname = 'w'\n".to_owned();
    for (at, (phase, files)) in phases.iter().enumerate() {
        let needs = if at == 0 { String::new() } else { format!("needs = ['{}']\n", phases[at - 1].0) };
        text.push_str(&format!("[[phase]]\nid = '{phase}'\n{needs}{files}\n"));
    }
    let definition = Box::new(parse_workflow(&text, "w.toml", None).expect("a workflow"));
    let note = command(id, r#"{"do":"note","text":"x"}"#);
    ledger
        .submit(&Command { action: Action::Define(action::Define { definition }), ..note }, now(0))
        .expect("it is defined");
}

fn inputs(recording: &Recording) -> Vec<OutputFile> {
    let Event::PhaseStarted(started) = &recording.answers[0].events[0].event else { panic!("a start") };
    started.inputs.clone().expect("they were read")
}

fn count(shared: &Shared, text: &str) -> usize {
    shared.lines().iter().filter(|line| line.contains(text)).count()
}

/// Opens a ledger in which somebody else records before so many appends.
fn contended(shared: &Shared, mut times: u32) -> Ledger {
    let mut other = Other::of(shared);
    shared.tapped(move |call| {
        if call == Call::Append && times > 0 {
            times -= 1;
            other.write();
        }
        Turn::Goes
    })
}

#[test]
fn a_conflict_is_staged_again_after_a_wait_eight_times_at_most() {
    for times in 0..10 {
        let shared = chain();
        let mut commands = [command("mine", r#"{"do":"note","text":"mine"}"#)];
        let (recorded, waits) = record(contended(&shared, times), &mut commands, How::Together);
        let expected: Vec<u32> = (1..=times.min(7)).collect();
        assert_eq!(waits, expected, "others were first {times} times");
        match recorded {
            Ok(recording) => {
                assert!(times < 8);
                assert_eq!(recording.answers[0].status, AnswerStatus::Appended);
                assert_eq!(
                    shared.calm().find(commands[0].id).expect("memory"),
                    Some(recording.answers[0].seq)
                );
                assert_eq!(recording.head.number() as usize, shared.lines().len());
            }
            Err(Unrecorded { answers, command, error }) => {
                assert!(times >= 8);
                assert!(matches!(error, LedgerError::Busy { tries: 8 }), "{error}");
                assert_eq!((answers, command), (Vec::new(), None));
            }
        }
        assert_eq!(count(&shared, "\"mine\""), usize::from(times < 8));
    }
}

#[test]
fn what_is_in_doubt_is_sent_again_and_recorded_once() {
    for written in [true, false] {
        for may_repeat in [true, false] {
            for doubts in 1..10 {
                let shared = chain();
                let appends = AtomicU32::new(0);
                let ledger = shared.tapped(move |call| {
                    let is_in_doubt =
                        call == Call::Append && appends.fetch_add(1, Ordering::Relaxed) < doubts;
                    if is_in_doubt { Turn::InDoubt { written } } else { Turn::Goes }
                });
                let one = Command {
                    may_repeat,
                    ..command("mine", r#"{"do":"rerun","phase":"a","reason":"mine"}"#)
                };
                let other = Command { may_repeat, ..command("too", r#"{"do":"note","text":"too"}"#) };
                let before = shared.lines().len();
                let (recorded, waits) = record(ledger, &mut [one, other], How::Together);
                let what = format!("{doubts} doubts, written: {written}");
                if written || doubts < 8 {
                    let recording = recorded.unwrap_or_else(|refused| panic!("{what}: {}", refused.error));
                    assert_eq!(waits.len() as u32, if written { 1 } else { doubts }, "{what}");
                    let events: Vec<_> = recording.answers.iter().flat_map(|answer| &answer.events).collect();
                    let lines: Vec<_> = events.iter().map(|event| event.to_line()).collect();
                    assert_eq!(shared.lines()[before..], lines, "{what}");
                    assert!(
                        recording.answers.iter().all(|answer| answer.status == AnswerStatus::Appended),
                        "{what}"
                    );
                } else {
                    let error = recorded.expect_err("never sure").error;
                    assert!(matches!(error, LedgerError::Store(StoreError::Unknown)), "{what}: {error}");
                    assert_eq!((waits.len(), shared.lines().len()), (7, before), "{what}");
                }
            }
        }
    }
}

/// Two tries are under way, at two times, and the first one arrives last.
#[test]
fn what_arrives_late_is_not_recorded_twice() {
    for may_repeat in [true, false] {
        let shared = chain();
        let before = shared.lines().len();
        let mut appends = 0;
        let ledger = shared.tapped(move |call| {
            appends += u32::from(call == Call::Append);
            match (call, appends) {
                (Call::Append, 1) => Turn::Late,
                (Call::Append, 2) => Turn::InDoubt { written: false },
                _ => Turn::Goes,
            }
        });
        let mut mine = [Command { may_repeat, ..command("mine", r#"{"do":"note","text":"mine"}"#) }];
        let recording = record(ledger, &mut mine, How::Together).0.expect("it is recorded");
        assert_eq!(
            (recording.answers[0].status, shared.lines().len()),
            (AnswerStatus::Duplicate, before + 1)
        );
    }
}

#[test]
fn a_ledger_that_is_gone_leaves_in_doubt_what_was() {
    let shared = chain();
    let ledger = Mutex::new(shared.tapped(|call| match call {
        Call::Append => Turn::InDoubt { written: true },
        _ => Turn::Goes,
    }));
    let mut files = |_: &Declared| Ok(Vec::new());
    let (read, waits) = (Vec::new(), Vec::new());
    let mut mine = Mine { ledger: &ledger, files: &mut files, opened: 0, opens_max: 1, read, waits };
    let error = Ledger::record(&mut mine, &mut command("mine", r#"{"do":"note","text":"mine"}"#));
    let error = error.expect_err("it cannot be opened again");
    assert!(matches!(error, LedgerError::Store(StoreError::Unknown)), "{error}");
}

#[test]
fn a_store_that_fails_in_doubt_leaves_it_in_doubt() {
    for failing in [Call::Read, Call::Head] {
        let shared = chain();
        let mut has_written = false;
        let ledger = shared.tapped(move |call| match call {
            Call::Append => {
                has_written = true;
                Turn::InDoubt { written: true }
            }
            call if has_written && call == failing => Turn::Fails,
            _ => Turn::Goes,
        });
        let mut commands = [command("mine", r#"{"do":"note","text":"mine"}"#)];
        let (recorded, _) = record_with(ledger, &mut commands, How::Together, &mut |_| Ok(Vec::new()));
        let error = recorded.expect_err("it cannot be told").error;
        assert!(matches!(error, LedgerError::Store(StoreError::Unknown)), "{failing:?}: {error}");
    }
}

#[test]
fn a_session_ends_with_a_commit_that_fails() {
    let shared = chain();
    let before = shared.lines();
    let mut ledger = shared.tapped(|call| if call == Call::Append { Turn::Fails } else { Turn::Goes });
    let mut session = ledger.session().expect("memory");
    let mine = command("mine", r#"{"do":"note","text":"mine"}"#);
    session.stage(&mine, now(50)).expect("it is legal");
    session.commit().expect_err("the store fails");
    for error in [session.commit().err(), session.stage(&mine, now(51)).err()] {
        assert!(matches!(error, Some(LedgerError::Store(StoreError::Moved))), "{error:?}");
    }
    assert_eq!(shared.lines(), before);
}

#[test]
fn a_start_gets_the_inputs_that_its_phase_declares() {
    let shared = Shared::default();
    define(&mut shared.calm(), "define", &[("a", "inputs = ['*.txt']")]);
    let mut commands = [command("mine", r#"{"do":"start","phase":"a"}"#)];
    let found = vec![file("a.txt", "one"), file("b.txt", "two")];
    let mut files = |_: &Declared| Ok(found.clone());
    let (recorded, asked) = record_with(shared.calm(), &mut commands, How::Together, &mut files);
    assert_eq!(inputs(&recorded.expect("it is legal")), found);
    assert_eq!((asked.read.len(), asked.read[0].patterns.clone()), (1, vec!["*.txt".to_owned()]));
    // Once more: nothing is read for what is recorded already.
    let mut files = |_: &Declared| panic!("it is recorded");
    let (again, _) = record_with(shared.calm(), &mut commands, How::Together, &mut files);
    assert_eq!(again.expect("a retry is never refused").answers[0].status, AnswerStatus::Duplicate);
    // And nothing for what is refused.
    let mut commands = [command("other", r#"{"do":"start","phase":"a"}"#)];
    let (refused, _) = record_with(shared.calm(), &mut commands, How::Together, &mut files);
    assert!(matches!(refused.expect_err("it is under way").error, LedgerError::Rejected(_)));
}

/// Files that cannot be told keep nothing from being recorded, and leave nothing half.
#[test]
fn found_1_files_that_cannot_be_told_refuse_nothing() {
    let odd = |number: usize| UnreadableFile {
        pattern: "*".to_owned(),
        path: format!("odd {number:03}"),
        why: "it is a pipe".to_owned(),
    };
    let told: Unreadable = (0..40).map(odd).collect();
    assert_eq!((told.files.len(), told.more, told.count()), (Unreadable::FILES_MAX, 8, 40));
    let shared = Shared::default();
    define(&mut shared.calm(), "define", &[("a", "inputs = ['*.txt']\noutputs = ['out/*']")]);
    let start = command("start", r#"{"do":"start","phase":"a"}"#);
    let complete = command("complete", r#"{"do":"complete","phase":"a"}"#);
    let mut files = |_: &Declared| Err(told.clone());
    for how in [How::Preview, How::Together] {
        let mut commands = [start.clone(), complete.clone()];
        let (recorded, asked) = record_with(shared.calm(), &mut commands, how, &mut files);
        let recording = recorded.expect("nothing is refused");
        let started = recording.answers[0].events[0].event.started().expect("a start");
        assert_eq!((&started.inputs, &started.unreadable, started.unreadable_more), (&None, &told.files, 8));
        let completed = recording.answers[1].events[0].event.completed().expect("an end");
        assert_eq!((completed.output, completed.outputs.len()), (None, 0));
        assert_eq!((&completed.unreadable, completed.unreadable_more), (&told.files, 8));
        assert_eq!(asked.read.len(), 2);
    }
    assert_eq!(count(&shared, "\"unreadable_more\":8"), 2);
    // What a caller states counts alone.
    let stated = format!(r#"{{"do":"complete","phase":"a","output":"sha256:{}"}}"#, "0".repeat(64));
    let rerun = command("again", r#"{"do":"start","phase":"a","rerun":true,"reason":"again"}"#);
    let mut commands = [rerun, command("stated", &stated)];
    let (recorded, _) = record_with(shared.calm(), &mut commands, How::Together, &mut files);
    let recording = recorded.expect("nothing is refused");
    let completed = recording.answers[1].events[0].event.completed().expect("an end");
    assert!(completed.output.is_some() && completed.unreadable.is_empty());
}

#[test]
fn a_definition_that_comes_in_between_is_read_anew() {
    for changes in 0..10 {
        let shared = Shared::default();
        define(&mut shared.calm(), "define", &[("a", "inputs = ['0.txt']")]);
        let mut commands = [command("mine", r#"{"do":"start","phase":"a"}"#)];
        let mut other = shared.calm();
        let mut looks = 0;
        let mut files = |declared: &Declared| {
            looks += 1;
            if looks <= changes {
                define(
                    &mut other,
                    &format!("define {looks}"),
                    &[("a", &format!("inputs = ['{looks}.txt']"))],
                );
            }
            Ok(vec![file(&declared.patterns[0], "text")])
        };
        let (recorded, asked) = record_with(shared.calm(), &mut commands, How::Together, &mut files);
        match recorded {
            Ok(recording) => {
                assert!(changes < 8);
                assert_eq!(inputs(&recording), [file(&format!("{changes}.txt"), "text")]);
                assert_eq!(asked.read.len(), changes + 1);
            }
            Err(refused) => {
                assert!(changes >= 8);
                assert!(matches!(refused.error, LedgerError::Busy { tries: 8 }), "{}", refused.error);
                assert_eq!(count(&shared, "phase_started"), 0);
            }
        }
    }
}

/// One that declares none any more needs none, and what was found of those before is not recorded.
#[test]
fn a_declaration_that_goes_in_between_takes_its_files_along() {
    let shared = Shared::default();
    define(&mut shared.calm(), "define", &[("a", "inputs = ['0.txt']")]);
    let mut commands = [command("mine", r#"{"do":"start","phase":"a"}"#)];
    let mut other = shared.calm();
    let mut files = |declared: &Declared| {
        define(&mut other, "define again", &[("a", "")]);
        Ok(vec![file(&declared.patterns[0], "text")])
    };
    let (recorded, asked) = record_with(shared.calm(), &mut commands, How::Together, &mut files);
    let recording = recorded.expect("it is legal");
    let Event::PhaseStarted(started) = &recording.answers[0].events[0].event else { panic!("a start") };
    assert_eq!((&started.inputs, asked.read.len()), (&None, 1));
}

/// A ledger whose only phase reads and puts out files, and failed.
fn failed() -> Shared {
    let shared = Shared::default();
    let mut ledger = shared.calm();
    define(&mut ledger, "define", &[("a", "inputs = ['in']\noutputs = ['out']")]);
    for line in [r#"{"do":"start","phase":"a"}"#, r#"{"do":"fail","phase":"a","error":"it broke"}"#] {
        ledger.submit(&command(line, line), now(1)).expect("it is legal");
    }
    shared
}

fn accept(id: &str, more: &str) -> [Command; 1] {
    [command(id, &format!(r#"{{"do":"accept","phase":"a","reason":"fine"{more}}}"#))]
}

/// Returns the inputs and the outputs of the acceptance, by their paths.
fn accepted(recording: &Recording) -> (Option<Vec<&str>>, Vec<&str>) {
    fn paths(files: &[OutputFile]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }
    let accepted = recording.answers[0].events[0].event.accepted().expect("an acceptance");
    assert_eq!(accepted.output, OutputFile::together(&accepted.outputs));
    (accepted.inputs.as_deref().map(paths), paths(&accepted.outputs))
}

#[test]
fn found_31_an_acceptance_gets_the_inputs_and_the_outputs_that_its_phase_declares() {
    let shared = failed();
    let mut files = |declared: &Declared| Ok(vec![file(&declared.patterns[0], "text")]);
    let (recorded, asked) = record_with(shared.calm(), &mut accept("mine", ""), How::Together, &mut files);
    assert_eq!(accepted(&recorded.expect("it is legal")), (Some(vec!["in"]), vec!["out"]));
    let roles: Vec<_> = asked.read.iter().map(|declared| declared.role).collect();
    assert_eq!((roles, asked.waits), (vec![FileRole::Inputs, FileRole::Outputs], vec![]));
    // Nothing is read for what is recorded already, nor for what is refused.
    let mut files = |_: &Declared| panic!("nothing is missing");
    let (again, _) = record_with(shared.calm(), &mut accept("mine", ""), How::Together, &mut files);
    assert_eq!(again.expect("a retry is never refused").answers[0].status, AnswerStatus::Duplicate);
    let (refused, _) = record_with(shared.calm(), &mut accept("other", ""), How::Together, &mut files);
    assert!(matches!(refused.expect_err("it is COMPLETE").error, LedgerError::Rejected(_)));
}

#[test]
fn found_31_files_of_an_acceptance_that_are_stated_are_not_read() {
    let digest = Digest::sha256(b"stated");
    let stated = |role: &str| format!(r#","{role}":[{{"path":"stated","digest":"{digest}"}}]"#);
    for (role, other, wanted) in [
        ("inputs", FileRole::Outputs, (Some(vec!["stated"]), vec!["out"])),
        ("outputs", FileRole::Inputs, (Some(vec!["in"]), vec!["stated"])),
    ] {
        let output = if role == "outputs" { format!(r#","output":"{digest}""#) } else { String::new() };
        let mut commands = accept("mine", &format!("{}{output}", stated(role)));
        let mut files = |declared: &Declared| Ok(vec![file(&declared.patterns[0], "text")]);
        let (recorded, asked) = record_with(failed().calm(), &mut commands, How::Together, &mut files);
        assert_eq!(accepted(&recorded.expect("it is legal")), wanted, "{role}");
        let roles: Vec<_> = asked.read.iter().map(|declared| declared.role).collect();
        assert_eq!(roles, [other], "{role}");
    }
}

/// What is declared otherwise, or no more, since the files were read: all of them are read anew.
#[test]
fn found_31_a_definition_that_comes_while_an_acceptance_reads_is_read_anew() {
    for (files_then, looks, wanted) in [
        ("inputs = ['in']\noutputs = ['new']", 4, (Some(vec!["in"]), vec!["new"])),
        ("inputs = ['in']", 3, (Some(vec!["in"]), vec![])),
        ("outputs = ['out']", 3, (None, vec!["out"])),
        ("", 2, (None, vec![])),
    ] {
        let shared = failed();
        let mut other = shared.calm();
        let mut is_defined = false;
        let mut files = |declared: &Declared| {
            if !std::mem::replace(&mut is_defined, true) {
                define(&mut other, "define again", &[("a", files_then)]);
            }
            Ok(vec![file(&declared.patterns[0], "text")])
        };
        let (recorded, asked) =
            record_with(shared.calm(), &mut accept("mine", ""), How::Together, &mut files);
        assert_eq!(accepted(&recorded.expect("it is legal")), wanted, "{files_then}");
        assert_eq!(asked.read.len(), looks, "{files_then}");
    }
}

#[test]
fn a_batch_is_all_or_nothing_or_its_beginning() {
    let lines = [
        r#"{"do":"note","text":"first"}"#,
        r#"{"do":"start","phase":"c"}"#,
        r#"{"do":"start","phase":"c"}"#,
        r#"{"do":"note","text":"last"}"#,
    ];
    let commands = || {
        lines.iter().enumerate().map(|(at, line)| command(&format!("mine {at}"), line)).collect::<Vec<_>>()
    };
    let shared = chain();
    let before = shared.lines();
    for how in [How::Together, How::Preview] {
        let refused = record(shared.calm(), &mut commands(), how).0.expect_err("c is under way");
        assert_eq!((refused.command, refused.answers.len()), (Some(2), 0), "{how:?}");
        assert_eq!(shared.lines(), before, "{how:?}");
    }
    let preview = record(shared.calm(), &mut commands()[..2], How::Preview).0.expect("it is legal");
    assert_eq!(shared.lines(), before);
    assert_eq!(preview.head.number() as usize, before.len());
    let refused = record(shared.calm(), &mut commands(), How::InOrder).0.expect_err("c is under way");
    assert_eq!((refused.command, refused.answers.len()), (Some(2), 2));
    assert_eq!(shared.lines().len(), before.len() + 2);
    for (preview, answer) in preview.answers.iter().zip(&refused.answers) {
        assert_eq!((preview.status, answer.status), (AnswerStatus::Preview, AnswerStatus::Appended));
        assert_eq!((&preview.events, preview.seq), (&answer.events, answer.seq));
    }
    // Sent again without the one that is refused, the first two are there.
    let mut rest = commands();
    rest.remove(2);
    let recorded = record(shared.calm(), &mut rest, How::Together).0.expect("it is legal");
    let statuses: Vec<_> = recorded.answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [AnswerStatus::Duplicate, AnswerStatus::Duplicate, AnswerStatus::Appended]);
}

#[test]
fn in_order_a_batch_ends_before_what_needs_files() {
    let shared = Shared::default();
    define(&mut shared.calm(), "define", &[("a", "inputs = ['a.txt']\noutputs = ['out']"), ("b", "")]);
    let lines = [
        r#"{"do":"note","text":"first"}"#,
        r#"{"do":"start","phase":"a"}"#,
        r#"{"do":"note","text":"second"}"#,
        r#"{"do":"complete","phase":"a"}"#,
        r#"{"do":"start","phase":"b"}"#,
    ];
    let mut commands: Vec<_> =
        lines.iter().enumerate().map(|(at, line)| command(&format!("mine {at}"), line)).collect();
    let (mut done, mut counts) = (0, Vec::new());
    while done < commands.len() {
        let mut files = |declared: &Declared| Ok(vec![file(&declared.patterns[0], "text")]);
        let recorded = record_with(shared.calm(), &mut commands[done..], How::InOrder, &mut files).0;
        counts.push(recorded.expect("it is legal").answers.len());
        done += counts[counts.len() - 1];
    }
    assert_eq!(counts, [1, 2, 2]);
    assert_eq!((count(&shared, "\"a.txt\""), count(&shared, "\"out\"")), (2, 2), "defined, and found");
    assert!(shared.calm().verify(false, |_| {}).expect("memory").expect("no damage").rows_match);
}

/// Without the outputs that are yet to be read, `b` would still need to run again.
#[test]
fn what_depends_on_files_is_refused_only_once_they_are_read() {
    let shared = Shared::default();
    let mut ledger = shared.calm();
    define(&mut ledger, "define", &[("a", "outputs = ['out']"), ("b", "")]);
    let mut found = |_: &Declared| Ok(vec![file("out", "the same")]);
    let lines = |round: &str, lines: &[&str]| -> Vec<Command> {
        let lines = lines.iter().enumerate();
        lines.map(|(at, line)| command(&format!("{round} {at}"), line)).collect()
    };
    let start = lines(
        "first",
        &[
            r#"{"do":"start","phase":"a"}"#,
            r#"{"do":"complete","phase":"a"}"#,
            r#"{"do":"start","phase":"b"}"#,
            r#"{"do":"complete","phase":"b"}"#,
            r#"{"do":"rerun","phase":"a","reason":"once more"}"#,
            r#"{"do":"start","phase":"a"}"#,
        ],
    );
    record_with(shared.calm(), &mut start.clone(), How::Together, &mut found).0.expect("it is legal");
    let mut batch = lines(
        "second",
        &[r#"{"do":"complete","phase":"a"}"#, r#"{"do":"rerun","phase":"b","reason":"mine"}"#],
    );
    let recorded =
        record_with(shared.calm(), &mut batch, How::Together, &mut found).0.expect("b is complete again");
    assert!(recorded.answers.iter().all(|answer| answer.status == AnswerStatus::Appended));
}
