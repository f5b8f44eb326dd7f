//! Ed25519 keys (RFC 8032): who opened a channel, who accepted it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sealpost_envelope::{AwsLc, backend::Backend as _};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::labels::domain;

/// What a signing key is called in messages: its thumbprint (RFC 7638).
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Kid([u8; 32]);

impl Kid {
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The thumbprint.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(public: &[u8]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(public);
        // The required members, in the order of their names, without white space.
        let parts = [r#"{"crv":"Ed25519","kty":"OKP","x":""#, &x, r#""}"#];
        Self(AwsLc::sha256(&parts.map(str::as_bytes)))
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({self})")
    }
}

/// The key that a gateway or an agent signs with. Its `Debug` shows the thumbprint alone.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    verify: VerifyKey,
}

impl SigningKey {
    /// Creates a key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`KeyRefused`] if there is no randomness to be had.
    pub fn generate() -> Result<Self, KeyRefused> {
        Self::new(Ed25519KeyPair::generate().map_err(|_| KeyRefused)?)
    }

    /// The key with this seed (RFC 8032 §5.1.5).
    ///
    /// # Errors
    ///
    /// [`KeyRefused`] if the cryptographic library refuses it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyRefused> {
        Self::new(Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyRefused)?)
    }

    /// The key from PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    ///
    /// [`KeyRefused`] if it is not such a key.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyRefused> {
        Self::new(Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyRefused)?)
    }

    /// Reads a key from PKCS#8 (RFC 5958) in PEM.
    ///
    /// # Errors
    ///
    /// [`KeyRefused`] if it is not such a key.
    pub fn from_pkcs8_pem(pem: &[u8]) -> Result<Self, KeyRefused> {
        // Lines of any length: a key on one line is a key.
        let mut decoder = pem_rfc7468::Decoder::new_detect_wrap(pem).map_err(|_| KeyRefused)?;
        let label = decoder.type_label();
        let mut der = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
        decoder.decode_to_end(&mut der).map_err(|_| KeyRefused)?;
        match label {
            "PRIVATE KEY" => Self::from_pkcs8_der(&der),
            _ => Err(KeyRefused),
        }
    }

    /// The public half.
    #[must_use]
    pub fn verify_key(&self) -> &VerifyKey {
        &self.verify
    }

    /// The thumbprint of the public half.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.verify.kid
    }

    /// `Ed25519(key, D(label) ‖ part₀ ‖ part₁ ‖ …)`
    pub(crate) fn sign(&self, label: &str, parts: &[&[u8]]) -> Result<[u8; 64], SignError> {
        let message = joined(label, parts);
        let signature = self.pair.try_sign(&message).map_err(|_| SignError)?;
        signature.as_ref().try_into().map_err(|_| SignError)
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self, KeyRefused> {
        let public = pair.public_key().as_ref();
        let public = public.try_into().map_err(|_| KeyRefused)?;
        Ok(Self {
            verify: VerifyKey::from_bytes(&public)?,
            pair: Arc::new(pair),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.verify.kid).finish()
    }
}

/// The public key of a peer.
#[derive(Clone)]
pub struct VerifyKey {
    key: Arc<ParsedPublicKey>,
    kid: Kid,
}

impl VerifyKey {
    /// The key with these 32 bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    ///
    /// [`KeyRefused`] if the cryptographic library refuses them.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyRefused> {
        let key = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| KeyRefused)?;
        Ok(Self {
            key: Arc::new(key),
            kid: Kid::of(bytes),
        })
    }

    /// The thumbprint.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.kid
    }

    /// Returns whether the signature is over `D(label) ‖ part₀ ‖ part₁ ‖ …`.
    ///
    /// # Security
    ///
    /// AWS-LC refuses S ≥ ℓ, takes no multiples of the cofactor and compares R as bytes; tests beside this hold it to that.
    pub(crate) fn verifies(&self, label: &str, parts: &[&[u8]], signature: &[u8; 64]) -> bool {
        let message = joined(label, parts);
        self.key.verify_sig(&message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyKey").field(&self.kid).finish()
    }
}

/// The keys that one side trusts now.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys(BTreeMap<Kid, VerifyKey>);

impl TrustedKeys {
    /// The key of this name, if it is trusted.
    #[must_use]
    pub fn get(&self, kid: &Kid) -> Option<&VerifyKey> {
        self.0.get(kid)
    }

    /// The names of the keys, in ascending order.
    pub fn kids(&self) -> impl Iterator<Item = Kid> {
        self.0.keys().copied()
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<VerifyKey> for TrustedKeys {
    fn from_iter<I: IntoIterator<Item = VerifyKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.kid, key)).collect())
    }
}

impl From<VerifyKey> for TrustedKeys {
    fn from(key: VerifyKey) -> Self {
        Self::from_iter([key])
    }
}

/// The cryptographic library refuses the key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not an Ed25519 key: give an unencrypted PKCS#8 file (openssl genpkey -algorithm ed25519)")]
pub struct KeyRefused;

/// The cryptographic library could not sign.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the message could not be signed: the cryptographic library failed")]
pub struct SignError;

fn joined(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut message = domain(label);
    parts
        .iter()
        .for_each(|part| message.extend_from_slice(part));
    message
}
