//! What every verb has at hand: where the ledger is, who asks, what time it is, and how to answer.

use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use phaseledger::ledger::Ledger;
use phaseledger::model::{Actor, Claim, CommandId, TimeContext, Timestamp, WorkflowName, Zone, claim};
use uuid::Uuid;

use crate::cli::host::error::{Failure, Kind};
use crate::cli::host::home::Home;
use crate::cli::host::user::user;
use crate::cli::host::variables::WORKFLOW;
use crate::cli::host::{output, zones};

// The options of every verb.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The ledger's folder [env: PHASELEDGER_DIR] [default: `ledger` here or in the nearest parent that has one]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    dir: Option<PathBuf>,
    /// Answer in JSON; errors too, as one object on stderr
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// The zone of times without an offset, and of times shown: `UTC`, `local`, an offset like `+02:00`, or a name like
    /// `Europe/Berlin` [env: PHASELEDGER_TZ] [default: UTC]
    #[arg(
        long,
        global = true,
        value_name = "ZONE",
        value_parser = zones::read,
        allow_hyphen_values = true,
        help_heading = "Global options"
    )]
    tz: Option<Zone>,
    /// How long to wait for other processes
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = patience,
        help_heading = "Global options"
    )]
    lock_timeout: Duration,
}

/// The longest wait for other processes. Longer ones would run past the end of the clock.
const PATIENCE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Reads how long to wait.
pub fn patience(text: &str) -> Result<Duration, String> {
    let wait = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a duration such as `10s` or `2m 30s`"))?;
    match wait <= PATIENCE_MAX {
        true => Ok(wait),
        false => Err("expected at most 366 days".to_owned()),
    }
}

// The option of verbs about a phase that says of which workflow it is.
#[derive(clap::Args, Clone)]
#[group(skip)]
pub struct Within {
    /// The workflow of a bare name that several have a phase of [env: PHASELEDGER_WORKFLOW]
    #[arg(long, value_name = "NAME", value_parser = |name: &str| WorkflowName::new(name))]
    workflow: Option<WorkflowName>,
}

/// Reads the workflow that the environment names.
fn workflow_of_environment() -> Result<Option<WorkflowName>, Failure> {
    let named = std::env::var_os(WORKFLOW).filter(|name| !name.is_empty());
    let Some(named) = named else { return Ok(None) };
    let name = WorkflowName::new(&named.to_string_lossy());
    name.map(Some).map_err(|error| Failure::misuse(format!("`{WORKFLOW}`: {error}")))
}

/// Reads the zone that the environment names; UTC where it names none.
fn zone_of_environment() -> Result<Zone, Failure> {
    let named = std::env::var_os("PHASELEDGER_TZ").filter(|zone| !zone.is_empty());
    let Some(named) = named else { return Ok(Zone::utc()) };
    let zone = zones::read(&named.to_string_lossy());
    zone.map_err(|error| Failure::misuse(format!("`PHASELEDGER_TZ`: {error}")))
}

impl Args {
    /// Says whether the answer is wanted in JSON.
    pub fn json(&self) -> bool {
        self.json
    }
}

/// What every verb has at hand.
#[derive(Clone)]
pub struct Context {
    /// Whether to answer in JSON.
    pub json: bool,
    /// The zone of times.
    pub zone: Zone,
    /// The workflow of bare names that several have.
    workflow: Option<WorkflowName>,
    dir: Option<PathBuf>,
    /// Where the ledger was before there was no working folder any more.
    whole_dir: Option<PathBuf>,
    lock_timeout: Duration,
}

impl Context {
    /// Takes up the options.
    pub fn new(args: Args) -> Result<Self, Failure> {
        let from_environment = || std::env::var_os("PHASELEDGER_DIR").filter(|dir| !dir.is_empty());
        let dir = args.dir.or_else(|| from_environment().map(PathBuf::from));
        let zone = match args.tz {
            Some(zone) => zone,
            None => zone_of_environment()?,
        };
        let workflow = workflow_of_environment()?;
        let (json, lock_timeout) = (args.json, args.lock_timeout);
        Ok(Context { json, zone, workflow, dir, whole_dir: None, lock_timeout })
    }

    /// Returns the time. Builds for tests take it from `PHASELEDGER_CLOCK`; a released one never does.
    pub fn now(&self) -> Result<Timestamp, Failure> {
        #[cfg(debug_assertions)]
        if let Some(fixed) = std::env::var("PHASELEDGER_CLOCK").ok().and_then(|text| text.parse().ok()) {
            return Ok(fixed);
        }
        let since_1970 =
            SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Failure::clock("before 1970"))?;
        let seconds = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
        let time = DateTime::from_timestamp(seconds, since_1970.subsec_nanos());
        time.and_then(|time| Timestamp::new(time).ok()).ok_or_else(|| Failure::clock("after 9999"))
    }

    /// Makes an id that nothing has yet.
    pub fn new_id(&self) -> Result<CommandId, Failure> {
        // One is made of the time, and only of one that can be told.
        self.now()?;
        Ok(CommandId::new(Uuid::now_v7()))
    }

    /// Returns the instant that a text means.
    pub fn instant(&self, text: &str) -> Result<Timestamp, Failure> {
        Ok(self.time()?.time(text)?)
    }

    /// Returns when something took effect, as a text says.
    pub fn claim(&self, text: &str) -> Result<Claim, Failure> {
        Ok(self.time()?.claim(text)?)
    }

    /// Returns what times are read by.
    pub fn time(&self) -> Result<TimeContext, Failure> {
        Ok(TimeContext { now: self.now()?, zone: self.zone })
    }

    /// Goes on where bare names are of a workflow, which is of more weight than what the environment says.
    pub fn within(&self, within: &Within) -> Self {
        self.preferring(within.workflow.clone())
    }

    /// As [`Context::within`], with a workflow that is given in another way.
    pub fn preferring(&self, workflow: Option<WorkflowName>) -> Self {
        Context { workflow: workflow.or_else(|| self.workflow.clone()), ..self.clone() }
    }

    /// Returns the ledger's folder as it was given.
    pub fn dir(&self) -> Option<&std::path::Path> {
        self.dir.as_deref()
    }

    /// Finds the ledger's folder.
    pub fn home(&self) -> Result<Home, Failure> {
        match &self.whole_dir {
            Some(whole) if std::env::current_dir().is_err() => Home::find(Some(whole)),
            _ => Home::find(self.dir.as_deref()),
        }
    }

    /// Goes on with the ledger that there is now also where somebody removes the working folder.
    pub fn stay(&self) -> Result<Self, Failure> {
        let whole_dir = Some(self.home()?.folder()?);
        Ok(Context { whole_dir, ..self.clone() })
    }

    /// Finds the ledger and opens it to be asked: nobody is waited for, and nothing is written.
    pub fn open(&self) -> Result<Ledger, Failure> {
        static TOLD: Once = Once::new();
        let (ledger, left_over) = Ledger::open_to_ask(&self.home()?.log())?;
        if let Some(seq) = left_over {
            TOLD.call_once(|| {
                output::talk(format_args!(
                    "a process ended before it could say that it recorded the events up to e{seq}: they count"
                ));
            });
        }
        Ok(ledger.preferring(self.workflow.clone()))
    }

    /// Finds the ledger and opens it to record, once other processes are done with it.
    pub fn open_to_record(&self) -> Result<Ledger, Failure> {
        self.open_at(&self.home()?)
    }

    /// Opens a ledger to record, once other processes are done with it.
    pub fn open_at(&self, home: &Home) -> Result<Ledger, Failure> {
        let ledger = Ledger::open(&home.log(), self.lock_timeout)?;
        home.ignore_taken_over();
        Ok(ledger.preferring(self.workflow.clone()))
    }

    /// Finds the ledger, or the place where one is to be made, and says whether it is yet to be made.
    pub fn home_or_new(&self) -> Result<(Home, bool), Failure> {
        match self.home() {
            Ok(home) => {
                let is_there = Ledger::is_there(&home.log())?;
                Ok((home, !is_there))
            }
            Err(failure) if failure.kind == Kind::NoLedger => {
                Ok((Home::at(self.dir.clone().unwrap_or_else(|| PathBuf::from("ledger"))), true))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Finds the ledger and opens it to make anew what is not the log itself.
    pub fn open_mending(&self) -> Result<Ledger, Failure> {
        let home = self.home()?;
        let ledger = Ledger::open_mending(&home.log(), self.lock_timeout)?;
        home.ignore_taken_over();
        Ok(ledger)
    }

    /// Returns who asks: by the name that is given, or that the environment has, or else by the user's own.
    pub fn actor(&self, name: Option<&str>, via: &str) -> Result<Actor, Failure> {
        let user = user();
        let name = match name {
            Some(name) => name.to_owned(),
            None => claimed()?.unwrap_or_else(|| user.to_owned()),
        };
        let host = gethostname::gethostname();
        Ok(Actor::new(&name, &host.to_string_lossy(), via).of_user(user))
    }
}

/// Returns the name that the environment has for whoever asks.
fn claimed() -> Result<Option<String>, Failure> {
    if let Some(by) = std::env::var_os("PHASELEDGER_BY").filter(|by| !by.is_empty()) {
        let by = by.to_str().ok_or_else(|| Failure::misuse("`PHASELEDGER_BY` is not UTF-8"))?;
        let claimed = claim(by).map_err(|error| Failure::misuse(format!("`PHASELEDGER_BY`: {error}")))?;
        return Ok(Some(claimed));
    }
    let of_login = |name: &&str| claim(&std::env::var(name).ok()?).ok();
    Ok(["USER", "LOGNAME", "USERNAME"].iter().find_map(of_login))
}
