//! Key holders: where the private keys of an agent are.
//!
//! An agent never sees a private key. It asks the holder to decrypt one RSA-OAEP ciphertext (SHA-256, MGF1-SHA-256, no
//! label), and goes on with the answer. [`LocalKeyring`] holds keys in the agent's own memory.

#[cfg(feature = "testing")]
pub mod conformance;
mod local;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use sealpost_envelope::{
    Keyring,
    key::{KeyAnswer as Answer, KeyId, PublicIdentity},
};
use zeroize::Zeroizing;

pub use self::local::LocalKeyring;

/// Holds the private keys of one agent and decrypts with them.
///
/// # Implementations
///
/// - Each question is put to the key once. A holder repeats neither one that was rejected nor one whose connection
///   broke while it was in flight: an attacker would learn from the second answer.
/// - At most a fixed number of questions is worked on at a time; the others wait.
/// - The caller may drop the future of [`decrypt`](Self::decrypt). Work that can't be stopped then goes on, and holds its
///   place until it is done.
/// - Nothing blocks the thread that polls the future.
/// - Neither `Debug` nor logs show a ciphertext, an answer or a code of the key store's.
///
/// `conformance` behind the feature `testing` checks what can be checked from outside.
#[async_trait]
pub trait KeyHolder: fmt::Debug + Send + Sync {
    /// The public keys, the current one and old ones, with the certificates by which messages may name them. It costs
    /// no more than a lock. The keys may be others at the next call.
    fn keys(&self) -> Arc<Keyring<PublicIdentity>>;

    /// Returns whether the keys are held elsewhere than in the agent's memory. Gateways then sign each request to the agent,
    /// unless a configuration says otherwise: an image of that memory has no private key, and must not suffice to make
    /// requests, either.
    #[must_use]
    fn is_elsewhere(&self) -> bool {
        true
    }

    /// Decrypts one ciphertext with the key `key_id`.
    async fn decrypt(&self, key_id: KeyId, ciphertext: &[u8]) -> KeyAnswer;
}

/// What a key holder answers.
pub enum KeyAnswer {
    /// The ciphertext decrypts to these bytes, whatever they are.
    Seed(Zeroizing<Vec<u8>>),
    /// The ciphertext does not decrypt. Final: the question is not put again.
    Rejected,
    /// There was no answer, and a later message may get one: the key store is restarting, throttles or can't be reached.
    Unavailable,
    /// The key can't be used as things are set up: it is unknown, disabled or not permitted. It says nothing of the
    /// ciphertext, and an operator has to act.
    Unusable,
}

impl KeyAnswer {
    /// The answer as the envelope's library takes it.
    pub(crate) fn as_envelope(&self) -> Answer<'_> {
        match self {
            Self::Seed(bytes) => Answer::Seed(bytes),
            Self::Rejected => Answer::Rejected,
            Self::Unavailable | Self::Unusable => Answer::Unavailable,
        }
    }
}

impl fmt::Debug for KeyAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyAnswer")
    }
}
