//! AuthEnvelopedData, read strictly.

use alloc::vec::Vec;

use der::{
    AnyRef, Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
    asn1::{ObjectIdentifier, OctetStringRef},
};
use spki::AlgorithmIdentifierRef;

use super::{Cms, CmsError, KeyEncryption, oid};
use crate::{
    content::{NONCE_LEN, TAG_LEN},
    header::MAX_RECIPIENTS,
    pem,
};

/// One recipient.
pub(super) struct Recipient {
    pub(super) certificate: CertificateName,
    pub(super) encrypted_key: Vec<u8>,
}

/// How a recipient's certificate is named (RFC 5652 §6.2.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum CertificateName {
    /// In DER.
    IssuerAndSerial(Vec<u8>),
    SubjectKeyId(Vec<u8>),
}

pub(super) fn parse(bytes: &[u8]) -> Result<Cms, CmsError> {
    if bytes.len() > super::MAX_CMS {
        return Err(CmsError::TooLarge);
    }
    if bytes.starts_with(b"MIME-Version:") {
        return Err(CmsError::Smime);
    }
    // As `Format::detect` says it.
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN ") {
        let cms = content_info(&from_pem(bytes)?)?;
        return Ok(Cms { pem: true, ..cms });
    }
    content_info(bytes)
}

/// The content of the one block.
pub(super) fn from_pem(file: &[u8]) -> Result<Vec<u8>, CmsError> {
    let mut blocks = pem::blocks(file);
    let (Some(block), None) = (blocks.next(), blocks.next()) else {
        return Err(CmsError::Pem);
    };
    if !LABELS.contains(&block.label) {
        return Err(CmsError::Pem);
    }
    let mut der = block.decode().map_err(|_| CmsError::Pem)?;
    Ok(core::mem::take(&mut *der))
}

/// `ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER, content [0] EXPLICIT ANY }` (RFC 5652 §3)
fn content_info(der: &[u8]) -> Result<Cms, CmsError> {
    // X.690 §8.1.3.6: a length that is told by the end. What is inside has it, too.
    if der.get(1) == Some(&0x80) {
        return Err(CmsError::Ber);
    }
    let mut parts = Elements::parse(der)?;
    let content_type: ObjectIdentifier = parts.next()?.decode_as().map_err(malformed)?;
    match content_type {
        oid::AUTH_ENVELOPED_DATA => {}
        oid::ENVELOPED_DATA => return Err(CmsError::EnvelopedData),
        _ => return Err(CmsError::ContentType),
    }
    let content = parts.tagged(0, true)?.ok_or(CmsError::Malformed)?;
    parts.end()?;
    auth_enveloped_data(content.value())
}

/// ```text
/// AuthEnvelopedData ::= SEQUENCE {
///     version CMSVersion,                                -- 0
///     originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
///     recipientInfos RecipientInfos,
///     authEncryptedContentInfo EncryptedContentInfo,
///     authAttrs [1] IMPLICIT AuthAttributes OPTIONAL,
///     mac MessageAuthenticationCode,
///     unauthAttrs [2] IMPLICIT UnauthAttributes OPTIONAL }
/// ```
// RFC 5083 §2.1
fn auth_enveloped_data(der: &[u8]) -> Result<Cms, CmsError> {
    let mut parts = Elements::parse(der)?;
    if parts.next()?.decode_as::<u8>().map_err(malformed)? != 0 {
        return Err(CmsError::Malformed);
    }
    if parts.tagged(0, true)?.is_some() {
        return Err(CmsError::OriginatorInfo);
    }
    let recipients = recipients(parts.expect(Tag::Set)?)?;
    let (nonce, ciphertext) = encrypted_content(parts.expect(Tag::Sequence)?)?;
    if parts.tagged(1, true)?.is_some() {
        return Err(CmsError::AuthAttributes);
    }
    let mac = parts.expect(Tag::OctetString)?.value();
    let tag = mac
        .try_into()
        .map_err(|_| CmsError::MacLength { found: mac.len() })?;
    if parts.tagged(2, true)?.is_some() {
        return Err(CmsError::UnauthAttributes);
    }
    parts.end()?;
    Ok(Cms {
        pem: false,
        recipients,
        nonce,
        ciphertext,
        tag,
    })
}

/// `RecipientInfos ::= SET SIZE (1..MAX) OF RecipientInfo`, in the order of DER (X.690 §11.6).
fn recipients(set: AnyRef<'_>) -> Result<Vec<Recipient>, CmsError> {
    let mut parts = Elements::within(set)?;
    let (mut recipients, mut last): (_, &[u8]) = (Vec::new(), &[]);
    while let Some((element, der)) = parts.peeked()? {
        if recipients.len() == MAX_RECIPIENTS {
            return Err(CmsError::RecipientCount);
        }
        if element.tag() != Tag::Sequence {
            return Err(CmsError::RecipientKind);
        }
        if der < last {
            return Err(CmsError::Malformed);
        }
        last = der;
        recipients.push(recipient(element)?);
    }
    if recipients.is_empty() {
        return Err(CmsError::RecipientCount);
    }
    Ok(recipients)
}

/// ```text
/// KeyTransRecipientInfo ::= SEQUENCE {
///     version CMSVersion,                                 -- 0 or 2, by the kind of name
///     rid CHOICE { IssuerAndSerialNumber, [0] SubjectKeyIdentifier },
///     keyEncryptionAlgorithm AlgorithmIdentifier,         -- id-RSAES-OAEP
///     encryptedKey OCTET STRING }
/// ```
// RFC 5652 §6.2.1
fn recipient(sequence: AnyRef<'_>) -> Result<Recipient, CmsError> {
    let mut parts = Elements::sequence(sequence)?;
    let version: u8 = parts.next()?.decode_as().map_err(malformed)?;
    let (named_by, certificate) = match parts.tagged(0, false)? {
        Some(id) => (2, CertificateName::SubjectKeyId(id.value().to_vec())),
        None => (
            0,
            CertificateName::IssuerAndSerial(issuer_and_serial(&mut parts)?),
        ),
    };
    if version != named_by {
        return Err(CmsError::Malformed);
    }
    let algorithm = parts.next()?.decode_as().map_err(malformed)?;
    key_encryption(&algorithm).map_err(CmsError::KeyEncryption)?;
    let encrypted_key = parts.expect(Tag::OctetString)?.value().to_vec();
    parts.end()?;
    Ok(Recipient {
        certificate,
        encrypted_key,
    })
}

/// `IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber INTEGER }` (RFC 5652 §10.2.4), as it stands there.
/// It is compared with a certificate's as bytes; what is in the name does not matter, and is not decoded: a name of
/// many small parts would take many times its own memory.
fn issuer_and_serial(parts: &mut Elements<'_>) -> Result<Vec<u8>, CmsError> {
    let (element, der) = parts.peeked()?.ok_or(CmsError::Malformed)?;
    let mut inner = Elements::sequence(element)?;
    inner.expect(Tag::Sequence)?;
    inner.expect(Tag::Integer)?;
    inner.end()?;
    Ok(der.to_vec())
}

/// RSAES-OAEP with SHA-256 for both and no label (RFC 3560 §2, RFC 4055 §4.1).
fn key_encryption(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), KeyEncryption> {
    match algorithm.oid {
        oid::RSAES_OAEP => {}
        oid::RSA_ENCRYPTION => return Err(KeyEncryption::Pkcs1v15),
        _ => return Err(KeyEncryption::Unknown),
    }
    // RFC 8017 appendix A.2.1: the hash and the mask generation are SHA-1 unless they are said.
    let parameters = algorithm.parameters.ok_or(KeyEncryption::OaepSha1)?;
    let mut parts = Elements::sequence(parameters).map_err(|_| KeyEncryption::OaepOther)?;
    let sha1 = KeyEncryption::OaepSha1;
    hash(explicit(&mut parts, 0)?.ok_or(sha1)?, sha1)?;
    let sha1 = KeyEncryption::OaepMgf1Sha1;
    let mask = explicit(&mut parts, 1)?.ok_or(sha1)?;
    let mask_hash = mask.parameters.filter(|_| mask.oid == oid::MGF_1);
    let mask_hash = mask_hash.and_then(|hash| hash.decode_as().ok());
    hash(mask_hash.ok_or(KeyEncryption::OaepOther)?, sha1)?;
    if let Some(source) = explicit(&mut parts, 2)? {
        let empty = AnyRef::new(Tag::OctetString, &[]).ok();
        if source.oid != oid::P_SPECIFIED || source.parameters != empty {
            return Err(KeyEncryption::OaepLabel);
        }
    }
    parts.end().map_err(|_| KeyEncryption::OaepOther)
}

/// `[number] EXPLICIT AlgorithmIdentifier OPTIONAL`
fn explicit<'a>(
    parts: &mut Elements<'a>,
    number: u32,
) -> Result<Option<AlgorithmIdentifierRef<'a>>, KeyEncryption> {
    let element = parts
        .tagged(number, true)
        .map_err(|_| KeyEncryption::OaepOther)?;
    element
        .map(|element| AlgorithmIdentifierRef::from_der(element.value()))
        .transpose()
        .map_err(|_| KeyEncryption::OaepOther)
}

/// SHA-256, whose parameters are absent or NULL (RFC 4055 §2.1).
fn hash(
    algorithm: AlgorithmIdentifierRef<'_>,
    if_sha1: KeyEncryption,
) -> Result<(), KeyEncryption> {
    let parameters = algorithm.parameters;
    match algorithm.oid {
        oid::SHA_256 if parameters.is_none_or(AnyRef::is_null) => Ok(()),
        oid::SHA_1 => Err(if_sha1),
        _ => Err(KeyEncryption::OaepOther),
    }
}

/// ```text
/// EncryptedContentInfo ::= SEQUENCE {
///     contentType ContentType,
///     contentEncryptionAlgorithm AlgorithmIdentifier,     -- id-aes256-GCM, GCMParameters
///     encryptedContent [0] IMPLICIT OCTET STRING OPTIONAL }
/// GCMParameters ::= SEQUENCE { aes-nonce OCTET STRING, aes-ICVlen INTEGER DEFAULT 12 }
/// ```
// RFC 5652 §6.1, RFC 5084 §3.2
fn encrypted_content(sequence: AnyRef<'_>) -> Result<([u8; NONCE_LEN], Vec<u8>), CmsError> {
    let mut parts = Elements::sequence(sequence)?;
    let content_type: ObjectIdentifier = parts.next()?.decode_as().map_err(malformed)?;
    if content_type != oid::DATA {
        return Err(CmsError::InnerType);
    }
    let algorithm: AlgorithmIdentifierRef<'_> = parts.next()?.decode_as().map_err(malformed)?;
    if algorithm.oid != oid::AES_256_GCM {
        return Err(CmsError::ContentEncryption);
    }
    let mut parameters = Elements::sequence(algorithm.parameters.ok_or(CmsError::Malformed)?)?;
    let nonce: &OctetStringRef = parameters.next()?.decode_as().map_err(malformed)?;
    let nonce = nonce.as_bytes();
    let nonce = nonce
        .try_into()
        .map_err(|_| CmsError::NonceLength { found: nonce.len() })?;
    // The default is 12, and DER leaves it out.
    let length: u8 = match parameters.peeked()? {
        Some((length, _)) => length.decode_as().map_err(malformed)?,
        None => 12,
    };
    parameters.end()?;
    if usize::from(length) != TAG_LEN {
        return Err(CmsError::MacLength {
            found: length.into(),
        });
    }
    let content = parts.tagged(0, false)?.ok_or(CmsError::Detached)?;
    parts.end()?;
    Ok((nonce, content.value().to_vec()))
}

/// The elements of a constructed one, each looked at once.
struct Elements<'a> {
    bytes: &'a [u8],
    reader: SliceReader<'a>,
}

impl<'a> Elements<'a> {
    /// Of the one SEQUENCE that `der` consists of.
    fn parse(der: &'a [u8]) -> Result<Self, CmsError> {
        Self::sequence(AnyRef::from_der(der).map_err(malformed)?)
    }

    fn sequence(element: AnyRef<'a>) -> Result<Self, CmsError> {
        if element.tag() != Tag::Sequence {
            return Err(CmsError::Malformed);
        }
        Self::within(element)
    }

    fn within(element: AnyRef<'a>) -> Result<Self, CmsError> {
        let bytes = element.value();
        let reader = SliceReader::new(bytes).map_err(malformed)?;
        Ok(Self { bytes, reader })
    }

    /// The next element and its encoding, if there is one.
    fn peeked(&mut self) -> Result<Option<(AnyRef<'a>, &'a [u8])>, CmsError> {
        if self.reader.is_finished() {
            return Ok(None);
        }
        let start = usize::try_from(self.reader.position()).map_err(|_| CmsError::Malformed)?;
        let element = AnyRef::decode(&mut self.reader).map_err(malformed)?;
        let end = usize::try_from(self.reader.position()).map_err(|_| CmsError::Malformed)?;
        let der = self.bytes.get(start..end).ok_or(CmsError::Malformed)?;
        Ok(Some((element, der)))
    }

    fn next(&mut self) -> Result<AnyRef<'a>, CmsError> {
        let (element, _) = self.peeked()?.ok_or(CmsError::Malformed)?;
        Ok(element)
    }

    fn expect(&mut self, tag: Tag) -> Result<AnyRef<'a>, CmsError> {
        let element = self.next()?;
        if element.tag() != tag {
            return Err(CmsError::Malformed);
        }
        Ok(element)
    }

    /// The next element if it has this context-specific tag.
    fn tagged(&mut self, number: u32, constructed: bool) -> Result<Option<AnyRef<'a>>, CmsError> {
        if self.reader.is_finished() {
            return Ok(None);
        }
        let wanted = Tag::ContextSpecific {
            constructed,
            number: TagNumber(number),
        };
        if Tag::peek(&self.reader).map_err(malformed)? != wanted {
            return Ok(None);
        }
        self.next().map(Some)
    }

    fn end(&self) -> Result<(), CmsError> {
        if self.reader.is_finished() {
            Ok(())
        } else {
            Err(CmsError::Malformed)
        }
    }
}

fn malformed(_: der::Error) -> CmsError {
    CmsError::Malformed
}

/// RFC 7468 §9, and what older tools write (§8).
const LABELS: [&str; 2] = ["CMS", "PKCS7"];

#[cfg(test)]
mod tests;
