//! Tokens that were verified a moment ago.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::Mutex;
use sealpost_envelope::UnixTime;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{keys::KeySet, principal::Principal};

/// Who tokens speak for, by the SHA-256 of each token. Tokens that were refused are not among them.
///
/// A token is known until it expires, the set of keys is another, or 60 seconds have passed by either clock. So many are
/// known that all callers of a busy gateway are, and no more: an issuer that makes up tokens takes no memory.
pub(super) struct VerifiedTokens(Mutex<Table>);

struct Table {
    /// What they were verified with. It is held, so that no other set can be taken for it.
    keys: Option<Arc<KeySet>>,
    /// The first bytes of the digest say where a token is.
    buckets: Vec<Bucket>,
}

/// A full one loses its oldest.
type Bucket = [Option<Box<Verified>>; WAYS];

struct Verified {
    digest: TokenDigest,
    principal: Arc<Principal>,
    /// Seconds, perhaps with a fraction.
    expires_at: f64,
    at: UnixTime,
    instant: Instant,
}

/// The SHA-256 of a token.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct TokenDigest(Zeroizing<[u8; 32]>);

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }

    fn bucket(&self) -> usize {
        let [a, b, ..] = *self.0;
        usize::from(u16::from_be_bytes([a, b])) % BUCKETS
    }
}

impl VerifiedTokens {
    /// Returns who the token speaks for, if `keys` verified it a moment ago. Forgets what other keys verified.
    pub(super) fn get(
        &self,
        digest: &TokenDigest,
        keys: &Arc<KeySet>,
        now: UnixTime,
    ) -> Option<Arc<Principal>> {
        let mut table = self.0.lock();
        if !table.is_of(keys) {
            *table = Table::new(Some(Arc::clone(keys)));
            return None;
        }
        let bucket = table.buckets.get_mut(digest.bucket())?;
        for place in bucket {
            match place {
                Some(known) if !known.is_current(now) => *place = None,
                Some(known) if known.digest == *digest => {
                    return Some(Arc::clone(&known.principal));
                }
                Some(_) | None => {}
            }
        }
        None
    }

    /// Adds a token that `keys` verified at the time `now`. Does nothing if these are no longer the keys.
    pub(super) fn add(
        &self,
        digest: TokenDigest,
        keys: &Arc<KeySet>,
        (principal, expires_at): (&Arc<Principal>, f64),
        now: UnixTime,
    ) {
        let verified = Box::new(Verified {
            principal: Arc::clone(principal),
            expires_at,
            at: now,
            instant: Instant::now(),
            digest,
        });
        let mut table = self.0.lock();
        if !table.is_of(keys) {
            return;
        }
        let Some(bucket) = table.buckets.get_mut(verified.digest.bucket()) else {
            return;
        };
        // Two requests may have verified it at the same time.
        let same = bucket.iter().position(|place| {
            place
                .as_ref()
                .is_some_and(|known| known.digest == verified.digest)
        });
        let oldest = || {
            let places = bucket.iter().enumerate();
            places.min_by_key(|(_, place)| place.as_ref().map(|known| known.instant))
        };
        let index = same.or_else(|| oldest().map(|(index, _)| index));
        if let Some(place) = index.and_then(|index| bucket.get_mut(index)) {
            *place = Some(verified);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().buckets.iter().flatten().flatten().count()
    }
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Mutex::new(Table::new(None)))
    }
}

impl Table {
    fn new(keys: Option<Arc<KeySet>>) -> Self {
        Self {
            keys,
            buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(),
        }
    }

    fn is_of(&self, keys: &Arc<KeySet>) -> bool {
        self.keys
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, keys))
    }
}

impl Verified {
    fn is_current(&self, now: UnixTime) -> bool {
        // A clock that was set back proves nothing.
        self.at <= now
            && now < self.at.saturating_add(KNOWN)
            && self.instant.elapsed() < KNOWN
            && seconds(now) < self.expires_at
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens").finish_non_exhaustive()
    }
}

/// A time as tokens have it.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact for the next 285 million years"
)]
pub(super) fn seconds(time: UnixTime) -> f64 {
    time.as_secs() as f64
}

/// How long a token is known.
const KNOWN: Duration = Duration::from_secs(60);
/// 4,096 tokens in all. They fill evenly, since digests are even.
const BUCKETS: usize = 1024;
const WAYS: usize = 4;

#[cfg(test)]
mod tests;
