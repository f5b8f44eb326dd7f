//! Why a certificate is not sealed to.

use core::fmt;

#[cfg(feature = "chain")]
use super::ChainError;
use crate::{certificate::CertificateError, fingerprint::Fingerprint, time::UnixTime};

/// Why a certificate is not sealed to.
///
/// If several reasons hold, the first of these is given: [`Certificate`](Self::Certificate),
/// [`NotPinned`](Self::NotPinned), [`OtherAgent`](Self::OtherAgent), [`KeyUsage`](Self::KeyUsage), [`NeverValid`](Self::NeverValid),
/// [`NotYetValid`](Self::NotYetValid) or [`Expired`](Self::Expired), `Chain`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TrustError {
    /// It is not a certificate, or its key can't be used.
    Certificate(CertificateError),
    /// No chain that the policy accepts leads to the certificate.
    #[cfg(feature = "chain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "chain")))]
    Chain(ChainError),
    /// The validity is over.
    Expired {
        /// The last second of the validity.
        not_after: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// keyUsage is there and lacks keyEncipherment (RFC 5280 §4.2.1.3).
    KeyUsage,
    /// The validity ends before it begins.
    NeverValid {
        /// Its beginning.
        not_before: UnixTime,
        /// Its end.
        not_after: UnixTime,
    },
    /// The fingerprint is none of those pinned.
    NotPinned {
        /// The certificate's fingerprint.
        fingerprint: Fingerprint,
    },
    /// It is pinned, but names other agents and not the one meant.
    OtherAgent,
    /// The validity has not begun.
    NotYetValid {
        /// The first second of the validity.
        not_before: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(error) => error.fmt(f),
            #[cfg(feature = "chain")]
            Self::Chain(error) => error.fmt(f),
            Self::Expired { not_after, now } => write!(
                f,
                "the certificate expired {} seconds ago: ask the agent's operator for the new one",
                now.seconds_since(*not_after)
            ),
            Self::KeyUsage => f.write_str(
                "the certificate's keyUsage does not allow keyEncipherment: issue one that does",
            ),
            Self::NeverValid {
                not_before,
                not_after,
            } => write!(
                f,
                "the certificate was never valid: it ends {} seconds before it begins; issue one whose dates are \
                 the right way round",
                not_before.seconds_since(*not_after)
            ),
            Self::NotPinned { fingerprint } => write!(
                f,
                "the certificate is not pinned: its SHA-256 fingerprint is {fingerprint}, compare it with the \
                 one that the agent's operator gave you"
            ),
            Self::OtherAgent => f.write_str(
                "the certificate is pinned, but its subjectAltName names another agent than the one meant: what is \
                 sealed to it would not open there; take the agent's own certificate and its pin",
            ),
            Self::NotYetValid { not_before, now } => write!(
                f,
                "the certificate becomes valid in {} seconds: check the clock, or wait",
                not_before.seconds_since(*now)
            ),
        }
    }
}

impl core::error::Error for TrustError {}

impl From<CertificateError> for TrustError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

#[cfg(feature = "chain")]
impl From<ChainError> for TrustError {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}
