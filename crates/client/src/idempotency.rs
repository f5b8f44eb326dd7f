//! What makes a retry recognisable.

use std::fmt;

use reqwest::header::HeaderValue;
use sealpost_envelope::{OsRng, rand_core::TryRng as _};

use crate::ClientError;

/// The key that all attempts of one call have in common (`Idempotency-Key`): an attempt that comes again is answered
/// with the outcome of the first, not with a 409.
///
/// A call without one gets one at random. Give one yourself to have another process recognise the call after a crash:
/// the same key for the same secret with the same value, and for nothing else.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key of one's own: 1 to 64 of `A-Z a-z 0-9 . _ ~ : -`.
    ///
    /// # Errors
    ///
    /// [`ClientError::IdempotencyKey`] if it is something else.
    pub fn new(key: impl Into<String>) -> Result<Self, ClientError> {
        let key = key.into();
        let good = |b: u8| b.is_ascii_alphanumeric() || b"._~:-".contains(&b);
        if !(1..=MAX_LEN).contains(&key.len()) || !key.bytes().all(good) {
            return Err(ClientError::IdempotencyKey);
        }
        Ok(Self(key))
    }

    /// 128 random bits.
    ///
    /// # Errors
    ///
    /// [`ClientError::Randomness`].
    pub fn random() -> Result<Self, ClientError> {
        Ok(Self(random_hex()?))
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the header has it: a string of structured fields (RFC 9651 §3.3.3), as
    /// draft-ietf-httpapi-idempotency-key-header wants it. No character of a key needs an escape.
    pub(crate) fn header_value(&self) -> Result<HeaderValue, ClientError> {
        HeaderValue::from_str(&format!("\"{}\"", self.0)).map_err(|_| ClientError::IdempotencyKey)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 32 hexadecimal digits at random.
pub(crate) fn random_hex() -> Result<String, ClientError> {
    let mut bytes = [0; 16];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| ClientError::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

const MAX_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_escape_is_taken() {
        for good in ["a", "order-4711:a_b.c~d", &"k".repeat(64)] {
            let key = IdempotencyKey::new(good).unwrap();
            assert_eq!(key.header_value().unwrap(), format!("\"{good}\"").as_str());
        }
        for bad in ["", &"k".repeat(65), "a b", "a\"b", "a\\b", "é", "a\n"] {
            assert!(IdempotencyKey::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn random_keys_differ() {
        let (one, other) = (
            IdempotencyKey::random().unwrap(),
            IdempotencyKey::random().unwrap(),
        );
        assert_ne!(one, other);
        assert_eq!(IdempotencyKey::new(one.as_str()).unwrap(), one);
    }
}
