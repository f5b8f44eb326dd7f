//! How other formats name a certificate.

use alloc::vec::Vec;

use der::{Decode as _, asn1::OctetStringRef};
use x509_cert::ext::pkix::ID_CE_SUBJECT_KEY_IDENTIFIER;

use super::Fields;
use crate::fingerprint::Fingerprint;

/// The names by which JWE and CMS point to a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CertificateNames {
    /// JWE's `x5t#S256` (RFC 7515 §4.1.8).
    pub(crate) fingerprint: Fingerprint,
    /// `IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber CertificateSerialNumber }` in DER
    /// (RFC 5652 §10.2.4).
    pub(crate) issuer_and_serial: Vec<u8>,
    /// The content of the extension subjectKeyIdentifier (RFC 5280 §4.2.1.2).
    pub(crate) subject_key_id: Option<Vec<u8>>,
}

impl CertificateNames {
    pub(super) fn new(fields: &Fields<'_>, fingerprint: Fingerprint) -> Self {
        // A malformed extension gives no names. Nothing else depends on it.
        let subject_key_id = fields
            .extension(ID_CE_SUBJECT_KEY_IDENTIFIER)
            .and_then(|value| <&OctetStringRef>::from_der(value).ok())
            .map(|id| id.as_bytes().to_vec());
        Self {
            fingerprint,
            issuer_and_serial: sequence(&[fields.issuer, fields.serial_number]),
            subject_key_id,
        }
    }
}

/// A SEQUENCE of parts that are DER already (X.690 §8.9).
fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let significant = bytes.get(significant..).unwrap_or_default();
    let mut out = Vec::with_capacity(2 + significant.len() + length);
    out.push(0x30);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(significant);
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}
