//! An event-sourced ledger of workflow phases: what moved which phase to which state, when, and because of
//! what, as of any moment.
//!
//! Every transition is an immutable event in a log; the phase table is a fold over the events; a rerun
//! reaches what was built on it as derived events, each naming the event that directly forced it. It records
//! and explains work; it does not schedule it.
//!
//! # The way of a value
//!
//! ```text
//! args ─parse▶ Command ─decide▶ Event ─propagate▶ [Draft] ─stamp▶ [Recorded] ─append▶ log
//!                 ▲ Table ◀─ evolve ◀──────────────────────── read(prefix) ◀───────┘
//!                                         [Recorded] + Table ─query▶ View ─render▶ text | JSON
//! ```
//!
//! A value changes type when it changes meaning, goes one way, and never comes back. [`model`] has the nouns,
//! [`rules`] the verbs (pure), [`store`] the log's port and its adapters, [`ledger`] the one loop that joins
//! them, [`query`] the questions (pure), and [`ask`] the one way to ask them of a ledger. The command line is a program on top of these.
//!
//! # Features
//!
//! `cli` (default) is the program; `default-features = false` is the library alone, without any crate of a terminal.
//! `snippets` (with `cli`) draws the place where a workflow file is wrong.
//!
//! # Example
//!
//! ```
//! use phaseledger::ledger::Ledger;
//! use phaseledger::model::{Action, Actor, Command, Request, Seq, Timestamp, action, parse_workflow};
//! use phaseledger::store::MemoryStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ledger = Ledger::new(Box::new(MemoryStore::new())); // on a disk: Ledger::create(dir)
//! let ana = Actor::new("ana", "laptop", "library");
//! let now: Timestamp = "2025-10-29T18:26:36Z".parse()?;
//! let file = "[workflow]\nname = 'w'\n[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\nneeds = ['a']\n";
//! let definition = Box::new(parse_workflow(file, "w.toml", None)?);
//! let define = Action::Define(action::Define { definition });
//! ledger.submit(&Command::new("key:define".parse()?, ana.clone(), define), now)?;
//! for line in [r#"{"do":"start","phase":"a"}"#, r#"{"do":"complete","phase":"a"}"#,
//!     r#"{"do":"start","phase":"b"}"#, r#"{"do":"complete","phase":"b"}"#,
//!     r#"{"do":"rerun","phase":"a","reason":"new data"}"#]
//! {
//!     let request: Request = line.parse()?;
//!     let command = Command::new(format!("key:{line}").parse()?, ana.clone(), request.action);
//!     ledger.submit(&command, now)?; // sent again, it answers that it is recorded already
//! }
//! let forced = ledger.event(Seq::new(7))?.expect("the rerun reached b");
//! assert_eq!((forced.rule.as_deref(), forced.causes[0].event.seq), (Some("stale/1"), Seq::new(6)));
//! let (now, before) = (ledger.table()?, ledger.table_at(Seq::new(5))?);
//! let state = |table: &phaseledger::rules::Table| table.resolve(&"b".parse().unwrap()).unwrap().state.name();
//! assert_eq!((state(&before).as_str(), state(&now).as_str()), ("COMPLETE", "NEEDS_RERUN"));
//! # Ok(())
//! # }
//! ```

pub mod ask;
pub mod files;
pub mod ledger;
pub mod model;
pub mod query;
pub mod rules;
pub mod store;
