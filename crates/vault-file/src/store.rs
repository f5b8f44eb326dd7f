//! The file in which the records are kept.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock};
use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};
use thiserror::Error;
use tracing::{error, warn};

use crate::contained::contained;
use crate::descriptor::{Descriptor, UNSEALED, VERSION};
use crate::keys::VaultKeys;
use crate::seal::{self, IndexKey, Mark, Names, Seal};
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
    /// What was stored can't be found, or the database stopped in a panic. Nothing is written any more.
    #[error(
        "its file is damaged, and nothing is written to it any more; stop the program and run: sealpost vault check"
    )]
    Damaged,
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
    /// For the mark.
    file: File,
    sealing: Sealing,
    /// The names of the last commit. A commit holds it from its beginning to its end.
    names: Mutex<Names>,
    /// Whether the file is damaged, so that nothing may be written to it.
    damaged: Arc<AtomicBool>,
    /// Whether an operation has failed since the file was opened.
    failed: AtomicBool,
    /// Whether the file was opened again, and the names are not read again yet.
    reopened: AtomicBool,
    sync_failed: Arc<AtomicBool>,
}

/// What every commit writes beside the records.
#[derive(Clone, Debug)]
pub(crate) struct Sealing {
    pub(crate) descriptor: Descriptor,
    pub(crate) key: IndexKey,
}

impl Sealing {
    pub(crate) fn new(descriptor: Descriptor, keys: &VaultKeys) -> Self {
        Self {
            descriptor,
            key: keys.index().clone(),
        }
    }
}

/// What holds the file, and with it the lock.
struct Open {
    /// `None` when it could not be opened again.
    database: Option<Database>,
    reopen: Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>,
}

/// A file that is open, and of which the store does not know yet what is in it.
pub(crate) struct Opened {
    open: Open,
    file: File,
    sync_failed: Arc<AtomicBool>,
    damaged: Arc<AtomicBool>,
}

impl Opened {
    /// Opens a locked file, and lays it out if it is empty. `wrap` goes around the file; tests let it fail.
    pub(crate) fn new<B: StorageBackend>(
        file: &File,
        cache: usize,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let sync_failed = Arc::new(AtomicBool::new(false));
        let damaged = Arc::new(AtomicBool::new(false));
        let (witness, frozen) = (Arc::clone(&sync_failed), Arc::clone(&damaged));
        let own = file.try_clone().map_err(redb::Error::from)?;
        let file = file.try_clone().map_err(redb::Error::from)?;
        let reopen = move || {
            let backend = Watched {
                inner: wrap(FileBackend::new(file.try_clone()?)?),
                sync_failed: Arc::clone(&witness),
                frozen: Arc::clone(&frozen),
            };
            Database::builder()
                .set_cache_size(cache)
                .set_repair_callback(|_| warn!("the vault was not closed; checking its file"))
                .create_with_backend(backend)
        };
        let database = contained(&reopen)
            .ok_or(StoreError::Damaged)?
            .map_err(redb::Error::from)?;
        Ok(Self {
            open: Open {
                database: Some(database),
                reopen: Box::new(reopen),
            },
            file: own,
            sync_failed,
            damaged,
        })
    }

    /// Returns the store of a file in which these names are.
    pub(crate) fn holding(self, names: Names, sealing: Sealing) -> Store {
        Store {
            open: RwLock::new(Some(self.open)),
            file: self.file,
            sealing,
            names: Mutex::new(names),
            damaged: self.damaged,
            failed: AtomicBool::new(false),
            reopened: AtomicBool::new(false),
            sync_failed: self.sync_failed,
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
                    return Err(StoreError::Damaged);
                }
                found.push(there);
            }
            Ok(())
        })
    }

    /// Commits a change together with the seal of its names.
    fn change(
        &self,
        mut make: impl FnMut(&WriteTransaction, &mut seal::Change<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut names = self.current_names()?;
        let mut done = None;
        let result = self.with(|database| {
            let transaction = database.begin_write()?;
            let mut change = names.change();
            make(&transaction, &mut change)?;
            let (seal, changed) = change.end();
            transaction.open_table(DESCRIPTOR)?.insert(
                VERSION,
                self.sealing
                    .descriptor
                    .to_bytes(&seal.to_bytes(&self.sealing.key))
                    .as_slice(),
            )?;
            transaction.commit()?;
            done = Some((seal, changed));
            Ok(())
        });
        match (result, done) {
            // Not the database's error: this one says that it is for good.
            (Err(_), _) if self.sync_failed.load(Ordering::Acquire) => Err(StoreError::NotSynced),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(done)) => {
                let mark = Mark::to_bytes(done.0.generation, &self.sealing.key);
                names.finish(done);
                // Without it, a crash at this commit is judged as redb does.
                let _ = self.file.write_all_at(&mark, Mark::AT);
                Ok(())
            }
        }
    }

    /// Returns the record of a name. `None`: there is none, which the list of names proves.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let look = || {
            self.with(|database| {
                let table = database.begin_read()?.open_table(RECORDS)?;
                Ok(table.get(name)?.map(|record| record.value().to_vec()))
            })
        };
        if let Some(record) = look()? {
            return Ok(Some(record));
        }
        // No commit is under way while the names are held, so list and records are of the same moment.
        let names = self.current_names()?;
        if !names.contains(&self.sealing.key.tag(name)) {
            return Ok(None);
        }
        match look()? {
            Some(record) => Ok(Some(record)),
            None => {
                self.freeze();
                Err(StoreError::Damaged)
            }
        }
    }

    /// Returns the names of the last commit, and holds commits up.
    fn current_names(&self) -> Result<MutexGuard<'_, Names>, StoreError> {
        let mut names = self.names.lock();
        if self.failed.load(Ordering::Acquire) {
            self.reopen()?;
        }
        if self.reopened.swap(false, Ordering::AcqRel) {
            let read = self.with(|database| self.read_names(database, names.seal()));
            match read.inspect_err(|_| self.reopened.store(true, Ordering::Release))? {
                Some(read) => *names = read,
                None => {}
            }
        }
        Ok(names)
    }

    /// Reads the names again, unless they are those of this seal: a commit that failed may have reached the file, and one that
    /// was acknowledged must not be gone.
    fn read_names(&self, database: &Database, known: Seal) -> Result<Option<Names>, StoreError> {
        let transaction = database.begin_read()?;
        let row = transaction.open_table(DESCRIPTOR)?;
        let row = row.get(VERSION)?;
        let seal = row
            .and_then(|row| Descriptor::parse(&VERSION.to_le_bytes(), row.value())?.seal)
            .and_then(|seal| Seal::parse(&seal, &self.sealing.key));
        let seal = seal.ok_or(StoreError::Damaged)?;
        if seal == known {
            return Ok(None);
        }
        let mut names = Names::default();
        let records = transaction.open_table(RECORDS)?;
        for entry in records.iter()? {
            let (name, _) = entry?;
            names.add(&self.sealing.key.tag(name.value()));
        }
        let whole = seal.generation > known.generation && seal.has_the_names_of(&names.seal());
        whole
            .then(|| Some(names.sealed(seal)))
            .ok_or(StoreError::Damaged)
    }

    /// Returns whether the file was found damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    /// Returns whether a name is in the list of names.
    pub(crate) fn is_listed(&self, name: &str) -> bool {
        self.names.lock().contains(&self.sealing.key.tag(name))
    }

    /// Lets nothing be written any more.
    fn freeze(&self) {
        if !self.damaged.swap(true, Ordering::AcqRel) {
            error!("the vault's file is damaged; nothing is written to it any more");
        }
    }

    /// Closes the database. Blocks until no call uses it any more.
    pub(crate) fn close(&self) {
        let open = self.open.write().take();
        contained(move || drop(open));
    }

    fn with<T>(
        &self,
        use_database: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.is_damaged() {
            return Err(StoreError::Damaged);
        }
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(StoreError::NotSynced);
        }
        if self.failed.load(Ordering::Acquire) {
            self.reopen()?;
        }
        let open = self.open.read();
        let database = open.as_ref().ok_or(StoreError::Closed)?.database.as_ref();
        let database = database.ok_or(redb::Error::PreviousIo)?;
        // redb trusts what it reads, and panics where that makes no sense.
        let result = contained(|| use_database(database)).unwrap_or(Err(StoreError::Damaged));
        match result {
            Err(StoreError::Damaged | StoreError::Database(redb::Error::Corrupted(_))) => {
                self.freeze();
                Err(StoreError::Damaged)
            }
            Err(error) => {
                error!(%error, "the vault's file failed");
                self.failed.store(true, Ordering::Release);
                Err(error)
            }
            Ok(done) => Ok(done),
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut open = self.open.write();
        let open = open.as_mut().ok_or(StoreError::Closed)?;
        // Another call may have done it while this one waited.
        if self.failed.load(Ordering::Acquire) {
            // The old one goes first: it holds the lock.
            let old = open.database.take();
            contained(move || drop(old));
            let opened = contained(|| (open.reopen)()).ok_or(StoreError::Damaged);
            let opened = opened.inspect_err(|_| self.freeze())?;
            open.database = Some(opened.map_err(redb::Error::from)?);
            self.reopened.store(true, Ordering::Release);
            self.failed.store(false, Ordering::Release);
            warn!("the vault's file was opened again after a failure");
        }
        Ok(())
    }
}

/// What a closure that calls redb can use `?` with.
macro_rules! from_redb {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        }
    )*};
}
from_redb!(StorageError, TableError, TransactionError, CommitError);

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
            error @ (StoreError::NotSynced | StoreError::Closed | StoreError::Damaged) => {
                Self::unusable(error)
            }
        }
    }
}

/// Names to records.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// The version of the vault to its [`Descriptor`].
const DESCRIPTOR: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("descriptor");
