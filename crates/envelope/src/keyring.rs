//! Keyrings: several keys of one agent, of which the envelope names the one that opens it.

mod error;
mod key_names;

use alloc::collections::BTreeMap;
use core::{fmt, iter, mem};

use rand_core::TryCryptoRng;
use sealpost_context::SecretContext;

pub use self::{
    error::{DuplicateKey, KeyringError, NoMatchingKey},
    key_names::{KeyNames, PublicIdentity},
};
use crate::{
    backend::Backend,
    envelope::Envelope,
    error::Error,
    fingerprint::KeyId,
    identity::Identity,
    opener::{Opener, Pending},
    plaintext::Plaintext,
    public_key::PublicKey,
    wrapper::Wrapped,
};

/// The keys of one agent: the current one, which callers seal to, and old ones, which still open.
///
/// The key is chosen by the id that the envelope names, at the cost of a search in an ordered map per
/// recipient, and never by trying. Of several that match, the first in the envelope's order is used, and
/// no second one whatever happens: a second try would tell an attacker how the first one ended.
///
/// A ring of identities ([`Identity`]) opens by itself. Any other `K` that knows its public key can be in
/// a ring too, such as the name of a key in a KMS, or an `enum` of both: [`select`](Self::select) then
/// says which one to ask, and for what.
///
/// # Example
///
/// ```
/// # #[cfg(all(feature = "rustcrypto", feature = "std"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sealpost_envelope::{Identity, Keyring, OsRng, RustCrypto, key::KeyStatus};
/// # use sealpost_envelope::{Recipient, SecretContext, Trust, UnixTime, seal};
/// # let agent: sealpost_envelope::context::AgentId = "agent-1".parse()?;
/// # let context = SecretContext::new(&agent, "db-login".try_into()?);
/// # macro_rules! file { ($name:literal) => {
/// #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
/// # } }
/// # let pem_of_last_year = file!("agent-a2048.key.pem");
/// # let pem_of_this_year = file!("agent-a3072.key.pem");
/// # let certificate = file!("agent-a2048.pem");
/// # let sealed_to = Recipient::<RustCrypto>::from_certificate_pem(
/// #     certificate, &Trust::DangerAnyCertificate, UnixTime::now())?;
/// # let envelope = seal(&[sealed_to], &context, b"secret", &mut OsRng)?;
///
/// let mut ring = Keyring::new(Identity::<RustCrypto>::from_pem(pem_of_last_year)?);
/// ring.rotate(Identity::from_pem(pem_of_this_year)?)?;
///
/// let opened = ring.open(&envelope, &context, &mut OsRng)?;
/// assert_eq!(&*opened.plaintext, b"secret");
/// if opened.status == KeyStatus::Old {
///     // Tell the sender to fetch the new certificate, and seal it again before the old key is deleted.
/// }
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
/// # fn main() {}
/// ```
///
/// # Security
///
/// There is no forward secrecy: an old key in a ring opens everything that was ever sealed to it. Delete
/// old keys on a schedule.
pub struct Keyring<K> {
    current: K,
    old: BTreeMap<KeyId, K>,
}

/// What a key in a ring is there for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyStatus {
    /// Callers seal to it.
    Current,
    /// It opens what was sealed before it was replaced.
    Old,
}

/// The key in a ring that an envelope is to be opened with, before it was touched.
pub struct Selected<'r, 'e, K> {
    pending: Pending<'e>,
    key: &'r K,
    status: KeyStatus,
}

/// A message that a ring has opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The message.
    pub plaintext: Plaintext,
    /// The key that opened it.
    pub key_id: KeyId,
    /// Whether that key is the current one.
    pub status: KeyStatus,
    /// For a CMS message that was opened for a context: its wrapper, whose value is a part of `plaintext`.
    pub wrapped: Option<Wrapped>,
}

impl Opened {
    /// The value that was sealed: all of the message, or what its wrapper holds.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        match &self.wrapped {
            None => &self.plaintext,
            Some(wrapped) => {
                let value = wrapped.value.clone();
                self.plaintext.get(value).unwrap_or_default()
            }
        }
    }
}

impl<K: AsRef<PublicKey>> Keyring<K> {
    /// A ring of one key.
    pub fn new(current: K) -> Self {
        Self {
            current,
            old: BTreeMap::new(),
        }
    }

    /// Makes `new` the current key; the one that was becomes an old one.
    ///
    /// # Errors
    ///
    /// [`DuplicateKey`] if it is in the ring. The ring is as before.
    pub fn rotate(&mut self, new: K) -> Result<(), DuplicateKey> {
        self.check_new(&new)?;
        let old = mem::replace(&mut self.current, new);
        self.old.insert(old.as_ref().key_id(), old);
        Ok(())
    }

    /// Adds an old key.
    ///
    /// # Errors
    ///
    /// [`DuplicateKey`] if it is in the ring. The ring is as before.
    pub fn add_old(&mut self, key: K) -> Result<(), DuplicateKey> {
        self.check_new(&key)?;
        self.old.insert(key.as_ref().key_id(), key);
        Ok(())
    }

    /// Takes an old key out: from now on nothing that is sealed to it opens. The current key stays.
    pub fn remove_old(&mut self, key_id: KeyId) -> Option<K> {
        self.old.remove(&key_id)
    }

    /// The key that callers seal to.
    #[must_use]
    pub fn current(&self) -> &K {
        &self.current
    }

    /// The key with this id, if it is in the ring.
    #[must_use]
    pub fn get(&self, key_id: KeyId) -> Option<(&K, KeyStatus)> {
        if key_id == self.current.as_ref().key_id() {
            Some((&self.current, KeyStatus::Current))
        } else {
            self.old.get(&key_id).map(|key| (key, KeyStatus::Old))
        }
    }

    /// All keys: the current one first, the old ones in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&K, KeyStatus)> {
        let old = self.old.values().map(|key| (key, KeyStatus::Old));
        iter::once((&self.current, KeyStatus::Current)).chain(old)
    }

    /// A ring of what `of` makes of each key; it must keep the key's id.
    pub fn map<P: AsRef<PublicKey>>(&self, of: impl Fn(&K) -> P) -> Keyring<P> {
        let old = self.old.values().map(&of);
        Keyring {
            current: of(&self.current),
            old: old.map(|key| (key.as_ref().key_id(), key)).collect(),
        }
    }

    /// How many keys there are, at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        1 + self.old.len()
    }

    /// Chooses the key that opens an envelope: the first that the envelope names and the ring has.
    ///
    /// # Errors
    ///
    /// [`KeyringError::NoMatchingKey`], which tells the ids on both sides, or an [`Error`] as
    /// [`Envelope::pending`] gives it. No private key has been touched.
    pub fn select<'r, 'e>(
        &'r self,
        envelope: &Envelope<'e>,
    ) -> Result<Selected<'r, 'e, K>, KeyringError> {
        let (key, status) = envelope
            .stanzas()
            .find_map(|stanza| self.get(stanza.key_id()))
            .ok_or_else(|| self.no_matching_key(envelope))?;
        Ok(Selected {
            pending: envelope.pending(key.as_ref())?,
            key,
            status,
        })
    }

    fn check_new(&self, key: &K) -> Result<(), DuplicateKey> {
        let key_id = key.as_ref().key_id();
        match self.get(key_id) {
            Some(_) => Err(DuplicateKey { key_id }),
            None => Ok(()),
        }
    }

    fn no_matching_key(&self, envelope: &Envelope<'_>) -> KeyringError {
        let envelope = envelope.stanzas().map(|stanza| stanza.key_id());
        let ring = self.iter().map(|(key, _)| key.as_ref().key_id());
        KeyringError::NoMatchingKey(NoMatchingKey::new(envelope, ring, self.len()))
    }
}

impl<B: Backend> Keyring<Identity<B>> {
    /// Opens an envelope of one message; as [`open`](crate::open), with the identity that it names.
    ///
    /// # Errors
    ///
    /// A [`KeyringError`]: rich up to the private-key operation, [`Error::Open`] from there on.
    #[must_use = "whether it opened is the result"]
    pub fn open<R: TryCryptoRng + ?Sized>(
        &self,
        envelope: &[u8],
        context: &SecretContext<'_>,
        rng: &mut R,
    ) -> Result<Opened, KeyringError> {
        let envelope = Envelope::parse(envelope)?;
        let frame = envelope.single()?;
        let selected = self.select(&envelope)?;
        let opener = selected.decrypt(rng)?;
        Ok(Opened {
            plaintext: opener.open(&frame, context)?,
            key_id: selected.key_id(),
            status: selected.status(),
            wrapped: None,
        })
    }

    /// The opener for the messages of a batch, and whether its key is the current one.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select), and [`Error::Rng`]. Whether decryption succeeded shows when a message
    /// is opened.
    pub fn opener<R: TryCryptoRng + ?Sized>(
        &self,
        envelope: &Envelope<'_>,
        rng: &mut R,
    ) -> Result<(Opener<B>, KeyStatus), KeyringError> {
        let selected = self.select(envelope)?;
        Ok((selected.decrypt(rng)?, selected.status()))
    }
}

impl<K: AsRef<PublicKey>> fmt::Debug for Keyring<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("current", &self.current.as_ref().key_id())
            .field("old", &self.old.keys())
            .finish()
    }
}

/// A ring of bare public keys says which of them an envelope names.
impl AsRef<PublicKey> for PublicKey {
    fn as_ref(&self) -> &PublicKey {
        self
    }
}

impl<'r, 'e, K> Selected<'r, 'e, K> {
    /// The seed that waits to be decrypted with the key.
    #[must_use]
    pub fn pending(&self) -> Pending<'e> {
        self.pending
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &'r K {
        self.key
    }

    /// The key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.pending.key_id()
    }

    /// Whether the key is the current one.
    #[must_use]
    pub fn status(&self) -> KeyStatus {
        self.status
    }
}

impl<B: Backend> Selected<'_, '_, Identity<B>> {
    /// Decrypts the seed with the key, which is in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Rng`]. Whether decryption succeeded shows when a message is opened.
    pub fn decrypt<R: TryCryptoRng + ?Sized>(&self, rng: &mut R) -> Result<Opener<B>, Error> {
        self.pending.decrypt(self.key, rng)
    }
}

impl<K> Clone for Selected<'_, '_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Selected<'_, '_, K> {}

impl<K> fmt::Debug for Selected<'_, '_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selected")
            .field("key_id", &self.key_id())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
