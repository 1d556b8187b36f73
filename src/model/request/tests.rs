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
