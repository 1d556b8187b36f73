//! A machine that fails: syncs, threads, the clock.

use std::fs;
use std::process::{Command, Stdio};

use super::{log, notes, said, sealed, whole};
use crate::cli::Scene;
use crate::patience::eventually;
use crate::{folder, strace};

#[test]
fn found_23_syncs_that_keep_failing_are_errors() {
    if !strace::is_there("found_23_syncs_that_keep_failing_are_errors") {
        return;
    }
    let scene = sealed(1_200);
    let before = whole(&scene);
    let kept = folder::tree(&log(&scene));
    let mut failed = 0;
    for args in [&["status"][..], &["status", "--at", "e5"], &["note", "x"]] {
        for first in 1..=8 {
            folder::replace(&log(&scene), &kept);
            let inject = format!("inject=fsync,fdatasync:error=EIO:when={first}+");
            let traced = strace::run(&scene, &["-e", "trace=fsync,fdatasync", "-e", &inject], args);
            let what = format!("{args:?} from {first}: {:?} {}", traced.code, said(&traced.output));
            assert!(!said(&traced.output).contains("panicked"), "{what}");
            assert!(matches!(traced.code, Some(0 | 74)), "{what}");
            failed += u32::from(traced.code == Some(74));
            // A power cut could still take what was not synced; a process cannot.
            let ran = scene.run(&["verify"]);
            assert_eq!(ran.code, 0, "{what}: {}", ran.picture());
            let export = scene.ok(&["export"]).stdout;
            let is_longer = export.lines().count() == before.0.lines().count() + 1;
            match (args[0], traced.code) {
                // What sled could not sync is done without.
                ("note", Some(0)) => assert!(is_longer, "{what}"),
                ("note", _) => assert!(is_longer || export == before.0, "{what}"),
                _ => assert!(export == before.0, "{what}"),
            }
        }
    }
    assert!(failed > 0, "{failed} runs failed");
}

/// One write or sync of a command fails, each in its turn: what is acknowledged is there, and what is not is there as a
/// whole or not at all. Sent again, it is there once.
#[test]
fn found_42_a_write_or_a_sync_that_fails_is_no_half_command() {
    if !strace::is_there("found_42_a_write_or_a_sync_that_fails_is_no_half_command") {
        return;
    }
    let scene = sealed(1_200);
    let events = |scene: &Scene| scene.ok(&["export"]).stdout.lines().count();
    let before = events(&scene);
    let kept = folder::tree(&log(&scene));
    let args = ["rerun", "a", "--reason", "why not", "--id", "key:mine"];
    let mut failed = 0;
    for calls in ["pwrite64", "fsync,fdatasync"] {
        for nth in 1.. {
            folder::replace(&log(&scene), &kept);
            let trace = format!("trace={calls}");
            let inject = format!("inject={calls}:error=EIO:when={nth}");
            let traced = strace::run(&scene, &["-e", &trace, "-e", &inject], &args);
            if !traced.has_failed("") {
                assert!(nth > 1, "{calls}: each has had its turn");
                break;
            }
            let what = format!("{calls}, {nth}: {:?} {}", traced.code, said(&traced.output));
            assert!(!what.contains("panicked") && matches!(traced.code, Some(0 | 74)), "{what}");
            failed += u32::from(traced.code == Some(74));
            let found = events(&scene) - before;
            match traced.code {
                Some(0) => assert_eq!(found, 1, "{what}"),
                _ => assert!(found <= 1, "{what}"),
            }
            scene.ok(&["verify"]);
            scene.ok(&args);
            assert_eq!(events(&scene) - before, 1, "{what}");
        }
    }
    assert!(failed > 0, "some are not made good");
}

#[test]
fn found_23_without_a_thread_to_be_had_nothing_hangs() {
    if !strace::is_there("found_23_without_a_thread_to_be_had_nothing_hangs") {
        return;
    }
    let scene = sealed(1_200);
    let before = whole(&scene);
    scene.write("lines", "{\"do\":\"note\",\"text\":\"x\"}\n");
    let inject = ["-e", "trace=clone3,clone", "-e", "inject=clone3,clone:error=EAGAIN"];
    // What starts threads, or a process, of its own.
    let traced = strace::run(&scene, &inject, &["append", "lines"]);
    assert_eq!(traced.code, Some(74), "{}", said(&traced.output));
    assert!(said(&traced.output).contains("start a thread"), "{}", said(&traced.output));
    assert!(whole(&scene) == before, "nothing is recorded");
    let traced = strace::run(&scene, &inject, &["exec", "b", "--", "true"]);
    assert_eq!(traced.code, Some(126), "{}", said(&traced.output));
    assert!(said(&traced.output).contains("cannot run `true`"), "{}", said(&traced.output));
    notes(&scene, 100);
    // sled is done without, where it is to follow and where it is not, and where it gets some threads and not all.
    let events = || scene.ok(&["export"]).stdout.lines().count();
    let first = |first: usize| format!("inject=clone3,clone:error=EAGAIN:when={first}");
    let few: Vec<_> = (2..=7).map(first).collect();
    let none = [inject[3]].into_iter().chain(few.iter().map(String::as_str));
    for (number, inject) in none.enumerate() {
        for is_behind in [false, true] {
            if is_behind {
                fs::remove_file(log(&scene).join("work.mark")).expect("the mark goes");
            }
            let had = events();
            let traced = strace::run(&scene, &["-e", "trace=clone3,clone", "-e", inject], &["note", "x"]);
            assert_eq!(traced.code, Some(0), "{inject}: {}", said(&traced.output));
            assert_eq!(traced.has_failed(""), is_behind, "{inject}");
            assert_eq!(events(), had + 1, "{number}");
        }
    }
    scene.ok(&["verify"]);
}

/// A library that shows the program another time, built with the C compiler that a build needs anyway.
fn clock(scene: &Scene, seconds: i64, nanos: u32) -> Command {
    let source = format!(
        "#include <time.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
         int clock_gettime(clockid_t id, struct timespec *at) {{\n\
         if (id == CLOCK_REALTIME) {{ at->tv_sec = {seconds}L; at->tv_nsec = {nanos}L; return 0; }}\n\
         return syscall(SYS_clock_gettime, id, at); }}\n"
    );
    let (source, library) = (scene.write("clock.c", &source), scene.dir().join("clock.so"));
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(built.expect("a C compiler").success());
    let mut command = scene.command();
    command.env_remove("PHASELEDGER_CLOCK").env("LD_PRELOAD", library);
    command
}

#[test]
fn found_6_a_clock_before_1970_or_after_9999_is_an_error() {
    let verbs: [&[&str]; 7] = [
        &["status"],
        &["status", "--at", "yesterday"],
        &["note", "x"],
        &["start", "b", "--occurred-at", "1 hour ago"],
        &["append", "lines"],
        &["exec", "b", "--", "true"],
        &["import", "--format", "history", "history"],
    ];
    for (seconds, shows) in
        [(-86_400, "before 1970"), (253_402_300_800, "after 9999"), (i64::MAX / 2, "after 9999")]
    {
        let scene = sealed(3);
        scene.write("lines", "{\"do\":\"note\",\"text\":\"x\"}\n");
        scene.write("history", "{\"at\":\"2025-10-29T19:00:00Z\",\"phase\":\"b\",\"event\":\"start\"}\n");
        let before = whole(&scene);
        for args in verbs {
            let output = clock(&scene, seconds, 5).args(args).output().expect("the program runs");
            let told = format!("{seconds}, {args:?}: {:?} {}", output.status.code(), said(&output));
            if args == ["status"] {
                assert_eq!(output.status.code(), Some(0), "{told}");
            } else {
                assert_eq!(output.status.code(), Some(74), "{told}");
                assert!(said(&output).contains(shows), "{told}");
            }
        }
        assert!(whole(&scene) == before);
    }
    // The last microsecond that can be written is one to record at; after it there is none.
    let scene = sealed(3);
    for (code, says) in [(0, ""), (6, "no later time")] {
        let output = clock(&scene, 253_402_300_799, 999_999_999).args(["note", "late"]).output();
        let output = output.expect("the program runs");
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(says), "{}", said(&output));
    }
    scene.ok(&["verify"]);
}

/// Says whether a process waits for a lock; yes where the system does not tell.
fn waits_for_a_lock(pid: u32) -> bool {
    let Ok(locks) = fs::read_to_string("/proc/locks") else { return true };
    locks.lines().any(|lock| lock.contains("-> ") && lock.split(' ').any(|word| word == pid.to_string()))
}

#[test]
fn found_23_a_lock_that_is_held_is_told_within_the_time_out() {
    let scene = sealed(3);
    let held = fs::File::options().write(true).open(log(&scene).join("lock")).expect("the lock");
    held.lock().expect("it is free");
    let ran = scene.run(&["note", "x", "--lock-timeout", "200ms"]);
    assert_eq!(ran.code, 75, "{}", ran.picture());
    // Whoever asks waits for nobody.
    scene.ok(&["status"]);
    scene.ok(&["verify"]);
    // One that is let go within the time is waited for.
    let mut command = scene.command();
    command.args(["note", "x", "--lock-timeout", "1h"]).stdout(Stdio::null());
    let mut waiting = command.spawn().expect("the program runs");
    let mut ended = false;
    eventually("it waits", || {
        ended = waiting.try_wait().expect("a child").is_some();
        ended || waits_for_a_lock(waiting.id())
    });
    assert!(!ended, "it is waited for");
    drop(held);
    assert!(waiting.wait().expect("the end of the child").success());
}
