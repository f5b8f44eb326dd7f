//! Path lengths, where self-issued certificates do not count (RFC 5280 §6.1.4 (l), (m)).
//!
//! webpki counts them. Where there are any, it is shown the intermediate certificates without their path lengths, which
//! are then compared here, with every path that it found good. All else is left to it: a signature is verified over what
//! was signed, which takes the place of what was shown.

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

/// Intermediate certificates as webpki is to see them.
pub(super) struct Issuers<'a> {
    shown: Vec<CertificateDer<'a>>,
    hidden: Vec<Hidden<'a>>,
}

/// A certificate whose path length is not shown.
struct Hidden<'a> {
    /// Its TBSCertificate without the path length.
    shown: Vec<u8>,
    /// Its TBSCertificate.
    signed: &'a [u8],
    path_length: usize,
}

/// Verifies the signatures of one algorithm, over what was signed.
pub(super) struct Verifier<'h> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    hidden: &'h [Hidden<'h>],
}

impl<'a> Issuers<'a> {
    pub(super) fn new(intermediates: &'a [CertificateDer<'_>]) -> Self {
        let counted_wrongly = intermediates
            .iter()
            .filter_map(|der| Profile::read(der).ok())
            // Nor does webpki read numbers above 255.
            .any(|one| one.is_self_issued() || one.path_length() > Some(u8::MAX.into()));
        let mut issuers = Self {
            shown: Vec::new(),
            hidden: Vec::new(),
        };
        for der in intermediates {
            let shown = match counted_wrongly {
                true => issuers.hide(der),
                false => None,
            };
            let unchanged = || CertificateDer::from(der.as_ref());
            issuers.shown.push(shown.unwrap_or_else(unchanged));
        }
        issuers
    }

    pub(super) fn shown(&self) -> &[CertificateDer<'a>] {
        &self.shown
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

    /// How many certificates that are not self-issued may follow this one, if that is limited.
    ///
    /// Others could add a copy without the path length to the file, with the same signature: the limit is that of
    /// each certificate that is shown in the same way.
    pub(super) fn path_length(&self, shown: &[u8], profile: &Profile<'_>) -> Option<usize> {
        let tbs = Certificate::read(shown).ok()?.tbs;
        let same = self.hidden.iter().filter(|hidden| hidden.shown == tbs);
        same.map(|hidden| hidden.path_length)
            .chain(profile.path_length())
            .min()
    }

    /// The certificate without its path length, if it has one.
    fn hide(&mut self, der: &'a [u8]) -> Option<CertificateDer<'a>> {
        let path_length = Profile::read(der).ok()?.path_length()?;
        let certificate = Certificate::read(der).ok()?;
        let shown = without_path_length(certificate.tbs).ok()?;
        let whole = sequence(&[&shown, certificate.signature]).ok()?;
        self.hidden.push(Hidden {
            shown,
            signed: certificate.tbs,
            path_length,
        });
        Some(CertificateDer::from(whole))
    }
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
