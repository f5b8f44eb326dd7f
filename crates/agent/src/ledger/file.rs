//! A ledger in a file: a redb database that one thread writes to.

use std::{
    fs::{self, TryLockError},
    io::ErrorKind,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use redb::{
    ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, StorageBackend,
    TableDefinition, TableError, TableHandle as _, backends::FileBackend,
};
use sealpost_database::{Database, Error, Untouched, drop_cached_pages};
use sealpost_envelope::UnixTime;
use sealpost_files::{Missing, check_can_create_in, lock, look_unlocked, open_own};
use sealpost_group_commit::{Bounds, Commit, End, Failure, GroupCommit, State, SubmitError};
use sealpost_vault::{Health, VaultId};
use tokio::task::spawn_blocking;
use tracing::error;

use super::{Change, LedgerError, record::Record};
use crate::digests::Digest;

/// Dropping it finishes what is queued, and waits for that.
#[derive(Debug)]
pub(super) struct File {
    database: Arc<Database>,
    entries: Arc<AtomicUsize>,
    writer: GroupCommit<Entries>,
    is_new: bool,
}

/// Changes that are made together, and the time, by which entries have expired.
#[derive(Debug)]
struct Changes {
    changes: Vec<Change>,
    now: UnixTime,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let dir = own_directory(path)?;
        let file = open_own(path, Missing::Create).map_err(|e| io(path, e))?;
        lock(&file).map_err(|error| match error {
            TryLockError::WouldBlock => LedgerError::InUse { path: path.into() },
            TryLockError::Error(error) => io(path, error),
        })?;
        fs::File::open(&dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|e| io(&dir, e))?;
        drop_cached_pages("ledger", &file);
        let is_new = begin_if_unfinished(&file).map_err(|e| io(path, e))?;
        let (database, entries) = database(file, |file| file).map_err(|e| damaged(path, e))?;
        database
            .keep_in_place(path)
            .map_err(|e| LedgerError::Failed(e.to_string()))?;
        // Opened again after a failure, it must not begin to forget.
        database.require(|database| {
            let transaction = database.begin_read()?;
            transaction.open_table(ENTRIES)?;
            transaction.open_table(EXPIRY)?;
            Ok(())
        });
        let (database, entries) = (Arc::new(database), Arc::new(AtomicUsize::new(entries)));
        let store = Entries {
            database: Arc::clone(&database),
            count: Arc::clone(&entries),
        };
        let writer = GroupCommit::start("ledger-writer", store, Bounds::default())
            .map_err(|e| io(path, e))?;
        // Not only when the first request comes: the gateway would be ready until then. An entry is small, and a larger probe would
        // make the file longer at each start.
        if let Err(error) = database.probe(1) {
            error!(%error, "the ledger can't be written to");
            writer.suspect(failed(error));
        }
        Ok(Self {
            database,
            entries,
            writer,
            is_new,
        })
    }

    /// Returns whether this opening began it.
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Finds what [`open`](Self::open) would fail with, and changes nothing. Returns the vault that the ledger belongs to, if
    /// there is a ledger and it knows.
    pub(super) fn check(path: &Path) -> Result<Option<VaultId>, LedgerError> {
        let dir = own_directory(path)?;
        // Its folder is synchronised, too.
        fs::File::open(&dir).map_err(|e| io(&dir, e))?;
        let file = match open_own(path, Missing::Refuse) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return match check_can_create_in(&dir) {
                    Ok(()) => Ok(None),
                    Err(error) => Err(io(&dir, error)),
                };
            }
            Err(error) => return Err(io(path, error)),
        };
        let look = || {
            drop_cached_pages("ledger", &file);
            Self::known_vault(path, &file)
        };
        match look_unlocked(&file, look, Result::is_ok).map_err(|e| io(path, e))? {
            Some(seen) => seen,
            None => Err(LedgerError::InUse { path: path.into() }),
        }
    }

    /// Returns the vault that the ledger in this file belongs to, if it knows. Changes nothing.
    fn known_vault(path: &Path, file: &fs::File) -> Result<Option<VaultId>, LedgerError> {
        if holds_nothing(file).map_err(|e| io(path, e))? {
            return Ok(None);
        }
        let file = file.try_clone().map_err(|e| io(path, e))?;
        let (database, _) = database(file, Untouched::new).map_err(|e| damaged(path, e))?;
        let known = database.read(|database| match database.begin_read()?.open_table(VAULT) {
            Ok(table) => Ok(table.get(())?.map(|id| id.value())),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        });
        Ok(known
            .map_err(|e| damaged(path, e))?
            .map(VaultId::from_bytes))
    }

    /// Writes which vault it belongs to, unless that is known. Returns the vault that it belongs to, and whether that was not known.
    pub(super) fn belong_to(&self, vault: VaultId) -> Result<(VaultId, bool), LedgerError> {
        let written = self.database.with(|database| {
            let transaction = database.begin_write()?;
            let known = {
                let mut table = transaction.open_table(VAULT)?;
                let known = table.get(())?.map(|id| id.value());
                if known.is_none() {
                    table.insert((), vault.as_bytes())?;
                }
                known
            };
            transaction.commit()?;
            Ok((
                VaultId::from_bytes(known.unwrap_or(*vault.as_bytes())),
                known.is_none(),
            ))
        });
        let (known, is_new) = written.map_err(failed)?;
        self.database.require(move |database| {
            let found = database.begin_read()?.open_table(VAULT)?.get(())?;
            match found.is_some_and(|id| id.value() == *known.as_bytes()) {
                true => Ok(()),
                false => Err(redb::Error::Corrupted("another vault's ledger".to_owned())),
            }
        });
        Ok((known, is_new))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// Finishes what is queued, and closes the file. Does not block, as dropping does.
    pub(super) async fn close(&self) -> Result<(), LedgerError> {
        self.writer.close().await;
        let database = Arc::clone(&self.database);
        match spawn_blocking(move || database.close()).await {
            Ok(closed) => closed.map_err(failed),
            // A panic while the database is closed has been reported, and the file is free.
            Err(_) => Ok(()),
        }
    }

    /// Returns whether it can be read and written now.
    pub(super) fn health(&self) -> Health {
        match self.writer.state() {
            State::Running => Health::Ready,
            State::Recovering(error) => Health::recovering(error.to_string()),
            State::Ended(end) => Health::failed(submit_error(SubmitError::Ended(end)).to_string()),
        }
    }

    /// Looks whether the file is still what was written to it.
    pub(super) async fn look(&self) {
        let database = Arc::clone(&self.database);
        if let Ok(Err(error)) = spawn_blocking(move || database.look()).await {
            self.writer.suspect(failed(error));
        }
    }

    /// Runs on a thread for blocking work: it may have to wait for the disk.
    pub(super) async fn get(&self, digest: Digest) -> Result<Option<Record>, LedgerError> {
        let database = Arc::clone(&self.database);
        let read = move || {
            database.read(|database| {
                let table = database.begin_read()?.open_table(ENTRIES)?;
                Ok(table
                    .get(&digest)?
                    .map(|record| Record::parse(record.value())))
            })
        };
        match spawn_blocking(read).await {
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(Some(record)))) => Ok(Some(record)),
            Ok(Ok(Some(None))) => Err(failed("an entry is not of this version")),
            Ok(Err(error)) => {
                let error = failed(error);
                self.writer.suspect(error.clone());
                Err(error)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes changes, durably, and removes some entries that have expired.
    pub(super) async fn write(
        &self,
        changes: Vec<Change>,
        now: UnixTime,
    ) -> Result<(), LedgerError> {
        let submitted = self.writer.submit(Changes { changes, now }).await;
        submitted.map_err(submit_error)
    }
}

/// The database, as the writer's thread sees it.
struct Entries {
    database: Arc<Database>,
    count: Arc<AtomicUsize>,
}

impl Commit for Entries {
    type Change = Changes;
    type Answer = ();
    type Error = LedgerError;

    fn commit(
        &mut self,
        changes: &[Changes],
        answers: &mut Vec<()>,
    ) -> Result<(), Failure<LedgerError>> {
        let count = self.database.with(|database| apply(database, changes));
        self.count.store(count.map_err(failure)?, Ordering::Release);
        answers.resize(changes.len(), ());
        Ok(())
    }

    fn recover(&mut self) -> Result<(), Failure<LedgerError>> {
        self.database.probe(LEAST_SPACE).map_err(failure)
    }
}

fn failure(error: Error) -> Failure<LedgerError> {
    match error {
        // A damaged or lost ledger ends nothing else: what needs it is refused until an operator has looked, and what is stored is given out.
        Error::Damaged | Error::Replaced => Failure::Passing(failed(error)),
        error if error.is_final() => Failure::Final(failed(error)),
        error => Failure::Passing(failed(error)),
    }
}

fn submit_error(error: SubmitError<LedgerError>) -> LedgerError {
    match error {
        SubmitError::Failed(error) | SubmitError::Ended(End::Failed(error)) => error,
        SubmitError::Ended(end @ (End::Closed | End::Panicked)) => failed(end),
    }
}

/// Returns whether nothing was ever remembered in a file. What a crash or a full disk has left of an attempt to create a ledger is
/// made empty: redb does not take it.
fn begin_if_unfinished(file: &fs::File) -> std::io::Result<bool> {
    let is_new = holds_nothing(file)?;
    if is_new {
        file.set_len(0)?;
    }
    Ok(is_new)
}

fn holds_nothing(file: &fs::File) -> std::io::Result<bool> {
    let length = file.metadata()?.len();
    sealpost_database::holds_nothing(length, |bytes, at| file.read_exact_at(bytes, at))
}

/// Opens the database in a file that is locked, and counts its entries. `wrap` goes around the file.
fn database<B: StorageBackend>(
    file: fs::File,
    wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
) -> Result<(Database, usize), Error> {
    let database = Database::open("ledger", file, CACHE, wrap)?;
    let entries = database.with(|database| {
        // A reader changes nothing: what another program or a vault keeps stays as it is.
        for table in database.begin_read()?.list_tables()? {
            if !TABLES.contains(&table.name()) {
                return Err(redb::Error::Corrupted(NOT_A_LEDGER.to_owned()));
            }
        }
        let transaction = database.begin_write()?;
        let entries = {
            transaction.open_table(EXPIRY)?;
            transaction.open_table(ENTRIES)?.len()?
        };
        transaction.commit()?;
        Ok(entries)
    })?;
    Ok((database, usize::try_from(entries).unwrap_or(usize::MAX)))
}

/// Writes a batch, and returns how many entries there are then.
fn apply(database: &redb::Database, batch: &[Changes]) -> Result<usize, redb::Error> {
    let transaction = database.begin_write()?;
    let count = {
        let mut table = transaction.open_table(ENTRIES)?;
        let mut expiry = transaction.open_table(EXPIRY)?;
        let now = batch.iter().map(|changes| changes.now.as_secs()).max();
        // More than is added, so that the file shrinks back, and not so much that others wait for long.
        let mut left = PURGE + 2 * batch.len();
        while left > 0 {
            left -= 1;
            let first = expiry.first()?.map(|(key, _)| key.value());
            let Some((expires, digest)) = first else {
                break;
            };
            if now.is_none_or(|now| expires > now) {
                break;
            }
            expiry.remove((expires, digest))?;
            table.remove(&digest)?;
        }
        for change in batch.iter().flat_map(|changes| &changes.changes) {
            let digest = *change.digest();
            let old = match change {
                Change::Put(_, record) => table.insert(&digest, record.to_bytes().as_slice())?,
                Change::Remove(_) => table.remove(&digest)?,
            };
            if let Some(old) = old.and_then(|old| Record::parse(old.value())) {
                expiry.remove((old.expires_at.as_secs(), digest))?;
            }
            if let Change::Put(_, record) = change {
                expiry.insert((record.expires_at.as_secs(), digest), ())?;
            }
        }
        table.len()?
    };
    transaction.commit()?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Returns the folder of the file, in which no other user may put another in its place.
fn own_directory(path: &Path) -> Result<PathBuf, LedgerError> {
    let dir = directory(path);
    let mode = fs::metadata(&dir).map_err(|e| io(&dir, e))?.mode() & 0o777;
    match mode & 0o022 {
        0 => Ok(dir),
        _ => Err(LedgerError::DirectoryExposed { dir, mode }),
    }
}

fn io(path: &Path, source: std::io::Error) -> LedgerError {
    LedgerError::Io {
        path: path.into(),
        source: Arc::new(source),
    }
}

fn damaged(path: &Path, error: Error) -> LedgerError {
    LedgerError::Damaged {
        path: path.into(),
        reason: error.to_string(),
    }
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => PathBuf::from("."),
    }
}

fn failed(cause: impl ToString) -> LedgerError {
    LedgerError::Failed(cause.to_string())
}

/// Every table of a ledger, with that of the database's probe.
const TABLES: [&str; 4] = ["entries", "expiry", "vault", "probe"];
const NOT_A_LEDGER: &str = "it has tables that no ledger has: it is the database of something else";

/// Digests to records.
const ENTRIES: TableDefinition<'_, &Digest, &[u8]> = TableDefinition::new("entries");
/// The same by their expiry in seconds.
const EXPIRY: TableDefinition<'_, (u64, Digest), ()> = TableDefinition::new("expiry");

/// Bytes that must fit before a ledger that was out of space is used again: a full batch.
const LEAST_SPACE: usize = 128 << 10;
/// Which vault it belongs to.
const VAULT: TableDefinition<'_, (), [u8; 16]> = TableDefinition::new("vault");

/// Entries are read once or never.
const CACHE: usize = 4 << 20;
/// Expired entries that a write removes beyond twice those that it adds.
const PURGE: usize = 64;
