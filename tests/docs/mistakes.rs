//! The ways back of `docs/mistakes.md` are gone, each in a ledger of its own.

use crate::blocks::{blocks, run};
use crate::cli::Scene;
use crate::skip::has;

#[test]
fn found_31_every_way_back_leads_where_the_page_says() {
    if !has("found_31_every_way_back_leads_where_the_page_says", "bash") {
        return;
    }
    let blocks = blocks("docs/mistakes.md", "mistake");
    let (_, workflow) = &blocks[0];
    let mut told = 0;
    for (name, block) in &blocks[1..] {
        let scene = Scene::empty();
        for folder in ["ledger", "books"] {
            std::fs::create_dir(scene.dir().join(folder)).expect("a folder");
        }
        scene.write("ledger/workflow.toml", workflow);
        scene.write("books/one", "one\n");
        scene.write("raw.txt", "one\n");
        scene.ok(&["init"]);
        scene.ok(&["define"]);
        for phase in ["extract", "transform", "publish"] {
            scene.ok(&["start", phase]);
            scene.ok(&["complete", phase]);
        }
        told += run(&scene, name, block);
        scene.ok(&["verify"]);
    }
    assert!(told >= blocks.len() - 1, "{told} lines are compared in {} blocks", blocks.len());
}
