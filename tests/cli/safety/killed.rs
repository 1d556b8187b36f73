//! A process that is killed at any of its syncs: what it had told is there, and nothing is taken for damage.

use std::fs;

use super::{log, sealed};
use crate::cli::Scene;
use crate::folder::{self, Tree};
use crate::strace;

/// Runs the program once for each sync that it makes, killed there, on the same folder each time; hands what it told
/// on stdout to `check`. The last run is a whole one.
fn kill_at_each_sync(scene: &Scene, kept: &Tree, args: &[&str], check: impl Fn(&str, &str)) {
    for nth in 1.. {
        folder::replace(scene.dir(), kept);
        let inject = format!("inject=fsync,fdatasync:signal=KILL:when={nth}");
        let traced = strace::run(scene, &["-e", "trace=fsync,fdatasync", "-e", &inject], args);
        let told = String::from_utf8_lossy(&traced.output.stdout).into_owned();
        check(&told, &format!("{args:?} killed at sync {nth}"));
        if traced.code == Some(0) {
            assert!(nth > 2, "{args:?} was killed");
            return;
        }
        assert!(nth < 300, "{args:?} ends");
    }
}

#[test]
fn found_20_a_stream_killed_at_any_sync_keeps_what_it_told() {
    if !strace::is_there("found_20_a_stream_killed_at_any_sync_keeps_what_it_told") {
        return;
    }
    let scene = sealed(900);
    let lines: String =
        (0..600).map(|n| format!("{{\"do\":\"note\",\"text\":\"{n}\",\"id\":\"key:line/{n}\"}}\n")).collect();
    scene.write("lines", &lines);
    let before = scene.ok(&["export"]).stdout.lines().count();
    kill_at_each_sync(&scene, &folder::tree(scene.dir()), &["append", "lines"], |told, what| {
        let told = told.lines().filter(|line| line.ends_with('}')).count();
        let there = scene.ok(&["export"]).stdout.lines().count() - before;
        assert!(there >= told, "{what}: {there} of {told}");
        // What was left behind is in nobody's way: not at once, and not when events are archived next.
        scene.ok(&["note", "x"]);
        scene.ok(&["append", "lines"]);
        let ran = scene.run(&["verify"]);
        assert_eq!(ran.code, 0, "{what}: {}", ran.picture());
        assert_eq!(scene.ok(&["export"]).stdout.lines().count() - before, 601, "{what}");
    });
}

#[test]
fn found_21_init_killed_at_any_sync_is_finished_by_the_next_one() {
    if !strace::is_there("found_21_init_killed_at_any_sync_is_finished_by_the_next_one") {
        return;
    }
    let scene = Scene::empty();
    kill_at_each_sync(&scene, &Tree::new(), &["init"], |told, what| {
        let ran = scene.run(&["note", "x"]);
        assert!(ran.code == 0 || (ran.code == 4 && told.is_empty()), "{what}: {}", ran.picture());
        scene.ok(&["init"]);
        scene.ok(&["note", "y"]);
        scene.ok(&["verify"]);
    });
}

#[test]
fn found_22_a_rebuild_killed_at_any_sync_can_be_done_again() {
    if !strace::is_there("found_22_a_rebuild_killed_at_any_sync_can_be_done_again") {
        return;
    }
    let scene = sealed(1_200);
    let whole = scene.ok(&["export"]).stdout;
    fs::remove_file(log(&scene).join("head")).expect("the file goes");
    kill_at_each_sync(&scene, &folder::tree(scene.dir()), &["verify", "--rebuild"], |_, what| {
        let ran = scene.run(&["verify", "--rebuild"]);
        assert_eq!(ran.code, 0, "{what}: {}", ran.picture());
        assert_eq!(scene.ok(&["export"]).stdout, whole, "{what}");
    });
}
