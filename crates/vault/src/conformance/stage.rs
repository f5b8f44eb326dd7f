//! What the cases are written with.

use std::{sync::Arc, time::Duration};

use sealpost_vault_key::VaultSecretName;
use tokio::time::{Instant, sleep, timeout};

use super::faults::Faults;
use crate::{
    Deadline, NewSecret, OperationId, Receipt, SecretValue, Vault,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::Reads,
};

/// The vault that is tested, and where in it.
pub(super) struct Stage {
    pub(super) vault: Arc<dyn Vault>,
    pub(super) prefix: String,
    faults: Option<Arc<dyn Faults>>,
}

/// Why a case ends early.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(String),
    Skipped(&'static str),
}

pub(super) type Case = Result<(), Stop>;

/// Fails the case with a text unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(Stop::Failed(format!($($text)+)));
        }
    };
}
pub(super) use ensure;

impl Stage {
    pub(super) fn new(
        vault: Arc<dyn Vault>,
        faults: Option<Arc<dyn Faults>>,
        prefix: &str,
    ) -> Self {
        Self {
            vault,
            prefix: prefix.to_owned(),
            faults,
        }
    }

    /// The same stage with another vault.
    pub(super) fn of(&self, vault: Arc<dyn Vault>) -> Self {
        Self::new(vault, self.faults.clone(), &self.prefix)
    }

    /// What makes the server fail. The case is skipped without it.
    pub(super) fn faults(&self) -> Result<Arc<dyn Faults>, Stop> {
        let faults = self.faults.clone();
        faults.ok_or(Stop::Skipped("no faults were given to the suite"))
    }

    /// A name that is valid in every vault.
    pub(super) fn name(&self, name: &str) -> VaultSecretName {
        VaultSecretName::derive(self.vault.kind(), None, &format!("{}-{name}", self.prefix))
    }

    pub(super) async fn create(
        &self,
        name: &VaultSecretName,
        value: &[u8],
        operation: u8,
    ) -> Result<Receipt, CreateError> {
        let operation = OperationId::from_bytes([operation; 32]);
        let secret = NewSecret::new(name, value, &operation);
        self.vault.create(&secret, soon()).await
    }

    /// Creates a secret. The case fails if the vault does not.
    pub(super) async fn stored(
        &self,
        name: &VaultSecretName,
        value: &[u8],
        operation: u8,
    ) -> Result<Receipt, Stop> {
        self.create(name, value, operation).await.map_err(|error| {
            Stop::Failed(format!(
                "{} bytes were not stored under {name}: {error}",
                value.len()
            ))
        })
    }

    /// Tries to create a secret under a name that is taken.
    pub(super) async fn taken(&self, name: &VaultSecretName, value: &[u8], operation: u8) -> Case {
        match self.create(name, value, operation).await {
            Err(CreateError::Exists) => Ok(()),
            Ok(_) => Err(Stop::Failed(format!(
                "create succeeded although {name} is taken"
            ))),
            Err(error) => Err(Stop::Failed(format!("{name} is taken, and not: {error}"))),
        }
    }

    /// Fails unless this value is read; for eventual reads, after a while.
    pub(super) async fn holds(&self, name: &VaultSecretName, value: &[u8]) -> Case {
        let begun = Instant::now();
        loop {
            let fetched = self.vault.fetch(name, soon()).await;
            if fetched.as_ref().is_ok_and(|fetched| fetched[..] == *value)
                || self.may_not_read(&fetched)
            {
                return Ok(());
            }
            if !self.may_settle(begun).await {
                return Err(Stop::Failed(match fetched {
                    Ok(fetched) => format!(
                        "{name} holds {} bytes that are not the {} that were stored",
                        fetched.len(),
                        value.len()
                    ),
                    Err(error) => format!("{name} is not read: {error}"),
                }));
            }
        }
    }

    /// Fails unless there is no such secret; for eventual reads, after a while.
    pub(super) async fn absent(&self, name: &VaultSecretName) -> Case {
        let begun = Instant::now();
        loop {
            let fetched = self.vault.fetch(name, soon()).await;
            if matches!(fetched, Err(FetchError::NotFound)) || self.may_not_read(&fetched) {
                return Ok(());
            }
            if !self.may_settle(begun).await {
                return Err(Stop::Failed(match fetched {
                    Ok(_) => format!("{name} is read, and should not be there"),
                    Err(error) => format!("{name} is not there, and not: {error}"),
                }));
            }
        }
    }

    /// Deletes a secret, or skips the rest of the case where the vault cannot.
    pub(super) async fn delete(
        &self,
        name: &VaultSecretName,
    ) -> Result<Result<(), DeleteError>, Stop> {
        let lifecycle = self.vault.lifecycle();
        let lifecycle = lifecycle.ok_or(Stop::Skipped("the vault deletes nothing"))?;
        Ok(lifecycle.delete(name, soon()).await)
    }

    /// Removes a secret that a case stored, where the vault can.
    pub(super) async fn clear(&self, name: &VaultSecretName) -> Case {
        match self.delete(name).await {
            Ok(Err(error)) => Err(Stop::Failed(format!("{name} was not deleted: {error}"))),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// Waits for an answer that must come by itself.
    pub(super) async fn in_time<T>(what: &str, call: impl Future<Output = T>) -> Result<T, Stop> {
        let late = |_| Stop::Failed(format!("{what} did not return within {PATIENCE:?}"));
        timeout(PATIENCE, call).await.map_err(late)
    }

    /// Returns whether this is how a vault answers that permits no reading, and declares it.
    fn may_not_read(&self, fetched: &Result<SecretValue, FetchError>) -> bool {
        self.vault.guarantees().reads == Reads::Denied
            && matches!(
                fetched,
                Err(FetchError::Failed(VaultFailure::Denied { .. }))
            )
    }

    /// Waits a little where reads are eventual. `false` where nothing may change any more.
    async fn may_settle(&self, begun: Instant) -> bool {
        let eventual = match self.vault.guarantees().reads {
            Reads::Consistent | Reads::Denied => false,
            Reads::Eventual => begun.elapsed() < PATIENCE,
        };
        if eventual {
            sleep(PAUSE).await;
        }
        eventual
    }
}

/// Long enough for every call.
fn soon() -> Deadline {
    Deadline::at(Instant::now() + PATIENCE)
}

const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);
