//! Streams into `append`: sent again after a cut anywhere, and long ones.

mod earlier;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Scene;
use crate::skip::skip;

/// Lines of every verb, each under an id of its own.
fn stream(scene: &Scene, rounds: usize) -> String {
    scene.define("w", &[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let mut lines = String::new();
    let mut number = 0;
    let mut push = |rest: String| {
        number += 1;
        lines.push_str(&format!("{{{rest},\"id\":\"key:line/{number}\"}}\n"));
    };
    for round in 0..rounds {
        for phase in ["a", "b", "c"] {
            let before = if phase == "a" { 2 * round } else { round };
            push(format!(r#""do":"start","phase":"{phase}","expect":["state=PENDING","attempt={before}"]"#));
            push(format!(r#""do":"meta","phase":"{phase}","metadata":{{"round":{round},"title":"é ✓"}}"#));
            push(format!(r#""do":"complete","phase":"w/{phase}","by":"bob""#));
        }
        push(r#""do":"rerun","phase":"a","reason":"new books""#.to_owned());
        push(format!(r#""do":"note","text":"round {round}","phase":"b""#));
        push(format!(r#""do":"tag","name":"round-{round}""#));
        push(r#""do":"start","phase":"a","expect":"state=NEEDS_RERUN""#.to_owned());
        push(r#""do":"fail","phase":"a","error":"gone","exit_code":1"#.to_owned());
        push(r#""do":"skip","phase":"a","reason":"enough""#.to_owned());
        push(r#""do":"reset","all":true,"reason":"again""#.to_owned());
    }
    lines
}

/// Runs `append` on some bytes, which must be done, and returns its answers.
fn append(scene: &Scene, args: &[&str], input: &[u8]) -> (String, String) {
    let mut command = scene.command();
    command.arg("append").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the program ends");
    let _ = writer.join().expect("no panic");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (answers, said) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{said}");
    (answers, said)
}

/// Sends some bytes, and kills the program once it has answered so many lines, and a while later. Where the input does
/// not end before that, more could come.
fn cut_off(scene: &Scene, args: &[&str], (input, ends): (&[u8], bool), answers: usize, wait: Duration) {
    let mut command = scene.command();
    command.arg("append").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let _ = stdin.write_all(input);
    let _open = (!ends).then_some(stdin);
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.lines().take(answers).for_each(drop);
    thread::sleep(wait);
    child.kill().expect("a child to kill");
    child.wait().expect("the end of the child");
}

/// A copy of the lines without what differs between two ledgers that were filled at other times.
fn events(scene: &Scene) -> Vec<(String, String, String)> {
    let text = scene.ok(&["export"]).stdout;
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let of = |line: &serde_json::Value, field: &str| line[field].to_string();
    lines.map(|line| (of(&line, "id"), of(&line, "kind"), of(&line, "causation_id"))).collect()
}

#[test]
fn a_stream_that_was_cut_anywhere_and_is_sent_again_changes_nothing_twice() {
    let calm = Scene::made();
    let lines = stream(&calm, 6);
    let (answers, said) = append(&calm, &[], lines.as_bytes());
    let count = lines.lines().count();
    assert_eq!((answers.lines().count(), said.as_str()), (count, ""), "a few commands are not worth a word");
    let before = calm.ok(&["export"]).stdout;
    for args in [&[][..], &["--atomic"]] {
        let (again, _) = append(&calm, args, lines.as_bytes());
        assert_eq!(again.matches("\"status\":\"duplicate\"").count(), count);
        let places = |answers: &str| -> Vec<String> {
            answers.lines().map(|line| line.split(',').nth(1).expect("a place").to_owned()).collect()
        };
        assert_eq!(places(&again), places(&answers), "a duplicate tells its place");
        assert_eq!(before, calm.ok(&["export"]).stdout, "sent again, it changed something");
    }
    let expected = events(&calm);
    for cut in 0..12 {
        let scene = Scene::made();
        stream(&scene, 0);
        // Bytes and answers that look random, with cuts within a line and within a character.
        for turn in 0..3 {
            let bytes = (cut * 7919 + turn * 104_729) % lines.len();
            let answers = (cut * 13 + turn * 5) % 40;
            let whole = lines.as_bytes()[..bytes].iter().filter(|byte| **byte == b'\n').count();
            let wait = Duration::from_micros((cut * 997 % 4000) as u64);
            cut_off(&scene, &[], (&lines.as_bytes()[..bytes], false), answers.min(whole), wait);
        }
        append(&scene, &[], lines.as_bytes());
        assert_eq!(events(&scene), expected, "cut {cut}: another history");
        let before = scene.ok(&["export"]).stdout;
        append(&scene, &[], lines.as_bytes());
        assert_eq!(before, scene.ok(&["export"]).stdout, "cut {cut}: the second time changed something");
        scene.ok(&["verify"]);
    }
}

#[test]
fn an_atomic_stream_that_was_killed_is_there_whole_or_not_at_all() {
    let calm = Scene::made();
    let lines = stream(&calm, 30);
    append(&calm, &["--atomic"], lines.as_bytes());
    let expected = events(&calm);
    let (input, count) = (lines.as_bytes(), lines.lines().count());
    // Killed before the end of its input, at once and when it could have recorded all; at some time while it records; and
    // after its last answer.
    let waiting = [0, 1_500].map(|wait| (false, 0, wait, Some(false)));
    let recording = (0..10).map(|cut| (true, 0, cut * 40, None));
    let answered = (true, count, 0, Some(true));
    for (ends, answers, wait, is_whole) in waiting.into_iter().chain(recording).chain([answered]) {
        let scene = Scene::made();
        stream(&scene, 0);
        let empty = events(&scene);
        cut_off(&scene, &["--atomic"], (input, ends), answers, Duration::from_millis(wait));
        let found = events(&scene);
        let what = format!("{answers} answers and {wait} ms: {} of {} events", found.len(), expected.len());
        assert!(found == empty || found == expected, "{what}");
        assert!(is_whole.is_none_or(|is_whole| (found == expected) == is_whole), "{what}");
        append(&scene, &["--atomic"], input);
        assert_eq!(events(&scene), expected, "{what}");
    }
}

/// Returns the most memory that a process had, in kilobytes, where the system tells.
fn memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().split(' ').next()?.parse().ok()
}

/// A stream of 50,000 lines without an end: the memory must not grow with it. (A million take as much: see
/// docs/performance.md.)
#[test]
fn a_long_stream_takes_little_memory_and_tells_its_rate() {
    const LINES: usize = 50_000;
    let scene = Scene::small();
    let mut command = scene.command();
    command.arg("append").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("PHASELEDGER_CLOCK");
    let mut child = command.spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let (sent, go_on) = std::sync::mpsc::channel::<()>();
    let writer = thread::spawn(move || {
        for number in 0..LINES {
            let line =
                format!("{{\"do\":\"note\",\"text\":\"note {number}\",\"id\":\"key:long/{number}\"}}\n");
            stdin.write_all(line.as_bytes()).expect("the program reads");
        }
        // The end is held back until the memory was looked at.
        let _ = go_on.recv();
    });
    let answers = BufReader::new(child.stdout.take().expect("a pipe")).lines().take(LINES);
    assert_eq!(answers.map_while(Result::ok).filter(|line| line.contains("\"appended\"")).count(), LINES);
    let most = memory(child.id());
    drop(sent);
    writer.join().expect("no panic");
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
    assert!(child.wait().expect("the end of the child").success(), "{said}");
    let told = said.starts_with("50000 commands recorded in ") && said.trim_end().ends_with(" a second");
    assert!(told, "{said}");
    match most {
        Some(kilobytes) => assert!(kilobytes < 200_000, "{kilobytes} kB"),
        None => skip(
            "a_long_stream_takes_little_memory_and_tells_its_rate",
            "/proc",
            "this system does not tell the memory of a process",
        ),
    }
}

/// Who reads errors as JSON gets nothing else on stderr.
#[test]
fn the_rate_is_talk() {
    let scene = Scene::small();
    let lines: String = (0..1200).map(|n| format!("{{\"do\":\"note\",\"text\":\"{n}\"}}\n")).collect();
    assert_eq!(append(&scene, &["--json"], lines.as_bytes()).1, "");
    let (answers, said) = append(&scene, &["--atomic"], lines.as_bytes());
    assert!(answers.lines().count() == 1200 && said.starts_with("1200 commands recorded in "), "{said}");
}

/// What lies far apart in a log that was archived and merged many times is what its exported lines say: what events led to, and
/// which events are about a phase or of a kind.
#[test]
fn found_17_what_is_far_apart_is_found() {
    let scene = Scene::made();
    append(&scene, &[], stream(&scene, 260).as_bytes());
    let exported = scene.ok(&["export"]).stdout;
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let events: Vec<&Value> = events.iter().filter(|event| event["seq"].is_u64()).collect();
    assert!(events.len() > 4_000, "{} events", events.len());
    for of in events.iter().step_by(311).chain([events.last().expect("an event")]) {
        let shown = scene.ok(&["show", &format!("e{}", of["seq"]), "--json"]).json();
        let mut forced = vec![&of["id"]];
        let later = events.iter().filter(|event| event["seq"].as_u64() > of["seq"].as_u64());
        let effects: Vec<&Value> = later
            .filter(|event| {
                let is_own = event["command_id"] == of["command_id"];
                let causes = event["causes"].as_array().into_iter().flatten();
                let is_led_to = causes
                    .map(|cause| &cause["event"])
                    .any(|cause| if is_own { forced.contains(&cause) } else { *cause == of["id"] });
                if is_led_to && is_own {
                    forced.push(&event["id"]);
                }
                is_led_to
            })
            .map(|event| &event["seq"])
            .collect();
        let found: Vec<&Value> =
            shown["effects"].as_array().expect("a list").iter().map(|it| &it["seq"]).collect();
        assert_eq!(found, effects, "of e{}", of["seq"]);
    }
    let count = |arguments: &[&str]| scene.ok(arguments).stdout.lines().count();
    for (field, value, flag) in [("phase", "b", "--phase"), ("kind", "phase_reset", "--kind")] {
        let expected = events.iter().filter(|event| event[field] == value).count();
        assert_eq!(count(&["log", flag, value, "--json"]), expected, "{flag} {value}");
        assert_eq!(count(&["log", flag, value, "--json", "-n", "7"]), 7, "{flag} {value}");
    }
    let all = scene.ok(&["show", "c", "--all", "--json"]).json();
    let last = scene.ok(&["show", "c", "-n", "3", "--json"]).json();
    let attempts = |shown: &Value| shown["attempts"].as_array().expect("a list").clone();
    let number = attempts(&all).len();
    assert_eq!(attempts(&last), attempts(&all)[number - 3..]);
    assert_eq!((&last["attempts_before"], &all["attempts_before"]), (&(number - 3).into(), &Value::Null));
    let told = scene.ok(&["show", "c", "-n", "3"]).stdout;
    assert!(told.contains(&format!("… {} attempts before left out: `--all` tells", number - 3)), "{told}");
    let usual = scene.ok(&["show", "c", "--json"]).json();
    assert!(number > 20, "there are more than are told: {number}");
    assert_eq!(attempts(&usual), attempts(&all)[number - 20..]);
}
