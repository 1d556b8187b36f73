//! The recipes of `docs/scripts.md` are run: each block that has a name, by the program that it is for. What is not
//! installed is skipped, and said to be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::Scene;
use crate::skip::{has, skip};

/// Returns the blocks of the page by their names.
fn recipes() -> BTreeMap<String, String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scripts.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let mut recipes = BTreeMap::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```").and_then(|info| info.split_once(" recipe=")) else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        recipes.insert(name.1.to_owned(), block.join("\n") + "\n");
    }
    recipes
}

fn recipe(name: &str) -> String {
    recipes().remove(name).unwrap_or_else(|| panic!("docs/scripts.md has no `{name}`"))
}

/// A folder with the page's workflow, and its ledger.
fn books() -> Scene {
    let scene = Scene::empty();
    std::fs::create_dir(scene.dir().join("ledger")).expect("a folder");
    scene.write("ledger/workflow.toml", &recipe("workflow"));
    scene.ok(&["init"]);
    scene.ok(&["define"]);
    scene
}

fn bin() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_phaseledger")).parent().expect("a folder").to_owned()
}

/// Runs something in a scene with the program on its path; it must exit with `code`.
fn run(scene: &Scene, code: i32, command: &[&str], set: &[(&str, &str)]) -> String {
    let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap_or_default());
    let mut running = Command::new(command[0]);
    running.args(&command[1..]).current_dir(scene.dir()).stdin(Stdio::null());
    running.env("PATH", path).env_remove("PHASELEDGER_DIR").env_remove("PHASELEDGER_CLOCK");
    running.env_remove("MAKEFLAGS").envs(set.iter().copied());
    let output = running.output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
    said
}

/// Returns where each phase stands and how often it was started, in the order of the file.
fn standing(scene: &Scene) -> Vec<(String, u64)> {
    let status = scene.ok(&["status", "--json"]).json();
    let phases = status["phases"].as_array().expect("phases").iter();
    let one = |phase: &serde_json::Value| {
        (phase["state"].as_str().expect("a state").to_owned(), phase["attempt"].as_u64().expect("a number"))
    };
    phases.map(one).collect()
}

/// All three phases complete, each after so many attempts.
fn all_complete(scene: &Scene, attempts: u64) {
    assert_eq!(standing(scene), vec![("COMPLETE".to_owned(), attempts); 3]);
}

fn head(scene: &Scene) -> usize {
    scene.ok(&["export"]).stdout.lines().count()
}

#[test]
fn every_recipe_has_its_test() {
    let names = [
        "Makefile",
        "by-hand.sh",
        "crontab",
        "dag.py",
        "night.sh",
        "pipeline.py",
        "pipeline.sh",
        "stream.sh",
        "workflow",
        "workflow.yml",
    ];
    assert_eq!(recipes().into_keys().collect::<Vec<_>>(), names);
}

#[test]
fn bash_pipeline() {
    let scene = books();
    scene.write("pipeline.sh", &recipe("pipeline.sh"));
    // A folder in the way of the second phase's file stops the script half way.
    std::fs::create_dir(scene.dir().join("upper.txt")).expect("a folder");
    let path = format!("{}:{}", bin().display(), std::env::var("PATH").unwrap_or_default());
    let stopped = Command::new("bash")
        .arg("pipeline.sh")
        .current_dir(scene.dir())
        .env("PATH", path)
        .env_remove("PHASELEDGER_DIR")
        .output()
        .expect("bash runs");
    assert!(!stopped.status.success());
    let states: Vec<_> = standing(&scene).into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, ["COMPLETE", "FAILED", "PENDING"]);
    std::fs::remove_dir(scene.dir().join("upper.txt")).expect("the folder");
    run(&scene, 0, &["bash", "pipeline.sh"], &[]);
    assert_eq!(standing(&scene).iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(std::fs::read_to_string(scene.dir().join("published.txt")).expect("the file"), "ONE\nTWO\n");
    let before = head(&scene);
    run(&scene, 0, &["bash", "pipeline.sh"], &[]);
    assert_eq!(head(&scene), before, "what is done is not done again");
}

#[test]
fn bash_night() {
    let scene = books();
    for (name, script) in [
        ("night.sh", recipe("night.sh").as_str()),
        ("extract.sh", "#!/bin/sh\necho one > raw.txt\n"),
        ("transform.sh", "#!/bin/sh\ntest -e dictionary || { echo no dictionary >&2; exit 3; }\n"),
        ("publish.sh", "#!/bin/sh\ncp raw.txt published.txt\n"),
    ] {
        let path = scene.write(name, script);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("our file");
    }
    run(&scene, 1, &["./night.sh"], &[]);
    let morning = || std::fs::read_to_string(scene.dir().join("morning.txt")).expect("the mail");
    for expected in ["not up to date: 1 failed, 1 not done", "ready", "blocked", "no dictionary"] {
        assert!(morning().contains(expected), "{expected}: {}", morning());
    }
    scene.write("dictionary", "");
    run(&scene, 0, &["./night.sh"], &[]);
    assert_eq!(standing(&scene).iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2, 1]);
    assert!(morning().contains("3 phases: 3 COMPLETE"), "{}", morning());
    let before = head(&scene);
    run(&scene, 0, &["./night.sh"], &[]);
    assert_eq!(head(&scene), before, "nothing is left to do");
}

#[test]
fn bash_by_hand() {
    let scene = books();
    scene.write("by-hand.sh", &recipe("by-hand.sh"));
    let again = |run_name| [("RUN", run_name)];
    run(&scene, 2, &["bash", "by-hand.sh"], &again("1"));
    assert_eq!(standing(&scene)[0], ("FAILED".to_owned(), 1));
    scene.ok(&["reset", "extract", "--reason", "the file is there now"]);
    scene.write("raw.txt", "one\ntwo\n");
    run(&scene, 0, &["bash", "by-hand.sh"], &again("2"));
    assert_eq!(standing(&scene)[0], ("COMPLETE".to_owned(), 2));
    let before = head(&scene);
    let said = run(&scene, 0, &["bash", "by-hand.sh"], &again("2"));
    assert_eq!((said.matches("duplicate").count(), head(&scene)), (2, before), "{said}");
    // Another run finds that somebody was here.
    run(&scene, 3, &["bash", "by-hand.sh"], &again("3"));
}

#[test]
fn bash_stream() {
    let scene = books();
    scene.write("stream.sh", &recipe("stream.sh"));
    scene.write("titles.txt", "Emma\nMiddlemarch\n");
    run(&scene, 0, &["bash", "stream.sh"], &[]);
    let before = head(&scene);
    run(&scene, 0, &["bash", "stream.sh"], &[]);
    assert_eq!(head(&scene), before);
    let answers = std::fs::read_to_string(scene.dir().join("answers.jsonl")).expect("the answers");
    assert_eq!(answers.matches("\"duplicate\"").count(), 2);
    assert!(scene.ok(&["status", "--json"]).stdout.contains("Middlemarch"));
}

#[test]
fn make() {
    if !has("the recipe Makefile", "make") {
        return;
    }
    let scene = books();
    scene.write("Makefile", &recipe("Makefile"));
    run(&scene, 0, &["make"], &[]);
    all_complete(&scene, 1);
    let before = head(&scene);
    run(&scene, 0, &["make"], &[]);
    assert_eq!(head(&scene), before, "make found nothing to do");
    std::fs::remove_file(scene.dir().join("raw.txt")).expect("the file");
    run(&scene, 0, &["make"], &[]);
    assert_eq!(standing(&scene)[0], ("COMPLETE".to_owned(), 2));
    assert!(scene.ok(&["log", "--phase", "extract"]).stdout.contains("make found: raw.txt missing"));
}

#[test]
fn cron() {
    let home = tempfile::tempdir().expect("a folder");
    let scene = books();
    std::os::unix::fs::symlink(scene.dir(), home.path().join("books")).expect("a link");
    let crontab = recipe("crontab");
    let path = crontab.lines().find_map(|line| line.strip_prefix("PATH=")).expect("a PATH");
    let line = crontab.lines().last().expect("a line");
    let command: String = line.splitn(6, ' ').nth(5).expect("five fields of time, and a command").to_owned();
    assert!(!command.contains('%'), "cron takes a bare % for a line's end");
    // The program is where the page says, but for the test's own build.
    let path = format!("PATH={}", path.replace("/usr/local/bin", &bin().to_string_lossy()));
    let home = format!("HOME={}", home.path().display());
    for _ in 0..2 {
        run(
            &scene,
            0,
            &["env", "-i", "SHELL=/bin/sh", "LOGNAME=ana", &home, &path, "/bin/sh", "-c", &command],
            &[],
        );
    }
    assert_eq!(standing(&scene)[0], ("COMPLETE".to_owned(), 1));
    assert!(scene.dir().join("cron.log").exists());
}

/// Returns the commands of a workflow's steps, by their places in the text.
fn steps(workflow: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut lines = workflow.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = line.strip_prefix("        run: ") else { continue };
        if first != "|" {
            steps.push(first.to_owned());
            continue;
        }
        let mut block = String::new();
        while let Some(rest) = lines.peek().and_then(|line| line.strip_prefix("          ")) {
            block.push_str(rest);
            block.push('\n');
            lines.next();
        }
        steps.push(block);
    }
    steps
}

#[test]
fn github_actions() {
    let workflow = recipe("workflow.yml");
    let steps = steps(&workflow);
    assert_eq!(steps.len(), 4);
    let yaml = Command::new("python3").args(["-c", "import yaml"]).output();
    if yaml.is_ok_and(|output| output.status.success()) {
        let scene = Scene::empty();
        scene.write("workflow.yml", &workflow);
        let read = "import json, yaml; print(json.dumps([step['run'] for job in yaml.safe_load(open('workflow.yml'))['jobs'].values() for step in job['steps'] if 'run' in step]))";
        let found: Vec<String> =
            serde_json::from_str(&run(&scene, 0, &["python3", "-c", read], &[])).expect("JSON");
        assert_eq!(found, steps, "YAML says otherwise");
    } else {
        skip(
            "the recipe workflow.yml, as YAML",
            "yaml",
            "python3 has no `yaml`; its steps were found by their places, and are run",
        );
    }
    let scene = Scene::empty();
    std::fs::create_dir(scene.dir().join("ledger")).expect("a folder");
    scene.write("ledger/workflow.toml", &recipe("workflow"));
    let set = [
        ("GITHUB_SHA", "4f98012"),
        ("GITHUB_ACTOR", "ana"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_STEP_SUMMARY", "summary.md"),
    ];
    let mut before = 0;
    for round in 0..2 {
        for step in &steps {
            // As the runner does it.
            scene.write("step.sh", step);
            run(&scene, 0, &["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"], &set);
        }
        assert!(round == 0 || head(&scene) == before, "a job that is run again changes nothing");
        before = head(&scene);
    }
    assert_eq!(standing(&scene)[0], ("COMPLETE".to_owned(), 1));
    let summary = std::fs::read_to_string(scene.dir().join("summary.md")).expect("the report");
    assert!(summary.contains("extract"), "{summary}");
}

/// The file is parsed as Python, and the commands of its tasks are put together as it does, and run by bash.
#[test]
fn airflow() {
    if !has("the recipe dag.py", "python3") {
        return;
    }
    let scene = books();
    scene.write("dag.py", &recipe("dag.py"));
    let read = "
import ast, json
tree = ast.parse(open('dag.py').read())
tasks = next(ast.literal_eval(node) for node in ast.walk(tree) if isinstance(node, ast.Dict) and len(node.keys) == 3)
command = next(word.value for node in ast.walk(tree) if isinstance(node, ast.Call)
               for word in node.keywords if word.arg == 'bash_command')
code = compile(ast.Expression(command), 'dag.py', 'eval')
print(json.dumps([eval(code, {'phase': phase, 'command': command}) for phase, command in tasks.items()]))";
    let commands: Vec<String> =
        serde_json::from_str(&run(&scene, 0, &["python3", "-c", read], &[])).expect("JSON");
    assert_eq!(commands.len(), 3);
    for number in ["1", "2"] {
        for command in &commands {
            run(&scene, 0, &["bash", "-c", command], &[("AIRFLOW_CTX_TRY_NUMBER", number)]);
        }
    }
    all_complete(&scene, 1);
}

#[test]
fn python() {
    if !has("the recipe pipeline.py", "python3") {
        return;
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    if !package.join("phaseledger/__init__.py").exists() {
        return skip("the recipe pipeline.py", "python", "the package is not there");
    }
    let scene = books();
    scene.write("pipeline.py", &recipe("pipeline.py"));
    let package = package.to_string_lossy().into_owned();
    let set = [("PYTHONPATH", package.as_str()), ("PHASELEDGER_BIN", env!("CARGO_BIN_EXE_phaseledger"))];
    run(&scene, 0, &["python3", "pipeline.py"], &set);
    all_complete(&scene, 1);
    let before = head(&scene);
    run(&scene, 0, &["python3", "pipeline.py"], &set);
    assert_eq!(head(&scene), before);
}
