//! The agent: from a message to its signed answer.

use std::sync::Arc;

use sealpost_protocol::{AgentId, Clock, Outcome, SigningKey, VerifyKeys, clock::SystemClock};
use sealpost_vault::{Health, Vault};
use tokio::time::Instant;
use tracing::{Instrument as _, info, info_span, warn};

use crate::{
    Accept, Ledger, LedgerError, Observer,
    alarm::FailedOpens,
    answer::{Step, step},
    believe::{Job, Peers, Task, loggable},
    key_holder::KeyHolder,
    observer::NoObserver,
    once::Once,
    open_request,
    store::Store,
};

/// An agent: its id and keys, the gateways that it trusts, the vault that it stores in, and what it remembers.
#[derive(Debug)]
pub struct Agent {
    peers: Peers,
    accept: Accept,
    once: Once,
    keys: Arc<dyn KeyHolder>,
    store: Store,
    clock: Arc<dyn Clock>,
    failed_opens: FailedOpens,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Agent {
    /// Creates the agent `id`. It opens with `keys`, such as a [`LocalKeyring`](crate::LocalKeyring), stores in `vault`,
    /// signs its replies with `signing_key`, and takes requests that are signed with a key of `gateways`. It remembers in
    /// memory only: [`with_ledger`](Self::with_ledger) changes that.
    #[must_use]
    pub fn new(
        id: AgentId,
        keys: impl Into<Arc<dyn KeyHolder>>,
        vault: Arc<dyn Vault>,
        signing_key: SigningKey,
        gateways: impl Into<VerifyKeys>,
    ) -> Self {
        Self {
            peers: Peers {
                id,
                signing_key,
                gateways: gateways.into(),
            },
            accept: Accept::default(),
            once: Once::new(Ledger::in_memory()),
            keys: keys.into(),
            store: Store { vault },
            clock: Arc::new(SystemClock),
            failed_opens: FailedOpens::default(),
            observer: Arc::new(NoObserver),
        }
    }

    /// Sets the formats that the agent takes.
    #[must_use]
    pub fn with_accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Sets the ledger, such as one that survives the process.
    #[must_use]
    pub fn with_ledger(mut self, ledger: Ledger) -> Self {
        self.once = Once::new(ledger);
        self.once.observer = Arc::clone(&self.observer);
        self
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the observer, which is told of events.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.once.observer = Arc::clone(&observer);
        self.observer = observer;
        self
    }

    /// Returns whether the ledger can be used now.
    #[must_use]
    pub fn ledger_health(&self) -> Health {
        self.once.health()
    }

    /// Looks whether the ledger's file is still what was written to it: [`ledger_health`](Self::ledger_health) has the result. Call it
    /// about every second.
    pub async fn look(&self) {
        self.once.look().await;
    }

    /// Finishes what is to be remembered and closes the ledger. Requests that come later and need it are refused.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if something may not have reached the disk. The ledger is closed all the same.
    pub async fn close(&self) -> Result<(), LedgerError> {
        self.once.close().await
    }

    /// Carries out one request and returns the signed reply. Returns `None` if the message is not to be believed: then
    /// it must not be answered.
    pub async fn handle(&self, message: &[u8]) -> Option<Vec<u8>> {
        let believed = match self.peers.verify(message, self.clock.now()) {
            Ok(believed) => believed,
            Err(error) => {
                warn!(%error, "message refused");
                self.observer.message_refused(error);
                return None;
            }
        };
        let id = believed.id;
        let outcome = match believed.task {
            Task::Store(job) => {
                let request_id = loggable(&job.request.request_id);
                let span = info_span!("store", %request_id, message_id = %id);
                self.carry_out(job).instrument(span).await
            }
            Task::Refuse(violations) => {
                warn!(message_id = %id, "the request's context breaks a rule");
                Outcome::Refused { violations }
            }
            Task::Expire => {
                warn!(message_id = %id, "request expired before it arrived");
                Outcome::Expired
            }
        };
        self.peers
            .reply(id, believed.gateway, outcome, self.clock.now())
    }

    async fn carry_out(&self, job: Job) -> Outcome {
        let started = Instant::now();
        let project = job.request.sealed.project();
        let format = job.request.sealed.format();
        let (Step::Continue(outcome) | Step::Break(outcome)) = self.store(job).await;
        if outcome == Outcome::DoesNotOpen {
            self.failed_opens.note();
            self.observer.open_failed();
        }
        let duration = started.elapsed();
        self.observer
            .request_carried_out(&outcome, format, duration);
        info!(
            agent = %self.peers.id,
            project = project.map(tracing::field::display),
            format,
            outcome = outcome.name(),
            duration_ms = duration.as_secs_f64() * 1000.0,
            "request carried out"
        );
        outcome
    }

    /// Breaks with every outcome for which the vault is not asked.
    async fn store(&self, job: Job) -> Step<Outcome> {
        let sealed = &job.request.sealed;
        if !self.accept.takes(sealed) {
            let accepted = self.accept.names().into_iter().map(Into::into).collect();
            return Step::Break(Outcome::NotAccepted { accepted });
        }
        let stored = |context: &_| self.store.stored(context);
        let mut turn = self.once.begin(&job, stored).await?;
        // Before the key is used, and before the ledger has an entry that would stay.
        self.store.check_health()?;
        let opening = open_request::open(&*self.keys, job.request.sealed, job.now, job.deadline);
        let opened = step(opening.await)?;
        if let Some(used) = &opened.single_use {
            turn.use_up(&opened.context, used).await?;
        }
        turn.begin().await?;
        let creating = self.store.create(&opened, turn.operation(), job.deadline);
        let outcome = creating.await;
        Step::Continue(turn.end(outcome).await)
    }
}
