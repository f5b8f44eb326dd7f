//! What happens once, however often it is asked for: requests with an idempotency key, and values sealed at the source.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use sealpost_channel::{Marks, Outcome, gateway::Destination};
use sealpost_context::OwnedContext;
use sealpost_envelope::UnixTime;
use sealpost_vault::{Health, OperationId};
use tokio::time::{Instant, timeout_at};
use tracing::error;

use crate::{
    Ledger, LedgerError, Observer,
    answer::{Step, failed, refused},
    digests::{self, Digest},
    job::Job,
    ledger::{Known, Taken},
    observer::NoObserver,
    open_request::Used,
    time::LEEWAY,
};

/// Remembers in the ledger what must not happen twice: requests with an idempotency key, and values that were sealed at the
/// source.
#[derive(Debug)]
pub(crate) struct Once {
    ledger: Ledger,
    pub(crate) observer: Arc<dyn Observer>,
}

/// The right to carry out a request: no equal request is carried out until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'o> {
    once: &'o Once,
    operation: OperationId,
    /// What the ledger is going to remember, each until the time beside it.
    entries: Vec<(Taken<'o>, UnixTime)>,
    now: UnixTime,
    deadline: Instant,
}

impl Once {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            observer: Arc::new(NoObserver),
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

    /// Begins a request. Waits for requests with the same key that are under way, and ends this one with the outcome of an
    /// earlier one.
    pub(crate) async fn begin(&self, job: &Job<'_>) -> Step<Turn<'_>> {
        let mut turn = Turn {
            once: self,
            operation: job.operation,
            entries: Vec::new(),
            now: job.now,
            deadline: job.deadline,
        };
        // A use is claimed once the value is open: what an unopened one says of it is not authenticated.
        if let Some(marks) = &job.marks {
            turn.claim_key(marks).await?;
        }
        Step::Continue(turn)
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
        let until = until.saturating_add(Destination::MAX_WAIT);
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
        match remembered.await {
            Ok(()) => outcome,
            Err(error) => {
                self.once.observer.ledger_failed(&error);
                failed("outcome not remembered", &error)
            }
        }
    }

    async fn claim_key(&mut self, marks: &Marks) -> Step<()> {
        let (digest, payload) = (digests::key(marks), marks.payload);
        let until = self.now.saturating_add(REMEMBERED);
        self.claim(digest, payload, until, || Outcome::KeyReused)
            .await?;
        self.operation = digests::operation_of_key(marks);
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
