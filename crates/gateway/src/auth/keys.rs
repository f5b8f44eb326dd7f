//! The public keys that tokens are checked with (RFC 7517).

mod left_out;
mod member;
mod public_key;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

pub use left_out::{LeftOut, Unusable};

/// The usable keys of an issuer's set, and why the others are left out.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<TokenKey>,
    left_out: Vec<LeftOut>,
    more_left_out: usize,
}

/// One key, and the algorithms that it may be used with.
#[derive(Clone, Debug)]
pub(super) struct TokenKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517 §5). Each of its members is judged by itself: one that can't verify a token is left out
    /// and does not affect the others. The result may have no keys: then every token is refused.
    ///
    /// # Errors
    ///
    /// [`KeySetError`] if it is not a JWK set.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        // The derived deserializer of a struct accepts an array too.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(KeySetError);
        }
        let Members { keys: members } = serde_json::from_slice(json).map_err(|_| KeySetError)?;
        let mut set = Self::default();
        for (index, json) in members.into_iter().enumerate() {
            let (id, key) = member::read(json.get());
            match key.and_then(|key| set.add(key)) {
                Ok(()) => {}
                Err(_) if set.left_out.len() == MAX_LEFT_OUT => set.more_left_out += 1,
                Err(reason) => set.left_out.push(LeftOut::new(index, id, reason)),
            }
        }
        Ok(set)
    }

    /// Returns whether there is no key: no token can be accepted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the number of keys.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns the first members that were left out.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Returns how many more were left out than [`left_out`](Self::left_out) has.
    #[must_use]
    pub const fn more_left_out(&self) -> usize {
        self.more_left_out
    }

    /// Returns whether the key that a token names is missing.
    pub(super) fn lacks(&self, kid: Option<&str>) -> bool {
        kid.is_some_and(|kid| !self.keys.iter().any(|key| key.id.as_deref() == Some(kid)))
    }

    /// Returns the keys to try for a token with this `kid` and `alg`: those with this `kid`. A token without one may be
    /// signed with a key that has none either, or with the only key.
    pub(super) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &TokenKey> {
        let only = kid.is_none() && self.keys.len() == 1;
        self.keys.iter().filter(move |key| {
            (only || key.id.as_deref() == kid) && key.algorithms.contains(&algorithm)
        })
    }

    /// Adds a key. Keys of different types may share a `kid` (RFC 7517 §4.5), and issuers also repeat a key or replace one
    /// under its old `kid`: each is tried, up to a number that bounds the work for one token.
    fn add(&mut self, key: TokenKey) -> Result<(), Unusable> {
        let rivals = self.keys.iter().filter(|other| {
            other.id == key.id && other.algorithms.iter().any(|a| key.algorithms.contains(a))
        });
        if rivals.count() >= MAX_CANDIDATES {
            return Err(Unusable::TooMany);
        }
        self.keys.push(key);
        Ok(())
    }
}

/// The content is not a JWK set: it says nothing about the issuer's keys.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a JWK set (RFC 7517): give the issuer's jwks_uri content, {{\"keys\":[…]}}")]
pub struct KeySetError;

/// Two members named `keys` are an error (RFC 7517 §5); so is `null`. What else there is, is ignored.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// How many keys may have one `kid` and one algorithm.
const MAX_CANDIDATES: usize = 4;
/// How many reasons are kept of a set.
const MAX_LEFT_OUT: usize = 16;

#[cfg(test)]
mod tests;
