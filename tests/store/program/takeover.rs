//! A takeover of format 1 that is killed at any call: what is left is asked, and recorded to.

use std::time::Instant;

use super::{old, put_files};
use crate::harness::program::judge::{Truth, judge};
use crate::harness::program::one::{calls, count, run};
use crate::harness::random::Random;
use crate::harness::{scratch, trace};
use crate::numbers::{seed, setting};
use crate::skip::skip;

/// All calls that open, change or make durable.
const CALLS: &str = "openat,write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,mkdir,unlink,unlinkat,rmdir,\
    getdents64,flock,close";

#[test]
fn found_20_a_takeover_that_is_killed_at_any_call_loses_nothing() {
    if let Some(obstacle) = trace::obstacle() {
        return skip("found_20_a_takeover_that_is_killed_at_any_call_loses_nothing", "strace", &obstacle);
    }
    let mut random = Random::of(&[seed("PHASELEDGER_PROGRAM_SEED", 1), 51]);
    let most = setting("PHASELEDGER_TAKEOVERS", 25);
    let started = Instant::now();
    let home = scratch();
    put_files(home.path());
    let (start, told) = old();
    let base = scratch();
    start.write(base.path()).expect("the files");
    let truth = Truth::read(&base.path().join("ledger/log"));
    let args = ["note", "x", "--json"];
    let (made, ledger) = (calls(base.path(), home.path(), &args, CALLS), base.path().join("ledger"));
    // strace counts the calls of each name for themselves.
    let of = |name: &'static str| count(&made, name, &ledger).map(move |nth| (name, nth));
    let mut places: Vec<(&str, u64)> = CALLS.split(',').flat_map(of).collect();
    let all = places.len();
    while places.len() as u64 > most {
        places.swap_remove(random.below(places.len() as u64) as usize);
    }
    let mut killed = 0;
    for (number, (name, nth)) in (0..).zip(&places) {
        let base = scratch();
        start.write(base.path()).expect("the files");
        let (traced, inject) = (format!("trace={name}"), format!("inject={name}:signal=KILL:when={nth}"));
        let options = ["-e", &traced, "-e", &inject];
        let ran = run(base.path(), home.path(), &args, &options);
        killed += u64::from(ran.code.is_none() || ran.code == Some(137));
        let log = base.path().join("ledger/log");
        let now = Truth::read(&log);
        let (lines, before) = (now.lines(), truth.lines());
        assert!(
            lines.starts_with(before) && lines.len() <= before.len() + 1,
            "{name} {nth}: {}",
            lines.len()
        );
        let mut told = told;
        told.add(ran.stdout.as_bytes());
        judge(&log, &now, told, number).unwrap_or_else(|found| panic!("killed at {name} {nth}: {found}"));
    }
    println!("{} of {} calls, {killed} killed, {} s", places.len(), all, started.elapsed().as_secs());
    assert!(killed > 0, "nothing was killed");
}
