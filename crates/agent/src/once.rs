//! What happens once, however often it is asked for: requests under way, replays, and the ledger, behind one door.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use sealpost_envelope::UnixTime;
use sealpost_protocol::{
    Outcome, Sealed, StoreRequest, context::OwnedContext, idempotency::Idempotency,
};
use sealpost_vault::{Health, OperationId};
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use crate::{
    Ledger, LedgerError, Observer,
    answer::{Step, failed, refused},
    believe::{Job, LEEWAY},
    digests::{self, Digest},
    in_flight::{Acquired, InFlight},
    ledger::{Known, Taken},
    observer::NoObserver,
    open_request::Used,
    replay_cache::{Done, ReplayCache},
};

/// Remembers requests: those with an idempotency key, and values that were sealed at the source, in the ledger; other
/// messages in memory until they expire.
#[derive(Debug)]
pub(crate) struct Once {
    ledger: Ledger,
    pub(crate) observer: Arc<dyn Observer>,
    /// Messages that the ledger does not remember.
    in_flight: InFlight,
    replay_cache: ReplayCache,
}

/// The right to carry out a request: no equal request is carried out until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'o> {
    once: &'o Once,
    operation: OperationId,
    /// What the ledger is going to remember, each until the time beside it.
    entries: Vec<(Taken<'o>, UnixTime)>,
    message: Option<Message<'o>>,
    now: UnixTime,
    deadline: Instant,
}

/// A message that the replay cache is going to remember.
#[derive(Debug)]
struct Message<'o> {
    digest: Digest,
    expires_at: UnixTime,
    _acquired: Acquired<'o>,
}

impl Once {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            observer: Arc::new(NoObserver),
            in_flight: InFlight::default(),
            replay_cache: ReplayCache::new(MAX_REPLAYS),
        }
    }

    /// Returns whether requests can be remembered.
    pub(crate) fn health(&self) -> Health {
        self.ledger.health()
    }

    pub(crate) async fn look(&self) {
        self.ledger.look().await;
    }

    pub(crate) async fn close(&self) -> Result<(), LedgerError> {
        self.ledger.close().await
    }

    /// Notes that the ledger can't be used, before anything was stored.
    fn ledger_failed(&self, error: &LedgerError) -> Outcome {
        error!(%error, "the ledger failed; the request is refused");
        self.observer.ledger_failed(error);
        Outcome::Busy
    }

    /// Waits for equal requests that are under way, then begins this one, or ends it with the outcome of an earlier one.
    ///
    /// `stored` makes the outcome of a message that was stored before: the replay cache remembers no names.
    pub(crate) async fn begin(
        &self,
        job: &Job,
        stored: impl FnOnce(&OwnedContext) -> Outcome,
    ) -> Step<Turn<'_>> {
        let mut turn = Turn {
            once: self,
            operation: OperationId::from_bytes(job.message),
            entries: Vec::new(),
            message: None,
            now: job.now,
            deadline: job.deadline,
        };
        match (&job.request.idempotency, &job.request.sealed) {
            (Some(idempotency), _) => turn.claim_key(idempotency).await?,
            (None, Sealed::Native { context, .. }) => {
                turn.message = Some(self.begin_message(job, || stored(context)).await?);
            }
            // Claimed once it is open: what an unopened value says of its use is not authenticated.
            (None, Sealed::Jwe { .. } | Sealed::Cms { .. }) => {}
        }
        Step::Continue(turn)
    }

    /// Begins a message for which nothing is written but the secret itself.
    async fn begin_message(
        &self,
        job: &Job,
        stored: impl FnOnce() -> Outcome,
    ) -> Step<Message<'_>> {
        let (digest, expires_at) = (job.message, job.expires_at);
        let acquired = self.in_flight.acquire(digest, &digest, job.deadline).await;
        let Ok(acquired) = acquired else {
            return Step::Break(Outcome::Expired);
        };
        if let Some(done) = self.replay_cache.find(&digest, expires_at) {
            warn!("a message was replayed");
            return Step::Break(match done {
                Done::Stored => stored(),
                Done::Exists => Outcome::Exists,
                Done::PendingDeletion => Outcome::PendingDeletion,
            });
        }
        if !self.replay_cache.has_room(job.now) {
            error!("too many messages to remember: raise the limit, or let fewer in");
            return Step::Break(Outcome::Busy);
        }
        Step::Continue(Message {
            digest,
            expires_at,
            _acquired: acquired,
        })
    }
}

impl Turn<'_> {
    /// The operation under which the vault recognises this request.
    pub(crate) fn operation(&self) -> &OperationId {
        &self.operation
    }

    /// Uses up a value that was sealed at the source. Ends the request if the value was used before.
    pub(crate) async fn use_up(&mut self, context: &OwnedContext, used: &Used) -> Step<()> {
        let digest = digests::single_use(context, &used.once.jti);
        // A request that was in time may still have been waiting since.
        let until = used.once.expires_at.saturating_add(LEEWAY);
        let until = until.saturating_add(StoreRequest::MAX_LIFETIME);
        self.claim(digest, used.payload, until, used_before).await?;
        self.operation = digests::operation_of_use(&digest, &used.payload);
        Step::Continue(())
    }

    /// Remembers that the vault is about to be asked. Ends the request, which has stored nothing, if that is not possible.
    pub(crate) async fn begin(&mut self) -> Step<()> {
        let begun = self.once.ledger.begin(&mut self.entries, self.now);
        match timeout_at(self.deadline, begun).await {
            Ok(Ok(())) => Step::Continue(()),
            Ok(Err(error)) => Step::Break(self.once.ledger_failed(&error)),
            Err(_) => Step::Break(Outcome::Expired),
        }
    }

    /// Remembers the outcome if it is final, and returns what may be told. An outcome that is not remembered is not told:
    /// what the vault did is done, and it recognises the operation if the request is repeated.
    pub(crate) async fn end(self, outcome: Outcome) -> Outcome {
        let remembered = self.once.ledger.end(&self.entries, &outcome, self.now);
        let outcome = match remembered.await {
            Ok(()) => outcome,
            Err(error) => {
                self.once.observer.ledger_failed(&error);
                failed("outcome not remembered", &error)
            }
        };
        self.note(&outcome);
        outcome
    }

    fn note(&self, outcome: &Outcome) {
        if let (Some(message), Some(done)) = (&self.message, Done::from_outcome(outcome)) {
            let cache = &self.once.replay_cache;
            cache.note(&message.digest, message.expires_at, done);
        }
    }

    async fn claim_key(&mut self, idempotency: &Idempotency) -> Step<()> {
        let (digest, payload) = (digests::key(idempotency), *idempotency.payload.as_bytes());
        let until = self.now.saturating_add(REMEMBERED);
        self.claim(digest, payload, until, || Outcome::KeyReused)
            .await?;
        self.operation = digests::operation_of_key(idempotency);
        Step::Continue(())
    }

    /// Claims an entry of the ledger; `reused` is the outcome if it has another payload.
    async fn claim(
        &mut self,
        digest: Digest,
        payload: Digest,
        until: UnixTime,
        reused: impl FnOnce() -> Outcome,
    ) -> Step<()> {
        let taking = self
            .once
            .ledger
            .take(digest, payload, self.now, self.deadline);
        match taking.await {
            ControlFlow::Continue(taken) => {
                self.entries.push((taken, until));
                Step::Continue(())
            }
            ControlFlow::Break(Known::Outcome(outcome)) => Step::Break(outcome),
            ControlFlow::Break(Known::OtherPayload) => Step::Break(reused()),
            ControlFlow::Break(Known::TooLate) => Step::Break(Outcome::Expired),
            ControlFlow::Break(Known::Full) => {
                error!("the ledger is full: raise its capacity, or let fewer in");
                Step::Break(Outcome::Busy)
            }
            ControlFlow::Break(Known::Damaged) => {
                let error = LedgerError::Failed("an entry is damaged".to_owned());
                self.once.observer.ledger_failed(&error);
                Step::Break(failed("what became of a request is not known", &error))
            }
            ControlFlow::Break(Known::Failed(error)) => {
                Step::Break(self.once.ledger_failed(&error))
            }
        }
    }
}

fn used_before() -> Outcome {
    refused("#/sealpost/jti: was used before, for another value; seal with a new one".into())
}

/// How long an idempotency key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// Messages of the last minutes that are remembered: 40 MB.
const MAX_REPLAYS: usize = 1_000_000;
