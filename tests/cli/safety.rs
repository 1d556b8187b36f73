//! Today's store must not destroy what it holds: neither by reading, nor by opening, nor by making.
//!
//! The numbers in the names of tests are those of the list of findings that they guard.

mod barriers;
mod killed;
mod machine;
mod mixed;
mod places;
mod reading;
mod rebuild;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use crate::cli::Scene;

/// The folder of a scene's log.
pub fn log(scene: &Scene) -> PathBuf {
    scene.dir().join("ledger/log")
}

/// Records as many notes, in one stream.
pub fn notes(scene: &Scene, count: usize) {
    let lines: String = (0..count)
        .map(|n| format!("{{\"do\":\"note\",\"text\":\"{n} {}\"}}\n", "x".repeat(n % 90)))
        .collect();
    let mut command = scene.command();
    command.arg("append").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("the program reads");
    let ended = child.wait_with_output().expect("the program ends");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// A scene with a phase that is complete and as many notes; sealed several times over, with the last command not yet
/// in a snapshot of sled's.
fn sealed(count: usize) -> Scene {
    let scene = Scene::small();
    scene.ok(&["start", "a"]);
    scene.ok(&["complete", "a"]);
    notes(&scene, count);
    scene
}

/// Returns what `export` and `verify` say: all that a ledger is.
fn whole(scene: &Scene) -> (String, String) {
    (scene.ok(&["export"]).stdout, scene.ok(&["verify"]).stdout)
}

/// Returns what a process that has ended said on stderr.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
