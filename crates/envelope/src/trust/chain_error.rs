//! Why the chain policy refuses a certificate.

use core::fmt;

use sealpost_context::AgentId;

use crate::{certificate::CertificateError, time::UnixTime};

/// Why the chain policy refuses a certificate.
///
/// The first group is about the agent's certificate, the second about its issuers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChainError {
    /// The certificate is an authority's (basicConstraints has cA).
    Authority,
    /// It has a critical extension that is not understood.
    CriticalExtension,
    /// Its extKeyUsage has other purposes and not anyExtendedKeyUsage.
    ExtendedKeyUsage,
    /// It names no agent.
    NoAgent,
    /// It names other agents and not the one meant.
    OtherAgent {
        /// The first that it names.
        named: AgentId,
    },
    /// It is its own issuer, and no anchor has that name.
    SelfSigned,
    /// It is not of X.509 version 3, or has unique identifiers.
    Version,

    /// An issuer has a critical extension that is not understood.
    IssuerCriticalExtension,
    /// An issuer's certificate has expired.
    IssuerExpired {
        /// The last second of its validity.
        not_after: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// An issuer's extKeyUsage has other purposes and not anyExtendedKeyUsage.
    IssuerExtendedKeyUsage,
    /// An issuer's key can't be used to verify signatures.
    IssuerKey,
    /// An issuer's keyUsage lacks keyCertSign.
    IssuerKeyUsage,
    /// An issuer's certificate is malformed.
    IssuerMalformed,
    /// An issuer is not an authority: its basicConstraints are missing or lack cA.
    IssuerNotAuthority,
    /// An issuer's certificate is not in canonical DER (X.690 §10, §11).
    IssuerNotDer,
    /// An issuer's validity ends before it begins.
    IssuerNeverValid,
    /// An issuer's certificate can't be read, though its encoding is in order.
    IssuerUnreadable {
        /// Why.
        reason: CertificateError,
    },
    /// An issuer's certificate is not valid yet.
    IssuerNotYetValid {
        /// The first second of its validity.
        not_before: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// A name in the chain is outside an issuer's name constraints.
    NameConstraints,
    /// An issuer has name constraints of a form that is not evaluated: on anything but DNS names and IP
    /// addresses.
    NameConstraintsForm,
    /// More certificates follow an issuer than its path length allows.
    PathLength,
    /// A signature does not verify.
    Signature,
    /// A signature is made with an algorithm that is not accepted.
    SignatureAlgorithm,
    /// The chain is longer or has more branches than is followed.
    TooComplex,
    /// The chain in the file ends at an authority that is not an anchor.
    UnknownAuthority,
    /// The certificate's issuer is neither an anchor nor in the file.
    UnknownIssuer,
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => {
                "the certificate is a certificate authority's: issue one to the agent, with CA:FALSE"
            }
            Self::CriticalExtension => {
                "the certificate has a critical extension that is not understood: issue one without it"
            }
            Self::ExtendedKeyUsage => {
                "the certificate was issued for another purpose: issue one without extKeyUsage, or with \
                 anyExtendedKeyUsage"
            }
            Self::NoAgent => {
                "the certificate names no agent: issue one with the subjectAltName \
                 URI:urn:sealpost:agent:<agentId>, or pin it"
            }
            Self::OtherAgent { named } => {
                return write!(
                    f,
                    "the certificate names agent {named}, not the one asked for: take the right one"
                );
            }
            Self::SelfSigned => {
                "the certificate is self-signed, no authority vouches for it: pin its fingerprint instead"
            }
            Self::Version => {
                "the certificate is not a plain one of X.509 version 3: issue it with extensions, and \
                 without unique identifiers"
            }
            Self::IssuerCriticalExtension => {
                "an issuer of the certificate has a critical extension that is not understood: use an \
                 issuer without it, or pin the certificate"
            }
            Self::IssuerExpired { not_after, now } => {
                return write!(
                    f,
                    "an issuer of the certificate expired {} seconds ago: ask for its renewed certificate, \
                     and put that in the file",
                    now.seconds_since(*not_after)
                );
            }
            Self::IssuerExtendedKeyUsage => {
                "an issuer of the certificate may issue for other purposes only: use one without \
                 extKeyUsage, or with anyExtendedKeyUsage"
            }
            Self::IssuerKey => {
                "an issuer's key can't be used: it must be RSA with 2048 to 8192 bits, ECDSA on P-256 or \
                 P-384, or Ed25519"
            }
            Self::IssuerKeyUsage => {
                "an issuer of the certificate may not sign certificates, its keyUsage lacks keyCertSign: \
                 have it issued by one that may"
            }
            Self::IssuerMalformed => {
                "an issuer's certificate in the file is malformed or was cut off: get it again from the authority"
            }
            Self::IssuerNotDer => {
                "an issuer's certificate in the file is not in canonical DER: have the certificate issued by an \
                 authority whose own is, or pin it"
            }
            Self::IssuerNeverValid => {
                "an issuer's certificate ends before it begins: have the certificate issued by another authority"
            }
            Self::IssuerUnreadable { reason } => {
                return write!(
                    f,
                    "an issuer's certificate in the file can't be used: {reason}"
                );
            }
            Self::IssuerNotAuthority => {
                "an issuer of the certificate is not a certificate authority, it lacks CA:TRUE: have it issued \
                 by one that is"
            }
            Self::IssuerNotYetValid { not_before, now } => {
                return write!(
                    f,
                    "an issuer of the certificate becomes valid in {} seconds: check the clock, or wait",
                    not_before.seconds_since(*now)
                );
            }
            Self::NameConstraints => {
                "the certificate has a name that its issuers' name constraints forbid: issue one with other \
                 names"
            }
            Self::NameConstraintsForm => {
                "an issuer of the certificate has name constraints on more than DNS names and IP addresses, \
                 which are not evaluated: use an issuer without them, or pin the certificate"
            }
            Self::PathLength => {
                "the chain is longer than an issuer's path length allows: have the certificate issued by an \
                 authority that may"
            }
            Self::Signature => {
                "a signature in the certificate's chain does not verify: it was changed, or another \
                 authority has the name of one of those given"
            }
            Self::SignatureAlgorithm => {
                "the certificate or an issuer's is signed with an algorithm that is not accepted: sign with \
                 RSA or ECDSA and SHA-256, or Ed25519"
            }
            Self::TooComplex => {
                "the chain is too long or has too many branches: keep in the file only the certificates \
                 between the agent's and the authority"
            }
            Self::UnknownAuthority => {
                "the certificate's chain ends at an authority that is none of those given: give the one that \
                 issued it, or append an intermediate certificate that is missing"
            }
            Self::UnknownIssuer => {
                "the certificate's issuer is neither one of the authorities given nor in the file: append \
                 the intermediate certificates, or give the authority that issued it"
            }
        })
    }
}

impl core::error::Error for ChainError {}
