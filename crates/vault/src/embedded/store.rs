//! The file in which the records are kept.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::FileBackend;
use redb::{
    BackendError, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition,
};
use tracing::{error, warn};

use super::keys::{KeyCheck, VaultId};
use crate::error::VaultFailure;

/// What the store says when it fails. It never has a record in its text.
pub(super) type StoreError = redb::Error;

/// What a vault is recognised by; it is written before the first record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Descriptor {
    pub(super) id: VaultId,
    pub(super) check: KeyCheck,
}

/// One change in a batch.
#[derive(Debug)]
pub(super) enum Change {
    /// Write this record, if the name is free.
    Create { name: String, record: Vec<u8> },
    /// Remove the record of this name.
    Delete { name: String },
}

/// The records of a vault, by name.
///
/// After an I/O error redb does nothing more until the file is opened anew. Where no space was left,
/// this store does so by itself at the next call, so that a vault recovers when space is freed. Not
/// where an fsync failed: the kernel may have forgotten pages that never reached the disk, and what
/// is read back then may be gone after the next power failure.
pub(super) struct Store {
    database: RwLock<Option<Database>>,
    reopen: Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>,
    /// Has an operation failed since the file was opened?
    failed: AtomicBool,
    sync_failed: Arc<AtomicBool>,
}

impl Store {
    /// Opens the store in a locked file. `wrap` goes around the file; tests let it fail.
    pub(super) fn open<B: StorageBackend>(
        file: File,
        cache: usize,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let sync_failed = Arc::new(AtomicBool::new(false));
        let witness = Arc::clone(&sync_failed);
        let reopen = move || {
            let backend = Watched {
                inner: wrap(FileBackend::new(file.try_clone()?)?),
                sync_failed: Arc::clone(&witness),
            };
            Database::builder()
                .set_cache_size(cache)
                .set_repair_callback(|_| warn!("the vault was not closed; checking its file"))
                .create_with_backend(backend)
        };
        Ok(Self {
            database: RwLock::new(Some(reopen()?)),
            reopen: Box::new(reopen),
            failed: AtomicBool::new(false),
            sync_failed,
        })
    }

    /// The descriptor, or `None` in a file in which nothing was ever stored.
    pub(super) fn descriptor(&self) -> Result<Option<Descriptor>, StoreError> {
        self.with(|database| {
            let transaction = database.begin_read()?;
            let table = match transaction.open_table(DESCRIPTOR) {
                Err(redb::TableError::TableDoesNotExist(_)) => {
                    // Made by something else, if there are other tables.
                    return match transaction.list_tables()?.next() {
                        None => Ok(None),
                        Some(_) => Err(not_a_vault()),
                    };
                }
                table => table?,
            };
            let row = table.get(VERSION)?.ok_or_else(not_a_vault)?;
            let (id, check) = row
                .value()
                .split_first_chunk()
                .and_then(|(id, check)| Some((*id, check.try_into().ok()?)))
                .ok_or_else(not_a_vault)?;
            Ok(Some(Descriptor { id, check }))
        })
    }

    /// Makes the tables and writes the descriptor, all or nothing.
    pub(super) fn initialise(&self, descriptor: &Descriptor) -> Result<(), StoreError> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            transaction.open_table(RECORDS)?;
            transaction.open_table(DESCRIPTOR)?.insert(
                VERSION,
                [&descriptor.id[..], &descriptor.check].concat().as_slice(),
            )?;
            transaction.commit()?;
            Ok(())
        })
    }

    /// Makes all changes, in their order, durable with one fsync; or none of them.
    ///
    /// Gives for each the record that was there before: for `Create`, the one that stands in its way.
    pub(super) fn apply(&self, changes: &[Change]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            let mut found = Vec::with_capacity(changes.len());
            {
                let mut table = transaction.open_table(RECORDS)?;
                for change in changes {
                    found.push(match change {
                        Change::Create { name, record } => {
                            let there = table.get(&**name)?.map(|there| there.value().to_vec());
                            if there.is_none() {
                                table.insert(&**name, &**record)?;
                            }
                            there
                        }
                        Change::Delete { name } => {
                            table.remove(&**name)?.map(|there| there.value().to_vec())
                        }
                    });
                }
            }
            transaction.commit()?;
            Ok(found)
        })
    }

    /// Reads the record of a name.
    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|database| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            Ok(table.get(name)?.map(|record| record.value().to_vec()))
        })
    }

    fn with<T>(
        &self,
        use_database: impl Fn(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(redb::Error::PreviousIo);
        }
        if self.failed.load(Ordering::Acquire) {
            self.open_anew()?;
        }
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let result = use_database(database.as_ref().ok_or(redb::Error::PreviousIo)?);
        if let Err(error) = &result {
            error!(%error, "the vault's file failed");
            self.failed.store(true, Ordering::Release);
        }
        result
    }

    fn open_anew(&self) -> Result<(), StoreError> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have done it while this one waited.
        if self.failed.load(Ordering::Acquire) {
            // The old one goes first: it holds the lock.
            *database = None;
            *database = Some((self.reopen)()?);
            self.failed.store(false, Ordering::Release);
            warn!("the vault's file was opened anew after a failure");
        }
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("failed", &self.failed)
            .field("sync_failed", &self.sync_failed)
            .finish_non_exhaustive()
    }
}

/// Is there no space left, in one of the ways in which systems say so?
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

pub(super) fn failure(error: StoreError) -> VaultFailure {
    match error {
        redb::Error::Io(error) if is_full(&error) => VaultFailure::Full,
        redb::Error::PreviousIo => VaultFailure::unavailable(Stopped),
        error => VaultFailure::unavailable(error),
    }
}

/// The vault stopped because going on could lose what it acknowledges.
#[derive(Debug, thiserror::Error)]
#[error("an earlier write did not reach the disk; check the disk, then start the program anew")]
struct Stopped;

fn not_a_vault() -> StoreError {
    redb::Error::Io(io::ErrorKind::InvalidData.into())
}

/// Names to records.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// The version of the vault to its identifier and the check of its key: 16 + 32 bytes.
const DESCRIPTOR: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("descriptor");

const VERSION: u32 = 1;

/// Remembers whether an fsync failed.
#[derive(Debug)]
struct Watched<B> {
    inner: B,
    sync_failed: Arc<AtomicBool>,
}

impl<B: StorageBackend> StorageBackend for Watched<B> {
    fn sync_data(&self) -> io::Result<()> {
        self.inner
            .sync_data()
            .inspect_err(|_| self.sync_failed.store(true, Ordering::Release))
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
