//! The authorities at the top of chains.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

use der::Decode as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use x509_cert::name::RdnSequence;

use super::{chain_error::ChainError, profile::Profile};
use crate::{
    certificate::{CertificateError, Fields, Fingerprint},
    hash::sha256,
    pem,
    time::UnixTime,
};

/// Certificate authorities that may vouch for agents, directly or through intermediate ones.
///
/// Each need not be a root: an intermediate authority is as good an anchor. It must be an authority, so
/// an agent's self-signed certificate can't be its own anchor; to trust one, pin it.
#[derive(Clone)]
pub struct TrustAnchors {
    // Two lists of one length: webpki wants its own in a slice.
    anchors: Vec<TrustAnchor<'static>>,
    limits: Vec<Limits>,
    skipped: Vec<SkippedAnchor>,
}

/// A certificate in a file of trust anchors that can't be one. The others in the file are used.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SkippedAnchor {
    /// Whose it is, after RFC 4514, or its SHA-256 fingerprint if that can't be read; at most 200 characters, which are
    /// good to print.
    pub subject: String,
    /// Why it can't be used, and its place in the file.
    pub reason: TrustAnchorsError,
}

/// What an anchor's certificate says that webpki does not keep.
#[derive(Clone)]
struct Limits {
    not_before: UnixTime,
    not_after: UnixTime,
    path_length: Option<usize>,
    evaluable_constraints: bool,
}

/// Why a file can't be used as trust anchors. Certificates are numbered from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TrustAnchorsError {
    /// A certificate has a critical extension that is not understood.
    CriticalExtension {
        /// Its place in the file.
        number: usize,
    },
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
    },
    /// A certificate is not in canonical DER (X.690 §10, §11).
    NotDer {
        /// Its place in the file.
        number: usize,
    },
    /// Longer than [`TrustAnchors::MAX_LEN`] bytes.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl fmt::Display for TrustAnchorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CriticalExtension { number } => write!(
                f,
                "CA certificate {number} has a critical extension that is not understood: use an authority without it"
            ),
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
            Self::NotAuthority { number } => write!(
                f,
                "certificate {number} is not a certificate authority's, it lacks CA:TRUE: give the authority that \
                 issued it, or pin it as it is"
            ),
            Self::NotDer { number } => write!(
                f,
                "CA certificate {number} is not in canonical DER, though it must be (RFC 5280 §4.1): use an authority \
                 whose certificate is"
            ),
            Self::TooLong { length } => write!(
                f,
                "the file of CA certificates has {length} bytes, at most {} are taken",
                TrustAnchors::MAX_LEN
            ),
        }
    }
}

impl core::error::Error for TrustAnchorsError {}

impl fmt::Display for SkippedAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. It is left out: {}", self.reason, self.subject)
    }
}

impl TrustAnchors {
    /// The longest file that is parsed: 1 MiB.
    pub const MAX_LEN: usize = 1 << 20;

    /// All certificates of a PEM file. Text and blocks of other kinds are skipped.
    ///
    /// So are certificates that can't be used, which [`skipped`](Self::skipped) lists: those who collect authorities take
    /// in some that are of no use here.
    ///
    /// # Errors
    ///
    /// A [`TrustAnchorsError`] if there is none, if none can be used, or if the file was cut off.
    pub fn from_pem(file: &[u8]) -> Result<Self, TrustAnchorsError> {
        check_length(file)?;
        let mut anchors = Self::empty();
        for (number, block) in (1..).zip(pem::certificates(file)) {
            // A file that was cut is not one with fewer.
            if !block.is_whole() {
                return Err(TrustAnchorsError::Malformed { number });
            }
            let der = block.decode();
            let der = der.as_ref().map_or(&[][..], |der| der.as_slice());
            if let Err(reason) = anchors.add(number, der) {
                let subject = subject(der);
                anchors.skipped.push(SkippedAnchor { subject, reason });
            }
        }
        if anchors.is_empty() {
            let first = anchors.skipped.first();
            return Err(first.map_or(TrustAnchorsError::NoCertificate, |first| first.reason));
        }
        Ok(anchors)
    }

    /// One certificate in DER, or all of a PEM file when the bytes are PEM.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, TrustAnchorsError> {
        if pem::is_pem(bytes) {
            return Self::from_pem(bytes);
        }
        check_length(bytes)?;
        let mut anchors = Self::empty();
        anchors.add(1, bytes)?;
        Ok(anchors)
    }

    /// How many there are, at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// The certificates of the file that can't be used.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedAnchor] {
        &self.skipped
    }

    /// Fails unless this anchor allows so many intermediate certificates, at this time; self-issued ones do not count.
    pub(super) fn check(
        &self,
        anchor: &TrustAnchor<'_>,
        intermediates: usize,
        now: UnixTime,
    ) -> Result<(), ChainError> {
        // The same authority may be there twice: as soon as one certificate of it allows it, it is allowed.
        let mut result = Err(ChainError::UnknownAuthority);
        for (known, limits) in self.anchors.iter().zip(&self.limits) {
            if known == anchor {
                result = limits.check(intermediates, now);
                if result.is_ok() {
                    break;
                }
            }
        }
        result
    }

    pub(super) fn evaluable_constraints(&self) -> bool {
        self.limits
            .iter()
            .all(|limits| limits.evaluable_constraints)
    }

    pub(super) fn as_webpki(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    fn empty() -> Self {
        Self {
            anchors: Vec::new(),
            limits: Vec::new(),
            skipped: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    fn add(&mut self, number: usize, der: &[u8]) -> Result<(), TrustAnchorsError> {
        let malformed = TrustAnchorsError::Malformed { number };
        let profile = Profile::read(der).map_err(|error| match error {
            CertificateError::NotDer => TrustAnchorsError::NotDer { number },
            _ => malformed,
        })?;
        profile.check_as_issuer().map_err(|error| match error {
            ChainError::IssuerCriticalExtension => TrustAnchorsError::CriticalExtension { number },
            ChainError::IssuerKeyUsage => TrustAnchorsError::KeyUsage { number },
            _ => TrustAnchorsError::NotAuthority { number },
        })?;
        if !profile.has_usable_key() {
            return Err(TrustAnchorsError::Key { number });
        }
        let certificate = CertificateDer::from(der);
        let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| malformed)?;
        let (not_before, not_after) = profile.validity();
        self.anchors.push(anchor.to_owned());
        self.limits.push(Limits {
            not_before,
            not_after,
            path_length: profile.path_length(),
            evaluable_constraints: profile.has_evaluable_constraints(),
        });
        Ok(())
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustAnchors({})", self.len())
    }
}

impl Limits {
    // RFC 5280 §6.2 leaves it open whether these bind an anchor. A file that somebody keeps for years is
    // better refused when it says itself that its time is over.
    fn check(&self, intermediates: usize, now: UnixTime) -> Result<(), ChainError> {
        if now > self.not_after {
            return Err(ChainError::IssuerExpired {
                not_after: self.not_after,
                now,
            });
        }
        if now < self.not_before {
            return Err(ChainError::IssuerNotYetValid {
                not_before: self.not_before,
                now,
            });
        }
        if self.path_length.is_some_and(|most| intermediates > most) {
            return Err(ChainError::PathLength);
        }
        Ok(())
    }
}

/// Whose certificate this is, as far as it can be read.
fn subject(der: &[u8]) -> String {
    let subject = Fields::read(der).ok().and_then(|fields| {
        let name = RdnSequence::from_der(fields.subject).ok()?;
        Some(name.to_string()).filter(|name| !name.is_empty())
    });
    subject.map_or_else(
        || format!("SHA-256 {}", Fingerprint::from_bytes(sha256(der))),
        |name| name.chars().take(MAX_SUBJECT).map(printable).collect(),
    )
}

fn printable(c: char) -> char {
    match c {
        ' '..='~' => c,
        _ if c.is_alphanumeric() => c,
        _ => '\u{fffd}',
    }
}

fn check_length(bytes: &[u8]) -> Result<(), TrustAnchorsError> {
    let length = bytes.len();
    if length > TrustAnchors::MAX_LEN {
        return Err(TrustAnchorsError::TooLong { length });
    }
    Ok(())
}

/// Characters of a name that are shown.
const MAX_SUBJECT: usize = 200;
