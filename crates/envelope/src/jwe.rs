//! JWE (RFC 7516), for those who have a JOSE library and not ours.
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
//! use sealpost_envelope::jwe::{self, ContextPolicy, Jwe, Serialization};
//! use sealpost_envelope::{Keyring, OsRng, SecretContext};
//! # use sealpost_envelope::{Identity, Recipient, RustCrypto, Trust, UnixTime};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
//! # } }
//! # let recipient = Recipient::<RustCrypto>::from_certificate_pem(
//! #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?;
//! # let mut identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
//! # identity.add_certificate(sealpost_envelope::Certificate::from_pem(file!("agent-a2048.pem"))?)?;
//! let context = SecretContext::unchecked("agent-1", "db-login");
//! let binding = Binding::new(&context);
//! let text = jwe::seal(&[recipient], Some(&binding), Serialization::Compact, b"{}", &mut OsRng)?;
//!
//! let message = Jwe::parse(text.as_bytes())?;
//! let policy = ContextPolicy::RequireContext(&context);
//! let opened = jwe::open(&Keyring::new(identity), &message, policy, &mut OsRng)?;
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

pub(crate) mod error;
mod header;
mod parse;

use alloc::{string::String, vec::Vec};
use core::fmt;

use rand_core::TryCryptoRng;
use sealpost_context::SecretContext;

pub use self::{
    error::{HeaderParameter, JweError, JwePart, KeyAlgorithm},
    header::KeyName,
};
use crate::{
    backend::Backend,
    base64url::{self, encode},
    binding::{Binding, Object},
    certificate::Certificate,
    content::{
        Content, ContentKey, NONCE_LEN, PendingContent, SealedContent, TAG_LEN, check_sealing,
    },
    error::{Error, SealError},
    fingerprint::{Fingerprint, KeyId},
    identity::Identity,
    keyring::{KeyStatus, Keyring, Opened},
    public_key::PublicKey,
    recipient::Recipient,
};

/// The longest JWE that is read, in bytes: 1 MiB.
pub const MAX_JWE: usize = 1 << 20;

/// A serialisation (RFC 7516 §7).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Serialization {
    /// Five parts with dots between, for one recipient.
    Compact,
    /// JSON for one recipient.
    Flattened,
    /// JSON for several.
    General,
}

/// What a JWE must say of its context and of its key to be opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ContextPolicy<'c> {
    /// It must carry exactly this context, and name its key. What an agent asks for.
    RequireContext(&'c SecretContext<'c>),
    /// It may carry no context, and, if there is one key alone, name none. A context that it does carry must be
    /// the one given, if one is given.
    AcceptUnbound(Option<&'c SecretContext<'c>>),
}

/// A JWE, parsed and still sealed.
///
/// Parsing checks everything that can be checked without a key. It takes time linear in the text, and memory for the
/// decoded parts.
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
    /// A [`JweError`] that says what is wrong and how to mend it.
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

    /// The first step of opening with one key, whose certificates are these: the content key that is encrypted to
    /// it, ready to be decrypted. Of several recipients that match, the first is taken, and never a second one.
    ///
    /// # Errors
    ///
    /// [`Error::Jwe`] if the policy or the names of the keys don't allow it, [`Error::EncapsulationLength`] or
    /// [`Error::EncapsulationRange`]. No private key has been touched.
    pub fn pending(
        &self,
        key: &PublicKey,
        certificates: &[Certificate],
        policy: ContextPolicy<'_>,
    ) -> Result<PendingContent<'_>, Error> {
        let certificate = |wanted| {
            certificates
                .iter()
                .any(|certificate| certificate.fingerprint() == wanted)
        };
        let recipient = self.choose(policy, true, |name| {
            let kid = name.kid.map(|kid| kid == Some(key.key_id()));
            let x5t = name.x5t.map(|x5t| x5t.is_some_and(certificate));
            match (kid, x5t) {
                (Some(kid), Some(x5t)) if kid != x5t => Err(JweError::KeyNames),
                (kid, x5t) => Ok((kid == Some(true) || x5t == Some(true)).then_some(())),
            }
        })?;
        let (recipient, ()) = recipient;
        self.content(key, recipient)
    }

    /// Checks the policy and finds the first recipient whose key `resolve` knows. `alone` says whether there is one
    /// key only, which a JWE need not name.
    fn choose<K: Default>(
        &self,
        policy: ContextPolicy<'_>,
        alone: bool,
        resolve: impl Fn(&KeyName) -> Result<Option<K>, JweError>,
    ) -> Result<(&parse::Recipient, K), JweError> {
        let (expected, required) = match policy {
            ContextPolicy::RequireContext(context) => (Some(context), true),
            ContextPolicy::AcceptUnbound(context) => (context, false),
        };
        match (&self.binding, expected) {
            (Some(binding), Some(expected)) => binding.check(expected)?,
            (None, _) if required => return Err(JweError::NoContext),
            _ => {}
        }
        let mut unnamed = false;
        for recipient in &self.recipients {
            if recipient.key.is_empty() {
                if !required && alone && self.recipients.len() == 1 {
                    return Ok((recipient, K::default()));
                }
                unnamed = true;
            } else if let Some(key) = resolve(&recipient.key)? {
                return Ok((recipient, key));
            }
        }
        Err(match unnamed {
            true => JweError::NoKeyName,
            false => JweError::NoMatchingKey {
                recipients: self.recipients.len(),
            },
        })
    }

    fn content<'s>(
        &'s self,
        key: &PublicKey,
        recipient: &'s parse::Recipient,
    ) -> Result<PendingContent<'s>, Error> {
        let content = Content {
            nonce: &self.iv,
            aad: self.protected.as_bytes(),
            ciphertext: &self.ciphertext,
            tag: &self.tag,
        };
        PendingContent::new(key, &recipient.encrypted_key, content)
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

/// Opens a JWE with the identity that it names.
///
/// # Errors
///
/// An [`Error`]: rich up to the private-key operation, [`Error::Open`] from there on.
#[must_use = "whether it opened is the result"]
pub fn open<B: Backend, R: TryCryptoRng + ?Sized>(
    keyring: &Keyring<Identity<B>>,
    jwe: &Jwe<'_>,
    policy: ContextPolicy<'_>,
    rng: &mut R,
) -> Result<Opened, Error> {
    let alone = keyring.iter().count() == 1;
    // `None` is the one key of a ring that a JWE need not name.
    let (recipient, key) = jwe.choose(policy, alone, |name| {
        resolve(keyring, name).map(|key| key.map(Some))
    })?;
    let (identity, status) = key.unwrap_or((keyring.current(), KeyStatus::Current));
    let pending = jwe.content(identity.public_key(), recipient)?;
    Ok(Opened {
        plaintext: pending.decrypt(identity, rng)?,
        key_id: identity.key_id(),
        status,
    })
}

/// The identity that is named, by both names if both are there.
fn resolve<'r, B: Backend>(
    keyring: &'r Keyring<Identity<B>>,
    name: &KeyName,
) -> Result<Option<(&'r Identity<B>, KeyStatus)>, JweError> {
    let by_id = name.kid.map(|kid| kid.and_then(|kid| keyring.get(kid)));
    let by_certificate = name.x5t.map(|x5t| {
        let has = |identity: &Identity<B>| {
            let mut certificates = identity.certificates().iter();
            certificates.any(|certificate| Some(certificate.fingerprint()) == x5t)
        };
        keyring.iter().find(|(identity, _)| has(identity))
    });
    match (by_id, by_certificate) {
        (Some(Some(a)), Some(Some(b))) if a.0.key_id() == b.0.key_id() => Ok(Some(a)),
        (Some(None), Some(None)) => Ok(None),
        (Some(_), Some(_)) => Err(JweError::KeyNames),
        (Some(key), None) | (None, Some(key)) => Ok(key),
        (None, None) => Ok(None),
    }
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
