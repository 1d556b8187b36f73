//! JSON Schemas (draft 2020-12) of what programs write and read: kept in `docs/`, published by
//! `append --schema`.
//!
//! The types are what counts; a schema says the same to those who do not run the program. `tests/docs/schema.rs` holds
//! them together: a verb or a field that the one has and the other has not fails there, a field that only the one
//! needs, and a value on which they differ. A new verb is a name in `do`, a line in `allOf` and an object in `$defs`
//! that lists its fields, as [`Request::fields`](super::Request::fields) does; a new field is an entry in
//! `properties` and a word in the verbs that take it.

/// The schema of a command: a line of what `append` reads, [`Request`](super::Request).
pub const COMMAND_SCHEMA: &str = include_str!("../../docs/command.schema.json");

/// The schema of an answer: a line of what `append` writes, and what a verb that records writes with `--json`.
pub const ANSWER_SCHEMA: &str = include_str!("../../docs/answer.schema.json");
