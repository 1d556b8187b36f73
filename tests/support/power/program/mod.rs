//! The same for the program: what its processes ask of the system is recorded, whatever verbs they are.
//!
//! ```text
//!  story ──scripts for a shell──▶ processes of the program, several at once, some killed ──▶ a ledger, and what they told
//!                                   │ strace
//!                                   ▼
//!                                 disk, cut at random moments and at each exchange of names ──▶ image
//!                                                                                                │
//!  what the log holds at the end of the run, and what was told before the cut ─────────────────▶ judge
//! ```
//!
//! A log only ever grows, so what a cut leaves is a beginning of what the run has at its end, whole commands, and at least
//! all that was told. What a run leaves on the model's disk without a sync stays so in the next one.

pub mod judge;
pub mod judges;
pub mod one;
pub mod run;
pub mod story;
pub mod told;

/// Returns the program: this build's, or another one that `PHASELEDGER_PROGRAM` names, to be tried in its place.
pub fn program() -> String {
    std::env::var("PHASELEDGER_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_phaseledger").to_owned())
}
