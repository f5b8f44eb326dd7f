//! Sees what the cases leave behind, and which permissions are missing.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use sealpost_vault_key::{Limits, VaultKind, VaultSecretName};

use crate::{
    Deadline, Health, Lifecycle, NewSecret, Receipt, SecretValue, Vault, VaultId,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{Guarantees, Reads},
};

/// The vault that is tested, and what is seen of its answers.
pub(super) struct Recorder {
    vault: Arc<dyn Vault>,
    seen: Mutex<Seen>,
}

#[derive(Clone, Default)]
pub(super) struct Seen {
    /// What may be stored.
    pub(super) left: BTreeMap<String, VaultSecretName>,
    /// Permissions in the vault's words.
    pub(super) missing: BTreeSet<String>,
}

impl Recorder {
    pub(super) fn new(vault: Arc<dyn Vault>) -> Self {
        Self {
            vault,
            seen: Mutex::default(),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Adds permissions that are missing.
    pub(super) fn lack(&self, permissions: Vec<Cow<'static, str>>) {
        let permissions = permissions.into_iter().map(Cow::into_owned);
        self.lock().missing.extend(permissions);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, failure: &VaultFailure) {
        if let VaultFailure::Denied { permission } = failure {
            self.lock().missing.insert(permission.to_string());
        }
    }
}

/// Shows what the vault shows: that it shows no value is tested.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.vault.fmt(f)
    }
}

#[async_trait]
impl Vault for Recorder {
    fn kind(&self) -> VaultKind {
        self.vault.kind()
    }

    fn id(&self) -> Option<VaultId> {
        self.vault.id()
    }

    fn limits(&self) -> Limits {
        self.vault.limits()
    }

    fn guarantees(&self) -> Guarantees {
        self.vault.guarantees()
    }

    async fn create(
        &self,
        secret: &NewSecret<'_>,
        deadline: Deadline,
    ) -> Result<Receipt, CreateError> {
        let name = secret.name.as_str();
        // Before the call: one that is dropped may have stored it.
        let is_new = secret.name.kind() == self.kind()
            && self
                .lock()
                .left
                .insert(name.to_owned(), secret.name.clone())
                .is_none();
        let created = self.vault.create(secret, deadline).await;
        match &created {
            Ok(_) | Err(CreateError::Exists) => {}
            Err(CreateError::Failed(failure)) => self.note(failure),
            Err(
                CreateError::PendingDeletion
                | CreateError::ValueTooLong { .. }
                | CreateError::ValueRefused { .. },
            ) => {
                if is_new {
                    self.lock().left.remove(name);
                }
            }
        }
        created
    }

    async fn fetch(
        &self,
        name: &VaultSecretName,
        deadline: Deadline,
    ) -> Result<SecretValue, FetchError> {
        let fetched = self.vault.fetch(name, deadline).await;
        match &fetched {
            Err(FetchError::Failed(failure)) if self.guarantees().reads != Reads::Denied => {
                self.note(failure);
            }
            Ok(_) | Err(_) => {}
        }
        fetched
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        self.vault.lifecycle().is_some().then_some(self)
    }

    fn health(&self) -> Health {
        self.vault.health()
    }

    async fn close(&self) {
        self.vault.close().await;
    }
}

#[async_trait]
impl Lifecycle for Recorder {
    async fn delete(&self, name: &VaultSecretName, deadline: Deadline) -> Result<(), DeleteError> {
        let Some(lifecycle) = self.vault.lifecycle() else {
            let text = "the vault has lost its verbs since it was asked";
            return Err(VaultFailure::unusable(text).into());
        };
        let deleted = lifecycle.delete(name, deadline).await;
        match &deleted {
            Ok(()) => drop(self.lock().left.remove(name.as_str())),
            Err(DeleteError::Failed(failure)) => self.note(failure),
            Err(DeleteError::NotFound) => {}
        }
        deleted
    }
}
