//! CMS AuthEnvelopedData (RFC 5083), for senders that have nothing but `openssl`.
//!
//! One suite: RSAES-OAEP with SHA-256 and MGF1-SHA-256, no label (RFC 3560), and AES-256-GCM with a nonce of 12 bytes and
//! a MAC of 16 (RFC 5084). What `openssl cms` writes with
//!
//! ```text
//! openssl cms -encrypt -binary -aes-256-gcm -outform DER -recip agent.pem \
//!     -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256
//! ```
//!
//! is read, in DER or PEM, with `-keyid` or without, and `openssl cms -decrypt` opens what is written here. Everything
//! else is refused: BER, EnvelopedData, attributes of any kind, originatorInfo, other algorithms and lengths.
//!
//! # Security
//!
//! CMS binds no context: anyone who holds a message can submit it under another name. Agents take it only with a
//! [wrapper](crate::wrapper) inside. It does not commit to its key, and does not hide the value's length.

mod oid;
mod parse;

use alloc::{string::String, vec::Vec};
use core::fmt;

use cms::{
    cert::IssuerAndSerialNumber,
    content_info::{CmsVersion, ContentInfo},
    enveloped_data::{EncryptedContentInfo, KeyTransRecipientInfo, RecipientIdentifier},
};
use der::{
    Any, AnyRef, Decode as _, Encode as _, Sequence, Tag,
    asn1::{OctetString, OctetStringRef},
    pem::LineEnding,
};
use rand_core::TryCryptoRng;
use spki::{AlgorithmIdentifier, AlgorithmIdentifierOwned};

use self::parse::{CertificateName, Recipient as Sealed};
pub use crate::error::cms::{CmsError, KeyEncryption};
use crate::{
    backend::Backend,
    certificate::{Certificate, CertificateNames},
    content::{
        Content, ContentKey, NONCE_LEN, PendingContent, SealedContent, TAG_LEN, check_sealing,
    },
    error::{Error, SealError},
    keyring::{KeyNames, KeyStatus, Keyring},
    recipient::Recipient,
};

/// The longest CMS message that is read, in bytes: 1 MiB.
pub const MAX_CMS: usize = 1 << 20;

/// A CMS message, parsed and still sealed.
///
/// Parsing checks everything that can be checked without a key. It takes time linear in the bytes, and memory for a
/// copy of the encrypted parts. To open it, make a [`Message`](crate::Message) of it.
///
/// # Security
///
/// Nothing that it tells is authenticated before it has been opened, and who the recipients are is not even then.
pub struct Cms {
    pem: bool,
    recipients: Vec<Sealed>,
    nonce: [u8; NONCE_LEN],
    ciphertext: Vec<u8>,
    tag: [u8; TAG_LEN],
}

/// How a CMS message names the certificate of a recipient (RFC 5652 §6.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecipientName<'a> {
    /// `IssuerAndSerialNumber` in DER.
    IssuerAndSerialNumber(&'a [u8]),
    /// The certificate's subjectKeyIdentifier.
    SubjectKeyIdentifier(&'a [u8]),
}

impl Cms {
    /// Parses DER, or PEM with the label `CMS` or `PKCS7`.
    ///
    /// # Errors
    ///
    /// A [`CmsError`] that says what is wrong and how to repair it.
    pub fn parse(bytes: &[u8]) -> Result<Self, CmsError> {
        parse::parse(bytes)
    }

    /// How the recipients are named, in order.
    pub fn recipients(&self) -> impl Iterator<Item = RecipientName<'_>> {
        self.recipients
            .iter()
            .map(|recipient| match &recipient.certificate {
                CertificateName::IssuerAndSerial(der) => RecipientName::IssuerAndSerialNumber(der),
                CertificateName::SubjectKeyId(id) => RecipientName::SubjectKeyIdentifier(id),
            })
    }

    /// The length of what is sealed in bytes, which this format does not hide.
    #[must_use]
    pub fn message_len(&self) -> usize {
        self.ciphertext.len()
    }

    /// Returns whether it was in PEM.
    #[must_use]
    pub fn is_pem(&self) -> bool {
        self.pem
    }

    /// The content key that is encrypted to one of these keys, ready to be decrypted. Of several recipients that match,
    /// the first is taken, and never a second one.
    pub(crate) fn pending<K: KeyNames>(
        &self,
        keyring: &Keyring<K>,
    ) -> Result<(PendingContent<'_>, KeyStatus), Error> {
        let found = self.recipients.iter().find_map(|recipient| {
            let mut keys = keyring.iter();
            let (key, status) = keys.find(|(key, _)| names(key.certificates(), recipient))?;
            Some((recipient, key, status))
        });
        let (recipient, key, status) = found.ok_or_else(|| CmsError::NoMatchingKey {
            recipients: self.recipients.len(),
            certificates: keyring
                .iter()
                .any(|(key, _)| !key.certificates().is_empty()),
        })?;
        let content = Content {
            nonce: &self.nonce,
            aad: &[],
            ciphertext: &self.ciphertext,
            tag: &self.tag,
        };
        let pending = PendingContent::new(key.as_ref(), &recipient.encrypted_key, content)?;
        Ok((pending, status))
    }
}

impl fmt::Debug for Cms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cms")
            .field("recipients", &self.recipients.len())
            .finish_non_exhaustive()
    }
}

/// Returns whether the recipient is one of these certificates.
fn names(certificates: &[Certificate], recipient: &Sealed) -> bool {
    let is = |names: &CertificateNames| match &recipient.certificate {
        CertificateName::IssuerAndSerial(der) => *der == names.issuer_and_serial,
        CertificateName::SubjectKeyId(id) => names.subject_key_id.as_ref() == Some(id),
    };
    certificates
        .iter()
        .any(|certificate| is(certificate.names()))
}

/// Seals a message to certificates; returns the DER. Recipients are named by issuer and serial number.
///
/// # Errors
///
/// A [`SealError`]; nothing was sealed. [`SealError::NoCertificate`] if a recipient is a bare public key.
///
/// # Security
///
/// Nothing says whose secret it is: [wrap](crate::wrapper::wrap) what goes to an agent.
#[must_use = "the message is the only copy of what was sealed"]
pub fn seal<B: Backend, R: TryCryptoRng + ?Sized>(
    recipients: &[Recipient<B>],
    plaintext: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, SealError> {
    check_sealing(recipients, plaintext)?;
    let key = ContentKey::<B>::generate(rng)?;
    let recipients = recipients
        .iter()
        .map(|recipient| recipient_info(recipient, key.encapsulate(recipient, rng)?))
        .collect::<Result<Vec<_>, SealError>>()?;
    let sealed = key.seal(&[], plaintext, rng)?;
    write(recipients, sealed).map_err(|_| SealError::Backend)
}

/// A CMS message in PEM (RFC 7468 §9).
#[must_use]
pub fn to_pem(der: &[u8]) -> String {
    // Fails for a label that is none, and for messages of exabytes.
    der::pem::encode_string("CMS", LineEnding::LF, der).unwrap_or_default()
}

/// The DER of a CMS message in PEM, as [`Cms::parse`] reads it: one block, labelled `CMS` or `PKCS7` (RFC 7468 §8, §9),
/// and text around it.
///
/// # Errors
///
/// [`CmsError::Pem`].
pub fn from_pem(file: &[u8]) -> Result<Vec<u8>, CmsError> {
    parse::from_pem(file)
}

/// `KeyTransRecipientInfo` in DER.
fn recipient_info<B: Backend>(
    recipient: &Recipient<B>,
    encrypted_key: Vec<u8>,
) -> Result<Vec<u8>, SealError> {
    let names = recipient.names.as_ref().ok_or(SealError::NoCertificate {
        key_id: recipient.key_id(),
    })?;
    let encode = |encrypted_key| {
        let name = IssuerAndSerialNumber::from_der(&names.issuer_and_serial)?;
        KeyTransRecipientInfo {
            version: CmsVersion::V0,
            rid: RecipientIdentifier::IssuerAndSerialNumber(name),
            key_enc_alg: rsaes_oaep()?,
            enc_key: OctetString::new(encrypted_key)?,
        }
        .to_der()
    };
    encode(encrypted_key).map_err(|_: der::Error| SealError::Backend)
}

fn write(mut recipients: Vec<Vec<u8>>, sealed: SealedContent) -> der::Result<Vec<u8>> {
    // X.690 §11.6: by their bytes. What `RecipientInfos` of the crate `cms` writes is in another order.
    recipients.sort();
    let parameters = GcmParameters {
        nonce: OctetStringRef::new(&sealed.nonce)?,
        mac_length: 16,
    };
    let content = AuthEnvelopedData {
        version: CmsVersion::V0,
        recipients: Any::new(Tag::Set, recipients.concat())?,
        content: EncryptedContentInfo {
            content_type: oid::DATA,
            content_enc_alg: AlgorithmIdentifierOwned {
                oid: oid::AES_256_GCM,
                parameters: Some(Any::encode_from(&parameters)?),
            },
            encrypted_content: Some(OctetString::new(sealed.ciphertext)?),
        },
        mac: OctetString::new(sealed.tag)?,
    };
    ContentInfo {
        content_type: oid::AUTH_ENVELOPED_DATA,
        content: Any::encode_from(&content)?,
    }
    .to_der()
}

/// `AuthEnvelopedData` (RFC 5083 §2.1) with none of what is optional.
#[derive(Sequence)]
struct AuthEnvelopedData {
    version: CmsVersion,
    recipients: Any,
    content: EncryptedContentInfo,
    mac: OctetString,
}

/// `GCMParameters` (RFC 5084 §3.2), whose default for the length is never meant.
#[derive(Sequence)]
struct GcmParameters<'a> {
    nonce: &'a OctetStringRef,
    mac_length: u8,
}

/// RSAES-OAEP with SHA-256 for both (RFC 4055 §4.1). The hash's parameters are left out, as §2.1 prefers.
fn rsaes_oaep() -> der::Result<AlgorithmIdentifierOwned> {
    let sha256 = AlgorithmIdentifier::<AnyRef<'static>> {
        oid: oid::SHA_256,
        parameters: None,
    };
    let parameters = OaepParameters {
        hash: sha256,
        mask_gen: AlgorithmIdentifier {
            oid: oid::MGF_1,
            parameters: Some(sha256),
        },
    };
    Ok(AlgorithmIdentifierOwned {
        oid: oid::RSAES_OAEP,
        parameters: Some(Any::encode_from(&parameters)?),
    })
}

/// `RSAES-OAEP-params` without a label.
#[derive(Sequence)]
struct OaepParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifier<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask_gen: AlgorithmIdentifier<AlgorithmIdentifier<AnyRef<'a>>>,
}
