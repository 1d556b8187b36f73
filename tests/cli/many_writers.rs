//! Many processes on one ledger, half of them killed: what was acknowledged is there, once, whole, and nobody
//! fails because another one works.
//!
//! `PHASELEDGER_WRITERS`, `PHASELEDGER_APPENDS` and `PHASELEDGER_SEED` make other and longer runs.

mod mixed;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::Scene;
use crate::numbers::{Numbers, seed, setting};
use crate::patience::eventually;
use serde_json::Value;

/// What one writer was told: the ids of its commands with the places that were acknowledged.
type Acknowledged = Vec<(String, u64)>;

/// Returns the program, ready to be run on the ledger in a folder, with the real clock.
fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phaseledger"));
    command
        .current_dir(dir)
        .stdin(Stdio::null())
        .env_remove("PHASELEDGER_DIR")
        .env_remove("PHASELEDGER_CLOCK");
    command
}

/// Starts a program whose errors are kept in a file.
fn start(mut command: Command, dir: &Path, name: &str) -> Child {
    let errors = File::create(dir.join(format!("{name}.err"))).expect("a file");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
    command.spawn().expect("the program runs")
}

/// The command with a number: notes, and now and then a rerun that reaches other phases, or one that starts and
/// ends an attempt.
fn line(writer: u64, number: u64, id: &str) -> String {
    let own = format!("own_{writer}");
    let rest = match number % 8 {
        0 => format!(r#""do":"reset","phase":"{own}","reason":"again""#),
        1 => format!(r#""do":"start","phase":"{own}""#),
        2 => format!(r#""do":"complete","phase":"{own}""#),
        // Two more phases follow, in the same batch.
        3 => format!(r#""do":"rerun","phase":"{own}","reason":"why not""#),
        4 => format!(r#""do":"meta","phase":"{own}","metadata":{{"n":{number}}}"#),
        _ => format!(r#""do":"note","text":"note {number} of {writer}""#),
    };
    format!("{{{rest},\"id\":\"{id}\"}}\n")
}

/// Sends commands one by one through `append`, each after the answer to the one before; every so often by a
/// process of its own. A writer that is to die is killed a random time after a random command, again and again,
/// and goes on with the command that was not acknowledged, as a script does that is started again.
fn write(dir: &Path, writer: u64, appends: u64, dies: bool, seed: u64) -> Acknowledged {
    let mut random = Numbers(seed ^ writer << 32);
    let mut acknowledged = Vec::new();
    let mut next = 0;
    let mut round = 0;
    while next < appends {
        round += 1;
        let mut command = program(dir);
        command.args(["append", "--lock-timeout", "60s"]);
        let name = format!("writer-{writer}-{round}");
        let mut child = start(command, dir, &name);
        let mut input = child.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let last = if dies { next + random.below(appends / 4) } else { appends };
        let mut kill = None;
        while next < appends {
            let id = format!("key:{writer}/{next}");
            if next == last {
                kill = Some(Duration::from_micros(random.below(8_000)));
            }
            if input.write_all(line(writer, next, &id).as_bytes()).is_err() {
                break;
            }
            if let Some(wait) = kill {
                thread::sleep(wait);
                child.kill().expect("a child to kill");
            }
            let Some(Ok(answer)) = answers.next() else { break };
            let answer: Value = match serde_json::from_str(&answer) {
                Ok(answer) => answer,
                Err(_) if kill.is_some() => break,
                Err(error) => panic!("{error}: {answer}"),
            };
            acknowledged.push(told(&answer));
            next += 1;
        }
        drop(input);
        let status = child.wait().expect("the end of the child");
        let errors = std::fs::read_to_string(dir.join(format!("{name}.err"))).expect("a file");
        assert!(status.success() || kill.is_some(), "{name}: {status}: {errors}");
        assert_eq!(errors, "", "{name}");
        if writer.is_multiple_of(4) && next < appends {
            acknowledged.push(single(dir, writer, round));
        }
    }
    acknowledged
}

/// Records by a verb of its own.
fn single(dir: &Path, writer: u64, round: u64) -> (String, u64) {
    let id = format!("key:single/{writer}/{round}");
    let mut command = program(dir);
    command.args(["note", "by a verb", "--json", "--lock-timeout", "60s", "--id", &id]);
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("an answer");
    told(&answer)
}

fn told(answer: &Value) -> (String, u64) {
    (answer["id"].as_str().expect("an id").to_owned(), answer["seq"].as_u64().expect("a place"))
}

/// Reads until told to stop: never fails, and sees whole commands only.
fn read(dir: &Path, done: &AtomicBool) -> usize {
    let mut reads = 0;
    while !done.load(Ordering::Relaxed) || reads == 0 {
        for args in [&["export"][..], &["status", "--json"], &["log", "--json"]] {
            let output =
                program(dir).args(args).args(["--lock-timeout", "60s"]).output().expect("the program runs");
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            match args[0] {
                "status" => check_table(&serde_json::from_str(&text).expect("JSON")),
                _ => drop(check_log(&text)),
            }
            reads += 1;
        }
    }
    reads
}

/// Checks that the table is one between commands: where the head of a chain must run again, so must the others.
fn check_table(status: &Value) {
    let phases = status["phases"].as_array().expect("phases");
    let states: HashMap<_, _> =
        phases.iter().map(|phase| (phase["phase"].as_str(), &phase["state"])).collect();
    for writer in 0.. {
        let name = |prefix: &str| format!("{prefix}_{writer}");
        let own = name("own");
        let Some(own) = states.get(&Some(own.as_str())) else { return };
        let below = ["middle", "end"].map(|prefix| states[&Some(name(prefix).as_str())]);
        if *own == "NEEDS_RERUN" {
            assert!(below.iter().all(|state| *state != "COMPLETE"), "{}: {below:?}", name("own"));
        }
    }
}

/// Checks that places have no gaps, and that a mark of the first phase of a chain is followed by those of what is below
/// it, which the test completes once at the start, unless that must run again already.
fn check_log(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let events: Vec<Value> =
        lines.filter(|line| line.get("seq").is_some() && line.get("kind").is_some()).collect();
    let mut commands: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], at as u64 + 1, "a gap");
        commands.entry(event["command_id"].as_str().expect("an id")).or_default().push(event);
    }
    let mut commands: Vec<_> = commands.into_values().collect();
    commands.sort_by_key(|events| events[0]["seq"].as_u64());
    let mut stale = HashSet::new();
    for events in &commands {
        let first = events[0];
        let consecutive =
            events.windows(2).all(|two| two[1]["seq"].as_u64() == two[0]["seq"].as_u64().map(|n| n + 1));
        assert!(consecutive && events.iter().all(|event| event["recorded_at"] == first["recorded_at"]));
        let is_mark = first["kind"] == "rerun_marked";
        let marks = events
            .iter()
            .filter(|event| event["kind"].as_str().is_some_and(|kind| kind.starts_with("rerun_")));
        let below = first["phase"].as_str().map(|own| own.replace("own", "middle"));
        let expected = if stale.contains(&below) { 1 } else { 3 };
        assert!(!is_mark || marks.count() == expected, "half of a rerun: {events:?}");
        for event in events {
            let phase = event["phase"].as_str().map(str::to_owned);
            match event["to"].as_str() {
                Some("NEEDS_RERUN") => _ = stale.insert(phase),
                Some(_) => _ = stale.remove(&phase),
                None => {}
            }
        }
    }
    events
}

/// A ledger in which each writer has a chain of three phases, all complete.
fn ledger(writers: u64) -> Scene {
    let scene = Scene::made();
    let names: Vec<_> = (0..writers).map(|n| ["own", "middle", "end"].map(|p| format!("{p}_{n}"))).collect();
    let needs: Vec<_> = names.iter().map(|[own, middle, _]| [own.as_str(), middle.as_str()]).collect();
    let mut phases: Vec<(&str, &[&str])> = Vec::new();
    for (names, needs) in names.iter().zip(&needs) {
        phases.push((&names[0], &[]));
        phases.push((&names[1], &needs[..1]));
        phases.push((&names[2], &needs[1..]));
    }
    scene.define("w", &phases);
    let file: String = names
        .iter()
        .flatten()
        .map(|name| {
            format!(
                "{{\"do\":\"start\",\"phase\":\"{name}\"}}\n{{\"do\":\"complete\",\"phase\":\"{name}\"}}\n"
            )
        })
        .collect();
    let file = scene.write("complete.jsonl", &file);
    scene.ok(&["append", file.to_str().expect("a path of ASCII")]);
    scene
}

#[test]
fn half_of_the_writers_are_killed() {
    let writers = setting("PHASELEDGER_WRITERS", 16);
    let appends = setting("PHASELEDGER_APPENDS", 200);
    let seed = seed("PHASELEDGER_SEED", 1);
    let started = Instant::now();
    let scene = ledger(writers);
    let done = AtomicBool::new(false);
    let (told, reads) = thread::scope(|scope| {
        let dir = scene.dir();
        let done = &done;
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(move || read(dir, done))).collect();
        let writers: Vec<_> = (0..writers)
            .map(|writer| scope.spawn(move || write(dir, writer, appends, writer % 2 == 0, seed)))
            .collect();
        let told: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        let reads: usize = readers.into_iter().map(|reader| reader.join().expect("readers never fail")).sum();
        (told, reads)
    });
    let told: Vec<Acknowledged> = told.into_iter().map(|told| told.expect("writers never fail")).collect();
    let events = check_log(&scene.ok(&["export"]).stdout);
    let places: HashMap<u64, &Value> =
        events.iter().map(|event| (event["seq"].as_u64().expect("a place"), event)).collect();
    let mut seen = HashSet::new();
    for (id, seq) in told.iter().flatten() {
        let event = places.get(seq).unwrap_or_else(|| panic!("{id}, acknowledged as e{seq}, is missing"));
        assert_eq!(event["id"], **id, "e{seq} is not what was acknowledged");
        assert!(seen.insert(seq), "e{seq} was acknowledged to two");
    }
    // Each command is there once: those that were sent, and nothing that was not.
    let firsts = events.iter().filter(|event| event["command_id"] == event["id"]).count();
    let before = 1 + usize::try_from(writers).expect("few") * 6;
    assert_eq!(
        firsts,
        before + told.iter().map(Vec::len).sum::<usize>(),
        "a command is there twice, or not at all"
    );
    scene.ok(&["verify"]);
    println!("{firsts} commands, {reads} reads, {:.1} s", started.elapsed().as_secs_f64());
}

/// A process that appends as fast as it can, and never ends by itself.
struct Firehose {
    child: Child,
    ends: Vec<thread::JoinHandle<()>>,
}

impl Firehose {
    fn open(dir: &Path, name: &str) -> Self {
        let mut command = program(dir);
        command.args(["append", "--lock-timeout", "60s"]);
        let mut child = start(command, dir, name);
        let mut input = child.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let note = "{\"do\":\"note\",\"text\":\"and on\"}\n".repeat(100);
        let pours = thread::spawn(move || while input.write_all(note.as_bytes()).is_ok() {});
        let mut first = String::new();
        answers.read_line(&mut first).expect("an answer");
        let drains = thread::spawn(move || {
            answers.lines().map_while(Result::ok).for_each(drop);
        });
        Firehose { child, ends: vec![pours, drains] }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args([name, &pid]).status().expect("`kill` runs");
        assert!(done.success(), "kill {name}");
    }

    fn kill(mut self) {
        self.child.kill().expect("a child to kill");
        self.child.wait().expect("the end of the child");
        self.ends.into_iter().for_each(|end| end.join().expect("no panic"));
    }
}

#[test]
fn a_holder_that_never_lets_go_is_given_up_and_a_dead_one_is_no_obstacle() {
    let scene = ledger(1);
    let hose = Firehose::open(scene.dir(), "hose");
    // It holds the ledger most of the time: it is stopped until that is so.
    let mut refused = None;
    eventually("it is stopped while it holds the ledger", || {
        hose.signal("-STOP");
        let ran = scene.run(&["note", "x", "--lock-timeout", "700ms"]);
        if ran.code == 75 {
            refused = Some(ran);
            return true;
        }
        hose.signal("-CONT");
        false
    });
    let ran = refused.expect("as above");
    assert!(
        ran.stderr.contains("in use by another process") || ran.stderr.contains("lock"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--lock-timeout"), "{}", ran.stderr);
    // Whoever asks waits for nobody.
    scene.ok(&["status", "--json", "--lock-timeout", "0s"]);
    let asked = scene.run(&["note", "x", "--json", "--lock-timeout", "100ms"]);
    assert!(asked.code == 75 && asked.stderr.contains("\"code\":\"lock_timeout\""), "{}", asked.picture());
    // Killed in its sleep, it holds nothing.
    hose.kill();
    scene.ok(&["note", "x", "--lock-timeout", "0s"]);
    scene.ok(&["verify"]);
}

#[test]
fn nobody_starves() {
    let scene = ledger(1);
    let hoses: Vec<_> = (0..2).map(|n| Firehose::open(scene.dir(), &format!("hose-{n}"))).collect();
    let dir = scene.dir();
    let waits: Vec<Duration> = thread::scope(|scope| {
        let note = |_| {
            let started = Instant::now();
            let output =
                program(dir).args(["note", "my turn", "--lock-timeout", "8s"]).output().expect("it runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            started.elapsed()
        };
        let waiters: Vec<_> =
            (0..4).map(|_| scope.spawn(move || (0..8).map(note).collect::<Vec<_>>())).collect();
        waiters.into_iter().flat_map(|waiter| waiter.join().expect("its turn comes")).collect()
    });
    hoses.into_iter().for_each(Firehose::kill);
    let longest = waits.iter().max().expect("waits");
    let mean = waits.iter().sum::<Duration>() / waits.len() as u32;
    println!("{} turns, {mean:?} on average, {longest:?} at most", waits.len());
    scene.ok(&["verify"]);
}
