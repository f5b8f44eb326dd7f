//! What makes a second request the same request: digests that say nothing of what they are made from.

use std::fmt;

use base64::display::Base64Display;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The digests of a request that came with an idempotency key.
///
/// # Security
///
/// Both are MACs under a secret that only gateways have: with a plain hash, a reader of the messages or of an agent's ledger
/// could confirm a guess of the key or of the value.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    /// Of the key, whose it is, and where it was used: equal for a request and its retries.
    pub scope: Mac,
    /// Of what is to be stored, and as what: differs if the key is used for something else.
    pub payload: Mac,
}

/// HMAC-SHA-256.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Mac([u8; 32]);

impl Mac {
    /// Takes the 32 bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &BASE64_URL_SAFE_NO_PAD).fmt(f)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(32) => Ok(Self(bytes)),
            _ => Err(de::Error::custom("not 32 bytes in unpadded base64url")),
        }
    }
}
