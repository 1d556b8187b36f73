//! The Python package in `python/`, tested by its own tests against this build of the program.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::skip::skip;

/// The oldest Python that the package is for.
const OLDEST: &str = "import sys; sys.exit(sys.version_info < (3, 9))";

#[test]
fn the_python_package_passes_its_tests() {
    let is_there = Command::new("python3")
        .args(["-c", OLDEST])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_there {
        return skip("the tests of `python/`", "python3", "no python3 of 3.9 or later");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        .args(["-B", "-m", "unittest", "discover", "-s", "python/tests"])
        .current_dir(root)
        .env("PHASELEDGER_BIN", env!("CARGO_BIN_EXE_phaseledger"))
        .env("PYTHONPATH", root.join("python"))
        .output()
        .expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
