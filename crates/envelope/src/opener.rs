//! Opening in phases, so that the private key may live elsewhere.
//!
//! ```text
//! Envelope::pending(public key) → Pending ── a key store decrypts one OAEP ciphertext ──► KeyAnswer
//! Pending::finish(KeyAnswer)    → Opener  ── frame + context ──► plaintext | OpenError
//! ```

use core::fmt;

use rand_core::TryCryptoRng;
use sealpost_context::SecretContext;
use subtle::Choice;
use zeroize::Zeroize;

use crate::{
    backend::{Backend, equal},
    bytes::copy,
    decapsulation::{self, Form, KeyAnswer},
    envelope::Envelope,
    error::{Error, OpenError},
    fingerprint::KeyId,
    frame::{Frame, Frames},
    header::{Stanza, StanzaType},
    identity::Identity,
    key_schedule::{KeySchedule, Seed},
    padding::{self, LENGTH_FIELD},
    plaintext::Plaintext,
    public_key::PublicKey,
};

impl<'a> Envelope<'a> {
    /// The first step of opening: the seed that is encrypted to this key, ready to be decrypted.
    ///
    /// The first stanza with the key's id is taken, and never a second one.
    ///
    /// # Errors
    ///
    /// [`Error::NoMatchingKey`], [`Error::StanzaType`], [`Error::EncapsulationLength`] or
    /// [`Error::EncapsulationRange`]. No private key has been touched.
    pub fn pending(&self, key: &PublicKey) -> Result<Pending<'a>, Error> {
        let stanza = self.stanza_of(key.key_id())?;
        key.check_ciphertext(stanza.body())?;
        Ok(Pending::new(
            self.header().bytes(),
            stanza.key_id(),
            stanza.body(),
        ))
    }

    fn stanza_of(&self, key_id: KeyId) -> Result<Stanza<'a>, Error> {
        let stanza = self
            .stanzas()
            .find(|stanza| stanza.key_id() == key_id)
            .ok_or(Error::NoMatchingKey {
                key_id,
                recipients: self.header().recipients(),
            })?;
        check_type(&stanza, StanzaType::RsaOaep)?;
        Ok(stanza)
    }
}

/// Checks that a stanza is of the one type that belongs where it is.
pub(crate) fn check_type(stanza: &Stanza<'_>, expected: StanzaType) -> Result<(), Error> {
    if stanza.stanza_type() == Some(expected) {
        return Ok(());
    }
    Err(Error::StanzaType {
        key_id: stanza.key_id(),
        found: stanza.type_number(),
    })
}

/// An envelope whose seed waits to be decrypted.
///
/// For a private key in an HSM or a KMS: have it decrypt [`encapsulation`](Self::encapsulation) with
/// RSA-OAEP (SHA-256, MGF1-SHA-256, no label) and give its answer to [`finish`](Self::finish). For one
/// in memory there is [`decrypt`](Self::decrypt), and [`open`](crate::open), which does everything.
#[derive(Clone, Copy, Debug)]
pub struct Pending<'a> {
    header: &'a [u8],
    key_id: KeyId,
    encapsulation: &'a [u8],
}

impl<'a> Pending<'a> {
    /// `encapsulation` has passed the checks of length and range.
    pub(crate) fn new(header: &'a [u8], key_id: KeyId, encapsulation: &'a [u8]) -> Self {
        Self {
            header,
            key_id,
            encapsulation,
        }
    }

    /// The key that can decrypt it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The RSA-OAEP ciphertext, as long as the key's modulus and in `1 < c < n − 1`.
    #[must_use]
    pub fn encapsulation(&self) -> &'a [u8] {
        self.encapsulation
    }

    /// Goes on with the private key's answer.
    ///
    /// # Errors
    ///
    /// [`Error::KeyUnavailable`] if it did not answer, [`Error::Rng`]. A rejection is not an error *here*: it
    /// shows when a message is opened, where every failure does.
    pub fn finish<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        answer: KeyAnswer<'_>,
        rng: &mut R,
    ) -> Result<Opener<B>, Error> {
        let mut seed = Seed::default();
        let valid = decapsulation::answered(&answer, SEED, rng, &mut seed)?;
        self.derive(valid, &seed)
    }

    /// Decrypts with a private key in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Rng`]. Whether decryption succeeded shows when a message is opened.
    pub fn decrypt<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        identity: &Identity<B>,
        rng: &mut R,
    ) -> Result<Opener<B>, Error> {
        let mut seed = Seed::default();
        let valid = decapsulation::decapsulate(identity, self.encapsulation, SEED, rng, &mut seed)?;
        self.derive(valid, &seed)
    }

    fn derive<B: Backend>(&self, valid: Choice, seed: &Seed) -> Result<Opener<B>, Error> {
        // Fails for want of memory only.
        let schedule = KeySchedule::derive(self.header, seed).map_err(|_| OpenError)?;
        Ok(Opener { schedule, valid })
    }
}

/// Opens the messages of one envelope.
///
/// It exists also when the seed could not be decrypted; then no message opens.
pub struct Opener<B: Backend> {
    schedule: KeySchedule<B>,
    valid: Choice,
}

impl<B: Backend> Opener<B> {
    /// Opens one message, anywhere in the envelope.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    ///
    /// # Security
    ///
    /// Random access says nothing of completeness: [`Sequence`] does.
    #[must_use = "whether it opened is the result"]
    pub fn open(
        &self,
        frame: &Frame<'_>,
        context: &SecretContext<'_>,
    ) -> Result<Plaintext, OpenError> {
        Plaintext::open_with(frame.ciphertext, |buffer| {
            self.open_padded(frame, context, buffer)
        })
    }

    /// Opens one message into the front of a caller's buffer; returns its length.
    ///
    /// # Errors
    ///
    /// [`Error::BufferTooSmall`] if `out` is shorter than [`Frame::padded_len`], [`OpenError`] otherwise.
    /// The part of the buffer that was used is wiped then. After a success, what follows the message in
    /// the used part is zero.
    pub fn open_into(
        &self,
        frame: &Frame<'_>,
        context: &SecretContext<'_>,
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let needed = frame.padded_len();
        let out = out
            .get_mut(..needed)
            .ok_or(Error::BufferTooSmall { needed })?;
        copy(out, frame.ciphertext);
        let length = self.open_padded(frame, context, out)?;
        out.copy_within(LENGTH_FIELD..LENGTH_FIELD + length, 0);
        out.get_mut(length..).unwrap_or_default().zeroize();
        Ok(length)
    }

    /// Opens a frame whose ciphertext is in `buffer`; returns the length of the message, which then
    /// starts at [`LENGTH_FIELD`]. On failure the buffer is wiped.
    pub(crate) fn open_padded(
        &self,
        frame: &Frame<'_>,
        context: &SecretContext<'_>,
        buffer: &mut [u8],
    ) -> Result<usize, OpenError> {
        let commitment = self.schedule.commitment(frame.index, frame.last, context);
        // ok = oaep & prefix & commitment, one branch for all three.
        let ok = self.valid & equal(&commitment, frame.commitment);
        let opened = bool::from(ok)
            .then(|| {
                self.schedule
                    .open_in_place(frame.index, &commitment, buffer, frame.tag)
                    .ok()
            })
            .flatten()
            .and_then(|()| padding::unpad(buffer));
        if opened.is_none() {
            buffer.zeroize();
        }
        opened.ok_or(OpenError)
    }

    /// Opens the messages of `envelope`, which this opener was made from, one after the other.
    #[must_use]
    pub fn sequence<'a>(&'a self, envelope: &Envelope<'a>) -> Sequence<'a, B> {
        Sequence {
            opener: self,
            frames: envelope.frames(),
            opened: 0,
            complete: false,
        }
    }
}

impl<B: Backend> fmt::Debug for Opener<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

/// The messages of a batch in order, with the proof that none is missing.
pub struct Sequence<'a, B: Backend> {
    opener: &'a Opener<B>,
    frames: Frames<'a>,
    opened: u32,
    complete: bool,
}

impl<B: Backend> Sequence<'_, B> {
    /// Opens the next message; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// [`OpenError`]. The message counts as not opened, and [`finish`](Self::finish) will fail.
    pub fn open_next(
        &mut self,
        context: &SecretContext<'_>,
    ) -> Option<Result<Plaintext, OpenError>> {
        let frame = self.frames.next()?;
        let opened = self.opener.open(&frame, context);
        if opened.is_ok() {
            self.opened = self.opened.saturating_add(1);
            // The commitment covers `last` and the index.
            self.complete = frame.last && self.opened.checked_sub(1) == Some(frame.index);
        }
        Some(opened)
    }

    /// Ends the sequence.
    ///
    /// # Errors
    ///
    /// [`Error::Cut`] unless every message up to the one marked last was opened.
    pub fn finish(self) -> Result<(), Error> {
        if self.complete {
            Ok(())
        } else {
            Err(Error::Cut {
                messages: self.opened,
            })
        }
    }
}

impl<B: Backend> fmt::Debug for Sequence<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence")
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}

/// The message of type 1: `0x01 ‖ seed`.
const SEED: Form = Form::Prefixed(StanzaType::RsaOaep);

#[cfg(test)]
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
mod tests {
    use alloc::{vec, vec::Vec};
    use core::convert::Infallible;

    use rand_core::{TryCryptoRng, TryRng};
    use zeroize::Zeroizing;

    use super::*;

    /// Anyone who knows the seed can make each of these. They end as an envelope does whose seed was not decrypted.
    #[test]
    fn commitment_tag_and_padding_fail_alike() {
        fn all<B: Backend>() {
            let good = padded(b"secret");
            assert_eq!(open::<B>(&good, |_, _| {}, true), Ok(b"secret".to_vec()));
            let mut unclean = good.clone();
            unclean[255] = 1;
            let mut too_long = good.clone();
            too_long[..LENGTH_FIELD].fill(0xff);
            for (what, opened) in [
                ("padding not zero", open::<B>(&unclean, |_, _| {}, true)),
                ("length field", open::<B>(&too_long, |_, _| {}, true)),
                ("tag", open::<B>(&good, |_, tag| tag[0] ^= 1, true)),
                ("commitment", open::<B>(&good, |com, _| com[0] ^= 1, true)),
                ("no seed", open::<B>(&good, |_, _| {}, false)),
            ] {
                assert_eq!(opened, Err(OpenError), "{what}");
            }
        }
        #[cfg(feature = "aws-lc")]
        all::<crate::AwsLc>();
        #[cfg(feature = "rustcrypto")]
        all::<crate::RustCrypto>();
    }

    /// Opens `padded`, sealed by hand; `change` sees the commitment and the tag.
    fn open<B: Backend>(
        padded: &[u8],
        change: impl FnOnce(&mut [u8; 32], &mut [u8; 16]),
        decrypted: bool,
    ) -> Result<Vec<u8>, OpenError> {
        let context = SecretContext::unchecked("agent-1", "db-login");
        let schedule = KeySchedule::<B>::derive(b"header", &Zeroizing::new([7; 32])).unwrap();
        let mut commitment = schedule.commitment(0, true, &context);
        let mut ciphertext = padded.to_vec();
        let mut tag = schedule
            .seal_in_place(0, &commitment, &mut ciphertext)
            .unwrap();
        change(&mut commitment, &mut tag);
        let frame = Frame {
            index: 0,
            last: true,
            commitment: &commitment,
            ciphertext: &ciphertext,
            tag: &tag,
        };
        let mut message = [7; 33];
        message[0] = StanzaType::RsaOaep.number();
        let answer = match decrypted {
            true => KeyAnswer::Seed(&message),
            false => KeyAnswer::Rejected,
        };
        let pending = Pending::new(b"header", KeyId::from_bytes([0; 32]), &[]);
        let opener: Opener<B> = pending.finish(answer, &mut Zeros).unwrap();
        Ok(opener.open(&frame, &context)?.to_vec())
    }

    fn padded(message: &[u8]) -> Vec<u8> {
        let mut out = vec![0; padding::padded_len(message.len()).unwrap()];
        padding::pad(message, &mut out).unwrap();
        out
    }

    struct Zeros;

    impl TryRng for Zeros {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(0)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.fill(0);
            Ok(())
        }
    }

    impl TryCryptoRng for Zeros {}
}
