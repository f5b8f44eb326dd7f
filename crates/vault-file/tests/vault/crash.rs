//! A process that is killed loses nothing that it acknowledged.
//!
//! The test starts itself again as a child that writes and says which names were acknowledged, and
//! kills it with SIGKILL, which no code can catch.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
    error::FetchError,
};
use sealpost_vault_file::{FileVault, OpenVaultError};

/// The directory in which the child writes, and the round.
const DIRECTORY: &str = "SEALPOST_TEST_VAULT";
const ROUND: &str = "SEALPOST_TEST_ROUND";

const ROUNDS: usize = 12;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected: BTreeMap<String, bool> = BTreeMap::new();
    let stored =
        |expected: &BTreeMap<String, bool>| expected.values().filter(|stored| **stored).count();
    for round in 0..10 * ROUNDS {
        // More rounds, each longer, where the machine is busy with something else.
        if round >= ROUNDS && stored(&expected) > 100 {
            break;
        }
        // From before the vault is made to well into its work.
        let lifetime = [0, 500, 3_000, 20_000, 90_000, 250_000][round % 6];
        let lifetime = Duration::from_micros(lifetime * (1 + round as u64 / 6));
        for (name, stored) in run_and_kill(dir.path(), round, lifetime) {
            expected.insert(name, stored);
        }

        let vault = FileVault::open(dir.path()).unwrap();
        for (text, stored) in &expected {
            match vault.fetch(&name(text), Deadline::NONE).await {
                Ok(value) => assert!(*stored && value[..] == value_of(text), "{text}"),
                Err(FetchError::NotFound) => assert!(!stored, "{text} is lost"),
                Err(error) => panic!("{text}: {error}"),
            }
        }
    }
    let stored = stored(&expected);
    assert!(
        stored > 100,
        "only {stored} names: too few to show anything"
    );
    assert!(stored < expected.len(), "no name was deleted");
}

/// The lock of a process that was killed is gone with it, and that of one that lives is not.
#[test]
fn the_vault_of_a_living_process_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start_child(dir.path(), 0);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("+ "))
        .unwrap()
        .unwrap();
    let error = FileVault::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenVaultError::InUse { .. }), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    FileVault::open(dir.path()).unwrap();
}

fn run_and_kill(dir: &Path, round: usize, lifetime: Duration) -> Vec<(String, bool)> {
    let mut child = start_child(dir, round);
    let output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            // A line without its end was cut by the kill. The test harness may print before one.
            if let Some(line) = line.strip_suffix('\n') {
                if let Some((_, name)) = line.split_once("+ ") {
                    acknowledged.push((name.to_owned(), true));
                } else if let Some((_, name)) = line.split_once("- ") {
                    acknowledged.push((name.to_owned(), false));
                }
            }
            line.clear();
        }
        acknowledged
    });
    std::thread::sleep(Duration::from_millis(15) + lifetime);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

fn start_child(dir: &Path, round: usize) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(DIRECTORY, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: what the child runs. 16 tasks store secrets, and now and then one that they delete.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is run as a child of the other tests"]
async fn child() {
    let Some(dir) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let round = std::env::var(ROUND).unwrap();
    let vault = Arc::new(FileVault::open(dir).unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16 {
        let (vault, round) = (Arc::clone(&vault), round.clone());
        tasks.spawn(async move {
            for number in 0.. {
                let text = format!("{round}-{task}-{number}");
                let operation = OperationId::from_bytes([task; 32]);
                let created = vault
                    .create(
                        &NewSecret::new(&name(&text), &value_of(&text), &operation),
                        Deadline::NONE,
                    )
                    .await;
                created.unwrap();
                say("+", &text);
                if number % 4 == 3 {
                    let text = format!("{text}-deleted");
                    vault
                        .create(
                            &NewSecret::new(&name(&text), b"", &operation),
                            Deadline::NONE,
                        )
                        .await
                        .unwrap();
                    vault.delete(&name(&text), Deadline::NONE).await.unwrap();
                    say("-", &text);
                }
            }
        });
    }
    tasks.join_all().await;
}

/// One write, so that lines of different tasks never mix.
fn say(sign: &str, text: &str) {
    let line = format!("{sign} {text}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

fn value_of(text: &str) -> Vec<u8> {
    text.bytes().cycle().take(200 + text.len() * 50).collect()
}

fn name(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}
