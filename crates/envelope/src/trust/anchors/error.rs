//! Why a file can't be used as trust anchors.

use core::fmt;

use super::TrustAnchors;
use crate::certificate::CertificateError;
#[cfg(feature = "std")]
use crate::file_kind::{FileKind, NotACertificate};

/// Why a file can't be used as trust anchors. Certificates are numbered from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TrustAnchorsError {
    /// A certificate has a critical extension that is not understood.
    CriticalExtension {
        /// Its place in the file.
        number: usize,
    },
    /// A block begins and does not end.
    Cut {
        /// The certificate's place in the file.
        number: usize,
    },
    /// The file is of another kind.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    File(FileKind),
    /// A certificate's key can't be used to verify signatures.
    Key {
        /// Its place in the file.
        number: usize,
    },
    /// A certificate's keyUsage lacks keyCertSign.
    KeyUsage {
        /// Its place in the file.
        number: usize,
    },
    /// A certificate is malformed.
    Malformed {
        /// Its place in the file.
        number: usize,
    },
    /// The file holds no certificate.
    NoCertificate,
    /// A certificate is not an authority's: its basicConstraints are missing or lack cA.
    NotAuthority {
        /// Its place in the file.
        number: usize,
        /// Its issuer is itself.
        self_issued: bool,
    },
    /// A certificate is not in canonical DER (X.690 §10, §11).
    NotDer {
        /// Its place in the file.
        number: usize,
    },
    /// A block of the file holds a certificate, or several, in another form.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    OtherBlock {
        /// What it is.
        kind: FileKind,
    },
    /// The text of a block is not base64, or its two boundaries differ.
    Pem {
        /// The certificate's place in the file.
        number: usize,
    },
    /// Longer than [`TrustAnchors::MAX_LEN`] bytes.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A certificate can't be read, though its encoding is in order.
    Unreadable {
        /// Its place in the file.
        number: usize,
        /// Why.
        reason: CertificateError,
    },
    /// A certificate is of version 2, or has unique identifiers.
    Version {
        /// Its place in the file.
        number: usize,
    },
}

impl fmt::Display for TrustAnchorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CriticalExtension { number } => write!(
                f,
                "CA certificate {number} has a critical extension that is not understood: use an authority without it"
            ),
            Self::Cut { number } => write!(
                f,
                "CA certificate {number} was cut off, its block of PEM has no end: copy it again"
            ),
            #[cfg(feature = "std")]
            Self::File(kind) => NotACertificate::authority(*kind).fmt(f),
            Self::Key { number } => write!(
                f,
                "the key of CA certificate {number} can't be used: it must be RSA with 2048 to 8192 bits, \
                 ECDSA on P-256 or P-384, or Ed25519"
            ),
            Self::KeyUsage { number } => write!(
                f,
                "CA certificate {number} may not sign certificates, its keyUsage lacks keyCertSign: use an \
                 authority that may"
            ),
            Self::Malformed { number } => write!(
                f,
                "CA certificate {number} is malformed or was cut off: get it again from the authority"
            ),
            Self::NoCertificate => f.write_str(
                "there is no CA certificate in the file: a block \"BEGIN CERTIFICATE\" is needed",
            ),
            Self::NotAuthority {
                number,
                self_issued,
            } => {
                let remedy = if *self_issued {
                    "it is its own issuer: if it is a root, issue it again with CA:TRUE; if it is the agent's, pin it"
                } else {
                    "if it is the agent's, give the authority that issued it, or pin it; if it is an authority's, have \
                     it issued again with CA:TRUE"
                };
                write!(
                    f,
                    "certificate {number} is not a certificate authority's, its basicConstraints are missing or lack \
                     CA:TRUE: {remedy}"
                )
            }
            Self::NotDer { number } => write!(
                f,
                "CA certificate {number} is not in canonical DER, though it must be (RFC 5280 §4.1): use an authority \
                 whose certificate is"
            ),
            #[cfg(feature = "std")]
            Self::OtherBlock { kind } => write!(
                f,
                "a block of PEM holds no plain certificate, {}",
                NotACertificate::authority_block(*kind)
            ),
            Self::Pem { number } => write!(
                f,
                "the PEM of CA certificate {number} is not intact, its text is not base64 or its two boundaries differ: \
                 copy it again"
            ),
            Self::TooLong { length } => write!(
                f,
                "the file of CA certificates has {length} bytes, at most {} are taken",
                TrustAnchors::MAX_LEN
            ),
            Self::Unreadable { number, reason } => {
                write!(f, "CA certificate {number} can't be used: {reason}")
            }
            Self::Version { number } => write!(
                f,
                "CA certificate {number} is of X.509 version 2 or has unique identifiers: use an authority with one of \
                 version 3"
            ),
        }
    }
}

impl core::error::Error for TrustAnchorsError {}
