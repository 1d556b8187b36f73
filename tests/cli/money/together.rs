//! Many who ask at once: what they are granted fits together.

use std::process::Stdio;

use super::scene;

/// Of 16 programs that ask at once for 1.50 each of 10.00 in all and 7.00 a day, just four are granted it; what they hold
/// fits, and every other one is told no.
#[test]
fn found_36_grants_of_many_programs_at_once_fit_together() {
    let scene = scene();
    scene.record(&["cost", "limit", "a", "10.00"]);
    scene.record(&["cost", "limit", "--workflow", "7.00", "--per", "day"]);
    for round in 0..3 {
        let asking: Vec<_> = (0..16)
            .map(|number| {
                let phase = if number % 2 == 0 { "a" } else { "b" };
                let id = format!("key:{round}/{number}");
                let args = ["cost", "check", phase, "--estimate", "1.50", "--reserve", "--json", "--id", &id];
                let mut command = scene.command();
                command.args(args).args(["--lock-timeout", "60s"]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
            })
            .collect();
        let mut granted = Vec::new();
        for (number, child) in asking.into_iter().enumerate() {
            let output = child.wait_with_output().expect("it ends");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => granted.push(format!("key:{round}/{number}")),
                Some(1) => {}
                code => panic!("{code:?}: {told}"),
            }
        }
        assert_eq!(granted.len(), 4, "four times 1.50 fits 7.00, five times does not");
        let summary = scene.ok(&["cost", "summary", "--json"]).json();
        assert_eq!(summary["workflows"][0]["reserved"], "6.00");
        for id in granted {
            scene.ok(&["cost", "release", &id]);
        }
    }
    scene.ok(&["verify"]);
}
