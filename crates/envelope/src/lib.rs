#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Seals a secret to an agent's X.509 certificate, bound to what it is for, and opens it again: `no_std`,
//! context- and key-committing, with hidden length.
//!
//! # What do you want to do?
//!
//! - [Seal a secret, and open it](#seal-a-secret-and-open-it): [`Recipient`] and [`seal`](fn@seal), [`Identity`] and
//!   [`open`](fn@open)
//! - [Decide which certificates to seal to](#decide-which-certificates-to-seal-to): [`Trust`], [`TrustPolicy`]
//! - [Seal many secrets at the cost of one RSA operation](#seal-many-secrets-at-the-cost-of-one-rsa-operation): [`Sealer`]
//! - [Open whatever format arrives](#open-whatever-format-arrives): [`Message`]
//! - [Seal for software that knows JWE or CMS](#seal-for-software-that-knows-jwe-or-cms): the modules `jwe` and `cms`
//! - [Replace a key](#replace-a-key): [`Keyring`]
//! - [Keep the private key in an HSM or a KMS](#keep-the-private-key-in-an-hsm-or-a-kms): [`Message::pending`]
//! - [Look at an envelope without a key](#look-at-an-envelope-without-a-key): [`Envelope`]
//! - [Do without allocation](#do-without-allocation): [`native::seal_into`], [`native::open_into`],
//!   [`native::open_in_place`]
//! - [Find out what went wrong](error): the module [`error`]
//!
//! ## Seal a secret, and open it
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::{Identity, OsRng, Recipient, RustCrypto, SecretContext, Trust, UnixTime, open, seal};
//! # use sealpost_envelope::Certificate;
//! # let certificate_pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/agent-a2048.pem"));
//! # let private_key_pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/agent-a2048.key.pem"));
//! # let fingerprint = Certificate::from_pem(certificate_pem)?.fingerprint().to_string();
//!
//! // The sender has the certificate, and its fingerprint from the agent's operator.
//! let trust = [fingerprint.parse()?];
//! let trust = Trust::Pinned(&trust);
//! let recipient = Recipient::<RustCrypto>::from_certificate_pem(certificate_pem, &trust, UnixTime::now())?;
//! let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! let context = SecretContext::new(&agent, "db-login".try_into()?).with_key("password".try_into()?);
//! let envelope = seal(&[recipient], &context, br#"{"password":"P@ssw0rd123"}"#, &mut OsRng)?;
//!
//! // The agent has the private key, and knows what it is asked to store.
//! let identity = Identity::<RustCrypto>::from_pem(private_key_pem)?;
//! let secret = open(&identity, &envelope, &context, &mut OsRng)?;
//! assert_eq!(&*secret, br#"{"password":"P@ssw0rd123"}"#);
//!
//! // Under any other name it does not open.
//! let other = SecretContext::new(&agent, "db-admin".try_into()?).with_key("password".try_into()?);
//! assert!(open(&identity, &envelope, &other, &mut OsRng).is_err());
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! On a host take the backend `AwsLc` instead (feature `aws-lc`): nothing else changes, and each opens what the other
//! seals.
//!
//! ## Decide which certificates to seal to
//!
//! By fingerprint, or by the authority that issued them to the agent. Who may choose the certificate can read the
//! secret.
//!
//! ```
//! # #[cfg(feature = "chain")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::{Certificate, TrustPolicy, UnixTime};
//! use sealpost_envelope::trust::{ChainError, TrustAnchors, TrustError};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/certificates/", $name))
//! # } }
//! # let (authorities, agent_and_intermediate) = (file!("ca-rsa.pem"), file!("chain-rsa.pem"));
//! # let now = UnixTime::from_secs(1_800_000_000);
//!
//! let policy = TrustPolicy::chain(TrustAnchors::from_pem(authorities)?);
//! let certificate = Certificate::from_pem(agent_and_intermediate)?;
//! policy.for_agent("a2048").check(&certificate, now)?;
//!
//! // It is the certificate of no other agent.
//! let refused = policy.for_agent("b2048").check(&certificate, now);
//! assert!(matches!(refused, Err(TrustError::Chain(ChainError::OtherAgent { .. }))));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "chain"))]
//! # fn main() {}
//! ```
//!
//! ## Seal many secrets at the cost of one RSA operation
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::{Envelope, OsRng, Sealer, SecretContext};
//! # use sealpost_envelope::{Identity, Recipient, RustCrypto, Trust, UnixTime};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
//! # } }
//! # let recipients = [Recipient::<RustCrypto>::from_certificate_pem(
//! #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?];
//! # let identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
//!
//! let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! let (first, second) = (SecretContext::new(&agent, "first".try_into()?), SecretContext::new(&agent, "second".try_into()?));
//! let mut envelope = Vec::new();
//! let mut sealer = Sealer::new(&recipients, &mut OsRng, &mut envelope)?;
//! sealer.seal(&first, b"one", &mut envelope)?;
//! sealer.seal_last(&second, b"two", &mut envelope)?;
//!
//! let envelope = Envelope::parse(&envelope)?;
//! let opener = envelope.pending(identity.public_key())?.decrypt(&identity, &mut OsRng)?;
//! let mut messages = opener.sequence(&envelope);
//! assert_eq!(&*messages.open_next(&first).expect("there are two")?, b"one");
//! assert_eq!(&*messages.open_next(&second).expect("there are two")?, b"two");
//! messages.finish()?; // none is missing
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! ## Open whatever format arrives
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::{ContextPolicy, Keyring, Message, OsRng, SecretContext};
//! # use sealpost_envelope::{Identity, Recipient, RustCrypto, Trust, UnixTime, seal};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
//! # } }
//! # let recipient = [Recipient::<RustCrypto>::from_certificate_pem(
//! #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?];
//! # let identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
//! # let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! # let context = SecretContext::new(&agent, "db-login".try_into()?);
//! # let received = seal(&recipient, &context, b"secret", &mut OsRng)?;
//!
//! let keyring = Keyring::new(identity);
//! let context = SecretContext::new(&agent, "db-login".try_into()?);
//! let message = Message::parse(&received)?; // an envelope, binary or text; JWE; CMS
//! let opened = message.open(&keyring, ContextPolicy::RequireContext(&context), &mut OsRng)?;
//! assert_eq!(opened.value(), b"secret");
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! ## Seal for software that knows JWE or CMS
//!
//! They carry what the standards allow of the context, and neither commit to the key nor hide the length.
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std", feature = "jwe", feature = "cms"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::{OsRng, SecretContext, binding::Binding, cms, jwe, wrapper};
//! # use sealpost_envelope::{Recipient, RustCrypto, Trust, UnixTime};
//! # let certificate = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/agent-a2048.pem"));
//! # let recipient = [Recipient::<RustCrypto>::from_certificate_pem(
//! #     certificate, &Trust::DangerAnyCertificate, UnixTime::now())?];
//!
//! let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! let binding = Binding::new(&SecretContext::new(&agent, "db-login".try_into()?));
//! let value = br#"{"password":"P@ssw0rd123"}"#;
//! let compact = jwe::seal(&recipient, Some(&binding), jwe::Serialization::Compact, value, &mut OsRng)?;
//! assert_eq!(compact.split('.').count(), 5);
//!
//! // CMS has no place for the context: a wrapper inside has.
//! let der = cms::seal(&recipient, &wrapper::wrap(&binding, value), &mut OsRng)?;
//! assert!(cms::to_pem(&der).starts_with("-----BEGIN CMS-----"));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std", feature = "jwe", feature = "cms")))]
//! # fn main() {}
//! ```
//!
//! ## Replace a key
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::{Identity, Keyring, OsRng, RustCrypto, key::KeyStatus};
//! # use sealpost_envelope::{Recipient, SecretContext, Trust, UnixTime, seal};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
//! # } }
//! # let (last_year_pem, this_year_pem) = (file!("agent-a2048.key.pem"), file!("agent-a3072.key.pem"));
//! # let sealed_to = Recipient::<RustCrypto>::from_certificate_pem(
//! #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?;
//! # let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! # let context = SecretContext::new(&agent, "db-login".try_into()?);
//! # let envelope = seal(&[sealed_to], &context, b"secret", &mut OsRng)?;
//!
//! let mut keyring = Keyring::new(Identity::<RustCrypto>::from_pem(last_year_pem)?);
//! keyring.rotate(Identity::from_pem(this_year_pem)?)?;
//! let opened = keyring.open(&envelope, &context, &mut OsRng)?;
//! assert_eq!(opened.status, KeyStatus::Old); // seal it again before that key is deleted
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! ## Keep the private key in an HSM or a KMS
//!
//! Ask it to decrypt one ciphertext: RSA-OAEP with SHA-256, MGF1-SHA-256 and no label. `docs/FOREIGN-KEYS.md` is the
//! guide.
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::{Certificate, ContextPolicy, Keyring, Message, OsRng, RustCrypto};
//! use sealpost_envelope::key::{KeyAnswer, PublicIdentity};
//! # use sealpost_envelope::{Identity, Recipient, SecretContext, Trust, UnixTime, key::decrypt, seal};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
//! # } }
//! # let certificate_pem = file!("agent-a2048.pem");
//! # let recipient = [Recipient::<RustCrypto>::from_certificate_pem(
//! #     certificate_pem, &Trust::DangerAnyCertificate, UnixTime::now())?];
//! # let inside = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
//! # let ask_the_hsm = |ciphertext: &[u8]| decrypt(&inside, ciphertext, &mut OsRng);
//! # let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! # let context = SecretContext::new(&agent, "db-login".try_into()?);
//! # let received = seal(&recipient, &context, b"secret", &mut OsRng)?;
//!
//! // Of the key, only its public half is here.
//! let public_key = Certificate::from_pem(certificate_pem)?.public_key().clone();
//! let keyring = Keyring::new(PublicIdentity::new(public_key));
//!
//! let message = Message::parse(&received)?;
//! let pending = message.pending(&keyring, ContextPolicy::RequireContext(&context))?;
//! let seed = ask_the_hsm(pending.encapsulation());
//! let answer = seed.as_ref().map_or(KeyAnswer::Rejected, |seed| KeyAnswer::Seed(seed));
//! let opened = pending.finish::<RustCrypto, _>(answer, &mut OsRng)?;
//! assert_eq!(opened.value(), b"secret");
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! ## Look at an envelope without a key
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::Envelope;
//! # use sealpost_envelope::{OsRng, Recipient, RustCrypto, SecretContext, Trust, UnixTime, seal};
//! # let certificate = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/agent-a2048.pem"));
//! # let recipient = [Recipient::<RustCrypto>::from_certificate_pem(
//! #     certificate, &Trust::DangerAnyCertificate, UnixTime::now())?];
//! # let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
//! # let received = seal(&recipient, &SecretContext::new(&agent, "db-login".try_into()?), b"secret", &mut OsRng)?;
//!
//! let envelope = Envelope::parse(&received)?;
//! assert_eq!(envelope.message_count(), 1);
//! for stanza in envelope.stanzas() {
//!     println!("sealed to key {}", stanza.key_id());
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! ## Do without allocation
//!
//! Of your messages: the keys allocate when they are loaded.
//!
//! ```
//! # #[cfg(all(feature = "rustcrypto", feature = "std"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_envelope::native::{open_in_place, seal_into};
//! # use sealpost_envelope::{Identity, OsRng, Recipient, RustCrypto, SecretContext, Trust, UnixTime};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
//! # } }
//! # let recipient = [Recipient::<RustCrypto>::from_certificate_pem(
//! #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?];
//! # let identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
//!
//! let agent: sealpost_envelope::context::AgentId = "pump-7".parse()?;
//! let context = SecretContext::new(&agent, "wifi".try_into()?).with_key("password".try_into()?);
//! let mut buffer = [0; 1024];
//! let length = seal_into(&recipient, &context, b"secret", &mut OsRng, &mut buffer)?;
//! let secret = open_in_place(&identity, &mut buffer[..length], &context, &mut OsRng)?;
//! assert_eq!(secret, b"secret");
//! secret.fill(0);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
//! # fn main() {}
//! ```
//!
//! # What it does not do
//!
//! - It does not authenticate the sender: everyone who has the certificate can seal.
//! - It has no forward secrecy: who gets the private key opens everything that was ever sealed to it.
//! - It does not hide who the recipients are, nor how many messages there are.
//! - It does not resist a quantum computer.
//! - It does not check revocation.
//! - It has no clock, no random number generator of its own (feature `std` offers the system's), no I/O and no log.
//!
//! The format, with the argument for its security, is specified in `docs/FORMAT.md` of the repository.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `rustcrypto` | yes | `RustCrypto`, the pure-Rust backend: `no_std` + `alloc`, every target |
//! | `jwe` | yes | the module `jwe`: JWE written, and read by `Message` |
//! | `cms` | yes | the module `cms`: CMS written, and read by `Message`; depends on a release candidate of the crate `cms`, whose version is pinned |
//! | `aws-lc` | no | `AwsLc` and `AwsLcRng`, the backend for hosts; enables `chain` and `std`, and needs a C compiler |
//! | `chain` | no | trust through a chain of issuers; its verifiers come with `aws-lc` |
//! | `std` | no | `OsRng`, `UnixTime::now`, private keys in JWK, and `FileKind`: errors name what a file of another kind is, and how to convert it |
//!
//! A feature adds items and changes nothing of what is taken and refused. Without a backend what is left is parsing and trust. The minimum
//! supported Rust version is 1.89.

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod backend;
mod base64url;
pub mod binding;
pub mod bulk;
mod bytes;
pub mod certificate;
pub mod channel;
#[cfg(feature = "cms")]
#[cfg_attr(docsrs, doc(cfg(feature = "cms")))]
pub mod cms;
#[cfg(any(feature = "jwe", feature = "cms"))]
mod content;
mod context_policy;
mod decapsulation;
mod encoded_context;
mod envelope;
pub mod error;
#[cfg(feature = "std")]
mod file_kind;
mod fingerprint;
mod format;
mod frame;
mod hash;
mod header;
mod identity;
#[cfg(feature = "jwe")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwe")))]
pub mod jwe;
mod key_schedule;
mod keyring;
pub mod message;
mod one_frame;
mod open;
mod opener;
mod padding;
mod pem;
mod plaintext;
mod public_key;
mod reader;
mod recipient;
#[cfg(feature = "std")]
mod rng;
mod seal;
pub mod text;
mod time;
pub mod trust;
pub mod wrapper;

#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub use backend::OsRng;
#[cfg(feature = "rustcrypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "rustcrypto")))]
pub use backend::RustCrypto;
#[cfg(feature = "aws-lc")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-lc")))]
pub use backend::{AwsLc, AwsLcRng};
pub use certificate::{Certificate, Fingerprint};
pub use context_policy::ContextPolicy;
pub use error::{Error, OpenError, SealError};
pub use key::{Identity, Keyring, Recipient};
pub use message::{Format, Message};
pub use native::{Envelope, Sealer, open, seal};
pub use plaintext::Plaintext;
pub use rand_core;
pub use sealpost_context as context;
pub use sealpost_context::SecretContext;
pub use time::UnixTime;
pub use trust::{Trust, TrustPolicy};

/// Keys: to seal to, to open with, several of one agent, and those that live elsewhere.
pub mod key {
    pub use crate::{
        decapsulation::{KeyAnswer, decrypt},
        fingerprint::{InvalidDigest, KeyId},
        identity::{Identity, IdentityError, SkippedCertificate, SkippedReason},
        keyring::{
            DuplicateKey, KeyNames, KeyStatus, Keyring, KeyringError, NoMatchingKey, Opened,
            PublicIdentity, Selected,
        },
        public_key::{OtherAlgorithm, PublicKey, PublicKeyError},
        recipient::Recipient,
    };
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    pub use crate::{file_kind::FileKind, identity::JwkError};
}

/// The native format: sealing and opening one message, batches, and the parts of an envelope.
pub mod native {
    pub use crate::{
        envelope::Envelope,
        frame::{Frame, Frames},
        header::{MAX_RECIPIENTS, Stanza, StanzaType, Stanzas},
        one_frame::OneFrame,
        open::{open, open_in_place, open_into},
        opener::{Opener, Pending, Sequence},
        padding::{MAX_MESSAGE, Padding, padded_len},
        seal::{Sealer, seal, seal_into, sealed_len},
    };
}

/// Compiles the samples of the guide to keys that live elsewhere.
#[cfg(all(doctest, feature = "rustcrypto", feature = "std"))]
#[doc = include_str!("../../../docs/FOREIGN-KEYS.md")]
struct ForeignKeysGuide;

/// Compiles the sample of the README.
#[cfg(all(doctest, feature = "rustcrypto", feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
