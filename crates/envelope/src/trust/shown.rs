//! What webpki is shown of certificates that it would judge wrongly, and what is judged here instead.
//!
//! - **Path lengths.** Self-issued certificates do not count (RFC 5280 §6.1.4 (l), (m)), and webpki counts them. Where
//!   there are any, it is shown the intermediate certificates without their path lengths, which are then compared here,
//!   with every path that it found good.
//! - **Dates before 1970**, which webpki does not read. It is shown 1970 in their place, since no time that it is asked
//!   about is earlier; whether a validity ends before it begins is compared here.
//!
//! All else is left to it: a signature is verified over what was signed, which takes the place of what was shown.

use alloc::vec::Vec;
use core::fmt;

use der::{
    Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _, asn1::AnyRef,
    oid::AssociatedOid as _,
};
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
};
use x509_cert::ext::pkix::BasicConstraints;

use super::{algorithms::SIGNATURE_ALGORITHMS, profile::Profile};
use crate::{
    certificate::{Presented, read_time},
    time::UnixTime,
};

/// A certificate and its intermediate ones as webpki is to see them.
pub(super) struct Shown<'a> {
    leaf: CertificateDer<'a>,
    intermediates: Vec<CertificateDer<'a>>,
    hidden: Vec<Hidden<'a>>,
}

/// A certificate that is not shown as it is.
struct Hidden<'a> {
    /// Its TBSCertificate as it is shown.
    shown: Vec<u8>,
    /// Its TBSCertificate.
    signed: &'a [u8],
    limits: Limits,
}

/// Verifies the signatures of one algorithm, over what was signed.
pub(super) struct Verifier<'h> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    hidden: &'h [Hidden<'h>],
}

impl<'a> Shown<'a> {
    pub(super) fn new(presented: &'a Presented) -> Self {
        let counted_wrongly = presented
            .intermediates
            .iter()
            .filter_map(|der| Profile::read(der).ok())
            // Nor does webpki read numbers above 255.
            .any(|one| one.is_self_issued() || one.path_length() > Some(u8::MAX.into()));
        let mut hidden = Vec::new();
        let mut show = |der: &'a CertificateDer<'_>, counted_wrongly| {
            let change = Change::of(der, counted_wrongly)?;
            let (one, shown) = hide(der, &change).ok()?;
            hidden.push(one);
            Some(shown)
        };
        let unchanged = |der: &'a CertificateDer<'_>| CertificateDer::from(der.as_ref());
        let leaf = &presented.leaf;
        let leaf = show(leaf, false).unwrap_or_else(|| unchanged(leaf));
        let intermediates = presented.intermediates.iter();
        Self {
            leaf,
            intermediates: intermediates
                .map(|der| show(der, counted_wrongly).unwrap_or_else(|| unchanged(der)))
                .collect(),
            hidden,
        }
    }

    pub(super) fn leaf(&self) -> &CertificateDer<'a> {
        &self.leaf
    }

    pub(super) fn intermediates(&self) -> &[CertificateDer<'a>] {
        &self.intermediates
    }

    /// What may be signed with, over these certificates.
    pub(super) fn verifiers(&self) -> Vec<Verifier<'_>> {
        let algorithms = SIGNATURE_ALGORITHMS.iter();
        algorithms
            .map(|algorithm| Verifier {
                algorithm: *algorithm,
                hidden: &self.hidden,
            })
            .collect()
    }

    /// What an issuer's certificate, which was shown like this, says itself.
    ///
    /// Others could add a copy with another path length or other early dates to the file, with the same signature: the
    /// strictest counts of all that are shown in the same way.
    pub(super) fn limits(&self, shown: &[u8], profile: &Profile<'_>) -> Limits {
        let mut limits = Limits::of(profile);
        let Ok(Certificate { tbs, .. }) = Certificate::read(shown) else {
            return limits;
        };
        let mut same = self.hidden.iter().filter(|hidden| hidden.shown == tbs);
        if let Some(first) = same.next() {
            limits = same.fold(first.limits, Limits::and);
        }
        limits
    }
}

/// What an issuer's certificate limits.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How many certificates that are not self-issued may follow it, if that is limited.
    pub(super) path_length: Option<usize>,
    pub(super) not_before: UnixTime,
    pub(super) not_after: UnixTime,
}

impl Limits {
    fn of(profile: &Profile<'_>) -> Self {
        let (not_before, not_after) = profile.validity();
        Self {
            path_length: profile.path_length(),
            not_before,
            not_after,
        }
    }

    fn and(self, other: &Hidden<'_>) -> Self {
        let other = other.limits;
        Self {
            path_length: self.path_length.into_iter().chain(other.path_length).min(),
            not_before: self.not_before.max(other.not_before),
            not_after: self.not_after.min(other.not_after),
        }
    }
}

/// What is changed in a certificate before it is shown.
struct Change {
    limits: Limits,
    path_length: bool,
    dates: bool,
}

impl Change {
    /// `None` if it is shown as it is.
    fn of(der: &[u8], counted_wrongly: bool) -> Option<Self> {
        let profile = Profile::read(der).ok()?;
        let limits = Limits::of(&profile);
        let change = Self {
            limits,
            path_length: counted_wrongly && limits.path_length.is_some(),
            dates: limits.not_before < EPOCH || limits.not_after < EPOCH,
        };
        (change.path_length || change.dates).then_some(change)
    }
}

/// What is kept of a certificate that is changed, and the certificate as it is shown.
fn hide<'a>(der: &'a [u8], change: &Change) -> der::Result<(Hidden<'a>, CertificateDer<'a>)> {
    let certificate = Certificate::read(der)?;
    let mut shown = certificate.tbs.to_vec();
    if change.path_length {
        shown = without_path_length(&shown)?;
    }
    if change.dates {
        shown = without_early_dates(&shown)?;
    }
    let whole = sequence(&[&shown, certificate.signature])?;
    let hidden = Hidden {
        shown,
        signed: certificate.tbs,
        limits: change.limits,
    };
    Ok((hidden, CertificateDer::from(whole)))
}

impl SignatureVerificationAlgorithm for Verifier<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let verify = |message| {
            self.algorithm
                .verify_signature(public_key, message, signature)
        };
        let originals = self.hidden.iter().filter(|hidden| hidden.shown == message);
        let mut results = originals.map(|hidden| verify(hidden.signed));
        match results.next() {
            // More than one if somebody changed copies of it: one has to be what was signed.
            Some(first) => results.fold(first, Result::or),
            None => verify(message),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

impl fmt::Debug for Verifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.algorithm.fmt(f)
    }
}

/// `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }`
struct Certificate<'a> {
    tbs: &'a [u8],
    /// Both of the other fields.
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    fn read(der: &'a [u8]) -> der::Result<Self> {
        let fields = content(der)?;
        let tbs = SliceReader::new(fields)?.tlv_bytes()?;
        Ok(Self {
            tbs,
            signature: fields.get(tbs.len()..).unwrap_or_default(),
        })
    }
}

/// The extensions are the last field, `[3] EXPLICIT SEQUENCE OF Extension`.
fn without_path_length(tbs: &[u8]) -> der::Result<Vec<u8>> {
    let mut fields = parts(content(tbs)?)?;
    let Some(explicit) = fields.pop() else {
        return sequence(&fields);
    };
    let mut extensions = Vec::new();
    for extension in parts(content(content(explicit)?)?)? {
        let mut fields = parts(content(extension)?)?;
        let is_constraints = fields
            .first()
            .is_some_and(|id| content(id).is_ok_and(|id| id == BasicConstraints::OID.as_bytes()));
        let authority = AnyRef::new(Tag::OctetString, AUTHORITY)?.to_der()?;
        if is_constraints {
            fields.pop();
            fields.push(&authority);
        }
        extensions.push(sequence(&fields)?);
    }
    let extensions: Vec<_> = extensions.iter().map(Vec::as_slice).collect();
    let extensions = sequence(&extensions)?;
    let explicit = AnyRef::new(AnyRef::from_der(explicit)?.tag(), &extensions)?.to_der()?;
    fields.push(&explicit);
    sequence(&fields)
}

/// Validity is the field behind version, which may be absent, serial number, algorithm and issuer.
fn without_early_dates(tbs: &[u8]) -> der::Result<Vec<u8>> {
    let mut fields = parts(content(tbs)?)?;
    let has_version = fields
        .first()
        .is_some_and(|field| field.first() == Some(&0xa0));
    let mut dates = Vec::new();
    let Some(validity) = fields.get_mut(if has_version { 4 } else { 3 }) else {
        return sequence(&fields);
    };
    for date in parts(content(validity)?)? {
        let time = read_time(date).ok_or(Tag::Sequence.value_error())?;
        dates.push(if time < EPOCH { START_OF_1970 } else { date });
    }
    let dates = sequence(&dates)?;
    *validity = &dates;
    sequence(&fields)
}

fn sequence(fields: &[&[u8]]) -> der::Result<Vec<u8>> {
    AnyRef::new(Tag::Sequence, &fields.concat())?.to_der()
}

fn content(field: &[u8]) -> der::Result<&[u8]> {
    Ok(AnyRef::from_der(field)?.value())
}

fn parts(content: &[u8]) -> der::Result<Vec<&[u8]>> {
    let mut reader = SliceReader::new(content)?;
    let mut parts = Vec::new();
    while !reader.is_finished() {
        parts.push(reader.tlv_bytes()?);
    }
    Ok(parts)
}

/// `BasicConstraints ::= SEQUENCE { cA BOOLEAN, … }` with cA alone.
const AUTHORITY: &[u8] = &[0x30, 0x03, 0x01, 0x01, 0xff];
const EPOCH: UnixTime = UnixTime::from_secs(0);
/// The UTCTime 700101000000Z.
const START_OF_1970: &[u8] = b"\x17\x0d700101000000Z";
