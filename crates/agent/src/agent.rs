//! The agent: from a message to its sealed answer.

use std::sync::Arc;

use sealpost_channel::{
    Create, Head, Kind, Outcome, SigningKey, TrustedKeys,
    agent::{Begun, Request},
    gateway::Destination,
};
use sealpost_context::AgentId;
use sealpost_envelope::UnixTime;
use sealpost_protocol::{Clock, clock::SystemClock};
use sealpost_vault::{Health, OperationId, Vault};
use tokio::time::Instant;
use tracing::{Instrument as _, error, info, info_span, warn};

use crate::{
    Accept, Ledger, LedgerError, Observer,
    accept::format,
    alarm::FailedOpens,
    answer::{Step, step},
    callers::Callers,
    channels::Channels,
    job::{Caller, Job},
    key_holder::KeyHolder,
    observer::{ChannelEvent, NoObserver},
    once::Once,
    open_request,
    replays::Replays,
    sealed::Sealed,
    store::Store,
    time::Time,
};

/// An agent: its id and keys, the gateways that it trusts, the vault that it stores in, and what it remembers.
#[derive(Debug)]
pub struct Agent {
    id: AgentId,
    channels: Channels,
    replays: Replays,
    callers: Callers,
    accept: Accept,
    once: Once,
    keys: Arc<dyn KeyHolder>,
    store: Store,
    time: Time,
    failed_opens: FailedOpens,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Agent {
    /// Creates the agent `id`. It opens with `keys`, such as a [`LocalKeyring`](crate::LocalKeyring), stores in `vault`,
    /// accepts channels with `signing_key`, and takes those that are signed with a key of `gateways`. It remembers in
    /// memory only: [`with_ledger`](Self::with_ledger) changes that.
    #[must_use]
    pub fn new(
        id: AgentId,
        keys: impl Into<Arc<dyn KeyHolder>>,
        vault: Arc<dyn Vault>,
        signing_key: SigningKey,
        gateways: impl Into<TrustedKeys>,
    ) -> Self {
        let keys = keys.into();
        let gateways = gateways.into();
        Self {
            id,
            channels: Channels::new(id, Arc::clone(&keys), signing_key, gateways, false),
            replays: Replays::default(),
            callers: Callers::default(),
            accept: Accept::default(),
            once: Once::new(Ledger::in_memory()),
            keys,
            store: Store { vault },
            time: Time::start(Arc::new(SystemClock)),
            failed_opens: FailedOpens::default(),
            observer: Arc::new(NoObserver),
        }
    }

    /// Sets whether the agent takes only requests that their gateway has signed one by one. Without it, whoever can use the
    /// agent's RSA key and sees messages can make requests in a gateway's name for some minutes after each opening.
    #[must_use]
    pub fn with_signed_requests(mut self, signed_requests: bool) -> Self {
        self.channels = self.channels.with_signed_requests(self.id, signed_requests);
        self
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
        self.time = Time::start(clock);
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

    /// Carries out one request and returns the sealed reply, or a signed refusal of its channel. Returns `None` if the message
    /// is not to be believed: then it must not be answered.
    ///
    /// [`serve`](Self::serve) wipes the keys of channels once they have expired; this does not.
    pub async fn handle(&self, message: &[u8]) -> Option<Vec<u8>> {
        let arrived = Instant::now();
        let opening = self.channels.open(message, &self.time, &self.observer);
        let request = match opening.await {
            Ok(request) => request,
            Err(answer) => return answer,
        };
        let outcome = self.outcome(&request, arrived).await;
        let reply = request.reply(&outcome);
        if reply.is_none() {
            error!("reply not sealed: the cryptographic library failed");
        }
        reply
    }

    /// Returns how many channels are open, or being opened.
    #[must_use]
    pub fn open_channels(&self) -> usize {
        self.channels.live()
    }

    /// Wipes what has expired. Called once a second.
    pub(crate) fn wipe(&self) {
        let now = self.time.now();
        self.channels.wipe(now);
        self.replays.forget(now);
        self.callers.forget(now);
    }

    /// Carries out a request once, however often it comes.
    async fn outcome(&self, request: &Request, arrived: Instant) -> Outcome {
        let (now, accepted) = (self.time.now(), self.accept.kinds());
        let gateways = self.channels.gateways();
        match self.replays.begin(request, &accepted, gateways, now) {
            Begun::Run {
                turn,
                head,
                kind,
                create,
                lifetime,
            } => {
                let running = self.replays.running(turn);
                let span = info_span!("store", request_id = head.request_id);
                let deadline = arrived + lifetime;
                let arrived = (now, deadline);
                let outcome = self.run(request, &head, kind, &create, arrived);
                running.end(outcome.instrument(span).await)
            }
            Begun::Wait(ticket) => {
                let outcome = self.replays.wait(&ticket, arrived + Destination::MAX_WAIT);
                self.replayed(outcome.await)
            }
            Begun::Again(outcome) => self.replayed(outcome),
            Begun::Answer(outcome) => {
                if outcome == Outcome::Reused {
                    error!(
                        "two requests of a gateway have one number, and the second was refused: a copy of the gateway may be \
                         running; restart gateways that were restored from an image"
                    );
                    self.observer.channel_event(ChannelEvent::Reused);
                } else {
                    warn!(outcome = outcome.name(), "request refused");
                }
                outcome
            }
        }
    }

    fn replayed(&self, outcome: Outcome) -> Outcome {
        warn!("a message was replayed");
        self.observer.channel_event(ChannelEvent::Replayed);
        outcome
    }

    async fn run(
        &self,
        request: &Request,
        head: &Head<'_>,
        kind: Kind,
        create: &Create<'_>,
        (now, deadline): (UnixTime, Instant),
    ) -> Outcome {
        let sealed = match Sealed::new(self.id, kind, create) {
            Ok(Some(sealed)) => sealed,
            Ok(None) => return Outcome::Malformed,
            Err(outcome) => {
                warn!("the request's context breaks a rule");
                return outcome;
            }
        };
        let job = Job {
            sealed,
            marks: create.marks,
            operation: OperationId::from_bytes(request.operation()),
            caller: Caller {
                kid: request.channel().kid(),
                tag: head.caller,
            },
            now,
            deadline,
        };
        self.carry_out(&job, format(kind)).await
    }

    async fn carry_out(&self, job: &Job<'_>, format: &'static str) -> Outcome {
        let started = Instant::now();
        let (Step::Continue(outcome) | Step::Break(outcome)) = self.store(job).await;
        if outcome == Outcome::DoesNotOpen {
            self.failed_to_open(job);
        }
        let duration = started.elapsed();
        self.observer
            .request_carried_out(&outcome, format, duration);
        info!(
            agent = %self.id,
            project = job.sealed.project().map(tracing::field::display),
            format,
            outcome = outcome.name(),
            duration_ms = duration.as_secs_f64() * 1000.0,
            "request carried out"
        );
        outcome
    }

    /// Breaks with every outcome for which the vault is not asked.
    async fn store(&self, job: &Job<'_>) -> Step<Outcome> {
        if job.sealed.at_source() && self.callers.is_blocked(&job.caller, job.now) {
            return Step::Break(Outcome::Busy);
        }
        let mut turn = self.once.begin(job).await?;
        // Before the key is used, and before the ledger has an entry that would stay.
        self.store.check_health()?;
        let opening = open_request::open(&*self.keys, &self.callers, job);
        let opened = step(opening.await)?;
        if let Some(used) = &opened.single_use {
            turn.use_up(&opened.context, used).await?;
        }
        turn.begin().await?;
        let creating = self.store.create(&opened, turn.operation(), job.deadline);
        let outcome = creating.await;
        Step::Continue(turn.end(outcome).await)
    }

    fn failed_to_open(&self, job: &Job<'_>) {
        self.failed_opens.note();
        self.observer.open_failed();
        if self.callers.failed(&job.caller, job.now) {
            error!(
                caller = ?job.caller.tag,
                "32 values of one caller did not open within a minute: further ones are not opened for a minute"
            );
            self.observer.channel_event(ChannelEvent::CallerBlocked);
        }
    }
}
