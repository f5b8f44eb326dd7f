//! One channel: its opening, its counter, and the sealing of requests.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand_core::TryCryptoRng;
use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, UnixTime, channel::seal_seed, key::Recipient};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    clocks::Clocks,
    waiting::{Replies, Waiting},
};
use crate::{
    exchange::Scalar,
    frame::{FrameKeys, REQUEST},
    keys::SigningKey,
    message::{NUMBERS, SIGNED_REQUEST},
    opening::{self, ChannelId, Opening},
    reply,
};

/// A channel to one agent. Requests are sealed by several threads at a time.
pub struct Channel {
    signed: Vec<u8>,
    requests: FrameKeys,
    /// What replies need outlives the keys of requests.
    replies: Arc<Replies>,
    /// With it each request is signed.
    signs_requests: Option<SigningKey>,
    expires_at: UnixTime,
    opened: Clocks,
    next: AtomicU64,
}

/// Where a channel leads.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'d> {
    /// The agent.
    pub agent: AgentId,
    /// The agent's certificate, checked.
    pub recipient: &'d Recipient<AwsLc>,
    /// Whether requests are signed one by one.
    pub signed_requests: bool,
    /// The longest that a request waits; [`MAX_WAIT`](Self::MAX_WAIT) at most.
    pub longest_wait: Duration,
}

impl Destination<'_> {
    /// The longest that any request waits.
    pub const MAX_WAIT: Duration = Duration::from_secs(240);
}

/// A request's place in a channel, and its times.
#[derive(Debug)]
pub struct Place {
    number: u64,
    /// When it is sent.
    pub issued: UnixTime,
    /// When the gateway stops waiting, at the latest.
    pub deadline: UnixTime,
}

impl Channel {
    /// Opens a channel: encrypts a new seed to the agent's certificate, and signs.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open<R: TryCryptoRng + ?Sized>(
        to: &Destination<'_>,
        key: &SigningKey,
        now: Clocks,
        rng: &mut R,
    ) -> Result<Self, OpenError> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(seed.as_mut_slice())
            .map_err(|_| OpenError)?;
        let scalar = Scalar::random(rng).map_err(|_| OpenError)?;
        let header = seal_seed(to.recipient, &seed, rng).map_err(|_| OpenError)?;
        Self::assemble(to, key, now, &seed, &header, scalar)
    }

    /// Makes a channel of its parts, which alone are random.
    pub(crate) fn assemble(
        to: &Destination<'_>,
        key: &SigningKey,
        now: Clocks,
        seed: &[u8; 32],
        header: &[u8],
        scalar: Scalar,
    ) -> Result<Self, OpenError> {
        let wait = to.longest_wait.min(Destination::MAX_WAIT);
        let opening = Opening {
            signed_requests: to.signed_requests,
            kid: key.kid(),
            agent: to.agent,
            issued_at: now.wall,
            expires_at: now.wall.saturating_add(IN_USE + wait),
            exchange: *scalar.public(),
            header,
        };
        let bytes = opening.encode().map_err(|_| OpenError)?;
        let root = opening::root(&bytes, seed);
        let confirmation = opening::confirmation(&root);
        let signed = opening::sign(&bytes, &confirmation, key).map_err(|_| OpenError)?;
        let replies = Replies::new(opening::channel(&bytes), reply::base(&root), scalar);
        Ok(Self {
            signed,
            requests: FrameKeys::new(root, REQUEST),
            replies: Arc::new(replies),
            signs_requests: to.signed_requests.then(|| key.clone()),
            expires_at: opening.expires_at,
            opened: now,
            next: AtomicU64::new(0),
        })
    }

    /// The channel's name.
    #[must_use]
    pub fn id(&self) -> ChannelId {
        self.replies.id()
    }

    /// Takes a place for a request that can wait for `time_left`. No two requests have one place.
    ///
    /// # Errors
    ///
    /// [`Spent`]: another channel is needed.
    pub fn place(&self, now: UnixTime, time_left: Duration) -> Result<Place, Spent> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // It never comes near to wrapping: 2⁶⁴ requests take longer than a minute.
        if number >= NUMBERS {
            return Err(Spent);
        }
        // Up to a whole second.
        let rest = u64::from(time_left.subsec_nanos() > 0);
        let seconds = time_left.as_secs().saturating_add(rest);
        let deadline = now.saturating_add(Duration::from_secs(seconds).min(Destination::MAX_WAIT));
        Ok(Place {
            number,
            issued: now,
            deadline: deadline.min(self.expires_at),
        })
    }

    /// Seals a body; returns the message, and what recognises its answer.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the body is too long, or memory is wanting.
    pub fn seal(&self, place: Place, body: &[u8]) -> Result<(Vec<u8>, Waiting), OpenError> {
        let number = place.number.to_be_bytes();
        let sealed = self.requests.seal(&number, body).map_err(|_| OpenError)?;
        let (commitment, ciphertext) = sealed;
        let id = self.id();
        let signature = match &self.signs_requests {
            None => None,
            Some(key) => {
                let parts: [&[u8]; 3] = [id.as_bytes(), &number, &commitment];
                Some(key.sign(SIGNED_REQUEST, &parts).map_err(|_| OpenError)?)
            }
        };
        let signature = signature.as_ref().map_or(&[][..], |s| s.as_slice());
        let parts: [&[u8]; 5] = [&self.signed, &number, &commitment, signature, &ciphertext];
        let waiting = Waiting::new(Arc::clone(&self.replies), place.number, commitment);
        Ok((parts.concat(), waiting))
    }

    /// Returns whether the channel still takes requests: for a minute by either clock, unless the wall clock was set back.
    pub(super) fn is_fresh(&self, now: Clocks) -> bool {
        let by_wall = Duration::from_secs(now.wall.seconds_since(self.opened.wall));
        let elapsed = now.monotonic.saturating_sub(self.opened.monotonic);
        let expected = self.opened.wall.saturating_add(elapsed);
        let set_back = expected.seconds_since(now.wall) > MAX_SET_BACK;
        let has_numbers = self.next.load(Ordering::Relaxed) < NUMBERS;
        by_wall < IN_USE && elapsed < IN_USE && !set_back && has_numbers
    }

    #[cfg(test)]
    pub(crate) fn skip_to(&self, number: u64) {
        self.next.store(number, Ordering::Relaxed);
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

/// The channel takes no more requests.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the channel has no numbers left")]
pub struct Spent;

/// A channel can't be opened, or a request not be sealed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no request could be sealed: the body is too long, or the cryptographic library failed")]
pub struct OpenError;

/// How long a channel takes requests.
const IN_USE: Duration = Duration::from_secs(60);
/// By how many seconds the wall clock may be behind what has passed.
const MAX_SET_BACK: u64 = 1;
