//! A second vault: in memory, and with the weakest promises. It checks, writes and verifies, as an adapter for a vault
//! without an atomic create must.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use sealpost_vault::{
    Deadline, Lifecycle, Limits, NewSecret, OperationId, Receipt, SecretValue, Vault, VaultKind,
    VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{CreateGuarantee, DeletedNames, Guarantees},
    receipt::Version,
};
use zeroize::Zeroizing;

#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) deleted_names: DeletedNames,
    pub(crate) deletes: bool,
    secrets: Mutex<Secrets>,
}

#[derive(Default)]
struct Secrets {
    /// The oldest version is the winner's, the newest is read.
    versions: HashMap<String, Vec<Entry>>,
    deleted: HashSet<String>,
    next: u64,
}

#[derive(Clone, Eq, PartialEq)]
struct Entry {
    version: u64,
    value: Vec<u8>,
    operation: OperationId,
}

impl Memory {
    pub(crate) fn new(deleted_names: DeletedNames) -> Self {
        Self {
            deleted_names,
            deletes: true,
            secrets: Mutex::default(),
        }
    }

    pub(crate) fn holds(&self, name: &VaultSecretName) -> bool {
        self.secrets
            .lock()
            .unwrap()
            .versions
            .contains_key(name.as_str())
    }

    pub(crate) fn overwrite(&self, secret: &NewSecret<'_>) -> Receipt {
        let mut secrets = self.secrets.lock().unwrap();
        secrets.versions.remove(secret.name.as_str());
        receipt(secrets.push(secret))
    }

    /// The answer to a create without a write: the name is taken, or the create was done before.
    fn settled(&self, secret: &NewSecret<'_>) -> Option<Result<Receipt, CreateError>> {
        let secrets = self.secrets.lock().unwrap();
        if secrets.deleted.contains(secret.name.as_str()) {
            return Some(Err(CreateError::PendingDeletion));
        }
        let winner = secrets.versions.get(secret.name.as_str())?.first()?;
        let own = winner.operation == *secret.operation && winner.value == secret.value;
        Some(if own {
            Ok(receipt(winner.version))
        } else {
            Err(CreateError::Exists)
        })
    }
}

impl Secrets {
    fn push(&mut self, secret: &NewSecret<'_>) -> u64 {
        self.next += 1;
        let entry = Entry {
            version: self.next,
            value: secret.value.to_vec(),
            operation: *secret.operation,
        };
        let versions = self.versions.entry(secret.name.as_str().to_owned());
        versions.or_default().push(entry);
        self.next
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

#[async_trait]
impl Vault for Memory {
    fn kind(&self) -> VaultKind {
        VaultKind::KV2
    }

    fn limits(&self) -> Limits {
        Limits {
            max_value: 65_536,
            ..self.kind().limits()
        }
    }

    fn guarantees(&self) -> Guarantees {
        let mut guarantees = Guarantees::STRONGEST;
        guarantees.create = CreateGuarantee::CheckAndVerify;
        guarantees.deleted_names = self.deleted_names;
        guarantees
    }

    async fn create(&self, secret: &NewSecret<'_>, _: Deadline) -> Result<Receipt, CreateError> {
        let (len, max) = (secret.value.len(), self.limits().max_value);
        check(secret.name)?;
        if len > max {
            return Err(CreateError::ValueTooLong { len, max });
        }
        // Check.
        if let Some(settled) = self.settled(secret) {
            return settled;
        }
        pause(1).await;
        let version = self.secrets.lock().unwrap().push(secret);
        pause(5).await;
        // Verify. Who lost restores the winner's version.
        let settled = self.settled(secret).unwrap_or(Err(CreateError::Exists));
        let mut secrets = self.secrets.lock().unwrap();
        if let Some(versions) = secrets.versions.get_mut(secret.name.as_str()) {
            let winner = versions.first().map(|winner| winner.version);
            versions.retain(|entry| entry.version != version || Some(version) == winner);
        }
        settled
    }

    async fn fetch(&self, name: &VaultSecretName, _: Deadline) -> Result<SecretValue, FetchError> {
        check(name)?;
        let secrets = self.secrets.lock().unwrap();
        let versions = secrets.versions.get(name.as_str());
        let newest = versions.and_then(|versions| versions.last());
        let newest = newest.ok_or(FetchError::NotFound)?;
        Ok(SecretValue::new(Zeroizing::new(newest.value.clone())))
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        self.deletes.then_some(self)
    }
}

#[async_trait]
impl Lifecycle for Memory {
    async fn delete(&self, name: &VaultSecretName, _: Deadline) -> Result<(), DeleteError> {
        check(name)?;
        let mut secrets = self.secrets.lock().unwrap();
        let removed = secrets.versions.remove(name.as_str());
        removed.ok_or(DeleteError::NotFound)?;
        if self.deleted_names == DeletedNames::Held {
            secrets.deleted.insert(name.as_str().to_owned());
        }
        Ok(())
    }
}

fn check(name: &VaultSecretName) -> Result<(), VaultFailure> {
    if name.kind() == VaultKind::KV2 {
        return Ok(());
    }
    Err(VaultFailure::WrongKind {
        name: name.kind(),
        vault: VaultKind::KV2,
    })
}

fn receipt(version: u64) -> Receipt {
    Receipt::default().with_version(Version::new(version.to_string()))
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
