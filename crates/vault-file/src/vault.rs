//! The vault: names to records, through the keys and the store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand;
use redb::StorageBackend;
use redb::backends::FileBackend;
use sealpost_group_commit::Bounds;
use sealpost_vault::{
    Deadline, Health, Lifecycle, Limits, NewSecret, OperationId, Receipt, SecretValue, Vault,
    VaultKind, VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::Guarantees,
};
use tracing::info;

use crate::commit::{self, Changes, Writer};
use crate::error::OpenVaultError;
use crate::files::Files;
use crate::keys::VaultKeys;
use crate::record::Record;
use crate::store::{self, Change, Descriptor, Store, StoreError};

/// The vault in one file. The [crate](crate) says what it protects and what it does not.
///
/// [`close`](Vault::close) waits until the changes that are queued are on the disk, then frees the file, so that it
/// can be opened again. Dropping does the same and blocks meanwhile.
pub struct FileVault {
    // The writer is dropped first: it finishes its work, and then the store closes the file.
    writer: Writer,
    store: Arc<Store>,
    keys: VaultKeys,
    max_value: usize,
    dir: PathBuf,
}

/// How to open a [`FileVault`].
#[derive(Clone, Debug)]
pub struct FileVaultBuilder {
    max_value: usize,
    cache: usize,
    bounds: Bounds,
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
        FileVaultBuilder {
            max_value: VaultKind::EMBEDDED.limits().max_value,
            cache: CACHE,
            bounds: Bounds::default(),
        }
    }

    /// Returns the directory of the vault.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes one change durable, and returns the record that was there before.
    async fn submit(&self, change: Change) -> Result<Option<Vec<u8>>, VaultFailure> {
        self.writer.submit(change).await.map_err(commit::failure)
    }

    /// A read failed: redb does nothing more until the file is opened again, so changes would fail, too.
    fn suspect(&self, error: StoreError) -> VaultFailure {
        let failure = store::failure(error);
        self.writer.suspect(failure.clone());
        failure
    }

    /// Returns whether this very operation stored this very value.
    fn is_own(&self, name: &str, value: &[u8], operation: &OperationId, record: &[u8]) -> bool {
        Record::parse(record).is_some_and(|record| record.operation == *operation)
            && self
                .keys
                .open(name, record)
                .is_ok_and(|stored| verify_slices_are_equal(&stored, value).is_ok())
    }
}

impl FileVaultBuilder {
    /// Sets the longest value that is accepted, in bytes; 64 KiB unless set, at most 16 MiB. Values that are stored
    /// can be read, however long they are.
    #[must_use]
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes.min(MAX_VALUE);
        self
    }

    /// Sets how much memory the database may use for its cache, in bytes; 4 MiB unless set.
    #[must_use]
    pub const fn cache(mut self, bytes: usize) -> Self {
        self.cache = bytes;
        self
    }

    /// Opens the vault as [`FileVault::open`] does.
    ///
    /// # Errors
    ///
    /// Those of [`FileVault::open`].
    pub fn open(&self, dir: impl AsRef<Path>) -> Result<FileVault, OpenVaultError> {
        self.open_with(dir.as_ref(), |file| file)
    }

    /// Opens the vault with something around its file, with which tests make it fail.
    fn open_with<B: StorageBackend>(
        &self,
        dir: &Path,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<FileVault, OpenVaultError> {
        let files = Files::new(dir);
        let failed = |error| OpenVaultError::store(&files.database, error);

        files.prepare_directory()?;
        let file = files.lock_database()?;
        let store = Store::open(file, self.cache, wrap).map_err(failed)?;
        let descriptor = store.descriptor().map_err(failed)?;
        let keys = match (descriptor, files.read_key()?) {
            (Some(descriptor), Some(file_key)) => {
                let keys = VaultKeys::derive(&file_key, &descriptor.id).map_err(no_crypto)?;
                if !keys.belong_to(&descriptor.check) {
                    return Err(OpenVaultError::KeyMismatch { path: files.key });
                }
                keys
            }
            (Some(_), None) => return Err(OpenVaultError::KeyMissing { path: files.key }),
            // A new vault. The key file is on the disk before anything is encrypted with it; one that
            // is there already was put there for this vault, or is left from a crash just here.
            (None, file_key) => {
                let file_key = match file_key {
                    Some(file_key) => file_key,
                    None => files.create_key()?,
                };
                let mut id = [0; 16];
                rand::fill(&mut id).map_err(no_crypto)?;
                let keys = VaultKeys::derive(&file_key, &id).map_err(no_crypto)?;
                let check = *keys.check();
                store
                    .initialise(&Descriptor { id, check })
                    .map_err(failed)?;
                info!(dir = %files.dir.display(), "created a new vault");
                keys
            }
        };
        let store = Arc::new(store);
        let writer = Changes::start(Arc::clone(&store), self.bounds)
            .map_err(|error| OpenVaultError::io(&files.database, error))?;
        Ok(FileVault {
            writer,
            store,
            keys,
            max_value: self.max_value,
            dir: files.dir,
        })
    }
}

#[async_trait]
impl Vault for FileVault {
    fn kind(&self) -> VaultKind {
        VaultKind::EMBEDDED
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
            .keys
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
        let (store, key) = (Arc::clone(&self.store), text.to_owned());
        let record = tokio::task::spawn_blocking(move || store.get(&key))
            .await
            .map_err(VaultFailure::unavailable)?
            .map_err(|error| self.suspect(error))?
            .ok_or(FetchError::NotFound)?;
        let value = self
            .keys
            .open(text, &record)
            .map_err(|_| FetchError::Damaged)?;
        Ok(SecretValue::new(value))
    }

    fn health(&self) -> Health {
        commit::health(self.writer.state())
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        Some(self)
    }

    async fn close(&self) {
        self.writer.close().await;
        let store = Arc::clone(&self.store);
        // A panic while the database is closed has been reported, and the file is free.
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
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

fn no_crypto(_: aws_lc_rs::error::Unspecified) -> OpenVaultError {
    OpenVaultError::Crypto
}

/// For a vault that few people use at a time; redb would take up to 1 GiB.
const CACHE: usize = 4 << 20;

/// So that many values can be written at once within the memory of a small machine.
const MAX_VALUE: usize = 16 << 20;

#[cfg(test)]
mod tests;
