//! JWE (RFC 7516), for senders that have a JOSE library and not ours.
//!
//! One suite: `RSA-OAEP-256` and `A256GCM` (RFC 7518 §4.3, §5.3), in compact, flattened and general JSON
//! serialisation. What is written:
//!
//! ```json
//! {"alg":"RSA-OAEP-256","enc":"A256GCM","typ":"JWE","kid":"<key id>","x5t#S256":"<certificate>","sealpost":{…}}
//! ```
//!
//! all of it protected; with several recipients `kid` and `x5t#S256` stand in each recipient's own header. `sealpost`
//! holds the context ([`Binding`]). What is read, and everything that is refused, is in
//! `docs/FORMATS.md`; in short: any other algorithm, compression, `crit`, `aad`, whatever matters outside the
//! protected header, and every encoding but the canonical one.
//!
//! # Example
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::binding::Binding;
//! use sealpost_envelope::jwe::{self, Serialization};
//! use sealpost_envelope::{ContextPolicy, Keyring, Message, OsRng, SecretContext};
//! # use sealpost_envelope::{Identity, Recipient, RustCrypto, Trust, UnixTime};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
//! # } }
//! # let recipient = Recipient::<RustCrypto>::from_certificate_pem(
//! #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?;
//! # let mut identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
//! # identity.add_certificate(sealpost_envelope::Certificate::from_pem(file!("agent-a2048.pem"))?)?;
//! let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! let context = SecretContext::new(&agent, "db-login".try_into()?);
//! let binding = Binding::new(&context);
//! let text = jwe::seal(&[recipient], Some(&binding), Serialization::Compact, b"{}", &mut OsRng)?;
//!
//! let message = Message::parse(text.as_bytes())?;
//! let policy = ContextPolicy::RequireContext(&context);
//! let opened = message.open(&Keyring::new(identity), policy, &mut OsRng)?;
//! assert_eq!(&*opened.plaintext, b"{}");
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! # Security
//!
//! A JWE does not commit to its key, does not hide the value's length beyond what its size tells, and without
//! `sealpost` in its header it is bound to no context. The native format does better; this one is for where it can't go.

mod header;
mod parse;

use alloc::{string::String, vec::Vec};
use core::fmt;

use rand_core::TryCryptoRng;

pub use self::header::KeyName;
pub use crate::error::jwe::{HeaderParameter, JweError, JwePart, KeyAlgorithm};
use crate::{
    backend::Backend,
    base64url::{self, encode},
    binding::{Binding, Object},
    content::{
        Content, ContentKey, NONCE_LEN, PendingContent, SealedContent, TAG_LEN, check_sealing,
    },
    context_policy::ContextPolicy,
    error::{Error, SealError},
    fingerprint::{Fingerprint, KeyId},
    keyring::{KeyNames, KeyStatus, Keyring},
    recipient::Recipient,
};

/// The longest JWE that is read, in bytes: 1 MiB.
pub const MAX_JWE: usize = 1 << 20;

/// A serialisation (RFC 7516 §7).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Serialization {
    /// Five parts with dots between, for one recipient.
    Compact,
    /// JSON for one recipient.
    Flattened,
    /// JSON for several.
    General,
}

/// A JWE, parsed and still sealed.
///
/// Parsing checks everything that can be checked without a key. It takes time linear in the text, and memory for the
/// decoded parts. To open it, make a [`Message`](crate::Message) of it.
///
/// # Security
///
/// Nothing that it tells is authenticated before it has been opened.
pub struct Jwe<'a> {
    serialization: Serialization,
    /// Encoded, as it is authenticated.
    protected: &'a str,
    binding: Option<Binding>,
    recipients: Vec<parse::Recipient>,
    iv: [u8; NONCE_LEN],
    ciphertext: Vec<u8>,
    tag: [u8; TAG_LEN],
}

impl<'a> Jwe<'a> {
    /// Parses any of the three serialisations.
    ///
    /// # Errors
    ///
    /// A [`JweError`] that says what is wrong and how to repair it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JweError> {
        parse::parse(bytes)
    }

    /// The serialisation it was in.
    #[must_use]
    pub fn serialization(&self) -> Serialization {
        self.serialization
    }

    /// The context that it claims to be for.
    #[must_use]
    pub fn binding(&self) -> Option<&Binding> {
        self.binding.as_ref()
    }

    /// How the recipients' keys are named, in order.
    pub fn recipients(&self) -> impl Iterator<Item = KeyName> {
        self.recipients.iter().map(|recipient| recipient.key)
    }

    /// The value's length in bytes, which this format does not hide.
    #[must_use]
    pub fn message_len(&self) -> usize {
        self.ciphertext.len()
    }

    /// The content key that is encrypted to one of these keys, ready to be decrypted. Of several recipients that match,
    /// the first is taken, and never a second one.
    pub(crate) fn pending<K: KeyNames>(
        &self,
        keyring: &Keyring<K>,
        policy: ContextPolicy<'_>,
    ) -> Result<(PendingContent<'_>, KeyStatus), Error> {
        match (&self.binding, policy) {
            (Some(binding), policy) => {
                if let Some(expected) = policy.context() {
                    binding.check(expected).map_err(JweError::from)?;
                }
            }
            (None, ContextPolicy::RequireContext(_)) => return Err(JweError::NoContext.into()),
            (None, ContextPolicy::AcceptUnbound(_)) => {}
        }
        let may_be_unnamed = match policy {
            ContextPolicy::RequireContext(_) => false,
            ContextPolicy::AcceptUnbound(_) => self.recipients.len() == 1 && keyring.len() == 1,
        };
        let (recipient, key, status) = self.choose(keyring, may_be_unnamed)?;
        let content = Content {
            nonce: &self.iv,
            aad: self.protected.as_bytes(),
            ciphertext: &self.ciphertext,
            tag: &self.tag,
        };
        let pending = PendingContent::new(key.as_ref(), &recipient.encrypted_key, content)?;
        Ok((pending, status))
    }

    fn choose<'r, K: KeyNames>(
        &self,
        keyring: &'r Keyring<K>,
        may_be_unnamed: bool,
    ) -> Result<(&parse::Recipient, &'r K, KeyStatus), JweError> {
        let mut unnamed = false;
        for recipient in &self.recipients {
            if recipient.key.is_empty() {
                if may_be_unnamed {
                    return Ok((recipient, keyring.current(), KeyStatus::Current));
                }
                unnamed = true;
            } else if let Some((key, status)) = resolve(keyring, &recipient.key)? {
                return Ok((recipient, key, status));
            }
        }
        Err(match unnamed {
            true => JweError::NoKeyName,
            false => JweError::NoMatchingKey {
                recipients: self.recipients.len(),
            },
        })
    }
}

impl fmt::Debug for Jwe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwe")
            .field("serialization", &self.serialization)
            .field("binding", &self.binding)
            .finish_non_exhaustive()
    }
}

/// The key that is named, by both names if both are there.
fn resolve<'r, K: KeyNames>(
    keyring: &'r Keyring<K>,
    name: &KeyName,
) -> Result<Option<(&'r K, KeyStatus)>, JweError> {
    let by_id = name
        .kid
        .map(|kid| kid.and_then(|kid| keyring.get(kid).or_else(|| by_thumbprint(keyring, kid))));
    let by_certificate = name.x5t.map(|x5t| {
        let has = |key: &K| {
            let mut certificates = key.certificates().iter();
            certificates.any(|certificate| Some(certificate.fingerprint()) == x5t)
        };
        keyring.iter().find(|(key, _)| has(key))
    });
    match (by_id, by_certificate) {
        (Some(Some(a)), Some(Some(b))) if a.0.as_ref().key_id() == b.0.as_ref().key_id() => {
            Ok(Some(a))
        }
        (Some(None), Some(None)) => Ok(None),
        (Some(_), Some(_)) => Err(JweError::KeyNames),
        (Some(key), None) | (None, Some(key)) => Ok(key),
        (None, None) => Ok(None),
    }
}

/// The key whose thumbprint (RFC 7638) stands where a key's id could.
fn by_thumbprint<K: KeyNames>(keyring: &Keyring<K>, kid: KeyId) -> Option<(&K, KeyStatus)> {
    let mut keys = keyring.iter();
    keys.find(|(key, _)| key.as_ref().thumbprint() == *kid.as_bytes())
}

/// Seals a message to one recipient, or in general serialisation to as many as 16.
///
/// # Errors
///
/// A [`SealError`]; nothing was sealed. [`SealError::OneRecipient`] if the serialisation has no room for more.
///
/// # Security
///
/// Without a `binding` it can be taken for any secret of the agent's; agents refuse it.
#[must_use = "the JWE is the only copy of what was sealed"]
pub fn seal<B: Backend, R: TryCryptoRng + ?Sized>(
    recipients: &[Recipient<B>],
    binding: Option<&Binding>,
    serialization: Serialization,
    plaintext: &[u8],
    rng: &mut R,
) -> Result<String, SealError> {
    check_sealing(recipients, plaintext)?;
    let key = ContentKey::<B>::generate(rng)?;
    let keys = recipients
        .iter()
        .map(|recipient| Ok(encode(&key.encapsulate(recipient, rng)?)))
        .collect::<Result<Vec<_>, SealError>>()?;
    let names: Vec<_> = recipients.iter().map(name).collect();
    let (protected, named) = match (serialization, names.as_slice(), keys.as_slice()) {
        (Serialization::General, ..) => (header::write(None, binding), None),
        (_, [name], [key]) => (header::write(Some(*name), binding), Some(key)),
        _ => {
            return Err(SealError::OneRecipient {
                given: recipients.len(),
            });
        }
    };
    let protected = encode(protected.as_bytes());
    let sealed = key.seal(protected.as_bytes(), plaintext, rng)?;
    Ok(match (serialization, named) {
        (Serialization::Compact, Some(key)) => compact(&protected, key, &sealed),
        (_, Some(key)) => json(&protected, ("encrypted_key", &quoted(key)), &sealed),
        (_, None) => json(&protected, ("recipients", &array(&names, &keys)), &sealed),
    })
}

fn name<B: Backend>(recipient: &Recipient<B>) -> (KeyId, Option<Fingerprint>) {
    let fingerprint = recipient.names.as_ref().map(|names| names.fingerprint);
    (recipient.key_id(), fingerprint)
}

fn compact(protected: &str, key: &str, sealed: &SealedContent) -> String {
    // Dots, nonce and tag take 42.
    let room = protected.len() + key.len() + base64url::encoded_len(&sealed.ciphertext) + 42;
    let mut jwe = String::with_capacity(room);
    jwe.push_str(protected);
    jwe.push('.');
    jwe.push_str(key);
    for part in [&sealed.nonce[..], &sealed.ciphertext, &sealed.tag] {
        jwe.push('.');
        base64url::append(part, &mut jwe);
    }
    jwe
}

fn json(protected: &str, (member, keys): (&str, &str), sealed: &SealedContent) -> String {
    let mut jwe = Object::new();
    jwe.text("protected", protected);
    jwe.json(member, keys);
    jwe.base64url("iv", &sealed.nonce);
    jwe.base64url("ciphertext", &sealed.ciphertext);
    jwe.base64url("tag", &sealed.tag);
    jwe.finish()
}

fn array(names: &[(KeyId, Option<Fingerprint>)], keys: &[String]) -> String {
    let recipients: Vec<_> = names
        .iter()
        .zip(keys)
        .map(|(name, key)| {
            let mut header = Object::new();
            header::write_key(&mut header, *name);
            let mut recipient = Object::new();
            recipient.json("header", &header.finish());
            recipient.text("encrypted_key", key);
            recipient.finish()
        })
        .collect();
    alloc::format!("[{}]", recipients.join(","))
}

fn quoted(base64url: &str) -> String {
    alloc::format!("\"{base64url}\"")
}
