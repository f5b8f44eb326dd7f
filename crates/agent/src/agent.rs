//! The agent itself: one message in, one answer out.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use sealpost_envelope::{AwsLc, DuplicateKey, Identity, KeyStatus, Keyring, UnixTime};
use sealpost_protocol::{
    AgentId, Clock, Context, Inbox, Outcome, ProjectId, Received, Sealed, SigningKey, StoreReply,
    StoreRequest, SystemClock, VerifyKeys,
};
use sealpost_vault::{CreateError, Deadline, NewSecret, OperationId, Receipt, Vault, VaultFailure};
use sealpost_vault_key::{ResolverRef, VaultSecretName};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, spawn_blocking},
    time::{Instant, timeout_at},
};
use tracing::{Instrument as _, error, info, info_span, warn};

use crate::{
    Accept, Ledger,
    alarm::FailedOpens,
    flights::Flights,
    intake::{self, Opened},
    ledger::{Known, Taken},
    marks::{self, Mark},
    recent::{Done, Recent},
};

/// An agent: its id, the keys that open, the vault that keeps, and whom it believes.
#[derive(Debug)]
pub struct Agent {
    id: AgentId,
    keyring: Arc<Keyring<Identity<AwsLc>>>,
    accept: Accept,
    vault: Arc<dyn Vault>,
    ledger: Ledger,
    signing_key: SigningKey,
    gateways: VerifyKeys,
    clock: Arc<dyn Clock>,
    /// One place for each RSA operation at a time; more would only compete for the same processors.
    openings: Arc<Semaphore>,
    failed_opens: FailedOpens,
    /// The messages that the ledger does not remember: those under way, and what became of them.
    flights: Flights,
    recent: Recent,
}

impl Agent {
    /// The agent `id`. It opens with `identity`, stores in `vault`, signs its replies with `signing_key`, and
    /// takes requests that are signed with a key of `gateways`. It remembers in memory alone:
    /// [`with_ledger`](Self::with_ledger) changes that.
    ///
    /// CMS, and JWE that name a certificate, are opened only if `identity` has that certificate.
    #[must_use]
    pub fn new(
        id: AgentId,
        identity: Identity<AwsLc>,
        vault: Arc<dyn Vault>,
        signing_key: SigningKey,
        gateways: impl Into<VerifyKeys>,
    ) -> Self {
        Self {
            id,
            keyring: Arc::new(Keyring::new(identity)),
            accept: Accept::default(),
            vault,
            ledger: Ledger::in_memory(),
            signing_key,
            gateways: gateways.into(),
            clock: Arc::new(SystemClock),
            openings: Arc::new(Semaphore::new(
                available_parallelism().map_or(1, usize::from),
            )),
            failed_opens: FailedOpens::default(),
            flights: Flights::default(),
            recent: Recent::new(MAX_RECENT),
        }
    }

    /// With identities that were replaced, and still open what was sealed to them.
    ///
    /// # Errors
    ///
    /// [`DuplicateKey`] if two are the same.
    ///
    /// # Panics
    ///
    /// Never: an agent that is being put together is not shared.
    pub fn with_old_identities(
        mut self,
        identities: impl IntoIterator<Item = Identity<AwsLc>>,
    ) -> Result<Self, DuplicateKey> {
        let keyring = Arc::get_mut(&mut self.keyring).expect("nothing is being opened yet");
        for identity in identities {
            keyring.add_old(identity)?;
        }
        Ok(self)
    }

    /// With other formats than native envelopes and JWE.
    #[must_use]
    pub fn with_accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// With a ledger that survives the process.
    #[must_use]
    pub fn with_ledger(mut self, ledger: Ledger) -> Self {
        self.ledger = ledger;
        self
    }

    /// How many values did not open since the start, for metrics. A series of them also raises an alarm in the log.
    #[must_use]
    pub fn failed_opens(&self) -> u64 {
        self.failed_opens.total()
    }

    /// With another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Answers what comes in, several messages at a time, until `shutdown` is ready or there will be no more;
    /// then finishes what it has begun. What is still in the inbox then gets no answer: stop the gateway first.
    pub async fn serve(self: Arc<Self>, mut inbox: impl Inbox, shutdown: impl Future<Output = ()>) {
        let mut running = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(done) = running.join_next() => note_panic(done),
                delivery = inbox.receive(), if running.len() < MAX_RUNNING => {
                    let Some(delivery) = delivery else { break };
                    if delivery.is_abandoned() {
                        continue;
                    }
                    let agent = Arc::clone(&self);
                    running.spawn(async move {
                        if let Some(answer) = agent.handle(delivery.message()).await {
                            delivery.answer(answer);
                        }
                    });
                }
            }
        }
        // Offline first, so that nobody waits for an answer that won't come.
        drop(inbox);
        while let Some(done) = running.join_next().await {
            note_panic(done);
        }
    }

    /// Carries out one request and returns the signed reply. `None` if the message is not to be believed: then
    /// there is nobody to answer.
    pub async fn handle(&self, message: &[u8]) -> Option<Vec<u8>> {
        let now = self.clock.now();
        let received = StoreRequest::verify(message, &self.gateways, &self.id, now, LEEWAY);
        let (in_reply_to, gateway, outcome) = match received {
            Ok(Received::Request {
                request,
                gateway,
                lifetime,
                expires_at,
            }) => {
                let id = request.id;
                let span =
                    info_span!("store", request_id = %sane(&request.request_id), message_id = %id);
                let job = Job {
                    message: marks::message(message),
                    request,
                    now,
                    expires_at,
                    // The gateway waits no longer, whatever the difference of the clocks.
                    deadline: Instant::now() + Duration::from_secs(lifetime),
                };
                (id, gateway, self.carry_out(job).instrument(span).await)
            }
            Ok(Received::Late { id, gateway }) => {
                warn!(message_id = %id, "request expired before it arrived");
                (id, gateway, Outcome::Expired)
            }
            Err(error) => {
                warn!(%error, "message refused");
                return None;
            }
        };
        let reply = StoreReply {
            in_reply_to,
            outcome,
        };
        match reply.sign(&self.signing_key, &self.id, gateway, self.clock.now()) {
            Ok(reply) => Some(reply),
            Err(error) => {
                error!(%error, "reply not signed");
                None
            }
        }
    }

    async fn carry_out(&self, job: Job) -> Outcome {
        let started = Instant::now();
        let project = job.request.sealed.project();
        let format = format_name(&job.request.sealed);
        let outcome = self.store(job).await.unwrap_or_else(|outcome| outcome);
        if outcome == Outcome::DoesNotOpen {
            self.failed_opens.note();
        }
        info!(
            agent = %self.id,
            project = project.map(tracing::field::display),
            format,
            outcome = name(&outcome),
            duration_ms = started.elapsed().as_secs_f64() * 1000.0,
            "request carried out"
        );
        outcome
    }

    /// `Err` holds every answer for which the vault is not asked.
    async fn store(&self, job: Job) -> Result<Outcome, Outcome> {
        let sealed = &job.request.sealed;
        if !self.accept.takes(sealed) {
            let accepted = self.accept.names().into_iter().map(Into::into).collect();
            return Err(Outcome::NotAccepted { accepted });
        }
        intake::check_clear(sealed)?;
        match &job.request.idempotency {
            Some(idempotency) => {
                let (mark, payload) = (marks::key(idempotency), *idempotency.payload.as_bytes());
                let taken = self.ledger.take(mark, payload, job.now, job.deadline);
                let taken = taken
                    .await
                    .map_err(|known| answer(known, Outcome::KeyReused))?;
                let operation = marks::operation_of_key(idempotency);
                self.store_once(job, Some(taken), operation).await
            }
            None if sealed.at_source() => {
                let operation = OperationId::from_bytes(job.message);
                self.store_once(job, None, operation).await
            }
            None => self.store_message(job).await,
        }
    }

    /// Stores what the ledger remembers, under the idempotency key or what the value says of its use.
    async fn store_once(
        &self,
        job: Job,
        by_key: Option<Taken<'_>>,
        mut operation: OperationId,
    ) -> Result<Outcome, Outcome> {
        let (now, deadline) = (job.now, job.deadline);
        let key_expires = UnixTime::from_secs(now.as_secs().saturating_add(REMEMBERED));
        let opened = self.open(job.request.sealed, now, deadline).await?;
        // Only now: what an unopened value says of its use could be anybody's.
        let mut by_use = None;
        if let Some(used) = &opened.single_use {
            let mark = marks::single_use(&opened.context, &used.once.jti);
            let taken = self.ledger.take(mark, used.payload, now, deadline).await;
            let taken = taken.map_err(|known| answer(known, used_before()))?;
            // A request that was in time may still have been waiting since.
            let until = used.once.expires_at.as_secs().saturating_add(LEEWAY);
            let until = until.saturating_add(StoreRequest::MAX_LIFETIME);
            operation = marks::operation_of_use(&mark, &used.payload);
            by_use = Some((taken, UnixTime::from_secs(until)));
        }
        let outcome = self.create(&opened, &operation, deadline).await;
        let by_key = by_key.as_ref().map(|taken| (taken, key_expires));
        let by_use = by_use.as_ref().map(|(taken, until)| (taken, *until));
        let taken: Vec<_> = by_key.into_iter().chain(by_use).collect();
        if let Err(error) = self.ledger.remember(&taken, &outcome, now).await {
            // What the vault did is done. It knows the operation again, should the request be repeated.
            error!(%error, "outcome not remembered");
        }
        Ok(outcome)
    }

    /// Stores what no ledger remembers: nothing is written but the vault, and the message can't be played again.
    async fn store_message(&self, job: Job) -> Result<Outcome, Outcome> {
        let (message, expires_at) = (job.message, job.expires_at);
        let flying = self.flights.take_off(message, &message, job.deadline).await;
        let _flying = flying.map_err(|_| Outcome::Expired)?;
        if let Some(done) = self.recent.find(&message, expires_at) {
            warn!("a message was played again");
            return Err(match (done, &job.request.sealed) {
                (Done::Stored, Sealed::Native { context, .. }) => self.stored(context)?,
                (Done::Stored, _) => Outcome::Failed,
                (Done::Exists, _) => Outcome::Exists,
                (Done::PendingDeletion, _) => Outcome::PendingDeletion,
            });
        }
        if !self.recent.has_room(job.now) {
            error!("too many messages to remember: raise the limit, or let fewer in");
            return Err(Outcome::Busy);
        }
        let opened = self.open(job.request.sealed, job.now, job.deadline).await?;
        let operation = OperationId::from_bytes(message);
        let outcome = self.create(&opened, &operation, job.deadline).await;
        let done = match outcome {
            Outcome::Stored { .. } => Some(Done::Stored),
            Outcome::Exists => Some(Done::Exists),
            Outcome::PendingDeletion => Some(Done::PendingDeletion),
            _ => None,
        };
        if let Some(done) = done {
            self.recent.note(&message, expires_at, done);
        }
        Ok(outcome)
    }

    /// Asks the vault, for as long as somebody waits.
    async fn create(&self, opened: &Opened, operation: &OperationId, deadline: Instant) -> Outcome {
        let value = opened.value.as_bytes();
        let max = self.vault.limits().max_value;
        if value.len() > max {
            return too_long(value.len(), max);
        }
        let stored = match self.stored(&opened.context) {
            Ok(stored) => stored,
            Err(failed) => return failed,
        };
        let name = self.secret_name(&opened.context);
        let secret = NewSecret::new(&name, value, operation);
        let creating = self.vault.create(&secret, Deadline::at(deadline));
        match timeout_at(deadline, creating).await {
            Ok(Ok(Receipt { .. })) => stored,
            Ok(Err(CreateError::Exists)) => Outcome::Exists,
            Ok(Err(CreateError::PendingDeletion)) => Outcome::PendingDeletion,
            Ok(Err(CreateError::ValueTooLong { len, max })) => too_long(len, max),
            Ok(Err(CreateError::ValueRefused { limit })) => value_refused(&limit),
            // The wire has one word for these; the log says which it was.
            Ok(Err(CreateError::Failed(
                failure @ (VaultFailure::WrongKind { .. }
                | VaultFailure::Denied { .. }
                | VaultFailure::Unauthenticated(_)
                | VaultFailure::Throttled { .. }
                | VaultFailure::Full
                | VaultFailure::Unavailable(_)
                | VaultFailure::Unusable(_)),
            ))) => failed("not stored", &failure),
            Err(late) => failed("the vault did not answer in time", &late),
        }
    }

    fn secret_name(&self, context: &Context) -> VaultSecretName {
        let project = context.project.as_ref().map(ProjectId::as_bytes);
        VaultSecretName::derive(self.vault.kind(), project, &context.name)
    }

    /// What is said of a secret once it is in the vault.
    fn stored(&self, context: &Context) -> Result<Outcome, Outcome> {
        let name = self.secret_name(context);
        let resolver_ref = ResolverRef::new(name.as_str(), context.key.as_deref())
            .map_err(|error| failed("reference not formed", &error))?;
        Ok(Outcome::Stored {
            resolver_ref: resolver_ref.to_string(),
            vault_secret_name: name.as_str().to_owned(),
        })
    }

    /// Opens on a thread for blocking work, if it is its turn before the deadline.
    async fn open(
        &self,
        sealed: Sealed,
        now: UnixTime,
        deadline: Instant,
    ) -> Result<Opened, Outcome> {
        let place = timeout_at(deadline, Arc::clone(&self.openings).acquire_owned()).await;
        let place = place.map_err(|_| Outcome::Expired)?;
        if Instant::now() >= deadline {
            return Err(Outcome::Expired);
        }
        let keyring = Arc::clone(&self.keyring);
        let opening = spawn_blocking(move || {
            // Given back when it is done, also if nobody waits any more.
            let _place = place;
            intake::open(&keyring, sealed, now)
        });
        let opened = opening
            .await
            .unwrap_or_else(|error| Err(failed("opening stopped", &error)))?;
        if opened.key == KeyStatus::Old {
            warn!(
                "sealed to an old key: the sender needs the new certificate before the old key is deleted"
            );
        }
        Ok(opened)
    }
}

/// One request on its way.
struct Job {
    message: Mark,
    request: StoreRequest,
    now: UnixTime,
    /// When the message can't be played again any more.
    expires_at: UnixTime,
    deadline: Instant,
}

/// What is said of a request that is not carried out; `reused` if its mark was used for something else.
fn answer(known: Known, reused: Outcome) -> Outcome {
    match known {
        Known::Outcome(outcome) => outcome,
        Known::OtherPayload => reused,
        Known::TooLate => Outcome::Expired,
        Known::Full => {
            error!("the ledger is full: raise its capacity, or let fewer in");
            Outcome::Busy
        }
        Known::Failed(error) => failed("the ledger failed", &error),
    }
}

fn used_before() -> Outcome {
    Outcome::Refused {
        violations: vec![
            "#/sealpost/jti: was used before, for another value; seal with a new one".into(),
        ],
    }
}

fn failed(what: &str, cause: &dyn std::error::Error) -> Outcome {
    error!(%cause, "{what}");
    Outcome::Failed
}

fn too_long(len: usize, max: usize) -> Outcome {
    let violation = format!(
        "#/secret/value: has {len} bytes, and the agent's vault takes {max}; store less under one name"
    );
    Outcome::Refused {
        violations: vec![violation],
    }
}

fn value_refused(limit: &str) -> Outcome {
    let violation = format!(
        "#/secret/value: the agent's vault does not take it ({limit}); store another value"
    );
    Outcome::Refused {
        violations: vec![violation],
    }
}

fn note_panic(done: Result<(), tokio::task::JoinError>) {
    if done.is_err() {
        error!("a request was not carried out: its task panicked");
    }
}

/// A request id as a gateway makes them; another has no place in a log.
fn sane(request_id: &str) -> &str {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if request_id.len() <= 64 && request_id.bytes().all(harmless) {
        request_id
    } else {
        "-"
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Stored { .. } => "stored",
        Outcome::Refused { .. } => "refused",
        Outcome::Exists => "exists",
        Outcome::PendingDeletion => "pending-deletion",
        Outcome::Unreadable { .. } => "unreadable",
        Outcome::DoesNotOpen => "does-not-open",
        Outcome::NotAccepted { .. } => "not-accepted",
        Outcome::ContextMismatch { .. } => "context-mismatch",
        Outcome::KeyReused => "key-reused",
        Outcome::Busy => "busy",
        Outcome::Expired => "expired",
        _ => "failed",
    }
}

fn format_name(sealed: &Sealed) -> &'static str {
    match sealed {
        Sealed::Native { .. } => "native",
        Sealed::Jwe { .. } => "jwe",
        Sealed::Cms { .. } => "cms",
        _ => "unknown",
    }
}

/// Requests under way at a time; the transport queues the others.
const MAX_RUNNING: usize = 256;
/// Seconds by which a gateway's clock may differ.
pub(crate) const LEEWAY: u64 = 60;
/// Seconds for which an idempotency key is remembered.
const REMEMBERED: u64 = 24 * 60 * 60;
/// Messages of the last minutes that are remembered: 40 MB.
const MAX_RECENT: usize = 1_000_000;
