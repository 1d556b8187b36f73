//! Odd files: whatever an attempt puts out, that it ended is recorded, and one bad file stops no set.

mod outputs;
mod set;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use crate::cli::Scene;
use serde_json::Value;

/// What kinds of odd files there are. Makes one in a folder, whatever it is called.
struct Odd {
    /// What to call it in a message.
    kind: &'static str,
    make: fn(&Path),
    /// How it is shown, from its folder.
    shown: &'static str,
    /// What is said of it.
    why: &'static str,
    /// Whether it has no bytes of its own, so that inputs are compared without it.
    is_special: bool,
}

const ODD: &[Odd] = &[
    Odd {
        kind: "a link to nowhere",
        make: |folder| symlink("nowhere", folder.join("latest")).expect("a link"),
        shown: "latest",
        why: "it is a link to a file that is not there",
        is_special: false,
    },
    Odd {
        kind: "a link loop",
        make: |folder| symlink("loop", folder.join("loop")).expect("a link"),
        shown: "loop",
        why: "Too many levels of symbolic links (os error 40)",
        is_special: false,
    },
    Odd {
        kind: "a name that is not UTF-8",
        make: |folder| fs::write(folder.join(OsStr::from_bytes(b"b\xffd\n")), "x").expect("a file"),
        shown: r"b\xffd\u{a}",
        why: "its name is not UTF-8",
        is_special: false,
    },
    Odd {
        kind: "a pipe",
        make: |folder| {
            let made = Command::new("mkfifo").arg(folder.join("pipe")).status().expect("mkfifo runs");
            assert!(made.success());
        },
        shown: "pipe",
        why: "it is a pipe",
        is_special: true,
    },
    Odd {
        kind: "a socket",
        make: |folder| drop(UnixListener::bind(folder.join("s")).expect("a socket")),
        shown: "s",
        why: "it is a socket",
        is_special: true,
    },
    Odd {
        kind: "a device",
        make: |folder| symlink("/dev/zero", folder.join("zero")).expect("a link"),
        shown: "zero",
        why: "it is a device",
        is_special: true,
    },
];

fn put(scene: &Scene, path: &str, content: &str) {
    let full = scene.dir().join(path);
    fs::create_dir_all(full.parent().expect("in a folder")).expect("a folder");
    fs::write(full, content).expect("a file");
}

fn defined(phases: &str) -> Scene {
    let scene = Scene::made();
    put(&scene, "ledger/workflow.toml", &format!("[workflow]\nname = \"w\"\n{phases}"));
    scene.record(&["define"]);
    scene
}

/// Returns the data of the last event of a kind.
fn data(scene: &Scene, kind: &str) -> Value {
    let log = scene.ok(&["log", "--json", "--kind", kind]).stdout;
    let last = log.lines().last().unwrap_or_else(|| panic!("there is no `{kind}`"));
    serde_json::from_str::<Value>(last).expect("JSON")["data"].take()
}

fn state(scene: &Scene, phase: &str) -> String {
    let status = scene.ok(&["status", phase, "--json"]).json();
    status["phases"][0]["state"].as_str().expect("a state").to_owned()
}
