//! The verbs that ask: `status`, `next`, `log`, `show`, as they look.

#[path = "support/cli.rs"]
mod cli;

use cli::Scene;

#[test]
fn a_scene_runs() {
    let scene = Scene::small();
    let ran = scene.run(&["start", "c", "--json"]);
    assert_eq!(ran.code, 6, "{}", ran.picture());
}
