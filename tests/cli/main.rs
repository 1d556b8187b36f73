//! The program, run: what it answers, to whom, and what it leaves behind.

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/numbers.rs"]
mod numbers;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;
#[path = "../support/strace.rs"]
mod strace;
#[path = "../support/terminal.rs"]
mod terminal;
#[path = "../support/zones.rs"]
mod zones;

mod accepted;
mod approval;
mod ask;
mod bad_input;
mod cleared;
mod completions;
mod cost;
mod days;
mod definitions;
mod durations;
mod exec;
#[cfg(unix)]
mod facts;
mod grammar;
mod identity;
mod many_writers;
mod money;
mod names;
mod patterns;
mod places;
mod real_inputs;
mod record;
mod renamed;
mod report;
mod reverted;
mod safety;
mod salvage;
mod scan;
mod streams;
mod taken_back;
mod takeover;
mod times;
mod up_to_date;
mod why;
