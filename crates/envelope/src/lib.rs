#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod backend;
mod base64url;
pub mod binding;
mod bytes;
mod certificate;
#[cfg(feature = "cms")]
pub mod cms;
#[cfg(any(feature = "jwe", feature = "cms"))]
mod content;
mod context_policy;
mod decapsulation;
mod encoded_context;
mod envelope;
mod error;
mod fingerprint;
mod format;
mod frame;
mod hash;
mod header;
mod identity;
#[cfg(feature = "jwe")]
pub mod jwe;
mod key_schedule;
mod keyring;
mod message;
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
mod trust;
pub mod wrapper;

#[cfg(feature = "aws-lc")]
pub use backend::aws_lc::{AwsLc, AwsLcRng};
#[cfg(feature = "rustcrypto")]
pub use backend::rustcrypto::RustCrypto;
pub use backend::{Backend, BackendError, Decrypted};
pub use binding::Binding;
pub use certificate::{Certificate, CertificateError};
pub use context_policy::ContextPolicy;
pub use decapsulation::{KeyAnswer, decrypt};
pub use envelope::Envelope;
pub use error::{Error, OpenError, ParseError, SealError};
pub use fingerprint::{Fingerprint, InvalidDigest, KeyId};
pub use format::Format;
pub use frame::{Frame, Frames};
pub use header::{MAX_RECIPIENTS, Stanza, StanzaType, Stanzas};
pub use identity::{Identity, IdentityError};
pub use keyring::{
    DuplicateKey, KeyNames, KeyStatus, Keyring, KeyringError, NoMatchingKey, Opened,
    PublicIdentity, Selected,
};
pub use message::{Declared, Message, NativeMessage, PendingMessage};
pub use open::{open, open_in_place, open_into};
pub use opener::{Opener, Pending, Sequence};
pub use padding::{MAX_MESSAGE, padded_len};
pub use plaintext::Plaintext;
pub use public_key::{PublicKey, PublicKeyError};
pub use rand_core;
pub use recipient::Recipient;
#[cfg(feature = "std")]
pub use rng::{OsRng, OsRngError};
pub use seal::{Sealer, seal, seal_into, sealed_len};
pub use sealpost_context as context;
pub use sealpost_context::SecretContext;
pub use time::UnixTime;
#[cfg(feature = "chain")]
pub use trust::{ChainError, ChainPolicy, TrustAnchors, TrustAnchorsError};
pub use trust::{Trust, TrustError, TrustPolicy};

/// Compiles the samples of the guide to keys that live elsewhere.
#[cfg(all(doctest, feature = "rustcrypto", feature = "std"))]
#[doc = include_str!("../../../docs/FOREIGN-KEYS.md")]
struct ForeignKeysGuide;
