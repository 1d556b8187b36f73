//! Appending safely: ids, expectations, and commands as JSON lines (DESIGN section 6).

use super::{Scene, assert_snapshot, done, fed, refused};

#[test]
fn a_command_is_never_recorded_twice() {
    let scene = Scene::small();
    let start = ["start", "a", "--id", "key:own/1", "--expect", "state=PENDING"];
    let json = ["start", "a", "--id", "key:own/1", "--expect", "state=PENDING", "--json"];
    done("retry", &scene, &[&start, &start, &json]);
    refused("retry_conflict", &scene, 3, &[&["start", "b", "--id", "key:own/1"]]);
}

#[test]
fn expectations() {
    let scene = Scene::small();
    scene.ok(&["start", "a"]);
    refused(
        "expect_conflict",
        &scene,
        3,
        &[
            &["complete", "a", "--expect", "seq:1"],
            &["complete", "a", "--expect", "state=PENDING,FAILED"],
            &["complete", "a", "--expect", "attempt=2"],
            &["note", "x", "--expect", "seq:1"],
        ],
    );
    done(
        "expect",
        &scene,
        &[
            &["complete", "a", "--expect", "seq:2", "--expect", "state=IN_PROGRESS", "--expect", "attempt=1"],
            &["start", "b", "--expect", "seq:1"],
        ],
    );
}

const LINES: &str = r#"{"do":"start","phase":"a","id":"key:own/1","metadata":{"books":3}}
{"do":"complete","phase":"w/a","id":"key:own/2","expect":["state=IN_PROGRESS"],"by":"bob"}

{"do":"rerun","phase":"a","reason":"new books","id":"key:own/3"}
{"do":"start","phase":"a","id":"key:own/4","occurred_at":"2025-10-29T20:00:30Z"}
{"do":"fail","phase":"a","error":"gone","signal":"SIGKILL","id":"key:own/5"}
{"do":"skip","phase":"a","reason":"enough","id":"key:own/6"}
{"do":"meta","phase":"b","metadata":{"n":1.10},"id":"key:own/7"}
{"do":"note","text":"done","id":"key:own/8"}
{"do":"tag","name":"here","id":"key:own/9"}
{"do":"reset","all":true,"reason":"again","id":"key:own/10"}
{"do":"reset","all":true,"reason":"again","id":"key:own/10"}
"#;

#[test]
fn append() {
    let scene = Scene::small();
    assert_snapshot("append", &fed(&scene, &["append"], LINES));
    let scene = Scene::small();
    assert_snapshot("append_atomic", &fed(&scene, &["append", "--atomic", "-"], LINES));
    assert_snapshot("append_nothing", &fed(&scene, &["append"], "\n"));
}

const BROKEN: &str = r#"{"do":"start","phase":"a","id":"key:own/1"}
{"do":"complete","phase":"a","id":"key:own/2"}
{"do":"complete","phase":"a","id":"key:own/3"}
{"do":"start","phase":"b","id":"key:own/4"}
"#;

#[test]
fn append_refused() {
    let scene = Scene::small();
    let before = scene.ok(&["export"]).stdout;
    assert_snapshot("append_atomic_refused", &fed(&scene, &["append", "--atomic"], BROKEN));
    assert_eq!(before, scene.ok(&["export"]).stdout, "none of an atomic batch is recorded");
    assert_snapshot("append_refused", &fed(&scene, &["append"], BROKEN));
    assert_eq!(scene.ok(&["export"]).stdout.lines().count(), before.lines().count() + 2);
    let json = fed(&scene, &["append", "--json"], BROKEN);
    assert_snapshot("append_refused_json", &json);
}

#[test]
fn lines_that_are_no_commands() {
    let scene = Scene::small();
    let before = scene.ok(&["export"]).stdout;
    let lines = [
        r#"{"do":"start","phase":"a""#,
        r#"{"do":"start"}"#,
        r#"{"do":"fly","phase":"a"}"#,
        r#"{"phase":"a"}"#,
        r#"{"do":"start","phase":"a","metadat":{}}"#,
        r#"{"do":"start","phase":"a","error":"x"}"#,
        r#"{"do":"start","phase":"a/b/c"}"#,
        r#"{"do":"rerun","phase":"a","reason":""}"#,
        r#"{"do":"note","text":"x","id":"7"}"#,
        r#"{"do":"note","text":"x","expect":"seq=7"}"#,
        r#"{"do":"note","text":"x","expect":7}"#,
        r#"{"do":"note","text":"x","occurred_at":"tomorrow"}"#,
        r#"{"do":"note","text":"x","by":""}"#,
        r#"{"do":"start","phase":"a","phase":"b"}"#,
        r#"["start","a"]"#,
        "start a",
    ];
    let said: Vec<_> = lines.iter().map(|line| fed(&scene, &["append"], &format!("{line}\n"))).collect();
    assert_snapshot("append_no_commands", &said.join("\n"));
    assert_eq!(before, scene.ok(&["export"]).stdout, "nothing is recorded");
}
