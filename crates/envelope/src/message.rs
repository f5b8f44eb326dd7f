//! One message in any of the formats: parsed, opened, and what it declares before it is opened.
//!
//! ```text
//! Message::parse    bytes               → Message          its format is detected; no key needed
//! Message::pending  keyring, policy     → PendingMessage   names one key, and one ciphertext for it
//!    your adapter   encapsulation       → KeyAnswer        RSA-OAEP, SHA-256, MGF1-SHA-256, no label
//! PendingMessage::finish   KeyAnswer    → Opened           or OpenError, whatever went wrong since the key was asked
//! ```
//!
//! With the private keys in memory, [`Message::open`] does the last three. For a native envelope of many messages
//! there is [`Envelope`](crate::Envelope).

mod native;
mod pending;

use core::fmt;

use rand_core::TryCryptoRng;

pub use self::{native::NativeMessage, pending::PendingMessage};
#[cfg(feature = "cms")]
use crate::cms::Cms;
pub use crate::format::Format;
#[cfg(feature = "jwe")]
use crate::jwe::{Jwe, Serialization};

use crate::{
    backend::Backend,
    binding::Binding,
    context_policy::ContextPolicy,
    error::Error,
    identity::Identity,
    keyring::{KeyNames, Keyring, KeyringError, Opened},
};

/// A message, parsed and still sealed.
///
/// # Example
///
/// ```
/// # #[cfg(all(feature = "rustcrypto", feature = "std", feature = "jwe"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sealpost_envelope::binding::Binding;
/// use sealpost_envelope::jwe::{self, Serialization};
/// use sealpost_envelope::{ContextPolicy, Keyring, Message, OsRng, SecretContext, seal};
/// # use sealpost_envelope::{Identity, Recipient, RustCrypto, Trust, UnixTime};
/// # macro_rules! file { ($name:literal) => {
/// #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
/// # } }
/// # let recipient = [Recipient::<RustCrypto>::from_certificate_pem(
/// #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?];
/// # let mut identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
/// # identity.add_certificate(sealpost_envelope::Certificate::from_pem(file!("agent-a2048.pem"))?)?;
/// let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
/// let context = SecretContext::new(&agent, "db-login".try_into()?);
/// let keyring = Keyring::new(identity);
///
/// let native = seal(&recipient, &context, b"secret", &mut OsRng)?;
/// let compact = Serialization::Compact;
/// let binding = Binding::new(&context);
/// let jwe = jwe::seal(&recipient, Some(&binding), compact, b"secret", &mut OsRng)?;
/// for sealed in [native.as_slice(), jwe.as_bytes()] {
///     let message = Message::parse(sealed)?;
///     let policy = ContextPolicy::RequireContext(&context);
///     let opened = message.open(&keyring, policy, &mut OsRng)?;
///     assert_eq!(&*opened.plaintext, b"secret");
/// }
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "rustcrypto", feature = "std", feature = "jwe")))]
/// # fn main() {}
/// ```
///
/// # Security
///
/// Nothing that it tells is authenticated before it has been opened.
// There is one at a time: what the others waste is not worth an allocation.
#[allow(clippy::large_enum_variant)]
pub enum Message<'a> {
    /// An envelope in the native format.
    Native(NativeMessage<'a>),
    /// A JWE.
    #[cfg(feature = "jwe")]
    Jwe(Jwe<'a>),
    /// CMS AuthEnvelopedData.
    #[cfg(feature = "cms")]
    Cms(Cms),
}

/// Where a message says whose secret it is.
#[derive(Clone, Copy, Debug)]
pub enum Declared<'m> {
    /// Nowhere: it commits to its context, which who opens it must know. A native envelope.
    Committed,
    /// In its protected header, if anywhere. A JWE.
    Header(Option<&'m Binding>),
    /// Inside, in a [wrapper](crate::wrapper) that shows once it is opened. A CMS message.
    Inside,
}

impl<'a> Message<'a> {
    /// Parses a message in whatever format it is.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownFormat`], or as [`parse_as`](Self::parse_as).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::parse_as(Format::detect(bytes).ok_or(Error::UnknownFormat)?, bytes)
    }

    /// Parses a message in this format and no other.
    ///
    /// # Errors
    ///
    /// [`Error::Parse`], [`Error::Jwe`] or [`Error::Cms`], which say what is wrong and how to repair it;
    /// [`Error::OtherFormat`]; [`Error::FormatNotBuilt`] if the feature of the format is off.
    pub fn parse_as(format: Format, bytes: &'a [u8]) -> Result<Self, Error> {
        let message = match format {
            Format::Native => Self::Native(NativeMessage::from_binary(bytes)?),
            Format::NativeText => Self::Native(NativeMessage::from_text(bytes)?),
            #[cfg(feature = "jwe")]
            Format::JweCompact | Format::JweJson => Self::Jwe(Jwe::parse(bytes)?),
            #[cfg(feature = "cms")]
            Format::Cms | Format::CmsPem => Self::Cms(Cms::parse(bytes)?),
            #[cfg(not(feature = "jwe"))]
            Format::JweCompact | Format::JweJson => return Err(Error::FormatNotBuilt { format }),
            #[cfg(not(feature = "cms"))]
            Format::Cms | Format::CmsPem => return Err(Error::FormatNotBuilt { format }),
        };
        if message.format() == format {
            Ok(message)
        } else {
            Err(Error::OtherFormat { expected: format })
        }
    }

    /// The format that it was in.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Native(message) => message.format(),
            #[cfg(feature = "jwe")]
            Self::Jwe(jwe) => match jwe.serialization() {
                Serialization::Compact => Format::JweCompact,
                Serialization::Flattened | Serialization::General => Format::JweJson,
            },
            #[cfg(feature = "cms")]
            Self::Cms(cms) => match cms.is_pem() {
                true => Format::CmsPem,
                false => Format::Cms,
            },
        }
    }

    /// Where it says whose secret it is, and in clear text what it says.
    #[must_use]
    pub fn declared(&self) -> Declared<'_> {
        match self {
            Self::Native(_) => Declared::Committed,
            #[cfg(feature = "jwe")]
            Self::Jwe(jwe) => Declared::Header(jwe.binding()),
            #[cfg(feature = "cms")]
            Self::Cms(_) => Declared::Inside,
        }
    }

    /// How many recipients it names.
    #[must_use]
    pub fn recipient_count(&self) -> usize {
        match self {
            Self::Native(message) => message.envelope().stanzas().count(),
            #[cfg(feature = "jwe")]
            Self::Jwe(jwe) => jwe.recipients().count(),
            #[cfg(feature = "cms")]
            Self::Cms(cms) => cms.recipients().count(),
        }
    }

    /// Returns whether each recipient names its key. [`ContextPolicy::RequireContext`] asks for one that does.
    #[must_use]
    pub fn names_every_key(&self) -> bool {
        match self {
            Self::Native(_) => true,
            #[cfg(feature = "jwe")]
            Self::Jwe(jwe) => !jwe.recipients().any(|name| name.is_empty()),
            #[cfg(feature = "cms")]
            Self::Cms(_) => true,
        }
    }

    /// The first step of opening: chooses the key, the first that the message names and the ring has, and checks all
    /// that can be checked without using it. There is never a second try with another key.
    ///
    /// # Errors
    ///
    /// A [`KeyringError`] that says what is wrong. No private key has been touched.
    pub fn pending<'m, K: KeyNames>(
        &'m self,
        keyring: &Keyring<K>,
        policy: ContextPolicy<'m>,
    ) -> Result<PendingMessage<'m>, KeyringError> {
        match self {
            Self::Native(message) => {
                let context = policy.context().ok_or(Error::ContextNeeded)?;
                let envelope = message.envelope();
                let frame = envelope.single()?;
                let selected = keyring.select(&envelope)?;
                let (pending, status) = (selected.pending(), selected.status());
                Ok(PendingMessage::native(pending, frame, context, status))
            }
            #[cfg(feature = "jwe")]
            Self::Jwe(jwe) => {
                let (content, status) = jwe.pending(keyring, policy)?;
                Ok(PendingMessage::jwe(content, status))
            }
            #[cfg(feature = "cms")]
            Self::Cms(cms) => {
                let (content, status) = cms.pending(keyring)?;
                Ok(PendingMessage::cms(content, policy.context(), status))
            }
        }
    }

    /// Opens with the identity that the message names.
    ///
    /// # Errors
    ///
    /// A [`KeyringError`]: rich up to the private-key operation, [`Error::Open`] from there on. Once a CMS message has
    /// opened, [`Error::Wrapper`] says what is wrong with what was inside.
    #[must_use = "whether it opened is the result"]
    pub fn open<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        keyring: &Keyring<Identity<B>>,
        policy: ContextPolicy<'_>,
        rng: &mut R,
    ) -> Result<Opened, KeyringError> {
        let pending = self.pending(keyring, policy)?;
        // It was chosen from this ring.
        let (identity, _) = keyring.get(pending.key_id()).ok_or(Error::KeyUnavailable)?;
        Ok(pending.decrypt(identity, rng)?)
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("format", &self.format())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "jwe")]
impl<'a> From<Jwe<'a>> for Message<'a> {
    fn from(jwe: Jwe<'a>) -> Self {
        Self::Jwe(jwe)
    }
}

#[cfg(feature = "cms")]
impl From<Cms> for Message<'_> {
    fn from(cms: Cms) -> Self {
        Self::Cms(cms)
    }
}
