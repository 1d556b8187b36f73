//! The ledger's `workflow.toml` beside what is in force.

use super::{PHASES, file};
use crate::cli::Scene;

/// A ledger whose own file is in force.
fn in_force() -> Scene {
    let scene = Scene::made();
    scene.write("ledger/workflow.toml", &file("w", PHASES));
    scene.ok(&["define"]);
    scene
}

/// Returns what is said of the file, by each verb that says it.
fn told(scene: &Scene) -> Vec<String> {
    let verbs: [&[&str]; 4] = [
        &["status"],
        &["next"],
        &["start", "w/load"],
        &["exec", "w/load", "--take-over", "--reason", "r", "--", "true"],
    ];
    let told = verbs.map(|verb| {
        let ran = scene.run(verb);
        assert_eq!(ran.code, 0, "{}", ran.picture());
        let lines = ran.stderr.lines().filter(|line| line.contains("workflow.toml")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    });
    scene.ok(&["reset", "w/load", "--reason", "again"]);
    assert!(told.iter().all(|lines| *lines == told[0]), "every verb says the same: {told:#?}");
    told.into_iter().next().expect("four")
}

#[test]
fn found_30_a_file_that_was_edited_and_not_defined_is_told() {
    let scene = in_force();
    assert_eq!(told(&scene), [""; 0]);
    let edited = file("w", &PHASES.replace("'1'", "'2'"));
    scene.write("ledger/workflow.toml", &edited);
    let line = "`DIR/ledger/workflow.toml` is not what is in force of `w`: `phaseledger define --dry-run` tells what would change";
    assert_eq!(told(&scene), [line]);
    // Of the past, and to programs, nothing is said.
    assert!(!scene.ok(&["status", "--at", "e1"]).stderr.contains("workflow.toml"));
    let json = scene.ok(&["status", "--json"]);
    assert_eq!((json.json()["schema"].as_str(), json.stderr.as_str()), (Some("status/1"), ""));
    scene.ok(&["define"]);
    assert_eq!(told(&scene), [""; 0]);
}

#[test]
fn found_30_comments_and_the_order_of_keys_do_not_count() {
    let scene = in_force();
    let same = PHASES.replace("id = 'load'\nversion = '1'", "version = \"1\"  # the first\nid = \"load\"");
    scene.write("ledger/workflow.toml", &format!("# mine\n{}", file("w", &same)));
    assert_eq!(told(&scene), [""; 0]);
    scene.write("ledger/workflow.toml", &file("w", &PHASES.replace("['in/*']", "['in/*', 'more']")));
    assert_eq!(told(&scene).len(), 1);
}

#[test]
fn found_30_a_file_that_is_not_in_force_or_no_file_is_told() {
    let scene = in_force();
    let path = scene.dir().join("ledger/workflow.toml");
    scene.write("ledger/workflow.toml", &file("else", PHASES));
    assert_eq!(
        told(&scene),
        ["`DIR/ledger/workflow.toml`: the workflow `else` is not defined: run `phaseledger define`"]
    );
    scene.write("ledger/workflow.toml", "[workflow]\nname = \n");
    let lines = told(&scene);
    assert!(
        lines[0].starts_with("`DIR/ledger/workflow.toml` is not compared with what is in force: "),
        "{lines:?}"
    );
    std::fs::remove_file(&path).expect("a file");
    assert_eq!(told(&scene), [""; 0]);
    std::fs::create_dir(&path).expect("a folder");
    assert_eq!(
        told(&scene),
        ["`DIR/ledger/workflow.toml` is not compared with what is in force: it is no file"]
    );
}

#[test]
fn what_was_never_touched_or_has_another_name_is_nobody_s_business() {
    // Whoever defines another file has no use for the template.
    let scene = Scene::made();
    scene.define("w", &[("load", &[])]);
    assert_eq!(told(&scene), [""; 0]);
    // One file may be in force under several names.
    scene.write("ledger/workflow.toml", &file("daily", PHASES));
    scene.ok(&["define", "--as", "w"]);
    scene.ok(&["define", "--as", "v"]);
    assert_eq!(told(&scene), [""; 0]);
    scene.write("ledger/workflow.toml", &file("daily", &PHASES.replace("'1'", "'2'")));
    assert_eq!(told(&scene).len(), 1);
    scene.define("other", &[("x", &[])]);
    scene.write(
        "ledger/workflow.toml",
        &std::fs::read_to_string(scene.dir().join("other.toml")).expect("a file"),
    );
    scene.ok(&["define", "--retire", "other", "--reason", "r"]);
    assert_eq!(
        told(&scene),
        [
            "`DIR/ledger/workflow.toml`: the workflow `other` is retired: `phaseledger define FILE` brings it back"
        ]
    );
}
