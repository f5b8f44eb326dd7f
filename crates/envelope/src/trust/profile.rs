//! What the chain policy looks at in one certificate, an agent's or an issuer's.

use der::{
    Decode, Encode,
    asn1::AnyRef,
    oid::{AssociatedOid, ObjectIdentifier},
};
use x509_cert::{
    TbsCertificate,
    ext::pkix::{
        BasicConstraints, ExtendedKeyUsage, KeyUsage, NameConstraints, SubjectAltName,
        name::GeneralName,
    },
};

use super::{algorithms::SIGNATURE_ALGORITHMS, chain_error::ChainError};
use crate::{
    certificate::{CertificateError, Fields},
    public_key::{PublicKey, RSA_ENCRYPTION},
    time::UnixTime,
};

/// A certificate and those of its extensions that bind the chain.
pub(super) struct Profile {
    certificate: x509_cert::Certificate,
    authority: Option<BasicConstraints>,
    signs_certificates: bool,
    any_purpose: bool,
    constraints: Option<NameConstraints>,
}

impl Profile {
    /// Reads a certificate in canonical DER.
    pub(super) fn read(der: &[u8]) -> Result<Self, CertificateError> {
        Fields::read(der)?;
        let certificate =
            x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let tbs = certificate.tbs_certificate();
        let usage: Option<KeyUsage> = decode_extension(tbs)?;
        let purposes: Option<ExtendedKeyUsage> = decode_extension(tbs)?;
        let basic: Option<BasicConstraints> = decode_extension(tbs)?;
        Ok(Self {
            authority: basic.filter(|basic| basic.ca),
            signs_certificates: usage.is_none_or(|usage| usage.key_cert_sign()),
            any_purpose: purposes.is_none_or(|ids| ids.0.contains(&ANY_EXTENDED_KEY_USAGE)),
            constraints: decode_extension(tbs)?,
            certificate,
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
    /// purposes are not looked at: whoever gives it says what it is for.
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

    /// Can signatures be verified with its key?
    pub(super) fn has_usable_key(&self) -> bool {
        let spki = self.tbs().subject_public_key_info();
        let (Ok(spki_der), Ok(algorithm)) = (spki.to_der(), spki.algorithm.to_der()) else {
            return false;
        };
        if spki.algorithm.oid == RSA_ENCRYPTION {
            // What is too weak to seal to is too weak to sign.
            return PublicKey::from_spki_der(&spki_der).is_ok();
        }
        let Ok(algorithm) = AnyRef::from_der(&algorithm) else {
            return false;
        };
        SIGNATURE_ALGORITHMS
            .iter()
            .any(|known| *known.public_key_alg_id() == *algorithm.value())
    }

    /// Are its name constraints, if it has any, of forms that are evaluated?
    pub(super) fn has_evaluable_constraints(&self) -> bool {
        let subtrees = self.constraints.iter().flat_map(|constraints| {
            [
                &constraints.permitted_subtrees,
                &constraints.excluded_subtrees,
            ]
        });
        let mut bases = subtrees.flatten().flatten().map(|subtree| &subtree.base);
        bases.all(|base| matches!(base, GeneralName::DnsName(_) | GeneralName::IpAddress(_)))
    }

    /// Is it issued to the one who issued it?
    pub(super) fn is_self_issued(&self) -> bool {
        self.is_issued_by(self)
    }

    /// Does it name the other as its issuer?
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        self.tbs().issuer() == other.tbs().subject()
    }

    /// How many intermediate certificates may follow it, if that is limited.
    pub(super) fn path_length(&self) -> Option<u8> {
        self.authority
            .as_ref()
            .and_then(|basic| basic.path_len_constraint)
    }

    /// The first and the last second of its validity.
    pub(super) fn validity(&self) -> (UnixTime, UnixTime) {
        let validity = self.tbs().validity();
        (
            unix_time(&validity.not_before),
            unix_time(&validity.not_after),
        )
    }

    // RFC 5280 §4.2: an unknown extension that is critical refuses the certificate.
    fn has_unknown_critical_extension(&self) -> bool {
        let mut extensions = self.tbs().extensions().into_iter().flatten();
        extensions.any(|extension| extension.critical && !KNOWN.contains(&extension.extn_id))
    }

    fn tbs(&self) -> &TbsCertificate {
        self.certificate.tbs_certificate()
    }
}

fn decode_extension<'a, T>(tbs: &'a TbsCertificate) -> Result<Option<T>, CertificateError>
where
    T: AssociatedOid + Decode<'a>,
{
    let mut extensions = tbs.extensions().into_iter().flatten();
    extensions
        .find(|extension| extension.extn_id == T::OID)
        .map(|extension| T::from_der(extension.extn_value.as_bytes()))
        .transpose()
        .map_err(|_| CertificateError::Malformed)
}

fn unix_time(time: &x509_cert::time::Time) -> UnixTime {
    UnixTime::from_secs(time.to_unix_duration().as_secs())
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
