//! The vault: names to records, through the keys and the store.

mod opening;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use sealpost_vault::configuration::Opening;
use sealpost_vault::{
    Deadline, Health, Lifecycle, Limits, NewSecret, OperationId, Receipt, SecretValue, Vault,
    VaultId, VaultKind, VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::Guarantees,
};
use tokio::task::spawn_blocking;

use crate::commit::{self, Writer};
use crate::condition;
use crate::contents::Contents;
use crate::error::OpenVaultError;
use crate::files::Files;
use crate::keys::VaultKeys;
use crate::record::Record;
use crate::rescue::Found;
use crate::store::{self, Change, StoreError};

pub use opening::FileVaultBuilder;

/// The vault in one file. The [crate](crate) says what it protects and what it does not.
///
/// [`close`](Vault::close) waits until the changes that are queued are on the disk, then frees the file, so that it
/// can be opened again. Dropping does the same and blocks meanwhile.
pub struct FileVault {
    // It is dropped first: it finishes its work, and then the store closes the file. `None` of a file that was found
    // damaged when it was opened.
    writer: Option<Writer>,
    contents: Arc<Contents>,
    id: VaultId,
    max_value: usize,
    dir: PathBuf,
    /// Why closing it failed.
    not_closed: OnceLock<VaultFailure>,
}

impl FileVault {
    /// Opens the vault in a directory, or creates one where there is none.
    ///
    /// This blocks while it reads the disk: after a crash, for as long as it takes to check the file.
    ///
    /// # Errors
    ///
    /// [`OpenVaultError`] says what is wrong and what to do. Nothing is changed then, except that a
    /// directory and an empty file may have been created.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenVaultError> {
        Self::builder().open(dir)
    }

    /// Opens a vault with other limits than the usual ones.
    #[must_use]
    pub fn builder() -> FileVaultBuilder {
        FileVaultBuilder::new()
    }

    /// Finds what opening would fail with, or that the vault is damaged, and changes and creates nothing. A vault that another process has
    /// open passes. Returns the identifier of the vault that is there.
    ///
    /// # Errors
    ///
    /// [`OpenVaultError`] says what is wrong and what to do.
    pub fn check(
        dir: impl AsRef<Path>,
        opening: Opening,
    ) -> Result<Option<VaultId>, OpenVaultError> {
        let files = Files::new(dir.as_ref());
        match condition::Found::look_only(&files, opening) {
            Ok(Some(condition::Found::Whole(whole, _))) => {
                Ok(Some(VaultId::from_bytes(whole.descriptor.id)))
            }
            Ok(Some(condition::Found::Damaged(remains, _))) => {
                let (path, fault) = (files.database, remains.fault.unwrap_or_default());
                Err(match remains.vault {
                    Some(_) => OpenVaultError::DamagedInPart { path, fault },
                    None => OpenVaultError::Damaged { path, fault },
                })
            }
            Ok(_) | Err(OpenVaultError::InUse { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the directory of the vault.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the keys of its records.
    pub(crate) fn keys(&self) -> &VaultKeys {
        self.contents.keys()
    }

    /// Makes changes durable together, and blocks meanwhile.
    pub(crate) fn write(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.contents.write(changes)
    }

    /// Makes one change durable, and returns the record that was there before.
    async fn submit(&self, change: Change) -> Result<Option<Vec<u8>>, VaultFailure> {
        // It could not be opened after the next start.
        if let Some(fault) = self.contents.key_fault() {
            return Err(VaultFailure::unusable(fault));
        }
        match &self.writer {
            Some(writer) if !self.contents.is_damaged() => {
                writer.submit(change).await.map_err(commit::failure)
            }
            _ => Err(store::failure(StoreError::Damaged)),
        }
    }

    /// Looks a name up, on a thread that may wait for the disk.
    async fn find(&self, name: &str) -> Result<Found, VaultFailure> {
        let (contents, name) = (Arc::clone(&self.contents), name.to_owned());
        let found = spawn_blocking(move || contents.find(&name)).await;
        found.map_err(VaultFailure::unavailable)?.map_err(|error| {
            let failure = store::failure(error);
            // A read failed: redb does nothing more until the file is opened again, so changes would fail, too.
            if let Some(writer) = &self.writer {
                writer.suspect(failure.clone());
            }
            failure
        })
    }

    /// Returns whether this very operation stored this very value.
    fn is_own(&self, name: &str, value: &[u8], operation: &OperationId, record: &[u8]) -> bool {
        Record::parse(record).is_some_and(|record| record.operation == *operation)
            && self
                .contents
                .keys()
                .open(name, record)
                .is_ok_and(|stored| verify_slices_are_equal(&stored, value).is_ok())
    }
}

#[async_trait]
impl Vault for FileVault {
    fn kind(&self) -> VaultKind {
        VaultKind::EMBEDDED
    }

    fn id(&self) -> Option<VaultId> {
        Some(self.id)
    }

    /// A damaged vault gives out what is intact, so the process goes on; it stores nothing until it is restored.
    fn health(&self) -> Health {
        match &self.writer {
            Some(writer) if !self.contents.is_damaged() => match commit::health(writer.state()) {
                Health::Ready => {
                    let hindrance = self.contents.hindrance();
                    hindrance.map_or(Health::Ready, Health::recovering)
                }
                health => health,
            },
            _ => Health::recovering(store::DAMAGED),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            max_value: self.max_value,
            ..VaultKind::EMBEDDED.limits()
        }
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::STRONGEST
    }

    /// It keeps no versions, and its location is that of every secret in it, so the receipt is empty.
    async fn create(&self, secret: &NewSecret<'_>, _: Deadline) -> Result<Receipt, CreateError> {
        let (value, operation) = (secret.value, secret.operation);
        let text = checked(secret.name)?;
        if value.len() > self.max_value {
            return Err(CreateError::ValueTooLong {
                len: value.len(),
                max: self.max_value,
            });
        }
        let record = self
            .contents
            .keys()
            .seal(text, operation, value)
            .map_err(VaultFailure::unavailable)?;
        let change = Change::Create {
            name: text.to_owned(),
            record,
        };
        match self.submit(change).await? {
            None => Ok(Receipt::default()),
            Some(there) if self.is_own(text, value, operation, &there) => Ok(Receipt::default()),
            Some(_) => Err(CreateError::Exists),
        }
    }

    async fn fetch(&self, name: &VaultSecretName, _: Deadline) -> Result<SecretValue, FetchError> {
        let text = checked(name)?;
        match self.find(text).await? {
            Found::Value(value) => Ok(SecretValue::new(value)),
            Found::Nothing => Err(FetchError::NotFound),
            Found::Damaged => Err(FetchError::Damaged),
        }
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        Some(self)
    }

    async fn probe(&self) {
        let Some(writer) = &self.writer else { return };
        let contents = Arc::clone(&self.contents);
        // A panic has been reported, and the file is damaged then.
        if let Ok(Err(error)) = spawn_blocking(move || contents.probe()).await {
            tracing::error!(%error, "the vault can't be written to");
            writer.suspect(store::failure(error));
        }
    }

    async fn look(&self) {
        let Some(writer) = &self.writer else { return };
        let contents = Arc::clone(&self.contents);
        if let Ok(Err(error)) = spawn_blocking(move || contents.look()).await {
            writer.suspect(store::failure(error));
        }
    }

    async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
        let contents = Arc::clone(&self.contents);
        // A panic while the database is closed has been reported, and the file is free.
        if let Ok(Err(error)) = spawn_blocking(move || contents.close()).await {
            // The first one counts if it is closed twice.
            let _ = self.not_closed.set(store::failure(error));
        }
    }

    fn close_failure(&self) -> Option<VaultFailure> {
        self.not_closed.get().cloned()
    }
}

#[async_trait]
impl Lifecycle for FileVault {
    async fn delete(&self, name: &VaultSecretName, _: Deadline) -> Result<(), DeleteError> {
        let name = checked(name)?.to_owned();
        match self.submit(Change::Delete { name }).await? {
            Some(_) => Ok(()),
            None => Err(DeleteError::NotFound),
        }
    }
}

impl fmt::Debug for FileVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileVault")
            .field("dir", &self.dir)
            .field("max_value", &self.max_value)
            .finish_non_exhaustive()
    }
}

/// Returns the name's text. Fails if the name is for another kind of vault.
fn checked(name: &VaultSecretName) -> Result<&str, VaultFailure> {
    if name.kind() == VaultKind::EMBEDDED {
        Ok(name.as_str())
    } else {
        Err(VaultFailure::WrongKind {
            name: name.kind(),
            vault: VaultKind::EMBEDDED,
        })
    }
}

#[cfg(test)]
mod tests;
