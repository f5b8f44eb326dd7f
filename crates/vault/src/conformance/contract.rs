//! Create and fetch, one caller after the other.

use sealpost_vault_key::{VaultKind, VaultSecretName};

use super::stage::{Case, Stage, Stop, ensure};
use crate::{
    Deadline,
    error::{CreateError, FetchError, VaultFailure},
    guarantees::Retries,
};

/// A secret is there when it was created, and not before.
pub(super) async fn what_is_created_can_be_fetched(stage: &Stage) -> Case {
    let name = stage.name("basic");
    stage.absent(&name).await?;
    stage.stored(&name, b"{}", 1).await?;
    stage.holds(&name, b"{}").await?;
    // Fetching changes nothing.
    stage.holds(&name, b"{}").await?;
    stage.clear(&name).await
}

/// Another operation gets `Exists`, with another value and with the same.
pub(super) async fn nothing_is_overwritten(stage: &Stage) -> Case {
    let name = stage.name("taken");
    stage.stored(&name, b"first", 1).await?;
    stage.taken(&name, b"second", 2).await?;
    stage.taken(&name, b"first", 3).await?;
    stage.holds(&name, b"first").await?;
    stage.clear(&name).await
}

/// The same operation with the same value gets `Ok` again, with another value `Exists`, where the vault can tell values
/// apart. What was stored first stays in any case.
pub(super) async fn a_retry_is_recognised(stage: &Stage) -> Case {
    let name = stage.name("retry");
    for _ in 0..3 {
        stage.stored(&name, b"value", 1).await?;
    }
    for other in [&b"other"[..], b"valu", b"v"] {
        match stage.vault.guarantees().retries {
            Retries::OperationAndValue => stage.taken(&name, other, 1).await?,
            Retries::Operation => stage.stored(&name, other, 1).await.map(drop)?,
        }
    }
    stage.holds(&name, b"value").await?;

    // An operation is known under its name alone.
    let second = stage.name("retry-2");
    stage.stored(&second, b"other", 1).await?;
    stage.holds(&name, b"value").await?;
    stage.clear(&name).await?;
    stage.clear(&second).await
}

/// A receipt says of a retry what it said of the first call.
pub(super) async fn a_retry_gets_the_same_receipt(stage: &Stage) -> Case {
    let name = stage.name("receipt");
    let first = stage.stored(&name, b"value", 1).await?;
    let again = stage.stored(&name, b"value", 1).await?;
    ensure!(
        first == again,
        "the first call got {first:?}, and its retry {again:?}"
    );
    stage.clear(&name).await
}

/// A name that was derived for another kind of vault is a failure of its own.
pub(super) async fn names_of_other_kinds_are_refused(stage: &Stage) -> Case {
    for kind in VaultKind::KNOWN {
        if kind == stage.vault.kind() {
            continue;
        }
        let name = VaultSecretName::derive(kind, None, &format!("{}-kind", stage.prefix));
        let created = stage.create(&name, b"", 1).await;
        ensure!(
            matches!(
                created,
                Err(CreateError::Failed(VaultFailure::WrongKind { .. }))
            ),
            "create takes a name of kind {kind}"
        );
        let fetched = stage.vault.fetch(&name, Deadline::NONE).await;
        ensure!(
            matches!(
                fetched,
                Err(FetchError::Failed(VaultFailure::WrongKind { .. }))
            ),
            "fetch takes a name of kind {kind}"
        );
    }
    Ok(())
}

/// `Debug` of the vault and of values, receipts, and errors show nothing of a value.
pub(super) async fn nothing_shows_a_value(stage: &Stage) -> Case {
    let name = stage.name("quiet");
    let receipt = stage.stored(&name, CANARY, 1).await?;
    let fetched = stage.vault.fetch(&name, Deadline::NONE).await;
    let exists = stage.create(&name, &CANARY.repeat(2), 1).await;
    let too_long = CANARY.repeat(stage.vault.limits().max_value / CANARY.len() + 1);
    let too_long = stage.create(&stage.name("quiet-2"), &too_long, 1).await;
    let mut shown = format!("{:?} {receipt:?} {fetched:?}", stage.vault);
    for error in [exists.err(), too_long.err()].into_iter().flatten() {
        shown += &format!(" {error} {error:?}");
    }
    let bytes = format!("{CANARY:?}");
    ensure!(
        !shown.contains("canary") && !shown.contains(bytes.trim_matches(['[', ']'])),
        "a value is in Debug, a receipt or an error"
    );
    stage.clear(&name).await
}

const CANARY: &[u8] = b"canary-4711";
