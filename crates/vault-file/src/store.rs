//! The file in which the records are kept.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
};
use thiserror::Error;
use tracing::{error, warn};

use crate::keys::{KeyCheck, VaultId};
use crate::watched::Watched;
use sealpost_vault::error::VaultFailure;

/// Why the store failed. Its text never holds a record.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// The next call may succeed.
    #[error(transparent)]
    Database(#[from] redb::Error),
    /// The store stopped because going on could lose what it acknowledges.
    #[error("a write did not reach the disk; check the disk, then restart the program")]
    NotSynced,
    #[error("the vault was closed")]
    Closed,
}

/// Identifies a vault; it is written before the first record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Descriptor {
    pub(crate) id: VaultId,
    pub(crate) check: KeyCheck,
}

/// One change in a batch.
#[derive(Debug)]
pub(crate) enum Change {
    /// Write this record, if the name is free.
    Create { name: String, record: Vec<u8> },
    /// Remove the record of this name.
    Delete { name: String },
}

/// The records of a vault, by name.
///
/// After an I/O error redb does nothing more until the file is opened again. This store does so by itself at the next
/// call, so that a vault recovers when space is freed. It does not after a failed fsync: the kernel may have forgotten
/// pages that never reached the disk, and what is read back then may be gone after the next power failure.
pub(crate) struct Store {
    /// `None` when it was closed.
    open: RwLock<Option<Open>>,
    /// Whether an operation has failed since the file was opened.
    failed: AtomicBool,
    sync_failed: Arc<AtomicBool>,
}

/// What holds the file, and with it the lock.
struct Open {
    /// `None` when it could not be opened again.
    database: Option<Database>,
    reopen: Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>,
}

impl Store {
    /// Opens the store in a locked file. `wrap` goes around the file; tests let it fail.
    pub(crate) fn open<B: StorageBackend>(
        file: File,
        cache: usize,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Self, redb::Error> {
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
            open: RwLock::new(Some(Open {
                database: Some(reopen()?),
                reopen: Box::new(reopen),
            })),
            failed: AtomicBool::new(false),
            sync_failed,
        })
    }

    /// Returns the descriptor, or `None` of a file in which nothing was ever stored.
    pub(crate) fn descriptor(&self) -> Result<Option<Descriptor>, StoreError> {
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

    /// Creates the tables and writes the descriptor, all or nothing.
    pub(crate) fn initialise(&self, descriptor: &Descriptor) -> Result<(), StoreError> {
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
    /// Adds to `found` for each the record that was there before: for `Create`, the one that stands in its way.
    pub(crate) fn apply(
        &self,
        changes: &[Change],
        found: &mut Vec<Option<Vec<u8>>>,
    ) -> Result<(), StoreError> {
        let result = self.with(|database| {
            let transaction = database.begin_write()?;
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
            Ok(())
        });
        match result {
            // Not the database's error: this one says that it is for good.
            Err(_) if self.sync_failed.load(Ordering::Acquire) => Err(StoreError::NotSynced),
            result => result,
        }
    }

    /// Returns the record of a name.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|database| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            Ok(table.get(name)?.map(|record| record.value().to_vec()))
        })
    }

    /// Closes the file and gives its lock back. Blocks until no call uses it any more.
    pub(crate) fn close(&self) {
        *self.open.write() = None;
    }

    fn with<T>(
        &self,
        mut use_database: impl FnMut(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(StoreError::NotSynced);
        }
        if self.failed.load(Ordering::Acquire) {
            self.reopen()?;
        }
        let open = self.open.read();
        let database = open.as_ref().ok_or(StoreError::Closed)?.database.as_ref();
        let result = use_database(database.ok_or(redb::Error::PreviousIo)?);
        result.map_err(|error| {
            error!(%error, "the vault's file failed");
            self.failed.store(true, Ordering::Release);
            error.into()
        })
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut open = self.open.write();
        let open = open.as_mut().ok_or(StoreError::Closed)?;
        // Another call may have done it while this one waited.
        if self.failed.load(Ordering::Acquire) {
            // The old one goes first: it holds the lock.
            open.database = None;
            open.database = Some((open.reopen)().map_err(redb::Error::from)?);
            self.failed.store(false, Ordering::Release);
            warn!("the vault's file was opened again after a failure");
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

/// Returns whether there is no space left, in one of the ways in which systems say so.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

impl From<StoreError> for VaultFailure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(redb::Error::Io(error)) if is_full(&error) => Self::Full,
            StoreError::Database(error) => Self::unavailable(error),
            error @ (StoreError::NotSynced | StoreError::Closed) => Self::unusable(error),
        }
    }
}

fn not_a_vault() -> redb::Error {
    redb::Error::Io(io::ErrorKind::InvalidData.into())
}

/// Names to records.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// The version of the vault to its identifier and the check of its key: 16 + 32 bytes.
const DESCRIPTOR: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("descriptor");

const VERSION: u32 = 1;
