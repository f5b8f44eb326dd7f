//! The public keys that tokens are checked with (RFC 7517).

use std::collections::HashSet;

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use thiserror::Error;

/// A set of public keys of an issuer.
#[derive(Clone, Debug)]
pub struct KeySet(Vec<TokenKey>);

/// One key, and the algorithms that it may be used with.
#[derive(Clone, Debug)]
pub(super) struct TokenKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
}

impl KeySet {
    /// Reads a JWK set (RFC 7517 §5). Ignores keys that tokens are never signed with: for encryption, of other types,
    /// or for other algorithms.
    ///
    /// # Errors
    ///
    /// [`KeySetError`] if it is not a JWK set, has a symmetric key, has two keys with one id, or has no key that can be
    /// used.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        // The derived deserializer of a struct accepts an array too.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(KeySetError::Malformed);
        }
        let set: JwkSet = serde_json::from_slice(json).map_err(|_| KeySetError::Malformed)?;
        let mut keys = Vec::new();
        for jwk in &set.keys {
            keys.extend(TokenKey::from_jwk(jwk)?);
        }
        let mut ids = HashSet::new();
        if !keys.iter().all(|key| ids.insert(&key.id)) {
            return Err(KeySetError::DuplicateId);
        }
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self(keys))
    }

    /// Returns the number of keys.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the key that a token names is missing.
    pub(super) fn lacks(&self, kid: Option<&str>) -> bool {
        kid.is_some_and(|kid| !self.0.iter().any(|key| key.id.as_deref() == Some(kid)))
    }

    /// Returns the key for a token with this `kid` and `alg`. Without a `kid` the set must have exactly one key.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&TokenKey> {
        let key = match (kid, self.0.as_slice()) {
            (Some(kid), keys) => keys.iter().find(|key| key.id.as_deref() == Some(kid))?,
            (None, [key]) => key,
            (None, _) => return None,
        };
        key.algorithms.contains(&algorithm).then_some(key)
    }
}

impl TokenKey {
    fn from_jwk(jwk: &Jwk) -> Result<Option<Self>, KeySetError> {
        // The key decides which algorithms fit it, not the token: otherwise a public key could be used as an HMAC
        // secret.
        let possible: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::PS256],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                &[Algorithm::ES256]
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                &[Algorithm::EdDSA]
            }
            AlgorithmParameters::OctetKey(_) => return Err(KeySetError::Symmetric),
            _ => return Ok(None),
        };
        let algorithms: Vec<Algorithm> = match jwk.common.key_algorithm {
            None => possible.to_vec(),
            Some(named) => possible
                .iter()
                .copied()
                .filter(|&a| Algorithm::try_from(named) == Ok(a))
                .collect(),
        };
        let signs = matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        if algorithms.is_empty() || !signs {
            return Ok(None);
        }
        let key = DecodingKey::from_jwk(jwk).map_err(|_| KeySetError::Malformed)?;
        Ok(Some(Self {
            id: jwk.common.key_id.clone(),
            algorithms,
            key,
        }))
    }
}

/// Why a key set can't be used.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not a JWK set.
    #[error("not a JWK set (RFC 7517): give the issuer's jwks_uri content, {{\"keys\":[…]}}")]
    Malformed,
    /// A symmetric key is in it.
    #[error(
        "the JWK set has a symmetric key (kty oct): everyone who reads it can forge tokens; remove and revoke it"
    )]
    Symmetric,
    /// Two keys have the same id.
    #[error("two keys of the JWK set have the same kid, or none: give each its own")]
    DuplicateId,
    /// No key that verifies RS256, PS256, ES256 or EdDSA.
    #[error("the JWK set has no key for RS256, PS256, ES256 or EdDSA: add one")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn error(keys: &str) -> Option<KeySetError> {
        KeySet::from_jwks(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).err()
    }

    #[test]
    fn keys_are_found_by_id_and_algorithm() {
        let set = KeySet::from_jwks(
            format!(r#"{{"keys":[{{{ED},"kid":"a"}},{{{ED},"kid":"b"}}]}}"#).as_bytes(),
        )
        .unwrap();
        assert!(set.find(Some("a"), Algorithm::EdDSA).is_some());
        assert!(set.find(Some("a"), Algorithm::HS256).is_none());
        assert!(set.find(Some("c"), Algorithm::EdDSA).is_none());
        assert!(
            set.find(None, Algorithm::EdDSA).is_none(),
            "a choice of two"
        );

        let set = KeySet::from_jwks(format!(r#"{{"keys":[{{{ED}}}]}}"#).as_bytes()).unwrap();
        assert!(set.find(None, Algorithm::EdDSA).is_some());
        assert!(set.find(Some("a"), Algorithm::EdDSA).is_none());
    }

    #[test]
    fn sets_that_cannot_be_used_are_refused() {
        for list in ["[]", &format!("[[{{{ED}}}]]")] {
            let error = KeySet::from_jwks(list.as_bytes()).err();
            assert_eq!(error, Some(KeySetError::Malformed));
        }
        assert_eq!(error(""), Some(KeySetError::Empty));
        assert_eq!(
            error(r#"{"kty":"oct","k":"AAAA"}"#),
            Some(KeySetError::Symmetric)
        );
        assert_eq!(
            error(&format!(r#"{{{ED},"use":"enc"}}"#)),
            Some(KeySetError::Empty)
        );
        assert_eq!(
            error(&format!(r#"{{{ED},"alg":"RS256"}}"#)),
            Some(KeySetError::Empty)
        );
        assert_eq!(
            error(&format!("{{{ED}}},{{{ED}}}")),
            Some(KeySetError::DuplicateId)
        );
        assert_eq!(
            error(r#"{"kty":"AKP","pub":"AAAA"}"#),
            Some(KeySetError::Empty)
        );
    }
}
