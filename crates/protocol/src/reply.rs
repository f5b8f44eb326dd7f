//! From an agent back to the gateway: what became of it.

use std::time::Duration;

use sealpost_envelope::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{
    AgentId, MessageId, SigningKey, VerifyError, VerifyKeys, jws,
    keys::{GatewayName, SignError},
};

/// The answer to one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreReply {
    /// The request that it answers.
    pub in_reply_to: MessageId,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
///
/// Replies are signed, not encrypted, and pass through a broker: no variant may carry anything of a value,
/// and no name of a value's members.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Outcome {
    /// It is in the vault, durably.
    Stored {
        /// What pipelines resolve.
        resolver_ref: String,
        /// The name in the vault.
        vault_secret_name: String,
    },
    /// It broke a rule. Nothing was stored.
    Refused {
        /// Each in the form `#/secret/name: …`, in document order.
        violations: Vec<String>,
    },
    /// The name is taken. Nothing was stored.
    Exists,
    /// The name was deleted and the vault still holds it. Nothing was stored.
    PendingDeletion,
    /// The envelope could not be read, before any private key was used. Nothing was stored.
    Unreadable {
        /// Why, and how to repair it.
        reason: String,
    },
    /// The envelope does not open. Nothing was stored, and there is no reason to be had.
    DoesNotOpen,
    /// The agent takes other formats. Nothing was stored.
    NotAccepted {
        /// Those that it takes: `native`, `jwe`, `cms`.
        accepted: Vec<String>,
    },
    /// What was sealed says that it is for another agent or project than it was sent to. Nothing was stored.
    ContextMismatch {
        /// Each in the form `agentId: …`.
        violations: Vec<String>,
    },
    /// The idempotency key was used before, for something else. Nothing was stored.
    KeyReused,
    /// The agent can take no more requests for now: it can't remember or store them. Nothing was stored.
    Busy,
    /// The request came too late. Nothing was stored.
    Expired,
    /// Something failed at the agent; its log says what. Something may have been stored.
    Failed,
}

impl Outcome {
    /// Returns the name that stands in messages and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stored { .. } => "stored",
            Self::Refused { .. } => "refused",
            Self::Exists => "exists",
            Self::PendingDeletion => "pending-deletion",
            Self::Unreadable { .. } => "unreadable",
            Self::DoesNotOpen => "does-not-open",
            Self::NotAccepted { .. } => "not-accepted",
            Self::ContextMismatch { .. } => "context-mismatch",
            Self::KeyReused => "key-reused",
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

impl StoreReply {
    /// The message that tells `gateway`.
    ///
    /// # Errors
    ///
    /// [`SignError`] if the cryptographic library fails.
    pub fn sign(
        self,
        key: &SigningKey,
        agent: &AgentId,
        gateway: GatewayName,
        now: UnixTime,
    ) -> Result<Vec<u8>, SignError> {
        let claims = Claims {
            iss: agent.urn(),
            aud: gateway,
            jti: MessageId::random(),
            iat: now.as_secs(),
            exp: now.as_secs().saturating_add(LIFETIME.as_secs()),
            in_reply_to: self.in_reply_to,
            outcome: self.outcome,
        };
        jws::sign(TYP, &claims, key)
    }

    /// Verifies and reads the message with which `agent` answers the request `in_reply_to` of `gateway`. The clocks may
    /// differ by `leeway`, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: what is in the message is not to be believed.
    pub fn verify(
        message: &[u8],
        agent: (&AgentId, &VerifyKeys),
        gateway: &GatewayName,
        in_reply_to: MessageId,
        now: UnixTime,
        leeway: Duration,
    ) -> Result<Outcome, VerifyError> {
        let (agent, keys) = agent;
        let (claims, _): (Claims, _) = jws::verify(TYP, message, keys)?;
        if claims.iss != agent.urn() {
            return Err(VerifyError::Issuer);
        }
        if claims.aud != *gateway {
            return Err(VerifyError::Audience);
        }
        if claims.in_reply_to != in_reply_to {
            return Err(VerifyError::InReplyTo);
        }
        let credible = claims.iat <= now.saturating_add(leeway).as_secs()
            && claims.iat <= claims.exp
            && claims.exp - claims.iat <= LIFETIME.as_secs();
        if !credible {
            return Err(VerifyError::Lifetime);
        }
        if UnixTime::from_secs(claims.exp).saturating_add(leeway) <= now {
            return Err(VerifyError::Expired);
        }
        Ok(claims.outcome)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: GatewayName,
    jti: MessageId,
    iat: u64,
    exp: u64,
    in_reply_to: MessageId,
    outcome: Outcome,
}

/// How long a reply is valid. The gateway waits for it, so this only bounds the use of a stolen one.
const LIFETIME: Duration = Duration::from_secs(60);
const TYP: &str = "sealpost-reply+jwt";
