//! Tokens and namespaces.

use std::time::{Duration, Instant};

use sealpost_vault::conformance::Faults as _;
use sealpost_vault::error::{CreateError, VaultFailure};
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_kv2::{Access, Kv2Vault};

use crate::{double, rig};

fn soon() -> Deadline {
    Deadline::at(tokio::time::Instant::now() + Duration::from_secs(5))
}

async fn store(vault: &Kv2Vault, name: &str) -> Result<(), CreateError> {
    let name = VaultSecretName::derive(VaultKind::KV2, None, name);
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, b"{}", &operation);
    vault.create(&secret, soon()).await.map(drop)
}

#[tokio::test]
async fn every_call_carries_the_namespace_and_one_create_is_one_request() {
    let (rig, _folder) = rig().await;
    let vault = rig.builder().namespace("team/a").open().await.unwrap();
    for name in ["a", "b", "c"] {
        store(&vault, name).await.unwrap();
    }
    let name = VaultSecretName::derive(VaultKind::KV2, None, "a");
    vault.fetch(&name, soon()).await.unwrap();
    vault.close().await;
    let requests = rig.shared().requests.lock().unwrap();
    let lines: Vec<_> = requests.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /v1/auth/approle/login",
            "GET /v1/sys/internal/ui/mounts/secret",
            "POST /v1/secret/data/a",
            "POST /v1/secret/data/b",
            "POST /v1/secret/data/c",
            "GET /v1/secret/data/a",
            "POST /v1/auth/token/revoke-self",
        ]
    );
    for seen in &*requests {
        assert_eq!(seen.headers["x-vault-namespace"], "team/a", "{}", seen.line);
    }
}

#[tokio::test]
async fn a_token_file_is_read_again_when_it_has_changed() {
    let server = double::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "unknown\n").unwrap();
    let builder = Kv2Vault::builder([server])
        .token_file(&path)
        .access(Access::Resolve);
    let refused = builder.clone().open().await;
    assert!(
        matches!(refused, Err(VaultFailure::Unauthenticated(_))),
        "{refused:?}"
    );
    std::fs::write(&path, "root\n").unwrap();
    let vault = builder.open().await.unwrap();
    store(&vault, "a").await.unwrap();
}

#[tokio::test]
async fn a_vault_that_does_not_answer_opens_and_serves_as_soon_as_it_does() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let builder = Kv2Vault::builder([address.clone()]).token("root".to_owned());
    let begun = Instant::now();
    let vault = builder.open().await.unwrap();
    assert!(!vault.health().is_ready());
    let refused = store(&vault, "a").await;
    assert!(
        matches!(
            refused,
            Err(CreateError::Failed(VaultFailure::Unavailable(_)))
        ),
        "{refused:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn another_server_of_the_cluster_is_asked_when_one_does_not_serve() {
    let server = double::start().await;
    let vault = Kv2Vault::builder(["http://127.0.0.1:1".to_owned(), server])
        .token("root".to_owned())
        .open()
        .await
        .unwrap();
    store(&vault, "a").await.unwrap();
}

#[tokio::test]
async fn addresses_that_would_show_the_token_are_refused() {
    for address in [
        "http://10.0.0.1:8200",
        "https://u:p@bao.example",
        "https://bao.example/v1",
        "ftp://bao.example",
        "bao.example:8200",
        "",
    ] {
        let refused = Kv2Vault::builder([address])
            .token("root".to_owned())
            .open()
            .await;
        assert!(
            matches!(refused, Err(VaultFailure::Unusable(_))),
            "{address}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_mount_of_version_1_is_refused_at_the_start() {
    let server = double::start().await;
    let vault = Kv2Vault::builder([server])
        .token("root".to_owned())
        .mount("old");
    let refused = vault.open().await.unwrap_err();
    assert!(refused.to_string().contains("not version 2"), "{refused}");
}

/// A server locks out whoever shows wrong credentials again and again.
#[tokio::test]
async fn credentials_that_were_refused_are_not_shown_again_at_once_but_others_are() {
    let (rig, folder) = rig().await;
    let vault = rig.vault().await;
    let path = folder.path().join("right");
    std::fs::write(&path, "replaced").unwrap();
    rig.expire_credentials().await;
    for _ in 0..20 {
        let refused = store(&vault, "a").await;
        assert!(
            matches!(
                refused,
                Err(CreateError::Failed(VaultFailure::Unauthenticated(_)))
            ),
            "{refused:?}"
        );
    }
    assert!(!vault.health().is_ready());
    let logins = || {
        let requests = rig.shared().requests.lock().unwrap();
        requests
            .iter()
            .filter(|seen| seen.line.ends_with("/login"))
            .count()
    };
    assert!((2..=3).contains(&logins()), "{}", logins());
    std::fs::write(&path, "secret").unwrap();
    store(&vault, "a").await.unwrap();
    assert!(vault.health().is_ready());
}
