//! The errors, in two zones, and which one is given when several reasons hold.
//!
//! **Before a private key is touched** an error says what is wrong and how to fix it. **From the first private-key
//! operation on** there is one answer, [`OpenError`], a unit that holds nothing and says nothing, so that no caller can
//! pass on to an attacker *why* an envelope did not open (Manger, CRYPTO 2001).
//!
//! Each thing to do has one error. It is `Copy`, works without `alloc`, and holds those of the steps before it:
//!
//! | to do | error | holds | of several reasons, the first in this order is given |
//! |---|---|---|---|
//! | trust a certificate | [`TrustError`](crate::trust::TrustError) | [`CertificateError`](crate::certificate::CertificateError), `ChainError` | what the bytes are, the pin, the key's usage, the dates, the chain |
//! | load authorities | `TrustAnchorsError` | | the first certificate of the file that can't be used |
//! | load a private key | [`IdentityError`](crate::key::IdentityError) | [`PublicKeyError`](crate::key::PublicKeyError), `CertificateError` | what the file is, the key, its certificates |
//! | seal | [`SealError`] | | the recipients, the length, the buffer, the libraries |
//! | open with one key | [`Error`] | [`ParseError`], `JweError`, `CmsError`, [`OpenError`], [`WrapperError`] | the format, the bytes, the recipients, the ciphertext of the key, `OpenError` |
//! | open with a keyring | [`KeyringError`](crate::key::KeyringError) | [`Error`], and both lists of keys | as with one key |
//!
//! The small ones say one thing each: [`DuplicateKey`](crate::key::DuplicateKey) of a keyring,
//! [`InvalidDigest`](crate::key::InvalidDigest) of a fingerprint's text, [`BindingError`](crate::binding::BindingError) of a
//! context in JSON, [`BackendError`](crate::backend::BackendError) of a cryptographic library, `OsRngError` of the operating
//! system.
//!
//! # Example
//!
//! ```
//! use sealpost_envelope::{Envelope, error::ParseError};
//!
//! let error = Envelope::parse(b"sealpost\x02").unwrap_err();
//! assert_eq!(error, ParseError::Version { found: 2 });
//! assert_eq!(
//!     error.to_string(),
//!     "envelope version 2 is not supported, only version 1: open it with a newer release"
//! );
//! ```

#[cfg(feature = "cms")]
pub(crate) mod cms;
#[cfg(feature = "jwe")]
pub(crate) mod jwe;

use core::fmt;

#[cfg(feature = "cms")]
use self::cms::CmsError;
#[cfg(feature = "jwe")]
use self::jwe::JweError;
use crate::{fingerprint::KeyId, format::Format, wrapper::WrapperError};

/// The envelope does not open.
///
/// The one error from the first private-key operation on: RSA-OAEP, the seed's length and prefix, the
/// commitment, the authentication tag and the padding all end here.
///
/// # Security
///
/// It has no fields, no source and one fixed text. Don't add any: with OAEP a second reason is a
/// decryption oracle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpenError;

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the envelope does not open: it was sealed for another context (agent, project, name, key \
             or type), or it was changed",
        )
    }
}

impl core::error::Error for OpenError {}

/// Why bytes are not an envelope. Positions count bytes from the start of the envelope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// The first bytes are not the format's magic.
    Magic,
    /// The format version is not the one that this library knows (1).
    Version {
        /// The version found.
        found: u8,
    },
    /// The bytes end inside a field.
    Truncated {
        /// Where they end.
        position: usize,
        /// How many bytes the field lacks.
        missing: usize,
    },
    /// The number of recipients is not in 1–16.
    RecipientCount {
        /// The number found.
        found: u8,
    },
    /// There are several recipients where there must be one.
    NotOneRecipient {
        /// The number found.
        found: u8,
    },
    /// Two stanzas have the same key id.
    DuplicateRecipient {
        /// Where the second one starts.
        position: usize,
    },
    /// There is no message.
    NoMessage,
    /// A frame's index is not its place in the envelope.
    FrameIndex {
        /// Where the frame starts.
        position: usize,
        /// The index of its place.
        expected: u32,
        /// The index found.
        found: u32,
    },
    /// A frame's `last` byte is neither 0 nor 1.
    FrameFlag {
        /// Where the byte is.
        position: usize,
    },
    /// The length of a ciphertext is none that padding can produce.
    FrameLength {
        /// Where the length is.
        position: usize,
        /// The length found, in bytes.
        found: u32,
    },
    /// Bytes follow the last frame.
    TrailingBytes {
        /// Where they start.
        position: usize,
    },
    /// The text form does not start with its prefix.
    TextPrefix,
    /// The text form is not canonical unpadded base64url in one line.
    TextEncoding,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("this is not a sealpost envelope: its first bytes differ"),
            Self::Version { found } => write!(
                f,
                "envelope version {found} is not supported, only version 1: open it with a newer release"
            ),
            Self::Truncated { position, missing } => write!(
                f,
                "the envelope is cut off at byte {position}, {missing} more needed: transfer it again"
            ),
            Self::RecipientCount { found } => {
                write!(f, "the envelope names {found} recipients, allowed are 1 to 16")
            }
            Self::NotOneRecipient { found } => {
                write!(f, "{found} recipients are named where there must be one: seal it to one certificate")
            }
            Self::DuplicateRecipient { position } => {
                write!(f, "the recipient at byte {position} is there twice: seal it again")
            }
            Self::NoMessage => f.write_str("the envelope ends after its header: transfer it again"),
            Self::FrameIndex { position, expected, found } => write!(
                f,
                "message {found} at byte {position} is out of order, {expected} was due: transfer it again"
            ),
            Self::FrameFlag { position } => {
                write!(f, "byte {position} must be 0 or 1 (last message or not)")
            }
            Self::FrameLength { position, found } => {
                write!(f, "{found} at byte {position} is not a length that a padded message has")
            }
            Self::TrailingBytes { position } => {
                write!(f, "bytes follow the last message at byte {position}: remove them")
            }
            Self::TextPrefix => f.write_str("this is not a sealpost envelope: its text does not start with \"sealpost.v1.\""),
            Self::TextEncoding => f.write_str(
                "the text after \"sealpost.v1.\" is not canonical unpadded base64url: copy the whole line again, \
                 without spaces or line breaks",
            ),
        }
    }
}

impl core::error::Error for ParseError {}

/// Why opening failed.
///
/// Every variant but [`Open`](Self::Open) and [`Wrapper`](Self::Wrapper) comes from before the private key was touched
/// and says how to fix it. They are the same for every backend because this crate checks, not the backend.
/// [`Wrapper`](Self::Wrapper) is about a message that has opened, and so is authentic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The buffer given is too small. It holds nothing of the message.
    BufferTooSmall {
        /// The bytes that it must have.
        needed: usize,
    },
    /// The bytes are not a CMS message that can be opened.
    #[cfg(feature = "cms")]
    Cms(CmsError),
    /// A native envelope opens only for its context, and none was given.
    ContextNeeded,
    /// A batch whose end is missing.
    Cut {
        /// The messages that are there.
        messages: u32,
    },
    /// The encapsulated seed for this key is not as long as the key's modulus.
    EncapsulationLength {
        /// The modulus's length in bytes.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// The encapsulated seed `c` is not in `1 < c < n − 1`.
    EncapsulationRange,
    /// The message is in a format that this build does not read.
    FormatNotBuilt {
        /// The format.
        format: Format,
    },
    /// The text is not a JWE that can be opened.
    #[cfg(feature = "jwe")]
    Jwe(JweError),
    /// The key that opens lives elsewhere and did not answer. The only error worth a retry.
    KeyUnavailable,
    /// The envelope is not sealed to this key.
    NoMatchingKey {
        /// The key that was to open it.
        key_id: KeyId,
        /// How many recipients the envelope names.
        recipients: u8,
    },
    /// The envelope carries a batch where one message was expected.
    NotSingle {
        /// The messages in it.
        messages: u32,
    },
    /// The envelope does not open.
    Open(OpenError),
    /// The message is in another format than it should be.
    OtherFormat {
        /// The format asked for.
        expected: Format,
    },
    /// The bytes are not an envelope.
    Parse(ParseError),
    /// The random number generator failed.
    Rng,
    /// The stanza of this key is of a type that this key can't open.
    StanzaType {
        /// The key id in the stanza.
        key_id: KeyId,
        /// The type found.
        found: u8,
    },
    /// The bytes begin like no format.
    UnknownFormat,
    /// The message opened, and what is inside is not a wrapper for the context.
    Wrapper(WrapperError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { needed } => {
                write!(f, "the buffer is too small: {needed} bytes are needed")
            }
            #[cfg(feature = "cms")]
            Self::Cms(error) => error.fmt(f),
            Self::ContextNeeded => f.write_str(
                "an envelope in the native format opens only for its context: say whose secret it is",
            ),
            Self::Cut { messages } => write!(
                f,
                "the batch is cut off after message {messages}, its last one is missing: transfer it again"
            ),
            Self::EncapsulationLength { expected, found } => write!(
                f,
                "the encapsulated seed has {found} bytes, this key takes {expected}: seal it again"
            ),
            Self::EncapsulationRange => {
                f.write_str("the encapsulated seed is out of range for this key: seal it again")
            }
            Self::FormatNotBuilt { format } => write!(
                f,
                "this is {format}, which this build does not read: build it with the features \"jwe\" and \"cms\""
            ),
            #[cfg(feature = "jwe")]
            Self::Jwe(error) => error.fmt(f),
            Self::KeyUnavailable => {
                f.write_str("the private key did not answer: try again when its store is reachable")
            }
            Self::NoMatchingKey { key_id, recipients } => write!(
                f,
                "the envelope is not sealed to key {key_id} (it names {recipients} other): inspect it to see \
                 which keys open it"
            ),
            Self::NotSingle { messages } => {
                write!(
                    f,
                    "the envelope carries a batch of {messages} messages: open it as a batch"
                )
            }
            Self::Open(error) => error.fmt(f),
            Self::OtherFormat { expected } => {
                write!(f, "the message is in another format than {expected}")
            }
            Self::Parse(error) => error.fmt(f),
            Self::Rng => f.write_str("the random number generator failed: nothing was opened"),
            Self::StanzaType { key_id, found } => write!(
                f,
                "the envelope names key {key_id} under type {found}, which it can't be used with: seal it again \
                 with a release that both sides know"
            ),
            Self::UnknownFormat => f.write_str(
                "this is not a sealpost envelope, a JWE or a CMS message: its first bytes differ",
            ),
            Self::Wrapper(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(feature = "cms")]
impl From<CmsError> for Error {
    fn from(error: CmsError) -> Self {
        Self::Cms(error)
    }
}

#[cfg(feature = "jwe")]
impl From<JweError> for Error {
    fn from(error: JweError) -> Self {
        Self::Jwe(error)
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<WrapperError> for Error {
    fn from(error: WrapperError) -> Self {
        Self::Wrapper(error)
    }
}

/// Why sealing failed. Nothing was sealed, and the output holds no plaintext.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SealError {
    /// The backend failed, for want of memory.
    Backend,
    /// The output buffer is too small.
    BufferTooSmall {
        /// The bytes that it must have.
        needed: usize,
    },
    /// A text of the context is empty, or too long for [`bulk`](crate::bulk).
    Context,
    /// Two recipients have the same key.
    DuplicateRecipient {
        /// Their key id.
        key_id: KeyId,
    },
    /// The envelope is complete: it has its last message, or 2³² of them.
    Finished,
    /// The message is longer than the format takes: [`MAX_MESSAGE`](crate::native::MAX_MESSAGE) in the native one.
    MessageTooLong {
        /// Its length in bytes.
        length: usize,
        /// The most that the format takes.
        limit: usize,
    },
    /// A CMS message names its recipients by their certificates, and one is a bare public key.
    NoCertificate {
        /// The recipient's key id.
        key_id: KeyId,
    },
    /// A compact or flattened JWE has one recipient.
    OneRecipient {
        /// The number given.
        given: usize,
    },
    /// The number of recipients is not in 1–16.
    RecipientCount {
        /// The number given.
        given: usize,
    },
    /// The random number generator failed.
    Rng,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend => f.write_str("the cryptographic library failed: nothing was sealed"),
            Self::BufferTooSmall { needed } => {
                write!(f, "the buffer is too small: {needed} bytes are needed")
            }
            Self::Context => {
                f.write_str("name, key and type must not be empty nor longer than 64 KiB in all")
            }
            Self::DuplicateRecipient { key_id } => {
                write!(f, "key {key_id} is given twice: name each recipient once")
            }
            Self::Finished => f.write_str("this envelope is complete: start a new one"),
            Self::MessageTooLong { length, limit } => write!(
                f,
                "the message has {length} bytes, at most {limit} can be sealed in this format"
            ),
            Self::NoCertificate { key_id } => write!(
                f,
                "key {key_id} is given without its certificate, by which CMS names it: give the certificate"
            ),
            Self::OneRecipient { given } => write!(
                f,
                "{given} recipients are given, and a compact or flattened JWE has one: use the general serialisation"
            ),
            Self::RecipientCount { given } => {
                write!(f, "{given} recipients are given, allowed are 1 to 16")
            }
            Self::Rng => f.write_str("the random number generator failed: nothing was sealed"),
        }
    }
}

impl core::error::Error for SealError {}
