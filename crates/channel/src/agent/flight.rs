//! The one private-key operation of a channel: from the key's answer to its keys.

use std::fmt;

use rand_core::TryCryptoRng;
use sealpost_envelope::{
    UnixTime, channel,
    key::{KeyAnswer, KeyId},
};
use subtle::ConstantTimeEq as _;

use super::channel::Channel;
use crate::{
    exchange::Scalar,
    frame::{FrameKeys, REQUEST},
    keys::{Kid, SigningKey},
    opening::{self, ChannelId, SignedOpening},
    reply,
};

/// An opening whose seed waits to be decrypted. It must end, by [`open`](Self::open) and
/// [`Openings::settle`](super::Openings::settle): others may wait for it.
pub struct Flight {
    pub(super) digest: [u8; 32],
    pub(super) place: Place,
    key_id: KeyId,
    ciphertext: Vec<u8>,
    opening: Vec<u8>,
    confirmation: [u8; 32],
    exchange: [u8; 32],
    issued_at: UnixTime,
}

/// Whose channel it is, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) id: ChannelId,
    pub(super) kid: Kid,
    pub(super) expires_at: UnixTime,
}

/// What became of a flight.
pub struct Ended {
    pub(super) digest: [u8; 32],
    pub(super) place: Place,
    pub(super) end: End,
}

pub(super) enum End {
    Good(Box<Channel>),
    Bad,
    Unavailable,
}

impl Flight {
    pub(super) fn new(signed: &SignedOpening<'_>, key_id: KeyId, ciphertext: &[u8]) -> Self {
        let opening = &signed.opening;
        Self {
            digest: signed.digest(),
            place: Place {
                id: opening::channel(signed.bytes),
                kid: opening.kid,
                expires_at: opening.expires_at,
            },
            key_id,
            ciphertext: ciphertext.to_vec(),
            opening: signed.bytes.to_vec(),
            confirmation: *signed.confirmation,
            exchange: opening.exchange,
            issued_at: opening.issued_at,
        }
    }

    /// The key that is to decrypt.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The RSA-OAEP ciphertext, as long as the key's modulus and in `1 < c < n − 1`.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// Goes on with the private key's answer. `scalar` is new for each channel.
    ///
    /// # Security
    ///
    /// Whatever was not right, all is derived, from a random seed in place of the right one; then there is one bit.
    pub fn open<R: TryCryptoRng + ?Sized>(
        self,
        answer: KeyAnswer<'_>,
        scalar: Scalar,
        agent: &SigningKey,
        rng: &mut R,
    ) -> Ended {
        let end = self.end(answer, &scalar, agent, rng);
        Ended {
            digest: self.digest,
            place: self.place,
            end,
        }
    }

    /// Gives up: the key could not be asked.
    #[must_use]
    pub fn give_up(self) -> Ended {
        Ended {
            digest: self.digest,
            place: self.place,
            end: End::Unavailable,
        }
    }

    fn end<R: TryCryptoRng + ?Sized>(
        &self,
        answer: KeyAnswer<'_>,
        scalar: &Scalar,
        agent: &SigningKey,
        rng: &mut R,
    ) -> End {
        let Ok(seed) = channel::finish(answer, rng) else {
            return End::Unavailable;
        };
        let root = opening::root(&self.opening, seed.as_bytes());
        let confirmed = opening::confirmation(&root).ct_eq(&self.confirmation);
        let (agreed, shared) = scalar.agree(&self.exchange);
        let base = reply::base(&root);
        let accepted = reply::accept(agent, &self.place.id, scalar.public(), &base, &shared);
        // ok = oaep & 33 bytes & prefix & confirmation & exchange
        if !bool::from(seed.valid() & confirmed & agreed) {
            return End::Bad;
        }
        let Ok((acceptance, replies)) = accepted else {
            return End::Unavailable;
        };
        End::Good(Box::new(Channel {
            id: self.place.id,
            kid: self.place.kid,
            key_id: self.key_id,
            issued_at: self.issued_at,
            expires_at: self.place.expires_at,
            requests: FrameKeys::new(root, REQUEST),
            replies,
            acceptance,
        }))
    }
}

impl Ended {
    /// Returns whether the channel is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.end, End::Good(_))
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
