//! Why a private key can't be used.

use core::fmt;

use super::JwkError;
use crate::{
    file_kind::{FileKind, NotAKey},
    fingerprint::KeyId,
    public_key::PublicKeyError,
};

/// Why a private key can't be used, or not with the certificates beside it.
///
/// It never says what the key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum IdentityError {
    /// There are certificates, and none of them is for this key.
    CertificateMismatch {
        /// The private key.
        key_id: KeyId,
    },
    /// The file is of another kind.
    File(FileKind),
    /// The file is a JWK, and not of a private key that may be used.
    Jwk(JwkError),
    /// The block's label says PKCS#8 and it holds PKCS#1, or the other way round.
    Label,
    /// The PEM or DER is malformed.
    Malformed,
    /// The key has more than two primes (RFC 8017 §3.2).
    MultiPrime,
    /// There is no private key in the file.
    NoPrivateKey,
    /// The public half can't be used.
    PublicKey(PublicKeyError),
    /// The key's numbers don't belong together, or the cryptographic library refuses them.
    Refused,
    /// The file holds more than one private key.
    SeveralPrivateKeys,
    /// Bytes follow the key.
    TrailingBytes {
        /// How many.
        length: usize,
    },
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CertificateMismatch { key_id } => write!(
                f,
                "none of the certificates in the file is for its private key {key_id}: put the one in that was \
                 issued for this key, or leave all out"
            ),
            Self::File(kind) => NotAKey(*kind).fmt(f),
            Self::Jwk(error) => error.fmt(f),
            Self::Label => f.write_str(
                "the label of the private key's PEM is wrong, PRIVATE KEY is for PKCS#8 and RSA PRIVATE KEY for PKCS#1: \
                 `openssl pkey -in FILE -out KEY.pem` writes the right one",
            ),
            Self::Malformed => f.write_str(
                "the private key is malformed or was cut off: it must be PKCS#8 or PKCS#1, in PEM or DER, or a JWK; if \
                 `openssl pkey -in FILE -out KEY.pem` reads it, it writes one that is",
            ),
            Self::MultiPrime => f.write_str(
                "the private key has more than two primes, which is not taken: make a new one, `openssl genpkey \
                 -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem` does",
            ),
            Self::NoPrivateKey => f.write_str(
                "there is no private key in the file: a block \"BEGIN PRIVATE KEY\" is needed",
            ),
            Self::PublicKey(error) => error.fmt(f),
            Self::Refused => {
                f.write_str("the private key is inconsistent or refused: make a new one")
            }
            Self::SeveralPrivateKeys => f.write_str(
                "there are several private keys in the file: keep each in a file of its own",
            ),
            Self::TrailingBytes { length } => write!(
                f,
                "{length} bytes follow the private key: remove them, `openssl pkey -inform DER -in FILE -out KEY.pem` \
                 writes the key alone"
            ),
        }
    }
}

impl core::error::Error for IdentityError {}

impl From<JwkError> for IdentityError {
    fn from(error: JwkError) -> Self {
        Self::Jwk(error)
    }
}
