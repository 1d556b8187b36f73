//! Where a ledger is made, who may look into it, and what is never written into its log.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{log, said, sealed};
use crate::cli::Scene;
use crate::{folder, strace};

#[test]
fn found_22_init_makes_nothing_where_remains_of_a_log_are() {
    for count in [0, 1_200] {
        remains_are_refused(&sealed(count));
    }
}

fn remains_are_refused(whole: &Scene) {
    let kept = folder::tree(whole.dir());
    let parts = ["segments", "journal", "head"];
    // Every set of parts that is neither all nor none.
    for gone in 1..7_u32 {
        let scene = Scene::empty();
        folder::write(&kept, scene.dir());
        let mut left = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let path = log(&scene).join(part);
            match gone & 1 << at {
                0 => left.push(*part),
                _ if path.is_dir() => fs::remove_dir_all(path).expect("the folder goes"),
                _ => fs::remove_file(path).expect("the file goes"),
            }
        }
        // Templates that are gone too are not made again.
        fs::remove_file(scene.dir().join("ledger/workflow.toml")).expect("the file goes");
        let found = folder::tree(scene.dir());
        for args in [&["init"][..], &["init", "--example"], &["init", "--json"], &["status"], &["note", "x"]]
        {
            let ran = scene.run(args);
            assert_eq!(ran.code, 5, "{left:?}: {}", ran.picture());
            assert!(ran.stdout.is_empty());
            let now = folder::tree(scene.dir());
            assert!(now == found, "{left:?}: {args:?} changed {:?}", now.keys().collect::<Vec<_>>());
        }
        let said = scene.run(&["init"]).stderr;
        for part in parts {
            let by_name = said.contains(&format!("`{part}`")) || said.contains(&format!("/{part}`"));
            assert!(by_name || left == ["segments", "journal"], "{left:?}: {said}");
        }
    }
}

#[test]
fn found_22_init_finishes_what_it_was_killed_at() {
    for left in [
        &["lock"][..],
        &["lock", "sealed"],
        &["lock", "sealed", "segments"],
        &["lock", "sealed", "segments", "snapshots", "head"],
        &["lock", "sealed", "segments", "snapshots", "head", "journal"],
    ] {
        let scene = Scene::made();
        let made: Vec<_> =
            fs::read_dir(log(&scene)).expect("a folder").map(|part| part.expect("a part").path()).collect();
        for part in made {
            match left.iter().any(|left| part.ends_with(left)) {
                true => {}
                false if part.is_dir() => fs::remove_dir_all(part).expect("the folder goes"),
                false => fs::remove_file(part).expect("the file goes"),
            }
        }
        scene.ok(&["init"]);
        scene.ok(&["note", "x"]);
        scene.ok(&["verify"]);
    }
}

/// Returns the folders whose names a traced run made durable, in order, up to its answer.
fn synced(calls: &str) -> Vec<&str> {
    let until_told = calls.lines().take_while(|call| !call.contains("write(1<"));
    let synced = until_told.filter(|call| call.contains("fsync(") && call.ends_with("= 0"));
    synced.filter_map(|call| call.split(['<', '>']).nth(1)).collect()
}

#[test]
fn found_21_init_syncs_the_folder_that_holds_the_ledger() {
    if !strace::is_there("found_21_init_syncs_the_folder_that_holds_the_ledger") {
        return;
    }
    let trace = ["-e", "trace=fsync,write"];
    for (args, holders) in [
        (&["init"][..], &[""][..]),
        (&["init", "x/y"], &["x/y", "x", ""]),
        (&["init", "--dir", "z/here"], &["z", ""]),
    ] {
        let scene = Scene::empty();
        let traced = strace::run(&scene, &trace, args);
        assert_eq!(traced.code, Some(0), "{}", said(&traced.output));
        let synced = synced(&traced.calls);
        for holder in holders {
            let path = scene.dir().join(holder).canonicalize().expect("it is there");
            assert!(
                synced.iter().any(|found| Path::new(found) == path),
                "{args:?}: {path:?} is not among {synced:?}"
            );
        }
    }
}

#[test]
fn found_25_the_log_is_its_owners_alone() {
    let scene = Scene::made();
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(format!("{:o}", mode(&log(&scene))), "700");
    // Whoever shares a ledger on purpose goes on sharing it.
    fs::set_permissions(log(&scene), fs::Permissions::from_mode(0o770)).expect("permissions");
    scene.ok(&["init"]);
    scene.ok(&["note", "x"]);
    assert_eq!(format!("{:o}", mode(&log(&scene))), "770");
}

#[test]
fn found_23_nothing_is_written_into_a_log() {
    let scene = sealed(3);
    symlink(log(&scene), scene.dir().join("elsewhere")).expect("a link");
    symlink(log(&scene).join("head"), scene.dir().join("report.md")).expect("a link");
    let other = Scene::made();
    let theirs = log(&other).join("segments/head");
    let found = folder::tree(&log(&scene));
    for path in [
        "ledger/log/head",
        "ledger/log/new",
        "ledger/log/tail/db",
        "ledger/log/sealed/deep/er",
        "./ledger/../ledger/log/lock",
        "elsewhere/head",
        "report.md",
        theirs.to_str().expect("a path of UTF-8"),
    ] {
        for args in
            [&["export", "-o", path][..], &["report", "-o", path], &["report", "--json", "--output", path]]
        {
            let ran = scene.run(args);
            assert_eq!(ran.code, 2, "{}", ran.picture());
            assert!(ran.stderr.contains("within the log of a ledger"), "{}", ran.picture());
        }
    }
    for args in [&["init", "ledger/log"][..], &["init", "--dir", "elsewhere/x"]] {
        let ran = scene.run(args);
        assert_eq!(ran.code, 2, "{}", ran.picture());
    }
    assert!(folder::tree(&log(&scene)) == found);
    // A folder is no log for its name.
    fs::create_dir(scene.dir().join("log")).expect("a folder");
    scene.ok(&["export", "-o", "log/head"]);
    scene.ok(&["export", "-o", "log/tail"]);
    scene.ok(&["report", "-o", "log/head"]);
}
