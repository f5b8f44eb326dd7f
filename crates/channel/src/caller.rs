//! Callers, as an agent tells them apart: by a tag that says nothing of who they are.

use std::fmt;

use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, backend::Backend as _};

use crate::labels::expand_raw;

/// The tag of one caller at one agent.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallerTag([u8; 16]);

impl CallerTag {
    /// The tag of the caller that `issuer` calls `subject`. `secret` is the gateways' secret for idempotency keys.
    ///
    /// ```text
    /// HMAC(Expand(secret, "sealpost/v1/caller", 32), str(agent) ‖ str(issuer) ‖ opt(str(subject)))[..16]
    /// ```
    #[must_use]
    pub fn new(secret: &[u8; 32], agent: &AgentId, issuer: &str, subject: Option<&str>) -> Self {
        let prk = prk(secret);
        let key = expand_raw(&prk, &[b"sealpost/v1/caller"]);
        let mut message = Vec::new();
        put(&mut message, agent.as_str());
        put(&mut message, issuer);
        message.push(u8::from(subject.is_some()));
        if let Some(subject) = subject {
            put(&mut message, subject);
        }
        let mac = AwsLc::hmac(&AwsLc::hmac_key(key.as_slice()), &[&message]);
        let mut tag = [0; 16];
        tag.copy_from_slice(&mac[..16]);
        Self(tag)
    }

    /// The tag that these bytes are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Shows 4 bytes, as many as a log may have.
impl fmt::Debug for CallerTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "CallerTag({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// The secret as a key to expand: it is random already.
fn prk(secret: &[u8; 32]) -> crate::labels::Prk {
    aws_lc_rs::hkdf::Prk::new_less_safe(aws_lc_rs::hkdf::HKDF_SHA256, secret)
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}
