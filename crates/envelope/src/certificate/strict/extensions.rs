//! The extensions that bind the use of a key, in canonical DER.

#[cfg(feature = "chain")]
use der::oid::ObjectIdentifier;
use der::{
    Reader as _, Tag, Tagged as _,
    asn1::{AnyRef, UintRef},
};

use super::walk::{Fault, any, decode, end, reader};
#[cfg(feature = "chain")]
use super::walk::{object_identifier, value};
use crate::certificate::CertificateError;

/// `KeyUsage ::= BIT STRING { digitalSignature (0), … keyEncipherment (2), … keyCertSign (5), … }` (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Usage(u8);

impl Usage {
    pub(crate) fn read(extension: &[u8]) -> Result<Self, CertificateError> {
        Ok(usage(&only(extension, Tag::BitString)?)?)
    }

    pub(crate) fn enciphers_keys(self) -> bool {
        self.0 & 0x20 != 0
    }

    #[cfg(feature = "chain")]
    pub(crate) fn signs_certificates(self) -> bool {
        self.0 & 0x04 != 0
    }
}

/// `BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }` (RFC 5280
/// §4.2.1.9), of a certificate that has cA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Authority {
    /// How many intermediate certificates may follow it, if that is limited.
    #[cfg_attr(not(feature = "chain"), allow(dead_code, reason = "it limits chains"))]
    pub(crate) path_length: Option<usize>,
}

impl Authority {
    /// `None` if the certificate is not an authority's.
    pub(crate) fn read(extension: &[u8]) -> Result<Option<Self>, CertificateError> {
        Ok(authority(&only(extension, Tag::Sequence)?)?)
    }
}

/// Returns true if the extKeyUsage contains this purpose: `SEQUENCE SIZE (1..MAX) OF OBJECT IDENTIFIER` (RFC 5280
/// §4.2.1.12).
#[cfg(feature = "chain")]
pub(crate) fn has_purpose(
    extension: &[u8],
    purpose: ObjectIdentifier,
) -> Result<bool, CertificateError> {
    let list = only(extension, Tag::Sequence)?;
    let mut purposes = reader(list.value())?;
    let mut found = false;
    while !purposes.is_finished() {
        found |= object_identifier(&mut purposes)? == purpose.as_bytes();
    }
    Ok(found)
}

/// Returns true if the name constraints are on DNS names and IP addresses only (RFC 5280 §4.2.1.10):
///
/// ```text
/// NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL,
///                                excludedSubtrees  [1] GeneralSubtrees OPTIONAL }
/// GeneralSubtrees ::= SEQUENCE OF SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }
/// ```
#[cfg(feature = "chain")]
pub(crate) fn constrains_addresses_only(extension: &[u8]) -> Result<bool, CertificateError> {
    let constraints = only(extension, Tag::Sequence)?;
    let mut lists = reader(constraints.value())?;
    let mut addresses_only = true;
    while !lists.is_finished() {
        let mut subtrees = reader(any(&mut lists)?.value())?;
        while !subtrees.is_finished() {
            let mut subtree = reader(value(&mut subtrees, Tag::Sequence)?)?;
            let Tag::ContextSpecific { number, .. } = any(&mut subtree)?.tag() else {
                return Err(CertificateError::Malformed);
            };
            addresses_only &= matches!(number.value(), 2 | 7);
        }
    }
    Ok(addresses_only)
}

/// The one field that the bytes hold.
pub(super) fn only(bytes: &[u8], tag: Tag) -> Result<AnyRef<'_>, Fault> {
    let mut whole = reader(bytes)?;
    let field = any(&mut whole)?;
    end(&whole)?;
    if field.tag() == tag {
        Ok(field)
    } else {
        Err(Fault::Malformed)
    }
}

// X.690 §11.2.2: of a BIT STRING with names for its bits, trailing zero bits are left out.
fn usage(field: &AnyRef<'_>) -> Result<Usage, Fault> {
    match field.value() {
        [0] => Ok(Usage(0)),
        [unused @ ..=7, first, rest @ ..] => {
            let last = rest.last().unwrap_or(first);
            if *last != 0 && last.trailing_zeros() == u32::from(*unused) {
                Ok(Usage(*first))
            } else {
                Err(Fault::NotDer)
            }
        }
        _ => Err(Fault::Malformed),
    }
}

fn authority(field: &AnyRef<'_>) -> Result<Option<Authority>, Fault> {
    let mut parts = reader(field.value())?;
    let mut next = || match parts.is_finished() {
        true => Ok(None),
        false => any(&mut parts).map(Some),
    };
    let mut part = next()?;
    let is_authority = part.is_some_and(|field| field.tag() == Tag::Boolean);
    if let Some(field) = part.filter(|_| is_authority) {
        // X.690 §11.5: the default is not encoded.
        if !decode::<bool>(field)? {
            return Err(Fault::NotDer);
        }
        part = next()?;
    }
    let path_length = part.map(path_length).transpose()?;
    end(&parts)?;
    Ok(is_authority.then_some(Authority { path_length }))
}

fn path_length(field: AnyRef<'_>) -> Result<usize, Fault> {
    let number: UintRef<'_> = decode(field)?;
    // More than there can be is as good as no limit.
    let digits = number.as_bytes().iter();
    Ok(digits.fold(0_usize, |sum, digit| {
        sum.saturating_mul(256).saturating_add(usize::from(*digit))
    }))
}
