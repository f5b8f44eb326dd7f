//! The file in which the records are kept.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use parking_lot::Mutex;
use redb::backends::FileBackend;
use redb::{ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction};
pub(crate) use sealpost_database::Error as StoreError;
use sealpost_database::{Database, is_full};

use crate::descriptor::{Descriptor, UNSEALED, VERSION};
use crate::keys::VaultKeys;
use crate::seal::{self, IndexKey, Mark, Names, Seal};
use sealpost_vault::error::VaultFailure;

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
/// Its file was verified before it was opened. If it is found damaged later, nothing is written to it any more: redb could
/// spread the damage.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
    /// For the mark.
    file: File,
    sealing: Sealing,
    /// A commit holds it from its beginning to its end.
    known: Mutex<Known>,
}

/// The names of the last commit.
#[derive(Debug)]
struct Known {
    names: Names,
    /// Of which opening of the file.
    opening: u64,
}

/// What every commit writes beside the records.
#[derive(Clone, Debug)]
pub(crate) struct Sealing {
    descriptor: Descriptor,
    key: IndexKey,
}

/// A file that is open, and of which the store does not know yet what is in it.
#[derive(Debug)]
pub(crate) struct Opened {
    database: Database,
    file: File,
}

impl Sealing {
    pub(crate) fn new(descriptor: Descriptor, keys: &VaultKeys) -> Self {
        Self {
            descriptor,
            key: keys.index().clone(),
        }
    }
}

impl Opened {
    /// Opens a locked file, which this path names, and lays it out if it is empty. `wrap` goes around the file; tests let it fail.
    pub(crate) fn new<B: StorageBackend>(
        path: &Path,
        file: &File,
        cache: usize,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let again = || file.try_clone().map_err(redb::Error::from);
        let database = Database::open("vault", again()?, cache, wrap)?;
        database.keep_in_place(path)?;
        Ok(Self {
            file: again()?,
            database,
        })
    }

    /// Returns the store of a file in which these names are.
    pub(crate) fn holding(self, names: Names, sealing: Sealing) -> Store {
        let opening = self.database.openings();
        let id = sealing.descriptor.id;
        self.database.require(move |database| {
            let transaction = database.begin_read()?;
            transaction.open_table(RECORDS)?;
            let row = transaction.open_table(DESCRIPTOR)?.get(VERSION)?;
            let found = row.and_then(|row| Descriptor::parse(&VERSION.to_le_bytes(), row.value()));
            match found.is_some_and(|found| found.id == id) {
                true => Ok(()),
                false => Err(lost()),
            }
        });
        Store {
            database: self.database,
            file: self.file,
            sealing,
            known: Mutex::new(Known { names, opening }),
        }
    }
}

impl Store {
    /// Seals the names: creates the tables of a new vault, or makes one of version 1 one of version 2. All or nothing.
    pub(crate) fn seal(&self) -> Result<(), StoreError> {
        self.change(|transaction, _| {
            transaction.open_table(RECORDS)?;
            transaction.open_table(DESCRIPTOR)?.remove(UNSEALED)?;
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
        self.change(|transaction, names| {
            let mut table = transaction.open_table(RECORDS)?;
            for change in changes {
                let (Change::Create { name, .. } | Change::Delete { name }) = change;
                let tag = self.sealing.key.tag(name);
                let there = match change {
                    Change::Create { record, .. } => {
                        let there = table.get(&**name)?.map(|there| there.value().to_vec());
                        if there.is_none() && !names.contains(&tag) {
                            table.insert(&**name, &**record)?;
                            names.add(tag);
                            found.push(None);
                            continue;
                        }
                        there
                    }
                    Change::Delete { .. } => {
                        let there = table.remove(&**name)?.map(|there| there.value().to_vec());
                        if there.is_some() && names.contains(&tag) {
                            names.remove(tag);
                            found.push(there);
                            continue;
                        }
                        there
                    }
                };
                // The name is in the list, and the database does not lead to its record.
                if there.is_none() && names.contains(&tag) {
                    return Err(lost());
                }
                found.push(there);
            }
            Ok(())
        })
    }

    /// Commits a change together with the seal of its names.
    fn change(
        &self,
        make: impl FnOnce(&WriteTransaction, &mut seal::Change<'_>) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        let mut known = self.known.lock();
        let committed = self.database.with(|database| {
            self.refresh(&mut known, database)?;
            let transaction = database.begin_write()?;
            let mut change = known.names.change();
            make(&transaction, &mut change)?;
            let (seal, changed) = change.end();
            let row = seal.to_bytes(&self.sealing.key);
            let row = self.sealing.descriptor.to_bytes(&row);
            let mut descriptor = transaction.open_table(DESCRIPTOR)?;
            descriptor.insert(VERSION, row.as_slice())?;
            drop(descriptor);
            transaction.commit()?;
            Ok((seal, changed, row))
        });
        let (seal, changed, row) = committed.map_err(|error| self.judged(error))?;
        known.names.finish((seal, changed));
        // Without it, a crash at this commit is judged as redb does.
        let mark = Mark::to_bytes(seal.generation, &self.sealing.key);
        let _ = self.file.write_all_at(&mark, Mark::AT);
        // For the case that the row of this commit is damaged.
        let _ = self.file.write_all_at(&row, Descriptor::COPY_AT);
        Ok(())
    }

    /// Returns the record of a name. `None`: there is none, which the list of names proves.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let look = |database: &redb::Database| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            Ok(table.get(name)?.map(|record| record.value().to_vec()))
        };
        let judged = |error| self.judged(error);
        if let Some(record) = self.database.read(look).map_err(judged)? {
            return Ok(Some(record));
        }
        // No commit is under way meanwhile, so list and records are of the same moment.
        let mut known = self.known.lock();
        let looked = self.database.with(|database| {
            self.refresh(&mut known, database)?;
            match known.names.contains(&self.sealing.key.tag(name)) {
                true => look(database)?.map(Some).ok_or_else(lost),
                false => Ok(None),
            }
        });
        looked.map_err(judged)
    }

    /// Returns whether the file was found damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.database.is_frozen()
    }

    /// Has nothing more written to the file: a value in it is damaged.
    pub(crate) fn found_damaged(&self) {
        tracing::error!("a record of the vault does not open: its file is damaged");
        self.database.freeze();
    }

    /// Returns whether a name is in the list of names.
    pub(crate) fn is_listed(&self, name: &str) -> bool {
        self.known
            .lock()
            .names
            .contains(&self.sealing.key.tag(name))
    }

    /// Opens the file again if it failed, and tries whether changes of so many bytes can be written.
    pub(crate) fn probe(&self, bytes: usize) -> Result<(), StoreError> {
        self.database
            .probe(bytes)
            .map_err(|error| self.judged(error))
    }

    /// Returns whether the disk does not answer in time.
    pub(crate) fn is_slow(&self) -> bool {
        self.database.is_slow()
    }

    /// Looks whether the file is still what was written to it.
    pub(crate) fn look(&self) -> Result<(), StoreError> {
        self.database.look()
    }

    /// Closes the database. Blocks until no call uses it any more. Fails if something may not have reached the disk.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        self.database.close()
    }

    /// redb trusts what it reads, and panics where that makes no sense.
    fn judged(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Panicked
            | StoreError::Damaged
            | StoreError::Failed(redb::Error::Corrupted(_)) => {
                self.database.freeze();
                StoreError::Damaged
            }
            error => error,
        }
    }

    /// Reads the names again if the file was opened again: a commit that failed may have reached it, and one that was
    /// acknowledged must not be gone.
    fn refresh(&self, known: &mut Known, database: &redb::Database) -> Result<(), redb::Error> {
        let opening = self.database.openings();
        if known.opening == opening {
            return Ok(());
        }
        let transaction = database.begin_read()?;
        let row = transaction.open_table(DESCRIPTOR)?.get(VERSION)?;
        let seal = row
            .and_then(|row| Descriptor::parse(&VERSION.to_le_bytes(), row.value())?.seal)
            .and_then(|seal| Seal::parse(&seal, &self.sealing.key))
            .ok_or_else(lost)?;
        let before = known.names.seal();
        if seal != before {
            let mut names = Names::default();
            for entry in transaction.open_table(RECORDS)?.iter()? {
                names.add(&self.sealing.key.tag(entry?.0.value()));
            }
            if seal.generation < before.generation || !seal.has_the_names_of(&names.seal()) {
                return Err(lost());
            }
            known.names = names.sealed(seal);
        }
        known.opening = opening;
        Ok(())
    }
}

/// Returns what a failure of the store means to the vault's caller.
pub(crate) fn failure(error: StoreError) -> VaultFailure {
    match error {
        StoreError::Failed(redb::Error::Io(error)) if is_full(&error) => VaultFailure::Full,
        StoreError::Failed(error) => VaultFailure::unavailable(error),
        error @ StoreError::Panicked => VaultFailure::unavailable(error),
        StoreError::Damaged => VaultFailure::unusable(DAMAGED),
        error @ (StoreError::NotSynced | StoreError::Replaced | StoreError::Closed) => {
            VaultFailure::unusable(error)
        }
    }
}

/// A name is in the list, and the database does not lead to its record.
fn lost() -> redb::Error {
    redb::Error::Corrupted("what is in the list of names is not found".to_owned())
}

/// What a damaged vault says.
pub(crate) const DAMAGED: &str = "its file is damaged: what is intact can be read, and nothing is stored; stop the program, then \
    run: sealpost vault check";

/// What a vault on a disk that stalls says.
pub(crate) const SLOW: &str = "the disk under its file does not answer in time: look into the kernel's log, and at what else uses the disk";

/// Names to records.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// The version of the vault to its [`Descriptor`].
const DESCRIPTOR: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("descriptor");
