//! The ledger: what became of requests, so that each happens once.
//!
//! Two kinds are remembered: a request with an idempotency key for 24 hours, and a value sealed at the source, by
//! the identifier that it is used up with, until it expires. What is remembered is the vault's final word: stored, or
//! the name is taken. Other outcomes stored nothing and would come out the same again; a failure leaves the question
//! open, and the vault answers it, which recognises an operation.
//!
//! # Durability
//!
//! An outcome is on the disk before it is told. One thread writes for all, and callers that wait at the same time
//! share one fsync. A crash between vault and ledger is repaired by the vault: the retry has the same operation.
//!
//! # Bounds
//!
//! A ledger has room for a number of entries. What has not expired is never forgotten to make room: when it is
//! full, requests that would need an entry are turned away before anything is stored.
//!
//! # Security
//!
//! The file holds digests (of MACs and of random bytes), names in the vault and references, and no value or part of
//! one, sealed or not. It is for its owner alone (0600). It must not be shared: every agent has its own, and of several
//! replicas of one agent none knows what the others remember.

mod error;
mod file;
mod memory;
mod record;

use std::{ops::ControlFlow, path::Path};

use parking_lot::Mutex;
use sealpost_envelope::UnixTime;
use sealpost_protocol::Outcome;
use tokio::time::Instant;

pub use self::error::LedgerError;
use self::{file::File, memory::Memory, record::Record};
use crate::{
    digests::Digest,
    in_flight::{Acquired, InFlight, NotAcquired},
};

/// What became of requests. The [module](self) says which, and for how long.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    in_flight: InFlight,
    max: usize,
    /// Entries that are promised and not written yet.
    promised: Mutex<usize>,
}

#[derive(Debug)]
enum Store {
    Memory(Memory),
    File(File),
}

impl Ledger {
    /// How many entries a ledger has room for unless set: about 300 bytes each on the disk.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    /// Opens the ledger in a file, or creates one. Its directory must exist, and be writable for its owner alone.
    ///
    /// This blocks while it reads the disk: after a crash, for as long as it takes to check the file.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] says what is wrong and what to do.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LedgerError> {
        Ok(Self::with_store(Store::File(File::open(path.as_ref())?)))
    }

    /// Creates a ledger that forgets everything when the process ends: for tests and development.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::with_store(Store::Memory(Memory::default()))
    }

    /// Sets how many entries there is room for.
    #[must_use]
    pub fn with_capacity(mut self, entries: usize) -> Self {
        self.max = entries;
        self
    }

    /// Returns how many entries there are, expired ones counted until they are removed.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Memory(memory) => memory.len(),
            Store::File(file) => file.len(),
        }
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with_store(store: Store) -> Self {
        Self {
            store,
            in_flight: InFlight::default(),
            max: Self::DEFAULT_CAPACITY,
            promised: Mutex::new(0),
        }
    }

    /// Takes a request, alone among its equals. Breaks with what is known of it if it must not be carried out.
    pub(crate) async fn take(
        &self,
        digest: Digest,
        payload: Digest,
        now: UnixTime,
        deadline: Instant,
    ) -> ControlFlow<Known, Taken<'_>> {
        let acquired = match self.in_flight.acquire(digest, &payload, deadline).await {
            Ok(acquired) => acquired,
            Err(NotAcquired::OtherPayload) => return ControlFlow::Break(Known::OtherPayload),
            Err(NotAcquired::TooLate) => return ControlFlow::Break(Known::TooLate),
        };
        match self.find(digest, now).await {
            Ok(None) => {}
            Ok(Some(record)) if record.payload == payload => {
                return ControlFlow::Break(Known::Outcome(record.outcome));
            }
            Ok(Some(_)) => return ControlFlow::Break(Known::OtherPayload),
            Err(error) => return ControlFlow::Break(Known::Failed(error)),
        }
        match self.promise(now).await {
            Ok(Some(place)) => ControlFlow::Continue(Taken {
                digest,
                payload,
                _reservation: place,
                _acquired: acquired,
            }),
            Ok(None) => ControlFlow::Break(Known::Full),
            Err(error) => ControlFlow::Break(Known::Failed(error)),
        }
    }

    /// Remembers an outcome under each digest, until the time beside it. It is durable when this returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]: nothing is remembered.
    pub(crate) async fn remember(
        &self,
        taken: &[(Taken<'_>, UnixTime)],
        outcome: &Outcome,
        now: UnixTime,
    ) -> Result<(), LedgerError> {
        let records: Vec<_> = taken
            .iter()
            .filter_map(|(taken, expires_at)| {
                let record = Record::new(taken.payload, *expires_at, outcome)?;
                Some((taken.digest, record))
            })
            .collect();
        if records.is_empty() {
            return Ok(());
        }
        match &self.store {
            Store::Memory(memory) => memory.write(records, now),
            Store::File(file) => return file.write(records, now).await,
        }
        Ok(())
    }

    async fn find(&self, digest: Digest, now: UnixTime) -> Result<Option<Record>, LedgerError> {
        let record = match &self.store {
            Store::Memory(memory) => memory.get(&digest),
            Store::File(file) => file.get(digest).await?,
        };
        Ok(record.filter(|record| record.expires_at > now))
    }

    /// Promises a place for one entry. Returns `None` if the ledger is full.
    async fn promise(&self, now: UnixTime) -> Result<Option<Reservation<'_>>, LedgerError> {
        if let Some(place) = self.place() {
            return Ok(Some(place));
        }
        // What has expired is removed when something is written; here nothing would be.
        match &self.store {
            Store::Memory(memory) => memory.write(Vec::new(), now),
            Store::File(file) => file.write(Vec::new(), now).await?,
        }
        Ok(self.place())
    }

    fn place(&self) -> Option<Reservation<'_>> {
        let mut promised = self.promised.lock();
        (self.len().saturating_add(*promised) < self.max).then(|| {
            *promised += 1;
            Reservation(&self.promised)
        })
    }
}

/// A request that is carried out. When it is dropped, equal ones that wait go on.
#[derive(Debug)]
pub(crate) struct Taken<'l> {
    digest: Digest,
    payload: Digest,
    _reservation: Reservation<'l>,
    _acquired: Acquired<'l>,
}

#[derive(Debug)]
struct Reservation<'l>(&'l Mutex<usize>);

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut promised = self.0.lock();
        *promised = promised.saturating_sub(1);
    }
}

/// Why a request is not carried out.
#[derive(Debug)]
pub(crate) enum Known {
    /// It was before, and this became of it.
    Outcome(Outcome),
    /// Its digest was used for another payload.
    OtherPayload,
    /// An equal one was under way until the deadline.
    TooLate,
    /// The ledger has no room.
    Full,
    /// The ledger can't be asked.
    Failed(LedgerError),
}
