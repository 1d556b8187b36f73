//! The one way to ask: a ledger is opened, cut where the question says, asked, and let go before anybody is answered.
//!
//! ```text
//!  open ──▶ Ledger ──Moment──▶ Cut: head, as of, table, reader ──Question──▶ View
//!                               │                                            │
//!                               └─────────── let go ◀────────────────────────┘──▶ Answered, which owns no ledger
//! ```
//!
//! A [`Question`] gathers what its view needs from a [`Cut`], and hands it to the pure functions of [`crate::query`].
//! Whoever asks (a command line, a server, a program) renders an [`Answered`] when nothing is held any more: a reader
//! that pauses keeps nobody waiting. What may be longer than memory is taken as [`Lines`], a piece at a time, each read
//! while the ledger is held and handed on while it is not. Whoever holds a ledger to record, and must look first, asks
//! it the same questions by [`held`].
//!
//! ```
//! use phaseledger::ask::{self, AskError, Moment};
//! use phaseledger::ledger::Ledger;
//! use phaseledger::store::MemoryStore;
//!
//! # fn main() -> Result<(), AskError> {
//! let open = || Ok::<_, AskError>(Ledger::new(Box::new(MemoryStore::new()))); // on a disk: Ledger::open(dir, wait)
//! let status = ask::answer(open, &Moment::HEAD, &ask::Status::default())?;
//! assert!(status.is_head && status.view?.status.phases.is_empty());
//! # Ok(())
//! # }
//! ```

mod approvals;
mod attempt;
mod commanded;
mod costs;
mod cut;
mod definition;
mod error;
mod export;
mod forecast;
mod graph;
mod log;
mod next;
mod place;
mod reader;
mod recorded;
mod renames;
mod replay;
mod report;
mod roots;
mod scan;
mod show;
mod standing;
mod status;
mod tags;
mod why;
mod workflow;

use serde::{Serialize, Serializer};

pub use approvals::{ApprovalNamed, Approvals, ApprovalsAnswer, PolicyInForce};
pub use attempt::{
    Attempt, AttemptAnswer, BeforeStart, BeforeStartAnswer, KnownAttempt, KnownStart, ToStart,
};
pub use commanded::{Commanded, CommandedEvent};
pub use costs::{
    CostCheck, CostCheckAnswer, CostKey, CostProject, CostProjectAnswer, CostRemaining, CostSummary,
    CostSummaryAnswer, CostsBy, CostsByAnswer, OfPhase,
};
pub use cut::{AsOf, Cut};
pub use definition::{Drifted, InForce, InForceAnswer, Redefined, RedefinedAnswer};
pub use error::{ApprovalCandidate, AskError, Candidate, NoApproval};
pub use export::{Export, ExportAnswer};
pub use forecast::Forecast;
pub use graph::Graph;
pub use log::{Log, LogAnswer};
pub use next::{Next, NextAnswer};
pub use place::{Head, Moment, Part, Place, Stood};
pub use reader::{Lines, Piece, decode};
pub use recorded::{FirstEvent, RecordedUnder};
pub use renames::NotRenamedBy;
pub use replay::{Replay, ReplayAnswer};
pub use report::{Report, ReportAnswer};
pub use scan::{Scan, ScanAnswer, ScanTarget};
pub use show::{Show, ShowAnswer, ShowPhase, ShownEvent, ShownPhase};
pub use standing::Standing;
pub use status::{Status, StatusAnswer};
pub use tags::{TagView, Tags, TagsAnswer};
pub use why::{Why, WhyAnswer};
pub use workflow::OnlyWorkflow;

use crate::ledger::Ledger;

/// Something that a ledger can be asked.
pub trait Question {
    /// The name of its answer's form, such as `status/1`. Answers that are no form of their own (the lines of a log, what
    /// a projection is made of) are not [`Serialize`].
    const SCHEMA: &'static str;

    /// The answer. It owns what it needs, so that it can be read once the ledger is let go.
    type View;

    /// Gathers what the answer needs.
    ///
    /// # Errors
    ///
    /// [`AskError`]: what is named is not there, or the log cannot be read.
    fn ask(&self, cut: &Cut<'_>) -> Result<Self::View, AskError>;
}

/// An answer, and which events count for it.
#[derive(Debug, Clone)]
pub struct Answered<V> {
    /// The events that it is as of.
    pub as_of: AsOf,
    /// Whether those were all that are in the log.
    pub is_head: bool,
    /// The answer.
    pub view: V,
    schema: &'static str,
}

impl<V> Answered<V> {
    /// Returns the same with another view.
    pub fn map<W>(self, change: impl FnOnce(V) -> W) -> Answered<W> {
        let Answered { as_of, is_head, view, schema } = self;
        Answered { as_of, is_head, view: change(view), schema }
    }
}

impl<V, E> Answered<Result<V, E>> {
    /// Turns the answer to a question that may be refused inside out.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn transpose(self) -> Result<Answered<V>, E> {
        let Answered { as_of, is_head, view, schema } = self;
        Ok(Answered { as_of, is_head, view: view?, schema })
    }
}

impl<V: Serialize> Serialize for Answered<V> {
    /// Writes the schema, the place that the answer is as of, then the view's own fields.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a, V> {
            schema: &'static str,
            as_of: &'a AsOf,
            #[serde(flatten)]
            view: &'a V,
        }
        Form { schema: self.schema, as_of: &self.as_of, view: &self.view }.serialize(serializer)
    }
}

/// Asks. The ledger is held until the answer is put together, and no longer. Where the place is found but the question
/// is refused, the view says why.
///
/// # Errors
///
/// Those of `open`, and an [`AskError`] for a moment that the log does not have.
pub fn answer<Q: Question, E: From<AskError>>(
    open: impl FnOnce() -> Result<Ledger, E>,
    moment: &Moment,
    question: &Q,
) -> Result<Answered<Result<Q::View, AskError>>, E> {
    answer_watched(open, moment, question, &mut |_, _| {})
}

/// Asks, as [`answer`]; `watch` is told, while much of the log is read, how many events of how many are.
///
/// # Errors
///
/// As [`answer`].
pub fn answer_watched<Q: Question, E: From<AskError>>(
    open: impl FnOnce() -> Result<Ledger, E>,
    moment: &Moment,
    question: &Q,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Answered<Result<Q::View, AskError>>, E> {
    let mut ledger = open()?;
    let cut = Cut::whole(&mut ledger, watch)?.cut_at(moment)?;
    let view = question.ask(&cut);
    Ok(Answered { as_of: cut.as_of().clone(), is_head: cut.is_head(), view, schema: Q::SCHEMA })
}

/// Asks about all that is in the log, for whoever needs no more than the answer: the last event, whose place and times
/// [`answer`] tells, is not read for it. The ledger is let go before it returns.
///
/// # Errors
///
/// Those of `open`, and why the question has no answer.
pub fn now<Q: Question, E: From<AskError>>(
    open: impl FnOnce() -> Result<Ledger, E>,
    question: &Q,
) -> Result<Q::View, E> {
    let mut ledger = open()?;
    Ok(held(&mut ledger, question)?)
}

/// Asks a ledger that is held already about all that is in its log: for whoever records, and must look first.
///
/// ```
/// use phaseledger::ask::{self, AskError};
/// use phaseledger::ledger::Ledger;
/// use phaseledger::model::Seq;
/// use phaseledger::store::MemoryStore;
///
/// # fn main() -> Result<(), AskError> {
/// let mut ledger = Ledger::new(Box::new(MemoryStore::new()));
/// assert_eq!(ask::held(&mut ledger, &ask::Head)?, Seq::ZERO);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Why the question has no answer.
pub fn held<Q: Question>(ledger: &mut Ledger, question: &Q) -> Result<Q::View, AskError> {
    question.ask(&Cut::whole(ledger, &mut |_, _| {})?)
}
