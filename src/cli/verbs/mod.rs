//! The verbs, a file each or a family: the arguments, whose words are the help, and what the verb does.

pub mod append;
pub mod approval;
pub mod asking;
pub mod cost;
pub mod define;
pub mod demo;
pub mod exec;
pub mod export;
pub mod graph;
pub mod import;
pub mod init;
pub mod log;
pub mod manual;
pub mod next;
pub mod record;
pub mod replay;
pub mod report;
pub mod scan;
pub mod show;
pub mod show_phase;
pub mod status;
pub mod verify;
pub mod why;
pub mod writing;
