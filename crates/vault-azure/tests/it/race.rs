//! Creators of one name at the same time, each in a process of its own.

use std::sync::Arc;

use sealpost_vault::error::{CreateError, FetchError};
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::rig::Rig;
use crate::secrecy::Log;

fn name(text: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::AZURE, None, text)
}

fn operation(number: u8) -> OperationId {
    OperationId::from_bytes([number; 32])
}

/// A version that is there already.
fn version(number: &str, created: u64, operation: Option<u8>, value: &str) -> Value {
    let tags = operation.map(|operation| {
        json!({"sealpost-owner": "sealpost", "sealpost-operation": format!("{operation:02x}").repeat(32)})
    });
    json!({
        "id": format!("https://v/secrets/n/{number}"),
        "value": value,
        "attributes": {"enabled": true, "created": created},
        "tags": tags,
    })
}

#[tokio::test]
async fn the_loser_of_a_race_restores_the_winners_version_raises_an_alarm_and_answers_exists() {
    let log = Log::default();
    let _guard = log.listen(tracing::Level::ERROR);
    // Enough for two pages of versions.
    const CREATORS: u8 = 30;
    let rig = Rig::new().await;
    let mut vaults = Vec::new();
    for number in 0..CREATORS {
        vaults.push((number, rig.vault().await));
    }
    // All of them look before one of them sets.
    let barrier = Arc::new(Barrier::new(usize::from(CREATORS)));
    rig.double.vault().lookers = Some((usize::from(CREATORS), barrier));
    let mut creators = JoinSet::new();
    for (number, vault) in vaults {
        creators.spawn(async move {
            let value = format!("value-{number}");
            let (name, operation) = (name("race"), operation(number));
            let secret = NewSecret::new(&name, value.as_bytes(), &operation);
            (number, vault.create(&secret, Deadline::NONE).await)
        });
    }
    let mut winners = Vec::new();
    while let Some(created) = creators.join_next().await {
        match created.unwrap() {
            (number, Ok(_)) => winners.push(number),
            (_, Err(CreateError::Exists)) => {}
            (number, Err(error)) => panic!("{number}: {error}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    let winner = format!("value-{}", winners[0]);
    let fetched = rig.vault().await.fetch(&name("race"), Deadline::NONE).await;
    assert_eq!(fetched.unwrap()[..], *winner.as_bytes());
    assert!(rig.double.vault().secrets["race"].len() > usize::from(CREATORS));
    let alarms = log.text().matches("two creators of one secret").count();
    assert_eq!(alarms, usize::from(CREATORS) - 1, "{}", log.text());
}

#[tokio::test]
async fn a_crash_before_the_repair_is_made_good_by_the_losers_retry() {
    let rig = Rig::new().await;
    let versions = vec![
        version("b", 1, Some(1), "first"),
        version("a", 2, Some(2), "second"),
    ];
    rig.double.vault().secrets.insert("n".to_owned(), versions);
    let (vault, name) = (rig.vault().await, name("n"));
    let read = async || vault.fetch(&name, Deadline::NONE).await.unwrap().to_vec();
    assert_eq!(read().await, b"second");
    for _ in 0..2 {
        let loser = operation(2);
        let secret = NewSecret::new(&name, b"second", &loser);
        let refused = vault.create(&secret, Deadline::NONE).await;
        assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
        assert_eq!(read().await, b"first");
    }
    // It is put back once.
    assert_eq!(rig.double.vault().secrets["n"].len(), 3);
    let winner = operation(1);
    let secret = NewSecret::new(&name, b"first", &winner);
    let receipt = vault.create(&secret, Deadline::NONE).await.unwrap();
    assert_eq!(receipt.version.unwrap().as_str(), "b");
}

#[tokio::test]
async fn a_foreign_secret_is_a_conflict_and_is_not_touched() {
    for tags in [
        json!(null),
        json!({}),
        json!({"sealpost-operation": "01".repeat(32)}),
    ] {
        let rig = Rig::new().await;
        let mut foreign = version("a", 1, None, "theirs");
        foreign["tags"] = tags;
        rig.double
            .vault()
            .secrets
            .insert("n".to_owned(), vec![foreign]);
        let (vault, name, operation) = (rig.vault().await, name("n"), operation(1));
        let secret = NewSecret::new(&name, b"theirs", &operation);
        let refused = vault.create(&secret, Deadline::NONE).await;
        assert!(matches!(refused, Err(CreateError::Exists)), "{refused:?}");
        assert_eq!(rig.double.vault().secrets["n"].len(), 1);
    }
}

#[tokio::test]
async fn soft_deleted_names_are_a_conflict_of_their_own_and_names_compare_without_case() {
    let rig = Rig::new().await;
    rig.double.vault().deleted.insert("gone".to_owned());
    let (vault, operation) = (rig.vault().await, operation(1));
    let name = name("gone");
    let secret = NewSecret::new(&name, b"value", &operation);
    let refused = vault.create(&secret, Deadline::NONE).await;
    assert!(
        matches!(refused, Err(CreateError::PendingDeletion)),
        "{refused:?}"
    );
    let fetched = vault.fetch(&name, Deadline::NONE).await;
    assert!(matches!(fetched, Err(FetchError::NotFound)), "{fetched:?}");
    let kept = self::name("kept");
    let kept = NewSecret::new(&kept, b"value", &operation);
    vault.create(&kept, Deadline::NONE).await.unwrap();
    let other = self::operation(2);
    for (text, is_deleted) in [
        ("GONE", true),
        ("Gone", true),
        ("KEPT", false),
        ("Kept", false),
    ] {
        let name = VaultSecretName::parse(VaultKind::AZURE, text).unwrap();
        let secret = NewSecret::new(&name, b"other", &other);
        let refused = vault.create(&secret, Deadline::NONE).await;
        let is_right = match is_deleted {
            true => matches!(refused, Err(CreateError::PendingDeletion)),
            false => matches!(refused, Err(CreateError::Exists)),
        };
        assert!(is_right, "{text}: {refused:?}");
    }
    assert_eq!(rig.double.vault().secrets["kept"].len(), 1);
}

#[tokio::test]
async fn what_is_not_text_is_refused_with_the_limit() {
    let rig = Rig::new().await;
    let (vault, operation) = (rig.vault().await, operation(1));
    for value in [&b""[..], &[0xff], b"\xc3"] {
        let name = name("binary");
        let refused = vault
            .create(&NewSecret::new(&name, value, &operation), Deadline::NONE)
            .await;
        let Err(CreateError::ValueRefused { limit }) = refused else {
            panic!("{refused:?}");
        };
        assert!(limit.contains("UTF-8"));
    }
    assert!(rig.double.vault().secrets.is_empty());
}

#[tokio::test]
async fn a_vault_that_wants_tokens_for_another_resource_says_so() {
    let rig = Rig::new().await;
    rig.double.vault().tokens.clear();
    let opened = rig
        .builder()
        .resource("https://vault.azure.cn")
        .token("t".to_owned())
        .open()
        .await;
    let text = opened.unwrap_err().to_string();
    assert!(text.contains("`resource`"), "{text}");
}
