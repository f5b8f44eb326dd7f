//! The database, opened again after failures.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend, TableDefinition};
use tracing::{error, warn};

use crate::error::Error;
use crate::panics::contained;
use crate::place::Place;
use crate::under_way::UnderWay;
use crate::watched::{Known, Watched};

/// A database in one file. The [crate](crate) says how it fails.
///
/// Its methods may be called from any number of threads, and block while they use the disk.
pub struct Database {
    /// `None` when it was closed.
    open: RwLock<Option<Open>>,
    /// Whether an operation has failed since the file was opened.
    failed: AtomicBool,
    known: Arc<Known>,
    under_way: UnderWay,
    /// How often the file was opened.
    openings: AtomicU64,
    /// To look at it beside the database.
    file: File,
    /// What must hold of a file that is opened again.
    required: Mutex<Vec<Requirement>>,
}

/// Fails if what must be in a database is not there.
type Requirement = Box<dyn Fn(&redb::Database) -> Result<(), redb::Error> + Send + Sync>;

/// What holds the file, and with it the lock.
struct Open {
    /// `None` when it could not be opened again.
    database: Option<redb::Database>,
    reopen: Box<dyn Fn() -> Result<redb::Database, DatabaseError> + Send + Sync>,
}

impl Database {
    /// Opens the database in a locked file, or creates one if the file is empty. `what` names it in the log, such as
    /// `vault`; `cache` is in bytes; `wrap` goes around the file, so that tests can let it fail.
    ///
    /// After everything but an orderly end this checks the file, which takes time in proportion to its size.
    ///
    /// # Errors
    ///
    /// [`Error`]; the file is closed then.
    pub fn open<B: StorageBackend>(
        what: &'static str,
        file: File,
        cache: usize,
        wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        drop_cached_pages(what, &file);
        let known = Arc::new(Known::new(what));
        let open = move |backend| {
            redb::Database::builder()
                .set_cache_size(cache)
                .set_repair_callback(move |_| warn!("the {what} was not closed; checking its file"))
                .create_with_backend(backend)
        };
        let first = || {
            let inner = wrap(FileBackend::new(file.try_clone()?)?);
            open(Watched::first(inner, Arc::clone(&known))?)
        };
        let database = contained(first)?;
        let again = Arc::clone(&known);
        let looked_at = file.try_clone().map_err(redb::Error::from)?;
        // redb has no way to open a backend and never create, so `again` refuses a file without its database.
        let reopen = move || {
            let inner = wrap(FileBackend::new(file.try_clone()?)?);
            open(Watched::again(inner, Arc::clone(&again))?)
        };
        Ok(Self {
            open: RwLock::new(Some(Open {
                database: Some(database),
                reopen: Box::new(reopen),
            })),
            failed: AtomicBool::new(false),
            known,
            under_way: UnderWay::default(),
            openings: AtomicU64::new(1),
            file: looked_at,
            required: Mutex::default(),
        })
    }

    /// Takes the file for lost once `path`, which names it now, names another one or none: the next start would not find it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file can't be looked at, or if the path does not name it.
    pub fn keep_in_place(&self, path: &Path) -> Result<(), Error> {
        let place = Place::of(path, &self.file).map_err(redb::Error::from)?;
        self.known.keep_in(place);
        self.look()
    }

    /// Looks whether the file is still in its place, as long as it was, and begins as it was written. It reads a few bytes. After an operation
    /// that took too long it tries a change.
    ///
    /// # Errors
    ///
    /// [`Error::Replaced`] and [`Error::Damaged`], from then on of every change, and [`Error::Failed`] if the file can't be looked at.
    pub fn look(&self) -> Result<(), Error> {
        self.look_at_file()?;
        // Nothing else may be written while the disk is taken for slow.
        match self.under_way.was_slow() && !self.under_way.is_stuck() && !self.is_closed() {
            true => self.probe(1),
            false => Ok(()),
        }
    }

    /// Returns whether the disk does not answer: an operation takes longer than two seconds, or one has, and no change was quicker since.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.under_way.is_slow()
    }

    fn is_closed(&self) -> bool {
        self.open.read().is_none()
    }

    fn look_at_file(&self) -> Result<(), Error> {
        let _operation = self.under_way.begin();
        let open = self.open.read();
        // One that is closed may be another process's by now.
        if open.is_none() || self.is_frozen() {
            return Ok(());
        }
        let looked = self.known.is_in_place().and_then(|()| {
            let length = || Ok(self.file.metadata()?.len());
            let read = |start: &mut [u8]| self.file.read_exact_at(start, 0);
            self.known.is_as_written(length, read)
        });
        looked.map_err(|error| self.finality(Error::Failed(redb::Error::Io(error))))
    }

    /// Adds what must hold whenever the file is opened again after a failure: that tables are there, and which database it is. A file
    /// of which it does not hold is damaged.
    pub fn require(
        &self,
        holds: impl Fn(&redb::Database) -> Result<(), redb::Error> + Send + Sync + 'static,
    ) {
        self.required.lock().push(Box::new(holds));
    }

    /// Reads. If another call's failure comes in between, it reads again, alone.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn read<T>(
        &self,
        read: impl Fn(&redb::Database) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        let _operation = self.under_way.begin();
        match self
            .usable()
            .and_then(|()| self.used(self.open.read().as_ref(), &read))
        {
            // redb remembers the failure of another call, and does nothing more.
            Err(Error::Failed(redb::Error::PreviousIo)) => {
                let mut open = self.open.write();
                self.reopen(open.as_mut())?;
                self.used(open.as_ref(), read)
            }
            result => result,
        }
    }

    /// Uses the database, after opening the file again if it failed before. Whatever error `use_database` returns makes the
    /// next call open it again.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn with<T>(
        &self,
        use_database: impl FnOnce(&redb::Database) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        let _operation = self.under_way.begin();
        let in_place = self.known.is_in_place().map_err(redb::Error::Io);
        in_place.map_err(|error| self.finality(error.into()))?;
        self.usable()?;
        self.used(self.open.read().as_ref(), use_database)
    }

    /// Opens the file again if it failed before. Fails if nothing more may be done with it.
    fn usable(&self) -> Result<(), Error> {
        if self.known.sync_failed.load(Ordering::Acquire) {
            return Err(Error::NotSynced);
        }
        if self.is_frozen() {
            return Err(Error::Damaged);
        }
        if self.failed.load(Ordering::Acquire) {
            self.reopen(self.open.write().as_mut())?;
        }
        Ok(())
    }

    /// Opens the file again if it failed, and tries whether a change of `bytes` bytes fits, durably; nothing of it is left.
    ///
    /// # Errors
    ///
    /// [`Error`]: changes fail, too.
    pub fn probe(&self, bytes: usize) -> Result<(), Error> {
        let operation = self.under_way.begin();
        self.with(|database| {
            let chunk = [0; CHUNK];
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(PROBE)?;
                for index in 0..bytes.div_ceil(CHUNK) {
                    table.insert(index as u64, &chunk[..])?;
                }
            }
            transaction.commit()?;
            let transaction = database.begin_write()?;
            transaction.delete_table(PROBE)?;
            Ok(transaction.commit()?)
        })?;
        operation.has_changed();
        Ok(())
    }

    /// Lets nothing be written to the file any more, also when it is closed: what is in it is damaged.
    pub fn freeze(&self) {
        self.known.freeze("is damaged");
    }

    /// Returns whether nothing is written to the file any more.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.known.is_frozen()
    }

    /// Returns how often the file was opened. When it was opened again, it may be in the state before or after the change that
    /// failed.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.openings.load(Ordering::Acquire)
    }

    /// Closes the file and gives its lock back. Blocks until no call uses it any more. What was acknowledged is durable
    /// before.
    ///
    /// # Errors
    ///
    /// [`Error`] if it was not closed in order: something could not be written, now or before, or an fsync failed. The file is closed all
    /// the same. It keeps its mark, so the next opening checks it.
    pub fn close(&self) -> Result<(), Error> {
        let Some(open) = self.open.write().take() else {
            return self.synced();
        };
        let closed = contained(|| match open.database {
            Some(database) => database.close(),
            // It could not be opened again after a failure.
            None => Err(redb::StorageError::PreviousIo.into()),
        });
        closed.map_err(|error| self.finality(error))?;
        self.synced()
    }

    fn synced(&self) -> Result<(), Error> {
        match self.known.sync_failed.load(Ordering::Acquire) {
            true => Err(Error::NotSynced),
            false => Ok(()),
        }
    }

    fn used<T>(
        &self,
        open: Option<&Open>,
        use_database: impl FnOnce(&redb::Database) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        let database = open.ok_or(Error::Closed)?.database.as_ref();
        let database = database.ok_or(redb::Error::PreviousIo)?;
        contained(|| use_database(database)).map_err(|error| {
            error!(%error, "the file of the {} failed", self.known.what);
            self.failed.store(true, Ordering::Release);
            self.finality(error)
        })
    }

    /// Opens the file again, unless another call has done it while this one waited.
    fn reopen(&self, open: Option<&mut Open>) -> Result<(), Error> {
        let open = open.ok_or(Error::Closed)?;
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let opened = contained::<_, redb::Error>(|| {
            // The old one goes first: it holds the lock.
            open.database = None;
            let database = (open.reopen)().map_err(redb::Error::from)?;
            for holds in &*self.required.lock() {
                holds(&database).inspect_err(|error| {
                    if is_loss(error) {
                        self.known.freeze("is another one, or lacks what was in it");
                    }
                })?;
            }
            Ok(database)
        });
        open.database = Some(opened.map_err(|error| self.finality(error))?);
        self.openings.fetch_add(1, Ordering::AcqRel);
        self.failed.store(false, Ordering::Release);
        warn!(
            "the file of the {} was opened again after a failure",
            self.known.what
        );
        Ok(())
    }

    /// Not the database's error after a failed fsync, or if the file is damaged: these say that they are final.
    fn finality(&self, error: Error) -> Error {
        if self.known.sync_failed.load(Ordering::Acquire) {
            Error::NotSynced
        } else if self.is_frozen() {
            Error::Damaged
        } else if self.known.is_replaced() {
            Error::Replaced
        } else {
            error
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("failed", &self.failed)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

/// Returns whether an error says that something is not there, or is not what was written.
const fn is_loss(error: &redb::Error) -> bool {
    matches!(
        error,
        redb::Error::Corrupted(_)
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }
    )
}

/// Has the kernel forget pages of a file that are not to be written, so that the next read is from the disk. After a failed fsync of an
/// earlier process it may hold pages that look clean and are not there. `what` names the file in the log.
#[cfg(target_os = "linux")]
pub fn drop_cached_pages(what: &str, file: &File) {
    use rustix::fs::{Advice, fadvise};
    if let Err(error) = fadvise(file, 0, None, Advice::DontNeed) {
        warn!(%error, "the file of the {what} is read from the cache: its pages can't be dropped");
    }
}

/// Does nothing on this system.
#[cfg(not(target_os = "linux"))]
pub fn drop_cached_pages(_: &str, _: &File) {}

/// What a probe writes, and removes.
const PROBE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("probe");
const CHUNK: usize = 4096;
