//! The file vault passes the suite of all vaults, and keeps what it holds when it is closed.

use std::sync::Arc;

use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName, conformance,
    error::{CreateError, FetchError, VaultFailure},
};
use sealpost_vault_file::FileVault;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

#[tokio::test(flavor = "multi_thread")]
async fn the_file_vault_passes_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(FileVault::open(dir.path()).unwrap());
    passed(&conformance::run(vault, "first").await);
}

#[tokio::test]
async fn the_file_vault_passes_the_suite_on_one_thread_with_a_tiny_cache() {
    let dir = tempfile::tempdir().unwrap();
    let builder = FileVault::builder().cache(0).max_value(200_000);
    let vault = Arc::new(builder.open(dir.path()).unwrap());
    assert_eq!(vault.limits().max_value, 200_000);
    passed(&conformance::run(vault, "second").await);
}

/// Prints each case for `testdata/vaults/check.sh`.
#[allow(clippy::print_stdout)]
fn passed(report: &conformance::Report) {
    println!("{report}");
    report.assert_passed();
    let end = "19 passed, 0 failed, 8 skipped";
    assert!(report.to_string().ends_with(end), "{report}");
}

#[tokio::test]
async fn secrets_outlive_the_process_that_stored_them() {
    let dir = tempfile::tempdir().unwrap();
    let name = name("kept");
    for round in 0..3 {
        let vault = FileVault::open(dir.path()).unwrap();
        if round == 0 {
            vault
                .create(&NewSecret::new(&name, b"value", &OPERATION), Deadline::NONE)
                .await
                .unwrap();
        }
        assert_eq!(
            &vault.fetch(&name, Deadline::NONE).await.unwrap()[..],
            b"value"
        );
        // A retry is recognised by a later process, too.
        vault
            .create(&NewSecret::new(&name, b"value", &OPERATION), Deadline::NONE)
            .await
            .unwrap();
        let other = vault
            .create(&NewSecret::new(&name, b"other", &OPERATION), Deadline::NONE)
            .await;
        assert!(matches!(other, Err(CreateError::Exists)));
    }
    let vault = FileVault::open(dir.path()).unwrap();
    vault.delete(&name, Deadline::NONE).await.unwrap();
    drop(vault);
    let vault = FileVault::open(dir.path()).unwrap();
    let gone = vault.fetch(&name, Deadline::NONE).await;
    assert!(matches!(gone, Err(FetchError::NotFound)));
}

#[tokio::test]
async fn a_lower_limit_still_gives_out_what_is_longer() {
    let dir = tempfile::tempdir().unwrap();
    let name = name("long");
    let vault = FileVault::open(dir.path()).unwrap();
    vault
        .create(
            &NewSecret::new(&name, &[1; 500], &OPERATION),
            Deadline::NONE,
        )
        .await
        .unwrap();
    drop(vault);
    let vault = FileVault::builder().max_value(10).open(dir.path()).unwrap();
    assert_eq!(vault.fetch(&name, Deadline::NONE).await.unwrap().len(), 500);
}

/// Callers that give up do not disturb the others, nor what they asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_leaves_the_vault_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(FileVault::open(dir.path()).unwrap());
    let mut calls = Vec::new();
    for call in 0..200 {
        let vault = Arc::clone(&vault);
        calls.push(tokio::spawn(async move {
            vault
                .create(
                    &NewSecret::new(&name(&format!("n{call}")), b"v", &OPERATION),
                    Deadline::NONE,
                )
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
        match vault.fetch(&name, Deadline::NONE).await {
            Ok(value) => assert_eq!(&value[..], b"v"),
            Err(error) => assert!(call % 2 == 0 && matches!(error, FetchError::NotFound)),
        }
        // Whether it happened or not, asking again with the same operation ends well.
        vault
            .create(&NewSecret::new(&name, b"v", &OPERATION), Deadline::NONE)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn debug_and_errors_show_no_value() {
    let dir = tempfile::tempdir().unwrap();
    let vault = FileVault::builder().max_value(20).open(dir.path()).unwrap();
    let name = name("quiet");
    vault
        .create(
            &NewSecret::new(&name, b"canary-4711", &OPERATION),
            Deadline::NONE,
        )
        .await
        .unwrap();
    let mut shown = format!("{vault:?} {:?}", vault.fetch(&name, Deadline::NONE).await);
    for value in [&b"canary-4711-again"[..], b"canary-4711-and-too-long"] {
        let error = vault
            .create(&NewSecret::new(&name, value, &OPERATION), Deadline::NONE)
            .await
            .unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    assert!(!shown.contains("4711"), "{shown}");
}

fn name(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}

/// The file is free when `close` returns, although the vault is still there.
#[tokio::test]
async fn a_closed_vault_is_free_for_the_next_and_answers_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let name = name("closed");
    let secret = NewSecret::new(&name, b"value", &OPERATION);
    let vault = FileVault::open(dir.path()).unwrap();
    vault.create(&secret, Deadline::NONE).await.unwrap();
    vault.close().await;
    vault.close().await;

    let next = FileVault::open(dir.path()).unwrap();
    assert_eq!(
        &next.fetch(&name, Deadline::NONE).await.unwrap()[..],
        b"value"
    );
    let created = vault.create(&secret, Deadline::NONE).await;
    assert!(matches!(
        created,
        Err(CreateError::Failed(VaultFailure::Unusable(_)))
    ));
    let fetched = vault.fetch(&name, Deadline::NONE).await;
    assert!(matches!(
        fetched,
        Err(FetchError::Failed(VaultFailure::Unusable(_)))
    ));
}

/// A call that has begun when the vault is closed ends well.
#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_calls_that_have_begun() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(FileVault::open(dir.path()).unwrap());
    let mut calls = Vec::new();
    for call in 0..50 {
        let vault = Arc::clone(&vault);
        calls.push(tokio::spawn(async move {
            let name = name(&format!("n{call}"));
            let secret = NewSecret::new(&name, b"v", &OPERATION);
            vault.create(&secret, Deadline::NONE).await
        }));
    }
    tokio::task::yield_now().await;
    vault.close().await;
    let mut stored = Vec::new();
    for (call, created) in calls.into_iter().enumerate() {
        match created.await.unwrap() {
            Ok(_) => stored.push(name(&format!("n{call}"))),
            Err(CreateError::Failed(VaultFailure::Unusable(_))) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let next = FileVault::open(dir.path()).unwrap();
    for name in stored {
        assert_eq!(&next.fetch(&name, Deadline::NONE).await.unwrap()[..], b"v");
    }
}
