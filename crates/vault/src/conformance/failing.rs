//! What a server that fails, throttles or forgets credentials must not lead to.

use sealpost_vault_key::VaultSecretName;
use tokio::time::{Duration, Instant, sleep};

use super::interruption::at_each_point;
use super::stage::{Case, Stage, Stop, ensure};
use crate::{
    Deadline, NewSecret, OperationId,
    error::{CreateError, FetchError, VaultFailure},
};

/// A write whose answer was lost is told as done, and not as a name that is taken.
pub(super) async fn a_lost_answer_is_no_conflict(stage: &Stage) -> Case {
    for count in 1..=3 {
        let name = stage.name(&format!("lost-{count}"));
        can(stage.faults()?.lose_answers(count).await)?;
        stage.stored(&name, b"value", 1).await?;
        stage.taken(&name, b"value", 2).await?;
        stage.holds(&name, b"value").await?;
        stage.clear(&name).await?;
    }
    Ok(())
}

/// A process that was started again after a lost answer recognises its own write, and no other's.
pub(super) async fn a_lost_answer_is_recognised_after_a_restart(stage: &Stage) -> Case {
    let name = stage.name("restart");
    let faults = stage.faults()?;
    can(faults.lose_answers(100).await)?;
    let operation = OperationId::from_bytes([1; 32]);
    let secret = NewSecret::new(&name, b"value", &operation);
    let soon = Deadline::at(Instant::now() + Duration::from_millis(400));
    let created = Stage::in_time("create", stage.vault.create(&secret, soon)).await?;
    can(faults.lose_answers(0).await)?;
    // A vault may find out by reading what became of its write.
    ensure!(
        matches!(created, Ok(_) | Err(CreateError::Failed(_))),
        "all answers are lost, and create says: {created:?}"
    );
    let restarted = stage.of(faults.again().await);
    restarted.stored(&name, b"value", 1).await?;
    restarted.taken(&name, b"value", 2).await?;
    restarted.holds(&name, b"value").await?;
    restarted.vault.close().await;
    stage.clear(&name).await
}

/// A crash at any point where a create waits is made good by the retry of a process that was started again.
pub(super) async fn a_crash_at_any_point_is_made_good(stage: &Stage) -> Case {
    let faults = stage.faults()?;
    at_each_point(async |point| {
        let name = stage.name(&format!("crash-{}", point.suffix()));
        let crashed = faults.again().await;
        let ended = point.create(&crashed, &name).await?;
        drop(crashed);
        let restarted = stage.of(faults.again().await);
        restarted.stored(&name, b"value", 1).await?;
        restarted.taken(&name, b"value", 2).await?;
        restarted.holds(&name, b"value").await?;
        restarted.vault.close().await;
        stage.clear(&name).await?;
        Ok(ended)
    })
    .await
}

/// A call that is throttled is made again in time, and says that it was throttled if there is no time.
pub(super) async fn throttling_is_waited_for(stage: &Stage) -> Case {
    let name = stage.name("throttled");
    let faults = stage.faults()?;
    can(faults.throttle(2).await)?;
    stage.stored(&name, b"value", 1).await?;
    can(faults.throttle(2).await)?;
    stage.holds(&name, b"value").await?;
    can(faults.throttle(10_000).await)?;
    let refused = stage.hurried(&stage.name("throttled-2")).await?;
    can(faults.throttle(0).await)?;
    ensure!(
        matches!(
            &refused,
            Err(CreateError::Failed(failure)) if failure.retry_after().is_some()
        ),
        "throttled for all its time, create says: {refused:?}"
    );
    stage.settled().await?;
    stage.clear(&name).await
}

/// A server that can't serve now is waited for, and is named if it can't in time.
pub(super) async fn a_server_that_is_away_is_waited_for(stage: &Stage) -> Case {
    let name = stage.name("away");
    let faults = stage.faults()?;
    can(faults.be_away(3).await)?;
    stage.stored(&name, b"value", 1).await?;
    can(faults.be_away(3).await)?;
    stage.holds(&name, b"value").await?;
    can(faults.be_away(10_000).await)?;
    let refused = stage.hurried(&stage.name("away-2")).await?;
    can(faults.be_away(0).await)?;
    ensure!(
        matches!(
            refused,
            Err(CreateError::Failed(VaultFailure::Unavailable(_)))
        ),
        "away for all its time, and create says: {refused:?}"
    );
    // It notices by itself that it is back.
    stage.settled().await?;
    stage.clear(&name).await
}

/// Credentials that have ended are replaced by others without a person.
pub(super) async fn credentials_that_expire_are_got_again(stage: &Stage) -> Case {
    let name = stage.name("expired");
    let faults = stage.faults()?;
    can(faults.expire_credentials().await)?;
    stage.stored(&name, b"value", 1).await?;
    can(faults.expire_credentials().await)?;
    stage.taken(&name, b"value", 2).await?;
    can(faults.expire_credentials().await)?;
    stage.holds(&name, b"value").await?;
    stage.clear(&name).await
}

/// Wrong credentials are told as such, and not as a missing permission.
pub(super) async fn wrong_credentials_are_told_as_such(stage: &Stage) -> Case {
    let wrong = stage.faults()?.with_wrong_credentials().await;
    let failure = match wrong.ok_or(CANNOT)? {
        Err(failure) => failure,
        Ok(vault) => {
            let name = stage.name("wrong");
            match stage.of(vault).create(&name, b"value", 1).await {
                Err(CreateError::Failed(failure)) => failure,
                other => {
                    return Err(Stop::Failed(format!(
                        "the credentials are wrong, and create says: {other:?}"
                    )));
                }
            }
        }
    };
    ensure!(
        matches!(failure, VaultFailure::Unauthenticated(_)),
        "the credentials are wrong, and the failure is: {failure}"
    );
    Ok(())
}

/// The name of a secret that a person deleted is free, or its deletion is pending; it is not told to exist.
pub(super) async fn what_a_person_deleted_is_told_apart(stage: &Stage) -> Case {
    let name = stage.name("person");
    stage.stored(&name, b"first", 1).await?;
    can(stage.faults()?.delete_as_a_person(&name).await)?;
    stage.absent(&name).await?;
    let created = stage.create(&name, b"second", 2).await;
    ensure!(
        matches!(created, Ok(_) | Err(CreateError::PendingDeletion)),
        "a person deleted the secret, and create says: {created:?}"
    );
    let fetched = stage.vault.fetch(&name, Deadline::NONE).await;
    ensure!(
        match &fetched {
            Ok(value) => created.is_ok() && value[..] == *b"second",
            Err(FetchError::NotFound) => created.is_err(),
            Err(FetchError::Failed(VaultFailure::Denied { .. })) => true,
            Err(_) => false,
        },
        "a person deleted the secret, and fetch says: {fetched:?}"
    );
    Ok(())
}

impl Stage {
    /// Creates a secret in less time than a fault lasts.
    async fn hurried(&self, name: &VaultSecretName) -> Result<Result<(), CreateError>, Stop> {
        let operation = OperationId::from_bytes([1; 32]);
        let secret = NewSecret::new(name, b"value", &operation);
        let soon = Deadline::at(Instant::now() + Duration::from_millis(400));
        let created = Self::in_time("create", self.vault.create(&secret, soon)).await?;
        Ok(created.map(drop))
    }

    /// Waits until the vault says that it is ready, which it must find out by itself.
    async fn settled(&self) -> Case {
        Self::in_time("the vault's recovery", async {
            while !self.vault.health().is_ready() {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await
    }
}

fn can(can: bool) -> Case {
    match can {
        true => Ok(()),
        false => Err(CANNOT),
    }
}

const CANNOT: Stop = Stop::Skipped("this fault can't be made here");
