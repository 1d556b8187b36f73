//! Nothing is written while a ledger is held: a reader that pauses keeps nobody waiting, whatever was asked.

use std::io::{self, PipeReader, Read, Write};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::cli::Scene;
use crate::patience::eventually;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many notes there are: more than are read of the log while the ledger is held once.
const NOTES: usize = 4_200;

/// Every verb that asks.
const ASKING: &[&[&str]] = &[
    &["status"],
    &["next", "--blocked"],
    &["log"],
    &["log", "--json"],
    &["log", "--json", "--phase", "a"],
    &["show", "e2"],
    &["show", "a"],
    &["why", "c"],
    &["graph"],
    &["report"],
    &["report", "--json"],
    &["replay"],
    &["replay", "--json"],
    &["replay", "--quiet"],
    &["export"],
    &["cost", "summary"],
    &["cost", "by", "phase"],
    &["cost", "by", "root-cause"],
    &["cost", "check", "a", "--estimate", "1"],
    &["cost", "remaining", "a"],
    &["cost", "project", "plan.jsonl"],
    &["approval", "list"],
];

/// A ledger of which every verb has something to tell, and of which the log is read in pieces.
fn much() -> Scene {
    let scene = Scene::made();
    scene.write(
        "w.toml",
        "[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\ncost_limit = '10'\n[[phase]]\nid = 'b'\n\
         [[phase]]\nid = 'c'\nneeds = ['a', 'b']\n",
    );
    scene.write("plan.jsonl", "{\"phase\":\"a\",\"amount\":\"1\"}\n");
    scene.record(&["define", "w.toml"]);
    for phase in ["a", "b", "c"] {
        scene.record(&["start", phase]);
        scene.record(&["cost", "record", phase, "1.50", "--model", "m"]);
        scene.record(&["complete", phase]);
    }
    scene.record(&["approval", "request", "tidy", "--estimate", "1", "--items", "1"]);
    scene.record(&["rerun", "a", "--reason", "new data"]);
    let notes = "{\"do\":\"note\",\"text\":\"one of many\",\"phase\":\"a\"}\n".repeat(NOTES);
    let notes = scene.write("notes.jsonl", &notes);
    scene.ok(&["append", notes.to_str().expect("a path of ASCII"), "--atomic"]);
    scene
}

/// What a verb said: on stdout, on stderr, and by its exit code.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

fn said(scene: &Scene, args: &[&str]) -> Said {
    let output = scene.command().args(args).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
}

/// A verb whose reader pauses: its stdout is a pipe that is full before it writes anything.
struct Paused {
    child: Child,
    reader: PipeReader,
    filled: usize,
}

impl Paused {
    fn begin(scene: &Scene, args: &[&str]) -> Self {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let flags = fcntl_getfl(&writer).expect("flags");
        fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("flags");
        let mut filled = 0;
        for bytes in [[b'.'; 4096].as_slice(), b"."] {
            while let Ok(written) = writer.write(bytes) {
                filled += written;
            }
        }
        fcntl_setfl(&writer, flags).expect("flags");
        let mut command = scene.command();
        command.args(args).stdout(writer).stderr(Stdio::piped());
        Paused { child: command.spawn().expect("the program runs"), reader, filled }
    }

    /// Reads on, to the end.
    fn go_on(mut self) -> Said {
        let mut stdout = Vec::new();
        self.reader.read_to_end(&mut stdout).expect("the pipe is read");
        let output = self.child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let stdout = text(stdout.split_off(self.filled));
        Said { stdout, stderr: text(output.stderr), code: output.status.code() }
    }
}

/// Asks, and pauses; what others record meanwhile is recorded, and not part of the answer. Where a verb had not begun by
/// then it is asked again, and given more time.
fn others_write_meanwhile(scene: &Scene, args: &[&str]) -> Result<(), String> {
    let mut time_to_begin = Duration::from_millis(50);
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let expected = said(scene, args);
        if expected.stdout.is_empty() {
            return Err(format!("it says nothing: {expected:?}"));
        }
        let paused = Paused::begin(scene, args);
        sleep(time_to_begin);
        let note = scene.run(&["note", "meanwhile", "--lock-timeout", "5s"]);
        let answered = paused.go_on();
        if note.code != 0 {
            return Err(format!("it keeps others waiting: {}", note.picture()));
        }
        if answered == expected {
            return Ok(());
        }
        if answered != said(scene, args) {
            return Err("its answer is neither as of before the note nor as of after".to_owned());
        }
        time_to_begin *= 2;
    }
    Err("it never began before the note".to_owned())
}

#[test]
fn whoever_pauses_keeps_nobody_waiting_whatever_was_asked() {
    let scene = much();
    let wrong = |args: &&[&str]| {
        let why = others_write_meanwhile(&scene, args).err()?;
        Some(format!("`{}`: {why}", args.join(" ")))
    };
    let wrong: Vec<_> = ASKING.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// More commands than may become durable while their answers wait to be read.
const COMMANDS: usize = 12_000;

/// Who reads the answers of `append` slowly makes `append` wait, and nobody else: the ledger is let go first.
#[test]
fn whoever_reads_the_answers_of_append_slowly_keeps_nobody_waiting() {
    let scene = much();
    let line = |number: usize| {
        format!("{{\"do\":\"note\",\"text\":\"number {number}\",\"id\":\"key:many {number}\"}}\n")
    };
    let lines: String = (0..COMMANDS).map(line).collect();
    let file = scene.write("many.jsonl", &lines);
    let paused = Paused::begin(&scene, &["append", file.to_str().expect("a path of ASCII")]);
    let recorded =
        || said(&scene, &["log", "--json", "--kind", "note_added"]).stdout.matches("number ").count();
    let mut before = 0;
    eventually("it waits for whoever reads", || {
        let note = scene.run(&["note", "meanwhile", "--lock-timeout", "5s"]);
        assert_eq!(note.code, 0, "it keeps others waiting: {}", note.picture());
        sleep(Duration::from_millis(100));
        let now = recorded();
        std::mem::replace(&mut before, now) == now && now > 0
    });
    assert!(before < COMMANDS, "it did not wait: {before} of them are recorded");
    let answered = paused.go_on();
    let appended = answered.stdout.matches("\"appended\"").count();
    assert_eq!((answered.code, appended), (Some(0), COMMANDS), "{}", answered.stderr);
    assert_eq!(recorded(), COMMANDS);
}
