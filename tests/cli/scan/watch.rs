//! `scan --watch`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::{made, put, run, states};
use crate::cli::Scene;
use crate::patience::PATIENCE;

struct Watch {
    child: Child,
    told: Receiver<String>,
}

impl Watch {
    fn begin(scene: &Scene) -> Self {
        let mut command = scene.command();
        command.args(["scan", "--watch", "--interval", "100ms"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let (sender, told) = channel();
        let (out, errors) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        for pipe in [Box::new(out) as Box<dyn Read + Send>, Box::new(errors)] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines() {
                    let _ = sender.send(line.expect("UTF-8"));
                }
            });
        }
        let watch = Watch { child, told };
        assert!(watch.next().starts_with("watching the files of 2 phases, every 100ms"));
        watch
    }

    /// Waits for the next line.
    fn next(&self) -> String {
        self.told.recv_timeout(PATIENCE).expect("it tells")
    }

    /// Interrupts it, and returns what it told that nobody waited for.
    fn end(mut self, signal: &str) -> Vec<String> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
        self.told.iter().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_watch_records_what_changes_and_ends_when_told() {
    let scene = made();
    run(&scene, &["a", "b"]);
    let watch = Watch::begin(&scene);
    put(&scene, "in/one", "other");
    assert!(watch.next().starts_with("appended e6 rerun_marked a"));
    assert!(watch.next().contains("in/one blake3:"));
    assert!(watch.next().starts_with("  ↳ e7 rerun_marked b"));
    // Others record while it waits, and it finds what changes since.
    // (`a` puts out what it did before, so `b` stands again.)
    run(&scene, &["a"]);
    put(&scene, "b.txt", "other");
    assert!(watch.next().starts_with("appended e"));
    assert!(watch.next().contains("b.txt blake3:"));
    assert_eq!(watch.end("-TERM"), Vec::<String>::new());
    assert_eq!(states(&scene)[..2], ["a COMPLETE", "b NEEDS_RERUN"]);
}

#[test]
fn found_2_a_watch_goes_on_past_what_cannot_be_read() {
    let scene = made();
    run(&scene, &["a", "b"]);
    let watch = Watch::begin(&scene);
    let bad = scene.dir().join("in/bad");
    std::os::unix::fs::symlink("nowhere", &bad).expect("a link");
    let warning = "warning: a: cannot be compared, not all its `inputs` can be read: `in/bad` (declared as `in/**`): it";
    let told = watch.next();
    assert!(told.starts_with(warning), "{told}");
    put(&scene, "b.txt", "other");
    assert!(watch.next().starts_with("appended e6 rerun_marked b"));
    assert!(watch.next().contains("b.txt blake3:"));
    // Once a file is what it was, nothing is left of it; what changed beside it is found.
    put(&scene, "in/one", "other");
    std::fs::remove_file(&bad).expect("it is there");
    assert_eq!(watch.next(), "all files can be read again");
    assert!(watch.next().starts_with("appended e"));
    assert!(watch.next().contains("in/one blake3:"));
    watch.end("-TERM");
    assert_eq!(states(&scene)[..2], ["a NEEDS_RERUN", "b NEEDS_RERUN"]);
}

#[test]
fn an_interrupt_ends_a_watch_well() {
    let scene = made();
    let watch = Watch::begin(&scene);
    assert_eq!(watch.end("-INT"), Vec::<String>::new());
    assert_eq!(scene.run(&["scan", "--interval", "1s"]).code, 2);
    assert_eq!(scene.run(&["scan", "--watch", "--interval", "1ms"]).code, 2);
    assert_eq!(scene.run(&["scan", "--watch", "--dry-run"]).code, 2);
}
