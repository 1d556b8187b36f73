//! The two others: SQLite as an application would use it for the same job, and a file with lines in it.
//!
//! They are handed lines that are finished and rows that are decided: neither decides, derives, hashes or
//! checks anything. What they cost is what keeping the bytes costs.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::workload::fresh_id;
use rusqlite::{Connection, OptionalExtension, params};

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

impl Row {
    /// Returns the same line under an id that has not been used.
    pub fn again(&self) -> Self {
        Row { id: fresh_id().into_bytes(), ..self.clone() }
    }
}

/// A log, with a table beside it, in SQLite: WAL, `synchronous=FULL`, an index on the id.
#[derive(Debug)]
pub struct Lite {
    connection: Connection,
}

impl Lite {
    /// Makes an empty log.
    pub fn create(path: &Path) -> Self {
        let lite = Lite::open(path);
        let schema = "PRAGMA journal_mode=WAL;
             CREATE TABLE log (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, line TEXT NOT NULL);
             CREATE UNIQUE INDEX log_id ON log (id);
             CREATE TABLE phase (name TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;";
        lite.connection.execute_batch(schema).expect("a schema");
        lite
    }

    /// Opens a log.
    pub fn open(path: &Path) -> Self {
        let connection = Connection::open(path).expect("a database");
        connection.execute_batch("PRAGMA synchronous=FULL;").expect("a pragma");
        Lite { connection }
    }

    /// Returns how many lines there are.
    pub fn head(&self) -> i64 {
        let mut query = self.connection.prepare_cached("SELECT max(seq) FROM log").expect("a query");
        query.query_row([], |row| row.get::<_, Option<i64>>(0)).expect("a row").unwrap_or(0)
    }

    /// Appends lines, durably.
    pub fn append(&mut self, rows: &[Row]) {
        let mut seq = self.head();
        let batch = self.connection.transaction().expect("a transaction");
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

    /// Returns the last line.
    pub fn last(&self) -> Option<String> {
        let mut query = self
            .connection
            .prepare_cached("SELECT line FROM log ORDER BY seq DESC LIMIT 1")
            .expect("a query");
        query.query_row([], |row| row.get(0)).optional().expect("a row")
    }

    /// Returns the rows of the table.
    pub fn phases(&self) -> Vec<Vec<u8>> {
        let mut query = self.connection.prepare_cached("SELECT row FROM phase").expect("a query");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("rows")
    }

    /// Reads the lines up to a place, in order.
    pub fn scan(&self, through: u64, mut line: impl FnMut(&str)) {
        let query = "SELECT line FROM log WHERE seq <= ?1 ORDER BY seq";
        let mut query = self.connection.prepare_cached(query).expect("a query");
        let mut rows = query.query([through.cast_signed()]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            line(row.get_ref(0).and_then(|text| Ok(text.as_str()?)).expect("a text"));
        }
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
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).expect("a file");
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

    /// Returns the last line.
    pub fn last(&mut self) -> Option<String> {
        let length = self.file.metadata().expect("a length").len();
        self.file.seek(SeekFrom::Start(length.saturating_sub(4096))).expect("a place");
        let mut end = String::new();
        self.file.read_to_string(&mut end).expect("ASCII");
        end.lines().last().map(str::to_owned)
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
}

/// Returns how many bytes the files in a directory, or one file, take up.
pub fn bytes_of(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| bytes_of(&entry.expect("an entry").path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |found| found.len()),
    }
}

/// Copies a directory.
pub fn copy(from: &Path, to: &Path) {
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
