use std::collections::BTreeSet;

use super::line::FIELDS;
use super::*;

#[test]
fn a_line_becomes_a_command() {
    let line = r#"{"do":"start","phase":"w/a","metadata":{"n":1.10},"expect":["state=PENDING","attempt=0"],"id":"key:x"}"#;
    let request: Request = line.parse().expect("a command");
    assert_eq!(request.expect.len(), 2);
    assert_eq!(request.action.verb(), "start");
    assert_eq!(request.id, "key:x".parse().ok());
    assert_ne!(request.id, "key:y".parse().ok());
}

#[test]
fn what_does_not_fit_is_named() {
    for (line, expected) in [
        (r#"{"do":"start"}"#, "`start` needs `phase`"),
        (r#"{"do":"start","phase":"a","error":"x"}"#, "`start` takes no `error`"),
        (r#"{"do":"fly","phase":"a"}"#, "unknown command `fly`"),
        (r#"{"do":"start","phase":"a","metadat":{}}"#, "unknown field `metadat`"),
        (r#"{"do":"rerun","phase":"a"}"#, "`rerun` needs `reason`"),
        (r#"{"do":"approval_request","operation":" x","estimate":1,"items":1}"#, "white space"),
        (r#"{"do":"approval_request","operation":"x","estimate":1e400,"items":1}"#, "no amount"),
        (r#"{"do":"rerun","phase":"a","reason":" "}"#, "the text is empty"),
        (r#"{"do":"tag","name":"x","id":"7"}"#, "`7` is not an id"),
        (r#"{"do":"note","text":"x","expect":"seq=7"}"#, "unknown expectation `seq=7`"),
        (r#"{"do":"note","text":"x","expect":["seq:7",7]}"#, "neither a text nor a list"),
        (r#"{"do":"note","text":"x","by":" "}"#, "the text is empty"),
        (r#"["note"]"#, "expected a map"),
    ] {
        let error = line.parse::<Request>().expect_err(line);
        assert!(error.to_string().contains(expected), "{line}: {error}");
    }
}

#[test]
fn the_fields_are_those_of_the_verbs() {
    let taken: BTreeSet<_> =
        VERBS.iter().flat_map(|verb| Request::fields(verb).expect("a verb of the table")).collect();
    assert_eq!(taken, FIELDS.iter().copied().collect());
    assert_eq!(Request::fields("fly"), None);
    assert_eq!(
        Request::fields("note").as_deref(),
        Some(&["do", "id", "expect", "occurred_at", "by", "phase", "text"][..])
    );
}

#[test]
fn a_line_is_read_by_its_verb_wherever_that_stands() {
    let request = |line: &str| line.parse::<Request>();
    let first = request(r#"{"do":"cost_limit","phase":"a","limit":null}"#).expect("a command");
    let last =
        request(r#"{"all":null,"limit":null,"ph\u0061se":"a","workflow":null,"do":"cost_\u006cimit"}"#);
    assert_eq!(first, last.expect("a command"));
    for (line, column, expected) in [
        (r#"{"text":"x","do":"note","text":null}"#, Some(30), "duplicate field `text`"),
        (r#"{"text":" ","do":"note"}"#, Some(11), "the text is empty"),
        (r#"{"do":null}"#, Some(10), "invalid type: null, expected a string"),
        (r#"{"text":"x"}"#, Some(12), "missing field `do`"),
        (r#"{"do":"note","text":"x"} x"#, Some(26), "trailing characters"),
        (r#"{"do":"note","text":null}"#, None, "`note` needs `text`"),
        (r#"{"do":"cost_limit","phase":"a"}"#, None, "`cost_limit` needs `limit`"),
        (r#"{"do":"start","limit":1,"error":"x","phase":"a"}"#, None, "`start` takes no `error`"),
    ] {
        let error = request(line).expect_err(line);
        assert_eq!((error.column(), error.to_string().as_str()), (column, expected), "{line}");
    }
}
