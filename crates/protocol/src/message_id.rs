//! What tells one message from every other.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A message's id, the claim `jti` (RFC 7519 §4.1.7): 122 random bits as a UUID, version 4.
///
/// It is made afresh for each message and never taken from outside: replies are bound to it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct MessageId(Uuid);

impl MessageId {
    /// A new id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Its 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // `uuid` reads several spellings; one is ours.
        match Uuid::try_parse(&text) {
            Ok(id) if Self(id).to_string() == text => Ok(Self(id)),
            _ => Err(de::Error::custom("not a UUID in lower case with hyphens")),
        }
    }
}
