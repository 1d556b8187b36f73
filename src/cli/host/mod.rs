//! The machine that the program runs on: clock, environment, files, processes, terminal, and what is said when it refuses.

pub mod child;
pub mod complete;
pub mod context;
pub mod error;
pub mod files;
mod group;
pub mod home;
pub mod lines;
pub mod output;
pub mod paths;
pub mod proc;
pub mod process;
pub mod shell_words;
pub mod user;
pub mod variables;
pub mod zones;
