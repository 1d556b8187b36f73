//! What a verb costs the disk, counted by strace: barriers, bytes, threads. Never by the time that it takes.

use super::{log, notes, sealed};
use crate::cli::Scene;
use crate::numbers::setting;
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

/// The most bytes that a command of one event writes to files, and how often it waits for the disk: more often where it
/// archives, and where sled follows.
const BYTES_MAX: usize = 256 << 10;
const BARRIERS_MAX: usize = 1;
const ARCHIVING_MAX: usize = 4;
const FOLLOWING_MAX: usize = 3;

/// Returns how often a command may wait.
fn barriers_max(cost: &Cost) -> usize {
    if cost.calls.contains("log/work") { FOLLOWING_MAX } else { BARRIERS_MAX }
}

/// Runs a command, and checks what it costs. Returns how much it wrote; none where it archived, which is another matter.
fn cheap(scene: &Scene, args: &[&str], what: &str) -> Option<usize> {
    let cost = cost(scene, args);
    if cost.calls.contains("segment.new") {
        assert!(cost.barriers <= ARCHIVING_MAX, "{what}: {} barriers\n{}", cost.barriers, cost.calls);
        return None;
    }
    assert!(cost.barriers <= barriers_max(&cost), "{what}: {} barriers\n{}", cost.barriers, cost.calls);
    assert!(cost.bytes <= BYTES_MAX, "{what}: {} bytes\n{}", cost.bytes, cost.calls);
    Some(cost.bytes)
}

#[test]
fn a_command_waits_for_the_disk_once_and_an_archiving_four_times() {
    if !strace::is_there("a_command_waits_for_the_disk_once_and_an_archiving_four_times") {
        return;
    }
    // The stream fills the journal, so that it begins anew.
    let scene = sealed(1_000);
    let segments = || folder::files(&log(&scene).join("segments")).len();
    let had = segments();
    notes(&scene, 850);
    assert_eq!(segments(), had, "nothing was archived");
    let mut archived = cost(&scene, &["note", "x"]);
    let (mut commands, mut follows) = (0, 0);
    for _ in 0..300 {
        if segments() > had {
            break;
        }
        let most = barriers_max(&archived);
        (commands, follows) = (commands + 1, follows + u32::from(most > BARRIERS_MAX));
        assert!(archived.barriers <= most, "{} barriers\n{}", archived.barriers, archived.calls);
        archived = cost(&scene, &["note", "x"]);
    }
    assert!(segments() > had, "events are archived");
    assert!(commands > 64 && follows <= commands / 64 + 1, "sled followed {follows} times in {commands}");
    assert!(archived.barriers <= ARCHIVING_MAX, "{} barriers\n{}", archived.barriers, archived.calls);
}

#[test]
fn a_command_writes_little_whatever_was_recorded_before_it() {
    if !strace::is_there("a_command_writes_little_whatever_was_recorded_before_it") {
        return;
    }
    let scene = Scene::empty();
    scene.ok(&["init"]);
    let rounds = setting("PHASELEDGER_CHEAP", 20);
    let phases: String = (0..rounds.max(60)).map(|n| format!("[[phase]]\nid = \"p{n}\"\n")).collect();
    scene.write("w.toml", &format!("[workflow]\nname = \"w\"\n{phases}"));
    scene.ok(&["define", "w.toml"]);
    let mut written = Vec::new();
    for n in 0..rounds {
        let phase = format!("p{n}");
        for verb in ["start", "complete"] {
            written.extend(cheap(&scene, &[verb, &phase], &format!("{verb} {phase}")));
        }
    }
    // Each time a batch that is large, but not archived: the journal takes up to 512 KiB.
    let text = "y".repeat(300);
    for events in [400, 40, 200] {
        let line = format!("{{\"do\":\"note\",\"text\":\"{text}\"}}\n");
        scene.write("lines", &line.repeat(events));
        scene.ok(&["append", "lines", "--atomic"]);
        for round in 0..rounds {
            written.extend(cheap(&scene, &["note", "x"], &format!("{round} after {events} events")));
        }
    }
    assert!(
        written.len() as u64 >= 4 * rounds && written.iter().any(|bytes| *bytes > 10_000),
        "they are counted: {written:?}"
    );
    written.sort_unstable();
    let (median, most) = (written[written.len() / 2], written[written.len() - 1]);
    println!("{} commands: {median} bytes in the median, {most} at most", written.len());
}

/// What is waited for while a stream is recorded, but for what opening costs: the journal, once for all that arrived.
#[test]
fn a_group_commit_waits_for_the_disk_once() {
    if !strace::is_there("a_group_commit_waits_for_the_disk_once") {
        return;
    }
    let scene = sealed(1_000);
    scene.ok(&["note", "x"]);
    for (args, frames_max) in [(&["append", "lines", "--atomic"][..], 1), (&["append", "lines"], 500)] {
        scene.write("lines", &"{\"do\":\"note\",\"text\":\"x\"}\n".repeat(200));
        let cost = cost(&scene, args);
        let of = |name: &str, call: &str| {
            cost.calls.lines().filter(|line| line.contains(call) && line.contains(name)).count()
        };
        let (frames, waits) = (of("log/journal>", "pwrite64("), of("log/journal>", "fdatasync("));
        assert!((1..=frames_max).contains(&frames), "{args:?}: {frames} frames\n{}", cost.calls);
        assert_eq!(waits, frames, "{args:?}: once a frame\n{}", cost.calls);
        let most = waits - 1 + barriers_max(&cost);
        assert!(cost.barriers <= most, "{args:?}: {} barriers\n{}", cost.barriers, cost.calls);
    }
}
