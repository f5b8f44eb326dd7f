//! The messages of the last minutes, so that a replay stores nothing.
//!
//! Only messages that the ledger does not remember are here. A message can be replayed until it expires; afterwards it is
//! refused as late.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use sealpost_envelope::UnixTime;
use sealpost_protocol::Outcome;

use crate::digests::Digest;

/// The outcome of a message that must not be carried out again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Done {
    Stored,
    Exists,
    PendingDeletion,
}

impl Done {
    /// Returns `None` if the message may be carried out again.
    pub(crate) fn from_outcome(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Stored { .. } => Some(Self::Stored),
            Outcome::Exists => Some(Self::Exists),
            Outcome::PendingDeletion => Some(Self::PendingDeletion),
            Outcome::Refused { .. }
            | Outcome::Unreadable { .. }
            | Outcome::DoesNotOpen
            | Outcome::NotAccepted { .. }
            | Outcome::ContextMismatch { .. }
            | Outcome::KeyReused
            | Outcome::Busy
            | Outcome::Expired
            | Outcome::Failed => None,
        }
    }
}

/// The outcomes of recent messages, in 17 bytes each.
///
/// A message brings its own expiry, signed, so it is looked up in one bucket, and a bucket is forgotten as a
/// whole.
#[derive(Debug)]
pub(crate) struct ReplayCache {
    buckets: Mutex<BTreeMap<u64, HashMap<[u8; 16], Done>>>,
    max: usize,
}

impl ReplayCache {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            buckets: Mutex::default(),
            max,
        }
    }

    pub(crate) fn find(&self, digest: &Digest, expires_at: UnixTime) -> Option<Done> {
        let buckets = self.buckets.lock();
        buckets
            .get(&bucket(expires_at))?
            .get(&short(digest))
            .copied()
    }

    /// Whether another message can be remembered.
    pub(crate) fn has_room(&self, now: UnixTime) -> bool {
        let mut buckets = self.buckets.lock();
        *buckets = buckets.split_off(&bucket(now));
        buckets.values().map(HashMap::len).sum::<usize>() < self.max
    }

    pub(crate) fn note(&self, digest: &Digest, expires_at: UnixTime, done: Done) {
        let mut buckets = self.buckets.lock();
        let bucket = buckets.entry(bucket(expires_at)).or_default();
        bucket.insert(short(digest), done);
    }
}

/// Seconds by which messages are forgotten together: small beside their life, so that little is kept too long.
const SPAN: u64 = 16;

fn bucket(time: UnixTime) -> u64 {
    time.as_secs() / SPAN
}

/// Half of the digest: two of 2⁶⁴ messages may collide.
fn short(digest: &Digest) -> [u8; 16] {
    let (half, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
    *half
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    #[test]
    fn a_message_is_known_until_it_expires() {
        let cache = ReplayCache::new(2);
        cache.note(&[1; 32], at(1000), Done::Stored);
        cache.note(&[2; 32], at(2000), Done::Exists);
        assert!(!cache.has_room(at(1000)));
        assert_eq!(cache.find(&[1; 32], at(1000)), Some(Done::Stored));
        assert_eq!(cache.find(&[3; 32], at(1000)), None);
        assert!(cache.has_room(at(1000 + SPAN)));
        assert_eq!(cache.find(&[1; 32], at(1000)), None);
        assert_eq!(cache.find(&[2; 32], at(2000)), Some(Done::Exists));
    }
}
