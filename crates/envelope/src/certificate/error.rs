//! Why a certificate is refused.

use core::fmt;

use super::Certificate;
#[cfg(feature = "aws-lc")]
use crate::trust::ChainError;
use crate::{fingerprint::Fingerprint, public_key::PublicKeyError, time::UnixTime};

/// Why a certificate is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateError {
    /// A subjectAltName URI starts with `urn:sealpost:agent:` and goes on with no agent's id, or it
    /// differs from that in case.
    AgentId,
    /// No chain that the policy accepts leads to the certificate.
    #[cfg(feature = "aws-lc")]
    Chain(ChainError),
    /// An extension is there twice (RFC 5280 §4.2).
    DuplicateExtension,
    /// The validity is over.
    Expired {
        /// The last second of the validity.
        not_after: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// keyUsage is there and lacks keyEncipherment (RFC 5280 §4.2.1.3).
    KeyUsage,
    /// Not the encoding of a certificate.
    Malformed,
    /// The file holds no certificate.
    NoCertificate,
    /// A certificate, but not in the canonical encoding that DER is (X.690 §10, §11).
    NotDer,
    /// The fingerprint is none of those pinned.
    NotPinned {
        /// The certificate's fingerprint.
        fingerprint: Fingerprint,
    },
    /// The validity has not begun.
    NotYetValid {
        /// The first second of the validity.
        not_before: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// The public key can't be used.
    PublicKey(PublicKeyError),
    /// Longer than [`Certificate::MAX_LEN`] bytes.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The file holds more than [`Certificate::MAX_COUNT`] certificates.
    TooMany {
        /// How many.
        found: usize,
    },
    /// Bytes follow the certificate.
    TrailingBytes {
        /// How many.
        length: usize,
    },
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentId => f.write_str(
                "the certificate names an agent wrongly: issue one whose subjectAltName URI is \
                 \"urn:sealpost:agent:\" and 1 to 64 of A-Z a-z 0-9 _ -",
            ),
            #[cfg(feature = "aws-lc")]
            Self::Chain(error) => error.fmt(f),
            Self::DuplicateExtension => {
                f.write_str("the certificate has an extension twice: issue one that has each once")
            }
            Self::Expired { not_after, now } => write!(
                f,
                "the certificate expired {} seconds ago: ask the agent's operator for the new one",
                now.as_secs().saturating_sub(not_after.as_secs())
            ),
            Self::KeyUsage => f.write_str(
                "the certificate's keyUsage does not allow keyEncipherment: issue one that does",
            ),
            Self::Malformed => {
                f.write_str("the certificate is malformed: export it again, in PEM or DER")
            }
            Self::NoCertificate => f.write_str(
                "there is no certificate in the file: a block \"BEGIN CERTIFICATE\" is needed",
            ),
            Self::NotDer => f.write_str(
                "the certificate is not in canonical DER (BER is not taken): issue one that is",
            ),
            Self::NotPinned { fingerprint } => write!(
                f,
                "the certificate is not pinned: its SHA-256 fingerprint is {fingerprint}, compare it with the \
                 one that the agent's operator gave you"
            ),
            Self::NotYetValid { not_before, now } => write!(
                f,
                "the certificate becomes valid in {} seconds: check the clock, or wait",
                not_before.as_secs().saturating_sub(now.as_secs())
            ),
            Self::PublicKey(error) => write!(f, "the certificate's key can't be used: {error}"),
            Self::TooLong { length } => write!(
                f,
                "the certificate has {length} bytes, at most {} are taken",
                Certificate::MAX_LEN
            ),
            Self::TooMany { found } => write!(
                f,
                "there are {found} certificates in the file: keep the agent's and its intermediates, at most {}",
                Certificate::MAX_COUNT
            ),
            Self::TrailingBytes { length } => {
                write!(f, "{length} bytes follow the certificate: remove them")
            }
        }
    }
}

impl core::error::Error for CertificateError {}
