//! Headers of values that callers sealed in batches: the keys that one private-key operation gave, for a minute.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sealpost_envelope::{
    AwsLc, UnixTime,
    backend::Backend as _,
    key::KeyId,
    native::{OneFrame, Opener},
};

use crate::{caller::CallerTag, keys::Kid};

/// What headers are remembered by: the gateway, the caller and the header itself. Nobody gets another's.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HeaderKey {
    kid: Kid,
    caller: CallerTag,
    header: [u8; 32],
}

/// The headers that one agent remembers.
///
/// Whether the seed was good is not noted apart: an [`Opener`] exists in either case, takes the same path, and no frame can
/// change it.
#[derive(Debug, Default)]
pub struct Headers {
    entries: HashMap<HeaderKey, Entry>,
    /// Counts headers, for the order of their age.
    next: u64,
}

#[derive(Debug)]
struct Entry {
    key_id: KeyId,
    state: State,
}

#[derive(Debug)]
enum State {
    InFlight,
    Opened {
        opener: Arc<Opener<AwsLc>>,
        age: u64,
        until: UnixTime,
    },
}

/// What is known of a header.
#[derive(Debug)]
pub enum HeaderLookup {
    /// Its keys.
    Known(Arc<Opener<AwsLc>>),
    /// Nothing: the caller has the seed decrypted, and settles the flight.
    Flight(HeaderFlight),
    /// It is being decrypted. When that has ended, it is looked up again.
    Wait(HeaderKey),
}

/// A header whose seed waits to be decrypted. It must be given back, to [`Headers::settle`].
#[derive(Debug)]
#[must_use]
pub struct HeaderFlight(HeaderKey);

impl HeaderKey {
    /// The header of one message, as a caller sent it through a gateway.
    #[must_use]
    pub fn new(kid: Kid, caller: CallerTag, message: &OneFrame<'_>) -> Self {
        let header = AwsLc::sha256(&[message.header_bytes()]);
        Self {
            kid,
            caller,
            header,
        }
    }
}

impl HeaderFlight {
    /// The header.
    #[must_use]
    pub fn key(&self) -> HeaderKey {
        self.0
    }
}

impl Headers {
    /// Looks up a header, which is sealed to the key `key_id`.
    pub fn look_up(&mut self, key: HeaderKey, key_id: KeyId, now: UnixTime) -> HeaderLookup {
        match self.entries.get(&key).map(|entry| &entry.state) {
            Some(State::InFlight) => return HeaderLookup::Wait(key),
            Some(State::Opened { opener, until, .. }) if now < *until => {
                return HeaderLookup::Known(Arc::clone(opener));
            }
            Some(State::Opened { .. }) | None => {}
        }
        let state = State::InFlight;
        self.entries.insert(key, Entry { key_id, state });
        HeaderLookup::Flight(HeaderFlight(key))
    }

    /// Ends a flight. `None` is a key that was not available: nothing is remembered.
    pub fn settle(
        &mut self,
        flight: HeaderFlight,
        opened: Option<Opener<AwsLc>>,
        now: UnixTime,
    ) -> Option<Arc<Opener<AwsLc>>> {
        let HeaderFlight(key) = flight;
        let entry = self.entries.remove(&key);
        let opener = Arc::new(opened?);
        let Some(Entry { key_id, .. }) = entry else {
            // It was wiped in flight: the key is gone, or the gateway is not trusted any more.
            return Some(opener);
        };
        self.make_room(&key, now);
        if !self.is_full(&key) {
            let state = State::Opened {
                opener: Arc::clone(&opener),
                age: self.next,
                until: now.saturating_add(REMEMBERED),
            };
            self.next += 1;
            self.entries.insert(key, Entry { key_id, state });
        }
        Some(opener)
    }

    /// Wipes what is over, and what `is_wanted` is false for: keys that are gone, gateways that are not trusted any more. A
    /// timer calls it each second.
    pub fn wipe(&mut self, now: UnixTime, is_wanted: impl Fn(&Kid, KeyId) -> bool) {
        self.entries
            .retain(|key, entry| !entry.is_over(now) && is_wanted(&key.kid, entry.key_id));
    }

    /// Wipes all, when the agent takes this kind no more.
    pub fn wipe_all(&mut self) {
        self.entries.clear();
    }

    /// Returns how many headers are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.values().filter_map(Entry::age).count()
    }

    /// Returns whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of one caller's headers the oldest goes, and never another's.
    fn make_room(&mut self, key: &HeaderKey, now: UnixTime) {
        self.entries.retain(|_, entry| !entry.is_over(now));
        let own = |(other, entry): (&HeaderKey, &Entry)| {
            let is_own = other.kid == key.kid && other.caller == key.caller;
            is_own.then_some((entry.age()?, *other))
        };
        let mut own: Vec<_> = self.entries.iter().filter_map(own).collect();
        if own.len() >= PER_CALLER {
            own.sort_unstable_by_key(|(age, _)| *age);
            for (_, oldest) in own.iter().take(own.len() + 1 - PER_CALLER) {
                self.entries.remove(oldest);
            }
        }
    }

    fn is_full(&self, key: &HeaderKey) -> bool {
        let remembered = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.age().is_some());
        let of_gateway = remembered.filter(|(other, _)| other.kid == key.kid).count();
        of_gateway >= PER_GATEWAY || self.len() >= IN_ALL
    }
}

impl Entry {
    fn age(&self) -> Option<u64> {
        match &self.state {
            State::InFlight => None,
            State::Opened { age, .. } => Some(*age),
        }
    }

    fn is_over(&self, now: UnixTime) -> bool {
        match &self.state {
            State::InFlight => false,
            State::Opened { until, .. } => *until <= now,
        }
    }
}

/// How long keys are kept after the private-key operation. A hit prolongs nothing.
const REMEMBERED: Duration = Duration::from_secs(60);
const PER_CALLER: usize = 16;
const PER_GATEWAY: usize = 1024;
const IN_ALL: usize = 4096;
