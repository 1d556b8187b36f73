//! What is written beside the code, held to it: the pages and their sessions, the schemas, the Python package, and the
//! shape of the code itself.

#[path = "../support/cli.rs"]
mod cli;
#[path = "../support/skip.rs"]
mod skip;

mod blocks;
mod forgotten;
mod manual;
mod mistakes;
mod python;
mod readme;
mod recipes;
mod schema;
mod tidy;
mod upgrade;
