//! From the gateway to an agent: store this.

use sealpost_envelope::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{
    AgentId, Context, GatewayName, MessageId, SignError, SigningKey, VerifyError, VerifyKeys, jws,
};

/// A sealed value to be stored, and in clear whose it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreRequest {
    /// What the reply is bound to. New for each message.
    pub id: MessageId,
    /// The id under which the caller's request is logged. It may come from outside and binds nothing.
    pub request_id: String,
    /// Whose value it is.
    pub context: Context,
    /// The sealed value in its text form.
    pub envelope: String,
}

/// What a trusted gateway signed for this agent. Either way the gateway hears about it.
#[derive(Clone, Debug)]
pub enum Received {
    /// A request in time.
    Request {
        /// The request.
        request: StoreRequest,
        /// Whom the reply is for.
        gateway: GatewayName,
    },
    /// A request that had expired. There is nothing to be done for it.
    Late {
        /// What the reply is bound to.
        id: MessageId,
        /// Whom the reply is for.
        gateway: GatewayName,
    },
}

impl StoreRequest {
    /// The longest time that a request may be valid, in seconds.
    pub const MAX_LIFETIME: u64 = 300;

    /// The message that asks the context's agent, valid for `lifetime` seconds (at most
    /// [`MAX_LIFETIME`](Self::MAX_LIFETIME)) from `now` on.
    ///
    /// # Errors
    ///
    /// [`SignError`] if the cryptographic library fails.
    pub fn sign(
        &self,
        key: &SigningKey,
        now: UnixTime,
        lifetime: u64,
    ) -> Result<Vec<u8>, SignError> {
        let lifetime = lifetime.min(Self::MAX_LIFETIME);
        let claims = Claims {
            iss: key.gateway_name(),
            aud: self.context.agent.urn(),
            jti: self.id,
            iat: now.as_secs(),
            exp: now.as_secs().saturating_add(lifetime),
            request_id: self.request_id.clone(),
            context: self.context.clone(),
            envelope: self.envelope.clone(),
        };
        jws::sign(TYP, &claims, key)
    }

    /// Reads a message for `agent`. Both clocks may differ by `leeway` seconds.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: the message is not to be believed, and must not be answered.
    pub fn verify(
        message: &[u8],
        gateways: &VerifyKeys,
        agent: &AgentId,
        now: UnixTime,
        leeway: u64,
    ) -> Result<Received, VerifyError> {
        let (claims, key): (Claims, _) = jws::verify(TYP, message, gateways)?;
        if claims.iss != key.gateway_name() {
            return Err(VerifyError::Issuer);
        }
        if claims.aud != agent.urn() || claims.context.agent != *agent {
            return Err(VerifyError::Audience);
        }
        let credible = claims.iat <= now.as_secs().saturating_add(leeway)
            && claims.iat <= claims.exp
            && claims.exp - claims.iat <= Self::MAX_LIFETIME;
        if !credible {
            return Err(VerifyError::Lifetime);
        }
        if claims.exp.saturating_add(leeway) <= now.as_secs() {
            return Ok(Received::Late {
                id: claims.jti,
                gateway: claims.iss,
            });
        }
        Ok(Received::Request {
            request: Self {
                id: claims.jti,
                request_id: claims.request_id,
                context: claims.context,
                envelope: claims.envelope,
            },
            gateway: claims.iss,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: GatewayName,
    aud: String,
    jti: MessageId,
    iat: u64,
    exp: u64,
    request_id: String,
    context: Context,
    envelope: String,
}

const TYP: &str = "sealpost-request+jwt";
