//! The authorities at the top of chains.

mod error;

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

use der::{Decode as _, Reader as _, SliceReader, asn1::AnyRef};
use rustls_pki_types::{CertificateDer, TrustAnchor};
use x509_cert::name::RdnSequence;

pub use self::error::TrustAnchorsError;
use super::{chain_error::ChainError, names, profile::Profile, validity::check_validity};
#[cfg(feature = "std")]
use crate::file_kind::FileKind;
use crate::{
    certificate::{CertificateError, Fingerprint},
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
    /// Whose it is, after RFC 4514; its SHA-256 fingerprint if that can't be read; the line in which it begins if it is
    /// not base64. At most 200 characters, which are good to print.
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

impl fmt::Display for SkippedAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. It is left out: {}", self.reason, self.subject)
    }
}

#[cfg(feature = "std")]
impl SkippedAnchor {
    fn of_other_blocks(file: &[u8]) -> impl Iterator<Item = Self> {
        pem::blocks(file).filter_map(|block| {
            let kind = FileKind::of_label(&block)?;
            let is_meant = matches!(kind, FileKind::TrustedCertificate | FileKind::Pkcs7);
            is_meant.then(|| Self {
                subject: format!("line {} of the file", block.line(file)),
                reason: TrustAnchorsError::OtherBlock { kind },
            })
        })
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
    /// A [`TrustAnchorsError`] if there is none, or if none can be used.
    pub fn from_pem(file: &[u8]) -> Result<Self, TrustAnchorsError> {
        check_length(file)?;
        let mut anchors = Self::empty();
        for (number, block) in (1..).zip(pem::certificates(file)) {
            let (subject, reason) = match block.decode() {
                Ok(der) => match anchors.add(number, &der) {
                    Ok(()) => continue,
                    Err(reason) => (subject(&der), reason),
                },
                Err(_) => (
                    format!("line {} of the file", block.line(file)),
                    match block.is_whole() {
                        true => TrustAnchorsError::Pem { number },
                        false => TrustAnchorsError::Cut { number },
                    },
                ),
            };
            anchors.skipped.push(SkippedAnchor { subject, reason });
        }
        #[cfg(feature = "std")]
        if !anchors.is_empty() {
            anchors.skipped.extend(SkippedAnchor::of_other_blocks(file));
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
    /// As [`from_pem`](Self::from_pem); files of other kinds are named.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, TrustAnchorsError> {
        #[cfg(feature = "std")]
        if FileKind::is_archive(bytes) {
            return Err(TrustAnchorsError::File(FileKind::Archive));
        }
        let read = if pem::is_pem(bytes) {
            Self::from_pem(bytes)
        } else {
            Self::from_der(bytes)
        };
        #[cfg(feature = "std")]
        let read = read.map_err(|error| or_kind(error, bytes));
        read
    }

    fn from_der(der: &[u8]) -> Result<Self, TrustAnchorsError> {
        check_length(der)?;
        let mut anchors = Self::empty();
        anchors.add(1, der)?;
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

    /// Returns whether one of them has this name, but for how it is encoded.
    pub(super) fn has_alike(&self, name: &[u8]) -> bool {
        self.anchors.iter().any(|anchor| {
            names::sequence(&anchor.subject).is_some_and(|own| names::alike(&own, name))
        })
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
        let profile = Profile::read(der).map_err(|error| match error {
            CertificateError::Malformed => TrustAnchorsError::Malformed { number },
            CertificateError::NotDer => TrustAnchorsError::NotDer { number },
            reason => TrustAnchorsError::Unreadable { number, reason },
        })?;
        profile.check_as_issuer().map_err(|error| match error {
            ChainError::IssuerCriticalExtension => TrustAnchorsError::CriticalExtension { number },
            ChainError::IssuerKeyUsage => TrustAnchorsError::KeyUsage { number },
            _ => TrustAnchorsError::NotAuthority {
                number,
                self_issued: profile.is_self_issued(),
            },
        })?;
        if !profile.has_usable_key() {
            return Err(TrustAnchorsError::Key { number });
        }
        let certificate = CertificateDer::from(der);
        let anchor = webpki::anchor_from_trusted_cert(&certificate);
        // All else was read before.
        let anchor = anchor.map_err(|_| TrustAnchorsError::Version { number })?;
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
        check_validity(self.not_before, self.not_after, now)?;
        if self.path_length.is_some_and(|most| intermediates > most) {
            return Err(ChainError::PathLength);
        }
        Ok(())
    }
}

/// What a file is that is not read, if it is of another kind.
#[cfg(feature = "std")]
fn or_kind(error: TrustAnchorsError, bytes: &[u8]) -> TrustAnchorsError {
    use TrustAnchorsError::{Cut, File, Malformed, NoCertificate, NotDer, Pem, Unreadable};
    match (error, FileKind::of(bytes)) {
        (error, None | Some(FileKind::Certificate)) => error,
        (
            Cut { .. }
            | Malformed { .. }
            | NoCertificate
            | NotDer { .. }
            | Pem { .. }
            | Unreadable { .. },
            Some(kind),
        ) => File(kind),
        (error, _) => error,
    }
}

/// Whose certificate this is, as far as it can be read.
fn subject(der: &[u8]) -> String {
    let subject = subject_name(der).map(|name| name.to_string());
    subject.filter(|name| !name.is_empty()).map_or_else(
        || format!("SHA-256 {}", Fingerprint::from_bytes(sha256(der))),
        |name| name.chars().take(MAX_SUBJECT).map(printable).collect(),
    )
}

/// The subject's name, whatever rule the certificate breaks elsewhere.
fn subject_name(der: &[u8]) -> Option<RdnSequence> {
    let mut certificate = fields(der)?;
    let mut signed = fields(certificate.tlv_bytes().ok()?)?;
    if signed.peek_byte() == Some(VERSION) {
        signed.tlv_bytes().ok()?;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        signed.tlv_bytes().ok()?;
    }
    RdnSequence::from_der(signed.tlv_bytes().ok()?).ok()
}

fn fields(sequence: &[u8]) -> Option<SliceReader<'_>> {
    let mut reader = SliceReader::new(sequence).ok()?;
    SliceReader::new(AnyRef::decode(&mut reader).ok()?.value()).ok()
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

/// The tag of the version, which is not there in version 1.
const VERSION: u8 = 0xa0;
/// Characters of a name that are shown.
const MAX_SUBJECT: usize = 200;
