//! The file in which the records are kept.

use std::fs::File;
use std::io;

use redb::backends::FileBackend;
use redb::{ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
pub(crate) use sealpost_database::Error as StoreError;
use sealpost_database::{Database, is_full};

use crate::keys::{KeyCheck, VaultId};
use sealpost_vault::error::VaultFailure;

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
#[derive(Debug)]
pub(crate) struct Store(Database);

impl Store {
    /// Opens the store in a locked file. `wrap` goes around the file; tests let it fail.
    pub(crate) fn open<B: StorageBackend>(
        file: File,
        cache: usize,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        Database::open("vault", file, cache, wrap).map(Self)
    }

    /// Returns the descriptor, or `None` of a file in which nothing was ever stored.
    pub(crate) fn descriptor(&self) -> Result<Option<Descriptor>, StoreError> {
        self.0.read(|database| {
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
        self.0.with(|database| {
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
        self.0.with(|database| {
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
        })
    }

    /// Returns the record of a name.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(|database| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            Ok(table.get(name)?.map(|record| record.value().to_vec()))
        })
    }

    /// Opens the file again if it failed, and tries whether changes of so many bytes can be written.
    pub(crate) fn probe(&self, bytes: usize) -> Result<(), StoreError> {
        self.0.probe(bytes)
    }

    /// Closes the file and gives its lock back. Blocks until no call uses it any more.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

/// Returns what a failure of the store means to the vault's caller.
pub(crate) fn failure(error: StoreError) -> VaultFailure {
    match error {
        StoreError::Failed(redb::Error::Io(error)) if is_full(&error) => VaultFailure::Full,
        StoreError::Failed(error) => VaultFailure::unavailable(error),
        error @ StoreError::Panicked => VaultFailure::unavailable(error),
        error @ (StoreError::NotSynced | StoreError::Closed) => VaultFailure::unusable(error),
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
