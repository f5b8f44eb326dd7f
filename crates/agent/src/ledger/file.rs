//! A ledger in a file: a redb database that one thread writes to.

use std::{
    fs::{self, OpenOptions, TryLockError},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition, backends::FileBackend,
};
use sealpost_envelope::UnixTime;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};
use tracing::{error, warn};

use super::{LedgerError, record::Record};
use crate::digests::Digest;

/// Dropping it finishes what is queued, and waits for that.
#[derive(Debug)]
pub(super) struct File {
    database: Arc<Database>,
    entries: Arc<AtomicUsize>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    records: Vec<(Digest, Record)>,
    now: UnixTime,
    answer: oneshot::Sender<Result<(), LedgerError>>,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let io = |path: &Path, source| LedgerError::Io {
            path: path.into(),
            source: Arc::new(source),
        };
        let dir = directory(path);
        let mode = fs::metadata(&dir).map_err(|e| io(&dir, e))?.mode() & 0o777;
        if mode & 0o022 != 0 {
            return Err(LedgerError::DirectoryExposed { dir, mode });
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|e| io(path, e))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LedgerError::InUse { path: path.into() },
            TryLockError::Error(error) => io(path, error),
        })?;
        fs::File::open(&dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|e| io(&dir, e))?;
        let damaged = |error: redb::Error| LedgerError::Damaged {
            path: path.into(),
            reason: error.to_string(),
        };
        let (database, entries) = database(file).map_err(damaged)?;
        let (database, entries) = (Arc::new(database), Arc::new(AtomicUsize::new(entries)));
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (for_writer, count) = (Arc::clone(&database), Arc::clone(&entries));
        let writer = thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || run(&for_writer, &count, jobs))
            .map_err(|e| io(path, e))?;
        Ok(Self {
            database,
            entries,
            queue: Some(queue),
            writer: Some(writer),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// On a thread for blocking work: it may have to wait for the disk.
    pub(super) async fn get(&self, digest: Digest) -> Result<Option<Record>, LedgerError> {
        let database = Arc::clone(&self.database);
        let read = move || -> Result<_, redb::Error> {
            let table = database.begin_read()?.open_table(ENTRIES)?;
            Ok(table
                .get(&digest)?
                .map(|record| Record::parse(record.value())))
        };
        match spawn_blocking(read).await {
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(Some(record)))) => Ok(Some(record)),
            Ok(Ok(Some(None))) => Err(failed("an entry is not of this version")),
            Ok(Err(error)) => Err(failed(error)),
            Err(error) => Err(failed(error)),
        }
    }

    /// Adds entries, durably, and removes some that have expired.
    pub(super) async fn write(
        &self,
        records: Vec<(Digest, Record)>,
        now: UnixTime,
    ) -> Result<(), LedgerError> {
        let ended = || failed("its writer has ended");
        let (answer, outcome) = oneshot::channel();
        let job = Job {
            records,
            now,
            answer,
        };
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue.send(job).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the thread has been reported, and everybody who waited was told.
            let _ = writer.join();
        }
    }
}

/// Opens the database, and counts its entries.
fn database(file: fs::File) -> Result<(Database, usize), redb::Error> {
    let database = Database::builder()
        .set_cache_size(CACHE)
        .set_repair_callback(|_| warn!("the ledger was not closed; checking its file"))
        .create_with_backend(FileBackend::new(file)?)?;
    let transaction = database.begin_write()?;
    let entries = {
        transaction.open_table(EXPIRY)?;
        transaction.open_table(ENTRIES)?.len()?
    };
    transaction.commit()?;
    Ok((database, usize::try_from(entries).unwrap_or(usize::MAX)))
}

/// Takes all that is queued and makes it durable together, so that under load the disk is asked once for many.
fn run(database: &Database, entries: &AtomicUsize, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::new();
    while let Some(job) = jobs.blocking_recv() {
        batch.push(job);
        while let Some(job) = (batch.len() < BATCH)
            .then(|| jobs.try_recv().ok())
            .flatten()
        {
            batch.push(job);
        }
        let result = apply(database, &batch).map_err(|error| {
            error!(%error, "the ledger's file failed");
            failed(error)
        });
        let answer = result.map(|count| entries.store(count, Ordering::Release));
        for job in batch.drain(..) {
            // Somebody who no longer waits for an answer needs none.
            let _ = job.answer.send(answer.clone());
        }
    }
}

/// Writes a batch, and says how many entries there are then.
fn apply(database: &Database, batch: &[Job]) -> Result<usize, redb::Error> {
    let transaction = database.begin_write()?;
    let count = {
        let mut table = transaction.open_table(ENTRIES)?;
        let mut expiry = transaction.open_table(EXPIRY)?;
        let now = batch.iter().map(|job| job.now.as_secs()).max();
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
        for (digest, record) in batch.iter().flat_map(|job| &job.records) {
            let old = table.insert(digest, record.to_bytes().as_slice())?;
            if let Some(old) = old.and_then(|old| Record::parse(old.value())) {
                expiry.remove((old.expires_at.as_secs(), *digest))?;
            }
            expiry.insert((record.expires_at.as_secs(), *digest), ())?;
        }
        table.len()?
    };
    transaction.commit()?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
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

/// Digests to records.
const ENTRIES: TableDefinition<'_, &Digest, &[u8]> = TableDefinition::new("entries");
/// The same by their expiry in seconds.
const EXPIRY: TableDefinition<'_, (u64, Digest), ()> = TableDefinition::new("expiry");

/// Entries are read once or never.
const CACHE: usize = 4 << 20;
/// How many writes wait at most, and how many are made together.
const QUEUE: usize = 256;
const BATCH: usize = 256;
/// Expired entries that a write removes beyond twice those that it adds.
const PURGE: usize = 64;
