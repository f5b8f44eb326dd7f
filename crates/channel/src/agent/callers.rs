//! Callers whose values are sealed at the source: how much of the private key each may use.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use sealpost_envelope::UnixTime;

use crate::{caller::CallerTag, keys::Kid};

/// What callers have used, by gateway and tag.
///
/// A gateway can invent tags, so it has a share of its own in which they are counted; beyond
/// 4,096 of them the further ones are one.
#[derive(Debug)]
pub struct Callers {
    permits: usize,
    used: usize,
    gateways: HashMap<Kid, HashMap<Slot, Caller>>,
}

/// A caller, or all that are not counted apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Slot {
    One(CallerTag),
    Others,
}

#[derive(Debug, Default)]
struct Caller {
    permits: usize,
    /// When values did not open, within the last minute.
    failures: VecDeque<UnixTime>,
    blocked_until: Option<UnixTime>,
}

/// Whether a caller's value may be decrypted.
#[derive(Debug)]
pub enum Admission {
    /// It may.
    Granted(Permit),
    /// All permits are in use, or half of them by this caller.
    Later,
    /// Too many of this caller's values did not open: Busy, without asking the key.
    Blocked,
}

/// The right to one operation of the private key. It must be given back, to [`Callers::release`].
#[derive(Debug)]
#[must_use]
pub struct Permit {
    kid: Kid,
    slot: Slot,
}

impl Callers {
    /// At most `permits` operations of the private key at a time, and half of them, but at least one, for one caller.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self {
            permits,
            used: 0,
            gateways: HashMap::new(),
        }
    }

    /// Returns whether a caller is blocked.
    #[must_use]
    pub fn is_blocked(&self, kid: &Kid, tag: CallerTag, now: UnixTime) -> bool {
        let callers = self.gateways.get(kid);
        let caller = callers.and_then(|callers| callers.get(&slot(callers, tag)));
        caller.is_some_and(|caller| caller.is_blocked(now))
    }

    /// Takes a permit for one operation.
    pub fn acquire(&mut self, kid: Kid, tag: CallerTag, now: UnixTime) -> Admission {
        let (per_caller, has_permit) = ((self.permits / 2).max(1), self.used < self.permits);
        let (slot, caller) = self.caller(kid, tag);
        if caller.is_blocked(now) {
            return Admission::Blocked;
        }
        if !has_permit || caller.permits >= per_caller {
            return Admission::Later;
        }
        caller.permits += 1;
        self.used += 1;
        Admission::Granted(Permit { kid, slot })
    }

    /// Gives a permit back.
    pub fn release(&mut self, permit: Permit) {
        let Permit { kid, slot } = permit;
        self.used = self.used.saturating_sub(1);
        let callers = self.gateways.get_mut(&kid);
        if let Some(caller) = callers.and_then(|callers| callers.get_mut(&slot)) {
            caller.permits = caller.permits.saturating_sub(1);
        }
    }

    /// Notes that a value did not open. Returns whether the caller is blocked by it, which is worth an alarm.
    pub fn failed(&mut self, kid: Kid, tag: CallerTag, now: UnixTime) -> bool {
        let (_, caller) = self.caller(kid, tag);
        caller.forget(now);
        caller.failures.push_back(now);
        if caller.failures.len() < MAX_FAILURES {
            return false;
        }
        caller.failures.clear();
        caller.blocked_until = Some(now.saturating_add(WINDOW));
        true
    }

    /// Forgets callers of whom there is nothing to remember. A timer calls it each second.
    pub fn forget(&mut self, now: UnixTime) {
        self.gateways.retain(|_, callers| {
            callers.retain(|_, caller| {
                caller.forget(now);
                caller.permits > 0 || !caller.failures.is_empty() || caller.is_blocked(now)
            });
            !callers.is_empty()
        });
    }

    fn caller(&mut self, kid: Kid, tag: CallerTag) -> (Slot, &mut Caller) {
        let callers = self.gateways.entry(kid).or_default();
        let slot = slot(callers, tag);
        (slot, callers.entry(slot).or_default())
    }
}

fn slot(callers: &HashMap<Slot, Caller>, tag: CallerTag) -> Slot {
    let one = Slot::One(tag);
    match callers.len() < MAX_TAGS || callers.contains_key(&one) {
        true => one,
        false => Slot::Others,
    }
}

impl Caller {
    fn is_blocked(&self, now: UnixTime) -> bool {
        self.blocked_until.is_some_and(|until| now < until)
    }

    fn forget(&mut self, now: UnixTime) {
        while let Some(first) = self.failures.front() {
            if now < first.saturating_add(WINDOW) {
                break;
            }
            self.failures.pop_front();
        }
    }
}

/// Failures are counted over, and a caller is blocked for, this long.
const WINDOW: Duration = Duration::from_secs(60);
/// So many in that time are too many.
const MAX_FAILURES: usize = 32;
/// Tags that are counted apart, of one gateway.
const MAX_TAGS: usize = 4096;
