//! An attempt ends as it ended, whatever became of its outputs.

use std::io::Write;
use std::process::Stdio;

use super::*;
use crate::patience::in_time;

/// A phase that puts out `out/*`, and one below that needs it.
const OUT: &str = "[[phase]]\nid = \"a\"\noutputs = [\"out/*\"]\n[[phase]]\nid = \"b\"\nneeds = [\"a\"]\n";

/// Makes a ledger whose phase finds one odd file beside a good one.
fn with(odd: &Odd) -> Scene {
    let scene = defined(OUT);
    put(&scene, "out/good", "good");
    (odd.make)(&scene.dir().join("out"));
    scene
}

/// Checks that the last end has no digest, and tells of the file.
fn check_end(scene: &Scene, odd: &Odd) {
    let ended = data(scene, "phase_completed");
    let found =
        serde_json::json!([{"pattern": "out/*", "path": format!("out/{}", odd.shown), "why": odd.why}]);
    assert_eq!(ended["unreadable"], found, "{}", odd.kind);
    for key in ["output", "outputs", "unreadable_more"] {
        assert_eq!(ended.get(key), None, "{key} of {}", odd.kind);
    }
    assert_eq!(state(scene, "a"), "COMPLETE", "{}", odd.kind);
    scene.ok(&["verify"]);
}

fn check_warning(stderr: &str, odd: &Odd) {
    let warning = "warning: not all `outputs` of `w/a` can be read: no digest of them is recorded\n";
    assert!(stderr.contains(warning), "{}: {stderr}", odd.kind);
    assert!(
        stderr.contains(&format!("  `out/{}` (declared as `out/*`): {}\n", odd.shown, odd.why)),
        "{}: {stderr}",
        odd.kind
    );
}

#[test]
fn found_1_exec_ends_as_its_command_whatever_that_puts_out() {
    for odd in ODD {
        let scene = with(odd);
        let ran = scene.run(&["exec", "a", "--if-needed", "--", "sh", "-c", "echo x >>ran; echo DONE"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "DONE\n"), "{}: {}", odd.kind, ran.stderr);
        check_warning(&ran.stderr, odd);
        check_end(&scene, odd);
        let again = scene.ok(&["exec", "a", "--if-needed", "--", "sh", "-c", "echo x >>ran"]);
        assert!(again.stderr.contains("is not run: it is COMPLETE"), "{}", again.stderr);
        assert_eq!(fs::read_to_string(scene.dir().join("ran")).expect("it ran"), "x\n");
        scene.ok(&["start", "b"]);
    }
}

#[test]
fn found_1_a_command_that_fails_exits_as_it_does() {
    let scene = with(&ODD[0]);
    let ran = scene.run(&["exec", "a", "--", "sh", "-c", "exit 7"]);
    assert_eq!((ran.code, state(&scene, "a").as_str()), (7, "FAILED"));
}

#[test]
fn found_1_complete_and_append_end_the_attempt() {
    for odd in ODD {
        let scene = with(odd);
        scene.record(&["start", "a"]);
        let completed = scene.ok(&["complete", "a"]);
        check_warning(&completed.stderr, odd);
        assert!(completed.stdout.contains("outputs unknown: 1 unreadable"), "{}", completed.stdout);
        check_end(&scene, odd);
        scene.record(&["start", "a", "--rerun", "--reason", "again"]);
        for args in [&["append"][..], &["append", "--atomic"]] {
            let mut command = scene.command();
            command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("it runs");
            let lines = "{\"do\":\"complete\",\"phase\":\"a\"}\n\
                {\"do\":\"start\",\"phase\":\"a\",\"rerun\":true,\"reason\":\"again\"}\n";
            child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}: {output:?}", odd.kind);
            let answers = String::from_utf8(output.stdout).expect("UTF-8");
            let answer: Value = serde_json::from_str(answers.lines().next().expect("a line")).expect("JSON");
            assert_eq!(answer["unreadable"][0]["path"], format!("out/{}", odd.shown));
            check_warning(&String::from_utf8(output.stderr).expect("UTF-8"), odd);
        }
        scene.ok(&["complete", "a", "--json"]);
        check_end(&scene, odd);
    }
}

/// Who reads JSON is told in the answer, and by nothing else.
#[test]
fn found_1_answers_tell_of_files_that_cannot_be_read() {
    let scene = with(&ODD[0]);
    let ran = scene.run(&["exec", "a", "--json", "--", "true"]);
    let answer: Value = serde_json::from_str(&ran.stderr).expect("one line");
    assert_eq!((ran.code, &answer["outcome"]), (0, &"completed".into()));
    assert_eq!(answer["ended"]["unreadable"][0]["why"], ODD[0].why);
    let scene = with(&ODD[0]);
    scene.record(&["start", "a"]);
    let completed = scene.ok(&["complete", "a", "--json"]);
    assert_eq!(completed.json()["unreadable"][0]["why"], ODD[0].why);
    assert_eq!(completed.stderr, "");
}

/// A file that may not be read, and a folder, where the one who tests is not root.
#[test]
fn found_1_what_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let scene = defined(&OUT.replace("out/*", "out/**"));
    put(&scene, "out/closed/in", "x");
    put(&scene, "out/secret", "x");
    let close = |path: &str, mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(scene.dir().join(path), mode).expect("ours");
    };
    close("out/closed", 0);
    close("out/secret", 0);
    let is_root = fs::read(scene.dir().join("out/secret")).is_ok();
    let ran = scene.run(&["exec", "a", "--", "true"]);
    let ended = data(&scene, "phase_completed");
    close("out/closed", 0o700);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    if is_root {
        assert_eq!(ended["outputs"].as_array().map(Vec::len), Some(2), "root may read anything");
        return;
    }
    let paths: Vec<_> =
        ended["unreadable"].as_array().expect("two").iter().map(|file| &file["path"]).collect();
    assert_eq!(paths, ["out/closed", "out/secret"]);
}

/// Names with characters that act on a terminal are names: the files have digests, and are shown escaped.
#[test]
fn found_1_names_with_control_characters_are_recorded() {
    let scene = defined(OUT);
    put(&scene, "out/a\nb\u{1b}[31m\u{202e}c", "x");
    let ran = scene.run(&["exec", "a", "--", "true"]);
    assert_eq!((ran.code, ran.stderr.contains("warning")), (0, false), "{}", ran.stderr);
    let ended = data(&scene, "phase_completed");
    assert_eq!(ended["outputs"][0]["path"], "out/a\nb\u{1b}[31m\u{202e}c");
    fs::remove_dir_all(scene.dir().join("out")).expect("ours");
    fs::create_dir(scene.dir().join("out")).expect("a folder");
    symlink("nowhere", scene.dir().join("out/a\nb\u{1b}[31m\u{202e}c")).expect("a link");
    let ran = scene.run(&["exec", "a", "--rerun", "--reason", "r", "--", "true"]);
    assert!(ran.stderr.contains(r"  `out/a\u{a}b\u{1b}[31m\u{202e}c` (declared as"), "{}", ran.stderr);
}

/// Five are named in the warning, 32 in the event; the others are counted.
#[test]
fn found_1_many_odd_files_are_counted() {
    let scene = defined(OUT);
    fs::create_dir(scene.dir().join("out")).expect("a folder");
    for number in 0..40 {
        symlink("nowhere", scene.dir().join(format!("out/{number:02}"))).expect("a link");
    }
    let ran = scene.run(&["exec", "a", "--", "true"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("a link to a file that is not there").count(), 5);
    assert!(ran.stderr.contains("  and 35 more\n"), "{}", ran.stderr);
    let ended = data(&scene, "phase_completed");
    assert_eq!(ended["unreadable"].as_array().map(Vec::len), Some(32));
    assert_eq!((&ended["unreadable_more"], &ended["unreadable"][31]["path"]), (&8.into(), &"out/31".into()));
}

#[test]
fn found_1_more_files_than_are_kept_do_not_lose_the_end() {
    let scene = defined(OUT);
    let folder = scene.dir().join("out");
    fs::create_dir(&folder).expect("a folder");
    (0..10_001).for_each(|number| fs::write(folder.join(number.to_string()), "").expect("a file"));
    let ran = scene.run(&["exec", "a", "--", "true"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("  `out/*`: 10001 files with"), "{}", ran.stderr);
    assert_eq!(state(&scene, "a"), "COMPLETE");
    assert_eq!(data(&scene, "phase_completed")["unreadable"].as_array().map(Vec::len), Some(1));
}

/// What somebody names is what they mean.
#[test]
fn a_named_output_that_cannot_be_read_fails_as_it_did() {
    let scene = with(&ODD[0]);
    scene.record(&["start", "a"]);
    assert_eq!(scene.run(&["complete", "a", "--output", "out/latest"]).code, 4);
    assert_eq!(state(&scene, "a"), "IN_PROGRESS");
    scene.ok(&["complete", "a", "--output", "out/good"]);
    assert_eq!(data(&scene, "phase_completed").get("unreadable"), None);
    let args = ["exec", "a", "--rerun", "--reason", "r", "--output", "out/latest", "--", "true"];
    assert_ne!(scene.run(&args).code, 0);
    assert_eq!(state(&scene, "a"), "FAILED");
}

/// Nobody writes to it any more: who reads it waits for ever.
#[test]
fn found_1_a_pipe_that_is_named_as_output_is_not_waited_for() {
    let pipe = ODD.iter().find(|odd| odd.shown == "pipe").expect("one of them");
    let scene = with(pipe);
    let ran = scene.run(&["exec", "a", "--output", "out/pipe", "--", "true"]);
    assert_eq!((ran.code, state(&scene, "a").as_str()), (74, "FAILED"));
    assert!(
        ran.stderr.contains("without its output: cannot read `out/pipe`: it is a pipe"),
        "{}",
        ran.stderr
    );
}

/// Nobody writes to it any more, and nothing else ends it: who reads it waits for ever.
#[test]
fn found_1_what_has_no_bytes_is_no_output_of_complete() {
    for odd in ODD.iter().filter(|odd| odd.is_special) {
        let scene = with(odd);
        scene.record(&["start", "a"]);
        let path = format!("out/{}", odd.shown);
        let refused = in_time(odd.kind, move || {
            let refused = scene.run(&["complete", "a", "--output", &path]);
            assert_eq!(state(&scene, "a"), "IN_PROGRESS");
            refused
        });
        assert_eq!(refused.code, 74, "{}", refused.picture());
        assert!(refused.stderr.contains(odd.why), "{}", refused.picture());
    }
}

/// A file of the system may say that it is empty, and have no end.
#[test]
#[cfg(target_os = "linux")]
fn found_1_what_has_no_end_is_not_read_for_ever() {
    let scene = defined(OUT);
    fs::create_dir(scene.dir().join("out")).expect("a folder");
    symlink("/proc/self/pagemap", scene.dir().join("out/endless")).expect("a link");
    let ended = in_time("reading it", move || {
        scene.ok(&["exec", "a", "--", "true"]);
        data(&scene, "phase_completed")
    });
    let why = ended["unreadable"][0]["why"].as_str().expect("a text");
    // Where the system does not give it away, that is what is told.
    assert!(why.starts_with("it says that it is empty") || why.contains("(os error"), "{why}");
}

#[test]
fn found_1_a_command_that_removes_its_working_folder_has_ended() {
    for (dir, exit) in [(None, 0), (None, 5), (Some("../ledger"), 0)] {
        let scene = with(&ODD[1]);
        let place = scene.dir().join("sub");
        fs::create_dir(&place).expect("a folder");
        let mut command = scene.command();
        command.env_remove("PHASELEDGER_DIR").current_dir(&place);
        command.args(dir.map(|dir| format!("--dir={dir}")));
        command.args(["exec", "a", "--", "sh", "-c", &format!("rmdir ../sub; exit {exit}")]);
        let ran = command.output().expect("it runs");
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(exit), "{stderr}");
        assert_eq!(state(&scene, "a"), if exit == 0 { "COMPLETE" } else { "FAILED" }, "{stderr}");
    }
}

#[test]
fn found_1_an_end_that_finds_no_ledger_says_whose_it_is() {
    let scene = with(&ODD[0]);
    let ran = scene.run(&["exec", "a", "--", "mv", "ledger", "elsewhere"]);
    fs::rename(scene.dir().join("elsewhere"), scene.dir().join("ledger")).expect("it is there");
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("error: cannot complete attempt 1 of `w/a`: no "), "{}", ran.picture());
    assert!(
        ran.stderr.contains("hint: the command has ended, but the ledger does not know"),
        "{}",
        ran.picture()
    );
    assert_eq!(state(&scene, "a"), "IN_PROGRESS");
}
