//! Commands and what they are made of, for tests to put together.

use chrono::DateTime;
use phaseledger::model::{
    Action, Actor, Change, Command, CommandId, Digest, FileRole, FoundByRole, FoundFiles, Metadata,
    OutputFile, PhaseDefinition, PhaseName, PhaseRef, Text, Timestamp, UnreadableFile,
};

/// Returns a command that a caller may send again.
pub fn command(id: CommandId, action: Action) -> Command {
    let by = Actor::new("ana", "build-3", "test");
    Command {
        id,
        key: None,
        may_repeat: true,
        by,
        occurred_at: None,
        expect: Vec::new(),
        inferred: None,
        fingerprints: FoundByRole::default(),
        left_behind: Vec::new(),
        past: None,
        action,
    }
}

/// Returns the instant so many microseconds after 1970.
pub fn time(micros: i64) -> Timestamp {
    Timestamp::new(DateTime::from_timestamp_micros(micros).expect("a time")).expect("a year")
}

/// Returns a phase of a definition.
pub fn phase(id: PhaseName, needs: Vec<PhaseRef>, version: u32) -> PhaseDefinition {
    let version = (version > 1).then(|| version.to_string());
    let (inputs, outputs) = (Vec::new(), Vec::new());
    PhaseDefinition {
        id,
        needs,
        cost_limit: None,
        version,
        inputs,
        outputs,
        description: None,
        renamed_from: None,
    }
}

/// Returns a reason, an error or a note.
pub fn text(text: &str) -> Text {
    Text::new(text).expect("a text")
}

/// Returns metadata that tells where it came from.
pub fn metadata(key: &str, slot: u8) -> Metadata {
    let mut metadata = Metadata::default();
    metadata.insert(key, &slot.to_string()).expect("a number");
    metadata.insert("last", &format!("\"{key}\"")).expect("a string");
    metadata
}

/// Outputs come from so small an alphabet that they are often equal; 0 is none.
pub fn digest(output: u8) -> Option<Digest> {
    match output {
        0 => None,
        5 => Some(Digest::sha256(b"y")),
        1 | 3 | 4 => Some(Digest::sha256(b"x")),
        _ => Some(Digest::sha256(b"z")),
    }
}

/// Returns files: none for 0, or one or two of a few contents.
pub fn files(contents: u8) -> Vec<OutputFile> {
    let file = |(path, content): (&str, u8)| OutputFile {
        path: path.to_owned(),
        digest: digest(content).expect("not none"),
    };
    let files = [("in/a", 1), ("in/b", contents.max(1))];
    files.into_iter().take(usize::from(contents)).map(file).collect()
}

/// Returns what was found of declared files: [`files`], or for 3 one that cannot be read.
pub fn found(contents: u8) -> FoundFiles {
    let (pattern, path, why) = ("in/*".to_owned(), "in/a".to_owned(), "it is a pipe".to_owned());
    let unreadable = (contents == 3).then_some(UnreadableFile { pattern, path, why });
    if unreadable.is_some() { Err(unreadable.into_iter().collect()) } else { Ok(files(contents)) }
}

/// Returns what changed in the files: nothing for 0, else one or two files.
pub fn changes(role: FileRole, to: u8) -> Vec<Change> {
    let change = |file: OutputFile| Change::of_file(role, &file.path, (None, Some(file.digest)));
    files(to).into_iter().map(change).collect()
}
