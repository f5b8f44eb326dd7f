//! The seed of a channel between gateway and agent: a header with one stanza of type 2, and no messages.
//!
//! ```text
//! header = FORMAT header, count 1, one stanza: type 0x02, key id, k, OAEP-Encrypt(pk, 0x02 ‖ seed [32])
//! ```
//!
//! `docs/CHANNELS.md` of the repository says what is made of the seed. No envelope opens with such a stanza, and no channel
//! with an envelope's: the type is refused before the key is touched, and the byte before the seed after.

use alloc::{vec, vec::Vec};
use core::{fmt, slice};

use rand_core::TryCryptoRng;
use subtle::Choice;
use zeroize::Zeroizing;

use crate::{
    backend::Backend,
    decapsulation::{self, Form, KeyAnswer, Secret},
    error::{Error, ParseError, SealError},
    fingerprint::KeyId,
    header::{Header, Stanza, StanzaType},
    identity::Identity,
    opener::check_type,
    public_key::PublicKey,
    reader::Writer,
    recipient::Recipient,
    seal::{header_len, write_header},
};

/// A channel's header, parsed: to which key its seed is encrypted.
#[derive(Clone, Copy, Debug)]
pub struct ChannelHeader<'a> {
    stanza: Stanza<'a>,
}

impl<'a> ChannelHeader<'a> {
    /// Parses a header with one stanza of any type; nothing may follow.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] that says what is wrong and at which byte.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let (header, rest) = Header::parse(bytes)?;
        let stanza = header.only_stanza()?;
        if !rest.is_empty() {
            return Err(ParseError::TrailingBytes {
                position: header.bytes().len(),
            });
        }
        Ok(Self { stanza })
    }

    /// The key that the seed is encrypted to.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.stanza.key_id()
    }

    /// The seed that is encrypted to this key, ready to be decrypted.
    ///
    /// # Errors
    ///
    /// [`Error::NoMatchingKey`], [`Error::StanzaType`], [`Error::EncapsulationLength`] or
    /// [`Error::EncapsulationRange`]. No private key has been touched.
    pub fn pending(&self, key: &PublicKey) -> Result<PendingSeed<'a>, Error> {
        if self.key_id() != key.key_id() {
            return Err(Error::NoMatchingKey {
                key_id: key.key_id(),
                recipients: 1,
            });
        }
        check_type(&self.stanza, StanzaType::ChannelRsaOaep)?;
        key.check_ciphertext(self.stanza.body())?;
        Ok(PendingSeed {
            encapsulation: self.stanza.body(),
        })
    }
}

/// A channel's seed that waits to be decrypted.
#[derive(Clone, Copy, Debug)]
pub struct PendingSeed<'a> {
    encapsulation: &'a [u8],
}

impl<'a> PendingSeed<'a> {
    /// The RSA-OAEP ciphertext, as long as the key's modulus and in `1 < c < n − 1`.
    #[must_use]
    pub fn encapsulation(&self) -> &'a [u8] {
        self.encapsulation
    }

    /// Decrypts with a private key in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Rng`]. That decryption failed is no error *here*: see [`ChannelSeed::valid`].
    pub fn decrypt<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        identity: &Identity<B>,
        rng: &mut R,
    ) -> Result<ChannelSeed, Error> {
        let mut bytes = Secret::default();
        let valid =
            decapsulation::decapsulate(identity, self.encapsulation, SEED, rng, &mut bytes)?;
        Ok(ChannelSeed { valid, bytes })
    }

    /// Goes on with the private key's answer.
    ///
    /// # Errors
    ///
    /// [`Error::KeyUnavailable`] if it did not answer, [`Error::Rng`].
    pub fn finish<R: TryCryptoRng + ?Sized>(
        &self,
        answer: KeyAnswer<'_>,
        rng: &mut R,
    ) -> Result<ChannelSeed, Error> {
        finish(answer, rng)
    }
}

/// Makes a seed of a private key's answer to the ciphertext of a [`PendingSeed`], which need not be kept.
///
/// # Errors
///
/// As [`PendingSeed::finish`].
pub fn finish<R: TryCryptoRng + ?Sized>(
    answer: KeyAnswer<'_>,
    rng: &mut R,
) -> Result<ChannelSeed, Error> {
    let mut bytes = Secret::default();
    let valid = decapsulation::answered(&answer, SEED, rng, &mut bytes)?;
    Ok(ChannelSeed { valid, bytes })
}

/// A channel's seed, or a random one in its place.
///
/// # Security
///
/// It exists also when nothing was decrypted. The caller derives from it all that it derives from a good one, and only
/// then, together with its own check, looks at [`valid`](Self::valid).
pub struct ChannelSeed {
    valid: Choice,
    bytes: Secret,
}

impl ChannelSeed {
    /// Whether the ciphertext held this seed.
    #[must_use]
    pub fn valid(&self) -> Choice {
        self.valid
    }

    /// The seed. It is wiped when this is dropped.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for ChannelSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelSeed")
    }
}

/// Encrypts a channel's seed to one recipient; returns the header.
///
/// # Errors
///
/// [`SealError::Backend`] if the cryptographic library fails.
pub fn seal_seed<B: Backend, R: TryCryptoRng + ?Sized>(
    recipient: &Recipient<B>,
    seed: &[u8; 32],
    rng: &mut R,
) -> Result<Vec<u8>, SealError> {
    let mut message = Zeroizing::new([0; 33]);
    let [prefix, rest @ ..] = &mut *message;
    *prefix = StanzaType::ChannelRsaOaep.number();
    *rest = *seed;
    let recipients = slice::from_ref(recipient);
    let mut bytes = vec![0; header_len(recipients)];
    let stanza_type = StanzaType::ChannelRsaOaep;
    write_header(
        &mut Writer::new(&mut bytes),
        stanza_type,
        recipients,
        rng,
        message.as_slice(),
    )?;
    Ok(bytes)
}

/// The message of type 2: `0x02 ‖ seed`.
const SEED: Form = Form::Prefixed(StanzaType::ChannelRsaOaep);
