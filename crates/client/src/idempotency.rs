//! The key by which the gateway recognises a retry.

use std::fmt;

use reqwest::header::HeaderValue;
use sealpost_context::hex::Hex;
use sealpost_envelope::{OsRng, rand_core::TryRng as _};

use crate::error::ClientError;

/// The key that all attempts of one call share (`Idempotency-Key`): a repeated attempt is answered with the outcome of the
/// first, not with a 409.
///
/// A call without a key gets a random one. Set a key if another process may have to repeat the call after a crash: use the
/// same key for the same secret with the same value, and for nothing else.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Creates a key from a text: 1 to 64 of `A-Z a-z 0-9 . _ ~ : -`.
    ///
    /// # Errors
    ///
    /// [`ClientError::IdempotencyKey`] for any other text.
    pub fn new(key: impl Into<String>) -> Result<Self, ClientError> {
        let key = key.into();
        let good = |b: u8| b.is_ascii_alphanumeric() || b"._~:-".contains(&b);
        if !(1..=MAX_LEN).contains(&key.len()) || !key.bytes().all(good) {
            return Err(ClientError::IdempotencyKey);
        }
        Ok(Self(key))
    }

    /// Creates a key of 128 random bits.
    ///
    /// # Errors
    ///
    /// [`ClientError::Randomness`].
    pub fn random() -> Result<Self, ClientError> {
        Ok(Self(random_hex()?))
    }

    /// Returns the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the header: a string of structured fields (RFC 9651 §3.3.3), as draft-ietf-httpapi-idempotency-key-header
    /// requires. No character of a key needs an escape.
    pub(crate) fn header_value(&self) -> Result<HeaderValue, ClientError> {
        HeaderValue::from_str(&format!("\"{}\"", self.0)).map_err(|_| ClientError::IdempotencyKey)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns 32 random hexadecimal digits.
pub(crate) fn random_hex() -> Result<String, ClientError> {
    let mut bytes = [0; 16];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| ClientError::Randomness)?;
    Ok(Hex(&bytes).to_string())
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
