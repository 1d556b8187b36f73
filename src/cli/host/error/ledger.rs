//! What the user is told when the ledger or its store fails, or cannot take in what a file says.

use phaseledger::ledger::{HistoryError, IdConflict, LedgerError, RestoreError, Stretch, VerifyError};
use phaseledger::model::{Difference, Seq, escape};
use phaseledger::store::{Salvaged, StoreError};

use serde_json::{Value, json};

use super::{Failure, Kind};

/// How many notes on what could not be read are told.
const NOTES_MAX: usize = 20;

impl Failure {
    /// No ledger where one was looked for.
    pub fn no_ledger(message: &str) -> Self {
        Failure::new(Kind::NoLedger, message)
            .hint("`phaseledger init` makes one; `--dir` or PHASELEDGER_DIR names one elsewhere")
    }

    /// A clock that shows what no event can be recorded at.
    pub fn clock(shows: &str) -> Self {
        let message = format!("the system's clock shows a time {shows}, expected one from 1970 to 9999");
        Failure::new(Kind::Clock, message).hint("set the clock, and try again")
    }

    /// A log that does not say what it must.
    pub fn damage(message: String) -> Self {
        Failure::new(Kind::Damaged, message)
    }

    /// Adds to a failure what was found of the log: which events are missing, and what to do next.
    pub fn surveyed(self, found: &Salvaged) -> Self {
        let missing: Vec<_> = found.missing.iter().copied().map(Stretch::from).collect();
        let mut lines: Vec<String> = missing.iter().map(|places| format!("  missing: {places}")).collect();
        lines.extend(found.differing.iter().map(|differing| {
            format!(
                "  not what was there: events up to e{}, whose root is {}, expected {}",
                differing.seq, differing.root, differing.expected
            )
        }));
        let notes = found.unreadable.iter().filter(|note| !self.message.contains(note.as_str()));
        lines.extend(notes.take(NOTES_MAX).map(|note| format!("  note: {note}")));
        let events = match found.events {
            1 => "1 event".to_owned(),
            events => format!("{events} events"),
        };
        let hint = match (found.is_whole(), found.is_end_known) {
            (true, true) => format!(
                "all of the log can be read, {events}: `phaseledger verify --rebuild` makes anew what is not the log itself, and \
                 `phaseledger salvage OUT` writes the events, of which `phaseledger --dir NEW import OUT` makes a ledger"
            ),
            (true, false) => format!(
                "{events} can be read, and no file says whether there were more: `phaseledger verify --rebuild` takes \
                 them for all, `phaseledger salvage OUT` writes them"
            ),
            (false, _) => format!(
                "`phaseledger salvage OUT` writes what can be read, {events}; import a backup's export or an \
                 older export for the others, or `phaseledger --dir NEW import --as-new OUT` goes on without them"
            ),
        };
        let mut failure =
            self.hint(hint).detail("missing", to_json(&missing)).detail("readable", found.events);
        failure.snippet = (!lines.is_empty()).then(|| escape_lines(&lines));
        failure
    }

    /// A table that is not what the log adds up to.
    pub fn table_differs() -> Self {
        Failure::new(Kind::TableDiffers, "the table kept beside the log is not what the log adds up to")
    }

    /// A ledger that has events already, where a new one is wanted.
    pub fn not_empty(events: Seq) -> Self {
        Failure::new(Kind::Conflict, format!("the ledger ends at e{events}, expected one without events"))
            .hint("nothing was written; name a place where there is no ledger with `--dir`")
    }

    /// Others were faster each time.
    pub fn busy(message: &str) -> Self {
        Failure::new(Kind::Busy, message)
    }
}

fn to_json(value: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn escape_lines(lines: &[String]) -> String {
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n")
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let message = error.to_string();
        match error {
            LedgerError::Rejected(rejection) => rejection.into(),
            LedgerError::Store(error) => error.into(),
            LedgerError::IdConflict { seq, conflict, .. } => id_conflict(message, seq, &conflict),
            LedgerError::Busy { .. } => busy(&message),
            LedgerError::Line { .. } | LedgerError::Impossible(_) => damaged(message),
        }
    }
}

/// How many fields are drawn below what is said of the first ones.
const FIELDS_DRAWN_MAX: usize = 12;

/// Another command under an id that is known: what differs, a line a field where they are more than one line says.
fn id_conflict(message: String, seq: Seq, conflict: &IdConflict) -> Failure {
    let json = |value: &Option<String>| -> Value {
        value.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    };
    let field = |field: &Difference| {
        let (recorded, given) = (json(&field.recorded), json(&field.given));
        let mut said = json!({ "field": field.field, "recorded": recorded, "given": given });
        if let Some(key) = &field.key {
            said["key"] = key.as_str().into();
        }
        said
    };
    let fields: Vec<_> = conflict.fields.iter().map(field).collect();
    let mut failure = Failure::new(Kind::IdConflict, message)
        .hint("an id belongs to one command for ever; give a new command a new id")
        .detail("seq", seq.number())
        .detail("fields", fields)
        .detail("found", conflict.found.to_string())
        .detail("given", conflict.given.to_string());
    if conflict.untold() > 0 {
        let told = conflict.told().map(|field| format!("  {field}"));
        let mut lines: Vec<String> = told.take(FIELDS_DRAWN_MAX).collect();
        let more = conflict.fields.len() - lines.len();
        lines.extend((more > 0).then(|| format!("  … and {more} more: `--json` has them all")));
        failure.snippet = Some(escape_lines(&lines));
    }
    failure
}

fn busy(message: &str) -> Failure {
    Failure::busy(message).hint("nothing was written; try again")
}

fn damaged(message: String) -> Failure {
    Failure::damage(message).hint(
        "keep a copy of the folder, which is as it was; `phaseledger verify` tells which events are missing, `verify \
         --rebuild` makes anew what is not the log itself, `salvage OUT` writes every event that can be read, and a \
         backup or an export has the others",
    )
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Missing { .. } => Failure::no_ledger(&message),
            StoreError::LockTimeout { .. } => Failure::new(Kind::LockTimeout, message)
                .hint("nothing was written; try again, or wait longer with `--lock-timeout`"),
            StoreError::Damaged { .. } => damaged(message),
            StoreError::Moved => busy(&message),
            StoreError::OnlyAsked => Failure::new(Kind::Io, message),
            StoreError::Remains { .. } => Failure::new(Kind::Remains, message).hint(
                "nothing was made or changed; `phaseledger salvage OUT` writes every event that can be read, and `phaseledger \
                 --dir NEW import OUT` makes a ledger of them; a backup or an export has the others",
            ),
            StoreError::Clock => Failure::clock("before 1970"),
            StoreError::NewerFormat { .. } => {
                Failure::new(Kind::NewerFormat, message).hint("use the version that wrote it, or a later one")
            }
            StoreError::TooLarge { .. } => Failure::new(Kind::TooLarge, message),
            StoreError::Unknown => Failure::new(Kind::Unknown, message)
                .hint("repeat the same call with the same `--id`: it is never recorded twice"),
            StoreError::Io { source, .. } => {
                let hint = match source.kind() {
                    std::io::ErrorKind::StorageFull => "free some space and try again",
                    std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                        "the ledger's folder must be writable to record, and readable to ask"
                    }
                    _ => "nothing was acknowledged; try again once the cause is mended",
                };
                Failure::new(Kind::Io, format!("{message}: {source}")).hint(hint)
            }
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Derived { seq, .. } => Failure::new(Kind::DerivedDiffers, error.to_string())
                .hint(format!("every line is as its root says; `phaseledger show e{seq}` shows the event"))
                .detail("seq", seq.number()),
            VerifyError::Line { .. }
            | VerifyError::Impossible(_)
            | VerifyError::Broken { .. }
            | VerifyError::Head { .. } => damaged(error.to_string()),
        }
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        let message = error.to_string();
        match error {
            RestoreError::Ledger(error) => error.into(),
            RestoreError::Read(error) => Failure::new(Kind::Io, format!("{message}: {error}")),
            RestoreError::Line { line, .. }
            | RestoreError::End { line, .. }
            | RestoreError::Text { line, .. } => Failure::new(Kind::DamagedExport, message)
                .hint("nothing was written; a history that others wrote is taken in with `--format history`")
                .detail("line", line),
            RestoreError::Hole { end } => {
                let missing = to_json(&end.missing);
                Failure::new(Kind::DamagedExport, message)
                    .hint(
                        "nothing was written; `--as-new` takes it into a new ledger, which says what is missing, and brings \
                         phases to where the events behind it have them stand",
                    )
                    .detail("missing", missing)
            }
            RestoreError::Different { .. } => Failure::new(Kind::Conflict, message)
                .hint("nothing was written; restore into a ledger that is empty, or has the first events of the file"),
        }
    }
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        let message = error.to_string();
        match error {
            HistoryError::Ledger(error) => error.into(),
            HistoryError::Read(_) => Failure::new(Kind::Io, message),
            HistoryError::Line { line, .. } => Failure::new(Kind::HistoryLine, message)
                .hint("nothing was written; a line is like {\"at\":\"2025-10-29T18:26:36Z\",\"phase\":\"a\",\"event\":\"start\"}")
                .detail("line", line),
            HistoryError::Illegal { line, source } => {
                let failure = Failure::from(source).reworded(message).detail("line", line);
                let way_on = match (failure.kind, &failure.hint) {
                    (Kind::IllegalTransition | Kind::UnmetNeeds, _) => {
                        "; `--repair` adds what is missing and marks it as inferred".to_owned()
                    }
                    (_, Some(hint)) => format!("; {hint}"),
                    (_, None) => String::new(),
                };
                failure.hint(format!("nothing was written{way_on}"))
            }
        }
    }
}
