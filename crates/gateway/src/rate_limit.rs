//! Limits how many requests a principal may send.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{auth::Principal, limits::RateLimit};

/// A token bucket for each principal: its issuer and subject.
///
/// Memory is bounded: at most [`MAX_BUCKETS`] principals have their own. A bucket that is full again is dropped, and
/// principals for whom there is no room share one.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limit: Option<RateLimit>,
    hasher: RandomState,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    own: HashMap<u64, Bucket>,
    shared: Option<Bucket>,
    swept: Option<Instant>,
}

/// The requests that are left; negative after a charge.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl RateLimiter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self {
            limit,
            hasher: RandomState::new(),
            buckets: Mutex::default(),
        }
    }

    /// Takes one request from the principal's bucket.
    ///
    /// # Errors
    ///
    /// Returns how long to wait for the next.
    pub(crate) fn take(&self, principal: &Principal) -> Result<(), Duration> {
        self.with(principal, |bucket, limit| {
            if bucket.left >= 1.0 {
                bucket.left -= 1.0;
                return Ok(());
            }
            let missing = 1.0 - bucket.left;
            Err(Duration::from_secs_f64(
                missing / f64::from(limit.per_second.get()),
            ))
        })
        .unwrap_or(Ok(()))
    }

    /// Checks that the principal owes nothing: charges may have come after its request was admitted.
    ///
    /// # Errors
    ///
    /// Returns how long to wait until the debt is paid off.
    pub(crate) fn check_debt(&self, principal: &Principal) -> Result<(), Duration> {
        self.with(principal, |bucket, limit| {
            if bucket.left >= 0.0 {
                return Ok(());
            }
            Err(Duration::from_secs_f64(
                -bucket.left / f64::from(limit.per_second.get()),
            ))
        })
        .unwrap_or(Ok(()))
    }

    /// Takes `cost` more requests, for a request that costs more than others or looks like an attack. The bucket owes at most
    /// one more burst.
    pub(crate) fn charge(&self, principal: &Principal, cost: u32) {
        self.with(principal, |bucket, limit| {
            let floor = -f64::from(limit.burst.get());
            bucket.left = (bucket.left - f64::from(cost)).max(floor);
        });
    }

    fn with<T>(
        &self,
        principal: &Principal,
        act: impl FnOnce(&mut Bucket, RateLimit) -> T,
    ) -> Option<T> {
        let limit = self.limit?;
        let id = self
            .hasher
            .hash_one((&principal.issuer, &principal.subject));
        let now = Instant::now();
        let mut buckets = self.buckets.lock();
        let bucket = buckets.bucket(id, limit, now);
        bucket.refill(limit, now);
        Some(act(bucket, limit))
    }
}

impl Buckets {
    fn bucket(&mut self, id: u64, limit: RateLimit, now: Instant) -> &mut Bucket {
        let full = || Bucket {
            left: f64::from(limit.burst.get()),
            at: now,
        };
        if self.own.len() >= MAX_BUCKETS && !self.own.contains_key(&id) {
            self.sweep(limit, now);
            if self.own.len() >= MAX_BUCKETS {
                return self.shared.get_or_insert_with(full);
            }
        }
        self.own.entry(id).or_insert_with(full)
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
}

/// Principals that have a bucket of their own; about 40 bytes each.
const MAX_BUCKETS: usize = 16_384;
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(per_second: u32, burst: u32) -> RateLimiter {
        RateLimiter::new(Some(RateLimit {
            per_second: per_second.try_into().unwrap(),
            burst: burst.try_into().unwrap(),
        }))
    }

    fn principal(subject: &str) -> Principal {
        Principal {
            issuer: "i".into(),
            subject: Some(subject.into()),
            ..Principal::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_a_rate() {
        let limiter = limiter(2, 3);
        let (a, b) = (principal("a"), principal("b"));
        for _ in 0..3 {
            assert_eq!(limiter.take(&a), Ok(()));
        }
        assert_eq!(limiter.take(&a), Err(Duration::from_millis(500)));
        assert_eq!(limiter.take(&b), Ok(()), "others are not affected");
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(limiter.take(&a), Ok(()));
        assert!(limiter.take(&a).is_err());
        // No more than the burst is saved up.
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!((0..9).filter(|_| limiter.take(&a).is_ok()).count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_charge_is_paid_off_and_bounded() {
        let limiter = limiter(1, 4);
        let a = principal("a");
        assert_eq!(limiter.check_debt(&a), Ok(()));
        limiter.charge(&a, 5);
        assert_eq!(limiter.check_debt(&a), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take(&a), Err(Duration::from_secs(2)));
        limiter.charge(&a, u32::MAX);
        assert_eq!(limiter.take(&a), Err(Duration::from_secs(5)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(limiter.take(&a), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_every_principal_is_limited() {
        let limiter = limiter(1, 2);
        for n in 0..MAX_BUCKETS {
            assert_eq!(limiter.take(&principal(&n.to_string())), Ok(()));
        }
        let late: usize = (0..100)
            .filter(|n| limiter.take(&principal(&format!("late{n}"))).is_ok())
            .count();
        assert_eq!(late, 2, "those without a bucket of their own share one");
        assert_eq!(limiter.buckets.lock().own.len(), MAX_BUCKETS);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(limiter.take(&principal("later")), Ok(()));
        assert_eq!(limiter.buckets.lock().own.len(), 1);
    }

    #[test]
    fn without_a_limit_every_request_passes() {
        let limiter = RateLimiter::new(None);
        limiter.charge(&principal("a"), 1000);
        assert!((0..10_000).all(|_| limiter.take(&principal("a")).is_ok()));
    }
}
