//! The limit of file descriptors is compared with the configuration's limits.

use std::fs;
use std::process::Command;

use super::gateway_server::{Site, eventually};
use super::support::run_command;

/// The command that this site starts, under a limit of a shell's `ulimit`.
fn limited(site: &Site, limit: &str, more: &[&str]) -> Command {
    let sealpost = site.command();
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("ulimit {limit}; exec \"$0\" \"$@\""))
        .arg(sealpost.get_program())
        .args(sealpost.get_args())
        .args(more);
    command
}

#[test]
fn limits_that_would_run_out_of_file_descriptors_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "[limits]\nconnections = 1000\n");
    for more in [&["--check"][..], &[]] {
        let run = run_command(limited(&site, "-n 512", more), b"");
        assert_eq!(run.code(), 1, "{}", run.transcript());
        let said = run.transcript();
        assert!(
            said.contains("limits.connections: 1000 connections"),
            "{said}"
        );
        assert!(said.contains("may open 512"), "{said}");
    }
    assert!(
        !folder.path().join("state/vault").exists(),
        "nothing was started"
    );
    // What it advises is taken.
    site.configure("[limits]\nconnections = 300\n");
    let run = run_command(limited(&site, "-n 512", &["--check"]), b"");
    assert_eq!(run.code(), 0, "{}", run.transcript());
}

#[test]
fn a_soft_limit_is_raised_as_far_as_the_limits_need() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "[limits]\nconnections = 300\n");
    let mut command = limited(&site, "-Sn 64", &[]);
    command.stderr(fs::File::create(folder.path().join("log")).unwrap());
    let mut child = command.spawn().unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    eventually("the limit is raised", || {
        let limits = fs::read_to_string(&limits).unwrap();
        let open = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let soft = open.unwrap().split_whitespace().nth(3).unwrap().to_owned();
        soft.parse::<u64>().unwrap() > 364
    });
    child.kill().unwrap();
    child.wait().unwrap();
}
