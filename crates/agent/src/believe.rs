//! Verification: which messages the agent believes, and the signature under its replies.

use std::time::Duration;

use sealpost_envelope::UnixTime;
use sealpost_protocol::{
    AgentId, MessageId, Outcome, Received, SigningKey, StoreReply, StoreRequest, VerifyError,
    VerifyKeys, keys::GatewayName,
};
use tokio::time::Instant;
use tracing::error;

use crate::digests::{self, Digest};

/// The agent's id and key, and the keys of the gateways that it trusts.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) id: AgentId,
    pub(crate) signing_key: SigningKey,
    pub(crate) gateways: VerifyKeys,
}

/// A message that a trusted gateway signed for this agent. It is answered in either case.
pub(crate) struct Believed {
    pub(crate) id: MessageId,
    pub(crate) gateway: GatewayName,
    pub(crate) task: Task,
}

/// What to do about a believed message.
#[expect(
    clippy::large_enum_variant,
    reason = "one for each message, taken apart where it was made; nearly all are the large one"
)]
pub(crate) enum Task {
    Store(Job),
    /// The request breaks these rules.
    Refuse(Vec<String>),
    /// The request had expired before it arrived.
    Expire,
}

/// A request to carry out.
pub(crate) struct Job {
    /// Identifies the message.
    pub(crate) message: Digest,
    pub(crate) request: StoreRequest,
    /// When the message arrived.
    pub(crate) now: UnixTime,
    /// From this time on a replay of the message is refused as late.
    pub(crate) expires_at: UnixTime,
    /// When the gateway stops waiting for the reply.
    pub(crate) deadline: Instant,
}

impl Peers {
    /// Verifies a message.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: the message must not be answered.
    pub(crate) fn verify(&self, message: &[u8], now: UnixTime) -> Result<Believed, VerifyError> {
        let received = StoreRequest::verify(message, &self.gateways, &self.id, now, LEEWAY)?;
        Ok(match received {
            Received::Request {
                request,
                gateway,
                lifetime,
                expires_at,
            } => Believed {
                id: request.id,
                gateway,
                task: Task::Store(Job {
                    message: digests::message(message),
                    request,
                    now,
                    expires_at,
                    // By the lifetime, not by the time of expiry: clocks differ.
                    deadline: Instant::now() + lifetime,
                }),
            },
            Received::Refused {
                id,
                gateway,
                violations,
            } => Believed {
                id,
                gateway,
                task: Task::Refuse(violations),
            },
            Received::Late { id, gateway } => Believed {
                id,
                gateway,
                task: Task::Expire,
            },
        })
    }

    /// Signs the reply to a message. `None` if the cryptographic library fails, which is logged.
    pub(crate) fn reply(
        &self,
        in_reply_to: MessageId,
        gateway: GatewayName,
        outcome: Outcome,
        now: UnixTime,
    ) -> Option<Vec<u8>> {
        let reply = StoreReply {
            in_reply_to,
            outcome,
        };
        match reply.sign(&self.signing_key, &self.id, gateway, now) {
            Ok(reply) => Some(reply),
            Err(error) => {
                error!(%error, "reply not signed");
                None
            }
        }
    }
}

/// Returns a request id if it has the form that gateways give it; any other is not safe to log.
pub(crate) fn loggable(request_id: &str) -> &str {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if request_id.len() <= 64 && request_id.bytes().all(harmless) {
        request_id
    } else {
        "-"
    }
}

/// By how much a gateway's clock may differ.
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);
