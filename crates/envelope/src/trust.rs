//! Whom to trust.

#[cfg(feature = "aws-lc")]
mod anchors;
#[cfg(feature = "aws-lc")]
mod chain;
#[cfg(feature = "aws-lc")]
mod chain_error;
#[cfg(feature = "aws-lc")]
mod profile;

#[cfg(feature = "aws-lc")]
pub use self::{
    anchors::{TrustAnchors, TrustAnchorsError},
    chain::ChainPolicy,
    chain_error::ChainError,
};

use crate::fingerprint::Fingerprint;

/// Which certificates to seal to.
///
/// Under every policy the certificate must be canonical DER, have a key that keeps the rules for RSA
/// keys, be within its validity, and either have no keyUsage or one with keyEncipherment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Trust<'a> {
    /// Only those with one of these fingerprints.
    ///
    /// A pinned certificate is trusted as it is: whoever pinned it stands in for its issuers, and what
    /// an issuer says in other extensions (basicConstraints, extKeyUsage, unknown critical ones) or in
    /// its signature is not looked at.
    Pinned(&'a [Fingerprint]),
    /// Only those of one agent, issued by a given authority or below it.
    #[cfg(feature = "aws-lc")]
    Chain(ChainPolicy<'a>),
    /// Any at all: whoever handed over the certificate can read what is sealed.
    DangerAnyCertificate,
}
