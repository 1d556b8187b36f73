//! Names: tags that are found, moved and taken away; who asks; which workflow a bare name is of; and what no new name may
//! look like.

use serde_json::{Value, json};

use crate::cli::{Ran, Scene, assert_snapshot, pictures, user};

fn says(ran: &Ran, code: i32, texts: &[&str]) {
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(ran.code == code && texts.iter().all(|text| told.contains(text)), "{texts:?}\n{}", ran.picture());
}

fn events(scene: &Scene) -> usize {
    scene.ok(&["export"]).stdout.lines().count()
}

/// Runs the program with variables set, or taken away, of which the scene sets some.
fn with(scene: &Scene, variables: &[(&str, Option<&str>)], args: &[&str]) -> (i32, String, String) {
    let mut command = scene.command();
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.args(args).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
}

fn last(scene: &Scene) -> Value {
    let log = scene.ok(&["log", "--json", "--last", "1"]).stdout;
    serde_json::from_str(&log).expect("an event")
}

#[test]
fn found_32_tags_are_listed_moved_and_taken_away() {
    let scene = Scene::small();
    let none = scene.ok(&["tag", "--list"]);
    scene.record(&["start", "a"]);
    let set = scene.record(&["tag", "rel", "e1"]);
    scene.record(&["tag", "été", "e2"]);
    let refused = scene.run(&["tag", "rel", "e2"]);
    let moved = scene.record(&["tag", "rel", "e2", "--force"]);
    let same = scene.ok(&["tag", "rel", "e2"]);
    let listed = scene.ok(&["tag", "--list"]);
    let json = scene.ok(&["tag", "--list", "--json"]);
    let before = scene.ok(&["tag", "--list", "--at", "e3"]);
    let gone = scene.record(&["tag", "--delete", "rel", "--reason", "not released"]);
    let unknown = scene.run(&["tag", "--delete", "rel"]);
    let words = scene.ok(&["log", "--kind", "tag_set", "--kind", "tag_removed"]);
    let runs = [none, set, refused, moved, same, listed, json, before, gone, unknown, words];
    assert_snapshot("tags", &pictures(runs));
    assert_eq!(last(&scene)["data"], json!({"name": "rel", "seq": 2, "reason": "not released"}));
}

#[test]
fn found_32_what_is_done_with_tags_is_taken_back() {
    let scene = Scene::small();
    scene.ok(&["tag", "rel", "e1"]);
    let place = || scene.run(&["show", "tag:rel", "--json"]);
    let revert = || scene.ok(&["revert", "head", "--reason", "a slip"]);
    scene.ok(&["note", "one"]);
    scene.ok(&["tag", "rel", "e3", "--force"]);
    revert();
    assert_eq!(place().json()["event"]["seq"], 1, "it is back where it was");
    scene.ok(&["tag", "--delete", "rel"]);
    assert_eq!(place().code, 4);
    revert();
    assert_eq!(place().json()["event"]["seq"], 1, "it is there again");
    scene.ok(&["tag", "--delete", "rel"]);
    scene.ok(&["tag", "rel", "e2"]);
    revert();
    assert_eq!(place().code, 4);
    scene.ok(&["verify"]);
}

#[test]
fn found_32_a_tag_is_not_made_by_accident() {
    let scene = Scene::small();
    let count = events(&scene);
    for (args, texts) in [
        (&["tag", "list"][..], &["`list` looks like", "`phaseledger tag --list`"][..]),
        (&["tag", "ls"], &["`phaseledger tag --list`"]),
        (&["tag", "delete", "rel"], &["`phaseledger tag --delete NAME`"]),
        (&["tag", "rm"], &["`phaseledger tag --delete NAME`"]),
        (&["tag", "rel~1"], &["`rel~1`", "a place in the log", "`rel-1`"]),
        (&["tag", "rel~"], &["`rel~`", "`rel`"]),
        (&["tag", "v1..2"], &["a range", "`v1-2`"]),
        (&["tag", "rel."], &["`rel`"]),
        (&["tag", "\"rel\""], &["`rel`"]),
        (&["tag", "e5"], &["a place", "`tag_e5`"]),
        (&["tag", "12"], &["a place", "`tag_12`"]),
        (&["tag", "2025-10-29"], &["a time", "`tag_2025-10-29`"]),
        (&["tag", "2 hours ago"], &["a time"]),
        (&["tag", "--", "-x"], &["an option", "`x`"]),
        (&["tag", "--list", "--delete"], &["cannot be used with"]),
        (&["tag"], &["required"]),
        (&["tag", "rel", "--at", "e1"], &["go with `--list`"]),
    ] {
        says(&scene.run(args), 2, texts);
    }
    let line = r#"{"do":"tag","name":"rel~1"}"#;
    scene.write("lines", line);
    says(&scene.run(&["append", "lines"]), 2, &["line 1", "`rel~1`", "`rel-1`"]);
    assert_eq!(events(&scene), count, "nothing was recorded");
}

#[test]
fn found_32_lines_move_a_tag_where_they_say_so() {
    let scene = Scene::small();
    scene.ok(&["note", "one"]);
    let sent = |line: &str| {
        scene.write("lines", line);
        scene.run(&["append", "lines"])
    };
    says(&sent(r#"{"do":"tag","name":"rel","seq":1}"#), 0, &["appended"]);
    says(
        &sent(r#"{"do":"tag","name":"rel","seq":2}"#),
        6,
        &["the tag `rel` is at e1", "`phaseledger tag rel e2 --force`"],
    );
    says(&sent(r#"{"do":"tag","name":"rel","seq":2,"force":true}"#), 0, &["appended"]);
    assert_eq!(last(&scene)["data"], json!({"name": "rel", "seq": 2, "from": 1}));
    says(&sent(r#"{"do":"tag","name":"rel","seq":2}"#), 0, &["unchanged"]);
    says(&sent(r#"{"do":"untag","name":"rel","seq":2}"#), 2, &["takes no `seq`"]);
    says(&sent(r#"{"do":"untag","name":"rel","reason":"so"}"#), 0, &["appended"]);
    says(&sent(r#"{"do":"untag","name":"rel"}"#), 4, &["there is no tag `rel`"]);
}

#[test]
fn found_32_a_name_that_looks_like_something_else_is_refused_at_its_line() {
    let scene = Scene::made();
    let file = |name: &str, id: &str| {
        format!("[workflow]\nname = \"{name}\"\n\n[[phase]]\nid = \"ok\"\n\n[[phase]]\nid = \"{id}\"\n")
    };
    let mut runs = Vec::new();
    for (id, looks, instead) in [
        ("e5", "a place", "`phase_e5`"),
        ("E5", "a place", "`phase_E5`"),
        ("07", "a place", "`phase_07`"),
        ("#5", "a place", "`phase_5`"),
        ("head", "a place", "`phase_head`"),
        ("id:0199f3c1", "a place", "`id-0199f3c1`"),
        ("tag:x", "a place", "`tag-x`"),
        ("e5~3", "a place", "`e5-3`"),
        ("2025-01-01", "a time", "`phase_2025-01-01`"),
        ("yesterday", "a time", "`phase_yesterday`"),
        ("2 hours ago", "a time", "`2_hours_ago`"),
        ("1h", "a time", "`phase_1h`"),
        ("--help", "an option", "`help`"),
        ("-x", "an option", "`x`"),
        ("a..b", "a range", "`a-b`"),
    ] {
        scene.write("w.toml", &file("w", id));
        let ran = scene.run(&["define", "w.toml"]);
        says(&ran, 2, &["w.toml:8:6: ", looks, instead, &format!("`{id}`")]);
        runs.extend((id == "e5").then_some(ran));
    }
    scene.write("w.toml", &file("2025-01-01", "a"));
    let named = scene.run(&["define", "w.toml"]);
    says(&named, 2, &["w.toml:2:8: ", "`workflow_2025-01-01`"]);
    scene.write("w.toml", &file("w", "a"));
    let given = scene.run(&["define", "w.toml", "--as", "yesterday"]);
    says(&given, 2, &["error: `yesterday` looks like a time"]);
    let json = scene.run(&["define", "w.toml", "--as", "yesterday", "--json"]);
    assert_snapshot("names_refused", &pictures(runs.into_iter().chain([named, given, json])));
    assert_eq!(events(&scene), 1, "the end of an export, and nothing else");
    scene.ok(&["define", "w.toml"]);
}

/// No workflow that is known from elsewhere is refused for its names.
#[test]
fn found_32_names_of_real_workflows_are_taken() {
    let Some(data) = crate::shared::data("found_32_names_of_real_workflows_are_taken") else { return };
    let mut count = 0;
    for graph in std::fs::read_dir(data.join("graphs")).expect("a folder") {
        let graph = graph.expect("a file").path();
        let scene = Scene::made();
        scene.ok(&["define", graph.to_str().expect("UTF-8"), "--dry-run"]);
        count += 1;
    }
    assert!(count > 5, "only {count}");
}

#[test]
fn found_32_one_phase_is_not_defined_twice_in_two_spellings() {
    let scene = Scene::made();
    scene.write("w.toml", "[[phase]]\nid = \"\u{e9}\"\n[[phase]]\nid = \"e\u{301}\"\n");
    says(&scene.run(&["define", "w.toml"]), 2, &["w.toml:4:", "is defined twice"]);
    scene.write("w.toml", "[[phase]]\nid = \"\u{e9}\"\n[[phase]]\nid = \"b\"\nneeds = [\"e\u{301}\"]\n");
    scene.ok(&["define", "w.toml", "--as", "u\u{308}"]);
    scene.ok(&["start", "e\u{301}"]);
    scene.ok(&["complete", "\u{fc}/\u{e9}"]);
    says(&scene.ok(&["status", "--workflow", "u\u{308}", "e\u{301}"]), 0, &["COMPLETE"]);
    says(&scene.ok(&["log", "--phase", "e\u{301}", "--json"]), 0, &["\"\u{e9}\""]);
    scene.ok(&["tag", "caf\u{e9}"]);
    scene.ok(&["show", "tag:cafe\u{301}"]);
}

#[test]
fn found_25_the_systems_user_is_recorded_beside_the_claim() {
    let scene = Scene::small();
    scene.ok(&["note", "x", "--by", "ben"]);
    // What a caller can set changes nothing of it.
    let forged = [("USER", Some("mallory")), ("LOGNAME", Some("mallory")), ("HOME", Some("/nowhere"))];
    let (code, ..) = with(&scene, &forged, &["note", "y"]);
    assert_eq!(code, 0);
    for name in ["ben", "ana"] {
        let log = scene.ok(&["log", "--json", "--by", name]).stdout;
        let event: Value = serde_json::from_str(log.lines().last().expect("one")).expect("an event");
        assert_eq!((&event["by"]["name"], &event["by"]["user"]), (&json!(name), &json!("USER")), "{event}");
    }
    says(&scene.ok(&["show", "e2"]), 0, &["ben (as USER) on HOST via cli"]);
    says(&scene.ok(&["report"]), 0, &["`ben` (as `USER`)"]);
    // One who claims nothing is the user, and is shown once.
    let unset = [("USER", None), ("LOGNAME", None), ("USERNAME", None), ("PHASELEDGER_BY", None)];
    assert_eq!(with(&scene, &unset, &["note", "z"]).0, 0);
    let (_, log, _) = with(&scene, &[], &["log", "--json", "--last", "1"]);
    let event: Value = serde_json::from_str(&log).expect("an event");
    assert_eq!(
        (&event["by"]["name"], &event["by"]["user"]),
        (&json!(user()), &json!(user())),
        "never `unknown`"
    );
    let (_, shown, _) = with(&scene, &[], &["show", "head"]);
    assert!(shown.contains(user()) && !shown.contains("(as "), "{shown}");
}

#[test]
fn found_25_who_asks_has_a_name_that_shows() {
    let scene = Scene::small();
    let count = events(&scene);
    let long = "x".repeat(256);
    let names =
        ["a\nb", "a\u{9b}2J", "a\u{202e}b", "a\u{200b}b", "a\u{7f}", "a\tb", "a\u{ad}b", "", " ", &long];
    for name in names {
        says(&scene.run(&["note", "x", "--by", name]), 2, &[]);
        let line = json!({"do": "note", "text": "x", "by": name}).to_string();
        scene.write("lines", &line);
        says(&scene.run(&["append", "lines"]), 2, &["line 1"]);
        if !name.is_empty() {
            let (code, _, error) = with(&scene, &[("PHASELEDGER_BY", Some(name))], &["note", "x"]);
            assert!(code == 2 && error.contains("`PHASELEDGER_BY`: the "), "{name:?}: {error}");
        }
    }
    says(&scene.run(&["note", "x", "--by", "a\nb"]), 2, &["has the character `\\u{a}`"]);
    assert_eq!(events(&scene), count, "nothing was recorded");
    scene.ok(&["note", "x", "--by", "Ünïcode 漢字, ana@example.org"]);
    assert_eq!(with(&scene, &[("PHASELEDGER_BY", Some(""))], &["note", "x"]).0, 0, "empty is not set");
}

#[test]
fn found_25_nobody_grants_their_own_by_another_name() {
    let scene = Scene::small();
    let me = user();
    let asked = |by: &str, id: &str| {
        let id = format!("key:ask/{id}");
        let ran = scene.run(&[
            "approval",
            "request",
            "x",
            "--estimate",
            "10",
            "--items",
            "1",
            "--id",
            &id,
            "--by",
            by,
        ]);
        assert_eq!(ran.code, 75, "{}", ran.picture());
    };
    let grant = |by: &str, id: &str| {
        scene.run(&["approval", "grant", &format!("key:ask/{id}"), "--reason", "fine", "--by", by])
    };
    asked(me, "1");
    says(&grant(me, "1"), 6, &["asked for it in event 2, and may not grant it", "self_approval = true"]);
    says(
        &grant("bob", "1"),
        6,
        &["`bob (as USER)` may not grant", "same user of `HOST`", "a name of their own (`--by`)"],
    );
    asked("agent", "2");
    says(&grant(me, "2"), 6, &["what `agent (as USER)` asked for"]);
    says(&grant("agent", "2"), 6, &[]);
    says(&grant("ben", "2"), 0, &[]);
    // They may say no.
    says(&scene.run(&["approval", "reject", "key:ask/1", "--reason", "no", "--by", "bob"]), 0, &[]);
    let policy = |line: &str| {
        let file = format!("[workflow]\nname = \"w\"\n[workflow.approval]\n{line}\n[[phase]]\nid = \"a\"\n");
        scene.write("w.toml", &file);
        scene.ok(&["define", "w.toml"]);
    };
    policy("distinct_users = true");
    asked("agent", "3");
    says(&grant("ben", "3"), 6, &["same user"]);
    policy("self_approval = true");
    says(&grant("ben", "3"), 0, &[]);
    asked(me, "4");
    says(&grant(me, "4"), 0, &[]);
}

/// Two workflows that have a phase of one name, and one of their own each.
fn both() -> Scene {
    let scene = Scene::made();
    scene.define("books", &[("publish", &[]), ("scan", &[])]);
    scene.define("films", &[("publish", &[]), ("cut", &[])]);
    scene
}

#[test]
fn found_29_a_bare_name_that_several_have_goes_to_the_preferred_workflow() {
    let scene = both();
    let open = scene.run(&["start", "publish"]);
    says(
        &open,
        2,
        &["`books/publish`, `films/publish`", "`--workflow`", "PHASELEDGER_WORKFLOW", "`workflow/phase`"],
    );
    scene.ok(&["start", "publish", "--workflow", "films"]);
    assert_eq!(last(&scene)["workflow"], "films");
    let films = [("PHASELEDGER_WORKFLOW", Some("films"))];
    let books = [("PHASELEDGER_WORKFLOW", Some("books"))];
    assert_eq!(with(&scene, &films, &["complete", "publish"]).0, 0);
    assert_eq!(last(&scene)["workflow"], "films");
    assert_eq!(
        with(&scene, &books, &["start", "publish", "--workflow", "films", "--rerun", "--reason", "r"]).0,
        0
    );
    assert_eq!(last(&scene)["workflow"], "films", "what is typed is of more weight");
    // Every verb about a phase, also one that asks.
    for args in [
        &["why", "publish"][..],
        &["show", "publish"],
        &["status", "publish"],
        &["log", "--phase", "publish"],
        &["cost", "remaining", "publish"],
        &["note", "n", "--phase", "publish"],
        &["meta", "publish", "k=1"],
        &["graph", "--below", "publish"],
        &["replay", "--phase", "publish"],
        &["exec", "publish", "--", "true"],
        &["rerun", "publish", "--reason", "r"],
        &["accept", "publish", "--reason", "r"],
        &["reset", "publish", "--reason", "r"],
        &["skip", "publish", "--reason", "r"],
    ] {
        assert_eq!(scene.run(args).code, 2, "{args:?} is open");
        let (code, out, error) = with(&scene, &books, args);
        assert_eq!(code, 0, "{args:?}\n{out}{error}");
    }
    assert_eq!(last(&scene)["workflow"], "books");
    // A name that is of one alone is that, whatever is preferred.
    assert_eq!(with(&scene, &films, &["start", "scan"]).0, 0);
    assert_eq!(last(&scene)["workflow"], "books");
    scene.write("lines", "{\"do\":\"start\",\"phase\":\"publish\"}\n");
    assert_eq!(scene.run(&["append", "lines"]).code, 2);
    scene.ok(&["append", "lines", "--workflow", "books"]);
    assert_eq!(last(&scene)["workflow"], "books");
}

#[test]
fn found_29_a_preferred_workflow_that_is_not_there_is_told_where_it_is_needed() {
    let scene = both();
    let nowhere = [("PHASELEDGER_WORKFLOW", Some("nowhere"))];
    for args in [&["status"][..], &["start", "scan"], &["start", "films/publish"], &["log"], &["next"]] {
        assert_eq!(with(&scene, &nowhere, args).0, 0, "{args:?} needs none");
    }
    let (code, _, error) = with(&scene, &nowhere, &["start", "publish"]);
    assert!(code == 2 && error.contains("`nowhere` is what PHASELEDGER_WORKFLOW says"), "{error}");
    let (code, _, error) = with(&scene, &nowhere, &["reset", "--all", "--reason", "r"]);
    assert!(code == 4 && error.contains("`nowhere` is what PHASELEDGER_WORKFLOW says"), "{error}");
    let (code, _, error) = with(&scene, &[("PHASELEDGER_WORKFLOW", Some("a/b"))], &["status"]);
    assert!(code == 2 && error.contains("`PHASELEDGER_WORKFLOW`: the name `a/b`"), "{error}");
    let (code, ..) = with(&scene, &nowhere, &["start", "cut", "--workflow", "also-nowhere"]);
    assert_eq!(code, 0, "the name is of one alone");
}

#[test]
fn found_29_a_verb_about_a_whole_workflow_takes_the_preferred_one() {
    let scene = both();
    scene.ok(&["start", "cut"]);
    says(&scene.run(&["reset", "--all", "--reason", "r"]), 2, &["which workflow?", "PHASELEDGER_WORKFLOW"]);
    let films = [("PHASELEDGER_WORKFLOW", Some("films"))];
    assert_eq!(with(&scene, &films, &["reset", "--all", "--reason", "r"]).0, 0);
    assert_eq!(last(&scene)["workflow"], "films");
    let ask = ["approval", "request", "x", "--estimate", "10", "--items", "1"];
    assert_eq!(scene.run(&ask).code, 2);
    assert_eq!(with(&scene, &films, &ask).0, 75);
    assert_eq!(last(&scene)["workflow"], "films");
    // What lists lists all, unless it is told otherwise.
    let (_, status, _) = with(&scene, &films, &["status", "--json"]);
    let status: Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["phases"].as_array().expect("a list").len(), 4);
}

/// What moves a tag, or takes it away, does not take effect before what set it: no cut has the one without the other.
#[test]
fn found_32_a_tag_does_not_move_before_it_is_set() {
    let scene = Scene::small();
    scene.ok(&["tag", "rel", "e1"]);
    let moved = scene.ok(&["tag", "rel", "e2", "--force", "--occurred-at", "2 hours ago"]);
    says(&moved, 0, &["not at", "it rests on e2"]);
    let gone = scene.ok(&["tag", "--delete", "rel", "--occurred-at", "1 hour ago"]);
    says(&gone, 0, &["not at", "it rests on e3"]);
    for moment in ["90 minutes ago", "30 minutes ago", "head"] {
        says(&scene.ok(&["tag", "--list", "--at", moment]), 0, &["no tags"]);
    }
    scene.ok(&["verify"]);
}
