//! Deleting, and closing.

use super::stage::{Case, Stage, Stop, ensure};
use crate::{
    Deadline,
    error::{CreateError, DeleteError, FetchError},
    guarantees::DeletedNames,
};

/// A deleted secret is not read any more, and cannot be deleted again.
pub(super) async fn what_is_deleted_is_gone(stage: &Stage) -> Case {
    let name = stage.name("deleted");
    let deleted = stage.delete(&name).await?;
    ensure!(
        matches!(deleted, Err(DeleteError::NotFound)),
        "deleting what is not there: {deleted:?}"
    );
    stage.stored(&name, b"{}", 1).await?;
    let deleted = stage.delete(&name).await?;
    ensure!(deleted.is_ok(), "deleting what is there: {deleted:?}");
    stage.absent(&name).await?;
    let deleted = stage.delete(&name).await?;
    ensure!(
        matches!(deleted, Err(DeleteError::NotFound)),
        "deleting what was deleted: {deleted:?}"
    );
    Ok(())
}

/// The name of a deleted secret is free, or held, as the vault declares.
pub(super) async fn the_name_of_a_deleted_secret_is_as_declared(stage: &Stage) -> Case {
    let name = stage.name("again");
    stage.stored(&name, b"first", 1).await?;
    let deleted = stage.delete(&name).await?;
    ensure!(deleted.is_ok(), "deleting what is there: {deleted:?}");
    let created = stage.create(&name, b"second", 2).await;
    match stage.vault.guarantees().deleted_names {
        DeletedNames::Free => {
            ensure!(created.is_ok(), "the name is not free: {created:?}");
            stage.holds(&name, b"second").await?;
            stage.clear(&name).await
        }
        DeletedNames::Held => {
            ensure!(
                matches!(created, Err(CreateError::PendingDeletion)),
                "the name is held, and create says: {created:?}"
            );
            stage.absent(&name).await
        }
    }
}

/// Closing ends, also a second time. What was stored is read or the vault fails; it is never said to be absent.
pub(super) async fn closing_loses_nothing(stage: &Stage) -> Case {
    let name = stage.name("closed");
    stage.stored(&name, b"value", 1).await?;
    for _ in 0..2 {
        Stage::in_time("close", stage.vault.close()).await?;
    }
    let fetched = stage.vault.fetch(&name, Deadline::NONE).await;
    ensure!(
        match &fetched {
            Ok(value) => value[..] == *b"value",
            Err(FetchError::Failed(_)) => true,
            Err(FetchError::NotFound | FetchError::Damaged) => false,
        },
        "a closed vault says of a secret: {fetched:?}"
    );
    let created = stage.create(&name, b"other", 2).await;
    ensure!(
        matches!(created, Err(CreateError::Exists | CreateError::Failed(_))),
        "a closed vault says of a name that is taken: {created:?}"
    );
    Ok(())
}
