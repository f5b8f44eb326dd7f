//! The agent itself: one message in, one answer out.

use std::{sync::Arc, thread::available_parallelism};

use aws_lc_rs::digest;
use sealpost_envelope::{AwsLc, Identity};
use sealpost_protocol::{
    AgentId, Clock, Context, Inbox, Outcome, ProjectId, Received, SigningKey, StoreReply,
    StoreRequest, SystemClock, VerifyKeys,
};
use sealpost_vault::{CreateError, OperationId, Vault};
use sealpost_vault_key::{ResolverRef, VaultSecretName};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, spawn_blocking},
    time::Instant,
};
use tracing::{Instrument as _, error, info, info_span, warn};

use crate::intake::{self, Value};

/// An agent: its id, the key that opens, the vault that keeps, and whom it believes.
#[derive(Debug)]
pub struct Agent {
    id: AgentId,
    identity: Arc<Identity<AwsLc>>,
    vault: Arc<dyn Vault>,
    signing_key: SigningKey,
    gateways: VerifyKeys,
    clock: Arc<dyn Clock>,
    /// One place for each RSA operation at a time; more would only compete for the same processors.
    openings: Semaphore,
}

impl Agent {
    /// The agent `id`. It opens with `identity`, stores in `vault`, signs its replies with `signing_key`, and
    /// takes requests that are signed with a key of `gateways`.
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
            identity: Arc::new(identity),
            vault,
            signing_key,
            gateways: gateways.into(),
            clock: Arc::new(SystemClock),
            openings: Semaphore::new(available_parallelism().map_or(1, usize::from)),
        }
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
            Ok(Received::Request { request, gateway }) => {
                let id = request.id;
                let span =
                    info_span!("store", request_id = %sane(&request.request_id), message_id = %id);
                let outcome = self.carry_out(request, message).instrument(span).await;
                (id, gateway, outcome)
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

    async fn carry_out(&self, request: StoreRequest, message: &[u8]) -> Outcome {
        let started = Instant::now();
        let project = request.context.project;
        let operation = operation(message);
        let outcome = self
            .store(request, &operation)
            .await
            .unwrap_or_else(|outcome| outcome);
        info!(
            agent = %self.id,
            project = project.map(tracing::field::display),
            outcome = name(&outcome),
            duration_ms = started.elapsed().as_secs_f64() * 1000.0,
            "request carried out"
        );
        outcome
    }

    /// `Err` holds every outcome but [`Outcome::Stored`].
    async fn store(
        &self,
        request: StoreRequest,
        operation: &OperationId,
    ) -> Result<Outcome, Outcome> {
        let StoreRequest {
            context, envelope, ..
        } = request;
        intake::check_context(&context)?;
        let (context, value) = self.open(context, envelope).await?;

        let project = context.project.as_ref().map(ProjectId::as_bytes);
        let name = VaultSecretName::derive(self.vault.kind(), project, &context.name);
        let resolver_ref = ResolverRef::new(name.as_str(), context.key.as_deref())
            .map_err(|error| failed("reference not formed", &error))?;

        let value = value.as_bytes();
        let max = self.vault.limits().max_value;
        if value.len() > max {
            return Err(too_long(value.len(), max));
        }
        match self.vault.create(&name, value, operation).await {
            Ok(()) => Ok(Outcome::Stored {
                resolver_ref: resolver_ref.to_string(),
                vault_secret_name: name.as_str().to_owned(),
            }),
            Err(CreateError::Exists) => Err(Outcome::Exists),
            Err(CreateError::PendingDeletion) => Err(Outcome::PendingDeletion),
            Err(CreateError::ValueTooLong { len, max }) => Err(too_long(len, max)),
            Err(error) => Err(failed("not stored", &error)),
        }
    }

    /// Opens on a thread for blocking work.
    async fn open(&self, context: Context, envelope: String) -> Result<(Context, Value), Outcome> {
        let place = self.openings.acquire().await;
        let identity = Arc::clone(&self.identity);
        let opening = spawn_blocking(move || {
            let value = intake::open_value(&identity, &context, &envelope)?;
            Ok((context, value))
        });
        let opened = opening
            .await
            .unwrap_or_else(|error| Err(failed("opening stopped", &error)));
        drop(place);
        opened
    }
}

/// What identifies the attempt: SHA-256 of the message. A gateway signs no two messages that are equal, and the
/// same message again is the same attempt.
fn operation(message: &[u8]) -> OperationId {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(OPERATION_LABEL);
    hash.update(message);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    OperationId::from_bytes(bytes)
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
        Outcome::Expired => "expired",
        _ => "failed",
    }
}

/// Requests under way at a time; the transport queues the others.
const MAX_RUNNING: usize = 256;
/// Seconds by which a gateway's clock may differ.
const LEEWAY: u64 = 60;
const OPERATION_LABEL: &[u8] = b"sealpost/operation/1";
