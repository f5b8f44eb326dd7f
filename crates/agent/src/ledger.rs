//! The ledger: what became of requests, so that each happens once.
//!
//! Two kinds are remembered: a request with an idempotency key for 24 hours, and a value sealed at the source, by
//! the identifier that it is used up with, until it expires. What is remembered is the vault's final word: stored, or
//! the name is taken. Other outcomes stored nothing and would come out the same again; a failure leaves the question
//! open, and the vault answers it, which recognises an operation.
//!
//! # Durability
//!
//! Before the vault is asked, the request is written as begun, with its payload; then its outcome. Both are on the disk before
//! anything further happens: while the ledger can't be written, nothing is stored, and no outcome is told that is not
//! remembered. A crash or a failure between the two leaves the request begun: the key stays bound to its payload, and
//! a retry with the same payload is carried out again under the same operation, which the vault recognises.
//!
//! One thread writes for all, and callers that wait at the same time share one fsync. When the disk is full, the ledger
//! recovers by itself; after a failed fsync it does not, and the process must end.
//!
//! # Damage
//!
//! Every entry has a check, which its digest is part of, and a list of all digests is kept in memory: what a disk has changed is neither told
//! nor taken for an entry that is not there. Opening reads the whole file, and fails if a page or an entry is not what was written. One that is
//! found later is told as a request that may have stored; from then on nothing is written to the file, and what needs the ledger is refused.
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

mod entries;
mod error;
mod file;
mod memory;
mod record;
mod seen;

use std::{ops::ControlFlow, path::Path};

use parking_lot::Mutex;
use sealpost_channel::Outcome;
use sealpost_envelope::UnixTime;
use sealpost_vault::{Health, VaultId};
use tokio::time::Instant;
use tracing::info;

pub use self::error::LedgerError;
use self::{entries::Found, file::File, memory::Memory, record::Record};
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

    /// Opens the ledger of a vault, or creates one. One that does not know its vault yet belongs to this one from then on.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`LedgerError::OtherVault`].
    pub fn open_of(path: impl AsRef<Path>, vault: VaultId) -> Result<Self, LedgerError> {
        let path = path.as_ref();
        let file = File::open(path)?;
        let (known, is_adopted) = file.belong_to(vault)?;
        belongs(path, known, vault)?;
        if is_adopted && !file.is_new() {
            info!(ledger = %path.display(), %vault, "the ledger did not say to which vault it belongs; it belongs to this one from now on");
        }
        Ok(Self::with_store(Store::File(file)))
    }

    /// Finds what opening the ledger of this vault would fail with, by the same code, and changes and creates nothing. A
    /// ledger that another process has open passes.
    ///
    /// # Errors
    ///
    /// Those of [`open_of`](Self::open_of).
    pub fn check(path: impl AsRef<Path>, vault: Option<VaultId>) -> Result<(), LedgerError> {
        let path = path.as_ref();
        match (File::check(path), vault) {
            (Ok(Some(known)), Some(vault)) => belongs(path, known, vault),
            (Ok(_), _) | (Err(LedgerError::InUse { .. }), _) => Ok(()),
            (Err(error), _) => Err(error),
        }
    }

    /// Returns whether this opening began it: there was no file, or one in which nothing was ever remembered, as a crash or a full
    /// disk leaves of the first start.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        match &self.store {
            Store::Memory(_) => true,
            Store::File(file) => file.is_new(),
        }
    }

    /// Returns whether requests can be remembered now. Requests that need the ledger are refused while it is not ready.
    #[must_use]
    pub fn health(&self) -> Health {
        match &self.store {
            Store::Memory(_) => Health::Ready,
            Store::File(file) => file.health(),
        }
    }

    /// Looks whether the file is still what was written to it; [`health`](Self::health) has the result.
    pub(crate) async fn look(&self) {
        match &self.store {
            Store::Memory(_) => {}
            Store::File(file) => file.look().await,
        }
    }

    /// Finishes what is queued, and closes the file.
    pub(crate) async fn close(&self) -> Result<(), LedgerError> {
        match &self.store {
            Store::Memory(_) => Ok(()),
            Store::File(file) => file.close().await,
        }
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
        let taken = |reservation| Taken {
            digest,
            payload,
            is_known: false,
            reservation,
            _acquired: acquired,
        };
        match self.find(digest, now).await {
            Ok(Found::Nothing) => {}
            Ok(Found::Damaged) => return ControlFlow::Break(Known::Damaged),
            Ok(Found::Record(record)) if record.payload != payload => {
                return ControlFlow::Break(Known::OtherPayload);
            }
            Ok(Found::Record(Record {
                outcome: Some(outcome),
                ..
            })) => return ControlFlow::Break(Known::Outcome(outcome)),
            // It has an entry already.
            Ok(Found::Record(Record { outcome: None, .. })) => {
                return ControlFlow::Continue(Taken {
                    is_known: true,
                    ..taken(None)
                });
            }
            Err(error) => return ControlFlow::Break(Known::Failed(error)),
        }
        match self.promise(now).await {
            Ok(Some(place)) => ControlFlow::Continue(taken(Some(place))),
            Ok(None) => ControlFlow::Break(Known::Full),
            Err(error) => ControlFlow::Break(Known::Failed(error)),
        }
    }

    /// Remembers that these requests are begun, each until the time beside it. That is durable when this returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]: the requests must not be carried out.
    pub(crate) async fn begin(
        &self,
        taken: &mut [(Taken<'_>, UnixTime)],
        now: UnixTime,
    ) -> Result<(), LedgerError> {
        let unknown = taken.iter().filter(|(taken, _)| !taken.is_known);
        let begun = unknown.map(|(taken, expires_at)| {
            Change::Put(taken.digest, Record::begun(taken.payload, *expires_at))
        });
        self.write(begun.collect(), now).await?;
        for (taken, _) in taken {
            taken.reservation = None;
        }
        Ok(())
    }

    /// Remembers the outcome of requests that were begun, if it is final. It is durable when this returns `Ok`.
    ///
    /// After an outcome that stored nothing the requests are forgotten, unless an earlier attempt may have stored something.
    /// After a failure they stay begun.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]: the requests stay begun.
    pub(crate) async fn end(
        &self,
        taken: &[(Taken<'_>, UnixTime)],
        outcome: &Outcome,
        now: UnixTime,
    ) -> Result<(), LedgerError> {
        let change = |(taken, expires_at): &(Taken<'_>, UnixTime)| match Record::ended(
            taken.payload,
            *expires_at,
            outcome,
        ) {
            Some(record) => Some(Change::Put(taken.digest, record)),
            None if taken.is_known || *outcome == Outcome::Failed => None,
            None => Some(Change::Remove(taken.digest)),
        };
        self.write(taken.iter().filter_map(change).collect(), now)
            .await
    }

    async fn write(&self, changes: Vec<Change>, now: UnixTime) -> Result<(), LedgerError> {
        if changes.is_empty() {
            return Ok(());
        }
        match &self.store {
            Store::Memory(memory) => memory.write(changes, now),
            Store::File(file) => return file.write(changes, now).await,
        }
        Ok(())
    }

    async fn find(&self, digest: Digest, now: UnixTime) -> Result<Found, LedgerError> {
        let found = match &self.store {
            Store::Memory(memory) => memory.get(&digest).map_or(Found::Nothing, Found::Record),
            Store::File(file) => file.get(digest).await?,
        };
        Ok(match found {
            Found::Record(record) if record.expires_at <= now => Found::Nothing,
            found => found,
        })
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
    /// Whether the ledger has an entry of an earlier attempt.
    is_known: bool,
    /// Until it has an entry.
    reservation: Option<Reservation<'l>>,
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

/// A change of one entry.
#[derive(Debug)]
enum Change {
    Put(Digest, Record),
    Remove(Digest),
}

impl Change {
    fn digest(&self) -> &Digest {
        match self {
            Self::Put(digest, _) | Self::Remove(digest) => digest,
        }
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
    /// It was before, and what became of it can't be read: it may have stored.
    Damaged,
    /// The ledger can't be asked.
    Failed(LedgerError),
}

fn belongs(path: &Path, ledger: VaultId, vault: VaultId) -> Result<(), LedgerError> {
    match ledger == vault {
        true => Ok(()),
        false => Err(LedgerError::OtherVault {
            path: path.into(),
            ledger,
            vault,
        }),
    }
}
