//! Streams that break: a bad line in the middle, nothing at all, nobody who reads, no room for the answer.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use super::{Scene, export, finish, run, skip, unchanged};

fn note(number: usize) -> String {
    format!("{{\"do\":\"note\",\"text\":\"note {number}\",\"id\":\"key:note/{number}\"}}\n")
}

fn notes(scene: &Scene) -> usize {
    String::from_utf8(export(scene)).expect("UTF-8").matches("\"kind\":\"note_added\"").count()
}

#[test]
fn a_bad_line_in_the_middle() {
    // More than one batch in front of it.
    let before: String = (1..=1500).map(note).collect();
    let bad =
        ["{\"do\":\"note\"}\n", "nonsense\n", "{\"do\":\"start\",\"phase\":\"zz\"}\n", "\u{0}\n", "[]\n"];
    for (at, line) in bad.iter().enumerate() {
        let scene = Scene::small();
        let input = format!("{before}\n{line}{}", note(9999));
        let said = "line 1502";
        if at == 0 {
            unchanged(&scene, || {
                let outcome = run(&scene, &["append", "--atomic"], input.as_bytes()).calm(line);
                assert!(outcome.code == Some(2) && outcome.stdout.is_empty(), "{}", outcome.stderr);
                assert!(outcome.stderr.contains(said) && outcome.stderr.contains("nothing was recorded"));
            });
        }
        let outcome = run(&scene, &["append", "--json"], input.as_bytes()).calm(line);
        assert_eq!(
            outcome.stdout.iter().filter(|&&byte| byte == b'\n').count(),
            1500,
            "one answer a command"
        );
        let error: serde_json::Value = serde_json::from_str(&outcome.stderr).expect("one object");
        assert_eq!((&error["error"]["line"], &error["error"]["recorded"]), (&1502.into(), &1500.into()));
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(
            message.starts_with(said) && message.ends_with("the 1500 commands before it stand"),
            "{message}"
        );
        assert_eq!(notes(&scene), 1500);
        if at == 0 {
            // Mended and sent again, it goes on where it stopped.
            let mended = format!("{before}{}", note(9999));
            let outcome = run(&scene, &["append"], mended.as_bytes());
            let answers = String::from_utf8(outcome.stdout).expect("UTF-8");
            assert_eq!(answers.matches("\"duplicate\"").count(), 1500);
            assert_eq!((outcome.code, notes(&scene)), (Some(0), 1501));
        }
    }
}

#[test]
fn an_id_with_other_content_ends_the_stream() {
    let scene = Scene::small();
    let input = format!("{}{}", note(1), note(2).replace("key:note/2", "key:note/1"));
    let outcome = run(&scene, &["append"], input.as_bytes()).calm("other content");
    assert!(outcome.code == Some(3) && outcome.stderr.contains("line 2: "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("the command before it stands"), "{}", outcome.stderr);
    unchanged(&scene, || {
        let both = format!("{}{}", note(7), note(8).replace("key:note/8", "key:note/7"));
        run(&scene, &["append", "--atomic"], both.as_bytes()).refused(3, "nothing was recorded");
    });
}

#[test]
fn nothing_at_all() {
    let scene = Scene::small();
    unchanged(&scene, || {
        for input in ["", "\n", "\r\n \n\n"] {
            for args in [&["append"][..], &["append", "--atomic"]] {
                let outcome = run(&scene, args, input.as_bytes());
                assert_eq!((outcome.code, outcome.stdout.len(), outcome.stderr.as_str()), (Some(0), 0, ""));
            }
        }
        run(&scene, &["import", "-"], b"").refused(5, "line 1: the file ends without its last line");
        run(&scene, &["define", "-"], b"").refused(2, "the file is empty");
        let outcome = run(&scene, &["import", "--format", "history", "-"], b"");
        assert!(outcome.code == Some(0) && outcome.stdout.starts_with(b"unchanged: 0 lines"));
    });
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scene = Scene::example();
    let lines: String = (1..=3000).map(note).collect();
    fs::write(scene.dir().join("notes.jsonl"), lines).expect("the folder takes a file");
    for (args, reader) in
        [("export", "true"), ("man", "head -c 1"), ("completions bash", "true"), ("--help", "true")]
    {
        let script = format!("{{ \"$0\" {args}; echo $? >code; }} | {reader}");
        let outcome = sh(&scene, &script);
        assert_eq!(outcome.stderr, "", "{args}");
        assert_eq!(fs::read_to_string(scene.dir().join("code")).expect("a code"), "0\n", "{args}");
    }
    // What is asked for is recorded all the same, to the last line.
    let outcome = sh(&scene, "{ sleep 0.2; \"$0\" append notes.jsonl; echo $? >code; } | true");
    assert!(outcome.stderr.starts_with("3000 commands recorded in "), "{}", outcome.stderr);
    assert_eq!(fs::read_to_string(scene.dir().join("code")).expect("a code"), "0\n");
    assert_eq!(notes(&scene), 3000);
}

/// Runs a script in which `$0` is the program.
fn sh(scene: &Scene, script: &str) -> super::Outcome {
    let program = scene.command();
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(program.get_program()).current_dir(scene.dir());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    finish(command, b"")
}

#[test]
fn no_room_for_the_answer() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return skip("no_room_for_the_answer", "/dev/full", "the system has no /dev/full");
    };
    let scene = Scene::example();
    let to_full = |args: &[&str], input: &str| {
        let mut command = scene.command();
        fs::write(scene.dir().join("input"), input).expect("the folder takes a file");
        let input = File::open(scene.dir().join("input")).expect("the file");
        command.args(args).stdin(input).stderr(Stdio::piped()).stdout(full.try_clone().expect("a handle"));
        let output =
            command.spawn().and_then(std::process::Child::wait_with_output).expect("the program runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(74), "{args:?}: {stderr}");
        assert!(stderr.contains("cannot write the answer: "), "{args:?}: {stderr}");
        stderr
    };
    unchanged(&scene, || {
        for args in
            [&["export"][..], &["verify"], &["verify", "--json"], &["man"], &["--help"], &["--version"]]
        {
            to_full(args, "");
        }
        to_full(&["completions", "zsh"], "");
        to_full(&["note", "x", "--dry-run"], "");
    });
    // What was asked for is recorded before it is answered, and the message says so.
    assert!(to_full(&["note", "x"], "").contains("it is recorded all the same, as e11"));
    assert!(to_full(&["append"], &note(1)).contains("; the command before it stands"));
    assert_eq!(notes(&scene), 2);
}

#[test]
fn a_pipe_and_a_link_stay_what_they_are() {
    let scene = Scene::example();
    let whole = export(&scene);
    fs::write(scene.dir().join("real"), "old").expect("the folder takes a file");
    std::os::unix::fs::symlink("real", scene.dir().join("link")).expect("a link");
    let outcome = run(&scene, &["export", "--output", "link"], b"");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(scene.dir().join("link").is_symlink());
    assert_eq!(fs::read(scene.dir().join("real")).expect("the file"), whole);
    // A pipe with a name stands for the devices: a wrong program, run by root, would replace those for everybody.
    let outcome =
        sh(&scene, "mkfifo fifo && { cat fifo & \"$0\" export --output fifo; wait; test -p fifo; }");
    assert_eq!((outcome.code, outcome.stdout), (Some(0), whole), "{}", outcome.stderr);
}
