//! What release 0.1.0 recorded, sent again to this one.
//!
//! `fixtures/commands-0.1.0/commands.jsonl` has a command a line, in the order in which that release took them: a line
//! of `append`, or the `args` (and `stdin`) of a verb of the command line. Each optional field of each verb is absent
//! in one line, null in one, given in one, and in Unicode in one where it is a text. `export.jsonl` is what the release
//! exported then. Neither is ever written anew: a command keeps its digest for good.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::process::Stdio;

use phaseledger::ledger::{AnswerStatus, Ledger, LedgerError, restore};
use phaseledger::model::action::{FilesChanged, NoteImport};
use phaseledger::model::{
    Action, Actor, Claim, Command, CommandDigest, CommandId, Event, FileRole, Recorded, Request, Timestamp,
    VERBS,
};
use phaseledger::store::MemoryStore;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use uuid::Uuid;

use super::append;
use crate::cli::{Ran, Scene};

const COMMANDS: &str = include_str!("../../fixtures/commands-0.1.0/commands.jsonl");
const EXPORT: &str = include_str!("../../fixtures/commands-0.1.0/export.jsonl");

/// Fields of a line that are no part of what makes two commands the same.
const HOW: &[&str] = &["expect", "by", "pid"];

/// The fields of a line, as they are written: the digits of a number are not to change.
type Fields = BTreeMap<String, Box<RawValue>>;

/// The lines of `append`, each with its fields.
fn lines() -> Vec<(&'static str, Fields)> {
    let fields = |line| -> Fields { serde_json::from_str(line).expect("an object") };
    COMMANDS
        .lines()
        .map(|line| (line, fields(line)))
        .filter(|(_, fields)| !fields.contains_key("args"))
        .collect()
}

/// The verbs of the command line that a caller gave an id, with their standard input.
fn verbs() -> Vec<(Vec<String>, String)> {
    let mut verbs = Vec::new();
    for line in COMMANDS.lines() {
        let fields: Value = serde_json::from_str(line).expect("an object");
        let Some(args) = fields["args"].as_array() else { continue };
        let args: Vec<_> = args.iter().map(|arg| arg.as_str().expect("a text").to_owned()).collect();
        if args.iter().any(|arg| arg == "--id") {
            verbs.push((args, fields["stdin"].as_str().unwrap_or_default().to_owned()));
        }
    }
    verbs
}

/// Runs a verb with a standard input and `--json`, and returns all that it says.
fn said(scene: &Scene, args: &[String], stdin: &str) -> String {
    let verb = args.iter().take_while(|arg| *arg != "--").count();
    let mut command = scene.command();
    command.args(&args[..verb]).arg("--json").args(&args[verb..]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    // Most verbs read nothing.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8")
}

#[test]
fn a_command_of_an_earlier_release_is_a_duplicate() {
    let scene = Scene::made();
    scene.write("export.jsonl", EXPORT);
    scene.ok(&["import", "export.jsonl"]);
    let lines = lines();
    let input: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    let (answers, _) = append(&scene, &[], input.as_bytes());
    assert_eq!(answers.lines().count(), lines.len());
    for (answer, (line, _)) in answers.lines().zip(&lines) {
        assert!(answer.contains("\"status\":\"duplicate\""), "{line}\n{answer}");
    }
    // What was put out is looked at again. (The files that the phases declare are not: there are none here.)
    scene.write("out.txt", "out\n");
    scene.write("é.txt", "é\n");
    for (args, stdin) in verbs() {
        let said = said(&scene, &args, &stdin);
        let known = if args[0] == "exec" { "\"outcome\":\"not_run\"" } else { "\"status\":\"duplicate\"" };
        assert!(said.contains(known), "{args:?}\n{said}");
    }
    let Ran { stdout, .. } = scene.ok(&["export"]);
    assert!(stdout == EXPORT, "sent again, something changed the log");
}

/// Returns another value for a field, for a change that is one.
fn other(field: &str, value: &str) -> Value {
    let digest = format!("sha256:{}", "77".repeat(32));
    match field {
        "phase" => json!("other/phase"),
        "metadata" => json!({"other": 1}),
        "inputs" | "outputs" => json!([{"path": "other", "digest": digest}]),
        "output" => json!(digest),
        "all" | "allow_unmet" | "rerun" | "take_over" | "over_limit" | "refund" | "abandoned" => {
            json!(value != "true")
        }
        "exit_code" | "seq" | "items" | "pid" => json!(77),
        "amount" | "estimate" | "limit" | "auto_approve_below" => json!("77.77"),
        "occurred_at" => json!("2025-01-01T00:00:00Z"),
        "expect" => json!("attempt=77"),
        "request" => json!("key:other"),
        _ => json!("other"),
    }
}

/// Returns the command of a line of which one field has another value; none where that makes no command.
fn changed(fields: &Fields, field: &str) -> Option<Command> {
    let value = fields.get(field).map_or("null", |value| value.get());
    let other = to_raw_value(&other(field, value)).expect("JSON");
    let mut fields = fields.clone();
    fields.insert(field.to_owned(), other);
    let parse = |fields: &Fields| serde_json::to_string(fields).expect("texts").parse::<Request>();
    let mut parsed = parse(&fields);
    if parsed.is_err() && matches!(field, "rerun" | "take_over") {
        // Nothing is left that needs a reason.
        fields.remove("reason");
        parsed = parse(&fields);
    }
    let fresh = CommandId::new(Uuid::from_u128(7));
    parsed.ok().map(|request| request.command(fresh, Actor::new("bob", "host", "test")))
}

fn restored() -> Ledger {
    let mut ledger = Ledger::new(Box::new(MemoryStore::default()));
    restore(&mut ledger, Cursor::new(EXPORT), |_| {}).expect("an export");
    ledger
}

#[test]
fn a_command_of_an_earlier_release_that_has_changed_is_refused() {
    let mut ledger = restored();
    let mut session = ledger.session().expect("memory");
    let now: Timestamp = serde_json::from_value(json!("2030-01-01T00:00:00Z")).expect("a time");
    let lines = lines();
    let (mut there, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for verb in VERBS {
        let quoted = format!("{verb:?}");
        let of_verb = || lines.iter().filter(|(_, fields)| fields["do"].get() == quoted);
        let fields: BTreeSet<&String> = of_verb().flat_map(|(_, fields)| fields.keys()).collect();
        there.extend(fields.iter().map(|field| (*verb, field.as_str())));
        for (line, before) in of_verb() {
            for field in fields.iter().filter(|field| !["do", "id"].contains(&field.as_str())) {
                let Some(command) = changed(before, field) else { continue };
                let answer = session.stage(&command, now);
                match HOW.contains(&field.as_str()) {
                    true => {
                        assert_eq!(answer.expect(line).status, AnswerStatus::Duplicate, "`{field}` of {line}")
                    }
                    false => assert!(
                        matches!(answer, Err(LedgerError::IdConflict { .. })),
                        "`{field}` of {line}: {answer:?}"
                    ),
                }
                seen.insert((*verb, field.as_str()));
            }
        }
    }
    there.retain(|(_, field)| !["do", "id"].contains(field));
    let left: Vec<_> = there.difference(&seen).collect();
    // Nothing but `all` makes another verb of a line: there a phase is one field too many, or too few.
    assert_eq!(left, [&("reset", "all")], "no change of these makes a command");
}

/// What no caller can send: that files have changed, and that a history was taken in.
#[test]
fn a_command_without_a_caller_has_the_digest_of_an_earlier_release() {
    let mut seen = Vec::new();
    for line in EXPORT.lines().filter(|line| !line.starts_with("{\"schema\"")) {
        let record = Recorded::from_line(line).expect("an event");
        let (subject, Some(digest)) = (record.subject, record.command_digest) else { continue };
        let mut occurred_at = record.occurred_at.map(Claim::from);
        let action = match record.event {
            Event::RerunMarked(why) if !why.changes.is_empty() => Action::FilesChanged(FilesChanged {
                phase: subject.phase().expect("a phase").clone().into(),
                role: FileRole::Inputs,
                changes: why.changes,
            }),
            Event::HistoryImported(history) => {
                // It takes effect when the event before it did.
                occurred_at = Some(record.at.into());
                let workflow = Some(subject.workflow().expect("a workflow").clone());
                Action::NoteImport(NoteImport { workflow, history })
            }
            _ => continue,
        };
        let command = Command::new(record.command_id.into(), (*record.by).clone(), action);
        let command = Command { occurred_at, ..command };
        assert_eq!(CommandDigest::AsWritten(command.digest_as_written()), digest, "{line}");
        seen.push(command.action.verb());
    }
    assert_eq!(seen, ["scan", "scan", "import"]);
}
