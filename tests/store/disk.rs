//! What only a store on disk can get wrong, short of damage: files, directories, locks and processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use phaseledger::model::Seq;
use phaseledger::store::{
    Batch, DiskOptions, DiskReader, DiskStore, Entry, Log, RowChanges, Store, StoreError, salvage,
};

use crate::contract::{AtHead, OnDisk, SMALL, Subject, append, batch, command, entry, fill, snapshot};
use crate::folder;
use crate::patience::eventually;
use crate::skip::skip;

const LONG: Duration = Duration::from_secs(30);

/// Opens a log. One that this process had open may be held a moment longer, by a child that another test starts: until it
/// is another program, it has what this process has.
fn open(dir: &Path) -> Result<DiskStore, StoreError> {
    DiskStore::open(dir, LONG)
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
    // What is made later is missing too.
    let made = ["sealed", "tail", "segments", "snapshots", "segments/head", "head", "journal"];
    for count in 0..made.len() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        drop(DiskStore::create(&log).expect("a new log"));
        for part in made[count..].iter().rev() {
            let path = log.join(part);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it goes");
        }
        fs::write(log.join("journal.new"), "half").expect("a file");
        let error = open(&log).expect_err("nothing was recorded yet");
        assert!(matches!(error, StoreError::Missing { .. }), "{count}: {error}");
        fill(&mut DiskStore::create(&log).unwrap_or_else(|error| panic!("{count}: {error}")), 2);
        assert_eq!(open(&log).expect("a log").head().expect("a head").seq, Seq::new(2), "{count}");
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
fn a_log_behind_its_witness_has_lost_events() {
    let mut subject = OnDisk::new(DiskOptions::default());
    fill(subject.store(), 10);
    subject.close();
    let before = fs::read(subject.log().join("journal")).expect("a journal");
    subject.reopen();
    fill(subject.store(), 17);
    subject.close();
    fs::write(subject.log().join("journal"), before).expect("a file");
    for error in [open(&subject.log()).map(drop), DiskReader::open(&subject.log()).map(drop)] {
        let error = error.expect_err("events are missing");
        assert!(
            matches!(&error, StoreError::Damaged { found } if found.contains("7 events are missing")),
            "{error}"
        );
    }
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
    for place in ["head", "segments/head"] {
        fs::write(subject.log().join(place), &witness).expect("a file");
    }
    let opened = DiskReader::open(&subject.log()).expect("a log");
    assert_eq!(opened.left_over, Some(Seq::new(17)), "whoever asks changes nothing");
    assert_eq!(opened.store.head().expect("a head").seq, Seq::new(17));
    subject.reopen();
    subject.close();
    for place in ["head", "segments/head"] {
        let witness = fs::read_to_string(subject.log().join(place)).expect("a file");
        assert!(witness.contains("00000000000000000017 sha256:"), "{witness}");
    }
    assert_eq!(DiskReader::open(&subject.log()).expect("a log").left_over, None);
}

/// What is written and not witnessed yet is in flight as long as somebody holds the lock.
#[test]
fn what_is_in_flight_does_not_count_yet() {
    // Where events are archived, the new journal says that they are durable.
    for (options, end) in [(DiskOptions::default(), 7), (SMALL, 9)] {
        let mut subject = OnDisk::new(options);
        fill(subject.store(), 7);
        let witnesses = ["head", "segments/head"].map(|place| {
            let path = subject.log().join(place);
            (path.clone(), fs::read(path).expect("a file"))
        });
        subject.close();
        // They would know better.
        let _ = ["work.mark", "rows"].map(|name| fs::remove_file(subject.log().join(name)));
        subject.reopen();
        append(subject.store(), &batch(vec![entry(8), entry(9)]));
        for (path, bytes) in &witnesses {
            fs::write(path, bytes).expect("a file");
        }
        let asked = DiskReader::open(&subject.log()).expect("a log");
        assert_eq!((asked.store.head().expect("a head").seq, asked.left_over), (Seq::new(end), None));
        assert!(
            asked
                .store
                .read(Seq::ZERO, 99)
                .expect("lines")
                .into_iter()
                .eq((1..=end).map(|seq| entry(seq).line))
        );
        assert_eq!(asked.store.find(command(8)).expect("a look-up"), (end > 7).then_some(Seq::new(8)));
        assert_eq!(asked.store.find(command(7)).expect("a look-up"), Some(Seq::new(7)));
    }
}

#[test]
fn a_newer_format_is_left_alone() {
    let mut subject = OnDisk::new(DiskOptions::default());
    fill(subject.store(), 1);
    subject.close();
    let path = subject.log().join("journal");
    let mut bytes = fs::read(&path).expect("a journal");
    bytes[8..12].copy_from_slice(&7u32.to_le_bytes());
    let length = 16 + u32::from_le_bytes(bytes[12..16].try_into().expect("4 bytes")) as usize;
    let sum = crc32fast::hash(&bytes[..length]).to_le_bytes();
    bytes[length..length + 4].copy_from_slice(&sum);
    fs::write(&path, bytes).expect("a file");
    for error in [open(&subject.log()).map(drop), DiskReader::open(&subject.log()).map(drop)] {
        let error = error.expect_err("a newer format");
        assert!(matches!(error, StoreError::NewerFormat { found: 7, known: 2 }), "{error}");
    }
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

/// A crash between the new segment and the new journal leaves both; whoever appends next goes on from the segment.
#[test]
fn archiving_that_a_crash_cut_off_is_finished() {
    let mut subject = OnDisk::new(SMALL);
    fill(subject.store(), 7);
    subject.close();
    let journal = fs::read(subject.log().join("journal")).expect("a file");
    let witness = fs::read(subject.log().join("head")).expect("a file");
    subject.reopen();
    append(subject.store(), &batch(vec![entry(8), entry(9)]));
    subject.close();
    fs::write(subject.log().join("journal"), journal).expect("a file");
    for place in ["head", "segments/head"] {
        fs::write(subject.log().join(place), &witness).expect("a file");
    }
    fs::remove_file(subject.log().join("work.mark")).expect("the mark goes");
    let asked = DiskReader::open(&subject.log()).expect("a log");
    assert_eq!((asked.store.head().expect("a head").seq, asked.left_over), (Seq::new(9), Some(Seq::new(9))));
    for end in [9, 10, 50] {
        subject.reopen();
        fill(subject.store(), end);
        subject.reopen();
        let lines = subject.store().read(Seq::ZERO, 99).expect("lines");
        assert!(lines.into_iter().eq((1..=end).map(|seq| entry(seq).line)), "to {end}");
        subject.store().check().expect("all is as it was written");
    }
}

#[test]
fn found_22_a_log_that_was_used_is_never_taken_for_one_that_is_being_made() {
    for gone in [&["journal"][..], &["head"], &["journal", "work"], &["segments"]] {
        let mut subject = OnDisk::new(SMALL);
        fill(subject.store(), 9);
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

/// sled's folder is done without where it is gone, garbage, of another time, or was not left in good order; and it has what the
/// journal has once more.
#[test]
fn the_tail_is_made_anew_whenever_it_is_not_as_it_was_left() {
    type Spoil = fn(&Path, &folder::Tree);
    let spoils: [(&str, Spoil); 6] = [
        ("as it was", |_, _| {}),
        ("gone", |log, _| fs::remove_dir_all(log.join("work")).expect("it goes")),
        ("no mark", |log, _| fs::remove_file(log.join("work.mark")).expect("it goes")),
        ("a bit", |log, _| {
            let mut bytes = fs::read(log.join("work/db")).expect("a file");
            bytes[99] ^= 1;
            fs::write(log.join("work/db"), bytes).expect("a file");
        }),
        ("garbage", |log, _| fs::write(log.join("work/db"), "garbage").expect("a file")),
        ("of another time", |log, older| folder::replace(&log.join("work"), older)),
    ];
    for (what, spoil) in spoils {
        let mut subject = OnDisk::new(DiskOptions { behind_max: 1, ..DiskOptions::default() });
        append(subject.store(), &batch(vec![entry(1)]));
        subject.close();
        let older = folder::tree(&subject.log().join("work"));
        subject.reopen();
        append(subject.store(), &batch(vec![entry(2)]));
        subject.close();
        spoil(&subject.log(), &older);
        subject.reopen();
        append(subject.store(), &batch(vec![entry(3)]));
        subject.close();
        fs::write(subject.log().join("journal"), "garbage").expect("a file");
        assert_eq!(salvaged(&subject.log()), [1, 2, 3].map(|seq| entry(seq).line), "{what}");
    }
}

/// sled follows many events at once, and those that went to a segment meanwhile it has no longer.
#[test]
fn the_tail_follows_now_and_then() {
    let options = DiskOptions { behind_max: 5, open_events_max: 100, ..DiskOptions::default() };
    let mut subject = OnDisk::new(options);
    for (through, has) in [(4, 0), (6, 5), (9, 5), (10, 10), (99, 95), (104, 95), (105, 105)] {
        while subject.store().head().expect("a head").seq < Seq::new(through) {
            let next = subject.store().head().expect("a head").seq.number() + 1;
            append(subject.store(), &batch(vec![entry(next)]));
            subject.reopen();
        }
        subject.close();
        let copy = subject.dir.path().join("copy");
        folder::copy(&subject.log(), &copy);
        fs::write(copy.join("journal"), "garbage").expect("a file");
        let archived = if through < 100 { 0 } else { 100 };
        assert_eq!(salvaged(&copy).len() as u64, has.max(archived), "of {through}");
        fs::remove_dir_all(copy).expect("it goes");
        subject.reopen();
    }
}

/// Returns the lines that can be read.
fn salvaged(log: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let read = |_: Seq, line: &str| -> Result<(), StoreError> {
        lines.push(line.to_owned());
        Ok(())
    };
    salvage(log, read).expect("it is read as far as it can be");
    lines
}

#[test]
fn small_segments_are_merged() {
    let mut subject = OnDisk::new(SMALL);
    for end in (8..=2_000).step_by(8) {
        let entries = (end - 7..=end).map(entry).collect();
        append(subject.store(), &batch(entries));
    }
    let names = folder::files(&subject.log().join("segments"));
    assert!(names.len() < 2_000 / 512 + 40, "{} files", names.len());
    subject.reopen();
    subject.store().check().expect("all is as it was written");
    for seq in (1..=2_000).step_by(37) {
        assert_eq!(subject.store().find(command(seq)).expect("a look-up"), Some(Seq::new(seq)));
    }
    assert_eq!(subject.store().find(command(3_000)).expect("a look-up"), None);
    let lines = subject.store().read(Seq::ZERO, 3_000).expect("lines");
    assert!(lines.into_iter().eq((1..=2_000).map(|seq| entry(seq).line)));
}

/// Also of events that are large, of which fewer fill the journal: so what is folded since a snapshot is the journal's.
#[test]
fn there_is_a_snapshot_at_each_archiving() {
    let mut subject = OnDisk::new(DiskOptions::default());
    for end in (100..=3_000).step_by(100) {
        let large = |seq| Entry {
            line: format!("{{\"seq\":{seq},\"text\":\"{}\"}}", "é".repeat(400)),
            ..entry(seq)
        };
        let row = ("row".to_owned(), Some(vec![1]));
        let rows = RowChanges { fold_version: 1, replace: end == 100, rows: vec![row] };
        append(subject.store(), &Batch { entries: (end - 99..=end).map(large).collect(), rows });
        let names = folder::files(&subject.log().join("segments"));
        let last_of = |name: &PathBuf| name.file_stem()?.to_str()?.rsplit('-').next()?.parse::<u64>().ok();
        let archived = names.iter().filter(|name| name.extension().is_some()).filter_map(last_of);
        let archived = archived.max().unwrap_or(0);
        let last = subject.store().snapshot(Seq::new(end)).expect("a snapshot, where there is one");
        assert_eq!(last.map_or(0, |last| last.seq.number()), archived, "e{end}");
    }
}

fn changing(entries: Vec<Entry>, replace: bool, rows: Vec<(String, Option<Vec<u8>>)>) -> Batch {
    Batch { entries, rows: RowChanges { fold_version: 1, replace, rows } }
}

/// A log of nine events, with three hundred rows in a snapshot of many blocks.
fn with_many_rows() -> (OnDisk, BTreeMap<String, Vec<u8>>) {
    let mut subject = OnDisk::new(SMALL);
    let all: BTreeMap<String, Vec<u8>> =
        (0..300_u16).map(|number| (format!("row/{number:03}"), number.to_le_bytes().repeat(200))).collect();
    let rows = all.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    append(subject.store(), &changing((1..=9).map(entry).collect(), true, rows));
    assert_eq!(last_snapshot(&mut subject), 9);
    (subject, all)
}

/// Returns the place of the last snapshot that can be read as a whole.
fn last_snapshot(subject: &mut OnDisk) -> u64 {
    let last = subject.store().snapshot(Seq::new(u64::MAX)).expect("a snapshot, where there is one");
    last.map_or(0, |last| last.seq.number())
}

/// Of a snapshot the blocks in which nothing changed are taken over as they are.
#[test]
fn a_snapshot_is_made_of_the_one_before_and_of_what_changed() {
    let (mut subject, mut all) = with_many_rows();
    let mut next = 10;
    for round in 0..6_usize {
        let changes = [
            ("a", Some(round)),
            ("row/000", (round != 1).then_some(3_000 * (round % 3))),
            ("row/150", (round % 2 == 0).then_some(7)),
            ("row/150/more", (round % 3 == 0).then_some(90)),
            ("row/299", (round < 3).then_some(20_000)),
            ("z", (round > 2).then_some(1)),
        ];
        let changes = changes.map(|(key, bytes)| (key.to_owned(), bytes.map(|bytes| vec![7; bytes])));
        for (key, value) in changes.clone() {
            match value {
                Some(value) => drop(all.insert(key, value)),
                None => drop(all.remove(&key)),
            }
        }
        // As many as a snapshot is taken for.
        append(subject.store(), &changing((next..next + 40).map(entry).collect(), false, changes.into()));
        next += 40;
        assert_eq!(last_snapshot(&mut subject), next - 1, "round {round}");
        subject.reopen();
        let found = subject.store().rows_now("").expect("rows");
        assert!(found.into_iter().eq(all.clone()), "round {round}");
    }
}

/// What an older snapshot has of the rows and cannot be read is let go, and told anew by whoever has it.
#[test]
fn found_22_rows_of_a_snapshot_that_cannot_be_read_are_let_go() {
    let (mut subject, all) = with_many_rows();
    subject.close();
    let path = folder::files(&subject.log().join("snapshots")).pop().expect("a snapshot");
    let mut bytes = fs::read(&path).expect("a file");
    bytes[100] ^= 1;
    fs::write(&path, bytes).expect("a file");
    subject.reopen();
    assert!(subject.store().head().expect("a head").fold_version.is_some(), "nobody has looked yet");
    let change = vec![("row/299".to_owned(), Some(vec![1]))];
    append(subject.store(), &changing((10..=49).map(entry).collect(), false, change.clone()));
    append(subject.store(), &changing(vec![entry(50)], false, change));
    assert_eq!(subject.store().head().expect("a head").fold_version, None);
    let rows = all.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    append(subject.store(), &changing(vec![entry(51)], true, rows));
    subject.reopen();
    assert!(subject.store().rows_now("").expect("rows").into_iter().eq(all));
}

#[test]
fn old_snapshots_are_thinned_out() {
    let mut subject = OnDisk::new(DiskOptions::default());
    append(subject.store(), &batch((1..=3_000).map(entry).collect()));
    let keep = |store: &mut dyn Store, seq: u64| {
        store.keep_snapshot(&snapshot(seq, b"row")).expect("a snapshot is kept");
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
