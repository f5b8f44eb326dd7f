//! Why a CMS message is refused before a key is touched.

use core::fmt;

/// Why a CMS message is refused. No private key has been touched; each text says how to fix it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CmsError {
    /// There are authenticated attributes, which common tools encode differently.
    AuthAttributes,
    /// It is BER with indefinite lengths, as streaming writes it.
    Ber,
    /// It is EnvelopedData: encrypted, and not authenticated.
    EnvelopedData,
    /// It is a CMS message of another kind, such as SignedData.
    ContentType,
    /// The content is encrypted with another algorithm than AES-256-GCM.
    ContentEncryption,
    /// The encrypted content is not in the message.
    Detached,
    /// The encrypted content is of another type than data.
    InnerType,
    /// The nonce does not have 12 bytes.
    NonceLength {
        /// Its length in bytes.
        found: usize,
    },
    /// `aes-ICVlen` is not 16, or the MAC does not have 16 bytes.
    MacLength {
        /// The length in bytes.
        found: usize,
    },
    /// The content key is encrypted with something else than RSA-OAEP with SHA-256.
    KeyEncryption(KeyEncryption),
    /// It is not the DER of a CMS message.
    Malformed,
    /// None of the recipients is a key that is at hand.
    NoMatchingKey {
        /// How many recipients there are.
        recipients: usize,
        /// Whether any certificate was at hand by which to find one.
        certificates: bool,
    },
    /// There is an originatorInfo, which nothing authenticates.
    OriginatorInfo,
    /// It is not one PEM block labelled CMS or PKCS7.
    Pem,
    /// A recipient is not an RSA key: a password, a shared key or a key agreement.
    RecipientKind,
    /// The number of recipients is not in 1–16.
    RecipientCount,
    /// It is S/MIME text around the message, which openssl writes unless told otherwise.
    Smime,
    /// It is larger than 1 MiB.
    TooLarge,
    /// There are unauthenticated attributes.
    UnauthAttributes,
}

/// How a content key is encrypted where it is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyEncryption {
    /// PKCS#1 v1.5.
    Pkcs1v15,
    /// OAEP whose hash is SHA-1, said or by default.
    OaepSha1,
    /// OAEP with SHA-256 whose mask generation uses SHA-1.
    OaepMgf1Sha1,
    /// OAEP with a label.
    OaepLabel,
    /// OAEP with another hash.
    OaepOther,
    /// Another algorithm.
    Unknown,
}

impl fmt::Display for CmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthAttributes => f.write_str(
                "the CMS message has authenticated attributes, which are not taken: seal it without",
            ),
            Self::Ber => f.write_str(
                "the CMS message is BER with indefinite lengths: write it in DER, with openssl leave out -stream and \
                 give -binary -outform DER or PEM",
            ),
            Self::EnvelopedData => f.write_str(
                "the CMS message is EnvelopedData, which is not authenticated: seal it with openssl cms -encrypt \
                 -aes-256-gcm",
            ),
            Self::ContentType => f.write_str(
                "the CMS message is no AuthEnvelopedData: seal it with openssl cms -encrypt -aes-256-gcm",
            ),
            Self::ContentEncryption => f.write_str(
                "the CMS message is not encrypted with AES-256-GCM: give openssl cms -aes-256-gcm",
            ),
            Self::Detached => f.write_str(
                "the CMS message does not hold its encrypted content: seal it without detaching",
            ),
            Self::InnerType => {
                f.write_str("the CMS message does not hold data (1.2.840.113549.1.7.1): seal plain bytes")
            }
            Self::NonceLength { found } => write!(
                f,
                "the CMS message's nonce has {found} bytes and must have 12: seal it again"
            ),
            Self::MacLength { found } => write!(
                f,
                "the CMS message is authenticated with {found} bytes and must be with 16: seal it again"
            ),
            Self::KeyEncryption(found) => found.fmt(f),
            Self::Malformed => {
                f.write_str("this is no CMS message in DER: transfer it again, as a binary file")
            }
            Self::NoMatchingKey {
                recipients,
                certificates: true,
            } => write!(
                f,
                "the CMS message is not sealed to a certificate that is here (it names {recipients} other): inspect \
                 it to see which"
            ),
            Self::NoMatchingKey { .. } => f.write_str(
                "a CMS message names certificates, and none is here: put the one that was sealed to beside the private \
                 key, or give it with --certificate",
            ),
            Self::OriginatorInfo => f.write_str(
                "the CMS message has an originatorInfo, which nothing authenticates: seal it without",
            ),
            Self::Pem => f.write_str(
                "this is not one PEM block from -----BEGIN CMS----- to -----END CMS-----: copy all of it again",
            ),
            Self::RecipientKind => f.write_str(
                "the CMS message has a recipient that is no RSA key: seal it to certificates with RSA keys alone",
            ),
            Self::RecipientCount => {
                f.write_str("a CMS message must have 1 to 16 recipients: seal it to fewer")
            }
            Self::Smime => f.write_str(
                "this is S/MIME text with a CMS message in it: give openssl cms -outform DER or -outform PEM",
            ),
            Self::TooLarge => f.write_str("the CMS message is larger than 1 MiB: seal less"),
            Self::UnauthAttributes => f.write_str(
                "the CMS message has unauthenticated attributes, which are not taken: seal it without",
            ),
        }
    }
}

impl fmt::Display for KeyEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the CMS message's content key is encrypted with ")?;
        f.write_str(match self {
            Self::Pkcs1v15 => {
                "PKCS#1 v1.5, which leaks through its padding: add -keyopt rsa_padding_mode:oaep -keyopt \
                 rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256"
            }
            Self::OaepSha1 => {
                "RSA-OAEP with SHA-1: add -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256"
            }
            Self::OaepMgf1Sha1 => {
                "RSA-OAEP whose mask generation uses SHA-1: add -keyopt rsa_mgf1_md:sha256"
            }
            Self::OaepLabel => "RSA-OAEP with a label: leave out -keyopt rsa_oaep_label",
            Self::OaepOther => {
                "RSA-OAEP with another hash than SHA-256: give -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256"
            }
            Self::Unknown => {
                "another algorithm than RSA-OAEP: give a certificate whose key is plain RSA, and -keyopt \
                 rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256"
            }
        })
    }
}

impl core::error::Error for CmsError {}
