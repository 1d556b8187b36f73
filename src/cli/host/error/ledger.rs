//! What the user is told when the ledger or its store fails, or cannot take in what a file says.

use phaseledger::ledger::{HistoryError, LedgerError, RestoreError, VerifyError};
use phaseledger::store::StoreError;

use super::{Failure, Kind};

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

    /// A table that is not what the log adds up to.
    pub fn table_differs() -> Self {
        Failure::new(Kind::TableDiffers, "the table kept beside the log is not what the log adds up to")
    }

    /// Others were faster each time.
    pub fn busy(message: &str) -> Self {
        Failure::new(Kind::Busy, message)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let message = error.to_string();
        match error {
            LedgerError::Rejected(rejection) => rejection.into(),
            LedgerError::Store(error) => error.into(),
            LedgerError::IdConflict { seq, found, given, .. } => Failure::new(Kind::IdConflict, message)
                .hint("an id belongs to one command for ever; give a new command a new id")
                .detail("seq", seq.number())
                .detail("found", found.to_string())
                .detail("given", given.to_string()),
            LedgerError::Busy { .. } => busy(&message),
            LedgerError::Line { .. } | LedgerError::Impossible(_) => damaged(message),
        }
    }
}

fn busy(message: &str) -> Failure {
    Failure::busy(message).hint("nothing was written; try again")
}

fn damaged(message: String) -> Failure {
    Failure::damage(message).hint(
        "keep a copy of the folder, which is as it was; `phaseledger verify` tells what is wrong, `verify --rebuild` \
         makes anew what is not the log itself, and an export or a backup of the folder restores what is missing",
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
                "nothing was made or changed; put back what is missing from a backup, or move the folder away, run \
                 `phaseledger init` and take in an export with `phaseledger import`",
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
        damaged(error.to_string())
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
