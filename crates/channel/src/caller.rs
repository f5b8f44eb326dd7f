//! Callers, as an agent tells them apart: by a tag that says nothing of who they are.

use std::fmt;

use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, backend::Backend};

use crate::labels::expand_raw;

/// The tag of one caller at one agent.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CallerTag([u8; 16]);

/// The key under which callers have their tags, made of the gateways' secret for idempotency keys.
#[derive(Clone)]
pub struct CallerKey(<AwsLc as Backend>::HmacKey);

impl CallerKey {
    /// `Expand(secret, "sealpost/v1/caller", 32)`
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        let key = expand_raw(&prk(secret), &[b"sealpost/v1/caller"]);
        Self(AwsLc::hmac_key(key.as_slice()))
    }

    /// The tag of the caller that `issuer` calls `subject`.
    ///
    /// ```text
    /// HMAC(key, str(agent) ‖ str(issuer) ‖ opt(str(subject)))[..16]
    /// ```
    #[must_use]
    pub fn tag(&self, agent: &AgentId, issuer: &str, subject: Option<&str>) -> CallerTag {
        let mut message = Vec::new();
        put(&mut message, agent.as_str());
        put(&mut message, issuer);
        message.push(u8::from(subject.is_some()));
        if let Some(subject) = subject {
            put(&mut message, subject);
        }
        let mac = AwsLc::hmac(&self.0, &[&message]);
        let mut tag = [0; 16];
        tag.copy_from_slice(&mac[..16]);
        CallerTag(tag)
    }
}

impl fmt::Debug for CallerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerKey")
    }
}

impl CallerTag {
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
