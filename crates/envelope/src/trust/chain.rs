//! Chains of issuers (RFC 5280 §6): webpki builds and verifies them, and what it leaves open is checked here.

use alloc::vec::Vec;
use core::{cell::Cell, time::Duration};

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use sealpost_context::AgentId;
use webpki::{EndEntityCert, VerifiedPath};

use super::{
    TrustError,
    anchors::TrustAnchors,
    chain_error::ChainError,
    profile::{ANY_EXTENDED_KEY_USAGE, Profile},
    shown::Shown,
    validity::check_validity,
};
use crate::{
    certificate::{Certificate, CertificateError, Presented},
    time::UnixTime,
};

/// A certificate of one agent, issued by a given authority or below it.
///
/// The chain from the certificate to an anchor is built of the certificates that follow it in its file,
/// and verified by `rustls-webpki`: signatures, validity, basicConstraints, path length, name
/// constraints, critical extensions. Self-issued certificates do not count for a path length (RFC 5280 §6.1.4). Beyond that, and beyond what holds under every policy:
///
/// - The certificate names the agent meant: a subjectAltName URI `urn:sealpost:agent:<agentId>`,
///   compared exactly. It may name several agents; one of them must be the one meant. Otherwise any
///   agent's certificate would pass for any other's.
/// - It is not the certificate of an authority.
/// - **extKeyUsage** (RFC 5280 §4.2.1.12) is absent, or contains anyExtendedKeyUsage; the same for each
///   intermediate certificate. Any other was issued for another purpose (TLS, e-mail, code signing),
///   there is no purpose registered for sealing, and an agent's key has no second one.
/// - No critical extension other than keyUsage, basicConstraints, subjectAltName, extKeyUsage and
///   nameConstraints, in any certificate of the chain.
/// - Every issuer, the anchor included, has cA and, if it has keyUsage, keyCertSign; the anchor's own
///   validity and path length hold too.
/// - Signatures are RSA (2,048 to 8,192 bits; PKCS#1 v1.5, or PSS with a salt as long as the digest) or
///   ECDSA (P-256, P-384; SHA-256, SHA-384) or Ed25519.
///
/// # Security
///
/// Revocation is not checked: there is no clock and no network here. Issue certificates for weeks, not
/// years, or pin. Name constraints on URIs, directory names or e-mail addresses are not evaluated: a
/// chain that has them is refused.
#[derive(Clone, Copy, Debug)]
pub struct ChainPolicy<'a> {
    anchors: &'a TrustAnchors,
    agent_id: &'a str,
    accept_unnamed: bool,
}

impl<'a> ChainPolicy<'a> {
    /// The certificates of the agent `agent_id` that one of `anchors` vouches for.
    #[must_use]
    pub const fn new(anchors: &'a TrustAnchors, agent_id: &'a str) -> Self {
        Self {
            anchors,
            agent_id,
            accept_unnamed: false,
        }
    }

    /// Also takes a certificate that names no agent at all. One that names other agents is still
    /// refused.
    ///
    /// # Security
    ///
    /// Every certificate without an agent's name that the authority has issued, to whomever, then passes
    /// for this agent's. Use it only with an authority that issues to this agent alone.
    #[must_use]
    pub const fn danger_accept_certificate_without_agent_id(mut self) -> Self {
        self.accept_unnamed = true;
        self
    }

    pub(super) fn check(&self, certificate: &Certificate, now: UnixTime) -> Result<(), TrustError> {
        let presented = certificate.presented();
        self.check_agent(certificate.named_agents())?;
        let leaf = Profile::read(&presented.leaf)?;
        leaf.check_as_agent()?;
        self.check_path(&leaf, presented, now)?;
        Ok(())
    }

    fn check_agent(&self, agent_ids: &[AgentId]) -> Result<(), ChainError> {
        match agent_ids {
            [] if self.accept_unnamed => Ok(()),
            [] => Err(ChainError::NoAgent),
            ids if ids.iter().any(|id| id.as_str() == self.agent_id) => Ok(()),
            [named, ..] => Err(ChainError::OtherAgent { named: *named }),
        }
    }

    fn check_path(
        &self,
        leaf: &Profile<'_>,
        presented: &Presented,
        now: UnixTime,
    ) -> Result<(), ChainError> {
        let refused = |error| self.explain(error, leaf, presented, now);
        let shown = Shown::new(presented);
        let end_entity = EndEntityCert::try_from(shown.leaf()).map_err(refused_leaf)?;
        let verifiers = shown.verifiers();
        let verifiers = verifiers
            .iter()
            .map(|one| one as &dyn SignatureVerificationAlgorithm);
        // Why a path that webpki found good is not; it stands for better reasons than webpki's then.
        let refusal = Cell::new(None);
        let verify_path = |path: &VerifiedPath<'_>| {
            self.check_issuers(path, &shown, now).map_err(|error| {
                refusal.set(Some(error));
                webpki::Error::UnknownIssuer
            })
        };
        end_entity
            .verify_for_usage(
                &verifiers.collect::<Vec<_>>(),
                self.anchors.as_webpki(),
                shown.intermediates(),
                rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs())),
                webpki::KeyUsage::required_if_present(ANY_EXTENDED_KEY_USAGE.as_bytes()),
                None,
                Some(&verify_path),
            )
            .map(|_| ())
            .map_err(|error| refusal.take().unwrap_or_else(|| refused(error)))
    }

    /// What webpki does not look at in the issuers of a path.
    fn check_issuers(
        &self,
        path: &VerifiedPath<'_>,
        shown: &Shown<'_>,
        now: UnixTime,
    ) -> Result<(), ChainError> {
        let mut below = 0;
        for issuer in path.intermediate_certificates() {
            let der = issuer.der();
            let issuer = Profile::read(&der).map_err(unreadable)?;
            issuer.check_as_issuer()?;
            let limits = shown.limits(&der, &issuer);
            if limits.path_length.is_some_and(|most| below > most) {
                return Err(ChainError::PathLength);
            }
            check_validity(limits.not_before, limits.not_after, now)?;
            if !issuer.is_self_issued() {
                below += 1;
            }
        }
        self.anchors.check(path.anchor(), below, now)
    }

    /// What webpki's error means here. The leaf's own rules and validity were checked before it.
    fn explain(
        &self,
        error: webpki::Error,
        leaf: &Profile<'_>,
        presented: &Presented,
        now: UnixTime,
    ) -> ChainError {
        use webpki::Error;
        let issuers = || {
            let intermediates = presented.intermediates.iter();
            intermediates.filter_map(|der| Profile::read(der).ok())
        };
        match error {
            Error::CertExpired { not_after, .. } => {
                let shown = UnixTime::from_secs(not_after.as_secs());
                // One with dates before 1970 was shown with 1970 in their place.
                let own = issuers().map(|issuer| issuer.validity());
                let own = own.filter(|(_, not_after)| not_after.as_secs() == shown.as_secs());
                let mut refused = own.filter_map(|(not_before, not_after)| {
                    check_validity(not_before, not_after, now).err()
                });
                refused.next().unwrap_or(ChainError::IssuerExpired {
                    not_after: shown,
                    now,
                })
            }
            Error::CertNotValidYet { not_before, .. } => ChainError::IssuerNotYetValid {
                not_before: UnixTime::from_secs(not_before.as_secs()),
                now,
            },
            Error::EndEntityUsedAsCa | Error::UnsupportedCertVersion => {
                ChainError::IssuerNotAuthority
            }
            Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => {
                ChainError::IssuerExtendedKeyUsage
            }
            Error::InvalidSignatureForPublicKey | Error::SignatureAlgorithmMismatch => {
                if issuers().all(|issuer| issuer.has_usable_key()) {
                    ChainError::Signature
                } else {
                    ChainError::IssuerKey
                }
            }
            Error::MaximumNameConstraintComparisonsExceeded
            | Error::MaximumPathBuildCallsExceeded
            | Error::MaximumPathDepthExceeded
            | Error::MaximumSignatureChecksExceeded => ChainError::TooComplex,
            Error::NameConstraintViolation => {
                if self.anchors.evaluable_constraints()
                    && issuers().all(|issuer| issuer.has_evaluable_constraints())
                {
                    ChainError::NameConstraints
                } else {
                    ChainError::NameConstraintsForm
                }
            }
            Error::InvalidCertValidity => ChainError::IssuerNeverValid,
            Error::PathLenConstraintViolated => ChainError::PathLength,
            Error::UnknownIssuer => unknown_issuer(leaf, &presented.intermediates, self.anchors),
            Error::UnsupportedCriticalExtension => ChainError::IssuerCriticalExtension,
            Error::UnsupportedSignatureAlgorithmContext(_) => ChainError::SignatureAlgorithm,
            Error::CertDistrusted | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                ChainError::IssuerKey
            }
            _ => {
                let intermediates = presented.intermediates.iter();
                let mut refused = intermediates.filter_map(|der| Profile::read(der).err());
                refused
                    .next()
                    .map_or(ChainError::IssuerMalformed, unreadable)
            }
        }
    }
}

/// Why an issuer's certificate can't be read.
fn unreadable(error: CertificateError) -> ChainError {
    match error {
        CertificateError::Malformed => ChainError::IssuerMalformed,
        CertificateError::NotDer => ChainError::IssuerNotDer,
        reason => ChainError::IssuerUnreadable { reason },
    }
}

/// Why webpki does not take a leaf that is in canonical DER and passed its own rules.
fn refused_leaf(error: webpki::Error) -> ChainError {
    match error {
        webpki::Error::SignatureAlgorithmMismatch => ChainError::Signature,
        _ => ChainError::Version,
    }
}

/// Where the chain ends that starts at the leaf and goes through the file by the issuers' names.
fn unknown_issuer(
    leaf: &Profile<'_>,
    intermediates: &[CertificateDer<'_>],
    anchors: &TrustAnchors,
) -> ChainError {
    if leaf.is_self_issued() {
        return ChainError::SelfSigned;
    }
    let issuers = || {
        let intermediates = intermediates.iter();
        intermediates.filter_map(|der| Profile::read(der).ok())
    };
    let by_one_alike = |one: &Profile<'_>| {
        anchors.has_alike(one.issuer())
            || issuers().any(|issuer| one.is_issued_by_one_alike(&issuer))
    };
    if by_one_alike(leaf) || issuers().any(|one| by_one_alike(&one)) {
        return ChainError::IssuerNameEncoding;
    }
    if issuers().any(|issuer| leaf.is_issued_by(&issuer)) {
        ChainError::UnknownAuthority
    } else {
        ChainError::UnknownIssuer
    }
}
