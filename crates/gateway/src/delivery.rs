//! From a checked request to the agent's answer: seal, sign, send, believe.

use std::sync::Arc;

use sealpost_envelope::{AwsLcRng, SealError, SecretContext, TrustError, UnixTime, seal, text};
use sealpost_protocol::{
    Idempotency, MessageId, Outcome, Owner, Sealed, SignError, StoreReply, StoreRequest,
    TransportError,
};
use tokio::{task::spawn_blocking, time::Instant};
use tracing::{error, warn};

use crate::{
    AgentEntry, Gateway, ProblemType,
    idempotency::Caller,
    problem::Problem,
    request_id::RequestId,
    submission::{Clear, Submission},
};

/// A request that is in order.
pub(crate) struct Order {
    pub(crate) submission: Submission,
    pub(crate) owner: Owner,
    /// Who gave an idempotency key, if one was given.
    pub(crate) caller: Option<Caller>,
}

/// What the agent says of a stored secret.
pub(crate) struct Stored {
    pub(crate) resolver_ref: String,
    pub(crate) vault_secret_name: String,
}

/// Has the agent store what was submitted.
pub(crate) async fn deliver(
    gateway: &Arc<Gateway>,
    id: &RequestId,
    entry: Arc<AgentEntry>,
    order: Order,
    deadline: Instant,
) -> Result<Stored, Problem> {
    let at_source = order.submission.is_sealed();
    let message_id = MessageId::random();
    let preparing = Preparing {
        gateway: Arc::clone(gateway),
        entry: Arc::clone(&entry),
        message_id,
        request_id: id.as_str().to_owned(),
        now: gateway.clock.now(),
        lifetime: deadline.saturating_duration_since(Instant::now()).as_secs() + 1,
    };
    let message = prepare(gateway, preparing, order).await?;
    let answer = gateway
        .transport
        .request(entry.id(), message, deadline)
        .await
        .map_err(|error| no_answer(&error))?;
    let outcome = StoreReply::verify(
        &answer,
        (entry.id(), entry.verify_keys()),
        &gateway.signing_key.gateway_name(),
        message_id,
        gateway.clock.now(),
        LEEWAY,
    )
    .map_err(internal)?;
    interpret(outcome, at_source)
}

/// Seals and signs on a thread for blocking work, where the submission is wiped as well.
async fn prepare(
    gateway: &Gateway,
    preparing: Preparing,
    order: Order,
) -> Result<Vec<u8>, Problem> {
    let place = gateway.sealings.acquire().await;
    let message = spawn_blocking(move || preparing.message(order)).await;
    drop(place);
    match message {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(Unprepared::Certificate(error))) => {
            warn!(%error, "agent certificate not valid");
            let violation = format!("agentId: {error}");
            Err(Problem::of_request(
                ProblemType::CertificateExpired,
                vec![violation],
            ))
        }
        Ok(Err(Unprepared::Seal(error))) => Err(internal(error)),
        Ok(Err(Unprepared::Sign(error))) => Err(internal(error)),
        Err(stopped) => Err(internal(stopped)),
    }
}

/// What goes into a message beside the order.
struct Preparing {
    gateway: Arc<Gateway>,
    entry: Arc<AgentEntry>,
    message_id: MessageId,
    request_id: String,
    now: UnixTime,
    /// In seconds.
    lifetime: u64,
}

impl Preparing {
    fn message(self, order: Order) -> Result<Vec<u8>, Unprepared> {
        let (sealed, idempotency) = self.seal(order)?;
        let request = StoreRequest {
            id: self.message_id,
            request_id: self.request_id,
            idempotency,
            sealed,
        };
        request
            .sign(&self.gateway.signing_key, self.now, self.lifetime)
            .map_err(Unprepared::Sign)
    }

    fn seal(&self, order: Order) -> Result<(Sealed, Option<Idempotency>), Unprepared> {
        let Order {
            submission,
            owner,
            caller,
        } = order;
        let secret = &self.gateway.idempotency_secret;
        let marks = |payload: &dyn Fn() -> _| {
            caller
                .as_ref()
                .map(|caller| secret.marks(caller, &owner, payload()))
        };
        match submission {
            Submission::Clear(clear) => {
                let context = clear.context(owner);
                let idempotency = marks(&|| secret.clear_payload(&context, clear.value()));
                let envelope = self.envelope(&clear, &context.borrow())?;
                Ok((Sealed::Native { context, envelope }, idempotency))
            }
            // Whether the certificate that it was sealed to is still valid was the caller's to check.
            Submission::AtSource(sealed) => {
                let idempotency = marks(&|| secret.sealed_payload(&owner, sealed.as_bytes()));
                Ok((sealed.into_sealed(owner), idempotency))
            }
        }
    }

    fn envelope(&self, clear: &Clear, context: &SecretContext<'_>) -> Result<String, Unprepared> {
        let recipient = self
            .entry
            .recipient(self.now)
            .map_err(Unprepared::Certificate)?;
        let recipients = std::slice::from_ref(recipient);
        let envelope = seal(recipients, context, clear.value(), &mut AwsLcRng);
        Ok(text::encode(&envelope.map_err(Unprepared::Seal)?))
    }
}

enum Unprepared {
    Certificate(TrustError),
    Seal(SealError),
    Sign(SignError),
}

/// Returns what the caller is told. `at_source` says that the caller has sealed the value, and not this gateway.
fn interpret(outcome: Outcome, at_source: bool) -> Result<Stored, Problem> {
    Err(match outcome {
        Outcome::Stored {
            resolver_ref,
            vault_secret_name,
        } => {
            return Ok(Stored {
                resolver_ref,
                vault_secret_name,
            });
        }
        // The caller can't repair what the gateway has sealed.
        Outcome::Unreadable { reason } if !at_source => internal(reason),
        Outcome::DoesNotOpen if !at_source => internal("the envelope did not open at the agent"),
        Outcome::ContextMismatch { violations } if !at_source => internal(violations.join("; ")),
        Outcome::Refused { violations } => {
            Problem::of_request(ProblemType::InvalidRequest, violations)
        }
        Outcome::Exists => Problem::new(
            ProblemType::SecretExists,
            "A secret with this name exists already and was left as it is. Choose another name, or delete that \
             secret in the vault first.",
        ),
        Outcome::PendingDeletion => Problem::new(
            ProblemType::SecretPendingDeletion,
            "A secret with this name was deleted, and the vault still holds it for a while. Choose another name, \
             or purge or restore that secret in the vault.",
        ),
        Outcome::Expired => {
            warn!("the agent found the request expired");
            timeout(
                "The request reached the agent too late, and nothing was stored. Send it again.",
            )
        }
        Outcome::Unreadable { reason } => {
            Problem::of_request(ProblemType::SealedUnreadable, vec![format!("#: {reason}")])
        }
        Outcome::DoesNotOpen => Problem::of_request(
            ProblemType::SealedDoesNotOpen,
            vec![
                "#: the value does not open: it was sealed for another context, or it was changed; seal it again to the \
                 agent's current certificate"
                    .into(),
            ],
        ),
        Outcome::NotAccepted { accepted } => Problem::of_request(
            ProblemType::FormatNotAccepted,
            vec![not_accepted(&accepted)],
        ),
        Outcome::ContextMismatch { violations } => {
            Problem::of_request(ProblemType::ContextMismatch, violations)
        }
        Outcome::KeyReused => Problem::of_request(
            ProblemType::IdempotencyKeyReused,
            vec![
                "Idempotency-Key: was used within 24 hours for another request; give a new one for each request, and the \
                 same only to repeat it unchanged"
                    .into(),
            ],
        ),
        Outcome::Busy => {
            warn!("the agent can take no more for now");
            Problem::new(
                ProblemType::AgentBusy,
                "The agent can remember no more requests for now, and nothing was stored. Send the request again later; \
                 the agent's log says which limit was reached.",
            )
        }
        Outcome::Failed => internal("the agent failed; its log says why"),
    })
}

/// The names are the agent's: those that are known are translated, and no others are repeated.
fn not_accepted(accepted: &[String]) -> String {
    let types: Vec<_> = accepted
        .iter()
        .filter_map(|name| match name.as_str() {
            "native" => Some("application/json"),
            "jwe" => Some("application/jose"),
            "cms" => Some("application/pkcs7-mime"),
            _ => None,
        })
        .collect();
    format!(
        "Content-Type: this agent does not take the format; send one of {}, or ask its operator",
        types.join(", ")
    )
}

fn no_answer(error: &TransportError) -> Problem {
    warn!(%error, "no answer from the agent");
    match error {
        TransportError::Offline => Problem::new(
            ProblemType::AgentOffline,
            "The agent is not connected, and nothing was stored. Send the request again when it is.",
        ),
        TransportError::DeadlineExceeded | TransportError::NoAnswer => timeout(
            "The agent did not answer in time. The secret may be stored or not: send the request again. With the same \
             Idempotency-Key it happens once; without one, a 409 may mean that the first attempt succeeded.",
        ),
        _ => Problem::internal(),
    }
}

fn timeout(detail: &'static str) -> Problem {
    Problem::new(ProblemType::AgentTimeout, detail)
}

fn internal(cause: impl ToString) -> Problem {
    error!(cause = cause.to_string(), "request failed");
    Problem::internal()
}

/// Seconds by which the agent's clock may differ.
const LEEWAY: u64 = 60;
