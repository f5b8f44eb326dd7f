//! Creating in two calls, and what lies between them.

use axum::http::Method;
use sealpost_vault::conformance::Faults as _;
use sealpost_vault::error::{CreateError, FetchError};
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use serde_json::{Value, json};

use crate::rig;

const OURS: OperationId = OperationId::from_bytes([7; 32]);
const OTHER: OperationId = OperationId::from_bytes([8; 32]);

fn name(text: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::GOOGLE, None, text)
}

#[tokio::test]
async fn create_and_add_version_are_completed_by_the_retry_after_a_crash() {
    let (rig, double) = rig().await;
    let vault = rig.vault().await;
    let name = name("half");
    let secret = NewSecret::new(&name, b"value", &OURS);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    // The crash was before the second call.
    double
        .project()
        .secrets
        .get_mut("half")
        .unwrap()
        .versions
        .clear();
    let other = NewSecret::new(&name, b"value", &OTHER);
    let refused = vault.create(&other, Deadline::NONE).await;
    assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
    assert!(double.project().secrets["half"].versions.is_empty());
    rig.again()
        .await
        .create(&secret, Deadline::NONE)
        .await
        .unwrap();
    assert_eq!(double.project().secrets["half"].versions.len(), 1);
    let fetched = vault.fetch(&name, Deadline::NONE).await.unwrap();
    assert_eq!(fetched[..], *b"value");
}

#[tokio::test]
async fn a_foreign_secret_without_a_version_is_a_conflict() {
    let (rig, double) = rig().await;
    let vault = rig.vault().await;
    for (text, labels) in [
        ("bare", Value::Null),
        ("labelled", json!({"managed-by": "sealpost"})),
        ("copied", json!({"sealpost-operation": "07".repeat(31)})),
    ] {
        let resource = json!({"replication": {"automatic": {}}, "labels": labels});
        let url = format!("{}/v1/projects/p1/secrets?secretId={text}", double.address);
        let client = reqwest::Client::new();
        let made = client.request(Method::POST, url).body(resource.to_string());
        assert!(made.send().await.unwrap().status().is_success());
        let name = name(text);
        let secret = NewSecret::new(&name, b"value", &OURS);
        let refused = vault.create(&secret, Deadline::NONE).await;
        assert!(
            matches!(refused, Err(CreateError::Exists)),
            "{text}: {refused:?}"
        );
        assert!(double.project().secrets[text].versions.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn sixteen_retries_at_once_add_one_version() {
    let (rig, double) = rig().await;
    let vault = std::sync::Arc::new(rig.vault().await);
    let mut retries = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let vault = std::sync::Arc::clone(&vault);
        retries.spawn(async move {
            let name = name("echo");
            vault
                .create(&NewSecret::new(&name, b"value", &OURS), Deadline::NONE)
                .await
        });
    }
    while let Some(created) = retries.join_next().await {
        created.unwrap().unwrap();
    }
    assert_eq!(double.project().secrets["echo"].versions.len(), 1);
}

#[tokio::test]
async fn labels_and_replication_are_as_configured() {
    let (rig, double) = rig().await;
    let vault = rig.builder().replicas(["a1", "b2"]).open().await.unwrap();
    let name = name("copies");
    let secret = NewSecret::new(&name, b"value", &OURS);
    let receipt = vault.create(&secret, Deadline::NONE).await.unwrap();
    assert_eq!(
        receipt.location.as_deref(),
        Some("projects/p1/secrets/copies")
    );
    let resource = double.project().secrets["copies"].resource.clone();
    assert_eq!(
        resource,
        json!({
            "replication": {"userManaged": {"replicas": [{"location": "a1"}, {"location": "b2"}]}},
            "labels": {"managed-by": "sealpost", "sealpost-operation": &"07".repeat(32)[..63]},
        })
    );
}

#[tokio::test]
async fn a_value_that_changed_on_the_way_is_noticed() {
    let (rig, double) = rig().await;
    let vault = rig.vault().await;
    let name = name("altered");
    let secret = NewSecret::new(&name, b"value", &OURS);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    double.project().alters_values = true;
    let fetched = vault.fetch(&name, Deadline::NONE).await;
    assert!(matches!(fetched, Err(FetchError::Damaged)), "{fetched:?}");
}

#[tokio::test]
async fn a_version_that_a_person_disabled_or_destroyed_is_not_read_and_stays_taken() {
    for state in ["DISABLED", "DESTROYED"] {
        let (rig, double) = rig().await;
        let vault = rig.vault().await;
        let name = name("off");
        let secret = NewSecret::new(&name, b"value", &OURS);
        vault.create(&secret, Deadline::NONE).await.unwrap();
        double.project().secrets.get_mut("off").unwrap().versions[0].state = state;
        let fetched = vault.fetch(&name, Deadline::NONE).await;
        assert!(matches!(fetched, Err(FetchError::NotFound)), "{fetched:?}");
        let other = NewSecret::new(&name, b"value", &OTHER);
        let refused = vault.create(&other, Deadline::NONE).await;
        assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
        // Its own retry is told what was true, and adds nothing.
        vault.create(&secret, Deadline::NONE).await.unwrap();
        assert_eq!(double.project().secrets["off"].versions.len(), 1);
    }
}
