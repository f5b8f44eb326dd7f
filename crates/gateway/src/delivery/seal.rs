//! Sealing a submission and signing the message for its agent.

use std::{sync::Arc, thread::available_parallelism};

use sealpost_envelope::{
    AwsLcRng, SealError, SecretContext, UnixTime, seal, text, trust::TrustError,
};
use sealpost_protocol::{
    MessageId, Sealed, SigningKey, StoreRequest,
    context::Owner,
    idempotency::Idempotency,
    keys::{GatewayName, SignError},
};
use sealpost_rest::ProblemType;
use tokio::{task::spawn_blocking, time::Instant};
use tracing::warn;

use crate::{
    directory::AgentEntry,
    idempotency::{Caller, IdempotencySecret},
    principal_id::PrincipalId,
    problem::Problem,
    rejection::Rejection,
    submission::{ClearRequest, Submission},
    turns::Turns,
};

/// A checked request.
pub(crate) struct Order {
    pub(crate) submission: Submission,
    pub(crate) owner: Owner,
    /// Whose turn it takes.
    pub(crate) principal: PrincipalId,
    /// Who gave an idempotency key, if the request has one.
    pub(crate) caller: Option<Caller>,
}

/// What a message has beside the order.
pub(super) struct Message {
    pub(super) entry: Arc<AgentEntry>,
    pub(super) id: MessageId,
    pub(super) request_id: String,
    pub(super) now: UnixTime,
    pub(super) lifetime: std::time::Duration,
}

/// Seals and signs.
#[derive(Debug)]
pub(super) struct Sealer {
    keys: Arc<Keys>,
    /// One permit for each processor: more sealings at a time would only compete for them.
    turns: Turns,
}

#[derive(Debug)]
struct Keys {
    signing_key: SigningKey,
    idempotency_secret: IdempotencySecret,
}

impl Sealer {
    pub(super) fn new(signing_key: SigningKey, idempotency_secret: IdempotencySecret) -> Self {
        Self {
            keys: Arc::new(Keys {
                signing_key,
                idempotency_secret,
            }),
            turns: Turns::new(available_parallelism().map_or(1, usize::from)),
        }
    }

    /// Returns the name that agents know this gateway by.
    pub(super) fn gateway_name(&self) -> GatewayName {
        self.keys.signing_key.gateway_name()
    }

    /// Seals and signs on a thread for blocking work, where the submission is wiped as well.
    ///
    /// # Errors
    ///
    /// The answer.
    pub(super) async fn seal(
        &self,
        message: Message,
        order: Order,
        deadline: Instant,
    ) -> Result<Vec<u8>, Problem> {
        let keys = Arc::clone(&self.keys);
        let permit = self.turns.take(order.principal, 1, deadline).await;
        let permit = permit.ok_or_else(Problem::overloaded)?;
        let message = spawn_blocking(move || {
            // Returned when the work is done, also if the request is no longer waited for.
            let _permit = permit;
            keys.seal(message, order)
        });
        let message = message.await;
        match message {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(Unsealed::Certificate(error))) => {
                warn!(%error, "agent certificate not valid");
                let violation = format!("agentId: {error}");
                Err(Rejection::one(ProblemType::CertificateExpired, violation).into())
            }
            Ok(Err(Unsealed::Seal(error))) => Err(Problem::failed(error)),
            Ok(Err(Unsealed::Sign(error))) => Err(Problem::failed(error)),
            Err(stopped) => Err(Problem::failed(stopped)),
        }
    }
}

impl Keys {
    fn seal(&self, message: Message, order: Order) -> Result<Vec<u8>, Unsealed> {
        let (sealed, idempotency) = self.sealed(&message, order)?;
        let request = StoreRequest {
            id: message.id,
            request_id: message.request_id,
            idempotency,
            sealed,
        };
        request
            .sign(&self.signing_key, message.now, message.lifetime)
            .map_err(Unsealed::Sign)
    }

    fn sealed(
        &self,
        message: &Message,
        order: Order,
    ) -> Result<(Sealed, Option<Idempotency>), Unsealed> {
        let Order {
            submission,
            owner,
            principal: _,
            caller,
        } = order;
        let secret = &self.idempotency_secret;
        let digests = |payload: &dyn Fn() -> _| {
            caller
                .as_ref()
                .map(|caller| secret.digests(caller, &owner, payload()))
        };
        match submission {
            Submission::Clear(clear) => {
                let context = clear.context(owner);
                let idempotency = digests(&|| secret.clear_payload(&context, clear.value()));
                let envelope = envelope(message, &clear, &context.borrow())?;
                Ok((Sealed::Native { context, envelope }, idempotency))
            }
            // The caller checks that the certificate that it was sealed to is still valid.
            Submission::AtSource(sealed) => {
                let idempotency = digests(&|| secret.sealed_payload(&owner, sealed.as_bytes()));
                Ok((sealed.into_sealed(owner), idempotency))
            }
        }
    }
}

fn envelope(
    message: &Message,
    clear: &ClearRequest,
    context: &SecretContext<'_>,
) -> Result<String, Unsealed> {
    let recipient = message
        .entry
        .recipient(message.now)
        .map_err(Unsealed::Certificate)?;
    let recipients = std::slice::from_ref(recipient);
    let envelope = seal(recipients, context, clear.value(), &mut AwsLcRng);
    Ok(text::encode(&envelope.map_err(Unsealed::Seal)?))
}

/// Why there is no message.
enum Unsealed {
    Certificate(TrustError),
    Seal(SealError),
    Sign(SignError),
}
