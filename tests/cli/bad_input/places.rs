//! Places that are missing, in the way, read-only or full.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Scene, export, finish, run, skip, unchanged};

/// What `append` is given.
const NOTE: &[u8] = b"{\"do\":\"note\",\"text\":\"x\"}\n";

const VERBS: &[&[&str]] = &[
    &["start", "a"],
    &["note", "x"],
    &["define", "w.toml"],
    &["append"],
    &["import", "w.toml"],
    &["import", "--format", "history", "w.toml"],
    &["verify"],
    &["export"],
];

#[test]
fn a_ledger_that_is_not_there() {
    let scene = Scene::empty();
    scene.write("file", "");
    scene.write("w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n");
    let long = "x/".repeat(3000);
    for dir in ["nowhere", "/dev/null", "file", "/", &long, "a\u{202e}b", " "] {
        // Whether there is one under a name that no system takes cannot be told.
        let (code, said) = match dir == long {
            true => (74, "File name too long"),
            false => (4, "`phaseledger init` makes one"),
        };
        // `import` makes one, or says why it cannot.
        for args in VERBS.iter().filter(|args| args[0] != "import") {
            let args: Vec<_> = args.iter().copied().chain(["--dir", dir]).collect();
            run(&scene, &args, b"").refused(code, said);
        }
        let said = if dir == long { said } else { "no ledger at" };
        let mut command = scene.command();
        command.args(["note", "x"]).env("PHASELEDGER_DIR", dir);
        finish(command, b"").refused(code, said);
    }
    let mut command = scene.command();
    command.args(["note", "x"]).env("PHASELEDGER_DIR", "");
    finish(command, b"").refused(4, "or any parent"); // An empty variable is as good as none.
    assert_eq!(fs::read_dir(scene.dir()).expect("the folder").count(), 2, "nothing was made");
}

#[test]
fn a_log_that_is_something_else() {
    let scene = Scene::empty();
    fs::create_dir(scene.dir().join("ledger")).expect("a folder");
    scene.write("ledger/log", "a file");
    scene.write("w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n");
    for args in VERBS.iter().filter(|args| args[0] != "import") {
        run(&scene, args, NOTE).refused(4, "`phaseledger init` makes one");
    }
    run(&scene, &["init"], b"").refused(74, "ledger/log`");
    assert_eq!(fs::read_to_string(scene.dir().join("ledger/log")).expect("the file"), "a file");
    // A folder without a log in it is no ledger either, and `init` makes it one.
    fs::remove_file(scene.dir().join("ledger/log")).expect("the file goes");
    fs::create_dir(scene.dir().join("ledger/log")).expect("a folder");
    for args in VERBS.iter().filter(|args| args[0] != "import") {
        run(&scene, args, NOTE).refused(4, "`phaseledger init` makes one");
    }
    assert_eq!(run(&scene, &["init"], b"").code, Some(0));
    assert_eq!(run(&scene, &["verify"], b"").code, Some(0));
}

#[test]
fn a_newer_format_is_left_alone() {
    let scene = Scene::small();
    let path = scene.dir().join("ledger/log/journal");
    let mut bytes = fs::read(&path).expect("a journal");
    bytes[8..12].copy_from_slice(&7_u32.to_le_bytes());
    let length = 16 + u32::from_le_bytes(bytes[12..16].try_into().expect("4 bytes")) as usize;
    let sum = crc32fast::hash(&bytes[..length]).to_le_bytes();
    bytes[length..length + 4].copy_from_slice(&sum);
    fs::write(&path, bytes).expect("a file");
    scene.write("w.toml", "[workflow]\nname = \"w\"\n[[phase]]\nid = \"a\"\n");
    for args in VERBS {
        let outcome = run(&scene, args, NOTE).refused(5, "format version 7");
        assert!(outcome.stderr.contains("use the version that wrote it"), "{}", outcome.stderr);
    }
}

/// Runs a command as a user without privileges, where this one has them.
fn unprivileged(scene: &Scene, args: &[&str]) -> Option<Command> {
    let program = scene.command();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    command.arg(program.get_program()).args(args).current_dir(scene.dir()).env("PHASELEDGER_BY", "ana");
    let mut trial = Command::new("setpriv");
    trial.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program.get_program());
    let may = trial.arg("--version").current_dir(scene.dir()).output().ok()?;
    may.status.success().then_some(command)
}

fn permit(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

#[test]
fn a_folder_that_may_not_be_written() {
    let scene = Scene::example();
    permit(scene.dir(), 0o755);
    let Some(_) = unprivileged(&scene, &["--version"]) else {
        return skip("a_folder_that_may_not_be_written", "root", "needs root, and setpriv");
    };
    unchanged(&scene, || {
        for args in [&["note", "x"][..], &["verify"], &["export"], &["define"]] {
            let command = unprivileged(&scene, args).expect("as above");
            let outcome = finish(command, b"").refused(74, "ermission denied");
            assert!(outcome.stderr.contains("must be writable"), "{}", outcome.stderr);
        }
        let command = unprivileged(&scene, &["init", "here"]).expect("as above");
        finish(command, b"").refused(74, "cannot make `here/ledger`: Permission denied");
        let command = unprivileged(&scene, &["export", "--output", "file"]).expect("as above");
        finish(command, b"").refused(74, "ermission denied");
    });
    // A log that may not even be looked into is not said to be missing.
    permit(&scene.dir().join("ledger"), 0o700);
    let command = unprivileged(&scene, &["note", "x"]).expect("as above");
    finish(command, b"").refused(74, "ermission denied");
}

/// Mounts a small file system of its own, which goes away with the value.
struct Mount(std::path::PathBuf);

impl Mount {
    fn new(scene: &Scene, size: &str) -> Option<Self> {
        let point = scene.dir().join("small");
        fs::create_dir(&point).expect("a folder");
        let options = format!("size={size}");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &options, "none"]).arg(&point);
        let mounted = command.output().ok()?.status.success();
        mounted.then_some(Mount(point))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk() {
    let scene = Scene::empty();
    let Some(mount) = Mount::new(&scene, "3m") else {
        return skip("a_full_disk", "root", "may not mount a small file system");
    };
    let dir = mount.0.join("ledger");
    let dir = dir.to_str().expect("UTF-8");
    let here = |args: &[&str]| {
        let args: Vec<_> = args.iter().copied().chain(["--dir", dir]).collect();
        run(&scene, &args, b"").calm("on a full disk")
    };
    assert_eq!(here(&["init", "--example"]).code, Some(0));
    assert_eq!(here(&["define"]).code, Some(0));
    let kept = here(&["export"]).stdout;
    fill(&mount.0.join("ballast"));
    let mut refused = 0;
    for _ in 0..4 {
        let outcome = here(&["note", &"x".repeat(60_000)]);
        if outcome.code != Some(0) {
            assert_eq!(outcome.code, Some(74), "{}", outcome.stderr);
            assert!(outcome.stderr.contains("free some space"), "{}", outcome.stderr);
            refused += 1;
        }
    }
    assert!(refused > 0, "the disk was full");
    fs::remove_file(mount.0.join("ballast")).expect("the ballast goes");
    let outcome = here(&["verify"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let now = here(&["export"]).stdout;
    let lines = |bytes: &[u8]| bytes.split(|&byte| byte == b'\n').count();
    assert!(lines(&now) <= lines(&kept) + 4 - refused, "what was refused is not in the log");
    assert_eq!(here(&["note", "after"]).code, Some(0));
}

/// Fills the disk to the last byte.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(path).expect("a file");
    for size in [65_536, 4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[test]
fn a_file_that_may_not_grow() {
    let scene = Scene::example();
    let before = export(&scene);
    let program = scene.command();
    let program = program.get_program().to_str().expect("UTF-8").to_owned();
    // Blocks of 512 bytes; the signal that comes with the refusal is ignored, as a service would.
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" export --output out.jsonl";
    let mut command = Command::new("sh");
    command.args(["-c", script, &program]).current_dir(scene.dir());
    let outcome = finish(command, b"").calm("ulimit");
    assert_eq!(outcome.code, Some(74), "{}", outcome.stderr);
    assert!(!scene.dir().join("out.jsonl").exists(), "whole or not at all");
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" note \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, &program, &"x".repeat(60_000)]).current_dir(scene.dir());
    let outcome = finish(command, b"").calm("ulimit");
    assert_eq!(outcome.code, Some(74), "{}", outcome.stderr);
    assert_eq!(before, export(&scene), "what was refused is not in the log");
    assert_eq!(run(&scene, &["verify"], b"").code, Some(0));
}
