//! Reading without leniency: one certificate has one encoding.

mod extensions;
mod walk;

use alloc::collections::BinaryHeap;
use core::iter;

use der::{
    Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, IntRef},
    oid::ObjectIdentifier,
};

pub(crate) use self::extensions::{Authority, Usage};
#[cfg(feature = "chain")]
pub(crate) use self::extensions::{constrains_addresses_only, has_purpose};
use self::walk::{
    Fault, any, bit_string, decode, end, object_identifier, reader, skip, time, value, whole,
};
use super::{CertificateError, ValidityEnd};
use crate::time::UnixTime;

/// What a certificate says, in the bytes that it was read from.
///
/// ```text
/// Certificate    ::= SEQUENCE { tbsCertificate TBSCertificate, signatureAlgorithm AlgorithmIdentifier,
///                               signatureValue BIT STRING }
/// TBSCertificate ::= SEQUENCE { version [0] EXPLICIT INTEGER DEFAULT v1, serialNumber INTEGER,
///                               signature AlgorithmIdentifier, issuer Name, validity Validity,
///                               subject Name, subjectPublicKeyInfo SubjectPublicKeyInfo,
///                               issuerUniqueID [1] IMPLICIT BIT STRING OPTIONAL,
///                               subjectUniqueID [2] IMPLICIT BIT STRING OPTIONAL,
///                               extensions [3] EXPLICIT SEQUENCE OF Extension OPTIONAL }
/// ```
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    /// The INTEGER, with tag and length.
    pub(crate) serial_number: &'a [u8],
    /// The Name, with tag and length.
    pub(crate) issuer: &'a [u8],
    pub(crate) not_before: UnixTime,
    pub(crate) not_after: UnixTime,
    /// The Name, with tag and length.
    #[cfg_attr(
        not(feature = "chain"),
        expect(dead_code, reason = "chains are built by name")
    )]
    pub(crate) subject: &'a [u8],
    /// The SubjectPublicKeyInfo, with tag and length.
    pub(crate) public_key: &'a [u8],
    /// The content of the extensions' SEQUENCE.
    extensions: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The certificate that is encoded in these bytes, in canonical DER and nothing after it, each
    /// extension at most once (RFC 5280 §4.2).
    ///
    /// What an `ANY` holds, in names and in the parameters of algorithms, is looked at no further than its
    /// tag and length. So are OBJECT IDENTIFIERs, whatever numbers they have.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        let mut file = reader(der)?;
        let fields = certificate(value(&mut file, Tag::Sequence)?)?;
        if !file.is_finished() {
            return Err(CertificateError::TrailingBytes {
                length: u32::from(file.remaining_len()) as usize,
            });
        }
        check_unique(fields.extensions)?;
        Ok(fields)
    }

    /// The value of an extension.
    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<&'a [u8]> {
        self.extensions()
            .find(|extension| extension.id == id.as_bytes())
            .map(|extension| extension.value)
    }

    pub(crate) fn extensions(&self) -> impl Iterator<Item = Extension<'a>> {
        let mut rest = reader(self.extensions).ok();
        iter::from_fn(move || {
            let rest = rest.as_mut().filter(|rest| !rest.is_finished())?;
            // They were read before.
            extension(rest).ok()
        })
    }
}

/// The time that is encoded in these bytes.
#[cfg(feature = "chain")]
pub(crate) fn read_time(field: &[u8]) -> Option<UnixTime> {
    time(&mut reader(field).ok()?, ValidityEnd::NotBefore).ok()
}

/// The one field of this type that the bytes hold.
pub(super) fn only(bytes: &[u8], tag: Tag) -> Result<AnyRef<'_>, CertificateError> {
    Ok(extensions::only(bytes, tag)?)
}

/// The fields in the content of another; after an error there are no more.
pub(super) fn fields(content: &[u8]) -> impl Iterator<Item = Result<AnyRef<'_>, CertificateError>> {
    let mut rest = Some(reader(content));
    iter::from_fn(move || match rest.as_mut()? {
        Ok(fields) if fields.is_finished() => None,
        Ok(fields) => {
            let field = any(fields);
            if field.is_err() {
                rest = None;
            }
            Some(field.map_err(Into::into))
        }
        Err(fault) => {
            let fault = *fault;
            rest = None;
            Some(Err(fault.into()))
        }
    })
}

/// `Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`
pub(crate) struct Extension<'a> {
    /// The content of the OBJECT IDENTIFIER.
    pub(crate) id: &'a [u8],
    #[cfg_attr(
        not(feature = "chain"),
        expect(dead_code, reason = "a pin stands in for the issuers")
    )]
    pub(crate) critical: bool,
    /// The content of the OCTET STRING.
    pub(crate) value: &'a [u8],
}

fn certificate(content: &[u8]) -> Result<Fields<'_>, Fault> {
    let mut parts = reader(content)?;
    let fields = tbs_certificate(value(&mut parts, Tag::Sequence)?)?;
    algorithm(value(&mut parts, Tag::Sequence)?)?;
    bit_string(value(&mut parts, Tag::BitString)?)?;
    end(&parts)?;
    Ok(fields)
}

fn tbs_certificate(content: &[u8]) -> Result<Fields<'_>, Fault> {
    let mut parts = reader(content)?;
    let version = version(&mut parts)?;
    let serial_number = whole(&mut parts)?;
    check_serial_number(serial_number)?;
    algorithm(value(&mut parts, Tag::Sequence)?)?;
    let issuer = whole(&mut parts)?;
    check_name(issuer)?;
    let mut validity = reader(value(&mut parts, Tag::Sequence)?)?;
    let not_before = time(&mut validity, ValidityEnd::NotBefore)?;
    let not_after = time(&mut validity, ValidityEnd::NotAfter)?;
    end(&validity)?;
    let subject = whole(&mut parts)?;
    check_name(subject)?;
    let public_key = whole(&mut parts)?;
    check_public_key(public_key)?;

    let mut extensions = None;
    let mut last = 0;
    while !parts.is_finished() {
        let field = any(&mut parts)?;
        let Tag::ContextSpecific {
            number,
            constructed,
        } = field.tag()
        else {
            return Err(Fault::Malformed);
        };
        match (number.value(), constructed) {
            (1 | 2, false) if number.value() > last => bit_string(field.value())?,
            (3, true) if last < 3 => extensions = Some(check_extensions(field.value())?),
            _ => return Err(Fault::Malformed),
        }
        last = number.value();
    }
    // RFC 5280 §4.1.2.9: only in version 3.
    if extensions.is_some() && version != VERSION_3 {
        return Err(Fault::Malformed);
    }
    Ok(Fields {
        serial_number,
        issuer,
        not_before,
        not_after,
        subject,
        public_key,
        extensions: extensions.unwrap_or_default(),
    })
}

/// X.690 §11.5: the default is not encoded.
fn version(parts: &mut SliceReader<'_>) -> Result<u8, Fault> {
    if parts.peek_byte() != Some(EXPLICIT_0) {
        return Ok(VERSION_1);
    }
    let mut inner = reader(any(parts)?.value())?;
    let version = decode(any(&mut inner)?)?;
    end(&inner)?;
    match version {
        VERSION_1 => Err(Fault::NotDer),
        VERSION_2 | VERSION_3 => Ok(version),
        _ => Err(Fault::Malformed),
    }
}

// RFC 5280 §4.1.2.2: at most 20 bytes. The zero that DER puts before a number whose first bit is set is not counted:
// authorities that draw 160 random bits write it. It is part of the name by which CMS knows a certificate.
fn check_serial_number(whole: &[u8]) -> Result<(), Fault> {
    let number: IntRef<'_> = decode(any(&mut reader(whole)?)?)?;
    let bytes = number.as_bytes();
    match bytes.strip_prefix(&[0]).unwrap_or(bytes).len() {
        ..=MAX_SERIAL_NUMBER => Ok(()),
        length => Err(Fault::SerialNumber(length)),
    }
}

/// `AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }`
fn algorithm(content: &[u8]) -> Result<(), Fault> {
    let mut parts = reader(content)?;
    object_identifier(&mut parts)?;
    if !parts.is_finished() {
        skip(&mut parts)?;
    }
    end(&parts)
}

/// `Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }`
fn check_name(whole_name: &[u8]) -> Result<(), Fault> {
    let mut names = reader(value(&mut reader(whole_name)?, Tag::Sequence)?)?;
    while !names.is_finished() {
        let mut set = reader(value(&mut names, Tag::Set)?)?;
        let mut last: Option<&[u8]> = None;
        while !set.is_finished() {
            let attribute = whole(&mut set)?;
            let mut parts = reader(value(&mut reader(attribute)?, Tag::Sequence)?)?;
            object_identifier(&mut parts)?;
            skip(&mut parts)?;
            end(&parts)?;
            // X.690 §11.6: in ascending order.
            if last.replace(attribute) > Some(attribute) {
                return Err(Fault::NotDer);
            }
        }
    }
    Ok(())
}

/// `SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }`
fn check_public_key(whole: &[u8]) -> Result<(), Fault> {
    let mut parts = reader(value(&mut reader(whole)?, Tag::Sequence)?)?;
    algorithm(value(&mut parts, Tag::Sequence)?)?;
    bit_string(value(&mut parts, Tag::BitString)?)?;
    end(&parts)
}

fn check_extensions(explicit: &[u8]) -> Result<&[u8], Fault> {
    let mut outer = reader(explicit)?;
    let content = value(&mut outer, Tag::Sequence)?;
    end(&outer)?;
    let mut extensions = reader(content)?;
    while !extensions.is_finished() {
        extension(&mut extensions)?;
    }
    Ok(content)
}

fn extension<'a>(extensions: &mut SliceReader<'a>) -> Result<Extension<'a>, Fault> {
    let mut parts = reader(value(extensions, Tag::Sequence)?)?;
    let id = object_identifier(&mut parts)?;
    let mut field = any(&mut parts)?;
    let critical = field.tag() == Tag::Boolean;
    if critical {
        // X.690 §11.5: the default is not encoded.
        if !decode::<bool>(field)? {
            return Err(Fault::NotDer);
        }
        field = any(&mut parts)?;
    }
    end(&parts)?;
    if field.tag() != Tag::OctetString {
        return Err(Fault::Malformed);
    }
    Ok(Extension {
        id,
        critical,
        value: field.value(),
    })
}

fn check_unique(content: &[u8]) -> Result<(), CertificateError> {
    // In order, because there may be thousands. From a heap: sorting would take 3 KB of stack.
    let mut ids = BinaryHeap::new();
    let mut extensions = reader(content)?;
    while !extensions.is_finished() {
        ids.push(extension(&mut extensions)?.id);
    }
    let mut last = None;
    while let Some(id) = ids.pop() {
        if last.replace(id) == Some(id) {
            return Err(CertificateError::DuplicateExtension);
        }
    }
    Ok(())
}

const EXPLICIT_0: u8 = 0xa0;
const VERSION_1: u8 = 0;
const VERSION_2: u8 = 1;
const VERSION_3: u8 = 2;
const MAX_SERIAL_NUMBER: usize = 20;

#[cfg(test)]
mod tests;
