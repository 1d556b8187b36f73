//! One grammar for flags, lines and files: times, zones, keys, amounts, and the bytes that files are made of.

mod bytes;
mod keys;
mod values;
mod zones;

use crate::cli::Scene;

/// Returns what `log --json` has of the last event.
fn last(scene: &Scene) -> serde_json::Value {
    scene.ok(&["log", "--json", "--last", "1"]).json()
}

/// Runs the program with something on its standard input, and other variables.
fn fed(scene: &Scene, args: &[&str], input: &[u8], variables: &[(&str, &str)]) -> (i32, String, String) {
    use std::io::Write;
    use std::process::Stdio;
    let mut command = scene.command();
    command.args(args).envs(variables.iter().copied());
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the program runs");
    // The program may end before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}
