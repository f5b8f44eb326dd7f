//! From the gateway to an agent: store this.

use std::{borrow::Cow, time::Duration};

use sealpost_envelope::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{
    AgentId, MessageId, Sealed, SigningKey, VerifyError, VerifyKeys,
    idempotency::Idempotency,
    jws,
    keys::{GatewayName, SignError},
    sealed,
};

/// A sealed value to be stored, and in clear whose it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreRequest {
    /// What the reply is bound to. New for each message.
    pub id: MessageId,
    /// The id under which the caller's request is logged. It may come from outside and binds nothing.
    pub request_id: String,
    /// The digests by which a retry is known, if the caller gave an idempotency key.
    pub idempotency: Option<Idempotency>,
    /// The sealed value, and whose it is.
    pub sealed: Sealed,
}

/// What a trusted gateway signed for this agent. Either way the gateway hears about it.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one for each message, taken apart where it was made; nearly all are the large one"
)]
pub enum Received {
    /// A request in time.
    Request {
        /// The request.
        request: StoreRequest,
        /// Whom the reply is for.
        gateway: GatewayName,
        /// How long after signing the gateway gives up.
        lifetime: Duration,
        /// When the message is surely refused as late, whatever this clock's leeway.
        expires_at: UnixTime,
    },
    /// A request whose context breaks a rule for requests in clear. It is not looked at further.
    Refused {
        /// What the reply is bound to.
        id: MessageId,
        /// Whom the reply is for.
        gateway: GatewayName,
        /// What the reply says.
        violations: Vec<String>,
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
    /// The longest time that a request may be valid.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(300);

    /// Signs the message for the value's agent. It is valid from `now` on for `lifetime`, in whole seconds and at most
    /// [`MAX_LIFETIME`](Self::MAX_LIFETIME).
    ///
    /// # Errors
    ///
    /// [`SignError`] if the cryptographic library fails.
    pub fn sign(
        &self,
        key: &SigningKey,
        now: UnixTime,
        lifetime: Duration,
    ) -> Result<Vec<u8>, SignError> {
        let lifetime = lifetime.min(Self::MAX_LIFETIME);
        let claims = Claims {
            iss: key.gateway_name(),
            aud: self.sealed.agent().urn(),
            jti: self.id,
            iat: now.as_secs(),
            exp: now.saturating_add(lifetime).as_secs(),
            request_id: Cow::Borrowed(&self.request_id),
            idempotency: self.idempotency,
            sealed: &self.sealed,
        };
        jws::sign(TYP, &claims, key)
    }

    /// Verifies and reads a message for `agent`. The clocks may differ by `leeway`, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: the message is not to be believed, and must not be answered.
    pub fn verify(
        message: &[u8],
        gateways: &VerifyKeys,
        agent: &AgentId,
        now: UnixTime,
        leeway: Duration,
    ) -> Result<Received, VerifyError> {
        let (claims, key): (Claims<'static, sealed::Received>, _) =
            jws::verify(TYP, message, gateways)?;
        if claims.iss != key.gateway_name() {
            return Err(VerifyError::Issuer);
        }
        if claims.aud != agent.urn() || claims.sealed.agent() != agent {
            return Err(VerifyError::Audience);
        }
        let credible = claims.iat <= now.saturating_add(leeway).as_secs()
            && claims.iat <= claims.exp
            && claims.exp - claims.iat <= Self::MAX_LIFETIME.as_secs();
        if !credible {
            return Err(VerifyError::Lifetime);
        }
        let expires_at = UnixTime::from_secs(claims.exp).saturating_add(leeway);
        if expires_at <= now {
            return Ok(Received::Late {
                id: claims.jti,
                gateway: claims.iss,
            });
        }
        let sealed = match claims.sealed.check() {
            Ok(sealed) => sealed,
            Err(broken) => {
                return Ok(Received::Refused {
                    id: claims.jti,
                    gateway: claims.iss,
                    violations: broken.iter().map(ToString::to_string).collect(),
                });
            }
        };
        Ok(Received::Request {
            request: Self {
                id: claims.jti,
                request_id: claims.request_id.into_owned(),
                idempotency: claims.idempotency,
                sealed,
            },
            gateway: claims.iss,
            lifetime: Duration::from_secs(claims.exp - claims.iat),
            expires_at,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Claims<'a, S> {
    iss: GatewayName,
    aud: String,
    jti: MessageId,
    iat: u64,
    exp: u64,
    request_id: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency: Option<Idempotency>,
    sealed: S,
}

const TYP: &str = "sealpost-request+jwt";
