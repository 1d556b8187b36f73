//! What was acknowledged outlives a power cut, and a kill.
//!
//! The first proof records the system calls of an appending process and builds, from hundreds of random
//! moments, the states a disk may be left in; every one must open with all that was acknowledged by then.
//! The second kills the process itself at random, 200 times. The harness is drawn in `support/power`.
//!
//! Each trace is some 2,000 events long: the first creation, several sealings, commands that open and close
//! the ledger, and recovery from the image of an earlier cut. Names are kept in order, in none, or in the worst one.
//!
//! `PHASELEDGER_POWER_SEED`, `…_TRACES`, `…_IMAGES` (of each trace), `…_EVENTS` (of each trace) and
//! `…_KILLS` make other and longer runs. A failed image is kept and named.
//!
//! `PHASELEDGER_POWER_BULK=2` makes some neighbours lines of 100 to 250 KB.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::appender::{self, LOCK_TIMEOUT, Said};
use crate::harness::calls::{Moment, parse};
use crate::harness::check::{check, compare};
use crate::harness::disk::Disk;
use crate::harness::image::Image;
use crate::harness::random::Random;
use crate::harness::script::{Oracle, Script};
use crate::harness::{cuts, file, scratch, trace};
use crate::numbers::{seed, setting};
use crate::patience::{PATIENCE, eventually};
use crate::skip::skip;
use phaseledger::store::{DiskStore, StoreError};

const CHECKERS: usize = 2;

const KEPT_MAX: usize = 5;

static KEPT: AtomicUsize = AtomicUsize::new(0);

/// The appending process: nothing to prove on its own.
#[test]
fn appender() {
    appender::obey();
}

/// A cut and what it left.
struct Cut {
    name: String,
    image: Image,
    said: Said,
    oracle: Arc<Oracle>,
}

#[test]
fn acknowledged_events_survive_power_cuts() {
    if let Some(obstacle) = trace::obstacle() {
        return skip("acknowledged_events_survive_power_cuts", "strace", &obstacle);
    }
    let seed = seed("PHASELEDGER_POWER_SEED", 1);
    let traces = setting("PHASELEDGER_POWER_TRACES", 4);
    let images = setting("PHASELEDGER_POWER_IMAGES", 90);
    println!("{traces} traces, {images} images of each");
    let started = Instant::now();

    let (send, receive) = mpsc::sync_channel::<Cut>(2 * CHECKERS);
    let receive = Arc::new(Mutex::new(receive));
    let (tell, told) = mpsc::channel();
    for _ in 0..CHECKERS {
        let (receive, tell) = (Arc::clone(&receive), tell.clone());
        thread::spawn(move || {
            loop {
                let cut = receive.lock().expect("no checker panics while it waits").recv();
                let Ok(cut) = cut else { return };
                if tell.send(judge(&cut)).is_err() {
                    return;
                }
            }
        });
    }
    drop(tell);
    let builder = thread::spawn(move || build(seed, traces, images, &send));

    let (count, mut judged, mut failures) = (traces * images, 0, Vec::new());
    loop {
        match told.recv_timeout(PATIENCE) {
            Ok(verdict) => {
                judged += 1;
                failures.extend(verdict.err());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no verdict for {PATIENCE:?}: an open hangs"),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    builder.join().expect("the traces are made and read");
    assert_eq!(judged, count, "an image was not judged");
    println!("{count} images, {} failed, {} s", failures.len(), started.elapsed().as_secs());
    let some = failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} images:\n{some}", failures.len());
}

/// Makes the traces and sends what cuts through them may leave. Every second trace starts from an image of
/// the one before, so that a recovery is cut as well.
fn build(seed: u64, traces: u64, images: u64, send: &mpsc::SyncSender<Cut>) {
    let mut left = None;
    for number in 0..traces {
        let mut random = Random::of(&[seed, number]);
        let fresh = || (Script { seed: Random::of(&[seed, number, 1]).next() }, Image::empty());
        let (script, start) = left.take().unwrap_or_else(fresh);
        let starting = random.below(images);
        let mut sent = 0;
        trace(number, script, &start, images, &mut random, &mut |cut| {
            if sent == starting && number % 2 == 0 {
                left = Some((script, cut.image.clone()));
            }
            sent += 1;
            send.send(cut).expect("checkers listen");
        });
    }
}

/// Traces one appender that finds `start` on its disk, and hands out images from random moments of it.
fn trace(
    number: u64,
    script: Script,
    start: &Image,
    images: u64,
    random: &mut Random,
    hand_out: &mut dyn FnMut(Cut),
) {
    let base = scratch();
    let root = base.path().to_str().expect("a path of UTF-8").to_owned();
    let ledger = appender::ledger(base.path()).display().to_string();
    let acknowledged = appender::acknowledgements(base.path()).display().to_string();
    start.write(base.path()).expect("the files to start from");
    let said = || Said::read(&std::fs::read(&acknowledged).unwrap_or_default());
    let events = said().seen.unwrap_or(0) + setting("PHASELEDGER_POWER_EVENTS", 2_000);
    let calls = trace::run("power::appender", base.path(), script, events);
    let last = said().acknowledged.expect("a whole run acknowledges");
    let oracle = Arc::new(Oracle::new(script, last));
    println!("trace {number}: to {last}, {} moments, {}", calls.moments.len(), cuts::synced(&calls, &ledger));

    let mut disk = Disk::new(&root, start);
    let mut at = 0;
    for moment in cuts::draw(&calls, &ledger, &acknowledged, random, images) {
        calls.moments[at..moment].iter().for_each(|moment| disk.step(&calls, *moment));
        at = moment;
        let said = disk.file(&acknowledged).map(file::File::live).unwrap_or_default();
        let mut image = Image::draw(&disk, random);
        image.put(appender::ACKNOWLEDGEMENTS, said.clone());
        hand_out(Cut {
            name: format!("trace {number}, moment {at}"),
            image,
            said: Said::read(&said),
            oracle: Arc::clone(&oracle),
        });
    }
    calls.moments[at..].iter().for_each(|moment| disk.step(&calls, *moment));
    let differences = Image::complete(&disk).differences(&Image::read(base.path()).expect("the real files"));
    assert!(differences.is_empty(), "the model is not what happened: {differences:#?}");
}

/// Opens one image; keeps it when it fails, the first few times.
fn judge(cut: &Cut) -> Result<(), String> {
    let home = scratch();
    cut.image.write(home.path()).map_err(|error| format!("the image cannot be written: {error}"))?;
    let checked = check(&appender::ledger(home.path()), &cut.oracle, cut.said);
    checked.map(|_| ()).map_err(|found| {
        let kept = keep(&cut.image).map_or_else(String::new, |kept| format!("; kept in {}", kept.display()));
        format!("{}, {:?}: {found}{kept}", cut.name, cut.said)
    })
}

/// Writes an image where it stays, unless many are there.
fn keep(image: &Image) -> Option<PathBuf> {
    if KEPT.fetch_add(1, Ordering::Relaxed) >= KEPT_MAX {
        return None;
    }
    let kept = tempfile::Builder::new().prefix("phaseledger-power-").tempdir().expect("a directory").keep();
    image.write(&kept).expect("the image is written");
    Some(kept)
}

#[test]
fn what_a_thread_finds_under_a_name_that_another_gives_up_is_followed() {
    let path = |path: &str| path.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (old, new, blob) = (path("/disk/work.1"), path("/disk/work"), path("/disk/work.1/blob"));
    let text = format!(
        "1 mkdir(\"{old}\", 0777) = 0\n\
         1 openat(AT_FDCWD, \"{blob}\", O_WRONLY|O_CREAT, 0666) = 3\n\
         1 rename(\"{old}\", \"{new}\" <unfinished ...>\n\
         2 unlink(\"{blob}\") = 0\n\
         1 <... rename resumed>) = 0\n"
    );
    let calls = parse(&text);
    let mut disk = Disk::new("/disk", &Image::empty());
    let mut left = |moments: &[Moment]| {
        moments.iter().for_each(|moment| disk.step(&calls, *moment));
        Image::complete(&disk).entries().map(|(path, _)| path.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(left(&calls.moments[..5]), ["", "work", "work/blob"]);
    assert_eq!(left(&calls.moments[5..]), ["", "work"]);
}

#[test]
fn acknowledged_events_survive_kills() {
    let seed = seed("PHASELEDGER_POWER_SEED", 1);
    let kills = setting("PHASELEDGER_POWER_KILLS", 200);
    println!("{kills} kills");
    let started = Instant::now();
    let base = scratch();
    let script = Script { seed: Random::of(&[seed, 2]).next() };
    let mut random = Random::of(&[seed, 3]);
    let mut oracle = Oracle::new(script, 0);
    let mut ended = 0;
    for kill in 0..kills {
        let later = Duration::from_micros(random.below(60_000));
        kill_one(base.path(), script, kill % 2 == 1, later);
        let written = std::fs::read(appender::acknowledgements(base.path())).unwrap_or_default();
        let mut said = Said::read(&written);
        said.acknowledged = said.acknowledged.map(|place| place.max(ended));
        said.seen = said.seen.map(|place| place.max(ended));
        oracle.play_beyond(said.seen.unwrap_or(0));
        let after = if kill % 20 == 0 || kill + 1 == kills { 0 } else { ended };
        ended = match DiskStore::open(&appender::ledger(base.path()), LOCK_TIMEOUT) {
            Err(StoreError::Missing { .. }) if said.acknowledged.is_none() => 0,
            Err(error) => panic!("kill {kill}, {said:?}: {error:?}"),
            Ok(store) => compare(&store, &oracle, said, after)
                .unwrap_or_else(|found| panic!("kill {kill}, {said:?}: {found}")),
        };
    }
    println!("{kills} kills, {ended} events, {} s", started.elapsed().as_secs());
    assert!(ended > 0, "nothing was appended between the kills");
}

/// Starts an appender and kills it some time later: after its start, which may be while it opens the ledger,
/// or after its first acknowledgement, which a busy machine may delay.
fn kill_one(base: &Path, script: Script, at_work: bool, later: Duration) {
    let acknowledged = || {
        let written = std::fs::read(appender::acknowledgements(base)).unwrap_or_default();
        Said::read(&written).acknowledged
    };
    let before = acknowledged();
    let mut command = Command::new(std::env::current_exe().expect("the test's own program"));
    appender::command(&mut command, "power::appender", base, script, u64::MAX);
    let mut child = command.spawn().expect("the appender starts");
    let running = |child: &mut Child| child.try_wait().expect("a child").is_none();
    if at_work {
        eventually("an acknowledgement", || acknowledged() != before || !running(&mut child));
    }
    thread::sleep(later);
    assert!(running(&mut child), "the appender ended by itself");
    child.kill().expect("a child to kill");
    child.wait().expect("the end of the child");
}
