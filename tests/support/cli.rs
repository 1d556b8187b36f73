//! A place to run the program in: a folder of its own, a fixed clock, a known user, and outputs as pictures.

#![allow(dead_code, reason = "each crate of tests uses a part of it")]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// What the clock of a new scene shows: an hour or so after the shipped example's history ends.
pub const NOW: &str = "2025-10-29T20:00:00Z";

/// The variables that would change what the program says; none of them reaches it.
const UNSET: &[&str] = &[
    "PHASELEDGER_DIR",
    "PHASELEDGER_TZ",
    "PHASELEDGER_WORKFLOW",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "TZ",
    "TZDIR",
];

/// A folder to run the program in.
pub struct Scene {
    dir: TempDir,
    clock: Cell<&'static str>,
    recorded: Cell<u32>,
}

/// What a run of the program came to.
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// What it answered.
    pub stdout: String,
    /// What it told the person who watches.
    pub stderr: String,
    command: String,
}

impl Scene {
    /// Makes an empty folder: no ledger.
    pub fn empty() -> Self {
        Scene { dir: tempfile::tempdir().expect("a folder"), clock: Cell::new(NOW), recorded: Cell::new(0) }
    }

    /// Makes a ledger without events.
    pub fn made() -> Self {
        let scene = Scene::empty();
        scene.ok(&["init"]);
        scene
    }

    /// Makes the shipped example with its history.
    pub fn example() -> Self {
        let scene = Scene::empty();
        scene.ok(&["init", "--example"]);
        scene.ok(&["import", "--format", "history", "ledger/histories/2025-10-29.jsonl"]);
        scene
    }

    /// Makes a ledger with one workflow, of the phases `a` and `b`, and `c` that needs both.
    pub fn small() -> Self {
        let scene = Scene::made();
        scene.define("w", &[("a", &[]), ("b", &[]), ("c", &["a", "b"])]);
        scene
    }

    /// Makes a ledger with the workflow of a file, whose phases have run in this order.
    pub fn ran(workflow: &str, phases: &[&str]) -> Self {
        let scene = Scene::made();
        scene.write("w.toml", workflow);
        scene.ok(&["define", "w.toml"]);
        for phase in phases {
            scene.ok(&["start", phase]);
            scene.ok(&["complete", phase]);
        }
        scene
    }

    /// Puts a workflow in force: its phases, and what each needs.
    pub fn define(&self, name: &str, phases: &[(&str, &[&str])]) -> Ran {
        let mut file = format!("[workflow]\nname = {name:?}\n");
        for (id, needs) in phases {
            file.push_str(&format!("[[phase]]\nid = {id:?}\nneeds = {needs:?}\n"));
        }
        let file = self.write(&format!("{name}.toml"), &file);
        self.record(&["define", file.to_str().expect("a path of ASCII")])
    }

    /// Runs a verb that records, under an id that is the same each time the test runs.
    pub fn record(&self, args: &[&str]) -> Ran {
        self.recorded.set(self.recorded.get() + 1);
        let id = format!("key:{}", self.recorded.get());
        self.ok(&[args, &["--id", &id]].concat())
    }

    /// Sets the clock, in RFC 3339, for the runs to come.
    pub fn clock(&self, now: &'static str) {
        self.clock.set(now);
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir().join(name);
        fs::write(&path, content).expect("the folder takes a file");
        path
    }

    /// Returns the program, ready to be run here.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_phaseledger"));
        command.current_dir(self.dir()).stdin(Stdio::null());
        UNSET.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.env("PHASELEDGER_CLOCK", self.clock.get()).env("PHASELEDGER_BY", "ana");
        command
    }

    /// Runs the program.
    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command().args(args).output().expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Ran {
            code: output.status.code().expect("the program exits by itself"),
            stdout: self.fixed(text(output.stdout)),
            stderr: self.fixed(text(output.stderr)),
            command: format!("phaseledger {}", args.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(" ")),
        }
    }

    /// Runs the program, which must exit with 0.
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{}", ran.picture());
        ran
    }

    /// Takes out what differs from one machine and run to the next: the machine's name, the user's and the folder's.
    pub fn fixed(&self, text: String) -> String {
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let user = user();
        let real = fs::canonicalize(self.dir()).expect("the folder is there");
        text.replace(&format!("\"host\":\"{host}\""), "\"host\":\"HOST\"")
            .replace(&format!(" on {host} "), " on HOST ")
            .replace(&format!("\"user\":\"{user}\""), "\"user\":\"USER\"")
            .replace(&format!("(as {user})"), "(as USER)")
            .replace(&format!("(as `{user}`)"), "(as `USER`)")
            .replace(&format!("user of `{host}`"), "user of `HOST`")
            .replace(&*real.to_string_lossy(), "DIR")
            .replace(&*self.dir().to_string_lossy(), "DIR")
    }
}

/// Returns the user who runs the tests, as the system's own program tells it.
pub fn user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    USER.get_or_init(|| {
        let output = Command::new("id").arg("-un").output().expect("`id` is there");
        assert!(output.status.success(), "the user has a name");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    })
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,~".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{argument}'")
}

impl Ran {
    /// Returns all that a person would have seen, and the exit code.
    pub fn picture(&self) -> String {
        let Ran { code, stdout, stderr, command } = self;
        let mut picture = format!("$ {command}\n");
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                picture.push_str(&format!("--- {name}\n{}\n", text.trim_end_matches('\n')));
            }
        }
        picture.push_str(&format!("--- exit {code}\n"));
        picture
    }

    /// Returns the JSON value on stdout.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.picture()))
    }
}

/// Returns the pictures of several runs as one.
pub fn pictures(runs: impl IntoIterator<Item = Ran>) -> String {
    runs.into_iter().map(|ran| ran.picture()).collect::<Vec<_>>().join("\n")
}

/// Compares a text with `snapshots/NAME.snap`. The leaf of an event takes in the machine's name: it is not
/// compared.
pub fn assert_snapshot(name: &str, text: &str) {
    insta::with_settings!(
        {
            snapshot_path => "../../snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => vec![(r"(leaf\W+)sha256:[0-9a-f]{64}", "${1}sha256:LEAF")],
        },
        { insta::assert_snapshot!(name, text) }
    );
}
