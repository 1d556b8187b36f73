//! The line of an event, written: byte for byte what a serializer makes of [`Line`](super::Line), which builds with checks
//! compare with each line. What is plain is put as it is, and so a line takes half the time.

use serde::Serialize;
use uuid::Uuid;

use super::line::end_of_text;
use super::{LineCause, Recorded};
use crate::model::Timestamp;

/// As large as most lines are: a vector that grows is copied each time.
const LINE_BYTES: usize = 1 << 10;

/// Writes the line of an event.
pub(super) fn line(record: &Recorded) -> String {
    let mut out = Out(Vec::with_capacity(LINE_BYTES));
    out.any("{\"v\":", &record.version);
    out.any(",\"seq\":", &record.seq);
    out.id(",\"id\":", record.id.uuid());
    out.id(",\"command_id\":", record.command_id.uuid());
    out.text(",\"kind\":", record.event.kind());
    let workflow = record.subject.workflow();
    out.optional(",\"workflow\":", workflow.map(|name| name.as_str()));
    out.optional(",\"phase\":", record.subject.phase().map(|id| id.phase.as_str()));
    out.optional(",\"from\":", record.transition.map(|(from, _)| from.as_str()));
    out.optional(",\"to\":", record.transition.map(|(_, to)| to.as_str()));
    out.time(",\"at\":", Some(record.at));
    out.time(",\"recorded_at\":", Some(record.recorded_at));
    out.time(",\"occurred_at\":", record.occurred_at);
    out.time(",\"clock\":", record.clock);
    out.text(",\"by\":{\"name\":", &record.by.name);
    out.optional(",\"user\":", record.by.user.as_deref());
    out.text(",\"host\":", &record.by.host);
    out.text(",\"via\":", &record.by.via);
    out.raw(if record.rule.is_some() { "},\"derived\":true" } else { "},\"derived\":false" });
    out.optional(",\"rule\":", record.rule.as_deref());
    out.optional(",\"inferred\":", record.inferred.as_deref());
    if let Some(cause) = record.causation_id() {
        out.id(",\"causation_id\":", cause.uuid());
    }
    out.id(",\"correlation_id\":", record.correlation_id.uuid());
    for (number, cause) in record.causes.iter().enumerate() {
        out.raw(if number == 0 { ",\"causes\":[" } else { "," });
        out.cause(&LineCause::new(cause, workflow));
    }
    if !record.causes.is_empty() {
        out.raw("]");
    }
    if let Some(digest) = record.command_digest {
        out.text(",\"command_digest\":", &digest.to_string());
    }
    if let Some(key) = &record.key {
        out.any(",\"key\":", key);
    }
    if !record.asked.is_empty() {
        out.any(",\"asked\":", &record.asked);
    }
    out.raw(",\"data\":");
    record.event.write_data(&mut out.0);
    out.raw("}");
    out.0.shrink_to_fit();
    String::from_utf8(out.0).expect("JSON is UTF-8")
}

/// A line in the making. Each field comes with its name and all that stands before it.
struct Out(Vec<u8>);

impl Out {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, name: &str, text: &str) {
        if end_of_text(text.as_bytes()).is_some() {
            return self.any(name, text);
        }
        self.raw(name);
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
    }

    fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn id(&mut self, name: &str, id: Uuid) {
        let mut written = Uuid::encode_buffer();
        self.text(name, id.hyphenated().encode_lower(&mut written));
    }

    fn time(&mut self, name: &str, time: Option<Timestamp>) {
        if let Some(time) = time {
            self.raw(name);
            self.raw("\"");
            self.0.extend_from_slice(&time.write());
            self.raw("\"");
        }
    }

    fn cause(&mut self, cause: &LineCause) {
        self.id("{\"event\":", cause.event.uuid());
        self.any(",\"seq\":", &cause.seq);
        self.any(",\"kind\":", &cause.kind);
        if let Some(edge) = &cause.edge {
            self.any(",\"edge\":", edge);
        }
        self.raw("}");
    }

    /// Leaves a value to the serializer.
    fn any(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.raw(name);
        serde_json::to_writer(&mut self.0, value).expect("a line has string keys and finite numbers");
    }
}
