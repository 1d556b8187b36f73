//! Workflow files: how each refusal looks, in `snapshots/workflow_file__*.snap`.

use std::fmt::Write;

use phaseledger::model::{WORKFLOW_FILE_BYTES_MAX, WorkflowFileError, parse_workflow, parse_workflow_bytes};

fn refused(text: &str, file_name: &str) -> WorkflowFileError {
    parse_workflow(text, file_name, None).expect_err(text)
}

/// Returns a refusal as a person sees it.
fn picture(error: &WorkflowFileError) -> String {
    let mut picture = format!("{error}\n{}\n", error.snippet());
    if let Some(hint) = &error.hint {
        writeln!(picture, "hint: {hint}").expect("a string takes any text");
    }
    picture
}

/// Compares the pictures of several refused texts with `snapshots/workflow_file__NAME.snap`.
fn assert_pictures(name: &str, errors: impl IntoIterator<Item = WorkflowFileError>) {
    let pictures: Vec<_> = errors.into_iter().map(|error| picture(&error)).collect();
    assert_snapshot(name, &pictures.join("\n"));
}

fn assert_snapshot(name: &str, text: &str) {
    insta::with_settings!(
        { snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
        { insta::assert_snapshot!(format!("workflow_file__{name}"), text) }
    );
}

fn assert_toml(name: &str, texts: &[&str]) {
    assert_pictures(name, texts.iter().map(|text| refused(text, "workflow.toml")));
}

fn assert_json(name: &str, texts: &[&str]) {
    assert_pictures(name, texts.iter().map(|text| refused(text, "graph.json")));
}

#[test]
fn every_key_is_read() {
    let text = r#"
        [workflow]
        name = "synthesis"
        currency = "USD"
        cost_limit = 125
        description = "All of it"
        [[phase]]
        id = "a"
        [[phase]]
        id = "b"
        needs = ["a", "synthesis/c", "other/publish"]
        cost_limit = "30.00"
        version = "1"
        inputs = ["books/**/*.pdf"]
        outputs = ["analysis/*.json"]
        description = "Book analysis"
        [[phase]]
        id = "c"
        depends_on = ["a"]
        cost_limit = 1.10
    "#;
    let definition = parse_workflow(text, "workflow.toml", None).expect("a workflow");
    let json = serde_json::to_string_pretty(&definition).expect("serialises");
    assert_snapshot("every_key", &json);
}

#[test]
fn bytes_may_have_a_mark_and_dos_line_ends() {
    let text = "\u{FEFF}[workflow]\r\nname = 'w'\r\n[[phase]]\r\nid = 'a'\r\n";
    assert!(parse_workflow_bytes(text.as_bytes(), "workflow.toml", None).is_ok());
    let json = "\u{FEFF} {\"phases\": [{\"id\": \"a\"}]}";
    assert!(parse_workflow_bytes(json.as_bytes(), "workflow.toml", None).is_ok());
    let bytes = |bytes: &[u8]| parse_workflow_bytes(bytes, "workflow.toml", None).expect_err("refused");
    let large = vec![b'\n'; WORKFLOW_FILE_BYTES_MAX + 1];
    assert_pictures(
        "bytes",
        [
            bytes(b"[[phase]]\nid = 'caf\xe9'\n"),
            bytes(b"\xef\xbb\xbf[[phase]]\r\nid = '\xff'\r\n"),
            bytes(b"\xff\xfe[\0w\0"),
            bytes(&large),
            refused(&"x = 1\r\n".repeat(2), "dos.toml"),
        ],
    );
}

#[test]
fn nothing_to_do_is_refused() {
    assert_toml("no_phases", &["", " \n\n", "# only a comment\n", "[workflow]\nname = 'w'\n", "phase = []"]);
    assert_json("no_phases_json", &["", "{}", "{\n  \"phases\": [\n  ]\n}"]);
}

#[test]
fn syntax_errors_point_at_the_place() {
    let long = format!("{}]", "[[phase]]\nid = 'a'\n".repeat(200));
    assert_toml(
        "toml_syntax",
        &[
            "[workflow]\nname = \"unfinished\n[[phase]]\n",
            "[workflow\nname = 'w'",
            "[workflow]\nname = 'w'\nname = 'x'\n",
            "[workflow]\n[workflow]\n",
            "[[phase]]\nid = 'a'\n\tneeds = ['b',, 'c']\n",
            "phase: a\n",
            &long,
        ],
    );
    assert_json(
        "json_syntax",
        &[
            "{\n  \"phases\": [\n    {\"id\": \"a\",}\n  ]\n}",
            "{\"phases\": [{\"id\": \"a\"}]",
            "{\"phases\": [{\"id\": \"a\"}]} more",
            "{\"phases\": [{\"id\": \"漢字\"} {\"id\": \"b\"}]}",
            "{\"phases\": [{\"id\": \"\\ud800\"}]}",
            "{\"phases\": [{\"id\": \"a\", \"id\": \"b\"}]}",
            "{\"source\": {\"a\": 1, \"a\": 2}, \"phases\": [{\"id\": \"a\"}]}",
            "// no\n{}",
            "[]",
            "nul",
        ],
    );
}

#[test]
fn unknown_keys_are_named_and_near_ones_suggested() {
    assert_toml(
        "unknown_keys",
        &[
            "[workflow]\nname = 'w'\n[[phase]]\nid = 'a'\nnedes = ['b']\n",
            "[workflow]\nname = 'w'\ncurency = 'USD'\n",
            "[[phases]]\nid = 'a'\n",
            "name = 'w'\n[[phase]]\nid = 'a'\n",
            "[[phase]]\nid = 'a'\ncurrency = 'USD'\n",
            "[[phase]]\nname = 'a'\n",
            "[source]\nkind = 'x'\n",
            "[workflow]\nowner = 'ana'\n",
            "[[phase]]\nid = 'a'\n\"evil\u{202E}\\u001b\" = 1\n",
            "[[phase]]\nid = 'a'\nneeds = []\ndepends_on = []\n",
            "[phase.a]\nneeds = []\n",
        ],
    );
    assert_json(
        "unknown_keys_json",
        &["{\"phase\": [], \"phases\": []}", "{\"phases\": [{\"id\": \"a\", \"dependsOn\": []}]}"],
    );
}

#[test]
fn wrong_types_are_named() {
    assert_toml(
        "wrong_types",
        &[
            "workflow = 'w'\n",
            "[[workflow]]\nname = 'w'\n",
            "[workflow]\nname = 7\n",
            "[phase]\nid = 'a'\n",
            "phase = ['a', 'b']\n",
            "[[phase]]\nneeds = ['b']\n",
            "[[phase]]\nid = 2025-10-29\n",
            "[[phase]]\nid = 'a'\nneeds = 'b'\n",
            "[[phase]]\nid = 'a'\nneeds = ['b', 7]\n",
            "[[phase]]\nid = 'a'\nneeds = [['b']]\n",
            "[[phase]]\nid = 'a'\nversion = 1\n",
            "[[phase]]\nid = 'a'\nversion = ''\n",
            "[[phase]]\nid = 'a'\ncost_limit = true\n",
            "[[phase]]\nid = 'a'\ndescription = ['x']\n",
            "[[phase]]\nid = 'a'\ninputs = ['']\n",
            "[[phase]]\nid = 'a'\noutputs = [\"a\\u0000\"]\n",
        ],
    );
    assert_json(
        "wrong_types_json",
        &[
            "{\"phases\": {}}",
            "{\"phases\": [null]}",
            "{\"phases\": [{\n  \"needs\": []\n}]}",
            "{\"phases\": [{\"id\": 7}]}",
            "{\"phases\": [{\"id\": \"a\", \"needs\": [{}]}]}",
            "{\"source\": \"x\", \"phases\": [{\"id\": \"a\"}]}",
        ],
    );
    let large =
        format!("{{\"source\": {{\"a\": \"{}\"}}, \"phases\": [{{\"id\": \"a\"}}]}}", "x".repeat(300_000));
    let text = format!("[[phase]]\nid = 'a'\ndescription = '{}'", "x".repeat(70_000));
    assert_pictures("too_long", [refused(&large, "graph.json"), refused(&text, "workflow.toml")]);
}

#[test]
fn bad_names_are_shown_escaped() {
    let long = format!("[[phase]]\nid = '{}'\n", "x".repeat(256));
    assert_toml(
        "names",
        &[
            "[workflow]\nname = \"evil\u{202E}txt\"\n",
            "[[phase]]\nid = \"a\\u001b[2J\"\n",
            "[[phase]]\nid = 'a/b'\n",
            "[[phase]]\nid = ' a'\n",
            "[[phase]]\nid = ''\n",
            &long,
            "[[phase]]\nid = 'a'\nneeds = ['a/b/c']\n",
            "[[phase]]\nid = 'a'\n\tneeds = ['漢字', \"x\u{200B}y\"]\n",
        ],
    );
    let error = refused("[[phase]]\nid = 'a/b'\n", "evil\u{202E}\n.toml");
    assert!(error.to_string().starts_with("evil\\u{202e}\\u{a}.toml:2:6: "), "{error}");
}

#[test]
fn bad_amounts_are_refused() {
    let phase =
        |limit: &str| refused(&format!("[[phase]]\nid = 'a'\ncost_limit = {limit}\n"), "workflow.toml");
    let limits = [
        "-5",
        "\"-0.01\"",
        "nan",
        "-inf",
        "1e400",
        "\"30,00\"",
        "\"$30\"",
        "\"\"",
        "0x1_0000_0000_0000_0000_0000_0000_0000_0000",
    ];
    let long = ["\"12345678901234567890123456789\"", "0.00000000000000000000000000001"];
    assert_pictures("amounts", limits.into_iter().chain(long).map(phase));
    assert_json(
        "amounts_json",
        &[
            "{\"workflow\": {\"cost_limit\": 1e400}, \"phases\": [{\"id\": \"a\"}]}",
            "{\"workflow\": {\"cost_limit\": null}, \"phases\": [{\"id\": \"a\"}]}",
        ],
    );
    assert_toml(
        "currencies",
        &[
            "[workflow]\ncurrency = 'usd'\n",
            "[workflow]\ncurrency = '€'\n",
            "[workflow]\ncurrency = 'DOLLARS'\n",
        ],
    );
}

#[test]
fn what_a_definition_refuses_points_at_its_place() {
    assert_toml(
        "duplicates",
        &[
            "[[phase]]\nid = 'a'\n\n[[phase]]\nid = 'b'\n\n[[phase]]\nid = 'a'\n",
            "[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\nneeds = [\n  'a',\n  'workflow/a',\n]\n",
        ],
    );
    assert_toml(
        "unknown_ids",
        &[
            "[[phase]]\nid = 'analysis'\n[[phase]]\nid = 'b'\nneeds = ['analisys']\n",
            "[[phase]]\nid = 'phase_2_analysis'\n[[phase]]\nid = 'b'\nneeds = ['b', 'phase_2']\n",
            "[[phase]]\nid = 'a'\nneeds = ['elsewhere']\n",
            "[[phase]]\nid = 'a'\nneeds = ['workflow/x']\n",
        ],
    );
}

#[test]
fn a_cycle_is_shown_with_its_edges() {
    let mut ring = String::new();
    for at in 0..40 {
        write!(ring, "[[phase]]\nid = 'p{at}'\nneeds = ['p{}']\n\n", (at + 1) % 40).expect("a string");
    }
    assert_toml(
        "cycle",
        &[
            "[[phase]]\nid = 'a'\nneeds = ['c']\n\n[[phase]]\nid = 'b'\nneeds = ['a']\n\n\
             [[phase]]\nid = 'other'\n\n[[phase]]\nid = 'c'\nneeds = ['other', 'workflow/b']\n",
            "[[phase]]\nid = 'a'\nneeds = ['a']\n",
            &ring,
        ],
    );
    let line: Vec<_> =
        (0..40).map(|at| format!("{{\"id\":\"p{at}\",\"needs\":[\"p{}\"]}}", (at + 1) % 40)).collect();
    let text = format!("{{\"source\":{{\"kind\":\"one line\"}},\"phases\":[{}]}}", line.join(","));
    assert_json(
        "cycle_json",
        &["{\"phases\":[{\"id\":\"a\",\"needs\":[\"b\"]},{\"id\":\"b\",\"needs\":[\"a\"]}]}", &text],
    );
}
