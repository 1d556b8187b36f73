//! What a verb costs the disk, counted by strace: barriers, bytes, threads. Never by the time that it takes.

use super::{log, notes, sealed};
use crate::cli::Scene;
use crate::{folder, strace};

/// Calls that wait for the disk, change something on it, or start a thread.
const CALLS: &str = "trace=fsync,fdatasync,sync_file_range,msync,syncfs,sync,write,pwrite64,writev,pwritev,ftruncate,\
    fallocate,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,flock,clone,clone3,vfork";

/// What a run did.
struct Cost {
    /// How often it waited for the disk.
    barriers: usize,
    /// How many bytes it wrote to files.
    bytes: usize,
    calls: String,
}

fn cost(scene: &Scene, args: &[&str]) -> Cost {
    let traced = strace::run(scene, &["-e", CALLS], args);
    // Some answer no.
    assert!(
        matches!(traced.code, Some(0 | 1)),
        "{args:?}: {}",
        String::from_utf8_lossy(&traced.output.stderr)
    );
    let done = |call: &&str| !call.contains("resumed") && !call.contains("+++");
    let is_barrier =
        |call: &&str| ["sync(", "fdatasync(", "sync_file_range("].iter().any(|name| call.contains(name));
    let to_file =
        |call: &&str| call.contains("write") && !call.contains("write(1<") && !call.contains("write(2<");
    let bytes = traced
        .calls
        .lines()
        .filter(to_file)
        .filter_map(|call| call.rsplit_once(" = ")?.1.parse::<usize>().ok());
    Cost {
        barriers: traced.calls.lines().filter(done).filter(is_barrier).count(),
        bytes: bytes.sum(),
        calls: traced.calls.clone(),
    }
}

#[test]
fn a_question_waits_for_nothing_writes_nothing_and_starts_no_thread() {
    if !strace::is_there("a_question_waits_for_nothing_writes_nothing_and_starts_no_thread") {
        return;
    }
    let scene = sealed(2_500);
    scene.ok(&["start", "b"]);
    let before = folder::tree(&log(&scene));
    for args in [
        &["status"][..],
        &["status", "--at", "#1500"],
        &["status", "a"],
        &["next"],
        &["log", "-n", "3"],
        &["show", "#7"],
        &["show", "a"],
        &["why", "b"],
        &["graph"],
        &["report"],
        &["replay", "--quiet"],
        &["export"],
        &["cost", "summary"],
        &["approval", "list"],
        &["verify"],
        &["start", "a", "--rerun", "--reason", "x", "--dry-run"],
    ] {
        let cost = cost(&scene, args);
        let told =
            |call: &&str| call.contains("write(1<") || call.contains("write(2<") || call.contains("+++");
        let others: Vec<_> = cost.calls.lines().filter(|call| !told(call)).collect();
        assert!(others.is_empty(), "{args:?}: {others:#?}");
        assert!(folder::tree(&log(&scene)) == before, "{args:?}");
    }
}

#[test]
fn a_command_waits_for_the_disk_three_times_and_an_archiving_six_times() {
    if !strace::is_there("a_command_waits_for_the_disk_three_times_and_an_archiving_six_times") {
        return;
    }
    // The stream fills the journal, so that it begins anew.
    let scene = sealed(1_000);
    let segments = || folder::files(&log(&scene).join("segments")).len();
    let had = segments();
    for round in 0..30 {
        let cost = cost(&scene, &["note", "x"]);
        assert!(cost.barriers <= 3, "round {round}: {} barriers\n{}", cost.barriers, cost.calls);
        assert!(cost.bytes <= 140_000, "round {round}: {} bytes\n{}", cost.bytes, cost.calls);
    }
    assert_eq!(segments(), had, "nothing was archived");
    notes(&scene, 850);
    let mut archived = cost(&scene, &["note", "x"]);
    for _ in 0..300 {
        if segments() > had {
            break;
        }
        assert!(archived.barriers <= 3, "{} barriers\n{}", archived.barriers, archived.calls);
        archived = cost(&scene, &["note", "x"]);
    }
    assert!(segments() > had, "events are archived");
    assert!(archived.barriers <= 6, "{} barriers\n{}", archived.barriers, archived.calls);
    let lines = "{\"do\":\"note\",\"text\":\"x\"}\n".repeat(500);
    scene.write("lines", &lines);
    let cost = cost(&scene, &["append", "lines", "--atomic"]);
    assert!(cost.barriers <= 3, "{} barriers\n{}", cost.barriers, cost.calls);
}
