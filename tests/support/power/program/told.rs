//! What processes told on stdout: to have recorded, up to a place.

use std::collections::BTreeMap;

use serde_json::Value;

/// What was told before some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Whether the ledger was made.
    pub is_made: bool,
    /// The last place that was acknowledged.
    pub last: u64,
}

impl Told {
    /// Adds what a file of answers says; a last line that was cut short does not count.
    pub fn add(&mut self, answers: &[u8]) {
        let answers = String::from_utf8_lossy(answers);
        for line in answers.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            self.is_made |= line.contains("\"init/1\"");
            // Restored, verified: so many events are there.
            for name in ["\"seq\":", "\"events\":"] {
                let places = line.split(name).skip(1).filter_map(number);
                self.last = places.fold(self.last, u64::max);
            }
        }
        self.is_made |= self.last > 0;
    }
}

fn number(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Returns the events that answers name, by their places: the ids, and whether a process said of another one's that it is
/// known.
pub fn events(answers: &[u8]) -> BTreeMap<u64, String> {
    let mut events = BTreeMap::new();
    let answers = String::from_utf8_lossy(answers);
    for line in answers.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        if let Ok(answer) = serde_json::from_str::<Value>(line) {
            collect(&answer, &mut events);
        }
    }
    events
}

fn collect(value: &Value, events: &mut BTreeMap<u64, String>) {
    match value {
        Value::Object(fields) => {
            // One that changes nothing has an id too, and no event.
            let status = fields.get("status").and_then(Value::as_str);
            let is_recorded = status != Some("unchanged");
            let (seq, id) =
                (fields.get("seq").and_then(Value::as_u64), fields.get("id").and_then(Value::as_str));
            if let (true, Some(seq), Some(id)) = (is_recorded, seq, id) {
                events.insert(seq, id.to_owned());
            }
            fields.values().for_each(|value| collect(value, events));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, events)),
        _ => {}
    }
}
