//! A first start that is cut short while it creates the vault or the ledger.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::gateway_server::Site;
use super::strace::has_strace;
use super::support::run_command;

#[test]
fn a_ledger_whose_creation_was_cut_short_is_begun_again() {
    is_begun_again("ledger.redb");
}

#[test]
fn a_vault_whose_creation_was_cut_short_is_begun_again() {
    is_begun_again("vault/vault.redb");
}

/// Kills the process at each change of a file in turn, or lets the change fail, until a start gets through.
fn is_begun_again(file: &str) {
    if !has_strace() {
        return;
    }
    for (calls, fault) in [
        ("ftruncate", "signal=KILL"),
        ("pwrite64", "signal=KILL"),
        ("fsync,fdatasync", "signal=KILL"),
        ("pwrite64,ftruncate", "error=ENOSPC"),
        ("pwrite64", "error=EIO"),
        ("fsync,fdatasync", "error=EIO"),
    ] {
        let mut cut = 0;
        for nth in 1..=MOST {
            let folder = tempfile::tempdir().unwrap();
            let site = Site::new(folder.path(), "");
            let state = fs::canonicalize(folder.path()).unwrap().join("state");
            let inject = format!("{calls}:{fault}:when={nth}");
            if !is_cut_short(&site, &state.join(file), &inject) {
                break;
            }
            cut += 1;
            assert_starts(site, &format!("{file}: {inject}"));
        }
        assert!(cut > 0, "{file}: {calls} was never called");
    }
}

/// Starts it with this fault of one file. Returns whether it ended by itself; ends it otherwise.
fn is_cut_short(site: &Site, file: &Path, inject: &str) -> bool {
    let mut strace = Command::new("timeout");
    strace
        .args([
            "-s",
            "TERM",
            "60",
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-P",
        ])
        .arg(file)
        .args(["-e", &format!("inject={inject}")])
        .arg(site.command().get_program())
        .args(site.command().get_args())
        .stdout(Stdio::null())
        .stderr(fs::File::create(site.folder.join("log")).unwrap());
    let mut started = strace.spawn().unwrap();
    loop {
        if started.try_wait().unwrap().is_some() {
            return true;
        }
        let log = fs::read_to_string(site.folder.join("log")).unwrap();
        if log.contains(" serving url=") {
            // `timeout` passes it on.
            let _ = Command::new("kill").arg(started.id().to_string()).status();
            started.wait().unwrap();
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn assert_starts(site: Site, what: &str) {
    let mut check = site.command();
    check.arg("--check");
    let checked = run_command(check, b"");
    assert_eq!(checked.code(), 0, "{what}: {}", checked.transcript());
    let mut gateway = site.start(&[]);
    assert_eq!(gateway.create("one").status, 201, "{what}");
    gateway.signal("TERM");
    assert!(gateway.wait().success(), "{what}");
}

/// More changes than a first start makes of one file.
const MOST: usize = 60;
