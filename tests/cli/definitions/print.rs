//! What is in force, as a file.

use super::{PHASES, define, file, ran};
use crate::cli::Scene;

#[test]
fn found_30_what_is_in_force_is_printed_as_of_any_moment() {
    let scene = ran();
    let first = scene.ok(&["define", "--print"]);
    assert_eq!(
        first.stdout,
        "[workflow]\nname = \"w\"\n\n[[phase]]\nid = \"load\"\nversion = \"1\"\ninputs = [\"in/*\"]\n\n\
         [[phase]]\nid = \"join\"\nneeds = [\"load\"]\n\n[[phase]]\nid = \"draw\"\nneeds = [\"join\"]\n"
    );
    assert!(first.stderr.starts_with("as of e"), "{}", first.picture());
    define(&scene, &PHASES.replace("'1'", "'2'"));
    let second = scene.ok(&["define", "--print"]).stdout;
    assert!(second.contains("version = \"2\""));
    for args in [["--at", "e1"], ["--before", "head"], ["--known-at", "e3"]] {
        assert_eq!(scene.ok(&[&["define", "--print"][..], &args].concat()).stdout, first.stdout, "{args:?}");
    }
    scene.write("second.toml", &second);
    assert!(scene.ok(&["define", "second.toml"]).stdout.starts_with("unchanged"));
    let json = scene.ok(&["define", "--print", "--json"]);
    assert_eq!(json.json()["phase"][0]["version"], "2");
    scene.write("second.json", &json.stdout);
    assert!(scene.ok(&["define", "second.json"]).stdout.starts_with("unchanged"));
}

#[test]
fn what_only_json_can_say_is_printed_as_json() {
    let scene = Scene::made();
    scene.write(
        "g.json",
        r#"{"workflow":{"name":"g"},"source":{"kind":"dbt","n":1.10,"far":1e999},"phase":[{"id":"a"}]}"#,
    );
    scene.ok(&["define", "g.json"]);
    let printed = scene.ok(&["define", "--print"]);
    assert!(printed.stdout.contains(r#""n":1.10"#), "{}", printed.picture());
    scene.write("again.toml", &printed.stdout);
    assert!(scene.ok(&["define", "again.toml"]).stdout.starts_with("unchanged"));
    scene.write(
        "g.json",
        r#"{"workflow":{"name":"g"},"source":{"kind":"dbt","n":1.1,"far":1e999},"phase":[{"id":"a"}]}"#,
    );
    assert!(scene.ok(&["define", "g.json"]).stdout.contains("~ workflow source.n: 1.10 → 1.1"));
}

#[test]
fn printing_records_nothing_and_needs_a_name_where_there_are_several() {
    let scene = ran();
    scene.define("other", &[("x", &[])]);
    assert_eq!(scene.run(&["define", "--print"]).code, 2);
    assert!(scene.ok(&["define", "--print", "--workflow", "other"]).stdout.contains("id = \"x\""));
    assert_eq!(scene.run(&["define", "--print", "--workflow", "nobody"]).code, 4);
    scene.write("w.toml", &file("w", PHASES));
    for args in [
        &["define", "--print", "w.toml"][..],
        &["define", "--print", "--dry-run"],
        &["define", "--print", "--id", "key:a"],
        &["define", "--at", "e1", "w.toml"],
        &["define", "--workflow", "w"],
        &["define", "--retire", "w", "--reason", "r", "w.toml"],
        &["define", "--retire", "w", "--reason", "r", "--print"],
        &["define", "--reason", "r", "w.toml"],
    ] {
        assert_eq!(scene.run(args).code, 2, "{args:?}");
    }
}
