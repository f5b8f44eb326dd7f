//! What the service refuses, and what stands in its place.

use std::time::Duration;

use sealpost_vault::error::{CreateError, FetchError, VaultFailure};
use sealpost_vault::{Access, Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_aws::AwsVault;
use tokio::time::Instant;

use crate::rig;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

fn named(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::AWS, None, name)
}

async fn refused(vault: &AwsVault, time: Duration) -> VaultFailure {
    let name = named("a");
    let secret = NewSecret::new(&name, b"{}", &OPERATION);
    let deadline = Deadline::at(Instant::now() + time);
    match vault.create(&secret, deadline).await {
        Err(CreateError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// A key that may not be used is a missing permission of KMS; a key that does not work is another thing.
#[tokio::test]
async fn what_is_wrong_with_a_key_is_told() {
    let (rig, _double) = rig().await;
    for (key, expected) in [
        ("alias/foreign", "grant kms:GenerateDataKey and kms:Decrypt"),
        (
            "alias/disabled",
            "look whether kms_key is an enabled symmetric key",
        ),
    ] {
        let vault = rig.builder().kms_key(key).open().await.unwrap();
        let failure = refused(&vault, Duration::from_secs(5)).await;
        assert!(failure.to_string().contains(expected), "{failure}");
        assert!(failure.retry_after().is_none());
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told_and_not_waited_for() {
    let (rig, double) = rig().await;
    let vault = rig.vault().await;
    double.set_quota(0);
    rig.taken();
    let failure = refused(&vault, Duration::from_secs(5)).await;
    assert!(failure.to_string().contains("quota"), "{failure}");
    assert_eq!(rig.taken().len(), 1);
}

/// What is not the service's answer is never taken for one: neither for a free name nor for a secret that is stored or absent.
#[tokio::test]
async fn what_answers_in_place_of_the_service_is_not_believed() {
    let (rig, _double) = rig().await;
    let vault = rig.builder().access(Access::Resolve).open().await.unwrap();
    for (status, body) in [
        (200, "{}"),
        (200, "{\"ARN\":\"arn:aws:x\",\"VersionId\":\"other\"}"),
        (200, "<html>sign in</html>"),
        (200, ""),
        (302, ""),
        (403, "<html>forbidden</html>"),
        (404, "<html>not found</html>"),
        (407, ""),
    ] {
        *rig.shared().answer.lock().unwrap() = Some((status, body.to_owned()));
        let failure = refused(&vault, Duration::from_millis(300)).await;
        let is_told = matches!(
            failure,
            VaultFailure::Unusable(_) | VaultFailure::Unavailable(_)
        );
        assert!(is_told, "{status} {body}: {failure:?}");
        let soon = Deadline::at(Instant::now() + Duration::from_millis(300));
        let fetched = vault.fetch(&named("a"), soon).await;
        let is_failure = matches!(fetched, Err(FetchError::Failed(_)));
        assert!(is_failure, "{status} {body}: {fetched:?}");
    }
}

/// An endpoint that is not there is waited for, and then named; an empty environment has no credentials.
#[tokio::test]
async fn an_endpoint_that_is_not_there_is_named() {
    let (rig, _double) = rig().await;
    let vault = rig.vault().await;
    drop(vault);
    let begun = Instant::now();
    let vault = rig
        .builder()
        .endpoint("http://127.0.0.1:1")
        .open()
        .await
        .unwrap();
    assert!(
        begun.elapsed() > Duration::from_secs(5),
        "it was waited for"
    );
    assert!(!vault.health().is_ready());
    let failure = refused(&vault, Duration::from_millis(300)).await;
    assert!(
        failure.to_string().contains("its endpoint does not answer"),
        "{failure}"
    );
}

#[tokio::test]
async fn credentials_that_are_missing_are_told_as_such() {
    let (rig, _double) = rig().await;
    let empty = rig.file("empty");
    std::fs::write(&empty, "[other]\naws_access_key_id = A\n").unwrap();
    for builder in [
        rig.builder().credentials_file(&empty),
        rig.builder().profile("missing"),
        rig.builder().credentials_file(rig.file("not-there")),
    ] {
        let failure = builder.open().await.unwrap_err();
        assert!(
            matches!(failure, VaultFailure::Unauthenticated(_)),
            "{failure:?}"
        );
    }
}
