//! What sending a value, and getting a token with the secret of an application, leave of either in freed memory, on any thread: nothing.
//!
//! The double is in a process of its own: what it frees would be looked at as well. Answers with values are not tested: they pass
//! through buffers of the HTTP library, which it does not wipe. The service answers a set with the value, and the double does not
//! do so here.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

#[path = "../it/double.rs"]
mod double;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sealpost_testkit::canary;
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_azure::AzureVault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_leaves_nothing_of_a_value_or_a_credential_in_freed_memory() {
    canary::assert_watching();
    let (_server, address) = server();
    let builder = AzureVault::builder(address.as_str())
        .resource("https://vault.azure.net")
        .settle(Duration::from_millis(50));
    #[cfg(feature = "sdk")]
    let (_folder, builder) = with_secret(builder, &address);
    #[cfg(not(feature = "sdk"))]
    let builder = builder.token("static".to_owned());
    canary::arm();
    let vault = builder.open().await.unwrap();
    canary::disarm();
    assert_eq!(canary::take_found(), 0, "when it was opened");
    for canaries in [4, 200, 1_500] {
        let value = canary::json(canaries);
        let name = format!("residue-{canaries}");
        let name = VaultSecretName::derive(VaultKind::AZURE, None, &name);
        let operation = OperationId::from_bytes([7; 32]);
        let secret = NewSecret::new(&name, &value, &operation);
        canary::arm();
        // The second is a retry.
        for _ in 0..2 {
            vault.create(&secret, Deadline::NONE).await.unwrap();
        }
        canary::disarm();
        assert_eq!(canary::take_found(), 0, "{canaries} canaries");
    }
    canary::arm();
    vault.close().await;
    drop(vault);
    // Its connections end.
    tokio::time::sleep(Duration::from_millis(200)).await;
    canary::disarm();
    assert_eq!(canary::take_found(), 0, "when it was closed");
}

/// Microsoft's crate wipes nothing, so it must not get the secret.
#[cfg(feature = "sdk")]
fn with_secret(
    builder: sealpost_vault_azure::AzureBuilder,
    issuer: &str,
) -> (tempfile::TempDir, sealpost_vault_azure::AzureBuilder) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, canary::value(8)).unwrap();
    let builder = builder
        .client_secret("tenant", "client", file)
        .authority(issuer);
    (folder, builder)
}

/// Ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server() -> (Server, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "a_double_serves"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let server = Server(child);
    let mut lines = output.lines().map(Result::unwrap);
    let address = lines.find_map(|line| Some(line.split_once("address ")?.1.to_owned()));
    (server, address.unwrap())
}

#[tokio::test]
#[ignore = "is the server of the other test, in a process of its own"]
#[allow(clippy::print_stdout)]
async fn a_double_serves() {
    let double = double::Double::start().await;
    double.vault().echoes = false;
    println!("address {}", double.address);
    std::future::pending::<()>().await;
}

#[global_allocator]
static ALLOCATOR: canary::Watching = canary::Watching;
