//! What the chain policy looks at in one certificate, an agent's or an issuer's.

use der::{
    Decode as _, Tagged as _,
    asn1::AnyRef,
    oid::{AssociatedOid as _, ObjectIdentifier},
};
use x509_cert::ext::pkix::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, NameConstraints, SubjectAltName,
};

use super::{algorithms::SIGNATURE_ALGORITHMS, chain_error::ChainError, names};
use crate::{
    certificate::{
        Authority, CertificateError, Fields, Usage, constrains_addresses_only, has_purpose,
    },
    public_key::{PublicKey, RSA_ENCRYPTION},
    time::UnixTime,
};

/// A certificate and those of its extensions that bind the chain.
pub(super) struct Profile<'a> {
    fields: Fields<'a>,
    authority: Option<Authority>,
    signs_certificates: bool,
    any_purpose: bool,
    evaluable_constraints: bool,
}

impl<'a> Profile<'a> {
    /// Reads a certificate in canonical DER.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        let fields = Fields::read(der)?;
        let usage = fields.extension(KeyUsage::OID).map(Usage::read);
        let constraints = fields.extension(BasicConstraints::OID).map(Authority::read);
        let any_purpose = fields
            .extension(ExtendedKeyUsage::OID)
            .map(|purposes| has_purpose(purposes, ANY_EXTENDED_KEY_USAGE));
        let evaluable = fields
            .extension(NameConstraints::OID)
            .map(constrains_addresses_only);
        Ok(Self {
            authority: constraints.transpose()?.flatten(),
            signs_certificates: usage.transpose()?.is_none_or(Usage::signs_certificates),
            any_purpose: any_purpose.transpose()?.unwrap_or(true),
            evaluable_constraints: evaluable.transpose()?.unwrap_or(true),
            fields,
        })
    }

    /// The rules for the certificate of an agent.
    pub(super) fn check_as_agent(&self) -> Result<(), ChainError> {
        if self.authority.is_some() {
            return Err(ChainError::Authority);
        }
        if self.has_unknown_critical_extension() {
            return Err(ChainError::CriticalExtension);
        }
        if !self.any_purpose {
            return Err(ChainError::ExtendedKeyUsage);
        }
        Ok(())
    }

    /// The rules for the certificate of an issuer, as far as webpki leaves them to us. An anchor's
    /// purposes are not looked at: who gives it says what it is for.
    pub(super) fn check_as_issuer(&self) -> Result<(), ChainError> {
        if self.authority.is_none() {
            return Err(ChainError::IssuerNotAuthority);
        }
        if !self.signs_certificates {
            return Err(ChainError::IssuerKeyUsage);
        }
        if self.has_unknown_critical_extension() {
            return Err(ChainError::IssuerCriticalExtension);
        }
        Ok(())
    }

    /// Returns whether signatures can be verified with its key.
    pub(super) fn has_usable_key(&self) -> bool {
        // SubjectPublicKeyInfo ::= SEQUENCE { algorithm SEQUENCE { … }, … }: read before.
        let algorithm = AnyRef::from_der(self.fields.public_key)
            .and_then(|spki| AnyRef::decode(&mut der::SliceReader::new(spki.value())?));
        let Ok(algorithm) = algorithm else {
            return false;
        };
        if has_algorithm(algorithm.value(), RSA_ENCRYPTION) {
            // What is too weak to seal to is too weak to sign.
            return PublicKey::from_spki_der(self.fields.public_key).is_ok();
        }
        SIGNATURE_ALGORITHMS
            .iter()
            .any(|known| *known.public_key_alg_id() == *algorithm.value())
    }

    /// Returns whether its name constraints, if it has any, are of forms that are evaluated.
    pub(super) fn has_evaluable_constraints(&self) -> bool {
        self.evaluable_constraints
    }

    /// Returns whether its subject is its issuer.
    pub(super) fn is_self_issued(&self) -> bool {
        self.is_issued_by(self)
    }

    /// Returns whether it names the other as its issuer.
    pub(super) fn is_issued_by(&self, other: &Profile<'_>) -> bool {
        self.fields.issuer == other.fields.subject
    }

    /// Returns whether it names the other as its issuer in another encoding, which webpki does not see.
    pub(super) fn is_issued_by_one_alike(&self, other: &Profile<'_>) -> bool {
        names::alike(self.fields.issuer, other.fields.subject)
    }

    /// Its issuer's name in DER.
    pub(super) fn issuer(&self) -> &[u8] {
        self.fields.issuer
    }

    /// How many intermediate certificates may follow it, if that is limited.
    pub(super) fn path_length(&self) -> Option<usize> {
        self.authority.and_then(|authority| authority.path_length)
    }

    /// The first and the last second of its validity.
    pub(super) fn validity(&self) -> (UnixTime, UnixTime) {
        (self.fields.not_before, self.fields.not_after)
    }

    // RFC 5280 §4.2: an unknown extension that is critical refuses the certificate.
    fn has_unknown_critical_extension(&self) -> bool {
        let is_known = |id: &[u8]| KNOWN.iter().any(|known| known.as_bytes() == id);
        self.fields
            .extensions()
            .any(|extension| extension.critical && !is_known(extension.id))
    }
}

fn has_algorithm(identifier: &[u8], algorithm: ObjectIdentifier) -> bool {
    der::SliceReader::new(identifier)
        .and_then(|mut parts| AnyRef::decode(&mut parts))
        .is_ok_and(|id| {
            id.tag() == der::Tag::ObjectIdentifier && id.value() == algorithm.as_bytes()
        })
}

/// anyExtendedKeyUsage (RFC 5280 §4.2.1.12).
pub(super) const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.37.0");
/// The extensions that are understood here or by webpki.
const KNOWN: [ObjectIdentifier; 5] = [
    BasicConstraints::OID,
    ExtendedKeyUsage::OID,
    KeyUsage::OID,
    NameConstraints::OID,
    SubjectAltName::OID,
];
