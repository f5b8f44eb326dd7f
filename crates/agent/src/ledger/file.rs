//! A ledger in a file: a redb database that one thread writes to.

use std::{
    fs::{self, TryLockError},
    io::ErrorKind,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sealpost_database::{Error, Untouched, drop_cached_pages};
use sealpost_envelope::UnixTime;
use sealpost_files::{Missing, check_can_create_in, check_room, lock, look_unlocked, open_own};
use sealpost_group_commit::{Bounds, End, GroupCommit, State, SubmitError};
use sealpost_vault::{Health, VaultId};
use tokio::task::spawn_blocking;
use tracing::error;

use super::{
    Change, LedgerError,
    entries::{self, Changes, Entries, Found, failed},
};
use crate::digests::Digest;

/// Dropping it finishes what is queued, and waits for that.
#[derive(Debug)]
pub(super) struct File {
    entries: Entries,
    writer: GroupCommit<Entries>,
    is_new: bool,
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
        if !is_new {
            verify(path, &file)?;
        }
        let database = entries::database(file, |file| file).map_err(|e| unusable(path, e))?;
        database
            .keep_in_place(path)
            .map_err(|e| LedgerError::Failed(e.to_string()))?;
        // Opened again after a failure, it must not begin to forget.
        database.require(entries::has_tables);
        let database = Arc::new(database);
        let entries = Entries::new(Arc::clone(&database)).map_err(|e| unusable(path, e))?;
        let writer = GroupCommit::start("ledger-writer", entries.clone(), Bounds::default())
            .map_err(|e| io(path, e))?;
        // Not only when the first request comes: the gateway would be ready until then. An entry is small, and a larger probe would
        // make the file longer at each start.
        if let Err(error) = database.probe(1) {
            error!(%error, "the ledger can't be written to");
            writer.suspect(failed(error));
        }
        Ok(Self {
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
                let creatable =
                    check_can_create_in(&dir).and_then(|()| check_room(&dir, FIRST_WRITES));
                return match creatable {
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
        verify(path, file)?;
        let file = file.try_clone().map_err(|e| io(path, e))?;
        let database = entries::database(file, Untouched::new).map_err(|e| unusable(path, e))?;
        let known = database.read(|database| {
            entries::digests(database, true)?;
            entries::vault_of(database)
        });
        known.map_err(|e| unusable(path, e))
    }

    /// Writes which vault it belongs to, unless that is known. Returns the vault that it belongs to, and whether that was not known.
    pub(super) fn belong_to(&self, vault: VaultId) -> Result<(VaultId, bool), LedgerError> {
        let database = self.entries.database();
        let known = database.with(|database| entries::belong_to(database, vault));
        let known = known.map_err(failed)?;
        let belongs_to = known.unwrap_or(vault);
        database.require(move |database| match entries::vault_of(database)? {
            Some(found) if found == belongs_to => Ok(()),
            _ => Err(redb::Error::Corrupted("another vault's ledger".to_owned())),
        });
        Ok((belongs_to, known.is_none()))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Finishes what is queued, and closes the file. Does not block, as dropping does.
    pub(super) async fn close(&self) -> Result<(), LedgerError> {
        self.writer.close().await;
        let database = Arc::clone(self.entries.database());
        match spawn_blocking(move || database.close()).await {
            Ok(closed) => closed.map_err(failed),
            // A panic while the database is closed has been reported, and the file is free.
            Err(_) => Ok(()),
        }
    }

    /// Returns whether it can be read and written now.
    pub(super) fn health(&self) -> Health {
        match self.writer.state() {
            State::Running if self.entries.database().is_slow() => Health::recovering(SLOW),
            State::Running => Health::Ready,
            State::Recovering(error) => Health::recovering(error.to_string()),
            State::Ended(end) => Health::failed(submit_error(SubmitError::Ended(end)).to_string()),
        }
    }

    /// Looks whether the file is still what was written to it.
    pub(super) async fn look(&self) {
        let database = Arc::clone(self.entries.database());
        if let Ok(Err(error)) = spawn_blocking(move || database.look()).await {
            self.writer.suspect(failed(error));
        }
    }

    /// Runs on a thread for blocking work: it may have to wait for the disk.
    pub(super) async fn get(&self, digest: Digest) -> Result<Found, LedgerError> {
        let entries = self.entries.clone();
        match spawn_blocking(move || entries.find(&digest)).await {
            Ok(Ok(Found::Damaged)) => {
                self.writer.suspect(failed(Error::Damaged));
                Ok(Found::Damaged)
            }
            Ok(Ok(found)) => Ok(found),
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

/// Returns why the database can't be opened. A disk that fails says nothing of what is in the file.
fn unusable(path: &Path, error: Error) -> LedgerError {
    match error {
        Error::Failed(redb::Error::Io(error))
            if !matches!(
                error.kind(),
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof
            ) =>
        {
            io(path, error)
        }
        error @ Error::NotSynced => io(path, std::io::Error::other(error)),
        error => LedgerError::Damaged {
            path: path.into(),
            reason: error.to_string(),
        },
    }
}

/// Reads all of a file that holds a ledger, and finds what a disk has done to it.
fn verify(path: &Path, file: &fs::File) -> Result<(), LedgerError> {
    let file = file.try_clone().map_err(|e| io(path, e))?;
    sealpost_database::verify("ledger", file, entries::CACHE).map_err(|e| unusable(path, e))
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => PathBuf::from("."),
    }
}

/// What creating a ledger writes, in bytes, with a part to spare.
const FIRST_WRITES: u64 = 128 << 10;
/// What a ledger on a disk that stalls says.
const SLOW: &str = "the disk under the ledger does not answer in time: look into the kernel's log, and at what else uses the disk";
