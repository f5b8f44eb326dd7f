//! What a name that is taken can mean.

use std::time::Duration;

use sealpost_vault::error::{CreateError, FetchError, VaultFailure};
use sealpost_vault::{Access, Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use serde_json::json;

use crate::rig;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);
const VALUE: &[u8] = br#"{"password":"correct horse"}"#;

fn named(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::AWS, None, name)
}

/// A person put other values in the place of the first, once and three times: a retry of the first create is still recognised, with
/// the permission to read and without, and another request is not.
#[tokio::test]
async fn a_retry_is_recognised_after_the_value_was_replaced() {
    for access in [Access::Create, Access::Resolve] {
        for tokens in [&["second"][..], &["second", "third", "fourth"]] {
            let (rig, double) = rig().await;
            let vault = rig.builder().access(access).open().await.unwrap();
            let name = named("prod/db");
            let secret = NewSecret::new(&name, VALUE, &OPERATION);
            let first = vault.create(&secret, Deadline::NONE).await.unwrap();
            double.replace("prod/db", tokens);
            assert_eq!(vault.create(&secret, Deadline::NONE).await.unwrap(), first);
            let other = OperationId::from_bytes([8; 32]);
            let other = NewSecret::new(&name, VALUE, &other);
            let refused = vault.create(&other, Deadline::NONE).await;
            assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
            if access >= Access::Resolve {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let fetched = vault.fetch(&name, Deadline::NONE).await.unwrap();
                assert_eq!(fetched[..], *b"{\"other\":1}", "the newest");
            }
        }
    }
}

/// A secret that a person or other software stored is a conflict, also when it is not described yet.
#[tokio::test]
async fn a_foreign_secret_exists() {
    let (rig, double) = rig().await;
    double.set_lag(Duration::from_millis(200));
    let vault = rig.vault().await;
    let body = json!({"Name": "foreign", "ClientRequestToken": "0".repeat(36), "SecretString": "x", "Tags": []});
    assert!(rig.operate("CreateSecret", &body).await["ARN"].is_string());
    let name = named("foreign");
    let secret = NewSecret::new(&name, b"x", &OPERATION);
    let refused = vault.create(&secret, Deadline::NONE).await;
    assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
}

/// A name of a secret that is to be deleted is told apart, for the operation that stored it as for others, and its value is not
/// read.
#[tokio::test]
async fn pending_deletion_is_told_apart() {
    let (rig, _double) = rig().await;
    let vault = rig.vault().await;
    let name = named("leaving");
    let secret = NewSecret::new(&name, VALUE, &OPERATION);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let body = json!({"SecretId": "leaving", "RecoveryWindowInDays": 7});
    rig.operate("DeleteSecret", &body).await;
    for operation in [OPERATION, OperationId::from_bytes([8; 32])] {
        let secret = NewSecret::new(&name, VALUE, &operation);
        let refused = vault.create(&secret, Deadline::NONE).await;
        assert!(
            matches!(refused, Err(CreateError::PendingDeletion)),
            "{refused:?}"
        );
    }
    let fetched = vault.fetch(&name, Deadline::NONE).await;
    assert!(matches!(fetched, Err(FetchError::NotFound)), "{fetched:?}");
}

/// A secret of another service can't be read; that is not told as absent.
#[tokio::test]
async fn a_secret_of_another_service_is_not_said_to_be_absent() {
    let (rig, double) = rig().await;
    let vault = rig.vault().await;
    let name = named("managed");
    let secret = NewSecret::new(&name, VALUE, &OPERATION);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    double.manage("managed");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let fetched = vault.fetch(&name, Deadline::NONE).await;
    assert!(
        matches!(fetched, Err(FetchError::Failed(VaultFailure::Unusable(_)))),
        "{fetched:?}"
    );
}

/// Tags say who stored a secret, which operation did and for which project; the key is the configured one.
#[tokio::test]
async fn tags_and_key_are_set_in_the_same_call() {
    let (rig, double) = rig().await;
    let vault = rig
        .builder()
        .prefix("team")
        .owner("payments")
        .kms_key("alias/team")
        .open()
        .await
        .unwrap();
    let name = VaultSecretName::derive(VaultKind::AWS, Some(&[0xab; 16]), "db");
    let secret = NewSecret::new(&name, VALUE, &OPERATION).of_project(Some(&[0xab; 16]));
    rig.taken();
    let receipt = vault.create(&secret, Deadline::NONE).await.unwrap();
    assert_eq!(rig.taken(), ["CreateSecret"]);
    let stored = format!("team/{}", name.as_str());
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    assert_eq!(
        double.tags(&stored),
        json!([
            tag("sealpost:owner", "payments"),
            tag("sealpost:operation", &"07".repeat(32)),
            tag("sealpost:project", "abababab-abab-abab-abab-abababababab"),
        ])
    );
    assert_eq!(double.key(&stored).as_deref(), Some("alias/team"));
    let location = receipt.location.unwrap();
    assert!(
        location.contains(&format!(":secret:{stored}-")),
        "{location}"
    );
}

/// What does not fit is refused with the limit, and nothing is asked.
#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_limit() {
    let (rig, _double) = rig().await;
    let vault = rig
        .builder()
        .prefix("team")
        .max_value(100)
        .open()
        .await
        .unwrap();
    assert_eq!(vault.limits().max_name, 507);
    rig.taken();
    let long = named(&"a".repeat(508));
    for (name, value, expected) in [
        (&long, VALUE, "names of at most 507 bytes"),
        (
            &named("a"),
            &[b'a'; 101][..],
            "101 bytes, and this vault takes 100",
        ),
        (&named("a"), b"", "at least one byte"),
    ] {
        let secret = NewSecret::new(name, value, &OPERATION);
        let refused = vault.create(&secret, Deadline::NONE).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    assert!(rig.taken().is_empty());
}
