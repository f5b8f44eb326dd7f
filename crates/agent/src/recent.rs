//! The messages of the last minutes, so that none is carried out twice.
//!
//! Only those that no ledger remembers: a message can be played again until it expires, and then is refused anyway.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use sealpost_envelope::UnixTime;

use crate::marks::Mark;

/// What became of a message that must not be carried out again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Done {
    Stored,
    Exists,
    PendingDeletion,
}

/// What became of recent messages, in 17 bytes each.
///
/// A message brings its own expiry, signed, so it is looked for in one bucket alone, and a bucket is forgotten as a
/// whole.
#[derive(Debug)]
pub(crate) struct Recent {
    buckets: Mutex<BTreeMap<u64, HashMap<[u8; 16], Done>>>,
    max: usize,
}

impl Recent {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            buckets: Mutex::default(),
            max,
        }
    }

    pub(crate) fn find(&self, message: &Mark, expires_at: UnixTime) -> Option<Done> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets
            .get(&bucket(expires_at))?
            .get(&short(message))
            .copied()
    }

    /// Whether another message can be remembered.
    pub(crate) fn has_room(&self, now: UnixTime) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        *buckets = buckets.split_off(&bucket(now));
        buckets.values().map(HashMap::len).sum::<usize>() < self.max
    }

    pub(crate) fn note(&self, message: &Mark, expires_at: UnixTime, done: Done) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(bucket(expires_at)).or_default();
        bucket.insert(short(message), done);
    }
}

/// Seconds by which messages are forgotten together: small beside their life, so that little is kept too long.
const SPAN: u64 = 16;

fn bucket(time: UnixTime) -> u64 {
    time.as_secs() / SPAN
}

/// Half of the mark: 2⁶⁴ messages before two are taken for one.
fn short(message: &Mark) -> [u8; 16] {
    let (half, _) = message.split_first_chunk().unwrap_or((&[0; 16], &[]));
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
        let recent = Recent::new(2);
        recent.note(&[1; 32], at(1000), Done::Stored);
        recent.note(&[2; 32], at(2000), Done::Exists);
        assert!(!recent.has_room(at(1000)));
        assert_eq!(recent.find(&[1; 32], at(1000)), Some(Done::Stored));
        assert_eq!(recent.find(&[3; 32], at(1000)), None);
        assert!(recent.has_room(at(1000 + SPAN)));
        assert_eq!(recent.find(&[1; 32], at(1000)), None);
        assert_eq!(recent.find(&[2; 32], at(2000)), Some(Done::Exists));
    }
}
