//! Trust policies.

#[cfg(feature = "chain")]
mod algorithms;
#[cfg(feature = "chain")]
mod anchors;
#[cfg(feature = "chain")]
mod chain;
#[cfg(feature = "chain")]
mod chain_error;
mod error;
#[cfg(feature = "chain")]
mod names;
mod policy;
#[cfg(feature = "chain")]
mod profile;
#[cfg(feature = "chain")]
mod shown;
#[cfg(feature = "chain")]
mod validity;

#[cfg(feature = "chain")]
pub use self::{
    anchors::{SkippedAnchor, TrustAnchors, TrustAnchorsError},
    chain::ChainPolicy,
    chain_error::ChainError,
};
pub use self::{error::TrustError, policy::TrustPolicy};

use crate::{certificate::Certificate, fingerprint::Fingerprint, time::UnixTime};

/// Which certificates to seal to.
///
/// Under every policy the certificate must be canonical DER, have a key that keeps the rules for RSA
/// keys, be within its validity, and either have no keyUsage or one with keyEncipherment.
///
/// It borrows what it compares with, so that a device needs no heap for it; a program that keeps a policy has a
/// [`TrustPolicy`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Trust<'a> {
    /// Only those with one of these fingerprints.
    ///
    /// A pinned certificate is trusted as it is: who pinned it stands in for its issuers, and what
    /// an issuer says in other extensions (basicConstraints, extKeyUsage, unknown critical ones) or in
    /// its signature is not looked at.
    Pinned(&'a [Fingerprint]),
    /// As [`Pinned`](Self::Pinned), but a certificate that names agents must name this one. One that names none passes:
    /// that it is this agent's is what the pin says.
    PinnedFor {
        /// The fingerprints.
        pins: &'a [Fingerprint],
        /// The agent.
        agent_id: &'a str,
    },
    /// Only those of one agent, issued by a given authority or below it.
    #[cfg(feature = "chain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "chain")))]
    Chain(ChainPolicy<'a>),
    /// Any at all: who handed over the certificate can read what is sealed.
    DangerAnyCertificate,
}

impl Trust<'_> {
    /// Checks that the certificate may be sealed to at this time.
    ///
    /// [`Recipient::from_certificate`](crate::Recipient::from_certificate) does so before it takes the key.
    ///
    /// # Errors
    ///
    /// A [`TrustError`], which says which of them wins.
    pub fn check(&self, certificate: &Certificate, now: UnixTime) -> Result<(), TrustError> {
        if let Self::Pinned(pins) | Self::PinnedFor { pins, .. } = self {
            let fingerprint = certificate.fingerprint();
            if !pins.contains(&fingerprint) {
                return Err(TrustError::NotPinned { fingerprint });
            }
        }
        if let Self::PinnedFor { agent_id, .. } = self {
            let mut named = certificate.agent_ids();
            if let Some(other) = named.next()
                && other != *agent_id
                && named.all(|id| id != *agent_id)
            {
                return Err(TrustError::OtherAgent);
            }
        }
        if !certificate.may_encipher() {
            return Err(TrustError::KeyUsage);
        }
        Self::check_validity(certificate, now)?;
        match self {
            #[cfg(feature = "chain")]
            Self::Chain(policy) => policy.check(certificate, now),
            // The pin was compared above.
            Self::Pinned(_) | Self::PinnedFor { .. } | Self::DangerAnyCertificate => Ok(()),
        }
    }

    /// [`check`](Self::check), but the certificate may have expired: everything is then checked for the
    /// last second of its validity instead of for now.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), never [`TrustError::Expired`].
    ///
    /// # Security
    ///
    /// Issuers forget about expired certificates, and operators delete their keys or lose track of
    /// them. Seal to one only if the agent can't be given a new certificate in time.
    pub fn danger_check_even_if_expired(
        &self,
        certificate: &Certificate,
        now: UnixTime,
    ) -> Result<(), TrustError> {
        self.check(certificate, now.min(certificate.not_after()))
    }

    /// Checks that the certificate is valid at this time (RFC 5280 §4.1.2.5; both ends included), and nothing else.
    ///
    /// # Errors
    ///
    /// [`TrustError::NeverValid`], [`TrustError::NotYetValid`] or [`TrustError::Expired`].
    pub fn check_validity(certificate: &Certificate, now: UnixTime) -> Result<(), TrustError> {
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if not_after < not_before {
            return Err(TrustError::NeverValid {
                not_before,
                not_after,
            });
        }
        if now < not_before {
            return Err(TrustError::NotYetValid { not_before, now });
        }
        if now > not_after {
            return Err(TrustError::Expired { not_after, now });
        }
        Ok(())
    }
}
