//! Many callers at once, and callers that leave.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sealpost_vault_key::VaultSecretName;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

use super::interruption::at_each_point;
use super::stage::{Case, Stage, Stop, ensure};
use crate::{
    Deadline, NewSecret, OperationId, Receipt, Vault,
    error::{CreateError, FetchError},
    guarantees::CreateGuarantee,
};

/// Of 64 creators of one name at the same time exactly one wins, and its value is kept. A reader never sees another,
/// where create is atomic.
pub(super) async fn one_of_many_creators_wins(stage: &Stage) -> Case {
    let name = stage.name("race");
    let done = Arc::new(AtomicBool::new(false));
    let reader = read_until(Arc::clone(&stage.vault), name.clone(), Arc::clone(&done));
    let mut creators = JoinSet::new();
    for creator in 0..64_u8 {
        let (vault, name) = (Arc::clone(&stage.vault), name.clone());
        creators.spawn(async move { (creator, create(&vault, &name, &[creator], creator).await) });
    }
    let mut winners = Vec::new();
    let mut failure = None;
    while let Some(joined) = creators.join_next().await {
        match joined {
            Ok((creator, Ok(_))) => winners.push(creator),
            Ok((_, Err(CreateError::Exists))) => {}
            Ok((_, Err(error))) => failure = Some(format!("a creator is told: {error}")),
            Err(_) => failure = Some("a creator panicked".to_owned()),
        }
    }
    done.store(true, Ordering::SeqCst);
    let seen = reader.await.unwrap_or_default();
    if let Some(failure) = failure {
        return Err(Stop::Failed(failure));
    }
    ensure!(winners.len() == 1, "{} creators won", winners.len());
    stage.holds(&name, &winners).await?;
    match stage.vault.guarantees().create {
        CreateGuarantee::Atomic => ensure!(
            seen.iter().all(|value| *value == winners),
            "a reader saw the value of a creator that lost"
        ),
        CreateGuarantee::CheckAndVerify => {}
    }
    stage.clear(&name).await
}

/// Retries that overtake each other are all told that the secret is stored.
pub(super) async fn one_operation_is_answered_alike_however_often_it_comes(stage: &Stage) -> Case {
    let name = stage.name("echo");
    let mut retries = JoinSet::new();
    for _ in 0..16 {
        let (vault, name) = (Arc::clone(&stage.vault), name.clone());
        retries.spawn(async move { create(&vault, &name, b"value", 1).await });
    }
    while let Some(joined) = retries.join_next().await {
        let created = joined.map_err(|_| Stop::Failed("a retry panicked".to_owned()))?;
        if let Err(error) = created {
            return Err(Stop::Failed(format!("one of 16 retries is told: {error}")));
        }
    }
    stage.holds(&name, b"value").await?;
    stage.clear(&name).await
}

/// A call that was dropped, wherever it waited, is completed by its retry, and its name goes to no other operation
/// then.
pub(super) async fn a_dropped_call_leaves_the_vault_in_order(stage: &Stage) -> Case {
    at_each_point(async |point| {
        let name = stage.name(&format!("dropped-{}", point.suffix()));
        let ended = point.create(&stage.vault, &name).await?;
        stage.stored(&name, b"value", 1).await?;
        stage.taken(&name, b"value", 2).await?;
        stage.holds(&name, b"value").await?;
        stage.clear(&name).await?;
        Ok(ended)
    })
    .await
}

/// A call whose deadline has passed returns by itself, and a retry completes it.
pub(super) async fn a_deadline_that_has_passed_ends_the_call(stage: &Stage) -> Case {
    let name = stage.name("late");
    let operation = OperationId::from_bytes([1; 32]);
    let secret = NewSecret::new(&name, b"value", &operation);
    let passed = Deadline::at(Instant::now());
    let created = Stage::in_time("create", stage.vault.create(&secret, passed)).await?;
    ensure!(
        matches!(created, Ok(_) | Err(CreateError::Failed(_))),
        "create is late, and says otherwise: {created:?}"
    );
    let fetched = Stage::in_time("fetch", stage.vault.fetch(&name, passed)).await?;
    ensure!(
        matches!(
            fetched,
            Ok(_) | Err(FetchError::Failed(_) | FetchError::NotFound)
        ),
        "fetch is late, and says otherwise: {fetched:?}"
    );
    stage.stored(&name, b"value", 1).await?;
    stage.holds(&name, b"value").await?;
    stage.clear(&name).await
}

async fn create(
    vault: &Arc<dyn Vault>,
    name: &VaultSecretName,
    value: &[u8],
    operation: u8,
) -> Result<Receipt, CreateError> {
    let operation = OperationId::from_bytes([operation; 32]);
    let secret = NewSecret::new(name, value, &operation);
    vault.create(&secret, Deadline::NONE).await
}

/// Reads a name again and again. Gives all the values that were seen.
fn read_until(
    vault: Arc<dyn Vault>,
    name: VaultSecretName,
    done: Arc<AtomicBool>,
) -> JoinHandle<BTreeSet<Vec<u8>>> {
    tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        while !done.load(Ordering::SeqCst) {
            if let Ok(value) = vault.fetch(&name, Deadline::NONE).await {
                seen.insert(value.to_vec());
            }
            sleep(Duration::from_millis(1)).await;
        }
        seen
    })
}
