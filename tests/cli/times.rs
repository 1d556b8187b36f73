//! The two axes of time at the command line: claims, late events, clocks that are behind, histories.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::{Ran, Scene};
use crate::shared;

/// A ledger whose workflow was defined in the morning, in the evening.
fn evening() -> Scene {
    let scene = Scene::made();
    scene.clock("2025-10-29T08:00:00Z");
    scene.define("w", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])]);
    scene.clock(crate::cli::NOW);
    scene
}

fn phase(ran: &Ran, name: &str) -> Value {
    let json = ran.json();
    let found = json["phases"].as_array().expect("phases").iter().find(|phase| phase["phase"] == name);
    found.expect("it is there").clone()
}

#[test]
fn found_5_what_is_claimed_counts() {
    let scene = evening();
    scene.record(&["note", "in between"]);
    let started = scene.record(&["start", "a", "--occurred-at", "2 hours ago"]);
    assert_eq!(started.stderr, "", "nothing is raised");
    scene.record(&["complete", "a", "--occurred-at", "1 hour ago"]);
    let a = phase(&scene.ok(&["status", "--json"]), "a");
    assert_eq!(a["started_at"], "2025-10-29T18:00:00.000000Z");
    assert_eq!(a["duration_seconds"], 3600.0);

    let then = scene.ok(&["status", "a", "--json", "--at", "2025-10-29 18:30"]);
    assert_eq!(phase(&then, "a")["state"], "IN_PROGRESS");
    assert_eq!(then.json()["as_of"]["seq"], 1);
    assert_eq!(then.json()["as_of"]["late"], serde_json::json!([3]));
    let told = scene.ok(&["status", "--at", "2025-10-29 18:30"]).stderr;
    assert!(told.starts_with("as of e1 and 1 recorded later (e3), 2025-10-29"), "{told}");
    let before = scene.ok(&["status", "a", "--json", "--before", "2025-10-29 18:00"]);
    assert_eq!(phase(&before, "a")["state"], "PENDING");

    // What was known before it was recorded, of how things stood then.
    let unknown = scene.ok(&["status", "a", "--json", "--at", "2025-10-29 18:30", "--known-at", "e2"]);
    assert_eq!(phase(&unknown, "a")["state"], "PENDING");
    let known = scene.ok(&["status", "a", "--json", "--at", "2025-10-29 18:30", "--known-at", "e3"]);
    assert_eq!(phase(&known, "a")["state"], "IN_PROGRESS");
}

#[test]
fn found_5_a_claim_that_is_raised_is_said() {
    let scene = Scene::small();
    let raised = scene.record(&["start", "a", "--occurred-at", "2 hours ago"]);
    assert_eq!(
        raised.stderr,
        "e2 took effect at 2025-10-29 20:00:00.000000Z, not at 2025-10-29 18:00:00.000000Z as claimed: it rests on e1\n"
    );
    let json = scene
        .ok(&["fail", "a", "--error", "x", "--occurred-at", "1 hour ago", "--json", "--id", "key:f"])
        .json();
    assert_eq!(json["raised"]["rests_on"], 2);
    assert_eq!(json["raised"]["claimed"], "2025-10-29T19:00:00.000000Z");
    scene.ok(&["verify"]);
}

#[test]
fn found_5_a_start_rests_on_what_it_finds_through_its_needs() {
    let scene = Scene::made();
    scene.clock("2025-10-29T08:00:00Z");
    scene.define("w", &[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    scene.clock(crate::cli::NOW);
    scene.record(&["start", "a", "--occurred-at", "18:00"]);
    scene.record(&["complete", "a", "--occurred-at", "19:00"]);
    let raised = scene.record(&["start", "c", "--allow-unmet", "--occurred-at", "18:30"]).stderr;
    assert!(raised.ends_with("as claimed: it rests on e3\n"), "{raised}");
    let early = scene.ok(&["status", "c", "--json", "--at", "2025-10-29 18:59"]);
    assert_eq!(phase(&early, "c")["state"], "PENDING");
}

#[test]
fn found_5_every_question_knows_what_was_recorded_late() {
    let scene = evening();
    scene.record(&["start", "b"]);
    scene.record(&["start", "a", "--occurred-at", "10:00"]);
    scene.record(&["cost", "record", "a", "1.50", "--occurred-at", "2025-10-29 10:30"]);
    scene.record(&["complete", "a", "--occurred-at", "11:00"]);
    let at = |args: &[&str]| scene.ok(&[args, &["--at", "2025-10-29 10:45"]].concat());
    let listed = at(&["log", "--json"]).stdout;
    let seqs: Vec<_> = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["seq"].clone())
        .collect();
    assert_eq!(seqs, [1, 3, 4]);
    assert_eq!(at(&["export"]).stdout.lines().count(), 4, "three events and the end");
    assert!(
        at(&["report"]).stdout.contains(
            "- **As of:** event 1, 2025-10-29 08:00:00.000000Z and 2 recorded later, from event 3 on"
        )
    );
    assert!(
        at(&["replay"])
            .stdout
            .contains("replayed 3 events of 3 commands, up to e1 and 2 recorded later (e3 …)")
    );
    assert_eq!(at(&["cost", "by", "day", "--json"]).json()["total"][0]["spent"], "1.50");
    assert!(
        at(&["show", "a"]).stdout.contains("running")
            || at(&["show", "a", "--json"]).json()["attempts"][0]["outcome"] == "running"
    );
    assert!(at(&["why", "a"]).stdout.contains("IN_PROGRESS"));
    assert_eq!(scene.run(&["show", "e2", "--at", "2025-10-29 10:45"]).code, 4, "it had not taken effect");
    let day = scene.ok(&["log", "2025-10-29 10:00..2025-10-29 11:00", "--json"]).stdout;
    assert_eq!(
        day.lines().count(),
        2,
        "a time is taken in at the left end and left out at the right:\n{day}"
    );
}

#[test]
fn found_5_an_end_that_is_inferred_has_no_duration() {
    let scene = Scene::small();
    let lines = [
        r#"{"at":"2025-01-01T10:00:00Z","phase":"a","event":"complete"}"#,
        r#"{"at":"2025-01-01T11:00:00Z","phase":"b","event":"start"}"#,
        r#"{"at":"2025-01-01T12:00:00Z","phase":"b","event":"start"}"#,
        r#"{"at":"2025-01-01T13:00:00Z","phase":"b","event":"complete"}"#,
    ];
    scene.write("h.jsonl", &lines.join("\n"));
    scene.ok(&["import", "--format", "history", "h.jsonl", "--repair"]);
    let status = scene.ok(&["status", "--json"]);
    assert_eq!(phase(&status, "a")["duration_seconds"], Value::Null);
    assert_eq!(phase(&status, "a")["completed_at"], "2025-01-01T10:00:00.000000Z");
    assert_eq!(phase(&status, "b")["duration_seconds"], 3600.0);
    let attempts = scene.ok(&["show", "b", "--json"]).json()["attempts"].clone();
    assert_eq!(attempts[0]["duration_seconds"], Value::Null, "nobody saw it end: {attempts}");
    assert!(scene.ok(&["status", "a"]).stdout.contains('–'));
}

#[test]
fn found_6_a_clock_that_was_ahead_spoils_nothing_else() {
    let scene = Scene::small();
    scene.clock("2027-10-29T20:00:00Z");
    scene.record(&["note", "from the future"]);
    scene.clock(crate::cli::NOW);
    let started = scene.record(&["start", "a"]);
    assert!(
        started.stderr.starts_with("the clock shows 2025-10-29 20:00:00.000000Z, but"),
        "{}",
        started.stderr
    );
    scene.clock("2025-10-29T20:00:30Z");
    scene.record(&["complete", "a"]);
    let a = phase(&scene.ok(&["status", "a", "--json"]), "a");
    assert_eq!(a["duration_seconds"], 30.0);
    assert_eq!(a["started_at"], "2025-10-29T20:00:00.000000Z");
    let now = scene.ok(&["status", "a", "--json", "--at", "now"]);
    assert_eq!(phase(&now, "a")["state"], "COMPLETE");
    assert_eq!(now.json()["as_of"]["late"], serde_json::json!([3, 4]));
    assert_eq!(scene.ok(&["verify", "--json"]).json()["clock_behind"], 2);
    assert!(
        scene
            .ok(&["verify"])
            .stdout
            .contains("2 events were recorded while the clock was more than a minute behind")
    );
}

#[test]
fn found_6_of_many_late_events_the_first_are_listed() {
    let scene = evening();
    scene.record(&["note", "in front"]);
    let note = r#"{"do":"note","text":"late","occurred_at":"2025-10-29T09:00:00Z"}"#;
    scene.write("lines.jsonl", &[note; 40].join("\n"));
    scene.ok(&["append", "lines.jsonl"]);
    let as_of = scene.ok(&["status", "--json", "--at", "2025-10-29 10:00"]).json()["as_of"].clone();
    assert_eq!(as_of["late"], serde_json::json!((3..35).collect::<Vec<u64>>()));
    assert_eq!((&as_of["late_more"], &as_of["seq"]), (&8.into(), &1.into()));
}

#[test]
fn found_6_a_clock_that_is_a_little_behind_is_nothing() {
    let scene = Scene::small();
    scene.clock("2025-10-29T19:59:01Z");
    let started = scene.record(&["start", "a"]);
    assert_eq!(started.stderr, "");
    assert_eq!(scene.ok(&["verify", "--json"]).json()["clock_behind"], 0);
}

#[test]
fn found_6_what_is_raised_without_a_claim_is_said_too() {
    let scene = Scene::small();
    scene.record(&["start", "a", "--occurred-at", "2025-10-29T20:00:50Z"]);
    let completed = scene.record(&["complete", "a"]);
    assert_eq!(
        completed.stderr,
        "e3 took effect at 2025-10-29 20:00:50.000000Z, which is later than now: it rests on e2\n"
    );
}

#[test]
fn found_5_exec_and_append_say_what_is_raised() {
    let scene = Scene::small();
    scene.record(&["start", "a", "--occurred-at", "2025-10-29T20:00:50Z"]);
    scene.record(&["complete", "a"]);
    let told = scene.run(&["exec", "a", "--rerun", "--reason", "again", "--", "true"]).stderr;
    let said: Vec<&str> = told.lines().filter(|line| line.contains("it rests on")).collect();
    let late = "took effect at 2025-10-29 20:00:50.000000Z, which is later than now: it rests on";
    assert_eq!(said, [format!("e4 {late} e3"), format!("e6 {late} e5")], "{told}");
    let silent = scene.run(&["exec", "a", "--rerun", "--reason", "again", "--json", "--", "true"]).stderr;
    assert!(!silent.contains("it rests on"), "JSON tells it: {silent}");

    let line = r#"{"do":"meta","phase":"b","metadata":{},"occurred_at":"2025-10-29T19:00:00Z"}"#;
    scene.write("lines.jsonl", &[line, line, r#"{"do":"note","text":"now"}"#].join("\n"));
    let told = scene.ok(&["append", "lines.jsonl"]).stderr;
    let first = "took effect at 2025-10-29 20:00:00.000000Z, not at 2025-10-29 19:00:00.000000Z as claimed: it rests on e1";
    assert!(
        told.contains(first) && told.contains("so it is with 1 more command: see their answers"),
        "{told}"
    );
}

#[test]
fn found_6_exec_and_append_say_that_a_clock_is_behind() {
    let scene = Scene::small();
    scene.clock("2027-10-29T20:00:00Z");
    scene.record(&["note", "from the future"]);
    scene.clock(crate::cli::NOW);
    let said = |ran: &Ran| ran.stderr.matches("the clock shows 2025-10-29 20:00:00.000000Z, but").count();
    let ran = scene.run(&["exec", "a", "--", "true"]);
    assert_eq!(said(&ran), 2, "{}", ran.picture());
    scene.write("lines.jsonl", r#"{"do":"note","text":"now"}"#);
    let ran = scene.ok(&["append", "lines.jsonl"]);
    assert_eq!(said(&ran), 1, "{}", ran.picture());
}

const HISTORY: [&str; 6] = [
    r#"{"at":"2021-03-01T10:00:00Z","phase":"a","event":"start"}"#,
    r#"{"at":"2021-03-01T10:30:00Z","phase":"a","event":"cost","amount":"1.50","model":"m"}"#,
    r#"{"at":"2021-03-01T11:00:00Z","phase":"a","event":"complete"}"#,
    r#"{"at":"2021-03-01T11:00:00Z","phase":"b","event":"start"}"#,
    r#"{"at":"2021-03-02T11:00:00Z","phase":"b","event":"cost","amount":-0.25}"#,
    r#"{"at":"2021-03-02T12:00:00Z","phase":"b","event":"complete","note":"x"}"#,
];

#[test]
fn found_5_a_history_is_taken_in_once_however_it_grows() {
    let scene = Scene::small();
    let import = |lines: &[&str]| {
        scene.write("h.jsonl", &lines.join("\n"));
        scene.run(&["import", "--format", "history", "h.jsonl", "--json"])
    };
    let refund = import(&HISTORY);
    assert_ne!(refund.code, 0, "nothing was spent on b:\n{}", refund.picture());
    assert!(refund.stderr.contains("line 5"), "{}", refund.picture());
    let lines: Vec<_> = HISTORY.iter().copied().filter(|line| !line.contains("-0.25")).collect();
    // Shuffled, in the middle first, then grown at both ends, then as it was.
    assert_eq!(import(&[lines[2], lines[0]]).json()["events"], 4, "a date, two lines and the note");
    let grown = import(&lines).json();
    assert_eq!((&grown["lines"], &grown["known"]), (&5.into(), &2.into()), "{grown}");
    let again = import(&lines);
    assert_eq!(again.json()["status"], "unchanged", "{}", again.picture());
    let reversed: Vec<_> = lines.iter().rev().copied().collect();
    assert_eq!(import(&reversed).json()["status"], "unchanged");
    let status = scene.ok(&["status", "--json"]);
    assert_eq!(phase(&status, "a")["duration_seconds"], 3600.0);
    assert_eq!(phase(&status, "a")["spent"], "1.50");
    scene.ok(&["verify"]);
}

#[test]
fn found_5_lines_that_are_grouped_by_phase_keep_their_times() {
    let scene = Scene::small();
    let line = |hour: u32, phase: &str, event: &str| {
        format!(r#"{{"at":"2021-03-01T{hour:02}:00:00Z","phase":"{phase}","event":"{event}"}}"#)
    };
    let lines = ["a", "b", "c"]
        .iter()
        .zip(1..)
        .flat_map(|(phase, hours)| [line(10, phase, "start"), line(10 + hours, phase, "complete")]);
    // The last phase first.
    let lines: Vec<_> = lines.collect::<Vec<_>>().into_iter().rev().collect();
    scene.write("h.jsonl", &lines.join("\n"));
    scene.ok(&["import", "--format", "history", "h.jsonl", "--allow-unmet"]);
    let status = scene.ok(&["status", "--json"]);
    for (name, hours) in [("a", 1.0), ("b", 2.0), ("c", 3.0)] {
        let phase = phase(&status, name);
        assert_eq!(phase["started_at"], "2021-03-01T10:00:00.000000Z", "{name}");
        assert_eq!(phase["duration_seconds"], hours * 3600.0, "{name}");
    }
}

/// What is asked of a history, without the places that differ from one way of taking it in to another.
fn answers(scene: &Scene, workflow: &str, at: &str) -> Vec<Value> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let places = [
                    "seq",
                    "last_seq",
                    "as_of",
                    "root",
                    "id",
                    "event",
                    "causation_id",
                    "first_seq",
                    "last_seq",
                ];
                fields.retain(|name, _| {
                    !places.contains(&name.as_str()) && name != "range" && name != "recent"
                });
                fields.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let asked: [&[&str]; 3] = [
        &["status", "--workflow", workflow],
        &["report", "--workflow", workflow],
        &["cost", "by", "day", "--workflow", workflow],
    ];
    let answer = |args: &&[&str]| {
        let mut json = scene.ok(&[args, &["--json", "--at", at][..]].concat()).json();
        strip(&mut json);
        json
    };
    asked.iter().map(answer).collect()
}

/// What is in the ledger before the history comes, by its name.
type Way<'a> = (&'a str, &'a dyn Fn(&Scene));

/// The same times, durations and answers, however a history comes into the ledger.
fn histories(name: &str, other: &str) {
    let Some(data) = shared::data(name) else { return };
    let path = |folder: &str, name: &str| data.join(folder).join(name).to_string_lossy().into_owned();
    let (graph, history) =
        (path("graphs", &format!("{name}.json")), path("histories", &format!("{name}.history.jsonl")));
    let text = std::fs::read_to_string(&history).expect("the history");
    let mut lines: Vec<&str> = text.lines().collect();
    let mut times: Vec<String> = lines
        .iter()
        .map(|line| {
            serde_json::from_str::<BTreeMap<String, Value>>(line).expect("JSON")["at"]
                .as_str()
                .expect("a time")
                .to_owned()
        })
        .collect();
    times.sort();
    // As far from their places as can be, and each time the same.
    lines.sort_by_key(|line| {
        line.bytes().rev().map(u64::from).fold(7u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte))
    });
    let instants: Vec<&String> = (0..20).map(|step| &times[step * (times.len() - 1) / 19]).collect();
    let import = |scene: &Scene, graph: &str, history: &str| {
        scene.ok(&["import", "--format", "history", history, "--define", graph, "--as", "h", "--repair"]);
    };
    let ways: [Way<'_>; 4] = [
        ("after define", &|scene| _ = scene.ok(&["define", &graph, "--as", "h"])),
        ("after a note", &|scene| _ = scene.ok(&["note", "first of all"])),
        ("after another history", &|scene| {
            let other = |folder: &str, end: &str| path(folder, &format!("{other}{end}"));
            let (graph, history) = (other("graphs", ".json"), other("histories", ".history.jsonl"));
            scene.ok(&[
                "import", "--format", "history", &history, "--define", &graph, "--as", "o", "--repair",
            ]);
        }),
        ("shuffled", &|_| {}),
    ];
    let once = Scene::made();
    import(&once, &graph, &history);
    let expected: Vec<_> = instants.iter().map(|at| answers(&once, "h", at)).collect();
    for (way, prepare) in ways {
        let scene = Scene::made();
        prepare(&scene);
        let shuffled = scene.write("shuffled.jsonl", &lines.join("\n"));
        let history = if way == "shuffled" { shuffled.to_str().expect("ASCII") } else { &history };
        import(&scene, &graph, history);
        for (at, expected) in instants.iter().zip(&expected) {
            let found = answers(&scene, "h", at);
            assert!(found == *expected, "{name} {way} at {at}:\n{}\n{}", found[0], expected[0]);
        }
        scene.ok(&["verify"]);
        let again = scene
            .ok(&["import", "--format", "history", history, "--define", &graph, "--as", "h", "--repair"]);
        assert!(again.stdout.starts_with("unchanged"), "{way}: {}", again.stdout);
    }
}

#[test]
fn found_5_a_pipeline_run_is_the_same_however_it_comes_in() {
    histories("nextflow-openproblems", "dbt-jaffle-build");
}

#[test]
fn found_5_a_build_is_the_same_however_it_comes_in() {
    histories("dbt-jaffle-build", "nextflow-openproblems");
}
