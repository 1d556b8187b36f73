//! What a shell is told to do: random verbs, streams, several processes at once, some of them killed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::random::Random;

/// What a story is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ledger is made, and history taken in.
    Fresh,
    /// A ledger is made, and restored from an export.
    Restored,
    /// Lines of 1 to 250 KB.
    Bulk,
    /// A log of format 1 is asked, and taken over.
    Old,
    /// Whatever a cut of the story before left.
    GoesOn,
}

/// Makes scripts.
pub struct Story {
    kind: Kind,
    base: PathBuf,
    home: PathBuf,
    random: Random,
    /// The number of the last process.
    number: u64,
}

const PHASES: [&str; 4] = ["a", "b", "c", "d"];

impl Story {
    /// Begins a story whose numbers are those of a seed.
    pub fn new(kind: Kind, base: &Path, home: &Path, seed: u64) -> Self {
        let random = Random::of(&[seed, 11]);
        // Answers to earlier stories may be there.
        let number = seed % 1_000_000 * 1_000;
        Story { kind, base: base.to_owned(), home: home.to_owned(), random, number }
    }

    /// Returns the scripts, a run each. All but the last end with kills.
    pub fn scripts(&mut self) -> Vec<String> {
        let mut scripts = Vec::new();
        for part in 0..3 {
            let mut steps = vec![self.head()];
            if part == 0 {
                steps.extend(self.beginning());
            }
            steps.extend(self.middle(part));
            if part < 2 {
                steps.push(self.kills());
            }
            scripts.push(steps.join("\n"));
        }
        scripts
    }

    /// The functions that all scripts use. `run` notes how a process ended where none should end so.
    pub fn head(&self) -> String {
        let program = super::program();
        let (base, home) = (self.base.display(), self.home.display());
        format!(
            "P='{program}'; B='{base}'; H='{home}'\n\
             run() {{ n=$1; shift; \"$P\" \"$@\" >>\"$B/told.$n\" 2>>\"$H/said\"; c=$?\n\
             case $c in 0|1|3|4|6) ;; *) echo \"$c $*\" >>\"$H/odd\" ;; esac; }}\n\
             ask() {{ \"$P\" \"$@\" >/dev/null 2>>\"$H/said\"; c=$?\n\
             case $c in 0|1|4) ;; *) echo \"$c $*\" >>\"$H/odd\" ;; esac; }}\n"
        )
    }

    fn beginning(&mut self) -> Vec<String> {
        let workflow: String = PHASES
            .iter()
            .zip(["[]", "['a']", "['a']", "['b', 'c']"])
            .map(|(id, needs)| format!("[[phase]]\nid = '{id}'\nneeds = {needs}\n"))
            .collect();
        self.put("w.toml", &format!("[workflow]\nname = 'w'\ncurrency = 'USD'\n{workflow}"));
        let mut steps = Vec::new();
        match self.kind {
            Kind::Old => steps.extend(["ask status".to_owned(), "ask why a".to_owned(), self.race()]),
            Kind::Restored => {
                steps.push(self.run("init --json"));
                if self.home.join("earlier").exists() {
                    steps.push(self.run("import \"$H/earlier\" --json"));
                }
            }
            _ => steps.push(self.run("init --json")),
        }
        if self.kind != Kind::Old {
            steps.push(self.run("define \"$H/w.toml\" --json"));
        }
        if self.kind == Kind::Fresh {
            let history = self.history();
            steps.push(self.run(&format!("import --format history {history} --as w --repair --json")));
        }
        steps
    }

    fn middle(&mut self, part: u64) -> Vec<String> {
        let mut steps = Vec::new();
        let lines = match (self.kind, part) {
            (Kind::Bulk, _) => 6 + self.random.below(12),
            _ => 250 + self.random.below(500),
        };
        for _ in 0..5 {
            steps.push(self.verb());
        }
        steps.push(self.stream(lines, ""));
        steps.push(self.question());
        steps.push(self.race());
        if part == 1 {
            steps.push(self.run("verify --rebuild --json"));
        }
        let few = 2 + self.random.below(6);
        steps.push(self.stream(few, "atomic"));
        steps.push(self.verb());
        if part == 2 {
            steps.push(self.stream(lines, ""));
            steps.extend([self.verb(), self.question(), self.verb()]);
        }
        steps
    }

    /// Several processes at once, all waited for.
    pub fn race(&mut self) -> String {
        let lines = if self.kind == Kind::Bulk { 3 } else { 30 };
        let verbs = format!("{{ {}; {}; }}", self.verb(), self.verb());
        let question = self.question();
        let processes = [self.stream(lines, ""), self.stream(lines, ""), verbs, question];
        processes.map(|process| format!("{process} &")).join("\n") + "\nwait"
    }

    /// Several processes at once, all killed after a while.
    pub fn kills(&mut self) -> String {
        let lines = if self.kind == Kind::Bulk { 30 } else { 4_000 };
        let mut script = String::new();
        for process in 0..2 {
            let file = self.lines(lines);
            self.number += 1;
            let (number, file) = (self.number, file.display());
            script.push_str(&format!(
                "\"$P\" append '{file}' >>\"$B/told.{number}\" 2>>\"$H/said\" &\nk{process}=$!\n"
            ));
        }
        let after = 20 + self.random.below(400);
        script.push_str(&format!("sleep 0.{after:03}\nkill -9 $k0 $k1 2>/dev/null\nwait"));
        script
    }

    fn run(&mut self, verb: &str) -> String {
        self.number += 1;
        format!("run {} {verb}", self.number)
    }

    fn stream(&mut self, lines: u64, how: &str) -> String {
        let file = self.lines(lines);
        self.number += 1;
        let number = self.number;
        match how {
            "" => format!("run {number} append '{}'", file.display()),
            how => format!("run {how}.{number} append '{}' --{how}", file.display()),
        }
    }

    /// One of the verbs that record.
    pub fn verb(&mut self) -> String {
        let phase = PHASES[self.random.below(4) as usize];
        let number = self.random.below(1_000);
        let verb = match self.random.below(16) {
            0 | 1 => format!("start {phase} --allow-unmet --json"),
            2 | 3 => format!("complete {phase} --json"),
            4 => format!("fail {phase} --error 'what went wrong' --json"),
            5 => format!("rerun {phase} --reason 'why not' --json"),
            6 => format!("skip {phase} --reason 'not now' --json"),
            7 => format!("tag t{number} --json"),
            8 => format!("cost record {phase} 1.{number} --json"),
            9 => "approval request deploy --estimate 3 --items 2 --json".to_owned(),
            10 => format!("meta {phase} k={number} --json"),
            11 => format!("reset {phase} --reason again --json"),
            12 | 13 => format!("exec {phase} --json -- true"),
            14 => "scan --json".to_owned(),
            _ => format!("note 'a note {number}' --json"),
        };
        self.run(&verb)
    }

    /// One of the verbs that ask.
    pub fn question(&mut self) -> String {
        let place = 1 + self.random.below(300);
        let question = match self.random.below(8) {
            0 => "status".to_owned(),
            1 => format!("status --at seq:{place}"),
            2 => "why d".to_owned(),
            3 => "log -n 20".to_owned(),
            4 => "report".to_owned(),
            5 => "verify".to_owned(),
            6 => "export".to_owned(),
            _ => format!("show seq:{place}"),
        };
        format!("ask {question}")
    }

    /// A file with commands, a line each.
    pub fn lines(&mut self, count: u64) -> PathBuf {
        let mut text = String::new();
        let file = self.random.next();
        for number in 0..count {
            let length = match self.kind {
                Kind::Bulk => 1_000 + self.random.below(249_000),
                _ => 10 + self.random.below(350) * (1 + self.random.below(2)),
            };
            let mut words = String::new();
            while (words.len() as u64) < length {
                words.push_str(&format!("{:016x}", self.random.next()));
            }
            let command = match self.random.below(10) {
                // A text may have 64 KB, and metadata more.
                _ if length > 60_000 => {
                    format!("\"do\":\"meta\",\"phase\":\"w/a\",\"metadata\":{{\"k\":\"{words}\"}}")
                }
                0 => "\"do\":\"meta\",\"phase\":\"w/a\",\"metadata\":{\"k\":1}".to_owned(),
                1 => "\"do\":\"cost\",\"phase\":\"w/b\",\"amount\":\"0.25\"".to_owned(),
                _ => format!("\"do\":\"note\",\"text\":\"{words}\""),
            };
            text.push_str(&format!("{{{command},\"id\":\"key:{file:x}/{number}\"}}\n"));
        }
        self.put(&format!("lines.{file:x}"), &text)
    }

    fn history(&mut self) -> String {
        let count = 40 + self.random.below(60);
        let line = |number: u64| {
            let event = ["start", "complete"][number as usize % 2];
            let (hour, minute) = (number / 60, number % 60);
            let phase = PHASES[number as usize / 2 % 4];
            format!(
                "{{\"at\":\"2025-10-29T{hour:02}:{minute:02}:00Z\",\"phase\":\"{phase}\",\"event\":\"{event}\"}}\n"
            )
        };
        let text: String = (0..count).map(line).collect();
        let path = self.put(&format!("history.{}", self.number), &text);
        format!("'{}'", path.display())
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.join(name);
        fs::write(&path, text).expect("a file");
        path
    }
}
