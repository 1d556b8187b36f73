//! What `docs/upgrade.md` says of the lines of earlier scripts is so, each part in a ledger of its own.

use crate::blocks::{blocks, run};
use crate::cli::Scene;
use crate::skip::has;

#[test]
fn what_changes_for_earlier_scripts_is_as_the_page_says() {
    if !has("what_changes_for_earlier_scripts_is_as_the_page_says", "bash") {
        return;
    }
    let blocks = blocks("docs/upgrade.md", "upgrade");
    let (_, workflow) = &blocks[0];
    let mut told = 0;
    for (name, block) in &blocks[1..] {
        let scene = Scene::empty();
        std::fs::create_dir(scene.dir().join("ledger")).expect("a folder");
        scene.write("ledger/workflow.toml", workflow);
        scene.ok(&["init"]);
        scene.ok(&["define"]);
        told += run(&scene, name, block);
        scene.ok(&["verify"]);
    }
    assert!(told >= blocks.len(), "{told} lines are compared in {} blocks", blocks.len());
}
