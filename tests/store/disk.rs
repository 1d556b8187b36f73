//! What only a store on disk can get wrong, short of damage: files, directories, locks and processes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use phaseledger::model::{Digest, Seq};
use phaseledger::store::{
    Batch, DiskOptions, DiskStore, Entry, Log, RowChanges, Snapshot, Store, StoreError,
};

use crate::contract::{OnDisk, SMALL, Subject, append, batch, command, entry, fill};
use crate::folder::{self, copy};
use crate::patience::eventually;
use crate::skip::skip;

const LONG: Duration = Duration::from_secs(30);

/// Opens a log. One that this process had open may be held a moment longer, by a child that another test starts: until it
/// is another program, it has what this process has.
fn open(dir: &Path) -> Result<DiskStore, StoreError> {
    DiskStore::open(dir, LONG)
}

/// Opens a database of sled's, as above.
pub fn database(dir: &Path) -> sled::Db {
    let mut opened = None;
    eventually("the database opens", || {
        opened = sled::open(dir).ok();
        opened.is_some()
    });
    opened.expect("as above")
}

#[test]
fn a_store_may_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<DiskStore>();
}

#[test]
fn no_ledger() {
    let dir = tempfile::tempdir().expect("a directory");
    for path in [dir.path().join("nothing"), dir.path().to_owned()] {
        let error = open(&path).expect_err("there is no log");
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0, "opening makes nothing");
}

#[test]
fn creating_again_opens_what_is_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("deep/er/log");
    fill(&mut DiskStore::create(&log).expect("a new log"), 3);
    let store = DiskStore::create(&log).expect("the same log");
    assert_eq!(store.head().expect("a head").seq, Seq::new(3));
}

#[test]
fn a_creation_that_a_crash_cut_off_is_finished() {
    for crash in ["tail.new", "sealed.new", "head.new", "tail", "sealed", "head"] {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        if crash.ends_with(".new") {
            fs::create_dir_all(log.join(crash)).expect("a directory");
            fs::write(log.join(crash).join("conf"), "half").expect("a file");
            if crash == "head.new" {
                fs::remove_dir_all(log.join(crash)).expect("a directory goes");
                fs::write(log.join(crash), "half").expect("a file");
            }
        } else {
            drop(DiskStore::create(&log).expect("a new log"));
            // What is made later is missing too.
            fs::remove_file(log.join("head")).expect("a file goes");
            match crash {
                "sealed" => fs::remove_dir_all(log.join("tail")).expect("a directory goes"),
                "tail" | "head" => {}
                other => unreachable!("{other}"),
            }
        }
        fill(&mut DiskStore::create(&log).unwrap_or_else(|error| panic!("after {crash}: {error}")), 2);
        assert_eq!(open(&log).expect("a log").head().expect("a head").seq, Seq::new(2), "after {crash}");
    }
}

#[test]
fn a_log_without_its_witness_is_never_taken_for_a_new_one() {
    let mut subject = OnDisk::new(SMALL);
    fill(subject.store(), 3);
    subject.close();
    fs::remove_file(subject.log().join("head")).expect("a file goes");
    for answer in [open(&subject.log()), DiskStore::create(&subject.log())] {
        let error = answer.expect_err("the witness is missing");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }
}

#[test]
fn leftovers_of_sled_do_not_keep_it_from_opening() {
    let mut subject = OnDisk::new(SMALL);
    fill(subject.store(), 20);
    subject.close();
    for database in ["tail", "sealed"] {
        let leftover = subject.log().join(database).join("snap.FFFFFFFFFFFF0000.generating");
        fs::write(leftover, "half a snapshot").expect("a file");
    }
    subject.reopen();
    assert_eq!(subject.store().read(Seq::ZERO, 99).expect("lines").len(), 20);
}

#[test]
fn a_log_behind_its_witness_has_lost_events() {
    let mut subject = OnDisk::new(DiskOptions::default());
    fill(subject.store(), 10);
    subject.close();
    let before = subject.dir.path().join("before");
    copy(&subject.log().join("tail"), &before);
    subject.reopen();
    fill(subject.store(), 17);
    subject.close();
    fs::remove_dir_all(subject.log().join("tail")).expect("a directory goes");
    copy(&before, &subject.log().join("tail"));
    let error = open(&subject.log()).expect_err("events are missing");
    assert!(
        matches!(&error, StoreError::Damaged { found } if found.contains("7 events are missing")),
        "{error}"
    );
}

#[test]
fn a_witness_behind_its_log_catches_up() {
    let mut subject = OnDisk::new(DiskOptions::default());
    fill(subject.store(), 10);
    subject.close();
    let witness = fs::read(subject.log().join("head")).expect("a file");
    subject.reopen();
    fill(subject.store(), 17);
    subject.close();
    fs::write(subject.log().join("head"), witness).expect("a file");
    subject.reopen();
    subject.close();
    let witness = fs::read_to_string(subject.log().join("head")).expect("a file");
    assert!(witness.contains("00000000000000000017 sha256:"), "{witness}");
}

#[test]
fn a_newer_format_is_left_alone() {
    let mut subject = OnDisk::new(DiskOptions::default());
    fill(subject.store(), 1);
    subject.close();
    let db = database(&subject.log().join("tail"));
    let mut head = db.get("h").expect("a head").expect("a head").to_vec();
    head[8..12].copy_from_slice(&7u32.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"h");
    hasher.update(&head[8..]);
    head[..4].copy_from_slice(&hasher.finalize().to_le_bytes());
    db.insert("h", head).expect("a change");
    drop(db);
    let error = DiskStore::open(&subject.log(), LONG).expect_err("a newer format");
    assert!(matches!(error, StoreError::NewerFormat { found: 7, known: 1 }), "{error}");
}

#[test]
fn a_directory_that_cannot_be_written_is_said_to_be_so() {
    let mut subject = OnDisk::new(DiskOptions::default());
    subject.close();
    // A directory in a file's place stops even root.
    fs::remove_file(subject.log().join("lock")).expect("a file goes");
    fs::create_dir(subject.log().join("lock")).expect("a directory");
    let error = open(&subject.log()).expect_err("no lock");
    assert!(matches!(&error, StoreError::Io { action: "open", .. }), "{error}");

    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("file"), "").expect("a file");
    let error = DiskStore::create(&dir.path().join("file/log")).expect_err("a file is in the way");
    assert!(matches!(&error, StoreError::Io { action: "create", .. }), "{error}");
}

#[test]
#[cfg(unix)]
fn a_read_only_directory_is_said_to_be_so() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).expect("permissions");
    if fs::write(dir.path().join("probe"), "").is_ok() {
        return skip("a_read_only_directory_is_said_to_be_so", "user", "this user may write anywhere");
    }
    let error = DiskStore::create(&dir.path().join("log")).expect_err("a read-only directory");
    assert!(matches!(&error, StoreError::Io { action: "create", .. }), "{error}");
}

#[test]
fn a_held_lock_is_waited_for_and_given_up() {
    let mut subject = OnDisk::new(DiskOptions::default());
    fill(subject.store(), 1);
    let error = DiskStore::open(&subject.log(), Duration::from_millis(50)).expect_err("the log is in use");
    assert!(matches!(error, StoreError::LockTimeout { .. }), "{error}");
    let log = subject.log();
    let waiting = thread::spawn(move || DiskStore::open(&log, LONG).map(|store| store.head()));
    thread::sleep(Duration::from_millis(50));
    subject.close();
    let head = waiting.join().expect("no panic").expect("its turn comes").expect("a head");
    assert_eq!(head.seq, Seq::new(1));
}

#[test]
fn threads_take_turns() {
    let mut subject = OnDisk::new(SMALL);
    subject.close();
    let log = subject.log();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..15 {
                    let mut store = DiskStore::open_with(&log, LONG, SMALL).expect("its turn");
                    let seq = store.head().expect("a head").seq.number() + 1;
                    append(&mut store, &batch(vec![entry(seq)]));
                }
            });
        }
    });
    let lines = open(&log).expect("a log").read(Seq::ZERO, 99).expect("lines");
    assert!(lines.into_iter().eq((1..=60).map(|seq| entry(seq).line)));
}

/// The body of the processes that [`processes_take_turns_and_may_die`] starts.
#[test]
fn writer_process() {
    let Ok(log) = std::env::var("PHASELEDGER_TEST_LOG") else { return };
    loop {
        let mut store = DiskStore::open_with(Path::new(&log), LONG, SMALL).expect("its turn");
        let seq = store.head().expect("a head").seq.number() + 1;
        append(&mut store, &batch(vec![entry(seq)]));
        println!("acknowledged {seq}");
    }
}

#[test]
fn processes_take_turns_and_may_die() {
    let mut subject = OnDisk::new(SMALL);
    subject.close();
    let mut acknowledged = 0;
    for round in 0..6 {
        let start = |writer: u32| {
            let output = subject.dir.path().join(format!("output-{round}-{writer}"));
            let writer = Command::new(std::env::current_exe().expect("this test"))
                .args(["--exact", "disk::writer_process", "--nocapture"])
                .env("PHASELEDGER_TEST_LOG", subject.log())
                .stdout(fs::File::create(&output).expect("a file"))
                .spawn();
            (writer.expect("a process"), output)
        };
        let writers: Vec<_> = (0..3).map(start).collect();
        let before = acknowledged;
        eventually("somebody's turn comes", || {
            acknowledged = writers.iter().map(|(_, output)| last_acknowledged(output)).max().unwrap_or(0);
            acknowledged >= before + 5
        });
        for (mut writer, output) in writers {
            writer.kill().expect("a process dies");
            writer.wait().expect("a process ends");
            acknowledged = acknowledged.max(last_acknowledged(&output));
        }
    }
    subject.reopen();
    let lines = subject.store().read(Seq::ZERO, usize::MAX).expect("lines");
    assert!(lines.len() as u64 >= acknowledged, "{} of {acknowledged}", lines.len());
    assert!(lines.into_iter().zip(1..).all(|(line, seq)| line == entry(seq).line));
}

fn last_acknowledged(output: &Path) -> u64 {
    let text = fs::read_to_string(output).expect("a text");
    let whole_lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let seqs = whole_lines.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
    seqs.max().unwrap_or(0)
}

#[test]
fn sealing_that_a_crash_cut_off_leaves_nothing_behind() {
    let mut subject = OnDisk::new(SMALL);
    fill(subject.store(), 7);
    subject.close();
    let before = subject.dir.path().join("before");
    copy(&subject.log().join("tail"), &before);
    let witness = fs::read(subject.log().join("head")).expect("a file");
    subject.reopen();
    // Sealed, but never referred to: the tail and both witnesses are put back.
    let lost = Entry { command_id: command(1000), line: "lost".repeat(500), ..entry(8) };
    append(subject.store(), &batch(vec![lost; 30]));
    subject.close();
    fs::remove_dir_all(subject.log().join("tail")).expect("a directory goes");
    copy(&before, &subject.log().join("tail"));
    for place in ["head", "sealed/head"] {
        fs::write(subject.log().join(place), &witness).expect("a file");
    }
    subject.reopen();
    assert_eq!(subject.store().read(Seq::ZERO, 99).expect("lines").len(), 7);
    assert_eq!(subject.store().find(command(1000)).expect("a look-up"), None);
    fill(subject.store(), 50);
    subject.reopen();
    for after in 0..50 {
        let lines = subject.store().read(Seq::new(after), 99).expect("lines");
        assert!(lines.into_iter().eq((after + 1..=50).map(|seq| entry(seq).line)), "after {after}");
    }
    assert_eq!(subject.store().find(command(1000)).expect("a look-up"), None);
}

/// What such a sealing leaves has other events than the log gets afterwards, at the same places. Until the next sealing
/// it is there, and nobody may take it for damage.
#[test]
fn found_20_what_a_sealing_left_is_no_damage_once_the_log_goes_on() {
    for witness in ["as it was", "missing"] {
        let mut subject = OnDisk::new(SMALL);
        fill(subject.store(), 3);
        subject.close();
        let before = folder::tree(&subject.log());
        subject.reopen();
        let lost = Entry { command_id: command(1000), line: "lost".repeat(500), ..entry(4) };
        append(subject.store(), &batch(vec![lost; 30]));
        subject.close();
        let sealed = folder::tree(&subject.log().join("sealed"));
        folder::replace(&subject.log(), &before);
        folder::replace(&subject.log().join("sealed"), &sealed);
        let beside = subject.log().join("sealed/head");
        if witness == "missing" {
            fs::remove_file(beside).expect("the file goes");
        } else {
            fs::copy(subject.log().join("head"), beside).expect("a copy");
        }
        for end in [4, 5, 6, 50, 51] {
            subject.reopen();
            fill(subject.store(), end);
            subject.reopen();
            let lines = subject.store().read(Seq::ZERO, 99).expect("lines");
            assert!(lines.into_iter().eq((1..=end).map(|seq| entry(seq).line)), "{witness}, to {end}");
            assert_eq!(subject.store().snapshot(Seq::new(end)).expect("sealed is open"), None);
            assert_eq!(subject.store().find(command(1000)).expect("a look-up"), None);
        }
    }
}

#[test]
fn found_22_a_log_that_was_used_is_never_taken_for_one_that_is_being_made() {
    for gone in [&["head"][..], &["head", "tail"]] {
        let mut subject = OnDisk::new(DiskOptions::default());
        fill(subject.store(), 1);
        subject.close();
        for part in gone {
            let path = subject.log().join(part);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it goes");
        }
        let found = folder::tree(&subject.log());
        for answer in [DiskStore::create(&subject.log()), open(&subject.log())] {
            let error = answer.expect_err("parts are missing");
            assert!(matches!(error, StoreError::Damaged { .. } | StoreError::Remains { .. }), "{error}");
        }
        assert!(folder::tree(&subject.log()) == found, "{gone:?}: nothing is made");
    }
}

#[test]
fn the_tail_stays_small() {
    let mut subject = OnDisk::new(SMALL);
    let row = |bytes: usize| {
        let rows = vec![("row".to_owned(), Some(vec![7; bytes]))];
        Batch { entries: Vec::new(), rows: RowChanges { fold_version: 1, replace: false, rows } }
    };
    append(subject.store(), &row(2 << 20));
    append(subject.store(), &row(2));
    fill(subject.store(), 400);
    subject.close();
    let db = database(&subject.log().join("tail"));
    let keys: Vec<_> = db.iter().keys().map(|key| key.expect("a key").escape_ascii().to_string()).collect();
    // The head, the row's page, the filter's pages, and the unsealed events with their commands.
    assert!(keys.len() <= 1 + 1 + 16 + 2 * 8, "{keys:?}");
}

#[test]
fn a_value_that_changed_is_noticed() {
    let mut subject = OnDisk::new(SMALL);
    fill(subject.store(), 3);
    subject.close();
    let db = database(&subject.log().join("tail"));
    let (key, value) = db.scan_prefix("b").next().expect("a block").expect("a block");
    let mut value = value.to_vec();
    let last = value.len() - 1;
    value[last] ^= 1;
    db.insert(key, value).expect("a change");
    drop(db);
    subject.reopen();
    let error = subject.store().read(Seq::ZERO, 9).expect_err("a block was changed");
    assert!(matches!(&error, StoreError::Damaged { found } if found.contains("checksum")), "{error}");
}

#[test]
fn nothing_is_spilled_into_files_of_its_own() {
    let mut subject = OnDisk::new(DiskOptions::default());
    let noise = |seed: u64, bytes: usize| {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'0' + (state >> 58) as u8)
        };
        (0..bytes).map(|_| next()).collect::<String>()
    };
    for round in 0..30u64 {
        let head = subject.store().head().expect("a head").seq.number();
        let entries = (1..=100).map(|at| Entry { line: noise(at + round, 3000), ..entry(head + at) });
        let rows =
            (0..40).map(|at| (format!("{:05}", (at * 37 + round) % 500), Some(noise(at, 5900).into())));
        let rows = RowChanges { fold_version: 1, replace: false, rows: rows.collect() };
        append(subject.store(), &Batch { entries: entries.collect(), rows });
        let table = noise(round, 3 << 20).into_bytes();
        let snapshot = Snapshot { seq: Seq::new(head), root: Digest::sha256(b""), fold_version: 1, table };
        subject.store().keep_snapshot(&snapshot).expect("a snapshot is kept");
    }
    for database in ["tail", "sealed"] {
        let blobs = fs::read_dir(subject.log().join(database).join("blobs")).expect("a directory");
        assert_eq!(blobs.count(), 0, "{database}");
    }
}

#[test]
fn old_snapshots_are_thinned_out() {
    let mut subject = OnDisk::new(DiskOptions::default());
    let keep = |store: &mut dyn Store, seq: u64| {
        let (seq, root) = (Seq::new(seq), Digest::sha256(b""));
        let snapshot = Snapshot { seq, root, fold_version: 1, table: vec![1] };
        store.keep_snapshot(&snapshot).expect("a snapshot is kept");
    };
    (1..=300).for_each(|seq| keep(subject.store(), seq * 10));
    let mut kept = Vec::new();
    let mut at_most = Seq::new(u64::MAX);
    while let Some(snapshot) = subject.store().snapshot(at_most).expect("a snapshot") {
        kept.push(snapshot.seq.number());
        at_most = snapshot.seq.minus(1);
    }
    assert!(kept.len() < 25, "{kept:?}");
    assert_eq!((kept.first(), kept.last()), (Some(&3000), Some(&10)), "{kept:?}");
    for pair in kept.windows(2) {
        assert!(pair[0] - pair[1] <= (3000 - pair[0]) / 2 + 10, "a large gap: {kept:?}");
    }
}
