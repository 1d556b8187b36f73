//! The two others: SQLite as an application would use it for the same job, and a file with lines in it.
//!
//! They are handed lines that are finished and rows that are decided: neither decides, derives, hashes or
//! checks anything. What they cost is what keeping the bytes costs.
//!
//! Each also runs as a process of its own, `--peer MODE FILE …`, that opens its file, does one job and closes.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::workload::{BATCH, fresh_id};

/// How long the lines are that a peer makes up: about as long as an event of the ledgers.
const LINE_BYTES: usize = 700;
/// How long a row is that a peer makes up.
const ROW_BYTES: usize = 300;

/// Does one job as a process: appends so many made-up events at once, or those of a file in batches, or prints the table.
pub fn run(words: &[OsString]) {
    let [mode, file, rest @ ..] = words else { panic!("a mode and a file") };
    let file = Path::new(file);
    let what = rest.first().map_or("1", |word| word.to_str().expect("UTF-8"));
    match mode.to_str().expect("UTF-8") {
        "sqlite-append" => Lite::open(file).append(&made_up(what.parse().expect("a count"))),
        "raw-append" => Raw::open(file).append(&made_up(what.parse().expect("a count"))),
        "sqlite-stream" => {
            let mut lite = Lite::open(file);
            in_batches(Path::new(what), |rows| lite.append(rows));
        }
        "raw-stream" => {
            let mut raw = Raw::open(file);
            in_batches(Path::new(what), |rows| raw.append(rows));
        }
        "sqlite-status" => {
            let rows = Lite::open(file).phases();
            rows.iter().for_each(|(name, row)| println!("{name} {}", String::from_utf8_lossy(row)));
        }
        other => panic!("no such mode: {other}"),
    }
}

/// One line, with what an index is kept on.
#[derive(Debug, Clone)]
pub struct Row {
    /// The id of its event.
    pub id: [u8; 16],
    /// The phase that it changes, with the phase's row.
    pub phase: Option<(String, Vec<u8>)>,
    /// The line.
    pub line: String,
}

/// Makes up so many events, each of a phase of its own.
pub fn made_up(count: usize) -> Vec<Row> {
    (0..count).map(|number| of(fresh_id(), &format!("p{number:06}"), "")).collect()
}

fn of(id: Uuid, phase: &str, text: &str) -> Row {
    let line = format!("{text:x<LINE_BYTES$}");
    Row { id: id.into_bytes(), phase: Some((phase.to_owned(), vec![b'r'; ROW_BYTES])), line }
}

/// Hands on the commands of a file as if events had been made of them: under their own ids, where they have some.
fn in_batches(file: &Path, mut append: impl FnMut(&[Row])) {
    let mut batch = Vec::with_capacity(BATCH);
    for line in BufReader::new(File::open(file).expect("a file")).lines() {
        let line = line.expect("a line");
        let field = |name| line.split_once(name)?.1.split('"').next();
        let id = field(r#""id":""#).map_or_else(fresh_id, |id| id.parse().expect("a UUID"));
        batch.push(of(id, field(r#""phase":""#).expect("a phase"), &line));
        if batch.len() == BATCH {
            append(&batch);
            batch.clear();
        }
    }
    append(&batch);
}

/// A log, with a table beside it, in SQLite: WAL, `synchronous=FULL`, an index on the id.
#[derive(Debug)]
pub struct Lite(Connection);

impl Lite {
    /// Makes an empty log.
    pub fn create(path: &Path) -> Self {
        let lite = Lite::open(path);
        let schema = "PRAGMA journal_mode=WAL;
             CREATE TABLE log (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, line TEXT NOT NULL);
             CREATE UNIQUE INDEX log_id ON log (id);
             CREATE TABLE phase (name TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;";
        lite.0.execute_batch(schema).expect("a schema");
        lite
    }

    /// Opens a log.
    pub fn open(path: &Path) -> Self {
        let connection = Connection::open(path).expect("a database");
        connection.execute_batch("PRAGMA synchronous=FULL;").expect("a pragma");
        Lite(connection)
    }

    fn head(&self) -> i64 {
        let mut query = self.0.prepare_cached("SELECT max(seq) FROM log").expect("a query");
        query.query_row([], |row| row.get::<_, Option<i64>>(0)).expect("a row").unwrap_or(0)
    }

    /// Appends lines, durably.
    pub fn append(&mut self, rows: &[Row]) {
        let mut seq = self.head();
        let batch = self.0.transaction().expect("a transaction");
        {
            let mut insert = batch.prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3)").expect("an insert");
            let mut upsert = batch
                .prepare_cached("INSERT INTO phase VALUES (?1, ?2) ON CONFLICT DO UPDATE SET row = ?2")
                .expect("an upsert");
            for row in rows {
                seq += 1;
                insert.execute(params![seq, row.id, row.line]).expect("an insert");
                if let Some((name, row)) = &row.phase {
                    upsert.execute(params![name, row]).expect("an upsert");
                }
            }
        }
        batch.commit().expect("a commit");
    }

    /// Returns the rows of the table, with their names.
    fn phases(&self) -> Vec<(String, Vec<u8>)> {
        let mut query = self.0.prepare_cached("SELECT name, row FROM phase").expect("a query");
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("rows")
    }

    /// Reads the lines up to a place, in order.
    pub fn scan(&self, through: u64, mut line: impl FnMut(&str)) {
        let query = "SELECT line FROM log WHERE seq <= ?1 ORDER BY seq";
        let mut query = self.0.prepare_cached(query).expect("a query");
        let mut rows = query.query([through.cast_signed()]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            line(row.get_ref(0).and_then(|text| Ok(text.as_str()?)).expect("a text"));
        }
    }

    /// Takes away what was appended behind a place.
    pub fn cut(&self, through: u64) {
        self.0.execute("DELETE FROM log WHERE seq > ?1", [through.cast_signed()]).expect("a deletion");
    }
}

/// A file with a line an event.
#[derive(Debug)]
pub struct Raw {
    file: File,
    path: PathBuf,
}

impl Raw {
    /// Opens a file, making it where it is not there.
    pub fn open(path: &Path) -> Self {
        let file = OpenOptions::new().append(true).create(true).open(path).expect("a file");
        Raw { file, path: path.to_owned() }
    }

    /// Appends lines by one write, durably.
    pub fn append(&mut self, rows: &[Row]) {
        let mut bytes = Vec::new();
        for row in rows {
            bytes.extend_from_slice(row.line.as_bytes());
            bytes.push(b'\n');
        }
        self.file.write_all(&bytes).expect("a write");
        self.file.sync_data().expect("a sync");
    }

    /// Reads the lines up to a place, in order.
    pub fn scan(&self, through: u64, mut line: impl FnMut(&str)) {
        let file = File::open(&self.path).expect("a file");
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let mut text = String::new();
        for _ in 0..through {
            text.clear();
            if reader.read_line(&mut text).expect("a line") == 0 {
                return;
            }
            line(text.trim_end());
        }
    }

    /// Takes away what was appended behind so many bytes.
    pub fn cut(&self, bytes: u64) {
        self.file.set_len(bytes).expect("a file that is cut");
    }
}

/// Returns how many bytes the files in a directory, or one file, take up.
pub fn bytes_of(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| bytes_of(&entry.expect("an entry").path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |found| found.len()),
    }
}

/// Puts a copy of a directory in place of what is there.
pub fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).expect("a copy");
            }
        }
    }
}
