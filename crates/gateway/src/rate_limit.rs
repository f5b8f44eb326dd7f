//! Limits how many requests a principal may send.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};

use crate::{limits::RateLimit, principal_id::PrincipalId};

/// A token bucket for each principal.
///
/// Memory is bounded: at most [`MAX_BUCKETS`] principals have their own. A bucket that is full again is dropped, and
/// principals for whom there is no room share one.
#[derive(Clone, Debug)]
pub(crate) struct RateLimiter {
    limit: Option<RateLimit>,
    buckets: Arc<Mutex<Buckets>>,
}

/// A part of a bucket that is set aside for what may turn out to be costly; returned when dropped.
///
/// It is set aside before, not charged after: otherwise requests that come together would all be carried out before the
/// first charge is seen.
#[derive(Debug)]
pub(crate) struct Reservation {
    /// `None` without a limit, and once it is settled.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    limiter: RateLimiter,
    limit: RateLimit,
    owner: Owner,
    cost: f64,
}

/// Whose bucket it is.
#[derive(Clone, Copy, Debug)]
enum Owner {
    One(PrincipalId),
    AllOthers,
}

#[derive(Debug, Default)]
struct Buckets {
    own: HashMap<PrincipalId, Bucket>,
    shared: Option<Bucket>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Bucket {
    /// The requests that are left; negative after a charge.
    left: f64,
    at: Instant,
    reserved: f64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    cost: f64,
    answer: oneshot::Sender<Result<Reservation, Duration>>,
}

/// Whether a part can be set aside.
enum Room {
    Now,
    /// When another reservation is settled.
    Later,
    /// The principal is in debt for so long.
    Never(Duration),
}

impl RateLimiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self {
            limit,
            buckets: Arc::default(),
        }
    }

    /// Takes one request from the principal's bucket.
    ///
    /// # Errors
    ///
    /// Returns how long to wait for the next.
    pub(crate) fn take(&self, principal: PrincipalId) -> Result<(), Duration> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        let mut buckets = self.buckets.lock();
        let (_, bucket) = buckets.bucket(principal, limit, Instant::now());
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        Err(bucket.until_next(limit))
    }

    /// Sets `cost` requests aside, for a request that costs so many if it fails. Waits while other reservations of the
    /// principal leave no room for it; a principal whose bucket holds less than `cost` may have one at a time.
    ///
    /// # Errors
    ///
    /// Returns how long to wait, if the principal is in debt.
    pub(crate) async fn reserve(
        &self,
        principal: PrincipalId,
        cost: u32,
    ) -> Result<Reservation, Duration> {
        let Some(limit) = self.limit else {
            return Ok(Reservation { held: None });
        };
        let cost = f64::from(cost);
        let answered = {
            let mut buckets = self.buckets.lock();
            let (owner, bucket) = buckets.bucket(principal, limit, Instant::now());
            match bucket.room(cost, limit) {
                Room::Now if bucket.waiting.is_empty() => {
                    bucket.reserved += cost;
                    return Ok(self.reservation(limit, owner, cost));
                }
                Room::Never(wait) => return Err(wait),
                Room::Now | Room::Later => {
                    if bucket.waiting.len() == bucket.waiting.capacity() {
                        // Before it grows: those that have left.
                        bucket.waiting.retain(|w| !w.answer.is_closed());
                    }
                    let (answer, answered) = oneshot::channel();
                    bucket.waiting.push_back(Waiting { cost, answer });
                    answered
                }
            }
        };
        // A bucket with requests that wait is never dropped.
        answered.await.unwrap_or(Err(Duration::ZERO))
    }

    fn reservation(&self, limit: RateLimit, owner: Owner, cost: f64) -> Reservation {
        Reservation {
            held: Some(Held {
                limiter: self.clone(),
                limit,
                owner,
                cost,
            }),
        }
    }

    /// Answers those that wait, in their order, as far as there is room.
    fn answer(&self, bucket: &mut Bucket, owner: Owner, limit: RateLimit) {
        while let Some(next) = bucket.waiting.front() {
            let cost = next.cost;
            let answer = match bucket.room(cost, limit) {
                Room::Now => Ok(self.reservation(limit, owner, cost)),
                Room::Never(wait) => Err(wait),
                Room::Later => return,
            };
            let is_reserved = answer.is_ok();
            let Some(next) = bucket.waiting.pop_front() else {
                return;
            };
            match next.answer.send(answer) {
                Ok(()) if is_reserved => bucket.reserved += cost,
                // The lock is held, so a reservation that was not taken can't return itself.
                Err(Ok(mut reservation)) => reservation.held = None,
                Ok(()) | Err(Err(_)) => {}
            }
        }
    }
}

impl Reservation {
    /// Charges what was set aside.
    pub(crate) fn charge(mut self) {
        self.settle(true);
    }

    fn settle(&mut self, is_charged: bool) {
        let Some(held) = self.held.take() else {
            return;
        };
        let mut buckets = held.limiter.buckets.lock();
        let Some(bucket) = buckets.existing(held.owner) else {
            return;
        };
        bucket.refill(held.limit, Instant::now());
        bucket.reserved -= held.cost;
        if is_charged {
            bucket.left -= held.cost;
        }
        held.limiter.answer(bucket, held.owner, held.limit);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.settle(false);
    }
}

impl Buckets {
    /// The principal's bucket, filled up.
    fn bucket(
        &mut self,
        principal: PrincipalId,
        limit: RateLimit,
        now: Instant,
    ) -> (Owner, &mut Bucket) {
        let full = || Bucket {
            left: f64::from(limit.burst.get()),
            at: now,
            reserved: 0.0,
            waiting: VecDeque::new(),
        };
        let mut owner = Owner::One(principal);
        if self.own.len() >= MAX_BUCKETS && !self.own.contains_key(&principal) {
            self.sweep(limit, now);
            if self.own.len() >= MAX_BUCKETS {
                owner = Owner::AllOthers;
            }
        }
        let bucket = match owner {
            Owner::One(principal) => self.own.entry(principal).or_insert_with(full),
            Owner::AllOthers => self.shared.get_or_insert_with(full),
        };
        bucket.refill(limit, now);
        (owner, bucket)
    }

    fn existing(&mut self, owner: Owner) -> Option<&mut Bucket> {
        match owner {
            Owner::One(principal) => self.own.get_mut(&principal),
            Owner::AllOthers => self.shared.as_mut(),
        }
    }

    /// Drops the buckets that are full, at most once a second, because it looks at all of them.
    fn sweep(&mut self, limit: RateLimit, now: Instant) {
        if self
            .swept
            .is_some_and(|at| now.saturating_duration_since(at) < SWEEP_PAUSE)
        {
            return;
        }
        self.swept = Some(now);
        self.own.retain(|_, bucket| {
            bucket.refill(limit, now);
            bucket.left < f64::from(limit.burst.get())
                || bucket.reserved > 0.0
                || !bucket.waiting.is_empty()
        });
    }
}

impl Bucket {
    fn refill(&mut self, limit: RateLimit, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64()
            * f64::from(limit.per_second.get());
        self.left = (self.left + gained).min(f64::from(limit.burst.get()));
        self.at = now;
    }

    /// The time until one request is left.
    fn until_next(&self, limit: RateLimit) -> Duration {
        Duration::from_secs_f64((1.0 - self.left) / f64::from(limit.per_second.get()))
    }

    fn room(&self, cost: f64, limit: RateLimit) -> Room {
        // Half a request below zero is a rounding error of the arithmetic, not a charge.
        if self.left < -0.5 {
            Room::Never(self.until_next(limit))
        } else if self.reserved < 0.5 || self.left - self.reserved >= cost {
            Room::Now
        } else {
            Room::Later
        }
    }
}

/// Principals that have a bucket of their own; about 90 bytes each.
const MAX_BUCKETS: usize = 16_384;
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
