//! The kinds of failures: the one table of the codes that programs get, of the exit codes, and of what to do.
//! `docs/errors.md` is made of it, by `tests/docs/manual.rs`, for which this file uses nothing else of the program.

/// What a failure means to the caller, whatever its kind. The number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nobody reads the answer any more.
    Unread = 0,
    /// The answer is no.
    No = 1,
    /// What was asked is wrong in itself.
    Usage = 2,
    /// Somebody else was here before.
    Conflict = 3,
    /// What was asked for is not there.
    NotFound = 4,
    /// What is stored is not what was written.
    Damage = 5,
    /// The rules refuse it.
    Refused = 6,
    /// The machine refuses it.
    Machine = 74,
    /// Not yet: to ask again later may help.
    Later = 75,
}

impl Class {
    /// Returns the exit code.
    pub const fn exit(self) -> u8 {
        self as u8
    }
}

/// Makes the kinds of rows `Kind: Class, "code", "when", "what to do";`.
macro_rules! kinds {
    ($($kind:ident: $class:ident, $code:literal, $when:literal, $advice:literal;)*) => {
        /// Why a verb did not do what was asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $when] $kind,)*
        }

        impl Kind {
            /// All kinds, by exit code.
            #[allow(dead_code, reason = "docs/errors.md is made of it")]
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];

            /// Returns what it means to the caller.
            pub const fn class(self) -> Class {
                match self { $(Kind::$kind => Class::$class,)* }
            }

            /// Returns the exit code.
            pub const fn exit(self) -> u8 {
                self.class().exit()
            }

            /// Returns the name of the case, for programs: `error.code`. Two kinds share one where they differ
            /// in their exit codes alone.
            pub const fn code(self) -> &'static str {
                match self { $(Kind::$kind => $code,)* }
            }

            /// Says when it is told, in one sentence of Markdown.
            #[allow(dead_code, reason = "docs/errors.md is made of it")]
            pub const fn when(self) -> &'static str {
                match self { $(Kind::$kind => $when,)* }
            }

            /// Says what to do, in one sentence of Markdown.
            #[allow(dead_code, reason = "docs/errors.md is made of it")]
            pub const fn advice(self) -> &'static str {
                match self { $(Kind::$kind => $advice,)* }
            }
        }
    };
}

kinds! {
    ReaderGone: Unread, "unanswered", "Whoever read the answer went away, as `head` does.",
        "Nothing: it is not even said.";

    DoesNotFit: No, "does_not_fit", "An amount that is to be held does not fit the limits on costs, beside what others hold.",
        "Hold less, wait until others have spent or released theirs, or raise the limit; `limits` says which.";
    Demo: No, "demo", "A step of `demo` failed.", "Name a folder that is empty, or none.";

    Usage: Usage, "usage", "The command line is not one that the verb takes.", "See `phaseledger help VERB`.";
    AmbiguousId: Usage, "ambiguous_id", "Several events or requests have an id that starts so.",
        "Give more of the id, or the place; `candidates` lists the ids.";
    UnfitName: Usage, "unfit_name", "A new name looks like a place, a time, an option, or something to be done.",
        "Give another, such as `instead`; what is in the ledger already keeps its name.";
    AmbiguousPhase: Usage, "ambiguous_phase", "Several workflows have a phase of that name.",
        "Give the full name, `workflow/phase`, or name the workflow with `--workflow` or PHASELEDGER_WORKFLOW; `candidates` lists them.";
    WorkflowNeeded: Usage, "workflow_needed", "There are several workflows, and none is named.",
        "Name one with `--workflow`, or PHASELEDGER_WORKFLOW.";
    WorkflowFile: Usage, "workflow_file", "The workflow file cannot be understood.",
        "Mend it at `line` and `column`.";
    BadSelector: Usage, "bad_selector", "A place, range or time cannot be understood.",
        "Write it as `phaseledger log --help` shows.";
    BadCommand: Usage, "bad_command", "A line of `append` is no command.",
        "Mend it; `phaseledger append --schema` prints what a line may say.";
    BadPlan: Usage, "bad_plan", "A line of `cost project` is no operation that is planned.",
        "Mend it; see `phaseledger help cost project`.";
    BadMetadata: Usage, "bad_metadata", "Metadata is not JSON, has a key twice, or nests too deep.",
        "Mend the value.";
    BadKey: Usage, "bad_key", "A key of a new command is too long, or has a character that keys may not have.",
        "Give it another key.";
    BadAmount: Usage, "bad_amount", "An amount has the wrong sign.",
        "Turn the sign; `--refund` records what was given back, `--none` takes a limit away.";
    WrongCurrency: Usage, "wrong_currency", "An amount is not in the workflow's currency.",
        "Record it in the currency `expected`, or in a workflow of its own.";
    TooLarge: Usage, "too_large", "A line, metadata or a command is larger than may be recorded.",
        "Keep large things in files, and record their paths or digests.";
    HistoryLine: Usage, "history_line", "A line of a history cannot be understood.",
        "Mend `line`; nothing was written.";

    Conflict: Conflict, "conflict", "An expectation does not hold, or the ledger has another history already.",
        "Look at `phaseledger status` and decide anew; restore into a ledger that is empty.";
    IdConflict: Conflict, "id_conflict", "The command's id belongs to another command.",
        "Give a new command a new id.";

    NoLedger: NotFound, "no_ledger", "There is no ledger here.",
        "Make one with `phaseledger init`, or name one with `--dir` or PHASELEDGER_DIR.";
    NotFound: NotFound, "not_found", "There is no such event, tag, place or file.",
        "Look at `phaseledger log`, or check the path.";
    UnknownPhase: NotFound, "unknown_phase", "There is no such phase.",
        "Look at `phaseledger status`, or define the workflow anew.";
    UnknownWorkflow: NotFound, "unknown_workflow", "There is no such workflow, or none at all.",
        "Define it with `phaseledger define`.";
    RetiredWorkflow: NotFound, "retired_workflow", "The workflow was retired, by the event `by`.",
        "Define it anew with `phaseledger define`; its history is in `log`, `show` and `cost summary`.";
    UnknownApproval: NotFound, "unknown_approval", "There is no such request for approval.",
        "Look at `phaseledger approval list`.";
    UnknownReservation: NotFound, "unknown_reservation", "There is no such reservation.",
        "Look at `phaseledger cost summary`, which lists what is held.";
    NoSuchProcess: NotFound, "no_such_process", "No process on this machine has that number.",
        "Give the number of one that runs, such as `$$` in a shell.";

    Damaged: Damage, "damaged", "The log is not what was written.",
        "Keep a copy of the folder; `phaseledger verify` tells which events are missing (`missing`), `salvage` writes those that can be read.";
    DamagedExport: Damage, "damaged_export", "A file is no export, or no longer what was exported.",
        "Take in what was salvaged with `--as-new` (`missing` names the holes), what others wrote with `--format history`; nothing was written.";
    TableDiffers: Damage, "table_differs", "The log is sound, but the table beside it is not what it adds up to.",
        "Make the table anew with `phaseledger verify --rebuild`.";
    DerivedDiffers: Damage, "derived_differs", "The lines are whole, but what a rule derived is not what it derives.",
        "See the event with `phaseledger show`: it was not recorded by this edition's rules. What was recorded stays as it is.";
    Remains: Damage, "remains", "Parts of a ledger are missing.",
        "Write what can be read with `phaseledger salvage`, or put them back from a backup.";
    NewerFormat: Damage, "newer_format", "A later version of phaseledger wrote this ledger.",
        "Use that version, or a later one.";

    IllegalTransition: Refused, "illegal_transition", "The phase is in a state that the verb does not lead out of.",
        "See `from` and `allowed`, and `phaseledger why PHASE`.";
    StaleAbove: Refused, "stale_above", "What is above the phase must run again: nobody can vouch for what is built on it.",
        "Run or accept the phases in `stale` first; `phaseledger why` tells why they must run again.";
    CannotRevert: Refused, "cannot_revert", "What is to be taken back cannot be, no longer is so, or others rest on it.",
        "See the hint; `events` lists what rests on it, `phaseledger show` what came of it.";
    UnmetNeeds: Refused, "unmet_needs", "What the phase needs is not complete.",
        "Complete or skip the phases in `unmet`, or start with `--allow-unmet`.";
    UnderWay: Refused, "under_way", "The attempt that `exec` began under this id is still under way; or one has ended, but left a process behind that runs.",
        "Wait for its process, or give it up with `--take-over` under a new id.";
    NotAbandoned: Refused, "not_abandoned", "An attempt is called abandoned whose process still runs.",
        "End the process first, or say `fail` without `--abandoned`.";
    Cycle: Refused, "cycle", "A definition would make phases of several workflows need one another in a circle.",
        "Take one of the needs out.";
    TagThere: Refused, "tag_there", "The tag is set elsewhere, and would move.",
        "Move it with `--force`, or take another name; `seq` is where it is.";
    StillNeeded: Refused, "still_needed", "A definition drops, or would retire, a phase that another workflow needs.",
        "Take the need out of the other workflow first; `needed_by` lists the phases that need those of a workflow.";
    ClaimInFuture: Refused, "claim_in_future", "A command claims to have happened more than a minute after now.",
        "Check the clock, and the offset of the time.";
    NoLaterTime: Refused, "no_later_time", "The last event is as late as times go.", "Begin a new ledger.";
    OverLimit: Refused, "over_limit", "A limit on costs is exceeded, and the phase may not start.",
        "Raise it with `phaseledger cost limit`, or start with `--over-limit --reason …`.";
    NoCurrency: Refused, "no_currency", "A limit on costs is set for a workflow that names no currency.",
        "Put `currency = \"USD\"` below `[workflow]`, and define the workflow anew.";
    ReservationEnded: Refused, "reservation_ended", "A reservation is no longer held, or is for another phase.",
        "Look at `phaseledger cost summary`, which lists what is held.";
    RefundTooLarge: Refused, "refund_too_large", "More would be given back than was spent.",
        "Look at what was spent with `phaseledger log --kind cost_recorded`.";
    SumTooLarge: Refused, "sum_too_large", "A sum of costs has more digits than can be kept.",
        "Record smaller amounts.";
    CurrencyChanged: Refused, "wrong_currency", "A definition changes the currency of costs that are recorded.",
        "Define it under another name with `--as`.";
    AlreadyDecided: Refused, "already_decided", "The request for approval was decided on before.",
        "Ask anew with `phaseledger approval request`.";
    SelfApproval: Refused, "self_approval", "Whoever asked may not grant it.",
        "Let someone else grant it, under a user of their own, or allow it in the workflow file with `self_approval = true`.";

    Io: Machine, "io", "A file, folder or stream cannot be read or written.", "Mend the cause, and try again.";
    Clock: Machine, "clock", "The clock shows a time outside of 1970 to 9999.", "Set the clock, and try again.";
    Unanswered: Machine, "unanswered", "The answer cannot be written; what was asked for may be recorded.",
        "Ask again; to record, repeat the call with the same `--id`.";
    Unknown: Machine, "unknown", "Whether it was recorded is not known.",
        "Repeat the call with the same `--id`: it is never recorded twice.";

    LockTimeout: Later, "lock_timeout", "Others had the ledger for too long; nothing was written.",
        "Try again, or wait longer with `--lock-timeout`.";
    Undecided: Later, "undecided", "Nobody has decided yet on a request for approval; with `--json` the answer is on stdout all the same.",
        "Decide on it with `phaseledger approval grant` or `reject`, or wait with `phaseledger approval wait`.";
    Busy: Later, "busy", "Others were faster each time; nothing was written.", "Try again.";
}
