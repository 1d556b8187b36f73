//! One bad file stops no set.

use super::*;

/// Two phases, each with inputs of its own.
const IN: &str =
    "[[phase]]\nid = \"b\"\ninputs = [\"in/*\"]\n[[phase]]\nid = \"c\"\ninputs = [\"other.txt\"]\n";

fn both() -> Scene {
    let scene = defined(IN);
    put(&scene, "in/one", "1");
    put(&scene, "other.txt", "1");
    scene
}

fn finding<'a>(scanned: &'a Value, phase: &str) -> &'a Value {
    let phases = scanned["phases"].as_array().expect("a list");
    phases.iter().find(|found| found["phase"] == phase).expect("it is scanned")
}

#[test]
fn found_2_a_scan_goes_on_past_what_cannot_be_read() {
    for odd in ODD {
        let scene = both();
        for phase in ["b", "c"] {
            scene.record(&["start", phase]);
            scene.record(&["complete", phase]);
        }
        (odd.make)(&scene.dir().join("in"));
        put(&scene, "other.txt", "2");
        let shown = format!("in/{}", odd.shown);
        let scanned = scene.run(&["scan"]);
        assert!(scanned.stdout.contains("appended e6 rerun_marked c"), "{}: {}", odd.kind, scanned.stdout);
        assert_eq!((state(&scene, "b"), state(&scene, "c")), ("COMPLETE".into(), "NEEDS_RERUN".into()));
        let json = scene.run(&["scan", "--json"]);
        let (b, c) = (json.json(), json.json());
        let (b, c) = (finding(&b, "b"), finding(&c, "c"));
        assert_eq!((&c["finding"], &c["unreadable"]), (&"reported".into(), &serde_json::json!([])));
        if odd.is_special {
            assert_eq!((scanned.code, json.code), (0, 0), "{}", odd.kind);
            let warning = format!("warning: `{shown}` is left out of `inputs` of `w/b`: {}\n", odd.why);
            assert_eq!(scanned.stderr, warning);
            assert_eq!((&b["finding"], &b["unreadable"]), (&"unchanged".into(), &serde_json::json!([])));
            continue;
        }
        assert_eq!((scanned.code, json.code), (1, 1), "{}", odd.kind);
        let lines = format!(
            "b: cannot be compared, not all its `inputs` can be read:\n      `{shown}` (declared as `in/*`): {}\n",
            odd.why
        );
        assert!(scanned.stdout.contains(&lines), "{}: {}", odd.kind, scanned.stdout);
        assert_eq!(b["finding"], "unreadable");
        assert_eq!(
            b["unreadable"],
            serde_json::json!([{"pattern": "in/*", "path": shown, "why": odd.why}]),
            "{}",
            odd.kind
        );
    }
}

#[test]
fn found_2_a_start_goes_on_and_its_inputs_are_unknown() {
    for odd in ODD {
        let scene = both();
        (odd.make)(&scene.dir().join("in"));
        let started = scene.ok(&["start", "b"]);
        let event = data(&scene, "phase_started");
        let shown = format!("in/{}", odd.shown);
        if odd.is_special {
            assert_eq!(event["inputs"].as_array().map(Vec::len), Some(1), "{}", odd.kind);
            let warning = format!("warning: `{shown}` is left out of `inputs` of `w/b`: {}\n", odd.why);
            assert_eq!(started.stderr, warning);
            continue;
        }
        let warning = format!(
            "warning: not all `inputs` of `w/b` can be read: what the attempt reads is not recorded, and no `scan` can \
             compare it\n  `{shown}` (declared as `in/*`): {}\n",
            odd.why
        );
        assert_eq!(started.stderr, warning, "{}", odd.kind);
        assert!(started.stdout.contains("inputs unknown: 1 unreadable"), "{}", started.stdout);
        assert_eq!(event.get("inputs"), None);
        assert_eq!(event["unreadable"][0]["path"], shown);
        scene.record(&["complete", "b"]);
        put(&scene, "in/one", "2");
        let scanned = scene.run(&["scan", "--json"]);
        assert_eq!((scanned.code, &finding(&scanned.json(), "b")["finding"]), (1, &"unknown".into()));
        // Once all can be read, nothing tells what was read then, and the next start does.
        fs::remove_dir_all(scene.dir().join("in")).expect("ours");
        put(&scene, "in/one", "2");
        assert_eq!(finding(&scene.ok(&["scan", "--json"]).json(), "b")["finding"], "unknown");
        let ran = scene.run(&["exec", "b", "--rerun", "--reason", "r", "--", "true"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(finding(&scene.ok(&["scan", "--json"]).json(), "b")["finding"], "unchanged");
    }
}

/// A pipe that is declared by its very name is meant: it is not left out.
#[test]
fn found_2_a_pipe_that_is_named_is_no_input() {
    let scene = defined("[[phase]]\nid = \"b\"\ninputs = [\"in/pipe\"]\n");
    fs::create_dir(scene.dir().join("in")).expect("a folder");
    let pipe = ODD.iter().find(|odd| odd.shown == "pipe").expect("one of them");
    (pipe.make)(&scene.dir().join("in"));
    let started = scene.ok(&["exec", "b", "--", "true"]);
    assert!(started.stderr.contains("  `in/pipe`: it is a pipe\n"), "{}", started.stderr);
    assert_eq!(data(&scene, "phase_started")["unreadable"][0]["path"], "in/pipe");
}

#[test]
fn found_2_more_files_than_are_kept_stop_no_scan() {
    let scene = both();
    for phase in ["b", "c"] {
        scene.record(&["start", phase]);
        scene.record(&["complete", phase]);
    }
    (0..10_000).for_each(|number| put(&scene, &format!("in/{number}"), ""));
    put(&scene, "other.txt", "2");
    let scanned = scene.run(&["scan"]);
    assert_eq!(scanned.code, 1);
    assert!(scanned.stdout.contains("rerun_marked c"), "{}", scanned.stdout);
    assert!(scanned.stdout.contains("10001 files with"), "{}", scanned.stdout);
}
