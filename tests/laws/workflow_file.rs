//! Workflow files: what is read, how fast, and that nothing makes the reader panic.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use phaseledger::model::{
    Amount, Definition, PhaseDefinition, WorkflowFileError, WorkflowName, parse_workflow,
    parse_workflow_bytes,
};
use proptest::prelude::*;

use crate::patience::in_time;
use crate::shared;

const SHIPPED: &str = include_str!("../../ledger/workflow.toml");

fn parse(text: &str) -> Result<Definition, WorkflowFileError> {
    parse_workflow(text, "workflow.toml", None)
}

/// Returns all that a refusal shows.
fn picture(error: &WorkflowFileError) -> String {
    format!("{error}\n{}\n{}", error.snippet(), error.hint.as_deref().unwrap_or_default())
}

/// Returns each phase with its needs.
fn graph(definition: &Definition) -> Vec<(String, Vec<String>)> {
    let needs = |phase: &PhaseDefinition| phase.needs.iter().map(ToString::to_string).collect();
    definition.phases().iter().map(|phase| (phase.id.to_string(), needs(phase))).collect()
}

#[test]
fn json_has_the_same_keys() {
    let text = r#"{
        "workflow": {"name": "synthesis", "currency": "USD", "cost_limit": 125.00},
        "source": {"kind": "dbt", "weight": 1.10, "deep": [[[[[[1]]]]]]},
        "phase": [{"id": "\u0061"}, {"id": "b", "needs": ["a"], "cost_limit": "30.00"}]
    }"#;
    let definition = parse_workflow(text, "x", None).expect("a workflow");
    assert_eq!(definition.cost_limit().map(|limit| limit.to_string()).as_deref(), Some("125.00"));
    assert_eq!(definition.currency(), Some("USD"));
    assert_eq!(graph(&definition), [("a".into(), vec![]), ("b".into(), vec!["a".into()])]);
    let written = serde_json::to_value(&definition).expect("serialises");
    assert_eq!(written["source"]["kind"], "dbt");
    assert!(serde_json::to_string(&definition).expect("serialises").contains(r#""weight":1.10"#));
}

#[test]
fn another_name_keeps_the_needs_within() {
    let text = "[workflow]\nname = 'daily'\n[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\nneeds = ['daily/a']";
    let name = WorkflowName::new("2025-10-29").expect("a name");
    let definition = parse_workflow(text, "workflow.toml", Some(&name)).expect("a workflow");
    assert_eq!(definition.name(), &name);
    assert_eq!(graph(&definition)[1], ("b".into(), vec!["a".into()]));
    let unnamed = "[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\nneeds = ['flow/a', 'x/a']";
    let definition = parse_workflow(unnamed, "some/flow.toml", Some(&name)).expect("a workflow");
    assert_eq!(graph(&definition)[1].1, ["a", "x/a"]);
    let definition = parse_workflow(unnamed, "some/flow.toml", None).expect("a workflow");
    assert_eq!(definition.name().as_str(), "flow");
}

#[test]
fn the_shipped_workflow_is_as_it_should_be() {
    let definition = parse(SHIPPED).expect("the shipped workflow");
    assert_eq!(definition.name().as_str(), "nba-mcp-synthesis");
    assert_eq!(definition.currency(), Some("USD"));
    assert_eq!(definition.cost_limit().map(|limit| limit.to_string()).as_deref(), Some("125.00"));
    assert_eq!(definition.phases().len(), 16);
    assert!(definition.phases().iter().all(|phase| phase.description.is_some()));
    let limits: Vec<_> = definition.phases().iter().filter_map(|phase| phase.cost_limit).collect();
    assert_eq!(limits.len(), 16);
    let sum = limits.iter().try_fold(Amount::ZERO, |sum, limit| sum.plus(*limit));
    assert_eq!(sum.map(|sum| sum.to_string()).as_deref(), Some("125.00"));
    let Some(data) = shared::data("the shipped workflow's graph") else { return };
    assert_eq!(graph(&definition), graph(&load(&data.join("graphs/default16.json"))));
}

#[test]
fn the_shipped_history_is_of_the_shipped_workflow() {
    let definition = parse(SHIPPED).expect("the shipped workflow");
    let lines = include_str!("../../ledger/histories/2025-10-29.jsonl").lines();
    let events: Vec<serde_json::Value> =
        lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(events.len(), 7);
    assert!(events.is_sorted_by_key(|event| event["at"].as_str().map(str::to_owned)));
    assert!(
        events
            .iter()
            .all(|event| definition.phases().iter().any(|phase| phase.id.as_str() == event["phase"]))
    );
}

fn load(path: &Path) -> Definition {
    let bytes = std::fs::read(path).expect("a file");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    parse_workflow_bytes(&bytes, name, None).unwrap_or_else(|error| panic!("{}", picture(&error)))
}

#[test]
fn real_graphs_load_as_they_are() {
    let Some(data) = shared::data("real graphs") else { return };
    let expected = [
        ("airflow-example_complex", 37, 59),
        ("argo-diamond", 4, 4),
        ("dbt-jaffle-build", 30, 31),
        ("default16", 16, 16),
        ("just-commits", 1_974, 1_975),
        ("nba18", 18, 17),
        ("nextflow-openproblems", 209, 0),
    ];
    for (name, phases, edges) in expected {
        let definition = load(&data.join(format!("graphs/{name}.json")));
        assert_eq!(definition.name().as_str(), name);
        assert_eq!(definition.phases().len(), phases, "{name}");
        assert_eq!(definition.phases().iter().map(|phase| phase.needs.len()).sum::<usize>(), edges, "{name}");
        assert!(serde_json::to_value(&definition).expect("serialises")["source"]["kind"].is_string());
    }
}

#[test]
fn no_json_text_is_a_surprise() {
    let Some(data) = shared::data("JSONTestSuite") else { return };
    let folder = data.join("conformance/jsontestsuite/test_parsing");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let bytes = std::fs::read(&path).expect("a file");
        // None of them is a workflow, whether it is JSON or not.
        let error = parse_workflow_bytes(&bytes, &name, None).expect_err(&name);
        assert!(!error.snippet().contains(|c: char| c.is_control() && c != '\n'), "{name}");
        // As a part of a workflow it is taken exactly when it is JSON.
        let mut inside = b"{\"phases\":[{\"id\":\"a\"}],\"source\":{\"x\":".to_vec();
        inside.extend(bytes);
        inside.extend(b"}}");
        let result = parse_workflow_bytes(&inside, &name, None);
        match name.as_bytes()[0] {
            // JSON leaves open what that is: here it is refused, for nobody can tell which value was meant.
            _ if name.starts_with("y_object_duplicated_key") => assert!(result.is_err(), "{name}"),
            b'y' => assert!(result.is_ok(), "{name}: {result:?}"),
            b'n' => assert!(result.is_err(), "{name}"),
            _ => {}
        }
        count += 1;
    }
    assert_eq!(count, 318);
}

#[test]
fn a_chain_of_a_hundred_thousand_is_read_fast() {
    let mut toml = String::from("[workflow]\nname = 'chain'\n[[phase]]\nid = 'p0'\n");
    let mut json = String::from("{\"phases\":[{\"id\":\"p0\"}");
    for at in 1..100_000 {
        write!(toml, "[[phase]]\nid = 'p{at}'\nneeds = ['p{}']\n", at - 1).expect("a string");
        write!(json, ",{{\"id\":\"p{at}\",\"needs\":[\"p{}\"]}}", at - 1).expect("a string");
    }
    json.push_str("]}");
    // What looks at each of them for each of them takes hours.
    for (what, text) in [("TOML", toml.clone()), ("JSON", json)] {
        let start = Instant::now();
        let size = text.len();
        let definition = in_time(what, move || parse(&text)).expect("a chain");
        println!("{what}: {size} bytes in {:?}", start.elapsed());
        assert_eq!(definition.phases().len(), 100_000);
    }
    // The last of the errors is found by the longest way: a cycle through all of them.
    let ring = toml.replacen("id = 'p0'", "id = 'p0'\nneeds = ['p99999']", 1);
    let error = in_time("the cycle", move || parse(&ring)).expect_err("a cycle");
    assert_eq!((error.line, error.column), (5, 10), "{error}");
}

/// A text near a workflow file, with one part replaced by something else.
fn near_valid() -> impl Strategy<Value = String> {
    let json = r#"{"workflow":{"name":"w","cost_limit":1.10},"source":{"a":[1]},"phases":[{"id":"a"},{"id":"é","needs":["a"]}]}"#;
    let text = prop_oneof![Just(SHIPPED.to_owned()), Just(json.to_owned())];
    let part = prop_oneof![
        any::<String>(),
        "[\\[\\]{}\"'.,:=#\\\\\n\r\t a0-9\u{202E}\u{FEFF}é-]{0,8}",
        Just(String::new()),
    ];
    (text, any::<prop::sample::Index>(), 0..40_usize, part).prop_map(|(text, at, length, part)| {
        let floor = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(at.index(text.len()));
        let end = floor((start + length).min(text.len())).max(start);
        format!("{}{part}{}", &text[..start], &text[end..])
    })
}

/// Checks that a refusal shows nothing that could deceive and points into the text.
fn assert_orderly(result: Result<Definition, WorkflowFileError>, text: &str) {
    if let Err(error) = result {
        let shown = picture(&error);
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        assert!(error.snippet().contains(&format!(":{}:{}\n", error.line, error.column)), "{shown:?}");
        assert!(error.line <= text.split('\n').count(), "{shown:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), json in any::<bool>()) {
        let name = if json { "x.json" } else { "x.toml" };
        assert_orderly(parse_workflow(&text, name, None), &text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_orderly(parse_workflow_bytes(&bytes, "x", None), &text);
    }

    #[test]
    fn a_file_with_a_slip_is_read_or_refused(text in near_valid()) {
        assert_orderly(parse(&text), &text);
    }
}
