//! Other programs that a test needs.

use std::{env, io::Write as _, process::Command};

/// Returns whether the `openssl` command is installed.
///
/// Without it, the test prints that it was not run; where every test has to run (`CI` is set), it fails.
#[must_use]
pub fn has_openssl() -> bool {
    let installed = Command::new("openssl")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        assert!(
            env::var_os("CI").is_none(),
            "this test needs the `openssl` command: install it"
        );
        // Not by the macro, whose output the test harness keeps to itself.
        let _ = std::io::stderr().write_all(b"NOT RUN: a test that needs the `openssl` command\n");
    }
    installed
}
