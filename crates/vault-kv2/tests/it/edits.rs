//! What a person does to a secret with the engine's own tools.

use axum::http::Method;
use sealpost_vault::error::CreateError;
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};

use crate::rig;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

#[tokio::test]
async fn a_secret_that_was_written_again_is_read_as_it_is_now() {
    let (rig, _folder) = rig().await;
    let vault = rig.vault().await;
    let name = VaultSecretName::derive(VaultKind::KV2, None, "edited");
    let secret = NewSecret::new(&name, br#"{"password":"old"}"#, &OPERATION);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    let put = r#"{"data":{"password":"new"}}"#;
    rig.operate(Method::POST, "secret/data/edited", put).await;
    let read = vault.fetch(&name, Deadline::NONE).await.unwrap();
    assert_eq!(read[..], *br#"{"password":"new"}"#);
    // The operation's own write is still known, in the first version, and nothing is overwritten by its retry.
    vault.create(&secret, Deadline::NONE).await.unwrap();
    let other = OperationId::from_bytes([8; 32]);
    let other = NewSecret::new(&name, secret.value, &other);
    let refused = vault.create(&other, Deadline::NONE).await;
    assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
    let read = vault.fetch(&name, Deadline::NONE).await.unwrap();
    assert_eq!(read[..], *br#"{"password":"new"}"#);
}

#[tokio::test]
async fn a_foreign_secret_is_a_conflict() {
    let (rig, _folder) = rig().await;
    let vault = rig.vault().await;
    let put = r#"{"data":{"password":"theirs"}}"#;
    rig.operate(Method::POST, "secret/data/foreign", put).await;
    let name = VaultSecretName::derive(VaultKind::KV2, None, "foreign");
    let secret = NewSecret::new(&name, br#"{"password":"theirs"}"#, &OPERATION);
    let refused = vault.create(&secret, Deadline::NONE).await;
    assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
}
