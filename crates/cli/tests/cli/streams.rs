//! Output that a shell appends to a file of the configuration: a key would be spoilt by the first line.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use super::gateway_server::Site;
use super::rehearsal::{contents, used};
use super::support::path;

/// Every file that the configuration names, and one that lies beside the vault's.
const FILES: &[&str] = &[
    "state/vault/vault.key",
    "state/vault/vault.redb",
    "state/vault/notes",
    "state/ledger.redb",
    "audit.jsonl",
    "jwks.json",
    "gateway.toml",
];

fn append(file: &Path) -> Stdio {
    File::options().append(true).open(file).unwrap().into()
}

fn commands(site: &Site) -> Vec<(&'static str, Command)> {
    let with = |more: &[&str]| {
        let mut command = site.command();
        command.args(more);
        command
    };
    let mut of_vault = super::support::sealpost(&["vault", "check", "--config"]);
    of_vault.arg(path(&site.config()));
    vec![
        ("start", with(&[])),
        ("check", with(&["--check"])),
        ("vault check", of_vault),
    ]
}

#[test]
fn output_that_is_redirected_into_a_file_of_the_configuration_is_refused_before_the_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let site = used(folder.path());
    fs::write(folder.path().join("state/vault/notes"), "").unwrap();
    // Also if something else is wrong, so that there is much to say.
    for is_broken in [false, true] {
        if is_broken {
            fs::remove_file(folder.path().join("jwks.json")).unwrap();
        }
        let before = contents(folder.path());
        for file in FILES
            .iter()
            .filter(|file| !is_broken || **file != "jwks.json")
        {
            let file = folder.path().join(file);
            for (what, mut command) in commands(&site) {
                let seen = command.stdout(append(&file)).output().unwrap();
                let said = String::from_utf8(seen.stderr).unwrap();
                assert!(said.contains("stdout is redirected into"), "{what}: {said}");
                assert_eq!(seen.status.code(), Some(2), "{what}: {said}");

                let seen = command
                    .stdout(Stdio::piped())
                    .stderr(append(&file))
                    .output();
                let seen = seen.unwrap();
                let said = String::from_utf8(seen.stdout).unwrap();
                assert!(said.contains("stderr is redirected into"), "{what}: {said}");
                assert_eq!(seen.status.code(), Some(2), "{what}: {said}");

                let status = command.stdout(append(&file)).stderr(append(&file)).status();
                assert_eq!(status.unwrap().code(), Some(2), "{what}");
                assert!(
                    contents(folder.path()) == before,
                    "{what}: {} was changed",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn a_configuration_that_is_not_toml_is_not_written_to_either() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    fs::write(site.config(), "this is = not = toml\n").unwrap();
    for (what, mut command) in commands(&site) {
        let file = append(&site.config());
        let seen = command.stderr(file).output().unwrap();
        assert_eq!(seen.status.code(), Some(2), "{what}");
        assert_eq!(
            fs::read(site.config()).unwrap(),
            b"this is = not = toml\n",
            "{what}"
        );
    }
}

#[test]
fn a_configuration_that_is_a_pipe_a_device_or_a_folder_is_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let others = [&pipe, Path::new("/dev/zero"), folder.path()];
    for other in others {
        for command in [
            &["gateway"][..],
            &["gateway", "--check"],
            &["vault", "check"],
        ] {
            let mut bounded = Command::new("timeout");
            let sealpost = super::support::sealpost(command);
            let bounded = bounded.arg("20").arg(sealpost.get_program());
            let bounded = bounded.args(sealpost.get_args()).arg("--config").arg(other);
            let seen = bounded.output().unwrap();
            let said = String::from_utf8(seen.stderr).unwrap();
            assert!(said.contains("must be a file"), "{other:?}: {said}");
            assert_eq!(seen.status.code(), Some(1), "{other:?}: {said}");
        }
    }
}
