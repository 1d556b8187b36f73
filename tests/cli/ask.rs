//! The verbs that ask: `status`, `next`, `log`, `show`, as they look and as programs read them.

#[cfg(unix)]
mod pauses;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::cli::{Scene, assert_snapshot, pictures};
use phaseledger::model::Digest;
use serde_json::Value;

/// A ledger with a phase in each state, two workflows, a retired phase, and texts that are hard to show.
fn every_state() -> Scene {
    let scene = Scene::made();
    scene.clock("2025-10-29T18:00:00Z");
    let publish: &[(&str, &[&str])] = &[("upload", &[]), ("announce", &["upload"]), ("old", &[])];
    scene.define("publish", publish);
    let main: &[(&str, &[&str])] = &[
        ("fetch", &[]),
        ("clean", &["fetch"]),
        ("model", &["clean"]),
        ("check", &["clean"]),
        ("extra", &[]),
        ("join", &["model", "check", "extra", "fetch", "publish/upload"]),
    ];
    scene.define("main", main);
    for phase in ["fetch", "clean", "old"] {
        scene.record(&["start", phase, "--meta", "books=51"]);
        scene.clock("2025-10-29T18:02:05Z");
        scene.record(&["complete", phase]);
    }
    scene.record(&["start", "model"]);
    scene.record(&["start", "check"]);
    scene.record(&["fail", "check", "--exit-code", "137", "--error", "killed:\nout of \u{202E}memory"]);
    scene.record(&["skip", "extra", "--reason", "not this time"]);
    scene.clock("2025-10-29T18:30:00Z");
    scene.record(&["rerun", "fetch", "--reason", "new books"]);
    scene.record(&["start", "fetch"]);
    scene.record(&["complete", "fetch"]);
    scene.record(&["rerun", "fetch", "--reason", "more books"]);
    scene.define("publish", &publish[..2]);
    scene.clock("2025-10-29T19:00:00Z");
    scene
}

#[test]
fn status_of_the_example() {
    let scene = Scene::example();
    let runs = [
        scene.run(&["status"]),
        scene.run(&["status", "phase_2_analysis", "--tz", "+02:00"]),
        scene.run(&["status", "--state", "complete,FAILED"]),
        scene.run(&["status", "--state", "FAILED"]),
        scene.run(&["status", "--before", "2025-10-29 18:27:01.123456"]),
        scene.run(&["status", "--known-at", "2025-10-29"]),
    ];
    assert_snapshot("status", &pictures(runs));
}

#[test]
fn status_in_json() {
    let scene = every_state();
    let ran = scene.ok(&["status", "--all", "--json"]);
    assert_snapshot("status_json", &ran.stdout.replace("[{", "[\n{").replace("},{", "},\n{"));
}

#[test]
fn status_before_the_first_event() {
    let scene = Scene::example();
    let runs = [
        scene.run(&["status", "--at", "e0"]),
        scene.run(&["status", "--at", "2020-01-01", "--json"]),
        scene.run(&["next", "--before", "e1"]),
        scene.run(&["log", "--at", "e0"]),
        scene.run(&["show", "head", "--at", "e0"]),
        Scene::made().run(&["status"]),
    ];
    assert_snapshot("status_before_first_event", &pictures(runs));
}

#[test]
fn status_of_every_state() {
    let scene = every_state();
    let runs = [
        scene.run(&["status", "--all"]),
        scene.run(&["status", "--workflow", "main", "fetch", "clean"]),
        scene.run(&["status", "old"]),
    ];
    assert_snapshot("status_every_state", &pictures(runs));
}

#[test]
fn next_lists_what_is_ready() {
    let scene = every_state();
    let runs = [
        scene.run(&["next"]),
        scene.run(&["next", "--blocked"]),
        scene.run(&["next", "--workflow", "publish", "--at", "e1"]),
        Scene::example().run(&["next"]),
    ];
    assert_snapshot("next", &pictures(runs));
    let json = scene.ok(&["next", "--json"]).json();
    let names = |list: &str| -> Vec<&str> {
        json[list]
            .as_array()
            .expect(list)
            .iter()
            .map(|phase| phase["phase"].as_str().expect("a name"))
            .collect()
    };
    assert_eq!(json["schema"], "next/1");
    assert_eq!(names("ready"), ["fetch", "upload"]);
    assert_eq!(names("running"), ["model"]);
    assert_eq!(names("blocked"), ["clean", "check", "join", "announce"]);
}

#[test]
fn next_answers_no_when_nothing_is_ready() {
    let scene = Scene::small();
    for phase in ["a", "b"] {
        scene.record(&["start", phase]);
    }
    let busy = scene.run(&["next"]);
    for (verb, phase) in [("complete", "a"), ("complete", "b"), ("start", "c"), ("complete", "c")] {
        scene.record(&[verb, phase]);
    }
    assert_snapshot(
        "next_nothing_ready",
        &pictures([busy, scene.run(&["next"]), scene.run(&["next", "--json"])]),
    );
}

#[test]
fn next_goes_from_what_is_needed_to_what_needs_it() {
    let scene = Scene::made();
    scene.define("w", &[("d", &["c", "b"]), ("c", &["a"]), ("x", &[]), ("b", &["a"]), ("a", &[])]);
    let json = scene.ok(&["next", "--json"]).json();
    let names: Vec<_> = ["ready", "blocked"]
        .into_iter()
        .flat_map(|list| json[list].as_array().expect(list))
        .map(|phase| phase["phase"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["x", "a", "c", "b", "d"]);
}

#[test]
fn log_lists_events_in_order() {
    let scene = every_state();
    scene.record(&["note", "all is well", "--phase", "join"]);
    scene.record(&["tag", "v1", "e3"]);
    scene.record(&["meta", "join", "pages=12"]);
    let runs = [
        scene.run(&["log"]),
        scene.run(&["log", "e4..e6"]),
        scene.run(&["log", "tag:v1..", "--phase", "clean", "--phase", "check", "-n", "3"]),
        scene.run(&["log", "--kind", "rerun_marked,note_added", "--roots"]),
        scene.run(&["log", "--workflow", "publish", "--by", "ana", "--at", "e5"]),
        scene.run(&["log", "--by", "nobody"]),
        scene.run(&["log", "e3..e3"]),
    ];
    assert_snapshot("log", &pictures(runs));
}

#[test]
fn log_prints_the_lines_as_they_are_kept() {
    let scene = every_state();
    let export = scene.ok(&["export"]).stdout;
    let lines: Vec<_> = export.lines().collect();
    let events = &lines[..lines.len() - 1];
    let logged = |args: &[&str]| scene.ok(&[&["log", "--json"], args].concat()).stdout;
    assert_eq!(logged(&[]).lines().collect::<Vec<_>>(), events);
    assert_eq!(logged(&["e2..e5"]).lines().collect::<Vec<_>>(), &events[2..5]);
    let failed: Vec<_> = events.iter().filter(|line| line.contains(r#""kind":"phase_failed""#)).collect();
    assert_eq!(
        logged(&["--kind", "phase_failed"]).lines().collect::<Vec<_>>().iter().collect::<Vec<_>>(),
        failed
    );
}

#[test]
fn the_last_events_are_the_end_of_all() {
    let scene = Scene::small();
    let notes: String = (0..2500)
        .map(|n| {
            format!(
                "{{\"do\":\"note\",\"text\":\"{n}\",\"by\":\"{}\"}}\n",
                if n % 700 == 3 { "bo" } else { "ana" }
            )
        })
        .collect();
    let file = scene.write("notes.jsonl", &notes);
    scene.ok(&["append", file.to_str().expect("a path of ASCII"), "--atomic"]);
    for filter in
        [&[][..], &["--by", "bo"], &["--kind", "note_added", "--by", "ana"], &["--roots", "--phase", "a"]]
    {
        let all = scene.ok(&[&["log", "e1..e2400", "--json"], filter].concat()).stdout;
        let all: Vec<_> = all.lines().collect();
        for last in [0, 1, 3, 4, 1023, 1025, 3000] {
            let some =
                scene.ok(&[&["log", "e1..e2400", "--json", "-n", &last.to_string()], filter].concat()).stdout;
            let expected = &all[all.len().saturating_sub(last)..];
            assert_eq!(some.lines().collect::<Vec<_>>(), expected, "the last {last} of {filter:?}");
        }
    }
}

#[test]
fn a_reader_that_pauses_keeps_nobody_waiting() {
    let scene = Scene::small();
    let text = "x".repeat(5_000);
    let notes = format!("{{\"do\":\"note\",\"text\":\"{text}\"}}\n").repeat(1100);
    let file = scene.write("notes.jsonl", &notes);
    scene.ok(&["append", file.to_str().expect("a path of ASCII"), "--atomic"]);
    let mut log = scene.command().args(["log", "--json"]).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(log.stdout.take().expect("a pipe")).lines();
    let first = lines.next().expect("a line").expect("UTF-8");
    scene.ok(&["note", "meanwhile", "--lock-timeout", "2s"]);
    let rest: Vec<_> = lines.collect::<Result<_, _>>().expect("UTF-8");
    assert!(log.wait().expect("it ends").success());
    assert!(first.contains(r#""seq":1,"#));
    assert_eq!(rest.len(), 1100, "as of when it was asked: without what was recorded meanwhile");
    assert!(rest.last().expect("a line").contains(r#""seq":1101,"#));
}

#[test]
fn the_start_of_an_id_names_an_event() {
    let scene = every_state();
    let log = scene.ok(&["log", "--json"]).stdout;
    for (seq, line) in (1_u64..).zip(log.lines()) {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let id = event["id"].as_str().expect("an id");
        for start in [&id[..13], id] {
            let answer = scene.ok(&["show", "--json", &format!("id:{start}")]).json();
            assert_eq!(answer["event"]["seq"], seq, "{start}");
        }
    }
}

/// No answer is as of a part of what a command recorded: a place inside it means all of it, or none.
#[test]
fn what_one_command_recorded_is_there_as_a_whole() {
    let scene = every_state();
    let log = scene.ok(&["log", "--json"]).stdout;
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut inside = 0;
    for (seq, event) in (1_usize..).zip(&events) {
        let of_one = |other: &&Value| other["command_id"] == event["command_id"];
        let last = seq + events[seq..].iter().take_while(of_one).count();
        let first = seq - events[..seq - 1].iter().rev().take_while(of_one).count();
        inside += u64::from(seq != last);
        let id = event["id"].as_str().expect("an id");
        for place in [format!("e{seq}"), format!("id:{id}"), format!("head~{}", events.len() - seq)] {
            let answer = scene.ok(&["status", "--json", "--at", &place]).json();
            assert_eq!(answer["as_of"]["seq"], last, "at {place}");
            let answer = scene.ok(&["status", "--json", "--before", &place]).json();
            assert_eq!(answer["as_of"]["seq"], first - 1, "before {place}");
        }
        // So many events before the last one up to a time.
        let place = format!("2030-01-01~{}", events.len() - seq);
        for flag in ["--at", "--before", "--known-at"] {
            let answer = scene.ok(&["status", "--json", flag, &place]).json();
            assert_eq!(answer["as_of"]["seq"], last, "{flag} {place}");
        }
    }
    assert!(inside > 0, "some command recorded several");
}

#[test]
fn show_an_event() {
    let scene = every_state();
    let marked = scene.run(&["show", "e14"]);
    let runs = [
        marked,
        scene.run(&["show", "e15"]),
        scene.run(&["show", "head~1"]),
        scene.run(&["show", "2025-10-29 18:10"]),
        scene.run(&["show", "e13"]),
    ];
    assert_snapshot("show_event", &pictures(runs));
}

#[test]
fn show_an_event_in_json() {
    let scene = every_state();
    let export = scene.ok(&["export"]).stdout;
    for (seq, line) in (1..).zip(export.lines().take_while(|line| line.contains("\"seq\""))) {
        let shown = scene.command().args(["show", &format!("e{seq}"), "--json"]).output().expect("it runs");
        let shown = String::from_utf8(shown.stdout).expect("UTF-8");
        let raw = scene.command().args(["log", "--json", &format!("e{}..e{seq}", seq - 1)]).output();
        let raw = String::from_utf8(raw.expect("it runs").stdout).expect("UTF-8");
        let raw = raw.trim_end_matches('\n');
        assert!(shown.contains(&format!("\"event\":{raw},\"leaf\"")), "{shown}\n{line}");
        let leaf = Digest::sha256(&[&[0], raw.as_bytes()].concat());
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["leaf"], leaf.to_string());
        assert_eq!(shown["schema"], "show/1");
    }
    let shown = scene.ok(&["show", "e14", "--json"]).json();
    assert_snapshot("show_event_json", &serde_json::to_string_pretty(&shown).expect("JSON"));
}

#[test]
fn show_a_phase() {
    let scene = every_state();
    scene.record(&["start", "fetch"]);
    scene.record(&["start", "fetch", "--take-over", "--reason", "the machine is gone"]);
    scene.record(&["note", "third time lucky", "--phase", "fetch"]);
    scene.record(&["reset", "fetch", "--reason", "start over"]);
    scene.record(&["start", "check", "--allow-unmet"]);
    let dropped = Scene::made();
    dropped.define("w", &[("a", &[]), ("b", &[])]);
    dropped.record(&["start", "a"]);
    dropped.define("w", &[("b", &[])]);
    let runs = [
        scene.run(&["show", "fetch"]),
        scene.run(&["show", "main/check"]),
        scene.run(&["show", "old"]),
        scene.run(&["show", "join"]),
        scene.run(&["show", "fetch", "--at", "e4"]),
        dropped.run(&["show", "a"]),
        Scene::example().run(&["show", "phase_2_analysis"]),
    ];
    assert_snapshot("show_phase", &pictures(runs));
    let shown = scene.ok(&["show", "fetch", "--json"]).json();
    assert_snapshot("show_phase_json", &serde_json::to_string_pretty(&shown).expect("JSON"));
}

#[test]
fn show_tells_places_and_phases_apart() {
    let scene = Scene::made();
    // No new phase may be called as a place or a time is.
    scene.define("w", &[("e", &[]), ("e1x", &[]), ("headline", &[])]);
    for (what, is_event) in [
        ("head", true),
        ("HEAD", true),
        ("head~0", true),
        ("1", true),
        ("e", false),
        ("w/e", false),
        ("e1x", false),
        ("E1", true),
        ("e1", true),
        ("seq:1", true),
        ("headline", false),
        ("2025-10-29T20:00:00Z", true),
        ("1 hour ago", true),
        ("now", true),
    ] {
        let ran = scene.run(&["show", what, "--json"]);
        let shown: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        let expected = if what == "1 hour ago" { None } else { Some(is_event) };
        let found = shown.get("event").map(|_| true).or(shown.get("phase").map(|_| false));
        assert_eq!(found, expected, "{}", ran.picture());
    }
}

/// A day has its own midnight and not the next one's, whoever is asked for it.
#[test]
fn found_7_a_day_is_from_its_midnight_up_to_the_next() {
    let scene = Scene::made();
    scene.clock("2025-10-28T12:00:00Z");
    scene.write("w.toml", "[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\n");
    scene.record(&["define", "w.toml"]);
    let times = [
        ("2025-10-28T23:59:59.999999Z", "1"),
        ("2025-10-29T00:00:00Z", "2"),
        ("2025-10-29T12:00:00Z", "4"),
        ("2025-10-29T23:59:59.999999Z", "8"),
        ("2025-10-30T00:00:00Z", "16"),
    ];
    for (time, amount) in times {
        scene.clock(time);
        scene.record(&["cost", "record", "a", amount]);
    }
    let days = scene.ok(&["cost", "by", "day", "--json"]).json();
    let of_day = days["groups"].as_array().expect("groups").iter().find(|group| group["key"] == "2025-10-29");
    assert_eq!(of_day.expect("the day")["spent"], "14");
    for (range, places, spent) in [
        ("2025-10-29..2025-10-30", 3..=5, "14"),
        ("2025-10-29..2025-10-29T12:00:00Z", 3..=3, "2"),
        ("2025-10-29T12:00:00Z..", 4..=6, "28"),
        ("..2025-10-29", 1..=2, "1"),
        ("e2..2025-10-30", 3..=5, "14"),
        ("2025-10-29..e4", 3..=4, "6"),
        ("2025-10-29~1..e4", 2..=4, "7"),
    ] {
        let found = scene.ok(&["log", range, "--json"]).stdout;
        let event = |line: &str| serde_json::from_str::<Value>(line).expect("an event")["seq"].as_u64();
        let found: Vec<_> = found.lines().filter_map(event).collect();
        assert_eq!(found, places.clone().collect::<Vec<u64>>(), "{range}");
        let costs = scene.ok(&["cost", "by", "phase", range, "--json"]).json();
        assert_eq!(costs["total"][0]["spent"], spent, "{range}");
        let steps = scene.ok(&["replay", range, "--json"]).stdout;
        assert_eq!(steps.lines().count(), places.clone().count() + 1, "{range}: {steps}");
    }
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let scene = Scene::example();
    let runs = [
        scene.run(&["status", "--at", "sometime"]),
        scene.run(&["status", "--at", "e99"]),
        scene.run(&["status", "--at", "e1", "--before", "e2"]),
        scene.run(&["status", "phase_99"]),
        scene.run(&["status", "--workflow", "nobody"]),
        scene.run(&["status", "--state", "DONE"]),
        scene.run(&["next", "--workflow", "nobody", "--json"]),
        scene.run(&["log", "e5"]),
        scene.run(&["log", "e5..e2"]),
        scene.run(&["log", "--kind", "phase_exploded"]),
        scene.run(&["log", "--workflow", "nobody"]),
        scene.run(&["log", "--phase", "phase_99", "--json"]),
        scene.run(&["show", "phase_99"]),
        scene.run(&["show", "e0"]),
        scene.run(&["show", "e5", "--at", "e4"]),
        scene.run(&["show", "id:xyz"]),
        scene.run(&["show", "tag:v1"]),
        scene.run(&["show", "a/b/c"]),
        Scene::empty().run(&["status"]),
        Scene::empty().run(&["log", "--json"]),
    ];
    assert_snapshot("ask_errors", &pictures(runs));
}
