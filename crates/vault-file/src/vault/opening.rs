//! Opening and creating a vault.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand;
use redb::StorageBackend;
use redb::backends::FileBackend;
use sealpost_database::drop_cached_pages;
use sealpost_group_commit::Bounds;
use sealpost_vault::configuration::Opening;
use sealpost_vault::{VaultId, VaultKind};
use tracing::{error, info};

use super::FileVault;
use crate::commit::Changes;
use crate::condition::Found;
use crate::contents::Contents;
use crate::descriptor::Descriptor;
use crate::error::OpenVaultError;
use crate::files::Files;
use crate::keys::{FileKey, VaultKeys};
use crate::seal::Names;
use crate::store::{Opened, Sealing, Store, StoreError};
use crate::survey::{Remains, Whole};

/// How to open a [`FileVault`].
#[derive(Clone, Debug)]
pub struct FileVaultBuilder {
    max_value: usize,
    cache: usize,
    opening: Opening,
    pub(super) bounds: Bounds,
}

impl FileVaultBuilder {
    pub(super) fn new() -> Self {
        Self {
            max_value: VaultKind::EMBEDDED.limits().max_value,
            cache: CACHE,
            opening: Opening::CreateIfNew,
            bounds: Bounds::default(),
        }
    }

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

    /// Sets whether a vault may be created where there is none; it may unless set.
    #[must_use]
    pub const fn opening(mut self, opening: Opening) -> Self {
        self.opening = opening;
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

    /// Creates a vault in a folder without a database, with the key that is there, if one is: to begin again on purpose, or with a key
    /// that was put there beforehand. [`open`](Self::open) takes a key without a database for a loss.
    ///
    /// # Errors
    ///
    /// Those of [`FileVault::open`], and if there is a database.
    pub fn begin(&self, dir: impl AsRef<Path>) -> Result<FileVault, OpenVaultError> {
        let files = Files::new(dir.as_ref());
        files.prepare_directory(true)?;
        // A key that can't be read leaves no database behind.
        files.read_key()?;
        let file = files.create_database()?;
        let key = files.read_key()?;
        self.create(Folder { files, file }, key, |file| file)
    }

    /// Opens the vault with something around its file, with which tests make it fail.
    pub(super) fn open_with<B: StorageBackend>(
        &self,
        dir: &Path,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<FileVault, OpenVaultError> {
        let files = Files::new(dir);
        let may_create = self.opening == Opening::CreateIfNew;
        files.prepare_directory(may_create)?;
        let file = files.lock_database(may_create)?;
        drop_cached_pages("vault", &file);
        let found = Found::look(&files, &file, self.opening)?;
        let folder = Folder { files, file };
        match found {
            Found::Whole(whole, file_key) => self.open_whole(folder, *whole, file_key, wrap),
            Found::Damaged(remains, file_key) => self.open_damaged(folder, *remains, file_key),
            Found::Nothing(file_key) => self.create(folder, file_key, wrap),
        }
    }

    fn open_whole<B: StorageBackend>(
        &self,
        folder: Folder,
        whole: Whole,
        file_key: FileKey,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<FileVault, OpenVaultError> {
        let Whole {
            descriptor,
            keys,
            names,
        } = whole;
        let opened = self.open_file(&folder, wrap)?;
        let store = opened.holding(names, Sealing::new(descriptor, &keys));
        if descriptor.seal.is_none() {
            store.seal().map_err(|error| folder.failed(error))?;
            info!(
                dir = %folder.files.dir.display(),
                "the vault's names are sealed from now on; older versions of this program can't open it"
            );
        }
        self.start(folder, descriptor.id, keys, file_key, store)
    }

    fn create<B: StorageBackend>(
        &self,
        folder: Folder,
        file_key: Option<FileKey>,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<FileVault, OpenVaultError> {
        let Folder { files, file } = &folder;
        // The database first, then the key: a key without a database means that it was lost.
        if file_key.is_none() {
            // redb does not take what a crash left of its layout.
            file.set_len(0)
                .map_err(|error| OpenVaultError::io(&files.database, error))?;
        }
        let opened = self.open_file(&folder, wrap)?;
        let file_key = match file_key {
            Some(file_key) => file_key,
            None => files.create_key()?,
        };
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| OpenVaultError::Crypto)?;
        let keys = VaultKeys::derive(&file_key, &id).map_err(|_| OpenVaultError::Crypto)?;
        let descriptor = Descriptor {
            id,
            check: *keys.check(),
            seal: None,
        };
        let store = opened.holding(Names::default(), Sealing::new(descriptor, &keys));
        store.seal().map_err(|error| folder.failed(error))?;
        info!(dir = %folder.files.dir.display(), "created a new vault");
        self.start(folder, id, keys, file_key, store)
    }

    /// What is intact can be read, so that one flipped bit does not stop what needs other secrets.
    fn open_damaged(
        &self,
        folder: Folder,
        mut remains: Remains,
        file_key: FileKey,
    ) -> Result<FileVault, OpenVaultError> {
        let Folder { files, file } = folder;
        let fault = remains.fault.unwrap_or_default();
        let Some((descriptor, keys)) = remains.vault.take() else {
            return Err(OpenVaultError::Damaged {
                path: files.database,
                fault,
            });
        };
        error!(
            dir = %files.dir.display(), fault,
            "the vault is damaged: what is intact can be read, and nothing is stored; stop the program, then run: \
             sealpost vault check"
        );
        Ok(FileVault {
            writer: None,
            contents: Arc::new(Contents::damaged(&files, file, remains, keys, file_key)),
            id: VaultId::from_bytes(descriptor.id),
            max_value: self.max_value,
            dir: files.dir,
            not_closed: OnceLock::new(),
        })
    }

    fn open_file<B: StorageBackend>(
        &self,
        folder: &Folder,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Opened, OpenVaultError> {
        let path = &folder.files.database;
        Opened::new(path, &folder.file, self.cache, wrap).map_err(|error| folder.failed(error))
    }

    fn start(
        &self,
        folder: Folder,
        id: [u8; 16],
        keys: VaultKeys,
        file_key: FileKey,
        store: Store,
    ) -> Result<FileVault, OpenVaultError> {
        let Folder { files, file } = folder;
        let store = Arc::new(store);
        let writer = Changes::start(Arc::clone(&store), self.bounds)
            .map_err(|error| OpenVaultError::io(&files.database, error))?;
        Ok(FileVault {
            writer: Some(writer),
            contents: Arc::new(Contents::whole(&files, file, store, keys, file_key)),
            id: VaultId::from_bytes(id),
            max_value: self.max_value,
            dir: files.dir,
            not_closed: OnceLock::new(),
        })
    }
}

/// A folder whose database is locked.
struct Folder {
    files: Files,
    file: File,
}

impl Folder {
    fn failed(&self, error: StoreError) -> OpenVaultError {
        OpenVaultError::store(&self.files.database, error)
    }
}

/// For a vault that few people use at a time; redb would take up to 1 GiB.
const CACHE: usize = 4 << 20;

/// So that many values can be written at once within the memory of a small machine.
const MAX_VALUE: usize = 16 << 20;
