//! The embedded vault passes the suite of all vaults, and keeps what it holds when it is closed.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::sync::Arc;

use sealpost_vault::{
    CreateError, EmbeddedVault, FetchError, OperationId, Vault, VaultKind, VaultSecretName, testing,
};

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

#[tokio::test(flavor = "multi_thread")]
async fn embedded_vault_passes_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(EmbeddedVault::open(dir.path()).unwrap());
    testing::conformance(vault, "first").await;
}

#[tokio::test]
async fn embedded_vault_passes_the_suite_on_one_thread_with_a_tiny_cache() {
    let dir = tempfile::tempdir().unwrap();
    let builder = EmbeddedVault::builder().cache(0).max_value(200_000);
    let vault = Arc::new(builder.open(dir.path()).unwrap());
    assert_eq!(vault.limits().max_value, 200_000);
    testing::conformance(vault, "second").await;
}

#[tokio::test]
async fn secrets_outlive_the_process_that_stored_them() {
    let dir = tempfile::tempdir().unwrap();
    let name = name("kept");
    for round in 0..3 {
        let vault = EmbeddedVault::open(dir.path()).unwrap();
        if round == 0 {
            vault.create(&name, b"value", &OPERATION).await.unwrap();
        }
        assert_eq!(&vault.fetch(&name).await.unwrap()[..], b"value");
        // A retry is recognised by a later process, too.
        vault.create(&name, b"value", &OPERATION).await.unwrap();
        let other = vault.create(&name, b"other", &OPERATION).await;
        assert!(matches!(other, Err(CreateError::Exists)));
    }
    let vault = EmbeddedVault::open(dir.path()).unwrap();
    vault.delete(&name).await.unwrap();
    drop(vault);
    let vault = EmbeddedVault::open(dir.path()).unwrap();
    let gone = vault.fetch(&name).await;
    assert!(matches!(gone, Err(FetchError::NotFound)));
}

#[tokio::test]
async fn a_lower_limit_still_gives_out_what_is_longer() {
    let dir = tempfile::tempdir().unwrap();
    let name = name("long");
    let vault = EmbeddedVault::open(dir.path()).unwrap();
    vault.create(&name, &[1; 500], &OPERATION).await.unwrap();
    drop(vault);
    let vault = EmbeddedVault::builder()
        .max_value(10)
        .open(dir.path())
        .unwrap();
    assert_eq!(vault.fetch(&name).await.unwrap().len(), 500);
}

/// Callers that give up do not disturb the others, nor what they asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_leaves_the_vault_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(EmbeddedVault::open(dir.path()).unwrap());
    let mut calls = Vec::new();
    for call in 0..200 {
        let vault = Arc::clone(&vault);
        calls.push(tokio::spawn(async move {
            vault
                .create(&name(&format!("n{call}")), b"v", &OPERATION)
                .await
        }));
    }
    tokio::task::yield_now().await;
    for call in calls.iter().step_by(2) {
        call.abort();
    }
    for call in calls.into_iter().skip(1).step_by(2) {
        call.await.unwrap().unwrap();
    }
    for call in 0..200 {
        let name = name(&format!("n{call}"));
        match vault.fetch(&name).await {
            Ok(value) => assert_eq!(&value[..], b"v"),
            Err(error) => assert!(call % 2 == 0 && matches!(error, FetchError::NotFound)),
        }
        // Whether it happened or not, asking again with the same operation ends well.
        vault.create(&name, b"v", &OPERATION).await.unwrap();
    }
}

#[tokio::test]
async fn debug_and_errors_show_no_value() {
    let dir = tempfile::tempdir().unwrap();
    let vault = EmbeddedVault::builder()
        .max_value(20)
        .open(dir.path())
        .unwrap();
    let name = name("quiet");
    vault
        .create(&name, b"canary-4711", &OPERATION)
        .await
        .unwrap();
    let mut shown = format!("{vault:?} {:?}", vault.fetch(&name).await);
    for value in [&b"canary-4711-again"[..], b"canary-4711-and-too-long"] {
        let error = vault.create(&name, value, &OPERATION).await.unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    assert!(!shown.contains("4711"), "{shown}");
}

fn name(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}
