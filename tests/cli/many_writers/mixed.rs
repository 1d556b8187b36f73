//! Writers with verbs of all sorts, killed again and again: whatever was told is there, and nothing is there twice.
//!
//! `PHASELEDGER_MIXED_KILLS` and `PHASELEDGER_SEED` make other and longer runs.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{check_log, ledger, program};
use crate::numbers::{Numbers, seed, setting};
use crate::patience::eventually;

const WRITERS: u64 = 14;

/// A writer: a process at a time, which may be killed.
struct Writer<'a> {
    dir: &'a Path,
    number: u64,
    kills: &'a AtomicU64,
    random: Numbers,
    /// What it was told: ids with places.
    told: HashMap<String, u64>,
    /// The texts of notes that it was told of.
    texts: Vec<String>,
}

impl Writer<'_> {
    /// Runs the program, and kills it perhaps; returns what it told, and whether it ended by itself.
    fn run(&mut self, args: &[&str], may_be_killed: bool) -> (String, bool) {
        let errors = self.dir.join(format!("mixed-{}.err", self.number));
        let mut command = program(self.dir);
        command.args(["--lock-timeout", "100s"]).args(args).stdout(Stdio::piped());
        command.stderr(fs::File::create(&errors).expect("a file"));
        let mut child = command.spawn().expect("the program runs");
        let mut answers = child.stdout.take().expect("a pipe");
        let reads = thread::spawn(move || {
            let mut text = Vec::new();
            answers.read_to_end(&mut text).expect("a pipe");
            String::from_utf8(text).expect("UTF-8")
        });
        let is_killed = may_be_killed && self.random.below(3) > 0;
        if is_killed {
            thread::sleep(Duration::from_millis(self.random.below(900)));
            child.kill().expect("a child to kill");
        }
        let status = child.wait().expect("the end of the child");
        let told = reads.join().expect("no panic");
        let ended = status.code().is_some();
        if ended {
            let errors = fs::read_to_string(&errors).expect("a file");
            assert!(matches!(status.code(), Some(0 | 1 | 6)), "{args:?}: {status}: {errors}");
        } else {
            self.kills.fetch_add(1, Ordering::Relaxed);
        }
        self.note(&told);
        (told, ended)
    }

    fn note(&mut self, told: &str) {
        let whole = told.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        for answer in whole {
            let answer: Value = serde_json::from_str(answer).expect("JSON");
            let parts = [&answer, &answer["started"], &answer["ended"]];
            for part in parts.into_iter().filter(|part| part["seq"].is_u64() && part["id"].is_string()) {
                let (id, seq) = (part["id"].as_str().expect("an id"), part["seq"].as_u64().expect("a place"));
                let before = self.told.insert(id.to_owned(), seq);
                assert!(before.is_none_or(|before| before == seq), "{id} is at e{before:?} and at e{seq}");
            }
        }
    }

    /// Records, as a script does that sends a command again until it is answered.
    fn record(&mut self, args: &[&str]) -> String {
        let mut tries = 0;
        loop {
            tries += 1;
            let (told, ended) = self.run(args, tries < 4);
            if ended || told.ends_with("}\n") && args[0] != "append" {
                return told;
            }
        }
    }

    fn step(&mut self, round: u64) {
        let (writer, own) = (self.number, format!("own_{}", self.number));
        let id = format!("key:mixed/{writer}/{round}");
        let text = format!("mixed {writer} {round}");
        let with_id = |args: &[&str]| -> Vec<String> {
            args.iter().chain(&["--json", "--id", &id]).map(|arg| (*arg).to_owned()).collect()
        };
        let args = match round % 12 {
            0 => with_id(&["reset", &own, "--reason", "again"]),
            1 => with_id(&["start", &own]),
            2 => with_id(&["complete", &own]),
            3 => with_id(&["rerun", &own, "--reason", "why not"]),
            4 => with_id(&["meta", &own, "k=1"]),
            5 => return self.stream(round, if round % 24 == 5 { 500 } else { 40 }),
            6 => return self.approve(round),
            7 => {
                self.run(&["exec", &own, "--rerun", "--reason", "x", "--json", "--", "true"], true);
                return;
            }
            8 if writer % 5 == 0 => {
                self.run(&["verify", "--rebuild", "--json"], true);
                return;
            }
            9 => with_id(&["tag", &format!("t{writer}-{round}")]),
            10 => return self.stream(round, 3),
            _ => {
                self.texts.push(text.clone());
                with_id(&["note", &text])
            }
        };
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.record(&args);
    }

    fn stream(&mut self, round: u64, lines: u64) {
        let text = |line: u64| format!("mixed {} {round} {line}", self.number);
        let line = |line: u64| {
            let id = format!("key:mixed/{}/{round}/{line}", self.number);
            format!("{{\"do\":\"note\",\"text\":\"{}\",\"id\":\"{id}\"}}\n", text(line))
        };
        let file = self.dir.join(format!("mixed-{}.jsonl", self.number));
        fs::write(&file, (0..lines).map(line).collect::<String>()).expect("a file");
        let texts: Vec<String> = (0..lines).map(text).collect();
        self.texts.extend(texts);
        let answers = self.record(&["append", file.to_str().expect("a path of ASCII")]);
        assert_eq!(answers.lines().count() as u64, lines, "each line is answered");
    }

    fn approve(&mut self, round: u64) {
        let id = format!("key:ask/{}/{round}", self.number);
        let request = ["approval", "request", "x", "--estimate", "700", "--items", "2"];
        let told = self.record(&[&request[..], &["--json", "--id", &id]].concat());
        let answer: Value = serde_json::from_str(&told).expect("an answer");
        let request = answer["id"].as_str().expect("an id");
        let id = format!("key:grant/{}/{round}", self.number);
        let grant = ["approval", "grant", request, "--reason", "ok", "--by", "bob"];
        self.record(&[&grant[..], &["--json", "--id", &id]].concat());
    }
}

#[test]
fn found_20_writers_with_mixed_verbs_are_killed_and_nothing_is_lost_or_twice() {
    let most = setting("PHASELEDGER_MIXED_KILLS", 50);
    let seed = seed("PHASELEDGER_SEED", 1);
    let started = Instant::now();
    let scene = ledger(WRITERS);
    let kills = AtomicU64::new(0);
    let writers: Vec<Writer<'_>> = thread::scope(|scope| {
        let (dir, kills) = (scene.dir(), &kills);
        let work = |number: u64| {
            let random = Numbers(seed ^ number << 32);
            let mut writer = Writer { dir, number, kills, random, told: HashMap::new(), texts: Vec::new() };
            let mut round = writer.random.below(12);
            while kills.load(Ordering::Relaxed) < most {
                writer.step(round);
                round += 1;
            }
            writer
        };
        let working: Vec<_> = (0..WRITERS).map(|number| scope.spawn(move || work(number))).collect();
        working.into_iter().map(|work| work.join().expect("writers never fail")).collect()
    });
    let export = scene.ok(&["export"]).stdout;
    let events = check_log(&export);
    let mut ids = HashSet::new();
    for event in &events {
        assert!(ids.insert(event["id"].as_str().expect("an id")), "{} is there twice", event["id"]);
    }
    let told: usize = writers.iter().map(|writer| writer.told.len()).sum();
    for (id, seq) in writers.iter().flat_map(|writer| &writer.told) {
        let event = events.get(usize::try_from(*seq).expect("few") - 1);
        let event = event.unwrap_or_else(|| panic!("{id}, told to be e{seq}, is missing"));
        assert_eq!(event["id"], **id, "e{seq} is not what was told");
    }
    let mut texts: HashMap<&str, usize> = HashMap::new();
    for event in events.iter().filter(|event| event["kind"] == "note_added") {
        *texts.entry(event["data"]["text"].as_str().expect("a text")).or_default() += 1;
    }
    for text in writers.iter().flat_map(|writer| &writer.texts) {
        assert_eq!(texts.get(text.as_str()), Some(&1), "`{text}`");
    }
    eventually("the ledger is verified", || scene.run(&["verify"]).code == 0);
    let (events, kills) = (events.len(), kills.into_inner());
    println!("{kills} kills, {told} told, {events} events, {:.0} s", started.elapsed().as_secs_f64());
}
