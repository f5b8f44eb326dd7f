//! Why a private key can't be used.

use core::fmt;

#[cfg(feature = "std")]
use super::JwkError;
#[cfg(feature = "std")]
use crate::file_kind::{FileKind, NotAKey};
use crate::{fingerprint::KeyId, public_key::PublicKeyError};

/// Why a private key can't be used, or not with the certificates beside it.
///
/// It never says what the key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum IdentityError {
    /// A certificate is for another key.
    CertificateMismatch {
        /// The private key.
        key_id: KeyId,
    },
    /// The file is of another kind.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    File(FileKind),
    /// The file is a JWK, and not of a private key that may be used.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
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
        /// Whether they stand in the block of PEM.
        in_pem: bool,
    },
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CertificateMismatch { key_id } => write!(
                f,
                "the certificate is not for the private key {key_id}: give the one that was issued for this key, or leave \
                 it out"
            ),
            #[cfg(feature = "std")]
            Self::File(kind) => NotAKey(*kind).fmt(f),
            #[cfg(feature = "std")]
            Self::Jwk(error) => error.fmt(f),
            Self::Label => f.write_str(
                "the label of the private key's PEM is wrong, PRIVATE KEY is for PKCS#8 and RSA PRIVATE KEY for PKCS#1",
            )
            .and_then(|()| command(f, ": `openssl pkey -in FILE -out KEY.pem` writes the right one")),
            Self::Malformed => f.write_str(
                "the private key is malformed or was cut off: it must be PKCS#8 or PKCS#1, in PEM or DER",
            )
            .and_then(|()| {
                command(f, ", or a JWK; if `openssl pkey -in FILE -out KEY.pem` reads it, it writes one that is")
            }),
            Self::MultiPrime => f.write_str(
                "the private key has more than two primes, which is not taken: make a new one",
            )
            .and_then(|()| {
                command(
                    f,
                    ", `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem` does",
                )
            }),
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
            Self::TrailingBytes { length, in_pem } => {
                let (place, remedy) = match in_pem {
                    true => (
                        " in its block of PEM",
                        ", `openssl pkey -in FILE -out KEY.pem` writes the key alone",
                    ),
                    false => (
                        "",
                        ", `openssl pkey -inform DER -in FILE -out KEY.pem` writes the key alone",
                    ),
                };
                write!(f, "{length} bytes follow the private key{place}: remove them")?;
                command(f, remedy)
            }
        }
    }
}

/// What to type: a device has no shell.
fn command(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if cfg!(feature = "std") {
        f.write_str(text)
    } else {
        Ok(())
    }
}

impl core::error::Error for IdentityError {}

#[cfg(feature = "std")]
impl From<JwkError> for IdentityError {
    fn from(error: JwkError) -> Self {
        Self::Jwk(error)
    }
}
