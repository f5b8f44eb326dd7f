//! Why bytes are not a certificate.

use core::fmt;

use super::Certificate;
use crate::{
    file_kind::{FileKind, NotACertificate},
    public_key::PublicKeyError,
};

/// Why bytes are not a certificate that can be sealed to.
///
/// The first of these wins: [`TooLong`](Self::TooLong), [`TooMany`](Self::TooMany), what is wrong with the PEM, what is
/// wrong with the DER, the public key, the agent ids.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateError {
    /// A subjectAltName URI starts with `urn:sealpost:agent:` and goes on with no agent's id, or it
    /// differs from that in case.
    AgentId,
    /// An extension is there twice (RFC 5280 §4.2).
    DuplicateExtension,
    /// The file is of another kind.
    File(FileKind),
    /// Not the encoding of a certificate.
    Malformed,
    /// The file holds no certificate.
    NoCertificate,
    /// A certificate, but not in the canonical encoding that DER is (X.690 §10, §11).
    NotDer,
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
            Self::DuplicateExtension => {
                f.write_str("the certificate has an extension twice: issue one that has each once")
            }
            Self::File(kind) => NotACertificate(*kind).fmt(f),
            Self::Malformed => f.write_str(
                "the certificate is malformed or was cut off: get it again from the agent's operator, in PEM or DER",
            ),
            Self::NoCertificate => f.write_str(
                "there is no certificate in the file: a block \"BEGIN CERTIFICATE\" is needed",
            ),
            Self::NotDer => f.write_str(
                "the certificate is not in canonical DER (BER is not taken): issue one that is",
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
