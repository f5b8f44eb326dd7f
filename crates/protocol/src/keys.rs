//! Ed25519 keys (RFC 8032) that sign and verify messages.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, ThumbprintHash},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// The key that a gateway or an agent signs its messages with. Its `Debug` shows the thumbprint alone.
#[derive(Clone)]
pub struct SigningKey {
    pub(crate) pair: Arc<Ed25519KeyPair>,
    verify: VerifyKey,
}

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if there is no randomness to be had.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError)?;
        Self::new(pkcs8.as_ref())
    }

    /// Reads a key from PKCS#8 (RFC 5958) in PEM.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if it is not such a key.
    pub fn from_pkcs8_pem(pem: &[u8]) -> Result<Self, KeyError> {
        // Lines of any length: a key on one line is a key.
        let mut decoder = pem_rfc7468::Decoder::new_detect_wrap(pem).map_err(|_| KeyError)?;
        let label = decoder.type_label();
        let mut der = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
        decoder.decode_to_end(&mut der).map_err(|_| KeyError)?;
        if label != "PRIVATE KEY" {
            return Err(KeyError);
        }
        Self::new(&der)
    }

    /// The public half.
    #[must_use]
    pub fn verify_key(&self) -> VerifyKey {
        self.verify.clone()
    }

    /// The name of the gateway that has this key.
    #[must_use]
    pub fn gateway_name(&self) -> GatewayName {
        self.verify.gateway_name()
    }

    pub(crate) fn thumbprint(&self) -> &str {
        &self.verify.thumbprint
    }

    fn new(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError)?;
        let verify = VerifyKey::new(DecodingKey::from_ed_der(pair.public_key().as_ref()))?;
        Ok(Self {
            pair: Arc::new(pair),
            verify,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey")
            .field(&self.verify.thumbprint)
            .finish()
    }
}

/// The public key that a peer's messages are checked with.
#[derive(Clone)]
pub struct VerifyKey {
    pub(crate) key: DecodingKey,
    /// RFC 7638 with SHA-256, the message header's `kid`.
    pub(crate) thumbprint: String,
}

impl VerifyKey {
    /// The key with these 32 bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the library refuses them.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(DecodingKey::from_ed_der(bytes))
    }

    pub(crate) fn gateway_name(&self) -> GatewayName {
        GatewayName(format!("urn:sealpost:gateway:{}", self.thumbprint))
    }

    fn new(key: DecodingKey) -> Result<Self, KeyError> {
        let thumbprint = Jwk::from_decoding_key(&key, Some(Algorithm::EdDSA))
            .and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256))
            .map_err(|_| KeyError)?;
        Ok(Self { key, thumbprint })
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyKey").field(&self.thumbprint).finish()
    }
}

/// The keys that one side trusts: one per peer, two while a peer changes its key.
#[derive(Clone, Debug, Default)]
pub struct VerifyKeys(Vec<VerifyKey>);

impl VerifyKeys {
    pub(crate) fn find(&self, thumbprint: &str) -> Option<&VerifyKey> {
        self.0.iter().find(|key| key.thumbprint == thumbprint)
    }
}

impl FromIterator<VerifyKey> for VerifyKeys {
    fn from_iter<I: IntoIterator<Item = VerifyKey>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl From<VerifyKey> for VerifyKeys {
    fn from(key: VerifyKey) -> Self {
        Self(vec![key])
    }
}

/// What a gateway is called in messages: `urn:sealpost:gateway:` and its key's thumbprint.
///
/// The name is derived from the key, so a gateway can't sign in another's name and nothing has to be
/// configured. Gateways that share a key are one gateway.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct GatewayName(String);

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that can't be made or read.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not an Ed25519 key: give an unencrypted PKCS#8 file (openssl genpkey -algorithm ed25519)")]
pub struct KeyError;

/// A message that can't be signed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the message could not be signed: the cryptographic library failed")]
pub struct SignError;
